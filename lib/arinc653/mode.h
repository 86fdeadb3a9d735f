/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file mode.h
 * The partition's operating mode, and its time as the plan has it.
 */
#ifndef LIB_ARINC653_MODE_H
#define LIB_ARINC653_MODE_H

#include <arinc653/partition.h>

#include "lib/arinc653/process_table.h"

/** The present mode: COLD_START or WARM_START until the program has asked for NORMAL. */
OPERATING_MODE_TYPE mode_now(void);
/** @return the time between the partition's release windows, or 0: it has none. */
SYSTEM_TIME_TYPE mode_partition_period(void);
/** @return when the partition's next period begins; the present time where it has none. */
uint64_t mode_next_release(void);
/**
 * A process that was started gets its first release: `now`, or `release` if it is periodic, and its
 * delay later. Under the guard.
 */
void mode_release(struct process *process, uint64_t now, uint64_t release);

/** @return whether the stack size is valid; it is made a multiple of STACK_GRAIN, or the default of 0. */
bool process_stack_size(STACK_SIZE_TYPE *size);

#endif
