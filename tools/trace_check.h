/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file trace_check.h
 * Compares what ran with the plan.
 */
#ifndef TOOLS_TRACE_CHECK_H
#define TOOLS_TRACE_CHECK_H

#include <stdio.h>

#include "lib/system_image.h"
#include "tools/trace_stream.h"

#define TRACE_BOUND_DEFAULT INT64_C(100000) /**< nanoseconds that a window may begin late */

/** How late one window of the plan began. */
struct trace_jitter {
	uint64_t count;
	int64_t least, most; /**< nanoseconds */
	double sum;
};

#define TRACE_BUCKETS 13u

/** What came out. */
struct trace_verdict {
	int64_t bound;
	uint64_t frames, switches, missing, violations;
	struct trace_jitter all;
	struct trace_jitter *windows; /**< by their number in the image */
	uint32_t window_count;
	uint64_t histogram[TRACE_BUCKETS];
	char **messages; /**< of the first violations */
	size_t message_count;
};

/**
 * Go through all frames that the trace has as a whole; where records are lost, the rest of a frame
 * is left out, and it goes on with the next.
 *
 * @return false where the trace is of another system: `why` says so.
 *
 * @req TOOL-202 A window that begins outside the bound, is missing, has another partition or place than
 *               in the plan, or is overrun, and a frame that drifts or is missing, is a violation.
 */
bool trace_check(const struct trace_log *log, const struct system_image *image, int64_t bound,
		 struct trace_verdict *verdict, const char **why);
void trace_verdict_free(struct trace_verdict *verdict);

/** The upper end of a bucket of the histogram in nanoseconds; INT64_MAX: the last. */
int64_t trace_bucket_end(unsigned bucket);

void trace_verdict_text(const struct trace_verdict *verdict, const struct trace_log *log,
			const struct system_image *image, FILE *out);
void trace_verdict_json(const struct trace_verdict *verdict, const struct trace_log *log, FILE *out);

#endif
