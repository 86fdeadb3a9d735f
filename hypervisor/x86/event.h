/* SPDX-License-Identifier: BSD-2-Clause */
/** @file event.h Events on their way into a guest: interrupts, NMIs, exceptions. */
#ifndef HYPERVISOR_X86_EVENT_H
#define HYPERVISOR_X86_EVENT_H

#include <hypike/types.h>

/** Interruption types, numbered as in VMX interruption information (SDM 25.8.3, Table 25-17). */
enum x86_event_type {
	X86_EVENT_EXTINT = 0,	  /**< external interrupt */
	X86_EVENT_NMI = 2,
	X86_EVENT_EXCEPTION = 3,  /**< hardware exception */
	X86_EVENT_SOFT_INT = 4,	  /**< INT n */
	X86_EVENT_PRIV_SOFT = 5,  /**< INT1 (ICEBP) */
	X86_EVENT_SOFT_EXC = 6,	  /**< INT3, INTO */
};

/** One event. With `valid` 0 the rest means nothing. */
struct x86_event {
	uint8_t valid;
	uint8_t type; /**< enum x86_event_type */
	uint8_t vector;
	uint8_t has_code;
	uint32_t code;
	uint32_t insn_length; /**< of the instruction that caused a software event */
};

#endif
