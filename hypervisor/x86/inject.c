/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file inject.c
 * Which event the guest sees next. One event at a time waits in vcpu->delivering; the vendor injects
 * it with the next entry, and gives it back when an exit cut its delivery short.
 *
 * Priorities follow SDM vol. 3, 6.9 (Table 6-2): an event in delivery, NMI, external interrupts.
 */
#include "hypervisor/core/core.h"
#include "hypervisor/x86/arch.h"
#include "hypervisor/x86/exits.h"
#include "hypervisor/x86/vendor.h"
#include "lib/x86/regs.h"

enum exception_class { BENIGN, CONTRIBUTORY, PAGE_FAULT, DOUBLE_FAULT };

/** SDM vol. 3, 6.15, Table 6-4. */
static enum exception_class class_of(uint32_t vector)
{
	switch (vector) {
	case X86_DE:
	case X86_TS:
	case X86_NP:
	case X86_SS:
	case X86_GP:
	case X86_CP:
		return CONTRIBUTORY;
	case X86_PF:
		return PAGE_FAULT;
	case X86_DF:
		return DOUBLE_FAULT;
	default:
		return BENIGN;
	}
}

static bool is_exception(const struct x86_event *event)
{
	return event->valid &&
	       (event->type == X86_EVENT_EXCEPTION || event->type == X86_EVENT_SOFT_EXC ||
		event->type == X86_EVENT_PRIV_SOFT);
}

/** Does `second`, raised while `first` was delivered, make a double fault? SDM 6.15, Table 6-5. */
static bool doubles(enum exception_class first, enum exception_class second)
{
	if (first == CONTRIBUTORY)
		return second == CONTRIBUTORY;
	return first == PAGE_FAULT && (second == CONTRIBUTORY || second == PAGE_FAULT);
}

/**
 * @req HV-030 An exception raised while another is delivered becomes a double fault, or shutdown, exactly
 *      where the SDM's Table 6-5 says so.
 */
enum verdict x86_raise(struct vcpu *vcpu, uint8_t vector, bool has_code, uint32_t code)
{
	const enum exception_class first =
		is_exception(&vcpu->delivering) ? class_of(vcpu->delivering.vector) : BENIGN;
	const enum exception_class second = class_of(vector);

	if (first == DOUBLE_FAULT && second != BENIGN)
		return x86_exit_triple_fault(vcpu);
	struct x86_event event = {.valid = 1,
				  .type = X86_EVENT_EXCEPTION,
				  .vector = vector,
				  .has_code = has_code,
				  .code = code};

	if (doubles(first, second)) {
		event.vector = X86_DF;
		event.has_code = 1;
		event.code = 0;
	}
	vcpu_need(vcpu, REGS_CR);
	if ((vcpu->regs.cr0 & CR0_PE) == 0)
		event.has_code = 0; /* real mode pushes no error code (SDM vol. 3, 20.1.4) */
	vcpu->delivering = event;
	return VERDICT_RESUME;
}

enum verdict x86_raise_pf(struct vcpu *vcpu, uint64_t address, uint32_t code)
{
	vcpu_need(vcpu, REGS_CR);
	vcpu->regs.cr2 = address;
	vcpu_change(vcpu, REGS_CR);
	return x86_raise(vcpu, X86_PF, true, code);
}

/** Does the vCPU take an interrupt now, wherever it comes from? */
static bool interruptible(struct vcpu *vcpu)
{
	vcpu_need(vcpu, REGS_RFLAGS | REGS_EVENT);
	return (vcpu->regs.rflags & RFLAGS_IF) != 0 &&
	       (vcpu->regs.shadow & (HV_SHADOW_STI | HV_SHADOW_MOV_SS)) == 0 &&
	       !vcpu->delivering.valid;
}

/** Would one that the VMM injects now be taken at once? */
bool vcpu_intr_ready(struct vcpu *vcpu)
{
	return interruptible(vcpu) && vcpu->extint == 0 &&
	       vcpu->regs.activity != HV_ACTIVITY_WAIT_SIPI && lapic_accepts_extint(vcpu);
}

