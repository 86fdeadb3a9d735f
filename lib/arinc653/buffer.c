/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Buffers (ARINC 653 part 1, 3.7.2.1): a ring of messages. Those that wait all want to send (it is
 * full) or all to receive (it is empty).
 *
 * @req LIB-621 Buffers: the services of 3.7.2.1; no message is lost, doubled or out of order.
 */
#include <arinc653/buffer.h>
#include <arinc653/partition.h>

#include "lib/arinc653/guard.h"
#include "lib/arinc653/memory.h"
#include "lib/arinc653/mode.h"
#include "lib/string.h"

struct buffer {
	NAME_TYPE name;
	MESSAGE_SIZE_TYPE room;
	MESSAGE_RANGE_TYPE depth, used, first;
	QUEUING_DISCIPLINE_TYPE discipline;
	uint8_t *slots; /**< each: its message's length, then `room` bytes */
	uint32_t waiting;
};

static struct buffer buffers[MAX_NUMBER_OF_BUFFERS];
static BUFFER_ID_TYPE count;

static struct buffer *buffer_of(BUFFER_ID_TYPE id)
{
	return id < 1 || id > count ? NULL : &buffers[id - 1];
}

/* @return its identifier, or 0. */
static BUFFER_ID_TYPE named(const char *name)
{
	for (BUFFER_ID_TYPE i = 0; i < count; i++)
		if (name_same(buffers[i].name, name))
			return i + 1;
	return 0;
}

/* ---- the ring ---- */

static uint32_t slot_size(MESSAGE_SIZE_TYPE room)
{
	return ((uint32_t)room + sizeof(MESSAGE_SIZE_TYPE) + 7) & ~UINT32_C(7);
}

static uint8_t *slot(const struct buffer *buffer, MESSAGE_RANGE_TYPE number)
{
	const uint32_t place = (uint32_t)((buffer->first + number) % buffer->depth);

	return buffer->slots + place * slot_size(buffer->room);
}

static void append(struct buffer *buffer, const uint8_t *message, MESSAGE_SIZE_TYPE length)
{
	uint8_t *to = slot(buffer, buffer->used++);

	memcpy(to, &length, sizeof(length));
	memcpy(to + sizeof(length), message, (size_t)length);
}

static void take(struct buffer *buffer, uint8_t *message, MESSAGE_SIZE_TYPE *length)
{
	const uint8_t *from = slot(buffer, 0);

	memcpy(length, from, sizeof(*length));
	memcpy(message, from + sizeof(*length), (size_t)*length);
	buffer->first = (buffer->first + 1) % buffer->depth;
	buffer->used--;
}

/* ---- making ---- */

static RETURN_CODE_TYPE create(const char *name, MESSAGE_SIZE_TYPE room, MESSAGE_RANGE_TYPE depth,
			       QUEUING_DISCIPLINE_TYPE discipline)
{
	uint8_t *slots;

	if (count == MAX_NUMBER_OF_BUFFERS)
		return INVALID_CONFIG;
	if (named(name) != 0)
		return NO_ACTION;
	if (room < 1 || room > SYSTEM_LIMIT_MESSAGE_SIZE || depth < 1 ||
	    depth > SYSTEM_LIMIT_NUMBER_OF_MESSAGES ||
	    (discipline != FIFO && discipline != PRIORITY))
		return INVALID_PARAM;
	if (mode_now() == NORMAL)
		return INVALID_MODE;
	slots = memory_messages(slot_size(room), (uint32_t)depth);
	if (slots == NULL)
		return INVALID_CONFIG;
	buffers[count] = (struct buffer){
		.room = room, .depth = depth, .discipline = discipline, .slots = slots};
	name_copy(buffers[count++].name, name);
	return NO_ERROR;
}

void CREATE_BUFFER(const char *BUFFER_NAME, MESSAGE_SIZE_TYPE MAX_MESSAGE_SIZE,
		   MESSAGE_RANGE_TYPE MAX_NB_MESSAGE, QUEUING_DISCIPLINE_TYPE QUEUING_DISCIPLINE,
		   BUFFER_ID_TYPE *BUFFER_ID, RETURN_CODE_TYPE *RETURN_CODE)
{
	*RETURN_CODE = create(BUFFER_NAME, MAX_MESSAGE_SIZE, MAX_NB_MESSAGE, QUEUING_DISCIPLINE);
	if (*RETURN_CODE == NO_ERROR)
		*BUFFER_ID = count;
}

/* ---- sending ---- */

/* There is room, or a receiver, which then is the first in the ring's stead. */
static void put(struct buffer *buffer, const uint8_t *message, MESSAGE_SIZE_TYPE length)
{
	struct process *receiver = queue_first(buffer->waiting, buffer->discipline);

	if (receiver == NULL) {
		append(buffer, message, length);
		return;
	}
	memcpy(receiver->message, message, (size_t)length);
	*receiver->length = length;
	process_wake(receiver, NO_ERROR);
}

