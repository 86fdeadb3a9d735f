/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file timer.h
 * Each CPU's one-shot timers (host.h), a binary heap ordered by deadline: the cost of arming and
 * firing grows with the logarithm of their number only.
 *
 * @req KRN-035 Timers fire in the order of their deadlines, never early; one that is cancelled doesn't;
 *              call-backs that arm again for at once cannot hold the CPU.
 */
#ifndef KERNEL_TIMER_H
#define KERNEL_TIMER_H

#include <hypike/host.h>

struct timer_slot {
	uint64_t deadline; /**< a copy: the heap is ordered without touching the timers */
	struct host_timer *timer;
};

struct timer_queue {
	struct timer_slot *heap; /**< heap[0] isn't used */
	uint32_t count, capacity;
	uint64_t armed; /**< deadline that the hardware has; UINT64_MAX: none */
};

/** Give the queue its memory: `capacity` + 1 slots. */
void timer_queue_init(struct timer_queue *queue, struct timer_slot *heap, uint32_t capacity);
/** Call what is due on this CPU. */
void timer_run(void);

#endif
