/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file svm_debug.c
 * Single steps for the VMM and for NMI windows, debug exceptions (APM vol. 2, 15.12.2), software
 * interrupts where they exit.
 */
#include "hypervisor/x86/arch.h"
#include "hypervisor/x86/exits.h"
#include "hypervisor/x86/gpt.h"
#include "hypervisor/x86/svm/svm.h"
#include "lib/x86/regs.h"

/* ---------------------------------------------------------------------------------- opcodes */

static bool is_prefix(uint8_t byte, bool long_mode)
{
	switch (byte) {
	case 0x26: case 0x2e: case 0x36: case 0x3e: case 0x64: case 0x65: /* segments */
	case 0x66: case 0x67: case 0xf0: case 0xf2: case 0xf3:
		return true;
	default:
		return long_mode && (byte & 0xf0) == 0x40; /* REX */
	}
}

uint32_t svm_opcode(struct vcpu *vcpu, uint8_t bytes[15], uint32_t *end)
{
	const uint32_t count = vcpu_fetch_insn(vcpu, bytes);
	const bool long_mode = vcpu_code_size(vcpu) == 64;
	uint32_t i = 0;

	while (i < count && is_prefix(bytes[i], long_mode))
		i++;
	*end = i + 1;
	if (i >= count)
		return 0;
	if (bytes[i] != 0x0f || i + 1 >= count)
		return bytes[i];
	*end = i + 2;
	return 0x0f00u | bytes[i + 1];
}

/* --------------------------------------------------------------------------------- single steps */

void svm_request_nmi_step(struct vcpu *vcpu, bool on)
{
	struct svm_vcpu *const svm = svm_of(vcpu);

	svm->step = (svm->step & ~SVM_STEP_NMI) | (on ? SVM_STEP_NMI : 0);
	svm_apply_traps(vcpu);
}

/* What the stepped instruction does with RFLAGS. */
enum { STEP_PLAIN, STEP_LOADS, STEP_PUSHES, STEP_SYSCALL };

static uint8_t step_kind(struct vcpu *vcpu)
{
	uint8_t bytes[15];
	uint32_t end;

	switch (svm_opcode(vcpu, bytes, &end)) {
	case 0x9d:   /* POPF */
	case 0xcf:   /* IRET */
	case 0x0f07: /* SYSRET */
		return STEP_LOADS;
	case 0x9c: /* PUSHF */
		return STEP_PUSHES;
	case 0x0f05: /* SYSCALL */
		return STEP_SYSCALL;
	default:
		return STEP_PLAIN;
	}
}

/**
 * Set RFLAGS.TF for one instruction. Not while an event is being injected: the handler's frame
 * would hold our TF. A kick makes the CPU exit between the delivery and the handler's first
 * instruction.
 */
void svm_step_before(struct vcpu *vcpu)
{
	struct svm_vcpu *const svm = svm_of(vcpu);
	struct vmcb_save *const save = &svm->vmcb.save;

	svm->stepping = (svm->vmcb.control.eventinj & SVM_EVENT_V) == 0;
	if (!svm->stepping) {
		host_kick(vcpu->cpu);
		return;
	}
	svm->step_kind = step_kind(vcpu);
	svm->step_own_tf = (save->rflags & RFLAGS_TF) == 0;
	svm->step_old_bs = (save->dr6 & DR6_BS) != 0;
	save->rflags |= RFLAGS_TF;
	save->dr6 &= ~DR6_BS;
	svm_dirty(svm, SVM_CLEAN_DRX);
}

/** Linear address of bits 15:8 of what is on top of the stack. */
static uint64_t second_stack_byte(struct vcpu *vcpu)
{
	vcpu_need(vcpu, REGS_RSP | REGS_SEG);
	const struct hv_x86_segment *const ss = &vcpu->regs.seg[HV_SS];
	const uint64_t offset = vcpu->regs.gpr[HV_RSP] + 1;

	if (vcpu_code_size(vcpu) == 64)
		return offset;
	return ss->base + (offset & ((ss->attr & HV_SEG_DB) != 0 ? UINT32_MAX : 0xffff));
}

/** The flags that PUSHF has just pushed are the guest's, without our TF. */
static void fix_pushed_flags(struct vcpu *vcpu)
{
	struct gpt_mode mode;
	uint32_t fault;
	gva_t where;
	const gva_t at = gva(second_stack_byte(vcpu));
	uint8_t flags;

	vcpu_paging_mode(vcpu, &mode);
	if (guest_read_virtual(&vcpu->vm->npt, &mode, at, &flags, 1, HV_PROT_READ, &where,
			       &fault) != HV_OK)
		return;
	flags &= (uint8_t)~(RFLAGS_TF >> 8);
	guest_write_virtual(&vcpu->vm->npt, &mode, at, &flags, 1, &where, &fault);
}

#define DR6_CAUSES (DR6_B0 | DR6_B1 | DR6_B2 | DR6_B3 | DR6_BD | DR6_BS | DR6_BT)

/** Bits 1:0 of DR7's field for breakpoint n: 0 stops at an instruction, others at data. */
static uint32_t breakpoint_type(uint64_t dr7, uint32_t n)
{
	return dr7 >> (16 + 4 * n) & 3u;
}

/**
 * Where the CPU forgets the causes: a step if TF was set, otherwise the breakpoint on this
 * instruction, otherwise any of those on data.
 */