/* Under the guard, which it gives back. */
static RETURN_CODE_TYPE send_guarded(struct buffer *buffer, uint8_t *message,
				     MESSAGE_SIZE_TYPE length, SYSTEM_TIME_TYPE time_out)
{
	struct process *self = process_self();

	if (buffer->used < buffer->depth) {
		put(buffer, message, length);
		guard_give();
		return NO_ERROR;
	}
	if (self != NULL) {
		self->message = message;
		self->size = length;
	}
	return queue_wait(&buffer->waiting, self, time_out);
}

void SEND_BUFFER(BUFFER_ID_TYPE BUFFER_ID, MESSAGE_ADDR_TYPE MESSAGE_ADDR, MESSAGE_SIZE_TYPE LENGTH,
		 SYSTEM_TIME_TYPE TIME_OUT, RETURN_CODE_TYPE *RETURN_CODE)
{
	struct buffer *buffer = buffer_of(BUFFER_ID);

	*RETURN_CODE = INVALID_PARAM;
	if (buffer == NULL || LENGTH < 1 || LENGTH > buffer->room || !time_out_valid(TIME_OUT))
		return;
	memory_try_read(MESSAGE_ADDR, (size_t)LENGTH);
	guard_take();
	*RETURN_CODE = send_guarded(buffer, MESSAGE_ADDR, LENGTH, TIME_OUT);
}

/* ---- receiving ---- */

/* There is a message; whoever waits, waits to send. */
static void get(struct buffer *buffer, uint8_t *message, MESSAGE_SIZE_TYPE *length)
{
	struct process *sender = queue_first(buffer->waiting, buffer->discipline);

	take(buffer, message, length);
	if (sender == NULL)
		return;
	append(buffer, sender->message, sender->size);
	process_wake(sender, NO_ERROR);
}

/* Under the guard, which it gives back. */
static RETURN_CODE_TYPE receive_guarded(struct buffer *buffer, SYSTEM_TIME_TYPE time_out,
					uint8_t *message, MESSAGE_SIZE_TYPE *length)
{
	struct process *self = process_self();

	if (buffer->used > 0) {
		get(buffer, message, length);
		guard_give();
		return NO_ERROR;
	}
	if (self != NULL) {
		self->message = message;
		self->length = length;
	}
	return queue_wait(&buffer->waiting, self, time_out);
}

void RECEIVE_BUFFER(BUFFER_ID_TYPE BUFFER_ID, SYSTEM_TIME_TYPE TIME_OUT,
		    MESSAGE_ADDR_TYPE MESSAGE_ADDR, MESSAGE_SIZE_TYPE *LENGTH,
		    RETURN_CODE_TYPE *RETURN_CODE)
{
	struct buffer *buffer = buffer_of(BUFFER_ID);

	*RETURN_CODE = INVALID_PARAM;
	if (buffer == NULL)
		return;
	memory_try_write(MESSAGE_ADDR, (size_t)buffer->room);
	memory_try_write(LENGTH, sizeof(*LENGTH));
	*LENGTH = 0;
	if (!time_out_valid(TIME_OUT))
		return;
	guard_take();
	*RETURN_CODE = receive_guarded(buffer, TIME_OUT, MESSAGE_ADDR, LENGTH);
}

/* ---- knowing ---- */

void GET_BUFFER_ID(const char *BUFFER_NAME, BUFFER_ID_TYPE *BUFFER_ID,
		   RETURN_CODE_TYPE *RETURN_CODE)
{
	const BUFFER_ID_TYPE id = named(BUFFER_NAME);

	*RETURN_CODE = id == 0 ? INVALID_CONFIG : NO_ERROR;
	if (id != 0)
		*BUFFER_ID = id;
}

void GET_BUFFER_STATUS(BUFFER_ID_TYPE BUFFER_ID, BUFFER_STATUS_TYPE *BUFFER_STATUS,
		       RETURN_CODE_TYPE *RETURN_CODE)
{
	const struct buffer *buffer = buffer_of(BUFFER_ID);

	*RETURN_CODE = buffer == NULL ? INVALID_PARAM : NO_ERROR;
	if (buffer == NULL)
		return;
	memory_try_write(BUFFER_STATUS, sizeof(*BUFFER_STATUS));
	guard_take();
	*BUFFER_STATUS = (BUFFER_STATUS_TYPE){
		.NB_MESSAGE = buffer->used,
		.MAX_NB_MESSAGE = buffer->depth,
		.MAX_MESSAGE_SIZE = buffer->room,
		.WAITING_PROCESSES = queue_length(buffer->waiting),
	};
	guard_give();
}
