/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/arinc653/monitor.h"

#include "lib/arinc653/fault.h"
#include "lib/arinc653/guard.h"
#include "lib/string.h"

static uint64_t alarm;	/* what the monitor sleeps for */
static uint32_t unhandled; /* by number: whose deadlines the health monitor is to hear of */

void monitor_expect(uint64_t time)
{
	if (time < alarm)
		guard_owe(OWE_MONITOR);
}

void monitor_deadline(struct process *process, uint64_t deadline)
{
	process->deadline = deadline;
	process->watch = deadline;
	monitor_expect(deadline);
}

/* The next thing that happens to a process by time alone. */
static uint64_t next_event(const struct process *process)
{
	return process->wake_time < process->watch ? process->wake_time : process->watch;
}

static struct process *next_process(void)
{
	struct process *next = NULL;

	for (uint32_t i = 0; i < HANDLER_NUMBER; i++) {
		struct process *one = process_number(i);

		if (one == NULL)
			break;
		if (!one->dormant && (next == NULL || next_event(one) < next_event(next)))
			next = one;
	}
	return next;
}

/*
 * A deadline that passes doesn't move the releases (3.4.2.2): a process that goes on misses the next
 * period's, too.
 *
 * @req LIB-610 A missed deadline is reported when it passes or, outside the partition's windows, at the
 *              beginning of the next one; that of a process that goes on, once each period.
 */
static void miss(struct process *process)
{
	if (process_is_periodic(process))
		process->watch += (uint64_t)process->attributes.PERIOD;
	else
		process->watch = NEVER;
	if (!fault_raise(process, DEADLINE_MISSED, NULL, 0))
		unhandled |= UINT32_C(1) << process->number;
}

static void happen(struct process *process, uint64_t now)
{
	if (process->wake_time <= now && process->wake_time <= process->watch)
		process_wake(process, process->late);
	else
		miss(process);
}

/* All that is due, in the order of its time. */
static void catch_up(void)
{
	struct process *next;
	uint64_t now = hypike_time();

	while ((next = next_process()) != NULL && next_event(next) <= now)
		happen(next, now);
	alarm = next != NULL ? next_event(next) : NEVER;
}

static void report(const struct process *process)
{
	const char *name = process->attributes.NAME;

	fault_report(DEADLINE_MISSED, name, strnlen(name, MAX_NAME_LENGTH));
}

void monitor_run(void)
{
	uint64_t bits;

	for (;;) {
		fault_take();
		guard_take();
		catch_up();
		guard_give();
		for (; unhandled != 0; unhandled &= unhandled - 1)
			report(process_number((uint32_t)__builtin_ctz(unhandled)));
		hypike_wait(MONITOR_LOOK | MONITOR_FAULT, alarm, &bits);
	}
}
