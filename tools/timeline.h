/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file timeline.h
 * A trace as a picture: who had which CPU, over time.
 */
#ifndef TOOLS_TIMELINE_H
#define TOOLS_TIMELINE_H

#include <stdio.h>

#include "tools/trace_stream.h"

/**
 * A page for a browser, with everything in it.
 *
 * @req TOOL-203 The timeline is one file that needs no network; it shows windows, threads and events of
 *               each CPU and partition, and for a window its jitter, exits and messages.
 */
void timeline_html(const struct trace_log *log, const char *title, FILE *out);

/** A picture of a piece of time, given in nanoseconds since boot, for a document. */
void timeline_svg(const struct trace_log *log, int64_t from, int64_t to, FILE *out);

#endif