static uint64_t guess_causes(struct vcpu *vcpu)
{
	const struct svm_vcpu *const svm = svm_of(vcpu);
	const uint64_t dr7 = svm->vmcb.save.dr7;
	const uint64_t at = x86_code_address(vcpu).raw;
	uint64_t code = 0, data = 0;

	if (svm->stepping || (svm->vmcb.save.rflags & RFLAGS_TF) != 0)
		return DR6_BS;
	for (uint32_t n = 0; n < 4; n++) {
		if ((dr7 & (DR7_L(n) | DR7_G(n))) == 0)
			continue;
		if (breakpoint_type(dr7, n) != 0)
			data |= DR6_B0 << n;
		else if (svm->dr[n] == at)
			code |= DR6_B0 << n;
	}
	if ((code | data) == 0)
		return DR6_BS; /* the instruction has cleared TF */
	return code != 0 ? code : data;
}

/** 15.12.2: DR6 in the VMCB is already the handler's. */
static uint64_t debug_causes(struct vcpu *vcpu)
{
	if (svm_features.bochs)
		return guess_causes(vcpu);
	return svm_of(vcpu)->vmcb.save.dr6 & DR6_CAUSES;
}

/** Take TF out of wherever the instruction, if it was executed, has put it. */
void svm_step_after(struct vcpu *vcpu)
{
	struct svm_vcpu *const svm = svm_of(vcpu);
	struct vmcb_save *const save = &svm->vmcb.save;

	if (!svm->stepping)
		return;
	const bool trap = vcpu->exit.index == SVM_EXIT_EXCP + X86_DB;
	const bool executed = trap && (debug_causes(vcpu) & DR6_BS) != 0;

	svm->stepping = trap;
	if (!svm->step_own_tf)
		return;
	if (!executed || svm->step_kind != STEP_LOADS)
		save->rflags &= ~RFLAGS_TF;
	vcpu->regs.rflags = save->rflags;
	if (executed && svm->step_kind == STEP_PUSHES)
		fix_pushed_flags(vcpu);
	if (executed && svm->step_kind == STEP_SYSCALL)
		vcpu->regs.gpr[HV_R11] &= ~RFLAGS_TF;
}

/** Settle our part of a debug exception. @return what of DR6 is the guest's. */
static uint64_t finish_step(struct vcpu *vcpu, uint64_t causes)
{
	struct svm_vcpu *const svm = svm_of(vcpu);

	if ((causes & DR6_BS) != 0 && (svm->step & SVM_STEP_VMM) != 0)
		vcpu->exit.flags |= EXIT_STEP;
	if (svm->step_own_tf) {
		causes &= ~DR6_BS;
		svm->vmcb.save.dr6 &= ~DR6_BS;
		svm->vmcb.save.dr6 |= svm->step_old_bs ? DR6_BS : 0;
		svm_dirty(svm, SVM_CLEAN_DRX);
	}
	if ((svm->step & SVM_STEP_NMI) != 0)
		svm_request_nmi_step(vcpu, false);
	return causes;
}

enum verdict svm_exit_debug(struct vcpu *vcpu)
{
	struct svm_vcpu *const svm = svm_of(vcpu);
	const struct x86_event event = {.valid = 1, .type = X86_EVENT_EXCEPTION, .vector = X86_DB};
	uint64_t causes = debug_causes(vcpu);

	if (svm->stepping) {
		svm->stepping = false;
		causes = finish_step(vcpu, causes);
		if (causes == 0 && (vcpu->exit.flags & EXIT_STEP) == 0)
			return vcpu->nmi_window ? x86_exit_nmi_window(vcpu) : VERDICT_RESUME;
	}
	return x86_exit_exception(vcpu, &event, 0, causes);
}

/** INT3 or INTO, which QEMU reports as INT n where the VMM asked for the exception. */
static enum verdict software_exception(struct vcpu *vcpu, uint8_t vector, uint32_t length)
{
	const struct x86_event event = {
		.valid = 1,
		.type = X86_EVENT_SOFT_EXC,
		.vector = vector,
		.insn_length = length,
	};

	return x86_exit_exception(vcpu, &event, 0, 0);
}

/** INT n, while stepping: injected, so that the pushed flags don't hold our TF. */
enum verdict svm_exit_int_n(struct vcpu *vcpu)
{
	uint8_t bytes[15];
	uint32_t end;
	const uint32_t opcode = svm_opcode(vcpu, bytes, &end);

	if (opcode == 0xcc)
		return software_exception(vcpu, X86_BP, end);
	if (opcode == 0xce)
		return software_exception(vcpu, X86_OF, end);
	if (opcode != 0xcd || end >= sizeof(bytes))
		return VERDICT_RESUME; /* another CPU has changed it meanwhile: look again */
	vcpu->delivering = (struct x86_event){
		.valid = 1,
		.type = X86_EVENT_SOFT_INT,
		.vector = bytes[end],
		.insn_length = end + 1,
	};
	return VERDICT_RESUME;
}

/** INT1 is a debug exception without a cause in DR6 (APM vol. 3, INT1). */
enum verdict svm_exit_icebp(struct vcpu *vcpu)
{
	const struct x86_event event = {
		.valid = 1,
		.type = X86_EVENT_PRIV_SOFT,
		.vector = X86_DB,
		.insn_length = 1,
	};

	return x86_exit_exception(vcpu, &event, 0, 0);
}
