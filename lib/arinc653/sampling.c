/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sampling ports (ARINC 653 part 1, 3.6.2.1). The channel is the kernel's; nothing waits, so that no
 * guard is needed.
 *
 * @req LIB-624 Sampling ports: the services of 3.6.2.1 for ports of the configuration.
 */
#include <arinc653/sampling.h>

#include <hypike/system.h>

#include "lib/arinc653/memory.h"
#include "lib/arinc653/ports.h"

static struct port table[MAX_NUMBER_OF_SAMPLING_PORTS];
static struct ports ports = {
	.port = table, .limit = MAX_NUMBER_OF_SAMPLING_PORTS, .kind = SYSTEM_CHANNEL_SAMPLING};

void CREATE_SAMPLING_PORT(const char *SAMPLING_PORT_NAME,
			  MESSAGE_SIZE_TYPE MAX_MESSAGE_SIZE, PORT_DIRECTION_TYPE PORT_DIRECTION,
			  SYSTEM_TIME_TYPE REFRESH_PERIOD, SAMPLING_PORT_ID_TYPE *SAMPLING_PORT_ID,
			  RETURN_CODE_TYPE *RETURN_CODE)
{
	struct port wanted = {
		.room = MAX_MESSAGE_SIZE, .direction = PORT_DIRECTION, .refresh = REFRESH_PERIOD};

	*RETURN_CODE = INVALID_CONFIG;
	if (REFRESH_PERIOD <= 0 || (PORT_DIRECTION != SOURCE && PORT_DIRECTION != DESTINATION))
		return;
	name_copy(wanted.name, SAMPLING_PORT_NAME);
	*RETURN_CODE = port_create(&ports, &wanted, SAMPLING_PORT_ID);
}

static RETURN_CODE_TYPE write(const struct port *port, const uint8_t *message,
			      MESSAGE_SIZE_TYPE length)
{
	if (port == NULL || length <= 0)
		return INVALID_PARAM;
	if (length > port->room)
		return INVALID_CONFIG;
	if (port->direction != SOURCE)
		return INVALID_MODE;
	return hypike_sampling_write(port->port, message, (size_t)length) == HV_OK ? NO_ERROR
										   : INVALID_PARAM;
}

void WRITE_SAMPLING_MESSAGE(SAMPLING_PORT_ID_TYPE SAMPLING_PORT_ID, MESSAGE_ADDR_TYPE MESSAGE_ADDR,
			    MESSAGE_SIZE_TYPE LENGTH, RETURN_CODE_TYPE *RETURN_CODE)
{
	*RETURN_CODE = write(port_of(&ports, SAMPLING_PORT_ID), MESSAGE_ADDR, LENGTH);
}

static RETURN_CODE_TYPE read(const struct port *port, uint8_t *message, struct hypike_sample *sample)
{
	hv_status_t status;

	if (port == NULL)
		return INVALID_PARAM;
	if (port->direction != DESTINATION)
		return INVALID_MODE;
	status = hypike_sampling_read(port->port, message, (size_t)port->room, sample);
	if (status == HV_E_STATE)
		return NO_ACTION;
	return status == HV_OK ? NO_ERROR : INVALID_PARAM;
}

void READ_SAMPLING_MESSAGE(SAMPLING_PORT_ID_TYPE SAMPLING_PORT_ID, MESSAGE_ADDR_TYPE MESSAGE_ADDR,
			   MESSAGE_SIZE_TYPE *LENGTH, VALIDITY_TYPE *VALIDITY,
			   RETURN_CODE_TYPE *RETURN_CODE)
{
	struct hypike_sample sample = {0};

	*RETURN_CODE = read(port_of(&ports, SAMPLING_PORT_ID), MESSAGE_ADDR, &sample);
	*VALIDITY = *RETURN_CODE == NO_ERROR && sample.valid ? VALID : INVALID;
	*LENGTH = *RETURN_CODE == NO_ERROR ? (MESSAGE_SIZE_TYPE)sample.size : 0;
}

void GET_SAMPLING_PORT_ID(const char *SAMPLING_PORT_NAME,
			  SAMPLING_PORT_ID_TYPE *SAMPLING_PORT_ID, RETURN_CODE_TYPE *RETURN_CODE)
{
	const APEX_INTEGER id = port_named(&ports, SAMPLING_PORT_NAME);

	*RETURN_CODE = id == 0 ? INVALID_CONFIG : NO_ERROR;
	if (id != 0)
		*SAMPLING_PORT_ID = id;
}

void GET_SAMPLING_PORT_STATUS(SAMPLING_PORT_ID_TYPE SAMPLING_PORT_ID,
			      SAMPLING_PORT_STATUS_TYPE *SAMPLING_PORT_STATUS,
			      RETURN_CODE_TYPE *RETURN_CODE)
{
	const struct port *port = port_of(&ports, SAMPLING_PORT_ID);
	struct hypike_port_status status = {0};

	*RETURN_CODE = port == NULL ? INVALID_PARAM : NO_ERROR;
	if (port == NULL)
		return;
	hypike_port_status(port->port, &status);
	*SAMPLING_PORT_STATUS = (SAMPLING_PORT_STATUS_TYPE){
		.REFRESH_PERIOD = port->refresh,
		.MAX_MESSAGE_SIZE = port->room,
		.PORT_DIRECTION = port->direction,
		.LAST_MSG_VALIDITY = status.valid ? VALID : INVALID,
	};
}