/** NMIs wait behind STI too: some CPUs do so, and all may (SDM vol. 3, 25.3, Table 25-3). */
bool vcpu_nmi_ready(struct vcpu *vcpu)
{
	vcpu_need(vcpu, REGS_EVENT);
	return vcpu->regs.shadow == 0 && !vcpu->delivering.valid &&
	       vcpu->regs.activity != HV_ACTIVITY_WAIT_SIPI;
}

static void wake(struct vcpu *vcpu)
{
	vcpu_need(vcpu, REGS_EVENT);
	if (vcpu->regs.activity != HV_ACTIVITY_HALT)
		return;
	vcpu->regs.activity = HV_ACTIVITY_RUN;
	vcpu_change(vcpu, REGS_EVENT);
}

static void arm_intr_window(struct vcpu *vcpu, bool on)
{
	if (vcpu->intr_window == on)
		return;
	vcpu->intr_window = on;
	vendor->intr_window(vcpu, on);
}

static void arm_nmi_window(struct vcpu *vcpu, bool on)
{
	if (vcpu->nmi_window == on)
		return;
	vcpu->nmi_window = on;
	vendor->nmi_window(vcpu, on);
}

static void choose_nmi(struct vcpu *vcpu)
{
	const bool ready = vcpu_nmi_ready(vcpu);

	if (ready) {
		vcpu->nmi_pending = false;
		vcpu->delivering = (struct x86_event){
			.valid = 1, .type = X86_EVENT_NMI, .vector = X86_NMI};
		wake(vcpu);
	}
	arm_nmi_window(vcpu, !ready);
}

/** @req HV-031 An interrupt of the local APIC is delivered when RFLAGS.IF, shadows and priority allow. */
static void choose_interrupt(struct vcpu *vcpu)
{
	if (vcpu->lapic.assisted) {
		vendor->apic_deliver(vcpu);
		vcpu_need(vcpu, REGS_EVENT);
		if (vcpu->regs.activity == HV_ACTIVITY_HALT && lapic_pending(vcpu) >= 0 &&
		    interruptible(vcpu))
			wake(vcpu);
		return;
	}
	int vector = lapic_pending(vcpu);

	if (vector >= 0 && interruptible(vcpu)) {
		lapic_accept(vcpu, (uint32_t)vector);
		vcpu->delivering = (struct x86_event){
			.valid = 1, .type = X86_EVENT_EXTINT, .vector = (uint8_t)vector};
		wake(vcpu);
		vector = vcpu->lapic.irr_words != 0 ? lapic_pending(vcpu) : -1;
	}
	if (vector >= 0)
		arm_intr_window(vcpu, true);
	vendor->apic_deliver(vcpu); /* what is left may wait for a lower TPR */
}

/** Acknowledged at the controller already, so it comes before the local APIC's, whatever the TPR. */
static void choose_extint(struct vcpu *vcpu)
{
	if (!interruptible(vcpu)) {
		arm_intr_window(vcpu, true);
		return;
	}
	vcpu->delivering = (struct x86_event){
		.valid = 1, .type = X86_EVENT_EXTINT, .vector = (uint8_t)vcpu->extint};
	vcpu->extint = 0;
	wake(vcpu);
}

/**
 * The VMM steps, and there is an instruction to be executed: events wait until it is. What the CPU itself
 * would deliver (APIC virtualization) the VMM keeps off by a shadow.
 */
static bool steps_undisturbed(struct vcpu *vcpu)
{
	if (__builtin_expect((vcpu->request & HV_REQUEST_STEP) == 0, 1))
		return false;
	vcpu_need(vcpu, REGS_EVENT);
	return vcpu->regs.activity == HV_ACTIVITY_RUN && !vcpu->delivering.valid;
}

static void choose_event(struct vcpu *vcpu)
{
	if (lapic_requested(&vcpu->lapic))
		lapic_collect(vcpu);
	if (steps_undisturbed(vcpu)) {
		arm_intr_window(vcpu, false);
		return;
	}
	if (vcpu->nmi_pending)
		choose_nmi(vcpu);
	if (vcpu->extint != 0)
		choose_extint(vcpu);
	choose_interrupt(vcpu);
}

