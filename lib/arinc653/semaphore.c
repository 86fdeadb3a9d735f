/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Semaphores (ARINC 653 part 1, 3.7.2.3).
 *
 * @req LIB-627 Semaphores: the services of 3.7.2.3.
 */
#include <arinc653/partition.h>
#include <arinc653/semaphore.h>

#include "lib/arinc653/guard.h"
#include "lib/arinc653/memory.h"
#include "lib/arinc653/mode.h"

struct semaphore {
	NAME_TYPE name;
	SEMAPHORE_VALUE_TYPE value, maximum;
	QUEUING_DISCIPLINE_TYPE discipline;
	uint32_t waiting;
};

static struct semaphore semaphores[MAX_NUMBER_OF_SEMAPHORES];
static SEMAPHORE_ID_TYPE count;

static struct semaphore *semaphore_of(SEMAPHORE_ID_TYPE id)
{
	return id < 1 || id > count ? NULL : &semaphores[id - 1];
}

/* @return its identifier, or 0. */
static SEMAPHORE_ID_TYPE named(const char *name)
{
	for (SEMAPHORE_ID_TYPE i = 0; i < count; i++)
		if (name_same(semaphores[i].name, name))
			return i + 1;
	return 0;
}

static RETURN_CODE_TYPE create(const char *name, SEMAPHORE_VALUE_TYPE value,
			       SEMAPHORE_VALUE_TYPE maximum, QUEUING_DISCIPLINE_TYPE discipline)
{
	if (count == MAX_NUMBER_OF_SEMAPHORES)
		return INVALID_CONFIG;
	if (named(name) != 0)
		return NO_ACTION;
	if (maximum < 1 || maximum > MAX_SEMAPHORE_VALUE || value < 0 || value > maximum ||
	    (discipline != FIFO && discipline != PRIORITY))
		return INVALID_PARAM;
	if (mode_now() == NORMAL)
		return INVALID_MODE;
	semaphores[count] = (struct semaphore){
		.value = value, .maximum = maximum, .discipline = discipline};
	name_copy(semaphores[count++].name, name);
	return NO_ERROR;
}

void CREATE_SEMAPHORE(const char *SEMAPHORE_NAME, SEMAPHORE_VALUE_TYPE CURRENT_VALUE,
		      SEMAPHORE_VALUE_TYPE MAXIMUM_VALUE,
		      QUEUING_DISCIPLINE_TYPE QUEUING_DISCIPLINE, SEMAPHORE_ID_TYPE *SEMAPHORE_ID,
		      RETURN_CODE_TYPE *RETURN_CODE)
{
	*RETURN_CODE = create(SEMAPHORE_NAME, CURRENT_VALUE, MAXIMUM_VALUE, QUEUING_DISCIPLINE);
	if (*RETURN_CODE == NO_ERROR)
		*SEMAPHORE_ID = count;
}

/* Under the guard, which it gives back. */
static RETURN_CODE_TYPE wait_guarded(struct semaphore *semaphore, SYSTEM_TIME_TYPE time_out)
{
	if (semaphore->value == 0)
		return queue_wait(&semaphore->waiting, process_self(), time_out);
	semaphore->value--;
	guard_give();
	return NO_ERROR;
}

void WAIT_SEMAPHORE(SEMAPHORE_ID_TYPE SEMAPHORE_ID, SYSTEM_TIME_TYPE TIME_OUT,
		    RETURN_CODE_TYPE *RETURN_CODE)
{
	struct semaphore *semaphore = semaphore_of(SEMAPHORE_ID);

	*RETURN_CODE = INVALID_PARAM;
	if (semaphore == NULL || !time_out_valid(TIME_OUT))
		return;
	guard_take();
	*RETURN_CODE = wait_guarded(semaphore, TIME_OUT);
}

static RETURN_CODE_TYPE signal(struct semaphore *semaphore)
{
	struct process *first = queue_first(semaphore->waiting, semaphore->discipline);

	if (semaphore->value == semaphore->maximum)
		return NO_ACTION;
	if (first != NULL)
		process_wake(first, NO_ERROR);
	else
		semaphore->value++;
	return NO_ERROR;
}

void SIGNAL_SEMAPHORE(SEMAPHORE_ID_TYPE SEMAPHORE_ID, RETURN_CODE_TYPE *RETURN_CODE)
{
	struct semaphore *semaphore = semaphore_of(SEMAPHORE_ID);
	RETURN_CODE_TYPE code;

	*RETURN_CODE = INVALID_PARAM;
	if (semaphore == NULL)
		return;
	guard_take();
	code = signal(semaphore);
	guard_give();
	*RETURN_CODE = code;
}

void GET_SEMAPHORE_ID(const char *SEMAPHORE_NAME, SEMAPHORE_ID_TYPE *SEMAPHORE_ID,
		      RETURN_CODE_TYPE *RETURN_CODE)
{
	const SEMAPHORE_ID_TYPE id = named(SEMAPHORE_NAME);

	*RETURN_CODE = id == 0 ? INVALID_CONFIG : NO_ERROR;
	if (id != 0)
		*SEMAPHORE_ID = id;
}

void GET_SEMAPHORE_STATUS(SEMAPHORE_ID_TYPE SEMAPHORE_ID, SEMAPHORE_STATUS_TYPE *SEMAPHORE_STATUS,
			  RETURN_CODE_TYPE *RETURN_CODE)
{
	const struct semaphore *semaphore = semaphore_of(SEMAPHORE_ID);

	*RETURN_CODE = semaphore == NULL ? INVALID_PARAM : NO_ERROR;
	if (semaphore == NULL)
		return;
	memory_try_write(SEMAPHORE_STATUS, sizeof(*SEMAPHORE_STATUS));
	guard_take();
	*SEMAPHORE_STATUS = (SEMAPHORE_STATUS_TYPE){
		.CURRENT_VALUE = semaphore->value,
		.MAXIMUM_VALUE = semaphore->maximum,
		.WAITING_PROCESSES = queue_length(semaphore->waiting),
	};
	guard_give();
}
