/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time, futexes, notifications.
 * @verifies KRN-032
 * @verifies KRN-033
 */
#include "lib/hypike/program.h"
#include "tests/system/native/check.h"

static uint32_t low, other_cpu;

/* ---- time ---- */

static void test_time(void)
{
	uint64_t last = hypike_time(), now;
	bool monotonic = true;

	for (unsigned int i = 0; i < 20000; i++, last = now) {
		now = hypike_time();
		monotonic &= now >= last;
	}
	check(monotonic, "time never goes back");
	check(last < 3600000 * MS, "it counts from boot");
}

static void test_sleep(void)
{
	static const uint64_t lengths[] = {0, 1, 3, 10};

	for (unsigned int i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		uint64_t start = hypike_time(), slept;

		sleep_ms(lengths[i]);
		slept = hypike_time() - start;
		check(slept >= lengths[i] * MS && slept < (lengths[i] + 500) * MS,
		      "sleeping %lu ms takes that long", lengths[i]);
	}
}

/* ---- futex ---- */

static uint32_t word;

static void test_futex_simple(void)
{
	uint64_t start = hypike_time();

	store(&word, 5);
	check(hypike_futex_wait(&word, 4, HYPIKE_FOREVER) == HV_E_STATE,
	      "no sleep where the word has another value");
	check(hypike_futex_wait(&word, 5, 0) == HV_E_TIMEOUT, "a deadline in the past");
	check(hypike_futex_wait(&word, 5, start + 4 * MS) == HV_E_TIMEOUT &&
		      hypike_time() - start >= 4 * MS,
	      "a deadline that passes");
	check(hypike_futex_wake(&word, 1) == HV_OK, "waking nobody is no error");
	check(hypike_futex_wait((uint32_t *)((uintptr_t)&word + 2), 5, 0) == HV_E_INVALID,
	      "an address that is not aligned is refused");
}

static uint32_t woken;
static char order[8];

static void sleeper(void *arg)
{
	if (hypike_futex_wait(&word, 1, hypike_time() + 2000 * MS) == HV_OK)
		order[__atomic_fetch_add(&woken, 1, __ATOMIC_SEQ_CST)] = *(char *)arg;
}

static void test_futex_order(void)
{
	store(&word, 1);
	store(&woken, 0);
	spawn(sleeper, "1", low, 0);
	spawn(sleeper, "3", low + 2, 0);
	spawn(sleeper, "2", low + 1, 0);
	sleep_ms(2);
	hypike_futex_wake(&word, 1);
	wait_for(&woken, 1);
	check(order[0] == '3' && load(&woken) == 1, "one wake-up wakes one: the most urgent");
	hypike_futex_wake(&word, 8);
	check(wait_for(&woken, 3) && order[1] == '2' && order[2] == '1',
	      "the others wake by priority");
}

static void wake_later(void *arg)
{
	(void)arg;
	sleep_ms(3);
	store(&word, 8);
	hypike_futex_wake(&word, 1);
}

static void test_futex_across(void)
{
	store(&word, 7);
	spawn(wake_later, NULL, low, other_cpu);
	check(hypike_futex_wait(&word, 7, hypike_time() + 2000 * MS) == HV_OK,
	      "a wake-up from CPU %u", other_cpu);
}

/* ---- notifications ---- */

static void test_notify_self(void)
{
	uint64_t bits = 99, start = hypike_time();

	check(hypike_wait(1, start + 3 * MS, &bits) == HV_E_TIMEOUT && bits == 0 &&
		      hypike_time() - start >= 3 * MS,
	      "waiting for nothing times out");
	hypike_notify(0, 0x15);
	check(hypike_wait(0x6, HYPIKE_FOREVER, &bits) == HV_OK && bits == 0x4,
	      "only the bits asked for are taken");
	check(hypike_wait(~UINT64_C(0), 0, &bits) == HV_OK && bits == 0x11,
	      "the others are kept for later");
	check(hypike_wait(~UINT64_C(0), 0, &bits) == HV_E_TIMEOUT, "and are gone then");
}

static uint32_t listening, pings;

static void listener(void *arg)
{
	uint64_t bits = 0;

	(void)arg;
	store(&listening, 1);
	while (hypike_wait(0x3, hypike_time() + 2000 * MS, &bits) == HV_OK && (bits & 2) == 0) {
		__atomic_fetch_add(&pings, 1, __ATOMIC_SEQ_CST);
		hypike_notify(0, 0x100);
	}
	store(&listening, 2);
}

#define PINGS 100u

static void test_ping(uint32_t cpu)
{
	hypike_thread_t thread;
	uint64_t bits;
	uint32_t answers = 0;

	store(&pings, 0);
	store(&listening, 0);
	thread = spawn(listener, NULL, low, cpu);
	wait_for(&listening, 1);
	for (uint32_t i = 0; i < PINGS; i++) {
		hypike_notify(thread, 1);
		answers += hypike_wait(0x100, hypike_time() + 2000 * MS, &bits) == HV_OK;
	}
	check(answers == PINGS && load(&pings) == PINGS, "%u notifications there and back, CPU %u",
	      PINGS, cpu);
	hypike_notify(thread, 2);
	check(wait_for(&listening, 2), "the listener ends when told");
}

/* A notifier and a sleeper race for many rounds: no wake-up may be lost. */
static uint32_t racing;

static void racer(void *arg)
{
	(void)arg;
	while (load(&racing)) {
		hypike_notify(0, 0x200);
		__builtin_ia32_pause();
	}
}

static void test_race(void)
{
	uint32_t got = 0;
	uint64_t bits;

	store(&racing, 1);
	spawn(racer, NULL, low, other_cpu);
	for (uint32_t i = 0; i < 300; i++)
		got += hypike_wait(0x200, hypike_time() + 2000 * MS, &bits) == HV_OK;
	store(&racing, 0);
	check(got == 300, "no notification of a race is lost");
}

int main(void)
{
	low = hypike_info()->priority - 4;
	other_cpu = hypike_info()->cpu_count - 1;
	test_time();
	test_sleep();
	test_futex_simple();
	test_futex_order();
	test_futex_across();
	test_notify_self();
	test_ping(0);
	if (other_cpu != 0)
		test_ping(other_cpu);
	test_race();
	return check_done();
}
