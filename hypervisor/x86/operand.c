/* SPDX-License-Identifier: BSD-2-Clause */
/** @file operand.c Memory operands of the few instructions that the driver emulates. */
#include "hypervisor/x86/arch.h"
#include "hypervisor/x86/exits.h"
#include "hypervisor/x86/gpt.h"
#include "lib/x86/insn.h"
#include "lib/x86/regs.h"

bool x86_read_operand(struct vcpu *vcpu, const struct insn *insn, void *to, uint32_t size,
		      enum verdict *verdict)
{
	struct gpt_mode mode;
	gva_t where;
	uint32_t fault = 0;

	vcpu_need(vcpu, REGS_RIP | REGS_RSP | REGS_SEG | REGS_CR);
	const struct hv_x86_regs *const regs = &vcpu->regs;
	const bool long_mode = vcpu_code_size(vcpu) == 64;
	const struct hv_x86_segment *const seg = &regs->seg[insn->seg <= INSN_GS ? insn->seg : HV_DS];
	const uint64_t offset = insn_offset(insn, regs->gpr, regs->rip + insn->length);
	uint64_t linear = offset;

	if (!long_mode) {
		if ((seg->attr & HV_SEG_UNUSABLE) != 0 || offset + size - 1 > seg->limit) {
			*verdict = x86_raise_gp(vcpu);
			return false;
		}
		linear = (uint32_t)(offset + seg->base);
	} else if (insn->seg >= INSN_FS) {
		linear += seg->base;
	}
	vcpu_paging_mode(vcpu, &mode);
	const hv_status_t status = guest_read_virtual(&vcpu->vm->npt, &mode, gva(linear), to, size,
						      HV_PROT_READ, &where, &fault);

	if (status == HV_OK)
		return true;
	*verdict = status == HV_E_FAULT ? x86_raise_pf(vcpu, where.raw, fault) : x86_raise_gp(vcpu);
	return false;
}
