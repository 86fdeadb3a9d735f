/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Process management (ARINC 653 part 1, 3.3). Return codes are tried in the standard's order.
 *
 * @req LIB-620 Process management: the services of 3.3.2, with their return codes and states.
 */
#include <arinc653/partition.h>
#include <arinc653/process.h>

#include "lib/arinc653/fault.h"
#include "lib/arinc653/guard.h"
#include "lib/arinc653/mode.h"
#include "lib/arinc653/memory.h"
#include "lib/arinc653/monitor.h"
#include "lib/arinc653/process_table.h"

/* ---- making ---- */

bool process_stack_size(STACK_SIZE_TYPE *size)
{
	if (*size == 0)
		*size = DEFAULT_STACK_SIZE;
	if (*size < MIN_STACK_SIZE || *size > MAX_STACK_SIZE)
		return false;
	*size = (*size + STACK_GRAIN - 1) / STACK_GRAIN * STACK_GRAIN;
	return true;
}

static bool time_valid(SYSTEM_TIME_TYPE time)
{
	return time == INFINITE_TIME_VALUE || time > 0;
}

static bool attributes_valid(PROCESS_ATTRIBUTE_TYPE *attributes)
{
	return process_stack_size(&attributes->STACK_SIZE) &&
	       attributes->BASE_PRIORITY >= MIN_PRIORITY_VALUE &&
	       attributes->BASE_PRIORITY <= process_top_priority() &&
	       time_valid(attributes->PERIOD) && time_valid(attributes->TIME_CAPACITY) &&
	       (attributes->DEADLINE == SOFT || attributes->DEADLINE == HARD) &&
	       attributes->ENTRY_POINT != NULL;
}

static RETURN_CODE_TYPE check_times(const PROCESS_ATTRIBUTE_TYPE *attributes)
{
	const SYSTEM_TIME_TYPE partition = mode_partition_period();

	if (attributes->PERIOD == INFINITE_TIME_VALUE)
		return NO_ERROR;
	if (partition > 0 && attributes->PERIOD % partition != 0)
		return INVALID_CONFIG;
	/* An infinite capacity exceeds every period. */
	if (attributes->TIME_CAPACITY == INFINITE_TIME_VALUE ||
	    attributes->TIME_CAPACITY > attributes->PERIOD)
		return INVALID_PARAM;
	return NO_ERROR;
}

static RETURN_CODE_TYPE create(const PROCESS_ATTRIBUTE_TYPE *given, PROCESS_ID_TYPE *id)
{
	PROCESS_ATTRIBUTE_TYPE attributes = *given;
	struct process *process;
	RETURN_CODE_TYPE code;

	if (process_of(MAX_NUMBER_OF_PROCESSES) != NULL)
		return INVALID_CONFIG;
	if (process_named(attributes.NAME) != NULL)
		return NO_ACTION;
	if (!attributes_valid(&attributes))
		return INVALID_PARAM;
	code = check_times(&attributes);
	if (code != NO_ERROR)
		return code;
	if (mode_now() == NORMAL)
		return INVALID_MODE;
	process_make(&attributes, false, &process);
	if (process == NULL)
		return INVALID_CONFIG;
	*id = process_id(process);
	return NO_ERROR;
}

void CREATE_PROCESS(PROCESS_ATTRIBUTE_TYPE *ATTRIBUTES, PROCESS_ID_TYPE *PROCESS_ID,
		    RETURN_CODE_TYPE *RETURN_CODE)
{
	*RETURN_CODE = create(ATTRIBUTES, PROCESS_ID);
}

/* ---- knowing ---- */

void GET_PROCESS_ID(const char *PROCESS_NAME, PROCESS_ID_TYPE *PROCESS_ID,
		    RETURN_CODE_TYPE *RETURN_CODE)
{
	const struct process *process = process_named(PROCESS_NAME);

	*RETURN_CODE = process == NULL ? INVALID_CONFIG : NO_ERROR;
	if (process != NULL)
		*PROCESS_ID = process_id(process);
}

void GET_MY_ID(PROCESS_ID_TYPE *PROCESS_ID, RETURN_CODE_TYPE *RETURN_CODE)
{
	const struct process *self = process_self();

	*RETURN_CODE = self == NULL || process_is_handler(self) ? INVALID_MODE : NO_ERROR;
	if (*RETURN_CODE == NO_ERROR)
		*PROCESS_ID = process_id(self);
}

