/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file exit_trace.h
 * Exits as the VMM sees them, a line each on the console, for comparing back ends (--trace-exits):
 *
 *     exit port r2 cf8 80000000
 *     exit memory w4 fec00010 10000
 *     exit hypercall 1
 *
 * An access to memory is what reaches the bus, whoever emulates the instruction. Left out is what comes when
 * it comes: kicks, windows, the end of level-triggered interrupts; and writes to the debug console at E9h,
 * which is where a guest says meanwhile what it does.
 */
#ifndef VMM_EXIT_TRACE_H
#define VMM_EXIT_TRACE_H

#include "vmm/vm.h"

/** From now on, instead of other custom handlers. Before vm_run(). */
void exit_trace_start(struct vm *vm);

#endif
