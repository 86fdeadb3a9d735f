/* SPDX-License-Identifier: BSD-2-Clause */
/** @file guest.h How the model executes: between the files that hold events and instructions. */
#ifndef HYPERVISOR_MODEL_GUEST_H
#define HYPERVISOR_MODEL_GUEST_H

#include "hypervisor/model/cpu.h"

/** Machine code of one instruction. */
struct model_insn {
	uint8_t bytes[15];
	uint8_t length;
};

/** Leave to the driver; returns when it enters the guest again. */
void model_leave(struct model_cpu *cpu, enum model_row row);
/** RIP is where no instruction expects it: start the guest anew from there. */
_Noreturn void model_restart(struct model_cpu *cpu);

/** Deliver an event that came with the entry, if one did. */
void model_take_arrival(struct model_cpu *cpu);
/** All that happens between two instructions: arrivals, host interrupts, windows, virtual interrupts. */
void model_boundary(struct model_cpu *cpu);
/** Deliver an event through the guest's IDT. */
void model_deliver(struct model_cpu *cpu, struct x86_event event);
/** An exception outside any delivery: intercepted, or delivered. */
void model_raise(struct model_cpu *cpu, struct x86_event event, uint64_t address, uint64_t dr6);

enum model_reach {
	MODEL_REACHED, /**< `*host` is where it is */
	MODEL_EXITED,  /**< the driver was asked: try again */
	MODEL_FAULTED, /**< the guest's page fault: `*fault`, `*address` */
};
/** Where is this linear address? `during`: the event whose delivery needs it, or NULL. */
enum model_reach model_reach(struct model_cpu *cpu, uint64_t linear, uint32_t access, bool user,
			     const struct x86_event *during, uint8_t **host, struct x86_event *fault);

/** Begin an instruction: events first, then its code is put at RIP. @return RIP. */
uint64_t model_begin(struct model_cpu *cpu, const struct model_insn *insn);
/** It was executed by the CPU itself: RIP, shadows, single-step traps. */
void model_retire(struct model_cpu *cpu, const struct model_insn *insn);

#endif
