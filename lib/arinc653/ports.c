/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/arinc653/ports.h"

#include <hypike/system.h>

#include <arinc653/partition.h>

#include "lib/arinc653/memory.h"
#include "lib/arinc653/mode.h"
#include "lib/string.h"

struct port *port_of(const struct ports *ports, APEX_INTEGER id)
{
	return id < 1 || id > ports->count ? NULL : &ports->port[id - 1];
}

APEX_INTEGER port_named(const struct ports *ports, const char *name)
{
	for (APEX_INTEGER i = 0; i < ports->count; i++)
		if (name_same(ports->port[i].name, name))
			return i + 1;
	return 0;
}

/* @return whether the configuration's port is what the program takes it for. */
static bool as_configured(const struct hypike_port_info *info, uint32_t kind,
			  const struct port *wanted)
{
	const uint32_t direction = wanted->direction == SOURCE ? SYSTEM_PORT_SOURCE
							       : SYSTEM_PORT_DESTINATION;

	if (info->kind != kind || info->direction != direction ||
	    info->max_message != (uint32_t)wanted->room)
		return false;
	if (kind == SYSTEM_CHANNEL_QUEUING)
		return info->depth == (uint32_t)wanted->depth;
	return direction == SYSTEM_PORT_SOURCE || info->refresh == (uint64_t)wanted->refresh;
}

RETURN_CODE_TYPE port_create(struct ports *ports, const struct port *wanted, APEX_INTEGER *id)
{
	char name[MAX_NAME_LENGTH + 1] = {0};
	struct hypike_port_info info;
	struct port *port = &ports->port[ports->count];

	if (ports->count == ports->limit)
		return INVALID_CONFIG;
	name_copy(name, wanted->name);
	if (hypike_port_open(name, &info) != HV_OK)
		return INVALID_CONFIG;
	if (port_named(ports, wanted->name) != 0)
		return NO_ACTION;
	if (!as_configured(&info, ports->kind, wanted))
		return INVALID_CONFIG;
	if (mode_now() == NORMAL)
		return INVALID_MODE;
	*port = *wanted;
	port->port = info.port;
	*id = ++ports->count;
	return NO_ERROR;
}
