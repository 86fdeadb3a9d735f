/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads that others stop, suspend and resume, whatever they are doing, on the same CPU and on
 * another.
 * @verifies KRN-036
 */
#include "lib/hypike/program.h"
#include "lib/hypike/syscall.h"
#include "tests/system/native/check.h"

static uint32_t my_priority;
static uint32_t count;
static uint32_t word_to_wait_for;

static void work(void *arg)
{
	(void)arg;
	for (;;)
		__atomic_fetch_add(&count, 1, __ATOMIC_SEQ_CST);
}

static void sleep_futex(void *arg)
{
	(void)arg;
	store(&count, 1);
	hypike_futex_wait(&word_to_wait_for, 0, HYPIKE_FOREVER);
	store(&count, 2);
	hypike_thread_exit();
}

static void sleep_bits(void *arg)
{
	uint64_t bits;

	(void)arg;
	for (uint32_t i = 1;; i++) {
		store(&count, i);
		hypike_wait(1, HYPIKE_FOREVER, &bits);
	}
}

static void tick(void *arg)
{
	(void)arg;
	for (;;) {
		__atomic_fetch_add(&count, 1, __ATOMIC_SEQ_CST);
		sleep_ms(1);
	}
}

static bool stands_still(uint64_t ms)
{
	uint32_t before = load(&count);

	sleep_ms(ms);
	return load(&count) == before;
}

static bool moves(void)
{
	return wait_for(&count, load(&count) + 3);
}

static hypike_thread_t start(void (*entry)(void *), uint32_t cpu)
{
	hypike_thread_t thread;

	store(&count, 0);
	thread = spawn(entry, NULL, my_priority - 1, cpu);
	wait_for(&count, 1);
	return thread;
}

/* ---- suspending ---- */

static void test_suspend_running(uint32_t cpu)
{
	hypike_thread_t thread = start(work, cpu);

	check(hypike_thread_suspend(thread) == HV_OK && stands_still(3),
	      "CPU %u: one that computes stands still once suspended", cpu);
	check(hypike_thread_suspend(thread) == HV_OK && hypike_thread_resume(thread) == HV_OK &&
		      moves(),
	      "CPU %u: suspended twice, one call resumes it", cpu);
	check(hypike_thread_stop(thread) == HV_OK && stands_still(3),
	      "CPU %u: one that computes stands still once stopped", cpu);
	check(hypike_thread_resume(thread) == HV_E_NOENT, "CPU %u: and is no more", cpu);
}

static void test_suspend_waiting(uint32_t cpu)
{
	hypike_thread_t thread = start(sleep_futex, cpu);

	hypike_thread_suspend(thread);
	hypike_futex_wake(&word_to_wait_for, 1);
	sleep_ms(2);
	check(load(&count) == 1, "CPU %u: one that was woken while suspended doesn't run", cpu);
	hypike_thread_resume(thread);
	check(wait_for(&count, 2), "CPU %u: it does once resumed", cpu);
}

static void test_suspend_bits(uint32_t cpu)
{
	hypike_thread_t thread = start(sleep_bits, cpu);

	hypike_thread_suspend(thread);
	hypike_notify(thread, 1);
	sleep_ms(2);
	check(load(&count) == 1, "CPU %u: the same for notifications", cpu);
	hypike_thread_resume(thread);
	check(wait_for(&count, 2), "CPU %u: none is lost", cpu);
	check(hypike_thread_stop(thread) == HV_OK &&
		      hypike_notify(thread, 1) == HV_E_NOENT,
	      "CPU %u: one that waits for bits is stopped", cpu);
}

static void test_priority(uint32_t cpu)
{
	hypike_thread_t thread = start(tick, cpu);

	hypike_thread_suspend(thread);
	check(hypike_thread_priority(thread, my_priority - 2) == HV_OK && stands_still(3),
	      "CPU %u: a new priority doesn't resume it", cpu);
	hypike_thread_resume(thread);
	check(moves(), "CPU %u: it runs at its new priority", cpu);
	check(hypike_thread_stop(thread) == HV_OK && stands_still(3),
	      "CPU %u: one that sleeps for a time is stopped, its timer too", cpu);
}

/* ---- stopping ---- */

