/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads: making and ending them, priorities, preemption, order, CPUs.
 * @verifies KRN-030
 * @verifies KRN-031
 */
#include "lib/hypike/program.h"
#include "lib/hypike/syscall.h"
#include "tests/system/native/check.h"

static uint32_t my_priority;

/* ---- what happened, in order ---- */

static uint32_t steps;
static char trail[64];

static void step(char c)
{
	uint32_t at = __atomic_fetch_add(&steps, 1, __ATOMIC_SEQ_CST);

	if (at < sizeof(trail) - 1)
		trail[at] = c;
}

static void begin(void)
{
	__builtin_memset(trail, 0, sizeof(trail));
	store(&steps, 0);
}

static bool trail_is(const char *expected)
{
	bool same = __builtin_strcmp(trail, expected) == 0;

	if (!same)
		say("# expected %s, was %s\n", expected, trail);
	return same;
}

/* ---- making ---- */

static void note_arg(void *arg)
{
	step(*(char *)arg);
}

static void test_create(void)
{
	begin();
	spawn(note_arg, "a", my_priority - 1, 0);
	check(trail_is(""), "a less urgent thread does not run yet");
	wait_for(&steps, 1);
	check(trail_is("a"), "it runs when the creator sleeps, with its argument");
}

static void test_refusals(void)
{
	static char stack[4096];
	uint32_t absent = hypike_info()->cpu_count;

	check(hypike_thread_create(note_arg, "x", stack, sizeof(stack), my_priority + 1, 0, NULL) ==
		      HV_E_DENIED,
	      "no thread above the partition's priority");
	check(hypike_thread_create(note_arg, "x", stack, sizeof(stack), 1, absent, NULL) ==
		      HV_E_INVALID,
	      "no thread on a CPU that is not there");
	check(hypike_thread_priority(31, 1) == HV_E_NOENT, "no priority for a thread that is not there");
	check(hypike_notify(99, 1) == HV_E_NOENT, "no notification for one, either");
	check(syscall6(SYS_THREAD_CREATE, UINT64_MAX, 0, 0, 1, 0, 0) == HV_E_INVALID,
	      "no thread that begins in the kernel");
	check(syscall1(63, 0) == HV_E_UNSUPPORTED && syscall1(UINT64_MAX, 0) == HV_E_UNSUPPORTED &&
		      syscall1(SYS_COUNT, 0) == HV_E_UNSUPPORTED,
	      "unknown system calls are refused");
}

static uint32_t parked;

static void park(void *arg)
{
	static uint32_t never;

	(void)arg;
	hypike_futex_wait(&never, 0, HYPIKE_FOREVER);
}

static void quit(void *arg)
{
	(void)arg;
	__atomic_fetch_add(&parked, 1, __ATOMIC_SEQ_CST);
	hypike_thread_exit();
}

static void test_slots(void)
{
	static char stacks[16][1024];
	uint32_t i = 0;
	hypike_thread_t thread = 0;
	hv_status_t status;

	for (;; i++) {
		status = hypike_thread_create(i == 0 ? quit : park, NULL, stacks[i % 16], 1024,
					      my_priority - 1, 0, &thread);
		if (status != HV_OK || i == 100)
			break;
	}
	check(status == HV_E_FULL && i >= 8 && i <= 16, "there are no more threads than configured");
	wait_for(&parked, 1);
	sleep_ms(1);
	check(hypike_thread_create(quit, NULL, stacks[0], 1024, my_priority - 1, 0, &thread) == HV_OK,
	      "the place of one that has ended is used again");
	check(wait_for(&parked, 2), "and the new one runs");
}

/* ---- order ---- */

static void note_twice(void *arg)
{
	step(*(char *)arg);
	hypike_yield();
	step(*(char *)arg);
}

static void test_fifo(void)
{
	begin();
	spawn(note_twice, "1", my_priority - 2, 0);
	spawn(note_twice, "2", my_priority - 2, 0);
	spawn(note_twice, "3", my_priority - 1, 0);
	wait_for(&steps, 6);
	check(trail_is("331212"), "by priority, then first come, first served; yield goes behind");
}

static uint32_t gate;

static void wait_and_note(void *arg)
{
	hypike_futex_wait(&gate, 0, HYPIKE_FOREVER);
	step(*(char *)arg);
}

