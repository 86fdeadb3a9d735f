/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file svm_event.c
 * Events into the guest (APM vol. 2, 15.20), windows for interrupts and NMIs (15.21), NMI blocking
 * without virtual NMIs, and single steps.
 *
 * NMI blocking: the CPU doesn't do it for injected NMIs, so IRET exits while they are blocked. The exit
 * comes before the IRET is executed; blocking ends when it has been. Where an NMI waits, the IRET is
 * single-stepped for that, otherwise the next exit finds RIP or RSP changed.
 */
#include "hypervisor/x86/exits.h"
#include "hypervisor/x86/gpt.h"
#include "hypervisor/x86/svm/svm.h"
#include "lib/x86/cpuid.h"
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

/** Opcode of the instruction at RIP, 0Fh in front as 0F00h; 0 where it can't be fetched.
 *  @param end offset behind the opcode's last byte. */
static uint32_t opcode_at_rip(struct vcpu *vcpu, uint8_t bytes[15], uint32_t *end)
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

/* ------------------------------------------------------------------------------------- injection */

static bool is_soft(const struct x86_event *event)
{
	if (event->type >= X86_EVENT_SOFT_INT)
		return true;
	return event->type == X86_EVENT_EXCEPTION &&
	       (event->vector == X86_BP || event->vector == X86_OF);
}

/**
 * 15.20: a software event returns behind its instruction: to nRIP where the CPU has that field, to RIP
 * otherwise. Both are advanced: Bochs has nRIP but uses RIP.
 */
static void inject_soft(struct vcpu *vcpu, const struct x86_event *event)
{
	struct svm_vcpu *const svm = svm_of(vcpu);
	/* INT3 and INTO are one byte long, should whoever raised it have said nothing. */
	const uint32_t length = event->insn_length != 0 ? event->insn_length : 1;

	vcpu_need(vcpu, REGS_RIP);
	svm->soft_injected = true;
	svm->soft = *event;
	svm->soft_rip = vcpu->regs.rip;
	vcpu->regs.rip += length;
	svm->vmcb.control.nrip = vcpu->regs.rip;
	vcpu_change(vcpu, REGS_RIP);
}

/**
 * Bochs doesn't intercept a guest's shutdown, it stops. There every double fault exits, and is injected as
 * what it takes for an interrupt with an error code; an exception on the way exits then.
 */
static void watch_double_fault(struct vcpu *vcpu, bool on)
{
	svm_of(vcpu)->df_injected = on;
	svm_apply_traps(vcpu);
}

void svm_inject(struct vcpu *vcpu)
{
	static const uint8_t types[8] = {
		[X86_EVENT_EXTINT] = SVM_EVENT_INTR,
		[X86_EVENT_NMI] = SVM_EVENT_NMI,
		[X86_EVENT_EXCEPTION] = SVM_EVENT_EXCEPTION,
		[X86_EVENT_SOFT_INT] = SVM_EVENT_SOFT_INT,
		[X86_EVENT_PRIV_SOFT] = SVM_EVENT_EXCEPTION,
		[X86_EVENT_SOFT_EXC] = SVM_EVENT_EXCEPTION,
	};
	const struct x86_event *const event = &vcpu->delivering;
	uint64_t info = SVM_EVENT_V | event->vector;

	if (svm_features.bochs && event->vector == X86_DF)
		watch_double_fault(vcpu, true);
	else
		info |= (uint64_t)types[event->type & 7u] << SVM_EVENT_TYPE_SHIFT;
	if (event->has_code)
		info |= SVM_EVENT_EV | (uint64_t)event->code << SVM_EVENT_CODE_SHIFT;
	svm_of(vcpu)->vmcb.control.eventinj = info;
	svm_of(vcpu)->slow |= SVM_SLOW_ONCE;
	if (event->type == X86_EVENT_NMI)
		svm_block_nmi(vcpu, true);
	else if (is_soft(event))
		inject_soft(vcpu, event);
}

static struct x86_event decode_event(uint64_t info)
{
	static const uint8_t types[8] = {
		[SVM_EVENT_INTR] = X86_EVENT_EXTINT,
		[SVM_EVENT_NMI] = X86_EVENT_NMI,
		[SVM_EVENT_EXCEPTION] = X86_EVENT_EXCEPTION,
		[SVM_EVENT_SOFT_INT] = X86_EVENT_SOFT_INT,
		/* Bochs: the numbers of VT-x. */
		[X86_EVENT_PRIV_SOFT] = X86_EVENT_PRIV_SOFT,
		[X86_EVENT_SOFT_EXC] = X86_EVENT_SOFT_EXC,
	};

