/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file trace_output.h
 * The forms that `hypike trace` gives a trace.
 */
#ifndef TOOLS_TRACE_OUTPUT_H
#define TOOLS_TRACE_OUTPUT_H

#include <stdio.h>

#include "tools/trace_stream.h"

/** A line an event. */
void trace_write_text(const struct trace_log *log, FILE *out);
/** Trace Event Format, which Perfetto and Chrome's about:tracing read. */
void trace_write_json(const struct trace_log *log, FILE *out);
/**
 * A CTF 1.8 trace, which babeltrace2 reads: `metadata`, and a stream for each CPU.
 * @param directory made where it isn't there
 * @return false after report().
 */
bool trace_write_ctf(const struct trace_log *log, const char *directory);

/** What was lost on the way, for a person. Nothing where nothing was. */
void trace_write_losses(const struct trace_log *log, FILE *out);

/** A text in quotes, for JSON. */
void trace_write_string(const char *text, FILE *out);

#endif
