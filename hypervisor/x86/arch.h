/* SPDX-License-Identifier: BSD-2-Clause */
/** @file arch.h What the files of hypervisor/x86 offer each other, beyond exits.h. */
#ifndef HYPERVISOR_X86_ARCH_H
#define HYPERVISOR_X86_ARCH_H

#include "hypervisor/x86/vcpu.h"

/* inject.c */
/** Something deliverable may be there: have a look before the next entry. */
static inline void x86_look_for_events(struct vcpu *vcpu)
{
	vcpu_work(vcpu, VCPU_WORK_EVENT);
}

/* state.c */
/** State after INIT (SDM vol. 3, Table 10-1): as power-up, but FPU, MTRRs and some MSRs stay. */
void x86_init_signal(struct vcpu *vcpu);
/** Start at `vector` << 12 (SDM 9.4.2), if the vCPU waits for it. */
void x86_startup(struct vcpu *vcpu, uint32_t vector);

/* sanitise.c */
/** Would the VMM's register groups do no harm to the host? */
bool x86_regs_acceptable(const struct vcpu *vcpu, const struct hv_x86_regs *regs, uint32_t groups);
/** CR4 bits that the guest may set, per its CPUID table. */
uint64_t x86_cr4_allowed(const struct vcpu *vcpu);
bool x86_canonical(uint64_t address);
bool x86_pat_valid(uint64_t pat);

/* cpuid.c */
hv_status_t cpuid_init(struct vm *vm);
void cpuid_exit(struct vm *vm);
/** The table's static answer, NULL where there is no such row. */
const struct hv_x86_cpuid *cpuid_row(const struct vm *vm, uint32_t leaf, uint32_t subleaf);

/* msr.c */
/** Read or write an MSR as the guest would: false = #GP. */
bool msr_read(struct vcpu *vcpu, uint32_t msr, uint64_t *value);
bool msr_write(struct vcpu *vcpu, uint32_t msr, uint64_t value);
/** Tell the vendor which MSRs the guest reaches by itself. */
void msr_init(struct vm *vm);

/* fetch.c */
/** Linear address of the next instruction. */
gva_t x86_code_address(struct vcpu *vcpu);

/* operand.c */
struct insn;
/** Read an instruction's memory operand; false: a fault was raised, *verdict says what follows. */
bool x86_read_operand(struct vcpu *vcpu, const struct insn *insn, void *to, uint32_t size,
		      enum verdict *verdict);

/* debugreg.c */
/** Guest debug registers out of the CPU, accesses trapped again. */
void debugreg_put(struct vcpu *vcpu);
/** Put them into the CPU where breakpoints are enabled. Before vendor->apply_traps(). */
void debugreg_get(struct vcpu *vcpu);
/** The guest's own, be they in the CPU or not; with REGS_DR. */
struct debug_registers *debugreg_guest(struct vcpu *vcpu);
void debugreg_reset(struct vcpu *vcpu);

#endif
