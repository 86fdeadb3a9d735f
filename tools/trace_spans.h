/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file trace_spans.h
 * From moments to lengths of time: which window was on, and which thread ran.
 */
#ifndef TOOLS_TRACE_SPANS_H
#define TOOLS_TRACE_SPANS_H

#include "tools/trace_stream.h"

/** Something that lasted. */
struct trace_span {
	uint64_t begin, end; /**< TSC */
	uint64_t planned;    /**< windows: when it should have begun */
	uint32_t cpu;
	uint32_t partition; /**< or TRACE_NO_PARTITION: a thread of the kernel, the idle one */
	uint32_t index;	    /**< of the window in the system image, or of the thread */
	uint32_t priority;  /**< threads */
	bool cut;	    /**< it went on when records were lost, or the trace ended */
};

struct trace_span_list {
	struct trace_span *span;
	size_t count;
};

struct trace_spans {
	struct trace_span_list windows, runs; /**< each by its end */
};

/** Make them of a log. What was on while records are lost is not known, and in no span. */
void trace_spans_make(const struct trace_log *log, struct trace_spans *spans);
void trace_spans_free(struct trace_spans *spans);

/** Jitter of a window's start in nanoseconds; negative: too early. */
int64_t trace_span_late(const struct trace_log *log, const struct trace_span *window);

#endif
