/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file monitor.h
 * The partition's monitor: what the initialisation's thread becomes with mode NORMAL. More urgent than
 * all processes, it ends delays and time-outs, releases periodic processes, and sees missed deadlines
 * and the kernel's faults.
 */
#ifndef LIB_ARINC653_MONITOR_H
#define LIB_ARINC653_MONITOR_H

#include "lib/arinc653/process_table.h"

#define MONITOR_THREAD 0u /**< the program's first */

/** Bits of the monitor's notification word. */
#define MONITOR_LOOK  (UINT64_C(1) << 0) /**< something earlier than what it sleeps for */
#define MONITOR_FAULT (UINT64_C(1) << 1) /**< the kernel has a fault of ours */

/** Never returns; the guard is free. */
_Noreturn void monitor_run(void);
/** There is something to see at `time`. Under the guard. */
void monitor_expect(uint64_t time);
/** Set the deadline of a process (or NEVER), and watch it. Under the guard. */
void monitor_deadline(struct process *process, uint64_t deadline);

#endif
