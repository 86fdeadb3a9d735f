/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file trace_out.h
 * How the trace leaves the machine: by COM2, in idle time and at the end.
 *
 * @req KRN-201 With the option `trace`, all that the rings still hold when the machine ends has gone
 *              to COM2, after a panic too; what was overwritten before shows as a gap in the numbers.
 */
#ifndef KERNEL_TRACE_OUT_H
#define KERNEL_TRACE_OUT_H

#include <stdbool.h>

#include "lib/system_image.h"

/** Begin the stream, where the option asks for it and the machine has the port. Boot only. */
void trace_out_init(const struct system_image *image);
/** Write a little, with interrupts off. @return false where this CPU has nothing to write. */
bool trace_out_step(void);
/** Write everything. The other CPUs have been stopped outside of trace_out_step(). */
void trace_out_finish(void);
/** Write what can be written. The other CPUs have been stopped wherever they were. */
void trace_out_panic(void);

#endif
