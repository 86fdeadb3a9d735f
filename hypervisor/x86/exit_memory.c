/* SPDX-License-Identifier: BSD-2-Clause */
/** @file exit_memory.c Guest-physical accesses that the nested tables don't allow. */
#include "hypervisor/core/core.h"
#include "hypervisor/x86/arch.h"
#include "hypervisor/x86/exits.h"
#include "lib/x86/insn.h"

/** Does a store to this address ring a doorbell? The value written must be known, so plain MOVs only. */
static bool ring(struct vcpu *vcpu, const struct x86_memory_fault *fault, const uint8_t *bytes,
		 uint32_t count)
{
	struct insn_mov mov;
	const uint32_t size = vcpu_code_size(vcpu);

	if (!doorbell_any(vcpu->vm) || (fault->access & HV_PROT_WRITE) == 0 || size == 16)
		return false;
	if (insn_mov_decode(bytes, count, size == 64 ? INSN_MODE_64 : INSN_MODE_32, &mov) == 0 ||
	    !mov.store)
		return false;
	vcpu_need(vcpu, REGS_RSP);
	uint64_t value = mov.has_imm ? (uint64_t)(int64_t)mov.imm : vcpu->regs.gpr[mov.reg];

	if (mov.high_byte)
		value >>= 8;
	value &= insn_size_mask(mov.size);
	if (!doorbell_ring(vcpu->vm, HV_DOORBELL_MEMORY, fault->address.raw, mov.size, value))
		return false;
	vcpu->exit.insn_length = mov.length;
	return true;
}

static enum verdict to_vmm(struct vcpu *vcpu, const struct x86_memory_fault *fault,
			   const uint8_t *bytes, uint32_t count)
{
	struct hv_exit_memory *const memory = &vcpu->page->exit.memory;

	*memory = (struct hv_exit_memory){.address = fault->address.raw,
					  .access = (uint8_t)fault->access,
					  .mode = (uint8_t)vcpu_code_size(vcpu),
					  .mapped = fault->mapped,
					  .insn_length = (uint8_t)count};
	__builtin_memcpy(memory->insn, bytes, count);
	vcpu->complete = vcpu_complete_skip;
	return vcpu_hand(vcpu, HV_EXIT_MEMORY);
}

static bool is_apic_page(const struct vcpu *vcpu, gpa_t address)
{
	return vcpu->lapic.mode == LAPIC_XAPIC &&
	       ((address.raw ^ vcpu->lapic.base) & ~(uint64_t)HV_PAGE_MASK) == 0;
}

/**
 * The guest's own page tables lie where nothing is mapped, or in read-only memory where the CPU has to set
 * accessed or dirty bits. Hardware would read all ones there and fault for a reserved bit, in every
 * handler too; AMD doesn't even report the guest-virtual address. So on both vendors: shutdown.
 *
 * @req HV-014 A guest whose page tables leave its memory is shut down; its VMM alone hears of it.
 */
enum verdict x86_exit_memory(struct vcpu *vcpu, const struct x86_memory_fault *fault)
{
	uint8_t fetched[INSN_MAX_LENGTH];
	const uint8_t *bytes = fault->insn;
	uint32_t count = fault->insn_length;
	enum verdict verdict;

	if (fault->walking)
		return x86_exit_triple_fault(vcpu);
	if (count == 0) {
		bytes = fetched;
		count = (fault->access & HV_PROT_EXEC) != 0 ? 0 : vcpu_fetch_insn(vcpu, fetched);
	}
	if (count > INSN_MAX_LENGTH)
		count = INSN_MAX_LENGTH;
	if (is_apic_page(vcpu, fault->address) &&
	    x86_apic_page_access(vcpu, bytes, count, fault->address, &verdict))
		return verdict;
	if (ring(vcpu, fault, bytes, count))
		return vcpu_skip(vcpu, 0);
	return to_vmm(vcpu, fault, bytes, count);
}
