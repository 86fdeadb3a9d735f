/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file hide.h
 * Time outside a partition's windows that its guest isn't to see (SYSTEM_PARTITION_HIDE_STOLEN).
 *
 * What is hidden is what the plan says, not what happened: vCPUs on several CPUs with the same
 * windows see the same clock. A guest's clock never goes back, though: where a window ended later
 * than the next began late, by the planned times, the difference is hidden another time.
 */
#ifndef KERNEL_HIDE_H
#define KERNEL_HIDE_H

#include <stdint.h>

struct partition;

/** Of a partition on one CPU. */
struct hide {
	struct partition *partition;
	uint64_t planned; /**< TSC at which its last window should have ended; 0: there was none */
	uint64_t actual;  /**< and when it did */
	uint64_t owed;	  /**< ticks that have yet to be hidden */
};

/** A window ends. */
void hide_begin(struct hide *hide, uint64_t planned, uint64_t actual);
/**
 * The next one begins.
 * @req KRN-107 To a VM whose configuration says so, time passes in its partition's windows only, and
 *              never back.
 */
void hide_end(struct hide *hide, uint64_t planned, uint64_t actual);

#endif
