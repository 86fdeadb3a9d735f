/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file debugreg.c
 * Debug registers. Few guests use them, so they stay out of the CPU, and accesses exit, until the
 * guest touches one; then they are in the CPU until the vCPU's thread gives it up. Breakpoints of the
 * VMM's own take their place; the guest's accesses go on to exit then, and to reach what it has itself.
 */
#include "hypervisor/core/core.h"
#include "hypervisor/x86/arch.h"
#include "hypervisor/x86/exits.h"
#include "hypervisor/x86/vendor.h"
#include "lib/x86/insn.h"
#include "lib/x86/regs.h"

/** L0..L3, G0..G3: a breakpoint is armed. */
#define DR7_ENABLES UINT64_C(0xff)

void debugreg_put(struct vcpu *vcpu)
{
	if (!vcpu->dr_live)
		return;
	vcpu_need(vcpu, REGS_DR);
	vcpu_change(vcpu, REGS_DR);
	vcpu->dr_live = false;
	vcpu_work(vcpu, VCPU_WORK_FLUSH);
}

void debugreg_get(struct vcpu *vcpu)
{
	vcpu_need(vcpu, REGS_DR);
	if (vcpu->dr_live || (vcpu->regs.dr7 & DR7_ENABLES) == 0)
		return;
	vcpu->dr_live = true;
	vcpu_change(vcpu, REGS_DR);
}

struct debug_registers *debugreg_guest(struct vcpu *vcpu)
{
	return vcpu->dr_vmm ? &vcpu->guest_dr : (struct debug_registers *)(void *)vcpu->regs.dr;
}

void debugreg_reset(struct vcpu *vcpu)
{
	*debugreg_guest(vcpu) = (struct debug_registers){.dr6 = DR6_FIXED1, .dr7 = DR7_FIXED1};
}

/** L, G, LEN and R/W of all four. */
#define DR7_BREAKPOINTS (UINT64_C(0xffff0000) | DR7_ENABLES)

static void debugreg_set(struct vcpu *vcpu, const struct hv_x86_debug *debug)
{
	struct debug_registers *const inside = (void *)vcpu->regs.dr;

	vcpu_need(vcpu, REGS_DR);
	if (!vcpu->dr_vmm)
		vcpu->guest_dr = *inside;
	vcpu->dr_vmm = (debug->dr7 & DR7_ENABLES) != 0;
	*inside = vcpu->guest_dr;
	if (vcpu->dr_vmm) {
		__builtin_memcpy(inside->dr, debug->dr, sizeof(inside->dr));
		inside->dr6 = DR6_FIXED1;
		inside->dr7 = debug->dr7 | DR7_FIXED1;
	}
	vcpu_change(vcpu, REGS_DR);
	vcpu_work(vcpu, VCPU_WORK_FLUSH);
}

/** @req HV-041 Breakpoints of the VMM's own stop the guest, which doesn't see them, nor loses its own. */
hv_status_t vcpu_debug_set(struct vcpu *vcpu, const struct hv_x86_debug *debug)
{
	if ((debug->dr7 & ~DR7_BREAKPOINTS) != 0)
		return HV_E_INVALID;
	const hv_status_t status = vcpu_claim(vcpu);

	if (status != HV_OK)
		return status;
	debugreg_set(vcpu, debug);
	arch_vcpu_put(vcpu);
	vcpu_release(vcpu);
	return HV_OK;
}

/** The value that the guest reads; *valid false: #UD (SDM vol. 3, 17.2.2). */
static uint64_t *slot(struct vcpu *vcpu, uint8_t number)
{
	struct debug_registers *const regs = debugreg_guest(vcpu);

	if (number < 4)
		return &regs->dr[number];
	if ((number == 4 || number == 5) && (vcpu->regs.cr4 & CR4_DE) != 0)
		return NULL;
	return number == 4 || number == 6 ? &regs->dr6 : &regs->dr7;
}

static enum verdict write(struct vcpu *vcpu, uint64_t *to, uint64_t value)
{
	struct debug_registers *const regs = debugreg_guest(vcpu);

	if (to == &regs->dr6 || to == &regs->dr7) {
		if (value > UINT32_MAX && vcpu_code_size(vcpu) == 64)
			return x86_raise_gp(vcpu);
		value = to == &regs->dr6 ? (value & 0xe00f) | DR6_FIXED1
					 : (value & 0xffff2bff) | DR7_FIXED1;
	}
	*to = value;
	vcpu_change(vcpu, REGS_DR);
	return VERDICT_RESUME;
}

static bool decode(struct vcpu *vcpu, struct x86_reg_access *access)
{
	struct insn insn;
	uint8_t bytes[INSN_MAX_LENGTH];
	const uint32_t count = vcpu_fetch_insn(vcpu, bytes);
	const uint32_t size = vcpu_code_size(vcpu);
	const enum insn_mode mode = size == 64   ? INSN_MODE_64
				    : size == 32 ? INSN_MODE_32
						 : INSN_MODE_16;

	if (count == 0 || insn_decode(bytes, count, mode, &insn) != 0 || insn.id != INSN_MOV_DR)
		return false;
	access->gpr = insn.rm;
	vcpu->exit.insn_length = insn.length;
	return true;
}

/** DR7.GD: any access is a debug exception, with BD in DR6 (SDM vol. 3, 17.2.4). */
static enum verdict general_detect(struct vcpu *vcpu)
{
	debugreg_guest(vcpu)->dr6 |= DR6_BD;
	debugreg_guest(vcpu)->dr7 &= ~DR7_GD;
	vcpu_change(vcpu, REGS_DR);
	return x86_raise(vcpu, X86_DB, false, 0);
}

static enum verdict emulate(struct vcpu *vcpu, const struct x86_reg_access *access)
{
	uint64_t *const reg = slot(vcpu, access->number);
	enum verdict verdict = VERDICT_RESUME;

	if (!reg)
		return x86_raise_ud(vcpu);
	if (access->write) {
		vcpu_need(vcpu, access->gpr == HV_RSP ? REGS_RSP : 0);
		verdict = write(vcpu, reg, vcpu->regs.gpr[access->gpr & 15u]);
	} else {
		vcpu->regs.gpr[access->gpr & 15u] = *reg;
		if (access->gpr == HV_RSP) {
			vcpu->cached |= REGS_RSP;
			vcpu_change(vcpu, REGS_RSP);
		}
	}
	if (verdict != VERDICT_RESUME || vcpu->delivering.valid)
		return verdict;
	return vcpu_skip(vcpu, 0);
}

/** @req HV-040 Guest debug registers are the guest's own; the host's and other guests' are not seen. */
enum verdict x86_exit_dr(struct vcpu *vcpu, const struct x86_reg_access *given)
{
	struct x86_reg_access access = *given;

	vcpu_need(vcpu, REGS_DR | REGS_CR);
	if (vcpu_cpl(vcpu) != 0)
		return x86_raise_gp(vcpu);
	if ((debugreg_guest(vcpu)->dr7 & DR7_GD) != 0)
		return general_detect(vcpu);
	if (access.decode && !decode(vcpu, &access))
		return VERDICT_RESUME;
	if (vm_traps(vcpu->vm, HV_X86_INSN_DR))
		return x86_exit_insn(vcpu, HV_X86_INSN_DR,
				     access.number | (access.write ? 1u << 8 : 0u) |
					     (uint64_t)access.gpr << 16);
	const enum verdict verdict = emulate(vcpu, &access);

	vcpu->dr_live = true;
	vcpu_change(vcpu, REGS_DR);
	vendor->apply_traps(vcpu);
	return verdict;
}
