/* SPDX-License-Identifier: BSD-2-Clause */
/* A binary heap of pointers; places count from 1, so a parent is at n / 2. */
#include "vmm/timer.h"

#include <stddef.h>

#include "vmm/check.h"

static struct timer **slot(struct timer_queue *queue, uint32_t place)
{
	return &queue->heap[place - 1];
}

static void put(struct timer_queue *queue, uint32_t place, struct timer *timer)
{
	*slot(queue, place) = timer;
	timer->place = place;
}

static void sift_up(struct timer_queue *queue, struct timer *timer, uint32_t place)
{
	while (place > 1 && (*slot(queue, place / 2))->deadline > timer->deadline) {
		put(queue, place, *slot(queue, place / 2));
		place /= 2;
	}
	put(queue, place, timer);
}

static void sift_down(struct timer_queue *queue, struct timer *timer, uint32_t place)
{
	for (;;) {
		uint32_t child = 2 * place;
		if (child > queue->count)
			break;
		if (child < queue->count &&
		    (*slot(queue, child + 1))->deadline < (*slot(queue, child))->deadline)
			child++;
		if ((*slot(queue, child))->deadline >= timer->deadline)
			break;
		put(queue, place, *slot(queue, child));
		place = child;
	}
	put(queue, place, timer);
}

/** Does the heap know this timer, and nothing that fires after it above it? */
static inline bool heap_holds(struct timer_queue *queue, const struct timer *timer)
{
	uint32_t place = timer->place;

	return place >= 1 && place <= queue->count && *slot(queue, place) == timer &&
	       (place == 1 || (*slot(queue, place / 2))->deadline <= timer->deadline);
}

void timer_cancel(struct timer *timer)
{
	struct timer_queue *queue = timer->queue;
	uint32_t place = timer->place;

	if (place == 0)
		return;
	VMM_CHECK(heap_holds(queue, timer));
	struct timer *last = *slot(queue, queue->count);
	queue->count--;
	timer->place = 0;
	if (last == timer)
		return;
	if (place > 1 && (*slot(queue, place / 2))->deadline > last->deadline)
		sift_up(queue, last, place);
	else
		sift_down(queue, last, place);
}

void timer_arm(struct timer *timer, uint64_t deadline)
{
	struct timer_queue *queue = timer->queue;
	uint64_t first = timer_next(queue);

	timer_cancel(timer);
	if (queue->count == TIMER_MAX)
		return; /* the machine has fewer timers than that */
	timer->deadline = deadline;
	sift_up(queue, timer, ++queue->count);
	VMM_CHECK(heap_holds(queue, timer));
	if (deadline < first && queue->sooner)
		queue->sooner(queue->ctx);
}

uint64_t timer_next(const struct timer_queue *queue)
{
	return queue->count ? queue->heap[0]->deadline : UINT64_MAX;
}

void timer_run(struct timer_queue *queue, uint64_t now)
{
	/* A timer that arms itself in the past fires again, but not for ever. */
	for (unsigned int i = 0; i < 4 * TIMER_MAX && timer_next(queue) <= now; i++) {
		struct timer *timer = queue->heap[0];
		timer_cancel(timer);
		timer->fire(timer);
	}
}
