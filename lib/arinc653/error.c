/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Error handling at process level (ARINC 653 part 1, 3.8). Errors wait in a ring for the error handler,
 * a process that nothing but the monitor preempts.
 *
 * @req LIB-623 Error handling: the services of 3.8.2; the handler preempts every process.
 */
#include <arinc653/error.h>
#include <arinc653/partition.h>

#include <hypike/system.h>

#include "lib/arinc653/fault.h"
#include "lib/arinc653/guard.h"
#include "lib/arinc653/memory.h"
#include "lib/arinc653/mode.h"
#include "lib/arinc653/monitor.h"
#include "lib/string.h"

#define RING 64u /* two for each thread */

static ERROR_STATUS_TYPE ring[RING];
static uint32_t first, used;

_Static_assert(MAX_ERROR_MESSAGE_SIZE == HYPIKE_MESSAGE_MAX, "sys.h");

static struct process *handler(void)
{
	return process_number(HANDLER_NUMBER);
}

/* The standard's codes are those of the configuration (system.h), from 0. */
static uint32_t system_error(ERROR_CODE_TYPE code)
{
	return (uint32_t)code + SYSTEM_ERROR_DEADLINE_MISSED;
}

/* What part 1 has no code for is an instruction that isn't allowed. */
static ERROR_CODE_TYPE error_code(uint32_t error)
{
	if (error < SYSTEM_ERROR_DEADLINE_MISSED || error > SYSTEM_ERROR_POWER_FAIL)
		return ILLEGAL_REQUEST;
	return (ERROR_CODE_TYPE)(error - SYSTEM_ERROR_DEADLINE_MISSED);
}

/* ---- raising ---- */

/* @return whether there is room; the handler runs as soon as the guard is free. */
static bool enqueue(const ERROR_STATUS_TYPE *error)
{
	struct process *process = handler();

	if (used == RING)
		return false;
	ring[(first + used++) % RING] = *error;
	if (process->dormant) {
		process_begin(process);
		process_wake(process, NO_ERROR);
	}
	return true;
}

bool fault_raise(struct process *process, ERROR_CODE_TYPE code, const APEX_BYTE *message,
		 ERROR_MESSAGE_SIZE_TYPE length)
{
	ERROR_STATUS_TYPE error = {
		.ERROR_CODE = code, .LENGTH = length, .FAILED_PROCESS_ID = process_id(process)};

	if (handler() == NULL || process == NULL || process_is_handler(process))
		return false;
	if (length > 0)
		memcpy(error.MESSAGE, message, (size_t)length);
	return enqueue(&error);
}

void fault_report(ERROR_CODE_TYPE code, const void *message, size_t size)
{
	hypike_health_raise(system_error(code), message, size);
}

/* ---- faults of the kernel ---- */

/* @return whether the handler gets it: not its own, nor one of the monitor. */
static bool take(const struct hypike_fault *fault)
{
	struct process *process = process_of_thread(fault->thread);
	ERROR_STATUS_TYPE error = {
		.ERROR_CODE = error_code(fault->error),
		.LENGTH = (ERROR_MESSAGE_SIZE_TYPE)fault->size,
		.FAILED_PROCESS_ID = process_id(process),
		.FAILED_ADDRESS = (SYSTEM_ADDRESS_TYPE)(uintptr_t)fault->address,
	};

	memcpy(error.MESSAGE, fault->message, sizeof(error.MESSAGE));
	if (process == NULL || process_is_handler(process) || handler() == NULL || !enqueue(&error))
		return false;
	process->faulted = true;
	return true;
}

/* A process that fails with the guard taken has left behind half of what it was doing. */
void fault_take(void)
{
	struct hypike_fault fault;
	bool taken;

	while (hypike_health_take(&fault) == HV_OK) {
		if (guard_is_of(fault.thread))
			hypike_exit((int)(128 + fault.error));
		guard_take();
		taken = take(&fault);
		guard_give();
		if (!taken)
			hypike_exit((int)(128 + fault.error));
	}
}

