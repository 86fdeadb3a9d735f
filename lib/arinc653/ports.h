/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file ports.h
 * What sampling and queuing ports have in common: ports of the configuration that the program created.
 */
#ifndef LIB_ARINC653_PORTS_H
#define LIB_ARINC653_PORTS_H

#include <hypike/sys.h>

#include <arinc653/types.h>

struct port {
	NAME_TYPE name;
	hypike_port_t port;
	MESSAGE_SIZE_TYPE room;
	MESSAGE_RANGE_TYPE depth;
	PORT_DIRECTION_TYPE direction;
	QUEUING_DISCIPLINE_TYPE discipline;
	SYSTEM_TIME_TYPE refresh;
};

/** Ports of one kind. */
struct ports {
	struct port *port;
	APEX_INTEGER count, limit;
	uint32_t kind; /**< enum system_channel_kind */
};

/** @return the port of that identifier, or NULL. */
struct port *port_of(const struct ports *ports, APEX_INTEGER id);
/** @return the identifier of the port of that name, or 0. */
APEX_INTEGER port_named(const struct ports *ports, const char *name);
/** Create the port that `wanted` names and describes, if the configuration has such a one. */
RETURN_CODE_TYPE port_create(struct ports *ports, const struct port *wanted, APEX_INTEGER *id);

#endif
