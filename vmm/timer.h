/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file timer.h
 * Timers of the devices: a heap by deadline, run by the event thread. All calls are made with the
 * device lock held. Times are platform_time() nanoseconds.
 */
#ifndef VMM_TIMER_H
#define VMM_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#define TIMER_MAX 64u

struct timer;
struct timer_queue;

struct timer {
	void (*fire)(struct timer *timer); /**< may arm the timer again */
	struct timer_queue *queue;
	uint64_t deadline;
	uint32_t place; /**< in the heap, from 1; 0: not armed */
};

struct timer_queue {
	void (*sooner)(void *ctx); /**< the first deadline has come nearer: whoever sleeps, wake */
	void *ctx;
	uint32_t count;
	struct timer *heap[TIMER_MAX];
};

/** Make a timer known to its queue. At most TIMER_MAX timers may be armed at the same time. */
static inline void timer_init(struct timer *timer, struct timer_queue *queue,
			      void (*fire)(struct timer *))
{
	*timer = (struct timer){.fire = fire, .queue = queue};
}

static inline bool timer_armed(const struct timer *timer)
{
	return timer->place != 0;
}

/** Fire at `deadline`, whatever was set before. */
void timer_arm(struct timer *timer, uint64_t deadline);
/** Don't fire. */
void timer_cancel(struct timer *timer);
/** When the next timer fires; UINT64_MAX where none is armed. */
uint64_t timer_next(const struct timer_queue *queue);
/** Fire every timer whose deadline is not later than `now`, in their order. */
void timer_run(struct timer_queue *queue, uint64_t now);

#endif
