/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file fetch.c
 * The guest's instruction bytes, and stepping over an instruction.
 *
 * AMD CPUs without NRIP save (QEMU's among them) don't tell an instruction's length, and no CPU
 * tells the operands of an access to device memory. A walk of the guest's tables for each of them
 * would cost some hundred instructions, so the last one is kept with the table entries that it
 * used: it holds while CR3 and these entries are what they were, which is cheap to see. Changes of
 * the paging mode and of the nested tables drop it.
 */
#include "hypervisor/core/core.h"
#include "hypervisor/x86/arch.h"
#include "hypervisor/x86/exits.h"
#include "hypervisor/x86/gpt.h"
#include "hypervisor/x86/vendor.h"
#include "lib/x86/insn.h"
#include "lib/x86/regs.h"

gva_t x86_code_address(struct vcpu *vcpu)
{
	vcpu_need(vcpu, REGS_RIP | REGS_CODE);
	const uint64_t linear = vcpu->code.base + vcpu->regs.rip;

	return gva(vcpu->code.mode == INSN_MODE_64 ? linear : (uint32_t)linear);
}

void vcpu_paging_mode(struct vcpu *vcpu, struct gpt_mode *mode)
{
	vcpu_need(vcpu, REGS_CR | REGS_CS | REGS_RFLAGS);
	const struct hv_x86_regs *const regs = &vcpu->regs;

	*mode = (struct gpt_mode){.cr0 = regs->cr0,
				  .cr3 = regs->cr3,
				  .cr4 = regs->cr4,
				  .efer = regs->efer,
				  .rflags = regs->rflags,
				  .user = vcpu->cpl == 3,
				  .phys_bits = vcpu->vm->phys_bits,
				  .no_1g = vcpu->vm->no_1g};
}

static inline enum insn_mode mode_of(const struct vcpu *vcpu)
{
	return (enum insn_mode)vcpu->code.mode;
}

static inline bool cached_page(const struct vcpu *vcpu, gva_t at)
{
	const struct fetch_cache *const cache = &vcpu->fetch;

	return cache->page == ((at.raw & ~(uint64_t)HV_PAGE_MASK) | 1) &&
	       cache->cr3 == vcpu->code.cr3 &&
	       cache->generation ==
		       __atomic_load_n(&vcpu->vm->flush_generation, __ATOMIC_RELAXED) &&
	       gpt_trace_holds(&cache->trace);
}

/** Translate the page of code at `at` and remember it. @return false: not there (any more). */
static __attribute__((noinline)) bool load_page(struct vcpu *vcpu, gva_t at)
{
	struct fetch_cache *const cache = &vcpu->fetch;
	struct gpt_mode mode;
	gpa_t where;
	uint32_t fault;
	const gva_t page = gva(at.raw & ~(uint64_t)HV_PAGE_MASK);

	vcpu_paging_mode(vcpu, &mode);
	cache->page = 0;
	cache->generation = __atomic_load_n(&vcpu->vm->flush_generation, __ATOMIC_ACQUIRE);
	if (gpt_translate_code(&vcpu->vm->npt, &mode, page, &where, &fault, &cache->trace) != HV_OK)
		return false;
	cache->host = npt_pointer(&vcpu->vm->npt, where, HV_PROT_READ);
	if (!cache->host)
		return false;
	cache->cr3 = vcpu->code.cr3;
	cache->page = page.raw | 1;
	return true;
}

static inline bool reach_page(struct vcpu *vcpu, gva_t at)
{
	return cached_page(vcpu, at) || load_page(vcpu, at);
}

/** Up to 15 bytes, copied once: the guest may change them meanwhile. */
uint32_t vcpu_fetch_insn(struct vcpu *vcpu, uint8_t bytes[INSN_MAX_LENGTH])
{
	const gva_t at = x86_code_address(vcpu);
	const uint32_t offset = (uint32_t)(at.raw & HV_PAGE_MASK);
	uint32_t count = HV_PAGE_SIZE - offset;

	if (!reach_page(vcpu, at))
		return 0;
	if (count >= INSN_MAX_LENGTH) {
		__builtin_memcpy(bytes, vcpu->fetch.host + offset, INSN_MAX_LENGTH);
		return INSN_MAX_LENGTH;
	}
	__builtin_memcpy(bytes, vcpu->fetch.host + offset, count);
	if (load_page(vcpu, gva(at.raw + count))) {
		__builtin_memcpy(bytes + count, vcpu->fetch.host, INSN_MAX_LENGTH - count);
		count = INSN_MAX_LENGTH;
	}
	return count;
}

/** The quick way: the remembered page, the expected opcode. 0: take the long way. */
static inline uint32_t length_cached(struct vcpu *vcpu, uint32_t pattern)
{
	const gva_t at = x86_code_address(vcpu);
	const uint32_t offset = (uint32_t)(at.raw & HV_PAGE_MASK);

	if (pattern == 0 || offset > HV_PAGE_SIZE - INSN_MAX_LENGTH || !cached_page(vcpu, at))
		return 0;
	return insn_match(vcpu->fetch.host + offset, INSN_MAX_LENGTH, mode_of(vcpu), pattern);
}

static __attribute__((noinline)) uint32_t length_decoded(struct vcpu *vcpu)
{
	struct insn insn;
	uint8_t bytes[INSN_MAX_LENGTH];
	const uint32_t count = vcpu_fetch_insn(vcpu, bytes);

	if (count == 0 || insn_decode(bytes, count, mode_of(vcpu), &insn) != 0)
		return 0;
	return insn.length;
}

/** @req HV-013 Where the CPU doesn't report an instruction's length, it is found by decoding. */
static __attribute__((noinline)) uint32_t find_length(struct vcpu *vcpu, uint32_t pattern)
{
	uint32_t length = length_cached(vcpu, pattern);

	if (length == 0)
		length = length_decoded(vcpu);
	vcpu->exit.insn_length = length;
	return length;
}

/** Single-stepping guests see the trap behind an emulated instruction too (SDM vol. 3, 17.3.1.4). */
static enum verdict step_trap(struct vcpu *vcpu)
{
	vcpu_need(vcpu, REGS_DR);
	debugreg_guest(vcpu)->dr6 |= DR6_BS;
	vcpu_change(vcpu, REGS_DR);
	return x86_raise(vcpu, X86_DB, false, 0);
}

enum verdict vcpu_skip_slowly(struct vcpu *vcpu, uint32_t pattern)
{
	struct hv_x86_regs *const regs = &vcpu->regs;
	uint32_t length = vcpu->exit.insn_length;

	vcpu_need(vcpu, REGS_RIP | REGS_RFLAGS | REGS_EVENT);
	const uint64_t old = regs->rip;

	if (length == 0)
		length = find_length(vcpu, pattern);
	if (length == 0) {
		/* Its page went away or its bytes changed under it: execute it again, by then it faults. */
		return VERDICT_RESUME;
	}
	regs->rip += length;
	if (__builtin_expect((regs->rip ^ old) >> 32 != 0, 0) && vcpu_code_size(vcpu) != 64)
		regs->rip = (uint32_t)regs->rip;
	vcpu_change(vcpu, REGS_RIP);
	if ((regs->shadow & (HV_SHADOW_STI | HV_SHADOW_MOV_SS)) != 0) {
		regs->shadow &= HV_SHADOW_NMI;
		vcpu_change(vcpu, REGS_EVENT);
		x86_look_for_events(vcpu);
	}
	if (__builtin_expect((vcpu->request & HV_REQUEST_STEP) != 0, 0)) {
		vcpu_work(vcpu, VCPU_WORK_STEP);
		return VERDICT_RESUME;
	}
	if ((regs->rflags & (RFLAGS_RF | RFLAGS_TF)) == 0)
		return VERDICT_RESUME;
	regs->rflags &= ~RFLAGS_RF;
	vcpu_change(vcpu, REGS_RFLAGS);
	return (regs->rflags & RFLAGS_TF) != 0 ? step_trap(vcpu) : VERDICT_RESUME;
}

enum verdict vcpu_complete_skip(struct vcpu *vcpu)
{
	if (vcpu->action == HV_ACTION_FAULT)
		return x86_raise_gp(vcpu);
	return vcpu_skip(vcpu, 0);
}
