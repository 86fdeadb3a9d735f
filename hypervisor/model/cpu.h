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
	bool loaded; /**< control registers, since the guest ran last: what they lead to may be another */
	uint64_t entries, flushes;

	/* The guest. */
	const struct model_guest *guest;
	struct fiber *fiber;	 /**< of tests' guests */
	struct exec *exec;	 /**< of the VMM's interpreter */
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

/* state.c */
uint32_t model_cpl(const struct model_cpu *cpu);
/** 16, 32 or 64. */
uint32_t model_code_size(const struct model_cpu *cpu);
/** Where the guest's state holds an MSR; NULL: nowhere. */
uint64_t *model_direct_msr(struct model_cpu *cpu, uint32_t msr);
bool model_msr_exits(const struct model_cpu *cpu, uint32_t msr, bool write);
/** What becomes of `first` when `second` is met on its way (SDM Table 6-5). @return false: shutdown. */
bool model_combine(struct x86_event *first, const struct x86_event *second);
/** Does the driver get it in the guest's place? */
bool model_intercepted(const struct model_cpu *cpu, const struct x86_event *event);
/** Error code of a fault about a gate: index, IDT, and EXT unless software raised the event. */
struct x86_event model_gate_fault(const struct x86_event *event, uint8_t vector);
static inline struct x86_event model_exception(uint8_t vector, bool has_code, uint32_t code)
{
	return (struct x86_event){.valid = 1, .type = X86_EVENT_EXCEPTION, .vector = vector,
				  .has_code = has_code, .code = code};
}

/*
 * What executes the guest, chosen when the program is linked: C functions on a fiber (guest.c) in unit tests, the
 * VMM's interpreter (vmm/model) where there are real guests.
 */
bool model_software_new(struct model_cpu *cpu);
void model_software_free(struct model_cpu *cpu);
/** Run until the exit that cpu->row and what stands with it describe. cpu->arriving is delivered first. */
void model_software_run(struct model_cpu *cpu);

#endif
