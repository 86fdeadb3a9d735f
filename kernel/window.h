/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file window.h
 * Time windows (ARINC 653 part 1, 2.3.1): each CPU goes through the windows of the present plan, frame
 * by frame, from an absolute start.
 *
 * Times are nanoseconds since boot, added up exactly; each is turned into a TSC value by itself. So
 * nothing drifts, and all CPUs agree about every boundary without talking to each other.
 *
 * @req KRN-090 Whatever a partition does, on the same CPU or on another: it delays another's window by no
 *              more than the longest path in which the kernel takes no interrupt.
 * @req KRN-100 A window begins at the plan's start plus whole frames plus its offset, for ever; one that
 *              began late, or a thread that doesn't stop, moves none that follow.
 * @req KRN-103 A plan switch takes effect on all CPUs at the end of the same major frame.
 */
#ifndef KERNEL_WINDOW_H
#define KERNEL_WINDOW_H

#include <hypike/sys.h>
#include <hypike/system.h>

#include "lib/system_image.h"

struct partition;
struct runq;

/** A window, or a gap between two; a plan's slots of one CPU fill the frame. */
struct window_slot {
	uint64_t start, end; /**< nanoseconds from the frame's start */
	struct runq *runq;   /**< the partition's, or the background's */
	uint32_t index;	     /**< in the image's table of windows; SYSTEM_NONE: a gap */
	uint32_t partition;  /**< SYSTEM_NONE: a gap */
};

/** Where a CPU is in its plan. */
struct window_state {
	uint64_t end;			/**< TSC at which the slot ends; UINT64_MAX: no plan */
	const struct window_slot *slot; /**< the present one */
	const struct window_slot *last; /**< of this frame */
	uint64_t frame, next_frame;	/**< when they begin, in nanoseconds */
	uint64_t count;			/**< windows that have begun */
	uint64_t worst, worst_start;	/**< ticks by which one began late, at the most; that one */
};

/** Take over the plans; all partitions and CPUs are there. Boot only. */
void window_init(const struct system_image *image);
/** Begin the first frame on all CPUs, soon. */
void window_start(void);
/** The present slot of this CPU is over: go to the one that should be on. Called by timer_run(). */
void window_advance(void);

/**
 * Switch plans at the end of the present major frame; a later request replaces one that waits.
 * From any CPU. @return HV_E_NOENT: no such plan
 */
hv_status_t window_request_plan(uint32_t plan);
/** What a thread of the partition on this CPU may know about the plan. */
void window_status(const struct partition *partition, struct hypike_plan_status *status);

/** Say how late windows were (option `latency`). */
void window_report(void);

#endif
