/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file test-timer.c
 * The heap of timers against a plain array.
 *
 * @verifies KRN-035
 */
#include "tests/unit/kernel/process.h"

#include <string.h>

#include "kernel/cpu.h"

#define TIMERS 40u

struct probe {
	struct host_timer timer;
	uint64_t expected; /* deadline; 0: not armed */
	unsigned int fired;
};

static struct probe probes[TIMERS];
static uint64_t last_fired;
static unsigned int rearm; /* how many call-backs may arm again */

static void fire(struct host_timer *timer)
{
	struct probe *probe = (struct probe *)timer;

	assert_true(probe->expected != 0 && probe->expected <= process_tsc);
	assert_int_equal(probe->expected, timer->deadline);
	assert_true(timer->deadline >= last_fired);
	last_fired = timer->deadline;
	probe->expected = 0;
	probe->fired++;
	if (rearm > 0) {
		rearm--;
		probe->expected = process_tsc + 1 + random_below(50);
		host_timer_arm(timer, probe->expected);
	}
}

static void reset(void)
{
	static struct timer_slot heap[TIMERS + 1];

	memset(probes, 0, sizeof(probes));
	memset(&process_cpu, 0, sizeof(process_cpu));
	process_cpu.sched.runq = &process_cpu.sched.common;
	process_cpu.timers = &process_cpu.sched.common.timers;
	process_cpu.timer_armed = process_cpu.window.end = UINT64_MAX;
	timer_queue_init(process_cpu.timers, &process_cpu, heap, TIMERS);
	for (unsigned int i = 0; i < TIMERS; i++)
		probes[i].timer.fire = fire;
	process_tsc = 1000;
	process_armed = UINT64_MAX;
}

static void check(void)
{
	const struct timer_queue *queue = process_cpu.timers;
	uint64_t first = UINT64_MAX;
	uint32_t armed = 0;

	for (unsigned int i = 0; i < TIMERS; i++)
		if (probes[i].expected != 0) {
			armed++;
			if (probes[i].expected < first)
				first = probes[i].expected;
		}
	assert_int_equal(queue->count, armed);
	for (uint32_t i = 2; i <= queue->count; i++)
		assert_true(queue->heap[i / 2].deadline <= queue->heap[i].deadline);
	/* Something will make us look before the first is due. */
	if (armed != 0)
		assert_true(process_armed <= first || (process_cpu.work & WORK_TIMER) != 0);
}

static void pass_time(uint64_t ticks)
{
	process_tsc += ticks;
	last_fired = 0;
	if (process_armed <= process_tsc || (process_cpu.work & WORK_TIMER) != 0) {
		process_armed = UINT64_MAX;
		timer_run();
	}
	for (unsigned int i = 0; i < TIMERS; i++)
		assert_true(probes[i].expected == 0 || probes[i].expected > process_tsc);
}

static void random_order(void **state)
{
	(void)state;
	reset();
	random_seed(3);
	for (unsigned int round = 0; round < 100000; round++) {
		struct probe *probe = &probes[random_below(TIMERS)];

		switch (random_below(4)) {
		case 0:
		case 1:
			/* Sometimes in the past. */
			probe->expected = process_tsc - 20 + random_below(300);
			host_timer_arm(&probe->timer, probe->expected);
			break;
		case 2:
			probe->expected = 0;
			host_timer_cancel(&probe->timer);
			break;
		default:
			rearm = (unsigned int)random_below(3);
			pass_time(random_below(40));
		}
		check();
	}
	for (unsigned int i = 0; i < TIMERS; i++)
		assert_true(probes[i].fired > 100);
}

/* A call-back that always wants to be called at once must not keep the CPU. */
static unsigned int greedy_calls;

static void greedy(struct host_timer *timer)
{
	greedy_calls++;
	host_timer_arm(timer, 0);
}

static void bounded(void **state)
{
	(void)state;
	reset();
	for (unsigned int i = 0; i < TIMERS; i++) {
		probes[i].timer.fire = greedy;
		host_timer_arm(&probes[i].timer, 0);
	}
	timer_run();
	assert_int_equal(greedy_calls, TIMERS);
	assert_true((process_cpu.work & WORK_TIMER) != 0);
}

static void cancel_is_idempotent(void **state)
{
	(void)state;
	reset();
	host_timer_cancel(&probes[0].timer);
	probes[0].expected = 5000;
	host_timer_arm(&probes[0].timer, 5000);
	host_timer_cancel(&probes[0].timer);
	host_timer_cancel(&probes[0].timer);
	probes[0].expected = 0;
	pass_time(10000);
	assert_int_equal(probes[0].fired, 0);
	check();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_order),
		cmocka_unit_test(bounded),
		cmocka_unit_test(cancel_is_idempotent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
