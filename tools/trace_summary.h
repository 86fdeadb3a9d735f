/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file trace_summary.h
 * A trace in a few figures for each partition and CPU.
 */
#ifndef TOOLS_TRACE_SUMMARY_H
#define TOOLS_TRACE_SUMMARY_H

#include <stdio.h>

#include <hypike/hv.h>

#include "tools/trace_stream.h"

/** Of one partition. */
struct trace_figures {
	int64_t run_ns;	   /**< that its threads had a CPU */
	int64_t window_ns; /**< of its windows */
	int64_t latest_ns; /**< that a window of its began behind the plan, at the most */
	uint64_t events[TRACE_EVENTS];
	uint64_t exits[HV_EXIT_KINDS];
	uint64_t bytes_written, bytes_read; /**< by ports */
	uint64_t restarts;
};

struct trace_summary {
	int64_t length_ns; /**< from the first record to the last */
	struct trace_figures partitions[SYSTEM_MAX_PARTITION];
	int64_t idle_ns[SYSTEM_MAX_CPU];
	uint64_t interrupts[SYSTEM_MAX_CPU];
	uint64_t records[SYSTEM_MAX_CPU];
};

void trace_summary_make(const struct trace_log *log, struct trace_summary *summary);
void trace_summary_text(const struct trace_summary *summary, const struct trace_log *log, FILE *out);
void trace_summary_json(const struct trace_summary *summary, const struct trace_log *log, FILE *out);

#endif
