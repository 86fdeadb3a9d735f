/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/arinc653/guard.h"

#include <hypike/sys.h>

#include "lib/arinc653/monitor.h"
#include "lib/arinc653/process_table.h"

#define AWAITED UINT32_C(0x80000000) /* somebody sleeps on the word */

static uint32_t word; /* 0: free; else the holder's thread and 1, and AWAITED */
static uint32_t owed; /* by number: who is to be woken */

static uint32_t my_thread(void)
{
	const struct process *self = process_self();

	return self != NULL ? self->thread : MONITOR_THREAD;
}

/* Back from the urgency that was lent. */
static void be_oneself(void)
{
	const struct process *self = process_self();

	if (self != NULL)
		process_apply_priority(self);
}

static bool try_take(uint32_t me)
{
	uint32_t expected = 0;

	return __atomic_compare_exchange_n(&word, &expected, me, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

/*
 * As urgent as the monitor, the caller isn't preempted between looking at the holder and lending it
 * urgency; the holder then runs as soon as the caller sleeps.
 */
static void take_from_preempted(uint32_t me)
{
	const uint32_t top = hypike_info()->priority;

	hypike_thread_priority(me - 1, top);
	while (!try_take(me)) {
		uint32_t now = __atomic_load_n(&word, __ATOMIC_RELAXED);

		hypike_thread_priority((now & ~AWAITED) - 1, top);
		if (__atomic_compare_exchange_n(&word, &now, now | AWAITED, false, __ATOMIC_RELAXED,
						__ATOMIC_RELAXED))
			hypike_futex_wait(&word, now | AWAITED, HYPIKE_FOREVER);
	}
	be_oneself();
}

/* The most urgent first; of equals the one that became ready first. */
static uint32_t most_urgent(uint32_t numbers)
{
	const struct process *best = NULL;

	if ((numbers & UINT32_C(1) << OWE_MONITOR) != 0)
		return OWE_MONITOR;
	for (; numbers != 0; numbers &= numbers - 1) {
		const struct process *one = process_number((uint32_t)__builtin_ctz(numbers));

		if (best == NULL || one->priority > best->priority ||
		    (one->priority == best->priority && (int32_t)(one->order - best->order) < 0))
			best = one;
	}
	return best->number;
}

static void wake(uint32_t number)
{
	const struct process *self = process_self();

	if (number == (self != NULL ? self->number : OWE_MONITOR))
		return; /* it runs, here */
	if (number == OWE_MONITOR)
		hypike_notify(MONITOR_THREAD, MONITOR_LOOK);
	else
		hypike_futex_wake(&process_number(number)->go, 1);
}

/*
 * Whoever is preempted here may be stopped before it goes on: a debt is crossed out only when it is
 * paid. Paid twice does no harm.
 */
static void pay(void)
{
	uint32_t numbers;

	while ((numbers = __atomic_load_n(&owed, __ATOMIC_RELAXED)) != 0) {
		const uint32_t number = most_urgent(numbers);

		wake(number);
		__atomic_fetch_and(&owed, ~(UINT32_C(1) << number), __ATOMIC_RELAXED);
	}
}

void guard_owe(uint32_t number)
{
	__atomic_fetch_or(&owed, UINT32_C(1) << number, __ATOMIC_RELAXED);
}

bool guard_is_of(hypike_thread_t thread)
{
	return (__atomic_load_n(&word, __ATOMIC_RELAXED) & ~AWAITED) == thread + 1;
}

void guard_take(void)
{
	const uint32_t me = my_thread() + 1;

	if (!try_take(me))
		take_from_preempted(me);
	pay();
}

void guard_give(void)
{
	if ((__atomic_exchange_n(&word, 0, __ATOMIC_RELEASE) & AWAITED) != 0) {
		hypike_futex_wake(&word, HYPIKE_TASK_THREADS);
		be_oneself();
	}
	pay();
}
