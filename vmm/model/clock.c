/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time on the model: the number of instructions, timers that are due at a number, the platform's clock.
 */
#include "vmm/platform.h"
#include "vmm/model/exec.h"
#include "vmm/model/turns.h"
#include "vmm/platform/linux/linux.h"

#include <stdlib.h>

#define TIMERS 64u
/** A turn of a vCPU, in ticks, alone and with others. */
#define TURN_ALONE  UINT64_C(200000)
#define TURN_SHARED UINT64_C(20000)

struct exec_clock exec_clock;

static struct host_timer *armed[TIMERS];

uint64_t host_tsc_khz(void)
{
	return TURNS_TSC_KHZ;
}

uint64_t host_tsc(void)
{
	return __atomic_load_n(&exec_clock.now, __ATOMIC_RELAXED);
}

static struct host_timer **find(const struct host_timer *timer)
{
	for (unsigned int i = 0; i < TIMERS; i++)
		if (armed[i] == timer)
			return &armed[i];
	return NULL;
}

/** One for each vCPU: there is room. */
void host_timer_arm(struct host_timer *timer, uint64_t deadline)
{
	struct host_timer **slot = find(timer);

	if (slot == NULL)
		slot = find(NULL);
	if (slot == NULL)
		host_panic("model: too many timers\n");
	timer->deadline = deadline;
	*slot = timer;
	if (deadline < exec_clock.stop)
		exec_clock.stop = deadline;
}

void host_timer_cancel(struct host_timer *timer)
{
	struct host_timer **slot = find(timer);

	if (slot != NULL)
		*slot = NULL;
}

static struct host_timer **first_timer(void)
{
	struct host_timer **first = NULL;

	for (unsigned int i = 0; i < TIMERS; i++)
		if (armed[i] != NULL && (first == NULL || armed[i]->deadline < (*first)->deadline))
			first = &armed[i];
	return first;
}

uint64_t clock_next(void)
{
	struct host_timer **first = first_timer();

	return first != NULL ? (*first)->deadline : UINT64_MAX;
}

void clock_fire(void)
{
	while (clock_next() <= exec_clock.now) {
		struct host_timer **slot = first_timer();
		struct host_timer *timer = *slot;

		*slot = NULL;
		timer->fire(timer);
	}
}

void clock_plan(uint64_t event_deadline, bool shared)
{
	uint64_t stop = exec_clock.now + (shared ? TURN_SHARED : TURN_ALONE);

	if (clock_next() < stop)
		stop = clock_next();
	if (event_deadline < stop)
		stop = event_deadline;
	/* What is due is due behind one more instruction, so that everybody gets on. */
	if (stop <= exec_clock.now)
		stop = exec_clock.now + 1;
	__atomic_store_n(&exec_clock.stop, stop, __ATOMIC_SEQ_CST);
}

/** Whoever pauses the VM has its vCPUs parked: they execute nothing, and time doesn't jump. */
static bool stands; /* atomic */

bool clock_stands(void)
{
	return __atomic_load_n(&stands, __ATOMIC_ACQUIRE);
}

void linux_time_stop(void)
{
	__atomic_store_n(&stands, true, __ATOMIC_RELEASE);
}

void linux_time_go(void)
{
	__atomic_store_n(&stands, false, __ATOMIC_RELEASE);
}

bool linux_time_stands(void)
{
	return clock_stands();
}

uint64_t platform_time(void)
{
	return host_tsc() * TURNS_TICK_NS;
}

uint64_t platform_tsc(void)
{
	return host_tsc();
}

/** Not known: what the guest reads is the same each time. */
uint64_t platform_epoch(void)
{
	return 0;
}
