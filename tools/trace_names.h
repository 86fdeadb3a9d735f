/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file trace_names.h
 * What trace records say, in words: each event's name and the names and kinds of its values. The one
 * table from which text, JSON and CTF are made.
 */
#ifndef TOOLS_TRACE_NAMES_H
#define TOOLS_TRACE_NAMES_H

#include "tools/trace_stream.h"

/** Where a value is in the record. */
enum trace_source {
	TRACE_FROM_NOWHERE, /**< there is no such value */
	TRACE_FROM_A,
	TRACE_FROM_A_HIGH, /**< upper half */
	TRACE_FROM_A_LOW,
	TRACE_FROM_B,
};

/** What it is. */
enum trace_kind {
	TRACE_KIND_NUMBER,
	TRACE_KIND_HEX,
	TRACE_KIND_TIME,   /**< a TSC value */
	TRACE_KIND_TICKS,  /**< a length of time */
	TRACE_KIND_EXIT,   /**< enum hv_exit_kind */
	TRACE_KIND_STATE,  /**< enum hypike_state */
	TRACE_KIND_ERROR,  /**< enum system_error */
	TRACE_KIND_ACTION, /**< enum system_action */
	TRACE_KIND_PLAN,
	TRACE_KIND_INDEX, /**< UINT32_MAX: none */
	TRACE_KINDS,
};

#define TRACE_MAX_FIELDS 3u

struct trace_field {
	const char *name;
	enum trace_source source;
	enum trace_kind kind;
};

/** An event's name and values. */
struct trace_shape {
	const char *name;
	struct trace_field fields[TRACE_MAX_FIELDS];
};

/** @return that of any number; unknown events have both values as they are. */
const struct trace_shape *trace_shape(uint32_t event);
/** @return the value of a field of the record. */
uint64_t trace_value(const struct trace_record *record, const struct trace_field *field);
/** @return the names that values of a kind have, NULL where a number has none; *count: how many. */
const char *const *trace_words(enum trace_kind kind, uint32_t *count);
/** @return the value's word, or NULL. */
const char *trace_word(const struct trace_log *log, const struct trace_field *field, uint64_t value);
/** @return the partition's name; "-" for none, "?" where the stream doesn't name it. */
const char *trace_partition_name(const struct trace_log *log, uint32_t partition);

#endif
