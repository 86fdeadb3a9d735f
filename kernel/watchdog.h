/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file watchdog.h
 * A partition that uses time without a sign of life hangs. Its own time counts only: being kept from the
 * CPU, or having nothing to do, is no hang.
 */
#ifndef KERNEL_WATCHDOG_H
#define KERNEL_WATCHDOG_H

#include "kernel/partition.h"

/** Begin to watch; on the partition's first CPU, by its own thread. */
void watchdog_begin(struct partition *partition);
/** A sign of life. */
void watchdog_alive(struct partition *partition);
/** This CPU goes from a thread of one to a thread of the other; each may be NULL. */
void watchdog_count(struct partition *from, struct partition *to);

/**
 * The same, for those that aren't watched.
 * @req KRN-075 A partition that uses its watchdog's time on its CPUs without a sign of life is reported as
 *              hanging.
 */
static inline void watchdog_switch(struct partition *from, struct partition *to)
{
	if (from != to && ((from != NULL && from->watchdog.limit != 0) ||
			   (to != NULL && to->watchdog.limit != 0)))
		watchdog_count(from, to);
}

#endif