	return (struct x86_event){
		.valid = 1,
		.type = types[SVM_EVENT_TYPE(info)],
		.vector = SVM_EVENT_VECTOR(info),
		.has_code = (info & SVM_EVENT_EV) != 0,
		.code = (uint32_t)(info >> SVM_EVENT_CODE_SHIFT),
	};
}

/** The software event that we injected has not got through: as before the entry. */
static void take_back_soft(struct vcpu *vcpu)
{
	struct svm_vcpu *const svm = svm_of(vcpu);

	vcpu->delivering = svm->soft;
	vcpu->regs.rip = svm->soft_rip;
	svm->vmcb.save.rip = svm->soft_rip;
}

/** INT n, INT3, INTO, INT1. */
static bool is_int_opcode(uint32_t opcode)
{
	return opcode == 0xcd || opcode == 0xcc || opcode == 0xce || opcode == 0xf1;
}

/**
 * Interrupts and NMIs reach the guest by injection only, so one in delivery must be that of this entry. Bochs
 * leaves an older event in EXITINTINFO where the delivery of a software interrupt is cut short.
 */
static bool is_genuine(struct vcpu *vcpu, const struct x86_event *event, bool injected)
{
	uint8_t bytes[15];
	uint32_t end;

	if (injected && svm_of(vcpu)->vmcb.save.rip == svm_of(vcpu)->injected_rip)
		return true;
	if (event->type != X86_EVENT_EXCEPTION)
		return false;
	return !svm_features.bochs || !is_int_opcode(opcode_at_rip(vcpu, bytes, &end));
}

/**
 * A software event of the guest's own comes again by itself: RIP is still at the instruction (15.7.2),
 * and running it again needs no nRIP. One that was injected is injected again.
 */
void svm_take_exitintinfo(struct vcpu *vcpu, uint64_t info, bool injected)
{
	struct svm_vcpu *const svm = svm_of(vcpu);
	const bool soft = svm->soft_injected;
	struct x86_event event = decode_event(info);

	svm->soft_injected = false;
	if (svm->df_injected) {
		watch_double_fault(vcpu, false);
		event.type = X86_EVENT_EXCEPTION;
	}
	if ((info & SVM_EVENT_V) == 0) {
		if (soft && vcpu->exit.index == SVM_ROW_INVALID)
			take_back_soft(vcpu);
	} else if (is_soft(&event)) {
		if (soft)
			take_back_soft(vcpu);
	} else if (is_genuine(vcpu, &event, injected)) {
		vcpu->delivering = event;
	}
}

/* --------------------------------------------------------------------------------------- windows */

/** A virtual interrupt above every priority, whose delivery exits instead (15.21.4, VINTR). */
void svm_intr_window(struct vcpu *vcpu, bool on)
{
	struct svm_vcpu *const svm = svm_of(vcpu);
	struct vmcb_control *const c = &svm->vmcb.control;

	vcpu->intr_window = on;
	c->int_ctl &= ~(SVM_V_IRQ | SVM_V_INTR_PRIO_MAX | SVM_V_IGN_TPR);
	if (on)
		c->int_ctl |= SVM_V_IRQ | SVM_V_INTR_PRIO_MAX | SVM_V_IGN_TPR;
	svm_dirty(svm, SVM_CLEAN_TPR);
}

enum verdict svm_exit_intr_window(struct vcpu *vcpu)
{
	svm_intr_window(vcpu, false);
	return x86_exit_intr_window(vcpu);
}

/** V_TPR masks what is requested: the guest has to exit when it lowers it. */
bool svm_apic_deliver(struct vcpu *vcpu)
{
	struct svm_vcpu *const svm = svm_of(vcpu);
	const bool trap = vcpu->lapic.irr_words != 0 && lapic_pending(vcpu) < 0;

	if (trap != svm->cr8_trap) {
		svm->cr8_trap = trap;
		svm_apply_traps(vcpu);
	}
	return false;
}

static void request_step(struct vcpu *vcpu, bool on)
{
	struct svm_vcpu *const svm = svm_of(vcpu);

	svm->step = (svm->step & ~SVM_STEP_NMI) | (on ? SVM_STEP_NMI : 0);
	svm_apply_traps(vcpu);
}

void svm_nmi_window(struct vcpu *vcpu, bool on)
{
	const struct svm_vcpu *const svm = svm_of(vcpu);
	const bool wait_iret = svm->nmi_shadow != 0 && (svm->slow & SVM_SLOW_IRET) == 0;

	vcpu->nmi_window = on;
	request_step(vcpu, on && !wait_iret);
}

