/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events (ARINC 653 part 1, 3.7.2.4).
 *
 * @req LIB-628 Events: the services of 3.7.2.4.
 */
#include <arinc653/event.h>
#include <arinc653/partition.h>

#include "lib/arinc653/guard.h"
#include "lib/arinc653/memory.h"
#include "lib/arinc653/mode.h"

struct event {
	NAME_TYPE name;
	EVENT_STATE_TYPE state;
	uint32_t waiting;
};

static struct event events[MAX_NUMBER_OF_EVENTS];
static EVENT_ID_TYPE count;

static struct event *event_of(EVENT_ID_TYPE id)
{
	return id < 1 || id > count ? NULL : &events[id - 1];
}

/* @return its identifier, or 0. */
static EVENT_ID_TYPE named(const char *name)
{
	for (EVENT_ID_TYPE i = 0; i < count; i++)
		if (name_same(events[i].name, name))
			return i + 1;
	return 0;
}

static RETURN_CODE_TYPE create(const char *name)
{
	if (count == MAX_NUMBER_OF_EVENTS)
		return INVALID_CONFIG;
	if (named(name) != 0)
		return NO_ACTION;
	if (mode_now() == NORMAL)
		return INVALID_MODE;
	events[count].state = DOWN;
	name_copy(events[count++].name, name);
	return NO_ERROR;
}

void CREATE_EVENT(const char *EVENT_NAME, EVENT_ID_TYPE *EVENT_ID,
		  RETURN_CODE_TYPE *RETURN_CODE)
{
	*RETURN_CODE = create(EVENT_NAME);
	if (*RETURN_CODE == NO_ERROR)
		*EVENT_ID = count;
}

void SET_EVENT(EVENT_ID_TYPE EVENT_ID, RETURN_CODE_TYPE *RETURN_CODE)
{
	struct event *event = event_of(EVENT_ID);
	struct process *process;

	*RETURN_CODE = event == NULL ? INVALID_PARAM : NO_ERROR;
	if (event == NULL)
		return;
	guard_take();
	event->state = UP;
	while ((process = queue_first(event->waiting, FIFO)) != NULL)
		process_wake(process, NO_ERROR);
	guard_give();
}

void RESET_EVENT(EVENT_ID_TYPE EVENT_ID, RETURN_CODE_TYPE *RETURN_CODE)
{
	struct event *event = event_of(EVENT_ID);

	*RETURN_CODE = event == NULL ? INVALID_PARAM : NO_ERROR;
	if (event == NULL)
		return;
	guard_take();
	event->state = DOWN;
	guard_give();
}

/* Under the guard, which it gives back. */
static RETURN_CODE_TYPE wait_guarded(struct event *event, SYSTEM_TIME_TYPE time_out)
{
	if (event->state == DOWN)
		return queue_wait(&event->waiting, process_self(), time_out);
	guard_give();
	return NO_ERROR;
}

void WAIT_EVENT(EVENT_ID_TYPE EVENT_ID, SYSTEM_TIME_TYPE TIME_OUT, RETURN_CODE_TYPE *RETURN_CODE)
{
	struct event *event = event_of(EVENT_ID);

	*RETURN_CODE = INVALID_PARAM;
	if (event == NULL || !time_out_valid(TIME_OUT))
		return;
	guard_take();
	*RETURN_CODE = wait_guarded(event, TIME_OUT);
}

void GET_EVENT_ID(const char *EVENT_NAME, EVENT_ID_TYPE *EVENT_ID,
		  RETURN_CODE_TYPE *RETURN_CODE)
{
	const EVENT_ID_TYPE id = named(EVENT_NAME);

	*RETURN_CODE = id == 0 ? INVALID_CONFIG : NO_ERROR;
	if (id != 0)
		*EVENT_ID = id;
}

void GET_EVENT_STATUS(EVENT_ID_TYPE EVENT_ID, EVENT_STATUS_TYPE *EVENT_STATUS,
		      RETURN_CODE_TYPE *RETURN_CODE)
{
	const struct event *event = event_of(EVENT_ID);

	*RETURN_CODE = event == NULL ? INVALID_PARAM : NO_ERROR;
	if (event == NULL)
		return;
	memory_try_write(EVENT_STATUS, sizeof(*EVENT_STATUS));
	guard_take();
	*EVENT_STATUS = (EVENT_STATUS_TYPE){
		.EVENT_STATE = event->state,
		.WAITING_PROCESSES = queue_length(event->waiting),
	};
	guard_give();
}
