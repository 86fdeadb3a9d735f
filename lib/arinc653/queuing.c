/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queuing ports (ARINC 653 part 1, 3.6.2.2). Channel and waiting processes are the kernel's; here is
 * noted who waits in it.
 *
 * @req LIB-629 Queuing ports: the services of 3.6.2.2 for ports of the configuration.
 */
#include <arinc653/queuing.h>

#include <hypike/system.h>

#include "lib/arinc653/guard.h"
#include "lib/arinc653/memory.h"
#include "lib/arinc653/ports.h"
#include "lib/arinc653/process_table.h"

static struct port table[MAX_NUMBER_OF_QUEUING_PORTS];
static struct ports ports = {
	.port = table, .limit = MAX_NUMBER_OF_QUEUING_PORTS, .kind = SYSTEM_CHANNEL_QUEUING};

void CREATE_QUEUING_PORT(const char *QUEUING_PORT_NAME,
			 MESSAGE_SIZE_TYPE MAX_MESSAGE_SIZE, MESSAGE_RANGE_TYPE MAX_NB_MESSAGE,
			 PORT_DIRECTION_TYPE PORT_DIRECTION,
			 QUEUING_DISCIPLINE_TYPE QUEUING_DISCIPLINE,
			 QUEUING_PORT_ID_TYPE *QUEUING_PORT_ID, RETURN_CODE_TYPE *RETURN_CODE)
{
	struct port wanted = {.room = MAX_MESSAGE_SIZE,
			      .depth = MAX_NB_MESSAGE,
			      .direction = PORT_DIRECTION,
			      .discipline = QUEUING_DISCIPLINE};

	*RETURN_CODE = INVALID_CONFIG;
	if ((PORT_DIRECTION != SOURCE && PORT_DIRECTION != DESTINATION) ||
	    (QUEUING_DISCIPLINE != FIFO && QUEUING_DISCIPLINE != PRIORITY))
		return;
	name_copy(wanted.name, QUEUING_PORT_NAME);
	*RETURN_CODE = port_create(&ports, &wanted, QUEUING_PORT_ID);
}

/* A message on its way. */
struct transfer {
	struct port *port;
	uint8_t *message;
	MESSAGE_SIZE_TYPE length;
	uint64_t deadline;
};

typedef int64_t (*transfer_t)(const struct transfer *transfer);

static int64_t send(const struct transfer *t)
{
	return hypike_queuing_send(t->port->port, t->message, (size_t)t->length, t->deadline,
				   (enum hypike_discipline)t->port->discipline);
}

static int64_t receive(const struct transfer *t)
{
	return hypike_queuing_receive(t->port->port, t->message, (size_t)t->port->room, t->deadline,
				      (enum hypike_discipline)t->port->discipline);
}

static bool would_wait(int64_t status)
{
	return status == HV_E_FULL || status == HV_E_STATE || status == HV_E_EMPTY;
}

/* The process is WAITING while it is in the kernel. */
static int64_t wait_in_kernel(struct process *self, transfer_t fn, const struct transfer *transfer)
{
	int64_t status;

	guard_take();
	self->wait = WAIT_PORT;
	guard_give();
	status = fn(transfer);
	guard_take();
	self->wait = WAIT_NOTHING;
	guard_give();
	return status;
}

/* At once, if that is possible; else waiting, if that is allowed. *result: bytes, of a receiver. */
static RETURN_CODE_TYPE pass(transfer_t fn, struct transfer *transfer, SYSTEM_TIME_TYPE time_out,
			     int64_t *result)
{
	struct process *self = process_self();
	uint64_t end;

	if (!time_out_end(time_out, hypike_time(), &end))
		return INVALID_PARAM;
	*result = fn(transfer);
	if (would_wait(*result)) {
		if (time_out == 0)
			return NOT_AVAILABLE;
		if (!process_may_wait(self))
			return INVALID_MODE;
		transfer->deadline = end;
		*result = wait_in_kernel(self, fn, transfer);
	}
	if (*result == HV_E_TIMEOUT)
		return TIMED_OUT;
	return *result < 0 ? INVALID_PARAM : NO_ERROR;
}

