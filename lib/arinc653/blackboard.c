/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blackboards (ARINC 653 part 1, 3.7.2.2).
 *
 * @req LIB-626 Blackboards: the services of 3.7.2.2.
 */
#include <arinc653/blackboard.h>
#include <arinc653/partition.h>

#include "lib/arinc653/guard.h"
#include "lib/arinc653/memory.h"
#include "lib/arinc653/mode.h"
#include "lib/string.h"

struct blackboard {
	NAME_TYPE name;
	MESSAGE_SIZE_TYPE room, size; /**< size 0: empty */
	uint8_t *message;
	uint32_t waiting;
};

static struct blackboard blackboards[MAX_NUMBER_OF_BLACKBOARDS];
static BLACKBOARD_ID_TYPE count;

static struct blackboard *blackboard_of(BLACKBOARD_ID_TYPE id)
{
	return id < 1 || id > count ? NULL : &blackboards[id - 1];
}

/* @return its identifier, or 0. */
static BLACKBOARD_ID_TYPE named(const char *name)
{
	for (BLACKBOARD_ID_TYPE i = 0; i < count; i++)
		if (name_same(blackboards[i].name, name))
			return i + 1;
	return 0;
}

static RETURN_CODE_TYPE create(const char *name, MESSAGE_SIZE_TYPE room)
{
	uint8_t *message;

	if (count == MAX_NUMBER_OF_BLACKBOARDS)
		return INVALID_CONFIG;
	if (named(name) != 0)
		return NO_ACTION;
	if (room < 1 || room > SYSTEM_LIMIT_MESSAGE_SIZE)
		return INVALID_PARAM;
	if (mode_now() == NORMAL)
		return INVALID_MODE;
	message = memory_messages((uint32_t)room, 1);
	if (message == NULL)
		return INVALID_CONFIG;
	blackboards[count] = (struct blackboard){.room = room, .message = message};
	name_copy(blackboards[count++].name, name);
	return NO_ERROR;
}

void CREATE_BLACKBOARD(const char *BLACKBOARD_NAME, MESSAGE_SIZE_TYPE MAX_MESSAGE_SIZE,
		       BLACKBOARD_ID_TYPE *BLACKBOARD_ID, RETURN_CODE_TYPE *RETURN_CODE)
{
	*RETURN_CODE = create(BLACKBOARD_NAME, MAX_MESSAGE_SIZE);
	if (*RETURN_CODE == NO_ERROR)
		*BLACKBOARD_ID = count;
}

static void copy_to(const struct blackboard *blackboard, uint8_t *message,
		    MESSAGE_SIZE_TYPE *length)
{
	memcpy(message, blackboard->message, (size_t)blackboard->size);
	*length = blackboard->size;
}

void DISPLAY_BLACKBOARD(BLACKBOARD_ID_TYPE BLACKBOARD_ID, MESSAGE_ADDR_TYPE MESSAGE_ADDR,
			MESSAGE_SIZE_TYPE LENGTH, RETURN_CODE_TYPE *RETURN_CODE)
{
	struct blackboard *blackboard = blackboard_of(BLACKBOARD_ID);
	struct process *process;

	*RETURN_CODE = INVALID_PARAM;
	if (blackboard == NULL || LENGTH < 1 || LENGTH > blackboard->room)
		return;
	memory_try_read(MESSAGE_ADDR, (size_t)LENGTH);
	guard_take();
	memcpy(blackboard->message, MESSAGE_ADDR, (size_t)LENGTH);
	blackboard->size = LENGTH;
	while ((process = queue_first(blackboard->waiting, FIFO)) != NULL) {
		copy_to(blackboard, process->message, process->length);
		process_wake(process, NO_ERROR);
	}
	guard_give();
	*RETURN_CODE = NO_ERROR;
}

/* Under the guard, which it gives back. */
static RETURN_CODE_TYPE read_guarded(struct blackboard *blackboard, SYSTEM_TIME_TYPE time_out,
				     uint8_t *message, MESSAGE_SIZE_TYPE *length)
{
	struct process *self = process_self();

	if (blackboard->size > 0) {
		copy_to(blackboard, message, length);
		guard_give();
		return NO_ERROR;
	}
	if (self != NULL) {
		self->message = message;
		self->length = length;
	}
	return queue_wait(&blackboard->waiting, self, time_out);
}

void READ_BLACKBOARD(BLACKBOARD_ID_TYPE BLACKBOARD_ID, SYSTEM_TIME_TYPE TIME_OUT,
		     MESSAGE_ADDR_TYPE MESSAGE_ADDR, MESSAGE_SIZE_TYPE *LENGTH,
		     RETURN_CODE_TYPE *RETURN_CODE)
{
	struct blackboard *blackboard = blackboard_of(BLACKBOARD_ID);

	*RETURN_CODE = INVALID_PARAM;
	if (blackboard == NULL)
		return;
	memory_try_write(MESSAGE_ADDR, (size_t)blackboard->room);
	memory_try_write(LENGTH, sizeof(*LENGTH));
	*LENGTH = 0;
	if (!time_out_valid(TIME_OUT))
		return;
	guard_take();
	*RETURN_CODE = read_guarded(blackboard, TIME_OUT, MESSAGE_ADDR, LENGTH);
}

void CLEAR_BLACKBOARD(BLACKBOARD_ID_TYPE BLACKBOARD_ID, RETURN_CODE_TYPE *RETURN_CODE)
{
	struct blackboard *blackboard = blackboard_of(BLACKBOARD_ID);

	*RETURN_CODE = blackboard == NULL ? INVALID_PARAM : NO_ERROR;
	if (blackboard == NULL)
		return;
	guard_take();
	blackboard->size = 0;
	guard_give();
}

void GET_BLACKBOARD_ID(const char *BLACKBOARD_NAME, BLACKBOARD_ID_TYPE *BLACKBOARD_ID,
		       RETURN_CODE_TYPE *RETURN_CODE)
{
	const BLACKBOARD_ID_TYPE id = named(BLACKBOARD_NAME);

	*RETURN_CODE = id == 0 ? INVALID_CONFIG : NO_ERROR;
	if (id != 0)
		*BLACKBOARD_ID = id;
}

void GET_BLACKBOARD_STATUS(BLACKBOARD_ID_TYPE BLACKBOARD_ID,
			   BLACKBOARD_STATUS_TYPE *BLACKBOARD_STATUS,
			   RETURN_CODE_TYPE *RETURN_CODE)
{
	const struct blackboard *blackboard = blackboard_of(BLACKBOARD_ID);

	*RETURN_CODE = blackboard == NULL ? INVALID_PARAM : NO_ERROR;
	if (blackboard == NULL)
		return;
	memory_try_write(BLACKBOARD_STATUS, sizeof(*BLACKBOARD_STATUS));
	guard_take();
	*BLACKBOARD_STATUS = (BLACKBOARD_STATUS_TYPE){
		.EMPTY_INDICATOR = blackboard->size > 0 ? OCCUPIED : EMPTY,
		.MAX_MESSAGE_SIZE = blackboard->room,
		.WAITING_PROCESSES = queue_length(blackboard->waiting),
	};
	guard_give();
}