/** What the VMM asked for in page->request. */
static enum verdict serve_request(struct vcpu *vcpu)
{
	if ((vcpu->request & HV_REQUEST_INTR_WINDOW) != 0) {
		if (vcpu_intr_ready(vcpu))
			return vcpu_hand(vcpu, HV_EXIT_INTR_WINDOW);
		arm_intr_window(vcpu, lapic_accepts_extint(vcpu));
	}
	if ((vcpu->request & HV_REQUEST_NMI_WINDOW) != 0) {
		if (vcpu_nmi_ready(vcpu))
			return vcpu_hand(vcpu, HV_EXIT_NMI_WINDOW);
		arm_nmi_window(vcpu, true);
	}
	return VERDICT_RESUME;
}

static void take_generations(struct vcpu *vcpu)
{
	struct vm *const vm = vcpu->vm;
	const uint32_t flush = __atomic_load_n(&vm->flush_generation, __ATOMIC_ACQUIRE);
	const uint32_t traps = __atomic_load_n(&vm->trap_generation, __ATOMIC_ACQUIRE);

	if (flush != vcpu->flush_generation) {
		vcpu->fetch.page = 0;
		vendor->flush(vcpu);
		__atomic_store_n(&vcpu->flush_generation, flush, __ATOMIC_RELEASE);
	}
	vcpu->trap_generation = traps;
	lapic_pv_eoi_sync(vcpu); /* the VMM may want to hear of this end, now */
	debugreg_get(vcpu);
	vendor->apply_traps(vcpu);
}

static void take_signals(struct vcpu *vcpu, uint32_t work)
{
	if ((work & VCPU_WORK_HIDE) != 0)
		lapic_hide_time(vcpu);
	if ((work & VCPU_WORK_INIT) != 0)
		x86_init_signal(vcpu);
	if ((work & VCPU_WORK_SIPI) != 0)
		x86_startup(vcpu, __atomic_load_n(&vcpu->lapic.sipi_vector, __ATOMIC_ACQUIRE));
	if ((work & VCPU_WORK_TIMER) != 0)
		lapic_timer_fired(vcpu);
	if ((work & VCPU_WORK_NMI) != 0)
		vcpu->nmi_pending = true;
	if ((work & (VCPU_WORK_FLUSH | VCPU_WORK_REQUEST)) != 0)
		take_generations(vcpu);
}

/** One instruction was emulated while the VMM steps: the trap that the CPU would have raised behind it. */
static enum verdict step_done(struct vcpu *vcpu)
{
	vcpu->page->exit.exception = (struct hv_exit_exception){.vector = X86_DB};
	vcpu->complete = NULL;
	return vcpu_hand(vcpu, HV_EXIT_EXCEPTION);
}

enum verdict arch_work(struct vcpu *vcpu, uint32_t work)
{
	take_signals(vcpu, work);
	choose_event(vcpu);
	if ((work & VCPU_WORK_STEP) != 0 && (vcpu->request & HV_REQUEST_STEP) != 0)
		return step_done(vcpu);
	if (vcpu->request != 0)
		return serve_request(vcpu);
	return VERDICT_RESUME;
}

enum verdict x86_exit_intr_window(struct vcpu *vcpu)
{
	arm_intr_window(vcpu, false);
	vcpu_work(vcpu, VCPU_WORK_EVENT | VCPU_WORK_REQUEST);
	return VERDICT_RESUME;
}

enum verdict x86_exit_nmi_window(struct vcpu *vcpu)
{
	arm_nmi_window(vcpu, false);
	vcpu_work(vcpu, VCPU_WORK_EVENT | VCPU_WORK_REQUEST);
	return VERDICT_RESUME;
}

enum verdict x86_exit_tpr_below(struct vcpu *vcpu)
{
	x86_look_for_events(vcpu);
	return VERDICT_RESUME;
}