static PROCESS_STATE_TYPE state_of(const struct process *process)
{
	if (process->dormant)
		return DORMANT;
	if (process == process_self())
		return RUNNING;
	return process->suspended || process->wait != WAIT_NOTHING ? WAITING : READY;
}

void GET_PROCESS_STATUS(PROCESS_ID_TYPE PROCESS_ID, PROCESS_STATUS_TYPE *PROCESS_STATUS,
			RETURN_CODE_TYPE *RETURN_CODE)
{
	const struct process *process = process_of(PROCESS_ID);

	*RETURN_CODE = process == NULL ? INVALID_PARAM : NO_ERROR;
	if (process == NULL)
		return;
	memory_try_write(PROCESS_STATUS, sizeof(*PROCESS_STATUS));
	guard_take();
	*PROCESS_STATUS = (PROCESS_STATUS_TYPE){
		.DEADLINE_TIME = process->deadline == NEVER ? INFINITE_TIME_VALUE
							    : (SYSTEM_TIME_TYPE)process->deadline,
		.CURRENT_PRIORITY = process->priority,
		.PROCESS_STATE = state_of(process),
		.ATTRIBUTES = process->attributes,
	};
	guard_give();
}

/* ---- priority ---- */

/*
 * Of its new equals it is the youngest: the kernel queues a thread that is raised behind them, but
 * leaves one in front that is lowered.
 */
static void become_youngest(const struct process *process)
{
	if (process == process_locker())
		return;
	hypike_thread_priority(process->thread, (uint32_t)process->priority - 1);
	process_apply_priority(process);
}

static RETURN_CODE_TYPE set_priority(struct process *process, PRIORITY_TYPE priority)
{
	if (process == NULL || priority < MIN_PRIORITY_VALUE || priority > process_top_priority())
		return INVALID_PARAM;
	if (process->dormant)
		return INVALID_MODE;
	process->priority = priority;
	if (process != process_self())
		become_youngest(process);
	return NO_ERROR;
}

void SET_PRIORITY(PROCESS_ID_TYPE PROCESS_ID, PRIORITY_TYPE PRIORITY_VALUE,
		  RETURN_CODE_TYPE *RETURN_CODE)
{
	const struct process *process = process_of(PROCESS_ID);

	guard_take();
	*RETURN_CODE = set_priority(process_of(PROCESS_ID), PRIORITY_VALUE);
	guard_give();
	if (*RETURN_CODE == NO_ERROR && process == process_self())
		become_youngest(process); /* others may run now: not under the guard */
}

/* ---- suspending ---- */

static RETURN_CODE_TYPE suspend_self(SYSTEM_TIME_TYPE time_out)
{
	struct process *self = process_self();
	uint64_t end;

	if (!process_may_wait(self))
		return INVALID_MODE;
	if (!time_out_end(time_out, hypike_time(), &end))
		return INVALID_PARAM;
	if (process_is_periodic(self))
		return INVALID_MODE;
	if (time_out == 0)
		return NO_ERROR;
	guard_take();
	self->wait = WAIT_RESUME;
	self->wake_time = end;
	self->late = TIMED_OUT;
	return process_sleep(self);
}

void SUSPEND_SELF(SYSTEM_TIME_TYPE TIME_OUT, RETURN_CODE_TYPE *RETURN_CODE)
{
	*RETURN_CODE = suspend_self(TIME_OUT);
}

static RETURN_CODE_TYPE suspend(struct process *process)
{
	if (process == NULL || process == process_self())
		return INVALID_PARAM;
	if (process == process_locker()) /* and the caller is the error handler: it alone runs then */
		return INVALID_MODE;
	if (process->dormant || process_is_periodic(process))
		return INVALID_MODE;
	if (process->suspended || process->wait == WAIT_RESUME)
		return NO_ACTION;
	process->suspended = true;
	hypike_thread_suspend(process->thread);
	return NO_ERROR;
}

void SUSPEND(PROCESS_ID_TYPE PROCESS_ID, RETURN_CODE_TYPE *RETURN_CODE)
{
	guard_take();
	*RETURN_CODE = suspend(process_of(PROCESS_ID));
	guard_give();
}

static RETURN_CODE_TYPE resume(struct process *process)
{
	if (process == NULL || process == process_self())
		return INVALID_PARAM;
	if (process->dormant || process_is_periodic(process))
		return INVALID_MODE;
	if (!process->suspended && process->wait != WAIT_RESUME)
		return NO_ACTION;
	if (process->wait == WAIT_RESUME)
		process_wake(process, NO_ERROR);
	if (process->suspended && !process->faulted)
		hypike_thread_resume(process->thread);
	process->suspended = false;
	return NO_ERROR;
}

