/* SPDX-License-Identifier: BSD-2-Clause */
/** @file exit_apic.c Accesses to the local APIC: its page, end of interrupt, hardware assistance. */
#include "hypervisor/x86/arch.h"
#include "hypervisor/x86/exits.h"
#include "hypervisor/x86/gpt.h"
#include "lib/x86/insn.h"
#include "lib/x86/regs.h"

enum verdict x86_exit_virtual_eoi(struct vcpu *vcpu, uint32_t vector)
{
	vcpu->page->exit.eoi_vector = vector;
	return vcpu_hand(vcpu, HV_EXIT_EOI);
}

enum verdict x86_apic_eoi(struct vcpu *vcpu)
{
	const int vector = lapic_eoi(vcpu);

	if (vcpu->lapic.irr_words != 0)
		x86_look_for_events(vcpu);
	if (vector < 0)
		return VERDICT_RESUME;
	const uint32_t bit = 1u << (vector & 31);

	const uint32_t *const trap = &vcpu->vm->eoi_trap[(uint32_t)vector / 32];

	if ((__atomic_load_n(trap, __ATOMIC_RELAXED) & bit) == 0)
		return VERDICT_RESUME;
	return x86_exit_virtual_eoi(vcpu, (uint32_t)vector);
}

enum verdict x86_exit_apic_write(struct vcpu *vcpu, uint32_t offset)
{
	const uint32_t *const page = vcpu->lapic.page;
	uint64_t value = page[offset / 4];

	if (offset == LAPIC_EOI)
		return x86_apic_eoi(vcpu);
	if (offset == LAPIC_ICR_LOW && vcpu->lapic.mode == LAPIC_X2APIC)
		value |= (uint64_t)page[LAPIC_ICR_HIGH / 4] << 32;
	lapic_write(vcpu, offset, value);
	return VERDICT_RESUME;
}

static enum verdict store(struct vcpu *vcpu, uint32_t offset, const struct insn_mov *mov)
{
	uint64_t value = (uint64_t)(int64_t)mov->imm;

	if (!mov->has_imm) {
		vcpu_need(vcpu, mov->reg == HV_RSP ? REGS_RSP : 0);
		value = vcpu->regs.gpr[mov->reg];
	}
	const enum verdict verdict = vcpu_skip(vcpu, 0);

	if (verdict != VERDICT_RESUME)
		return verdict;
	if (offset == LAPIC_EOI)
		return x86_apic_eoi(vcpu);
	lapic_write(vcpu, offset, (uint32_t)value);
	return VERDICT_RESUME;
}

/**
 * Registers are 32 bits wide on 16-byte boundaries; what else is undefined (SDM vol. 3, 11.4.1), reads as
 * zero and is not written. Other instructions than moves are the VMM's, for which nothing is there.
 */
enum verdict x86_apic_page_access(struct vcpu *vcpu, const struct insn_mov *mov, gpa_t address)
{
	const uint32_t offset = (uint32_t)(address.raw & HV_PAGE_MASK);
	uint64_t value = 0;

	vcpu->kind = HV_EXIT_APIC;
	vcpu->exit.insn_length = mov->length;
	if (mov->store)
		return mov->size == 4 && (offset & 15) == 0 ? store(vcpu, offset, mov)
							    : vcpu_skip(vcpu, 0);
	if ((offset & 15) + mov->size <= 4)
		lapic_read(vcpu, offset & ~15u, &value);
	x86_load_register(vcpu, mov, (uint32_t)value >> (8 * (offset & 3)));
	return vcpu_skip(vcpu, 0);
}

/** VMX: the guest touched the APIC-access page in a way that the CPU doesn't virtualise. */
enum verdict x86_exit_apic_access(struct vcpu *vcpu, gpa_t address, uint32_t access)
{
	const struct x86_memory_fault fault = {.address = address, .access = access};

	return x86_exit_memory(vcpu, &fault);
}
