/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * @req LIB-041 The switch passes a frame on only if its source is the address that the port was given
 *              (where it was given one) and nobody else's, never to another VLAN, never to the port
 *              that it came from, and never a tagged one.
 */
#include "services/switch/bridge.h"

#include "lib/mac.h"

#define HEADER	   14u
#define FRAME_MAX  1518u

#define TYPE_VLAN  0x8100u
#define TYPE_QINQ  0x88a8u

/** 802.1D, table 7-10: 01-80-C2-00-00-00 to -0F are for the next station alone. */
#define RESERVED_FIRST UINT64_C(0x0180c2000000)
#define RESERVED_LAST  UINT64_C(0x0180c200000f)

int bridge_port_add(struct bridge *bridge, uint64_t mac, uint16_t vlan)
{
	if (bridge->ports == BRIDGE_PORTS || vlan == 0 || vlan > BRIDGE_VLAN_MAX ||
	    mac > MAC_BROADCAST || (mac & MAC_GROUP))
		return -1;
	bridge->port[bridge->ports] = (struct bridge_port){.mac = mac, .vlan = vlan};
	return (int)bridge->ports++;
}

/** The port of a configured address, or -1. */
static int configured(const struct bridge *bridge, uint64_t mac, uint16_t vlan)
{
	for (unsigned int i = 0; i < bridge->ports; i++) {
		if (bridge->port[i].mac == mac && bridge->port[i].vlan == vlan)
			return (int)i;
	}
	return -1;
}

static struct bridge_entry *learnt(struct bridge *bridge, uint64_t mac, uint16_t vlan)
{
	for (unsigned int i = 0; i < BRIDGE_LEARNT; i++) {
		if (bridge->learnt[i].mac == mac && bridge->learnt[i].vlan == vlan)
			return &bridge->learnt[i];
	}
	return NULL;
}

static void learn(struct bridge *bridge, uint64_t mac, uint16_t vlan, unsigned int port)
{
	struct bridge_entry *entry = learnt(bridge, mac, vlan);

	if (!entry) {
		entry = &bridge->learnt[bridge->next];
		bridge->next = (bridge->next + 1) % BRIDGE_LEARNT;
	}
	*entry = (struct bridge_entry){mac, vlan, (uint16_t)port};
}

/** @return why the frame isn't taken, BRIDGE_DROPS: it is. */
static enum bridge_drop check(const struct bridge *bridge, unsigned int from, const uint8_t *frame,
			      size_t size)
{
	const struct bridge_port *port = &bridge->port[from];

	if (size < HEADER || size > FRAME_MAX)
		return BRIDGE_DROP_SIZE;
	const uint64_t to = mac_load(frame), source = mac_load(frame + 6);
	const uint32_t type = (uint32_t)frame[12] << 8 | frame[13];
	if (source == 0 || (source & MAC_GROUP))
		return BRIDGE_DROP_SOURCE;
	if (port->mac != 0 ? source != port->mac : configured(bridge, source, port->vlan) >= 0)
		return BRIDGE_DROP_SOURCE;
	if (type == TYPE_VLAN || type == TYPE_QINQ)
		return BRIDGE_DROP_TAG;
	if (to >= RESERVED_FIRST && to <= RESERVED_LAST)
		return BRIDGE_DROP_ADDRESS;
	return BRIDGE_DROPS;
}

/** Ports of the VLAN; `open`: only those that have no address of their own. */
static uint32_t members(const struct bridge *bridge, uint16_t vlan, bool open)
{
	uint32_t ports = 0;

	for (unsigned int i = 0; i < bridge->ports; i++) {
		if (bridge->port[i].vlan == vlan && !(open && bridge->port[i].mac != 0))
			ports |= 1u << i;
	}
	return ports;
}

/** Where a destination is: one port, or all it may be behind. */
static uint32_t destination(struct bridge *bridge, uint64_t to, uint16_t vlan)
{
	if (to & MAC_GROUP)
		return members(bridge, vlan, false);
	const int port = configured(bridge, to, vlan);
	if (port >= 0)
		return 1u << port;
	const struct bridge_entry *entry = learnt(bridge, to, vlan);
	return entry ? 1u << entry->port : members(bridge, vlan, true);
}

uint32_t bridge_frame(struct bridge *bridge, unsigned int from, const uint8_t *frame, size_t size)
{
	if (from >= bridge->ports)
		return 0;
	struct bridge_port *port = &bridge->port[from];
	const enum bridge_drop why = check(bridge, from, frame, size);
	if (why != BRIDGE_DROPS) {
		port->dropped[why]++;
		return 0;
	}
	port->taken++;
	if (port->mac == 0)
		learn(bridge, mac_load(frame + 6), port->vlan, from);
	return destination(bridge, mac_load(frame), port->vlan) & ~(1u << from);
}
