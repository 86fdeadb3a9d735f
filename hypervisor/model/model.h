/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file model.h
 * A software stand-in for the virtualization instructions, for unit tests in a process.
 *
 * A guest is C code: a function that calls "instructions" (model_cpuid(), model_store() …). Each of
 * them puts its machine code at the guest's RIP, takes events that are due, exits to the driver
 * where the vendor table's controls say so, and goes on when the driver enters the guest again, as
 * often as RIP has not moved. At every entry the model checks what hardware checks (SDM 27.2
 * and 27.3) and refuses a state that it would refuse. After every exit, registers that the driver
 * has not fetched hold garbage.
 */
#ifndef HYPERVISOR_MODEL_MODEL_H
#define HYPERVISOR_MODEL_MODEL_H

#include "hypervisor/x86/vcpu.h"
#include "hypervisor/x86/vendor.h"

extern const struct vendor_ops model_ops;

/** What the modelled CPU can do; set before vcpu_create(). Zero: as little as QEMU's AMD-V. */
struct model_features {
	bool lengths;	  /**< exits come with the instruction's length */
	bool io_details;  /**< string I/O exits come with address size and segment */
	bool cr_operands; /**< CR and DR exits name the general register */
	bool apic_assist; /**< virtual-interrupt delivery in x2APIC mode */
	bool broken;	  /**< model_ops.check() fails */
};
extern struct model_features model_features;

struct model_cpu;
typedef void (*model_code_t)(struct model_cpu *cpu);

/** What an event's delivery has saved; a handler may change it. */
struct model_frame {
	uint64_t rip, rflags;
	uint64_t gpr[HV_GPRS];
	uint32_t code;
	uint8_t vector;
	bool has_code;
	bool nmi;
	struct model_frame *outer;
};
typedef void (*model_handler_t)(struct model_cpu *cpu, struct model_frame *frame);

#define MODEL_ENTRIES 8u
/** The software of one vCPU. */
struct model_guest {
	model_code_t start; /**< runs where RIP is none of the addresses below */
	struct {
		uint64_t linear;
		model_code_t code;
	} at[MODEL_ENTRIES];
	model_handler_t handler[256]; /**< NULL: not present */
	uint64_t handlers_at; /**< offset in the code segment of handler 0; 64 bytes each */
};

/** Number of the hypercall that ends a guest whose code has returned. */
#define MODEL_DONE UINT64_C(0xd0e)

/** Give a vCPU its software. */
void model_set_guest(struct vcpu *vcpu, const struct model_guest *guest);
/** Why the last entry was refused; NULL: it wasn't. */
const char *model_refused(const struct vcpu *vcpu);
/** Entries, and how often the TLB was flushed. */
uint64_t model_entries(const struct vcpu *vcpu);
uint64_t model_flushes(const struct vcpu *vcpu);
/** How often everything was flushed. */
extern uint64_t model_cpu_flushes;

/* --------------------------------------------------------------- the guest's view of its own CPU */

/** State, to be looked at and set up directly. General registers but RSP: model_gpr(). */
struct hv_x86_regs *model_state(struct model_cpu *cpu);
uint64_t *model_gpr(struct model_cpu *cpu, enum hv_x86_gpr reg);
struct vcpu *model_vcpu(struct model_cpu *cpu);
/** Set up 64-bit mode with paging; page tables must be at `cr3`. */
void model_long_mode(struct model_cpu *cpu, uint64_t cr3);
/** Set up flat 32-bit protected mode without paging. */
void model_protected_mode(struct model_cpu *cpu);

/* Instructions. */
void model_nop(struct model_cpu *cpu);
struct model_cpuid {
	uint32_t eax, ebx, ecx, edx;
};
struct model_cpuid model_cpuid(struct model_cpu *cpu, uint32_t leaf, uint32_t subleaf);
uint32_t model_in(struct model_cpu *cpu, uint16_t port, uint32_t size);
void model_out(struct model_cpu *cpu, uint16_t port, uint32_t size, uint32_t value);
/** REP INS/OUTS of `count` items at linear `address`. */
void model_ins(struct model_cpu *cpu, uint16_t port, uint32_t size, uint64_t address, uint64_t count);
void model_outs(struct model_cpu *cpu, uint16_t port, uint32_t size, uint64_t address, uint64_t count);
uint64_t model_rdmsr(struct model_cpu *cpu, uint32_t msr);
void model_wrmsr(struct model_cpu *cpu, uint32_t msr, uint64_t value);
uint64_t model_load(struct model_cpu *cpu, uint64_t address, uint32_t size);
void model_store(struct model_cpu *cpu, uint64_t address, uint32_t size, uint64_t value);
uint64_t model_hypercall(struct model_cpu *cpu, uint64_t number, uint64_t argument);
void model_hlt(struct model_cpu *cpu);
void model_pause(struct model_cpu *cpu);
uint64_t model_rdtsc(struct model_cpu *cpu);
void model_sti(struct model_cpu *cpu);
void model_cli(struct model_cpu *cpu);
/** MOV SS: shadows like STI, debug traps too. */
void model_mov_ss(struct model_cpu *cpu);
/** INT n, INT3, INT1. */
void model_int(struct model_cpu *cpu, uint8_t vector);
void model_int3(struct model_cpu *cpu);
void model_int1(struct model_cpu *cpu);
/** An instruction that faults like this (once). */
void model_fault(struct model_cpu *cpu, uint8_t vector, uint32_t code, uint64_t address);
void model_mov_to_cr(struct model_cpu *cpu, uint8_t number, uint64_t value);
uint64_t model_mov_from_cr(struct model_cpu *cpu, uint8_t number);
void model_mov_to_dr(struct model_cpu *cpu, uint8_t number, uint64_t value);
uint64_t model_mov_from_dr(struct model_cpu *cpu, uint8_t number);
void model_clts(struct model_cpu *cpu);
void model_lmsw(struct model_cpu *cpu, uint16_t msw);
/** LMSW of memory at [RDI]; with cr_operands its value isn't read. */
void model_lmsw_memory(struct model_cpu *cpu, uint64_t address);
void model_xsetbv(struct model_cpu *cpu, uint32_t index, uint64_t value);
void model_wbinvd(struct model_cpu *cpu);
void model_invd(struct model_cpu *cpu);
void model_rdpmc(struct model_cpu *cpu);
void model_monitor(struct model_cpu *cpu);
void model_mwait(struct model_cpu *cpu);
void model_invlpg(struct model_cpu *cpu, uint64_t address);
void model_sgdt(struct model_cpu *cpu);
/** VMXON and friends: a virtualization instruction in the guest. */
void model_vmrun(struct model_cpu *cpu);
void model_task_switch(struct model_cpu *cpu, uint16_t selector);
/** Exceptions without end: triple fault. */
void model_triple_fault(struct model_cpu *cpu);
/** Exits for reasons from outside the guest. */
void model_external_nmi(struct model_cpu *cpu);
void model_smi(struct model_cpu *cpu);
void model_init_signal(struct model_cpu *cpu);
/** An exit with a reason that no CPU has. */
void model_nonsense(struct model_cpu *cpu);

#endif