void svm_block_nmi(struct vcpu *vcpu, bool blocked)
{
	struct svm_vcpu *const svm = svm_of(vcpu);

	svm->nmi_shadow = blocked ? HV_SHADOW_NMI : 0;
	svm->slow &= ~SVM_SLOW_IRET;
	vcpu->regs.shadow = (vcpu->regs.shadow & ~HV_SHADOW_NMI) | svm->nmi_shadow;
	svm_apply_traps(vcpu);
}

enum verdict svm_exit_iret(struct vcpu *vcpu)
{
	struct svm_vcpu *const svm = svm_of(vcpu);

	svm->iret_rip = svm->vmcb.save.rip;
	svm->iret_rsp = svm->vmcb.save.rsp;
	svm->slow |= SVM_SLOW_IRET;
	request_step(vcpu, vcpu->nmi_window);
	return VERDICT_RESUME;
}

void svm_iret_after(struct vcpu *vcpu)
{
	const struct svm_vcpu *const svm = svm_of(vcpu);

	if (svm->vmcb.save.rip != svm->iret_rip || svm->vmcb.save.rsp != svm->iret_rsp)
		svm_block_nmi(vcpu, false);
}

/* ----------------------------------------------------------------------------------- single steps */

/* What the stepped instruction does with RFLAGS. */
enum { STEP_PLAIN, STEP_LOADS, STEP_PUSHES, STEP_SYSCALL };

static uint8_t step_kind(struct vcpu *vcpu)
{
	uint8_t bytes[15];
	uint32_t end;

	switch (opcode_at_rip(vcpu, bytes, &end)) {
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
 * Set RFLAGS.TF for one instruction. Not while an event is being injected: the handler's frame would
 * hold our TF. A kick makes the CPU exit between the delivery and the handler's first instruction.
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

/** The flags that PUSHF has just pushed are the guest's, without our TF. */
static void fix_pushed_flags(struct vcpu *vcpu)
{
	struct gpt_mode mode;
	uint32_t fault;
	gva_t where, at;
	uint8_t flags;

	vcpu_need(vcpu, REGS_RSP | REGS_SEG);
	const struct hv_x86_segment *const ss = &vcpu->regs.seg[HV_SS];
	const uint64_t rsp = vcpu->regs.gpr[HV_RSP];

	if (vcpu_code_size(vcpu) == 64)
		at = gva(rsp + 1);
	else
		at = gva(ss->base + (uint32_t)((ss->attr & HV_SEG_DB) != 0 ? rsp + 1 : (rsp + 1) & 0xffff));
	vcpu_paging_mode(vcpu, &mode);
	if (guest_read_virtual(&vcpu->vm->npt, &mode, at, &flags, 1, HV_PROT_READ, &where, &fault) !=
	    HV_OK)
		return;
	flags &= (uint8_t)~(RFLAGS_TF >> 8);
	guest_write_virtual(&vcpu->vm->npt, &mode, at, &flags, 1, &where, &fault);
}

#define DR6_CAUSES (DR6_B0 | DR6_B1 | DR6_B2 | DR6_B3 | DR6_BD | DR6_BS | DR6_BT)

/**
 * 15.12.2: DR6 in the VMCB is already the handler's. Where the CPU forgets the causes: a step if TF was
 * set, otherwise any of the armed breakpoints.
 */
static uint64_t debug_causes(const struct svm_vcpu *svm)
{
	const struct vmcb_save *const save = &svm->vmcb.save;
	uint64_t armed = 0;

	if (!svm_features.bochs)
		return save->dr6 & DR6_CAUSES;
	if (svm->stepping || (save->rflags & RFLAGS_TF) != 0)
		return DR6_BS;
	for (uint32_t n = 0; n < 4; n++)
		if ((save->dr7 & (DR7_L(n) | DR7_G(n))) != 0)
			armed |= DR6_B0 << n;
	return armed;
}

/** Take TF out of wherever the instruction, if it was executed, has put it. */
void svm_step_after(struct vcpu *vcpu)
{
	struct svm_vcpu *const svm = svm_of(vcpu);
	struct vmcb_save *const save = &svm->vmcb.save;

	if (!svm->stepping)
		return;
	const bool trap = vcpu->exit.index == SVM_EXIT_EXCP + X86_DB;
	const bool executed = trap && (debug_causes(svm) & DR6_BS) != 0;

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
		request_step(vcpu, false);
	return causes;
}

enum verdict svm_exit_debug(struct vcpu *vcpu)
{
	struct svm_vcpu *const svm = svm_of(vcpu);
	const struct x86_event event = {.valid = 1, .type = X86_EVENT_EXCEPTION, .vector = X86_DB};
	uint64_t causes = debug_causes(svm);

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
	const uint32_t opcode = opcode_at_rip(vcpu, bytes, &end);

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