void SEND_QUEUING_MESSAGE(QUEUING_PORT_ID_TYPE QUEUING_PORT_ID, MESSAGE_ADDR_TYPE MESSAGE_ADDR,
			  MESSAGE_SIZE_TYPE LENGTH, SYSTEM_TIME_TYPE TIME_OUT,
			  RETURN_CODE_TYPE *RETURN_CODE)
{
	struct transfer transfer = {.port = port_of(&ports, QUEUING_PORT_ID),
				    .message = MESSAGE_ADDR,
				    .length = LENGTH};
	int64_t result;

	*RETURN_CODE = INVALID_PARAM;
	if (transfer.port == NULL || LENGTH <= 0)
		return;
	if (LENGTH > transfer.port->room)
		*RETURN_CODE = INVALID_CONFIG;
	else if (transfer.port->direction != SOURCE)
		*RETURN_CODE = INVALID_MODE;
	else
		*RETURN_CODE = pass(send, &transfer, TIME_OUT, &result);
}

void RECEIVE_QUEUING_MESSAGE(QUEUING_PORT_ID_TYPE QUEUING_PORT_ID, SYSTEM_TIME_TYPE TIME_OUT,
			     MESSAGE_ADDR_TYPE MESSAGE_ADDR, MESSAGE_SIZE_TYPE *LENGTH,
			     RETURN_CODE_TYPE *RETURN_CODE)
{
	struct transfer transfer = {.port = port_of(&ports, QUEUING_PORT_ID),
				    .message = MESSAGE_ADDR};
	int64_t result = 0;

	*RETURN_CODE = INVALID_PARAM;
	if (transfer.port == NULL)
		return;
	if (transfer.port->direction != DESTINATION)
		*RETURN_CODE = INVALID_MODE;
	else
		*RETURN_CODE = pass(receive, &transfer, TIME_OUT, &result);
	*LENGTH = *RETURN_CODE == NO_ERROR ? (MESSAGE_SIZE_TYPE)result : 0;
}

void GET_QUEUING_PORT_ID(const char *QUEUING_PORT_NAME,
			 QUEUING_PORT_ID_TYPE *QUEUING_PORT_ID, RETURN_CODE_TYPE *RETURN_CODE)
{
	const APEX_INTEGER id = port_named(&ports, QUEUING_PORT_NAME);

	*RETURN_CODE = id == 0 ? INVALID_CONFIG : NO_ERROR;
	if (id != 0)
		*QUEUING_PORT_ID = id;
}

void GET_QUEUING_PORT_STATUS(QUEUING_PORT_ID_TYPE QUEUING_PORT_ID,
			     QUEUING_PORT_STATUS_TYPE *QUEUING_PORT_STATUS,
			     RETURN_CODE_TYPE *RETURN_CODE)
{
	const struct port *port = port_of(&ports, QUEUING_PORT_ID);
	struct hypike_port_status status = {0};

	*RETURN_CODE = port == NULL ? INVALID_PARAM : NO_ERROR;
	if (port == NULL)
		return;
	hypike_port_status(port->port, &status);
	*QUEUING_PORT_STATUS = (QUEUING_PORT_STATUS_TYPE){
		.NB_MESSAGE = (MESSAGE_RANGE_TYPE)status.messages,
		.MAX_NB_MESSAGE = port->depth,
		.MAX_MESSAGE_SIZE = port->room,
		.PORT_DIRECTION = port->direction,
		.WAITING_PROCESSES = (WAITING_RANGE_TYPE)status.waiting,
	};
}

void CLEAR_QUEUING_PORT(QUEUING_PORT_ID_TYPE QUEUING_PORT_ID, RETURN_CODE_TYPE *RETURN_CODE)
{
	const struct port *port = port_of(&ports, QUEUING_PORT_ID);

	*RETURN_CODE = NO_ERROR;
	if (port == NULL)
		*RETURN_CODE = INVALID_PARAM;
	else if (port->direction != DESTINATION)
		*RETURN_CODE = INVALID_MODE;
	else
		hypike_queuing_clear(port->port);
}
