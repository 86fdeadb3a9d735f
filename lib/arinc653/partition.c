/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Partition management (ARINC 653 part 1, 3.2).
 *
 * @req LIB-625 Partition management: the services of 3.2.2.
 */
#include <arinc653/partition.h>

#include "lib/arinc653/guard.h"
#include "lib/arinc653/mode.h"
#include "lib/arinc653/monitor.h"

static bool normal;

OPERATING_MODE_TYPE mode_now(void)
{
	if (normal)
		return NORMAL;
	return hypike_info()->warm ? WARM_START : COLD_START;
}

/* ---- the plan ---- */

/* A partition without windows of its own has no period. */
static struct hypike_plan_status plan(void)
{
	struct hypike_plan_status status;

	if (hypike_plan_status(&status) != HV_OK || status.plan_count == 0)
		status = (struct hypike_plan_status){.release = NEVER};
	return status;
}

SYSTEM_TIME_TYPE mode_partition_period(void)
{
	return (SYSTEM_TIME_TYPE)plan().period;
}

uint64_t mode_next_release(void)
{
	const uint64_t release = plan().release;

	return release == NEVER ? hypike_time() : release;
}

/* ---- status ---- */

static START_CONDITION_TYPE start_condition(void)
{
	static const START_CONDITION_TYPE conditions[] = {
		[HYPIKE_START_NORMAL] = NORMAL_START,
		[HYPIKE_START_SELF] = PARTITION_RESTART,
		[HYPIKE_START_HEALTH] = HM_PARTITION_RESTART,
		[HYPIKE_START_MODULE] = HM_MODULE_RESTART,
	};
	const uint32_t start = hypike_info()->start;

	return start < sizeof(conditions) / sizeof(conditions[0]) ? conditions[start]
								   : NORMAL_START;
}

void GET_PARTITION_STATUS(PARTITION_STATUS_TYPE *PARTITION_STATUS, RETURN_CODE_TYPE *RETURN_CODE)
{
	const struct hypike_plan_status now = plan();
	const bool periodic = now.period != 0;

	*PARTITION_STATUS = (PARTITION_STATUS_TYPE){
		.PERIOD = periodic ? (SYSTEM_TIME_TYPE)now.period : INFINITE_TIME_VALUE,
		.DURATION = periodic ? (SYSTEM_TIME_TYPE)now.duration : INFINITE_TIME_VALUE,
		.IDENTIFIER = (PARTITION_ID_TYPE)hypike_info()->index,
		.LOCK_LEVEL = process_lock_level(),
		.OPERATING_MODE = mode_now(),
		.START_CONDITION = start_condition(),
	};
	*RETURN_CODE = NO_ERROR;
}

/* ---- mode ---- */

void mode_release(struct process *process, uint64_t now, uint64_t release)
{
	const uint64_t begin = (process_is_periodic(process) ? release : now) +
			       (uint64_t)process->delay;
	uint64_t deadline;

	process->wait = WAIT_TIME;
	process->late = NO_ERROR;
	process->release = begin;
	time_out_end(process->attributes.TIME_CAPACITY, begin, &deadline);
	monitor_deadline(process, deadline);
	if (begin <= now) {
		process_wake(process, NO_ERROR);
	} else {
		process->wake_time = begin;
		monitor_expect(begin);
	}
}

/* Processes that wait for the mode, as bits. */
static uint32_t started(void)
{
	uint32_t numbers = 0;

	for (uint32_t i = 0; i < HANDLER_NUMBER; i++)
		if (process_number(i) != NULL && process_number(i)->wait == WAIT_NORMAL)
			numbers |= UINT32_C(1) << i;
	return numbers;
}

/* Processes that were started run now, in the order of their starts; the caller is their monitor. */
_Noreturn static void go_normal(void)
{
	const uint64_t release = mode_next_release(), now = hypike_time();
	struct process *process;
	uint32_t numbers;

	if (process_number(HANDLER_NUMBER) != NULL)
		hypike_health_bind(MONITOR_THREAD, MONITOR_FAULT);
	guard_take();
	normal = true;
	for (numbers = started(); (process = queue_first(numbers, FIFO)) != NULL;) {
		numbers &= ~(UINT32_C(1) << process->number);
		mode_release(process, now, release);
	}
	guard_give();
	monitor_run();
}

_Noreturn static void leave(enum hypike_control how)
{
	hypike_partition_control(hypike_info()->index, how);
	hypike_exit(255);
}

static RETURN_CODE_TYPE set_mode(OPERATING_MODE_TYPE mode)
{
	switch (mode) {
	case IDLE:
		leave(HYPIKE_STOP);
	case COLD_START:
		leave(HYPIKE_RESTART_COLD);
	case WARM_START:
		if (mode_now() == COLD_START)
			return INVALID_MODE;
		leave(HYPIKE_RESTART_WARM);
	case NORMAL:
		if (normal)
			return NO_ACTION;
		go_normal();
	}
	return INVALID_PARAM;
}

void SET_PARTITION_MODE(OPERATING_MODE_TYPE OPERATING_MODE, RETURN_CODE_TYPE *RETURN_CODE)
{
	*RETURN_CODE = set_mode(OPERATING_MODE);
}
