/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file pv.h
 * The contract between a guest and HyPike: how a guest learns that it runs on HyPike, and its
 * hypercalls.
 *
 * The transport is the architecture's: on x86 VMCALL or VMMCALL with the number in RAX, arguments
 * in RBX, RCX, RDX, RSI, result in RAX; pv_x86.h has it as inline functions. CPUID leaf PV_X86_LEAF
 * + 1 tells which of the two instructions to use. pv_port.h has ports and shared memory as functions.
 */
#ifndef HYPIKE_PV_H
#define HYPIKE_PV_H

#include <hypike/types.h>

/** Version of this contract, the result of PV_CALL_VERSION. */
#define PV_VERSION 1u

/**
 * Hypercalls. Those from PV_CALL_VMM on are the VMM's (HV_EXIT_HYPERCALL); unknown ones give
 * HV_E_UNSUPPORTED. Results are HV_OK, a negative hv_status_t, or a number.
 *
 * Ports and regions are those of the VM's partition (sys.h tells what they do). No call waits: a guest
 * binds an interrupt and halts. Addresses are guest-physical; what they name lies in one piece of RAM.
 */
enum pv_call {
	PV_CALL_VERSION = 0, /**< settled in the driver: PV_VERSION */
	PV_CALL_VMM = 0x100,
	PV_CALL_PORT_OPEN = PV_CALL_VMM, /**< address of a name, of struct pv_port_info */
	PV_CALL_PORT_STATUS,		 /**< port, address of struct pv_port_status */
	PV_CALL_PORT_BIND,		 /**< port, vector */
	PV_CALL_SAMPLING_WRITE,		 /**< port, address, size */
	PV_CALL_SAMPLING_READ,		 /**< port, address, room, address of struct pv_sample */
	PV_CALL_QUEUING_SEND,		 /**< port, address, size */
	PV_CALL_QUEUING_RECEIVE,	 /**< port, address, room: the message's size */
	PV_CALL_QUEUING_CLEAR,		 /**< port */
	PV_CALL_SHARED_MAP,    /**< address of a name, where to map it, address of struct pv_shared */
	PV_CALL_SHARED_NOTIFY, /**< region */
	PV_CALL_SHARED_BIND,   /**< region, vector */
	PV_CALL_END,
};

#define PV_NAME_SIZE 32u /**< bytes of a name in memory, padded with NUL */

enum pv_port_kind { PV_PORT_SAMPLING = 1, PV_PORT_QUEUING = 2 };
enum pv_port_direction { PV_PORT_SOURCE = 1, PV_PORT_DESTINATION = 2 };

struct pv_port_info {
	uint32_t port;
	uint32_t kind;	    /**< enum pv_port_kind */
	uint32_t direction; /**< enum pv_port_direction */
	uint32_t max_message;
	uint32_t depth; /**< queuing: messages that fit (a source: the least of its destinations) */
	uint32_t reserved;
	uint64_t refresh; /**< sampling destination, ns */
};

struct pv_port_status {
	uint32_t messages;  /**< queuing: in the queue; sampling: 1 once there was one */
	uint32_t valid;	    /**< sampling destination: the last message read was valid */
	uint32_t overflows; /**< queuing: messages refused for want of room */
	uint32_t reserved;
};

struct pv_sample {
	uint32_t size;
	uint32_t valid; /**< 1: not older than the refresh period */
	uint64_t age;	/**< ns since it was written */
};

struct pv_shared {
	uint64_t size;
	uint32_t region; /**< for the other calls */
	uint32_t reserved;
};

#endif