/*
 * @req LIB-611 A process whose instruction failed never executes it again: what the error handler
 *              hasn't stopped when it ends is stopped then.
 */
bool fault_handled(void)
{
	for (uint32_t i = 0; i < HANDLER_NUMBER; i++) {
		struct process *process = process_number(i);

		if (used == 0 && process != NULL && process->faulted)
			process_end(process);
	}
	return used > 0;
}

/* ---- services ---- */

void REPORT_APPLICATION_MESSAGE(MESSAGE_ADDR_TYPE MESSAGE_ADDR, MESSAGE_SIZE_TYPE LENGTH,
				RETURN_CODE_TYPE *RETURN_CODE)
{
	*RETURN_CODE = INVALID_PARAM;
	if (LENGTH < 1 || LENGTH > MAX_ERROR_MESSAGE_SIZE)
		return;
	hypike_console_write(MESSAGE_ADDR, (size_t)LENGTH);
	hypike_console_write("\n", 1);
	*RETURN_CODE = NO_ERROR;
}

static RETURN_CODE_TYPE create(SYSTEM_ADDRESS_TYPE entry, STACK_SIZE_TYPE stack_size)
{
	PROCESS_ATTRIBUTE_TYPE attributes = {
		.PERIOD = INFINITE_TIME_VALUE,
		.TIME_CAPACITY = INFINITE_TIME_VALUE,
		.ENTRY_POINT = entry,
		.STACK_SIZE = stack_size,
		.BASE_PRIORITY = MAX_PRIORITY_VALUE,
	};
	struct process *process;

	if (handler() != NULL)
		return NO_ACTION;
	if (!process_stack_size(&attributes.STACK_SIZE))
		return INVALID_CONFIG;
	if (mode_now() == NORMAL)
		return INVALID_MODE;
	process_make(&attributes, true, &process);
	return process == NULL ? INVALID_CONFIG : NO_ERROR;
}

void CREATE_ERROR_HANDLER(SYSTEM_ADDRESS_TYPE ENTRY_POINT, STACK_SIZE_TYPE STACK_SIZE,
			  RETURN_CODE_TYPE *RETURN_CODE)
{
	*RETURN_CODE = create(ENTRY_POINT, STACK_SIZE);
}

void GET_ERROR_STATUS(ERROR_STATUS_TYPE *ERROR_STATUS, RETURN_CODE_TYPE *RETURN_CODE)
{
	*RETURN_CODE = INVALID_CONFIG;
	if (!process_is_handler(process_self()))
		return;
	memory_try_write(ERROR_STATUS, sizeof(*ERROR_STATUS));
	guard_take();
	if (used > 0) {
		*ERROR_STATUS = ring[first];
		first = (first + 1) % RING;
		used--;
		*RETURN_CODE = NO_ERROR;
	} else {
		*RETURN_CODE = NO_ACTION;
	}
	guard_give();
}

void RAISE_APPLICATION_ERROR(ERROR_CODE_TYPE ERROR_CODE, MESSAGE_ADDR_TYPE MESSAGE_ADDR,
			     ERROR_MESSAGE_SIZE_TYPE LENGTH, RETURN_CODE_TYPE *RETURN_CODE)
{
	bool handled;

	*RETURN_CODE = INVALID_PARAM;
	if (LENGTH < 0 || LENGTH > MAX_ERROR_MESSAGE_SIZE || ERROR_CODE != APPLICATION_ERROR)
		return;
	memory_try_read(MESSAGE_ADDR, (size_t)LENGTH);
	guard_take();
	handled = fault_raise(process_self(), ERROR_CODE, MESSAGE_ADDR, LENGTH);
	guard_give();
	if (!handled)
		fault_report(ERROR_CODE, MESSAGE_ADDR, (size_t)LENGTH);
	*RETURN_CODE = NO_ERROR;
}
