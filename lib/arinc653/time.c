/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time management (ARINC 653 part 1, 3.4).
 *
 * @req LIB-622 Time management: the services of 3.4.2; releases are a period apart, without drift.
 */
#include <arinc653/time.h>

#include "lib/arinc653/guard.h"
#include "lib/arinc653/mode.h"
#include "lib/arinc653/monitor.h"

static RETURN_CODE_TYPE timed_wait(SYSTEM_TIME_TYPE delay)
{
	struct process *self = process_self();
	uint64_t end;

	if (!process_may_wait(self))
		return INVALID_MODE;
	if (delay == INFINITE_TIME_VALUE || !time_out_end(delay, hypike_time(), &end))
		return INVALID_PARAM;
	if (delay == 0) {
		hypike_yield();
		return NO_ERROR;
	}
	guard_take();
	self->wait = WAIT_TIME;
	self->wake_time = end;
	self->late = NO_ERROR;
	return process_sleep(self);
}

void TIMED_WAIT(SYSTEM_TIME_TYPE DELAY_TIME, RETURN_CODE_TYPE *RETURN_CODE)
{
	*RETURN_CODE = timed_wait(DELAY_TIME);
}

static RETURN_CODE_TYPE periodic_wait(void)
{
	struct process *self = process_self();
	uint64_t release, deadline;

	if (!process_may_wait(self) || !process_is_periodic(self))
		return INVALID_MODE;
	if (!time_out_end(self->attributes.PERIOD, self->release, &release) ||
	    !time_out_end(self->attributes.TIME_CAPACITY, release, &deadline))
		return INVALID_CONFIG;
	guard_take();
	self->wait = WAIT_TIME;
	self->release = release;
	self->wake_time = release;
	self->late = NO_ERROR;
	monitor_deadline(self, deadline);
	return process_sleep(self);
}

void PERIODIC_WAIT(RETURN_CODE_TYPE *RETURN_CODE)
{
	*RETURN_CODE = periodic_wait();
}

void GET_TIME(SYSTEM_TIME_TYPE *SYSTEM_TIME, RETURN_CODE_TYPE *RETURN_CODE)
{
	*SYSTEM_TIME = (SYSTEM_TIME_TYPE)hypike_time();
	*RETURN_CODE = NO_ERROR;
}

static RETURN_CODE_TYPE replenish(SYSTEM_TIME_TYPE budget)
{
	struct process *self = process_self();
	uint64_t deadline;
	bool valid;

	if (self == NULL || process_is_handler(self))
		return NO_ACTION;
	valid = time_out_end(budget, hypike_time(), &deadline);
	if (valid && process_is_periodic(self) &&
	    deadline > self->release + (uint64_t)self->attributes.PERIOD)
		return INVALID_MODE;
	if (!valid)
		return INVALID_PARAM;
	guard_take();
	monitor_deadline(self,
			 self->attributes.TIME_CAPACITY == INFINITE_TIME_VALUE ? NEVER : deadline);
	guard_give();
	return NO_ERROR;
}

void REPLENISH(SYSTEM_TIME_TYPE BUDGET_TIME, RETURN_CODE_TYPE *RETURN_CODE)
{
	*RETURN_CODE = replenish(BUDGET_TIME);
}
