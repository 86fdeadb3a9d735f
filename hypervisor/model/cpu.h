/* SPDX-License-Identifier: BSD-2-Clause */
/** @file cpu.h The modelled CPU's control block, shared by the model's files. */
#ifndef HYPERVISOR_MODEL_CPU_H
#define HYPERVISOR_MODEL_CPU_H

#include <setjmp.h>

#include "hypervisor/model/fiber.h"
#include "hypervisor/model/model.h"
#include "hypervisor/x86/exits.h"

/** Rows of the exit table. */
enum model_row {
	MODEL_INTERRUPT, MODEL_NMI, MODEL_EXCEPTION, MODEL_TRIPLE_FAULT, MODEL_INTR_WINDOW,
	MODEL_NMI_WINDOW, MODEL_CPUID, MODEL_HLT, MODEL_PAUSE, MODEL_MONITOR, MODEL_MWAIT,
	MODEL_RDPMC, MODEL_RDTSC, MODEL_INVD, MODEL_WBINVD, MODEL_XSETBV, MODEL_VMCALL, MODEL_VMRUN,
	MODEL_INVLPG, MODEL_DESC, MODEL_RDMSR, MODEL_WRMSR, MODEL_IO, MODEL_MEMORY, MODEL_CR,
	MODEL_CLTS, MODEL_LMSW, MODEL_DR, MODEL_TASK_SWITCH, MODEL_EOI, MODEL_SMI, MODEL_INIT,
	MODEL_INVALID, MODEL_UNEXPECTED,
	MODEL_ROWS
};

/** What an exit carries besides its row. */
union model_qualification {
	struct {
		struct x86_io access;
		bool string;
	} io;
	struct x86_memory_fault memory;
	struct x86_reg_access access;
	struct hv_exit_task_switch task_switch;
	uint64_t value;
	struct {
		struct x86_event event;
		uint64_t address, dr6;
	} exception;
};

struct model_cpu {
	struct vcpu *vcpu;
	struct hv_x86_regs state; /**< of the guest; gpr[]: RSP only, the others are in vcpu->regs */

	/* Controls, as the driver has set them. */
	uint64_t traps;
	uint32_t exceptions;
	bool step, intr_window, nmi_window, dr_direct;
	struct x86_event inject;
	uint32_t eoi_exit[8];

	/* The exit. */
	enum model_row row;
	union model_qualification qualification;
	struct x86_event cut_short; /**< was being delivered when the exit came */
	uint32_t length;
	bool stepped;
	const char *refused;
	uint64_t entries, flushes;

	/* The guest. */
	const struct model_guest *guest;
	struct fiber *fiber;
	jmp_buf top;		 /**< the guest starts anew, wherever RIP is */
	struct x86_event arriving; /**< injected with the entry, to be delivered first */
	struct model_frame *frames;
	uint32_t depth;		 /**< of `frames` */
	uint32_t quiet;		 /**< instructions since the last host interrupt */
};

/** Handlers within handlers until the guest is taken for lost (its stack would be full). */
#define MODEL_MAX_DEPTH 24u
/** Instructions until the host's clock interrupts. */
#define MODEL_MAX_QUIET 10000u

/** Per-VM data: MSR bitmaps, 1 = exits; low MSRs, then those from C0000000h. */
struct model_vm {
	uint8_t read[2][1024], write[2][1024];
};

static inline struct model_cpu *model_of(const struct vcpu *vcpu)
{
	return vcpu->vendor;
}

static inline struct model_vm *model_vm_of(const struct model_cpu *cpu)
{
	return cpu->vcpu->vm->vendor;
}

/** NULL, or what is wrong with the state that is to be entered. */
const char *model_entry_error(const struct model_cpu *cpu);

/** Body of the guest's fiber. */
void model_fiber(void *cpu);

#endif
