/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file bridge.h
 * What an Ethernet switch decides (IEEE 802.1Q: access ports, one VLAN each): which frames it takes from
 * a port, and to which ports it gives them. No input or output here.
 *
 * A port's filter is part of the configuration: the one address it may send from, and its VLAN. A port
 * without an address may send from any, except the addresses of other ports; where such a port's
 * addresses are is learnt.
 */
#ifndef SERVICES_SWITCH_BRIDGE_H
#define SERVICES_SWITCH_BRIDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BRIDGE_PORTS   16u
#define BRIDGE_LEARNT  64u
#define BRIDGE_VLAN_MAX 4094u

/** Why a frame was dropped. */
enum bridge_drop {
	BRIDGE_DROP_SIZE,    /**< no frame */
	BRIDGE_DROP_SOURCE,  /**< not the port's own address, or a group's, or another port's */
	BRIDGE_DROP_TAG,     /**< tagged: VLANs are the switch's affair */
	BRIDGE_DROP_ADDRESS, /**< a destination that no switch passes on (802.1D, 7.12.6) */
	BRIDGE_DROPS
};

struct bridge_port {
	uint64_t mac;  /**< 48 bits, the first byte the highest; 0: any */
	uint16_t vlan; /**< 1..BRIDGE_VLAN_MAX */
	uint64_t taken;
	uint64_t dropped[BRIDGE_DROPS];
};

/** An address and the port behind which it is. */
struct bridge_entry {
	uint64_t mac;
	uint16_t vlan;
	uint16_t port;
};

struct bridge {
	unsigned int ports;
	struct bridge_port port[BRIDGE_PORTS];
	struct bridge_entry learnt[BRIDGE_LEARNT];
	unsigned int next; /**< learnt entry that goes first when there are too many */
};

/** Add a port. @return its number, -1: too many, or a VLAN or address that there isn't. */
int bridge_port_add(struct bridge *bridge, uint64_t mac, uint16_t vlan);
/** A frame comes from a port. @return the ports that it goes to, bit n: port n; 0: dropped or for nobody. */
uint32_t bridge_frame(struct bridge *bridge, unsigned int from, const uint8_t *frame, size_t size);

#endif
