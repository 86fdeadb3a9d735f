/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file trace_stream.h
 * Reads the stream that the kernel's trace channel gives (include/hypike/trace.h).
 */
#ifndef TOOLS_TRACE_STREAM_H
#define TOOLS_TRACE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hypike/system.h>
#include <hypike/trace.h>

/** A record, and where it comes from. */
struct trace_event_item {
	struct trace_record record;
	uint64_t number; /**< of the record, on its CPU, since boot */
	uint32_t cpu;
	bool gap; /**< records of this CPU right before it are lost */
};

/** All that could be read. */
struct trace_log {
	uint64_t tsc_khz, tsc_boot;
	uint32_t cpu_count, partition_count, plan_count;
	char partitions[SYSTEM_MAX_PARTITION][SYSTEM_NAME_SIZE]; /**< printable, NUL-terminated */
	char plans[SYSTEM_MAX_PLAN][SYSTEM_NAME_SIZE];
	struct trace_event_item *items; /**< by time; those of one CPU in the order of their numbers */
	size_t count;
	uint64_t lost[SYSTEM_MAX_CPU]; /**< records that the ring or the line has lost, by CPU */
	uint64_t bad_bytes;	       /**< bytes of the stream that are no part of a whole block */
};

/**
 * Read a stream. Damaged and cut pieces are left out and counted; what follows them is read.
 *
 * @param log  filled in when true is returned; trace_free() when done.
 * @param why  when false is returned: what is wrong with the stream's head, without which nothing
 *             can be made of the rest.
 *
 * @req TOOL-201 Whatever bytes a stream has, reading it neither fails nor hangs; blocks whose checksum
 *               is right are all read, and what is lost is counted.
 */
bool trace_parse(const uint8_t *bytes, size_t size, struct trace_log *log, const char **why);
void trace_free(struct trace_log *log);

/** @return nanoseconds since boot; negative before it. */
int64_t trace_ns(const struct trace_log *log, uint64_t tsc);
/** @return a length of time in nanoseconds. */
int64_t trace_ticks_ns(const struct trace_log *log, int64_t ticks);

#endif
