/* SPDX-License-Identifier: BSD-2-Clause */
/** @file exit_cr.c Control registers, XCR0. */
#include "hypervisor/x86/arch.h"
#include "hypervisor/x86/exits.h"
#include "hypervisor/x86/vendor.h"
#include "lib/x86/insn.h"
#include "lib/x86/regs.h"

static bool decode(struct vcpu *vcpu, struct insn *insn)
{
	uint8_t bytes[INSN_MAX_LENGTH];
	const uint32_t size = vcpu_code_size(vcpu);
	const uint32_t count = vcpu_fetch_insn(vcpu, bytes);
	const enum insn_mode mode = size == 64	 ? INSN_MODE_64
				    : size == 32 ? INSN_MODE_32
						 : INSN_MODE_16;

	if (count == 0 || insn_decode(bytes, count, mode, insn) != 0)
		return false;
	vcpu->exit.insn_length = insn->length;
	return true;
}

static bool set(struct vcpu *vcpu, uint8_t number, uint64_t value)
{
	switch (number) {
	case 0:
		return x86_set_cr0(vcpu, value);
	case 3:
		return x86_set_cr3(vcpu, value);
	case 4:
		return x86_set_cr4(vcpu, value);
	case 8:
		if (value > 15)
			return false;
		lapic_set_tpr(vcpu, (uint32_t)value << 4);
		x86_look_for_events(vcpu);
		return true;
	default:
		return false;
	}
}

static uint64_t get(struct vcpu *vcpu, uint8_t number)
{
	vcpu_need(vcpu, REGS_CR);
	switch (number) {
	case 0:
		return vcpu->regs.cr0;
	case 2:
		return vcpu->regs.cr2;
	case 3:
		return vcpu->regs.cr3;
	case 4:
		return vcpu->regs.cr4;
	default:
		return lapic_get_tpr(vcpu) >> 4;
	}
}

static enum verdict write_cr(struct vcpu *vcpu, uint8_t number, uint64_t value)
{
	if (vcpu_code_size(vcpu) != 64)
		value = (uint32_t)value;
	if (!set(vcpu, number, value))
		return x86_raise_gp(vcpu);
	return vcpu_skip(vcpu, 0);
}

static enum verdict read_cr(struct vcpu *vcpu, uint8_t number, uint8_t gpr)
{
	vcpu_need(vcpu, REGS_RSP);
	vcpu->regs.gpr[gpr & 15u] = get(vcpu, number);
	if (gpr == HV_RSP)
		vcpu_change(vcpu, REGS_RSP);
	return vcpu_skip(vcpu, 0);
}

/** LMSW can set PE but not clear it, and reaches four bits only (SDM vol. 2, LMSW). */
enum verdict x86_exit_lmsw(struct vcpu *vcpu, uint16_t msw)
{
	vcpu_need(vcpu, REGS_CR);
	const uint64_t cr0 = (vcpu->regs.cr0 & ~UINT64_C(0xe)) | (msw & 0xfu);

	if (!x86_set_cr0(vcpu, cr0))
		return x86_raise_gp(vcpu);
	return vcpu_skip(vcpu, 0);
}

enum verdict x86_exit_clts(struct vcpu *vcpu)
{
	vcpu_need(vcpu, REGS_CR);
	if (!x86_set_cr0(vcpu, vcpu->regs.cr0 & ~CR0_TS))
		return x86_raise_gp(vcpu);
	return vcpu_skip(vcpu, INSN_PATTERN_CLTS);
}

/** Source operand of LMSW, in a register or in memory. */
static enum verdict decoded_lmsw(struct vcpu *vcpu, const struct insn *insn)
{
	uint16_t msw;

	if (insn->has_mem) {
		enum verdict verdict;

		if (!x86_read_operand(vcpu, insn, &msw, sizeof(msw), &verdict))
			return verdict;
	} else {
		vcpu_need(vcpu, REGS_RSP);
		msw = (uint16_t)vcpu->regs.gpr[insn->rm & 15u];
	}
	return x86_exit_lmsw(vcpu, msw);
}

/** The exit says no more than which register: the instruction tells the rest. */
static enum verdict decoded(struct vcpu *vcpu)
{
	struct insn insn;

	if (!decode(vcpu, &insn))
		return VERDICT_RESUME;
	vcpu_need(vcpu, REGS_RSP);
	switch (insn.id) {
	case INSN_MOV_CR:
		if (insn.form == INSN_FORM_CR_R)
			return write_cr(vcpu, insn.reg, vcpu->regs.gpr[insn.rm & 15u]);
		return read_cr(vcpu, insn.reg, insn.rm);
	case INSN_CLTS:
		return x86_exit_clts(vcpu);
	case INSN_LMSW:
		return decoded_lmsw(vcpu, &insn);
	default:
		return VERDICT_RESUME; /* changed under us: execute it again */
	}
}

/** @req HV-016 A control register takes the values that hardware with the guest's features takes. */
enum verdict x86_exit_cr(struct vcpu *vcpu, const struct x86_reg_access *access)
{
	if (vm_traps(vcpu->vm, HV_X86_INSN_CR))
		return x86_exit_insn(vcpu, HV_X86_INSN_CR,
				     access->number | (access->write ? 1u << 8 : 0u) |
					     (uint64_t)access->gpr << 16);
	if (access->decode)
		return decoded(vcpu);
	if (!access->write)
		return read_cr(vcpu, access->number, access->gpr);
	vcpu_need(vcpu, REGS_RSP);
	return write_cr(vcpu, access->number, vcpu->regs.gpr[access->gpr & 15u]);
}

enum verdict x86_exit_xsetbv(struct vcpu *vcpu)
{
	const uint64_t value = (uint64_t)(uint32_t)vcpu->regs.gpr[HV_RDX] << 32 |
			       (uint32_t)vcpu->regs.gpr[HV_RAX];

	vcpu_need(vcpu, REGS_CR);
	if ((vcpu->regs.cr4 & CR4_OSXSAVE) == 0)
		return x86_raise_ud(vcpu);
	if (vcpu_cpl(vcpu) != 0 || (uint32_t)vcpu->regs.gpr[HV_RCX] != 0)
		return x86_raise_gp(vcpu);
	if (vm_traps(vcpu->vm, HV_X86_INSN_XSETBV))
		return x86_exit_insn(vcpu, HV_X86_INSN_XSETBV, value);
	if (!x86_set_xcr0(vcpu, value))
		return x86_raise_gp(vcpu);
	return vcpu_skip(vcpu, INSN_PATTERN_XSETBV);
}
