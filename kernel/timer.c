/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/timer.h"

#include "kernel/apic.h"
#include "kernel/assert.h"
#include "kernel/cpu.h"
#include "kernel/smp.h"
#include "kernel/trace.h"
#include "kernel/window.h"

#define ROOT 1u

/* host_timer.opaque[0]: where in the heap the timer is; 0: not armed. [1]: the queue. */
static uint32_t place_of(const struct host_timer *timer)
{
	return (uint32_t)(uintptr_t)timer->opaque[0];
}

static void put(struct timer_queue *queue, uint32_t place, struct timer_slot slot)
{
	queue->heap[place] = slot;
	slot.timer->opaque[0] = (void *)(uintptr_t)place;
	slot.timer->opaque[1] = queue;
}

static uint32_t rise(struct timer_queue *queue, uint32_t place, uint64_t deadline)
{
	for (; place > ROOT && queue->heap[place / 2].deadline > deadline; place /= 2)
		put(queue, place, queue->heap[place / 2]);
	return place;
}

static uint32_t sink(struct timer_queue *queue, uint32_t place, uint64_t deadline)
{
	for (;;) {
		uint32_t child = 2 * place;

		if (child < queue->count &&
		    queue->heap[child + 1].deadline < queue->heap[child].deadline)
			child++;
		if (child > queue->count || queue->heap[child].deadline >= deadline)
			return place;
		put(queue, place, queue->heap[child]);
		place = child;
	}
}

/* Put a slot in at a place that is free, up or down from there. */
static void settle(struct timer_queue *queue, uint32_t place, struct timer_slot slot)
{
	place = rise(queue, place, slot.deadline);
	put(queue, sink(queue, place, slot.deadline), slot);
}

static void take_out(struct timer_queue *queue, struct host_timer *timer)
{
	uint32_t place = place_of(timer);
	struct timer_slot last = queue->heap[queue->count--];

	timer->opaque[0] = NULL;
	if (last.timer != timer)
		settle(queue, place, last);
}

static uint64_t first_of(const struct timer_queue *queue)
{
	return queue->count != 0 ? queue->heap[ROOT].deadline : UINT64_MAX;
}

/* A timer that fires early only looks again, so the hardware is never set later. */
void timer_set(uint64_t deadline)
{
	struct cpu *cpu = cpu_self();

	if (deadline < cpu->timer_armed) {
		cpu->timer_armed = deadline;
		apic_timer_arm(deadline);
	}
}

void timer_queue_init(struct timer_queue *queue, struct cpu *cpu, struct timer_slot *heap,
		      uint32_t capacity)
{
	*queue = (struct timer_queue){.heap = heap, .capacity = capacity, .cpu = cpu};
}

static void cancel_here(void *arg)
{
	struct host_timer *timer = arg;

	if (place_of(timer) != 0)
		take_out(timer->opaque[1], timer);
}

void host_timer_cancel(struct host_timer *timer)
{
	struct timer_queue *queue = timer->opaque[1];

	if (place_of(timer) == 0)
		return;
	if (queue->cpu == cpu_self())
		cancel_here(timer);
	else
		smp_call(queue->cpu, cancel_here, timer);
}

void host_timer_arm(struct host_timer *timer, uint64_t deadline)
{
	struct cpu *cpu = cpu_self();
	struct timer_queue *queue = cpu->timers;
	struct timer_slot slot = {deadline, timer};

	if (timer->opaque[1] != queue)
		host_timer_cancel(timer);
	timer->deadline = deadline;
	if (place_of(timer) != 0)
		settle(queue, place_of(timer), slot);
	else if (queue->count < queue->capacity)
		settle(queue, ++queue->count, slot);
	else
		host_panic("CPU %u has more than %u timers", cpu->index, queue->capacity);
	if (deadline <= host_tsc())
		cpu->work |= WORK_TIMER;
	else
		timer_set(first_of(queue));
}

/*
 * Call-backs may arm again for at once: no more rounds than there are timers now. And none goes off when
 * the window is over, lest a crowd of them delays the next.
 */
static void run_due(struct cpu *cpu, struct timer_queue *queue)
{
	struct timer_queue *before = cpu->timers;

	cpu->timers = queue;
	for (uint32_t i = queue->count; i > 0 && queue->count != 0; i--) {
		struct host_timer *timer = queue->heap[ROOT].timer;
		uint64_t now = host_tsc();

		if (timer->deadline > now || now >= cpu->window.end)
			break;
		take_out(queue, timer);
		trace(TRACE_TIMER, TRACE_NO_PARTITION, timer->deadline, 0);
		timer->fire(timer);
	}
	cpu->timers = before;
	timer_set(first_of(queue));
}

void timer_run(void)
{
	struct cpu *cpu = cpu_self();
	struct sched *sched = &cpu->sched;

	cpu->work &= ~WORK_TIMER;
	cpu->timer_armed = UINT64_MAX;
	if (cpu->window.end <= host_tsc())
		window_advance();
	timer_set(cpu->window.end);
	run_due(cpu, &sched->runq->timers);
	sched->background = runq_empty(sched->runq) || sched->runq == &sched->common;
	if (sched->background && sched->runq != &sched->common)
		run_due(cpu, &sched->common.timers);
	sched_check_turn();
}

void timer_start_background(void)
{
	struct cpu *cpu = cpu_self();
	uint64_t first = first_of(&cpu->sched.common.timers);

	cpu->sched.background = true;
	if (first <= host_tsc())
		cpu->work |= WORK_TIMER;
	else
		timer_set(first);
}
