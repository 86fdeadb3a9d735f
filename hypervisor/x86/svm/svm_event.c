/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file svm_event.c
 * Events into the guest (APM vol. 2, 15.20), windows for interrupts and NMIs (15.21), NMI blocking
 * without virtual NMIs.
 *
 * NMI blocking: the CPU doesn't do it for injected NMIs, so IRET exits while they are blocked. The
 * exit comes before the IRET is executed; blocking ends when it has been. Where an NMI waits, the
 * IRET is single-stepped for that, otherwise the next exit finds RIP or RSP changed.
 */
#include "hypervisor/x86/exits.h"
#include "hypervisor/x86/svm/svm.h"
#include "lib/x86/regs.h"

/* ------------------------------------------------------------------------------------ injection */

static bool is_soft(const struct x86_event *event)
{
	if (event->type >= X86_EVENT_SOFT_INT)
		return true;
	return event->type == X86_EVENT_EXCEPTION &&
	       (event->vector == X86_BP || event->vector == X86_OF);
}

/**
 * 15.20: a software event returns behind its instruction: to nRIP where the CPU has that field, to
 * RIP otherwise. Both are advanced: Bochs has nRIP but uses RIP.
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
 * Bochs doesn't intercept a guest's shutdown, it stops. There every double fault exits, and is
 * injected as what it takes for an interrupt with an error code; an exception on the way exits
 * then.
 */
static void watch_double_fault(struct vcpu *vcpu, bool on)
{
	svm_of(vcpu)->df_injected = on;
	svm_apply_traps(vcpu);
}

/**
 * QEMU remembers an interrupt injected by EVENTINJ after its delivery, and delivers it once more, IF or
 * not, where its main loop is called away before the guest's next exit or exception. One that comes
 * as a virtual interrupt (15.21) is delivered once. The caller has made sure that the guest takes it.
 */
static void inject_virtual(struct svm_vcpu *svm, uint8_t vector)
{
	struct vmcb_control *const c = &svm->vmcb.control;

	svm->virtual_injected = true;
	c->int_vector = vector;
	c->int_ctl |= SVM_V_WINDOW;
	c->intercept_1 &= ~SVM_I1_VINTR;
}

/** It waits still where an interrupt of the host's came before it: then it is injected again. */
void svm_take_virtual(struct vcpu *vcpu)
{
	struct svm_vcpu *const svm = svm_of(vcpu);
	struct vmcb_control *const c = &svm->vmcb.control;
	const bool waits = (c->int_ctl & SVM_V_IRQ) != 0;

	svm->virtual_injected = false;
	c->int_ctl &= ~SVM_V_WINDOW;
	c->intercept_1 |= SVM_I1_VINTR;
	vcpu->delivering.valid = waits && (c->exitintinfo & SVM_EVENT_V) == 0;
}

/** The window for the next interrupt, and single steps, are in its way. */
static void inject_interrupt(struct vcpu *vcpu, uint8_t vector)
{
	struct svm_vcpu *const svm = svm_of(vcpu);

	if (svm_features.qemu && !vcpu->intr_window && svm->step == 0)
		inject_virtual(svm, vector);
	else
		svm->vmcb.control.eventinj = SVM_EVENT_V | vector;
}

void svm_inject(struct vcpu *vcpu)
{
	static const uint8_t types[8] = {
		[X86_EVENT_NMI] = SVM_EVENT_NMI,
		[X86_EVENT_EXCEPTION] = SVM_EVENT_EXCEPTION,
		[X86_EVENT_SOFT_INT] = SVM_EVENT_SOFT_INT,
		[X86_EVENT_PRIV_SOFT] = SVM_EVENT_EXCEPTION,
		[X86_EVENT_SOFT_EXC] = SVM_EVENT_EXCEPTION,
	};
	const struct x86_event *const event = &vcpu->delivering;
	struct svm_vcpu *const svm = svm_of(vcpu);
	uint64_t info = SVM_EVENT_V | event->vector;

	svm->slow |= SVM_SLOW_ONCE;
	if (event->type == X86_EVENT_EXTINT) {
		inject_interrupt(vcpu, event->vector);
		return;
	}
	if (svm_features.bochs && event->vector == X86_DF)
		watch_double_fault(vcpu, true);
	else
		info |= (uint64_t)types[event->type & 7u] << SVM_EVENT_TYPE_SHIFT;
	if (event->has_code)
		info |= SVM_EVENT_EV | (uint64_t)event->code << SVM_EVENT_CODE_SHIFT;
	svm->vmcb.control.eventinj = info;
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
 * Interrupts and NMIs reach the guest by injection only, so one in delivery must be that of this
 * entry. Bochs leaves an older event in EXITINTINFO where the delivery of a software interrupt is
 * cut short.
 */
static bool is_genuine(struct vcpu *vcpu, const struct x86_event *event, bool injected)
{
	uint8_t bytes[15];
	uint32_t end;

	if (injected && svm_of(vcpu)->vmcb.save.rip == svm_of(vcpu)->injected_rip)
		return true;
	if (event->type != X86_EVENT_EXCEPTION)
		return false;
	return !svm_features.bochs || !is_int_opcode(svm_opcode(vcpu, bytes, &end));
}

/**
 * A software event of the guest's own comes again by itself: RIP is still at the instruction
 * (15.7.2), and running it again needs no nRIP. One that was injected is injected again.
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

/* -------------------------------------------------------------------------------------- windows */

/** A virtual interrupt above every priority, whose delivery exits instead (15.21.4, VINTR). */
void svm_intr_window(struct vcpu *vcpu, bool on)
{
	struct svm_vcpu *const svm = svm_of(vcpu);
	struct vmcb_control *const c = &svm->vmcb.control;

	vcpu->intr_window = on;
	c->int_ctl &= ~SVM_V_WINDOW;
	if (on)
		c->int_ctl |= SVM_V_WINDOW;
	svm_dirty(svm, SVM_CLEAN_TPR);
	if (svm_features.qemu)
		svm_apply_traps(vcpu);
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

void svm_nmi_window(struct vcpu *vcpu, bool on)
{
	const struct svm_vcpu *const svm = svm_of(vcpu);
	const bool wait_iret = svm->nmi_shadow != 0 && (svm->slow & SVM_SLOW_IRET) == 0;

	vcpu->nmi_window = on;
	svm_request_nmi_step(vcpu, on && !wait_iret);
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
	svm_request_nmi_step(vcpu, vcpu->nmi_window);
	return VERDICT_RESUME;
}

void svm_iret_after(struct vcpu *vcpu)
{
	const struct svm_vcpu *const svm = svm_of(vcpu);

	if (svm->vmcb.save.rip != svm->iret_rip || svm->vmcb.save.rsp != svm->iret_rsp)
		svm_block_nmi(vcpu, false);
}
