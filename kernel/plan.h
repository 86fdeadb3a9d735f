/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file plan.h
 * The plans of the system image, prepared at boot so that window.c only has to step through tables:
 * for each CPU its windows and the gaps between them, for each partition its share.
 */
#ifndef KERNEL_PLAN_H
#define KERNEL_PLAN_H

#include "kernel/window.h"

/** What a partition has of a plan. */
struct plan_share {
	const uint64_t *release; /**< its release points, nanoseconds from the frame's start, rising */
	uint32_t releases;
	uint64_t period;   /**< their distance, where it is always the same; else 0 */
	uint64_t duration; /**< of its windows in a period, on the CPU where it has most */
};

extern uint32_t plan_count;

/**
 * Prepare the plans of a checked image. Boot only.
 * @req KRN-105 A plan with a window on a CPU that isn't there is refused by name.
 */
void plan_init(const struct system_image *image);
const char *plan_name(uint32_t plan);
/** Length of the major frame, in nanoseconds. */
uint64_t plan_frame(uint32_t plan);
/** CPUs on which the plan has windows. */
uint32_t plan_cpus(uint32_t plan);
/** @return the first of the CPU's slots, and the last: together they are the frame */
const struct window_slot *plan_slots(uint32_t plan, uint32_t cpu, const struct window_slot **last);
const struct plan_share *plan_share(uint32_t plan, uint32_t partition);

#endif