static void test_stop_suspended(uint32_t cpu)
{
	hypike_thread_t thread = start(work, cpu);

	hypike_thread_suspend(thread);
	check(hypike_thread_stop(thread) == HV_OK && hypike_thread_stop(thread) == HV_E_NOENT,
	      "CPU %u: a suspended one is stopped", cpu);
}

/* More often than there are slots, and the place is free at once. */
static void test_slots(uint32_t cpu)
{
	static char stack[1024] __attribute__((aligned(16)));
	uint32_t i;

	for (i = 0; i < 100; i++) {
		hypike_thread_t thread;

		if (hypike_thread_create(work, NULL, stack, sizeof(stack), my_priority - 1, cpu,
					 &thread) != HV_OK)
			break;
		if (i % 4 == 0)
			sleep_ms(1);
		if (hypike_thread_stop(thread) != HV_OK)
			break;
	}
	check(i == 100, "CPU %u: stack and slot of a stopped thread are free at once", cpu);
}

static uint32_t suicides;

static void suspend_self(void *arg)
{
	(void)arg;
	hypike_thread_suspend(*(hypike_thread_t *)arg);
	store(&suicides, 1);
	hypike_thread_stop(*(hypike_thread_t *)arg);
	store(&suicides, 2);
}

static void test_self(uint32_t cpu)
{
	static hypike_thread_t thread;

	store(&suicides, 0);
	hypike_thread_priority(0, my_priority - 2);
	thread = 0;
	for (hypike_thread_t i = 1; i < 16; i++) /* its number, before it runs */
		if (hypike_thread_resume(i) == HV_E_NOENT) {
			thread = i;
			break;
		}
	spawn(suspend_self, &thread, my_priority - 1, cpu);
	check(stands_still(2) && load(&suicides) == 0, "CPU %u: a thread suspends itself", cpu);
	/* On another CPU it may come to its call only now. */
	for (unsigned int i = 0; i < 1000 && load(&suicides) == 0; i++) {
		hypike_thread_resume(thread);
		sleep_ms(1);
	}
	check(wait_for(&suicides, 1) && stands_still(2) && load(&suicides) == 1,
	      "CPU %u: and stops itself", cpu);
	hypike_thread_priority(0, my_priority);
}

/* Two on different CPUs that stop each other: at least one does, and nobody waits for ever. */
static hypike_thread_t rivals[2];

static void rival(void *arg)
{
	uint32_t other = *(uint32_t *)arg;

	__atomic_fetch_add(&count, 1, __ATOMIC_SEQ_CST);
	while (load(&count) < 2)
		;
	hypike_thread_stop(rivals[other]);
	for (;;)
		sleep_ms(1);
}

static hypike_thread_t make_rival(uint32_t cpu)
{
	static char stacks[2][2048] __attribute__((aligned(16)));
	static uint32_t others[2] = {1, 0};
	hypike_thread_t thread = 31;

	hypike_thread_create(rival, &others[cpu], stacks[cpu], sizeof(stacks[cpu]),
			     my_priority - 1, cpu, &thread);
	return thread;
}

static void test_rivals(void)
{
	for (uint32_t round = 0; round < 8; round++) {
		store(&count, 0);
		rivals[1] = rivals[0] = 31;
		rivals[0] = make_rival(0);
		rivals[1] = make_rival(1);
		check(rivals[0] != 31 && rivals[1] != 31 && wait_for(&count, 2),
		      "threads on two CPUs stop each other, round %u", round);
		hypike_thread_stop(rivals[0]);
		hypike_thread_stop(rivals[1]);
	}
}

static void test_on(uint32_t cpu)
{
	test_suspend_running(cpu);
	test_suspend_waiting(cpu);
	test_suspend_bits(cpu);
	test_priority(cpu);
	test_stop_suspended(cpu);
	test_slots(cpu);
	test_self(cpu);
}

int main(void)
{
	const struct hypike_info *info = hypike_info();

	my_priority = info->priority;
	check(hypike_thread_stop(31) == HV_E_NOENT && hypike_thread_suspend(99) == HV_E_NOENT &&
		      hypike_thread_resume(1) == HV_E_NOENT,
	      "threads that are not there");
	test_on(0);
	if (info->cpu_count > 1) {
		test_on(info->cpu_count - 1);
		test_rivals();
	}
	return check_done();
}