void RESUME(PROCESS_ID_TYPE PROCESS_ID, RETURN_CODE_TYPE *RETURN_CODE)
{
	guard_take();
	*RETURN_CODE = resume(process_of(PROCESS_ID));
	guard_give();
}

/* ---- stopping ---- */

void STOP_SELF(void)
{
	struct process *self = process_self();

	if (self == NULL)
		return;
	process_check_stack(self);
	guard_take();
	process_end(self);
	if (process_is_handler(self) && fault_handled()) {
		process_begin(self);
		process_wake(self, NO_ERROR);
	}
	process_restart(self);
}

static RETURN_CODE_TYPE stop(struct process *process)
{
	if (process == NULL || process == process_self())
		return INVALID_PARAM;
	if (process->dormant)
		return NO_ACTION;
	process_end(process);
	return NO_ERROR;
}

void STOP(PROCESS_ID_TYPE PROCESS_ID, RETURN_CODE_TYPE *RETURN_CODE)
{
	guard_take();
	*RETURN_CODE = stop(process_of(PROCESS_ID));
	guard_give();
}

/* ---- starting ---- */

/* @return whether a deadline is in the range of time, `begin` and capacity from now on. */
static bool deadline_valid(const struct process *process, SYSTEM_TIME_TYPE delay, uint64_t now)
{
	uint64_t begin, end;

	return time_out_end(delay, now, &begin) &&
	       time_out_end(process->attributes.TIME_CAPACITY, begin, &end) &&
	       (!process_is_periodic(process) ||
		time_out_end(process->attributes.PERIOD, begin, &end));
}

static void start(struct process *process, SYSTEM_TIME_TYPE delay)
{
	process_begin(process);
	process->delay = delay;
	process->wait = WAIT_NORMAL;
	if (mode_now() == NORMAL)
		mode_release(process, hypike_time(), mode_next_release());
}

static RETURN_CODE_TYPE delayed_start(struct process *process, SYSTEM_TIME_TYPE delay)
{
	if (process == NULL || delay < 0)
		return INVALID_PARAM;
	if (process_is_periodic(process) && delay >= process->attributes.PERIOD)
		return INVALID_PARAM;
	if (!deadline_valid(process, delay, hypike_time()))
		return INVALID_CONFIG;
	if (!process->dormant)
		return NO_ACTION;
	start(process, delay);
	return NO_ERROR;
}

void START(PROCESS_ID_TYPE PROCESS_ID, RETURN_CODE_TYPE *RETURN_CODE)
{
	guard_take();
	*RETURN_CODE = delayed_start(process_of(PROCESS_ID), 0);
	guard_give();
}

void DELAYED_START(PROCESS_ID_TYPE PROCESS_ID, SYSTEM_TIME_TYPE DELAY_TIME,
		   RETURN_CODE_TYPE *RETURN_CODE)
{
	guard_take();
	*RETURN_CODE = delayed_start(process_of(PROCESS_ID), DELAY_TIME);
	guard_give();
}

/* ---- preemption ---- */

static RETURN_CODE_TYPE change_lock(struct process *self, LOCK_LEVEL_TYPE change)
{
	if (self == NULL || process_is_handler(self))
		return NO_ACTION;
	if (change < 0 && process_lock_level() == 0)
		return NO_ACTION;
	if (process_lock_level() + change > MAX_LOCK_LEVEL)
		return INVALID_CONFIG;
	process_lock(self, process_lock_level() + change);
	return NO_ERROR;
}

void LOCK_PREEMPTION(LOCK_LEVEL_TYPE *LOCK_LEVEL, RETURN_CODE_TYPE *RETURN_CODE)
{
	struct process *self = process_self();

	guard_take();
	*RETURN_CODE = change_lock(self, 1);
	*LOCK_LEVEL = process_lock_level();
	if (*RETURN_CODE == NO_ERROR && process_lock_level() == 1)
		process_apply_priority(self);
	guard_give();
}

void UNLOCK_PREEMPTION(LOCK_LEVEL_TYPE *LOCK_LEVEL, RETURN_CODE_TYPE *RETURN_CODE)
{
	struct process *self = process_self();
	LOCK_LEVEL_TYPE level;

	guard_take();
	*RETURN_CODE = change_lock(self, -1);
	level = process_lock_level();
	guard_give();
	*LOCK_LEVEL = level;
	if (*RETURN_CODE == NO_ERROR && level == 0)
		process_apply_priority(self); /* who was held up runs now */
}