static void wake_and_note(void *arg)
{
	step(*(char *)arg);
	store(&gate, 1);
	hypike_futex_wake(&gate, 1);
	step(*(char *)arg);
}

static void test_preemption(void)
{
	begin();
	store(&gate, 0);
	spawn(wait_and_note, "H", my_priority - 1, 0);
	spawn(wake_and_note, "l", my_priority - 3, 0);
	wait_for(&steps, 3);
	check(trail_is("lHl"), "waking a more urgent thread hands over the CPU at once");
}

static uint32_t stop_spinning;

static void spin(void *arg)
{
	(void)arg;
	while (!load(&stop_spinning))
		__builtin_ia32_pause();
}

static void test_timer_preempts(void)
{
	uint64_t start = hypike_time();

	store(&stop_spinning, 0);
	spawn(spin, NULL, my_priority - 1, 0);
	sleep_ms(5);
	check(hypike_time() - start >= 5 * MS, "a sleeper sleeps its time beside a busy thread");
	check(hypike_time() - start < 500 * MS, "and is not held up by it");
	store(&stop_spinning, 1);
	sleep_ms(2);
}

static void test_change_priority(void)
{
	hypike_thread_t a;

	begin();
	a = spawn(note_arg, "a", my_priority - 2, 0);
	spawn(note_arg, "b", my_priority - 1, 0);
	hypike_thread_priority(a, my_priority - 1);
	wait_for(&steps, 2);
	check(trail_is("ba"), "a raised thread queues behind its new equals");
	begin();
	spawn(note_arg, "c", my_priority - 1, 0);
	hypike_thread_priority(0, my_priority - 2);
	step('m');
	hypike_thread_priority(0, my_priority);
	check(trail_is("cm"), "lowering oneself lets others run at once");
	begin();
	hypike_thread_priority(0, my_priority - 2);
	spawn(note_arg, "d", my_priority - 2, 0);
	hypike_thread_priority(0, my_priority - 1);
	hypike_thread_priority(0, my_priority - 2);
	step('m');
	hypike_thread_priority(0, my_priority);
	wait_for(&steps, 2);
	check(trail_is("md"), "raised for a while and back, it is still its turn");
}

/* ---- several CPUs ---- */

static uint32_t running, together;

static void meet(void *arg)
{
	uint32_t others = *(uint32_t *)arg;
	uint64_t end = hypike_time() + 2000 * MS;

	__atomic_fetch_add(&running, 1, __ATOMIC_SEQ_CST);
	while (load(&running) < others && hypike_time() < end)
		__builtin_ia32_pause();
	if (load(&running) >= others)
		__atomic_fetch_add(&together, 1, __ATOMIC_SEQ_CST);
}

static void test_cpus(void)
{
	uint32_t count = hypike_info()->cpu_count;

	for (uint32_t cpu = 1; cpu < count; cpu++)
		spawn(meet, &count, my_priority, cpu);
	meet(&count);
	check(wait_for(&together, count), "threads on %u CPUs run at the same time", count);
}

/* One thread on each CPU hands a token to the next by futex; many times around. */
#define ROUNDS 50u

static uint32_t turn;

static void relay(void *arg)
{
	uint32_t me = *(uint32_t *)arg, count = hypike_info()->cpu_count, now;

	while ((now = load(&turn)) < ROUNDS * count) {
		if (now % count != me) {
			hypike_futex_wait(&turn, now, HYPIKE_FOREVER);
			continue;
		}
		store(&turn, now + 1);
		hypike_futex_wake(&turn, 16);
	}
}

static void test_relay(void)
{
	static uint32_t numbers[16];
	uint32_t count = hypike_info()->cpu_count;

	for (uint32_t cpu = 0; cpu < count; cpu++) {
		numbers[cpu] = cpu;
		spawn(relay, &numbers[cpu], my_priority - 1, cpu);
	}
	check(wait_for(&turn, ROUNDS * count), "a token goes round %u CPUs %u times", count, ROUNDS);
}

int main(void)
{
	my_priority = hypike_info()->priority;
	test_create();
	test_refusals();
	test_fifo();
	test_preemption();
	test_timer_preempts();
	test_change_priority();
	test_cpus();
	test_relay();
	test_slots();
	return check_done();
}
