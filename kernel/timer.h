/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file timer.h
 * One-shot timers (host.h): each run queue has its own, a binary heap ordered by deadline, so the cost
 * of arming and firing grows with the logarithm of their number only. The hardware is set to the next
 * of those that may fire now: the end of the time window, the timers of the window's run queue, and
 * those of the background where that has the CPU.
 *
 * @req KRN-035 Timers fire in the order of their deadlines, never early; one that is cancelled doesn't;
 *              call-backs that arm again for at once cannot hold the CPU.
 * @req KRN-101 A partition's timers fire in its own time only; those that became due outside of it do so
 *              when its next window begins.
 */
#ifndef KERNEL_TIMER_H
#define KERNEL_TIMER_H

#include <hypike/host.h>

struct timer_slot {
	uint64_t deadline; /**< a copy: the heap is ordered without touching the timers */
	struct host_timer *timer;
};

struct cpu;

struct timer_queue {
	struct timer_slot *heap; /**< heap[0] isn't used */
	uint32_t count, capacity;
	struct cpu *cpu; /**< on which they fire */
};

/** Give the queue its memory: `capacity` + 1 slots. */
void timer_queue_init(struct timer_queue *queue, struct cpu *cpu, struct timer_slot *heap,
		      uint32_t capacity);
/** The timer's interrupt: change windows where it is time to, and call what is due on this CPU. */
void timer_run(void);
/** The background has got the CPU: from now on its timers count. */
void timer_start_background(void);
/** Set the hardware to a time by which timer_run() is to be called, if nothing comes before. */
void timer_set(uint64_t deadline);

#endif
