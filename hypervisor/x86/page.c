/* SPDX-License-Identifier: BSD-2-Clause */
/** @file page.c Between the page shared with the VMM and the vCPU. Each field is read once. */
#include "hypervisor/core/core.h"
#include "hypervisor/x86/arch.h"
#include "hypervisor/x86/exits.h"
#include "hypervisor/x86/vendor.h"
#include "lib/x86/cpu.h"
#include "lib/x86/regs.h"

#define REQUESTS (HV_REQUEST_INTR_WINDOW | HV_REQUEST_NMI_WINDOW | HV_REQUEST_STEP)

#define COPY(to, from, first, last)                                                                \
	__builtin_memcpy(&(to)->first, &(from)->first,                                             \
			 offsetof(struct hv_x86_regs, last) + sizeof((to)->last) -                 \
				 offsetof(struct hv_x86_regs, first))

static void copy_groups(struct hv_x86_regs *to, const struct hv_x86_regs *from, uint32_t groups)
{
	if ((groups & HV_X86_REGS_GPR) != 0)
		COPY(to, from, gpr, rflags);
	if ((groups & HV_X86_REGS_CR) != 0)
		COPY(to, from, cr0, xcr0);
	if ((groups & HV_X86_REGS_DR) != 0)
		COPY(to, from, dr, dr7);
	if ((groups & HV_X86_REGS_SEG) != 0)
		COPY(to, from, seg, idtr);
	if ((groups & HV_X86_REGS_MSR) != 0)
		COPY(to, from, star, misc_enable);
	if ((groups & HV_X86_REGS_EVENT) != 0)
		COPY(to, from, pending, activity);
	if ((groups & HV_X86_REGS_TIME) != 0)
		COPY(to, from, tsc_offset, tsc_offset);
}

/** The driver's groups that a group of the contract consists of. */
static uint32_t inner_groups(uint32_t groups)
{
	uint32_t inner = groups & ~HV_X86_REGS_GPR;

	if ((groups & HV_X86_REGS_GPR) != 0)
		inner |= REGS_RIP | REGS_RSP | REGS_RFLAGS;
	if ((groups & HV_X86_REGS_SEG) != 0)
		inner |= REGS_CS;
	return inner;
}

static bool event_acceptable(const struct hv_event *event)
{
	switch (event->kind) {
	case HV_EVENT_NONE:
	case HV_EVENT_NMI:
	case HV_EVENT_INTERRUPT: /* of any vector: a PC's firmware has IRQ 0 to 7 at 8 to 15 */
		return true;
	case HV_EVENT_EXCEPTION:
		return event->vector < 32 && event->vector != X86_NMI && event->has_code <= 1;
	default:
		return false;
	}
}

/** Any vector may be in delivery as an interrupt: INT n has them all. */
static bool pending_acceptable(const struct hv_event *pending)
{
	return pending->kind == HV_EVENT_INTERRUPT || event_acceptable(pending);
}

hv_status_t arch_check_page(struct vcpu *vcpu)
{
	struct hv_vcpu_page *const page = vcpu->page;
	const uint32_t dirty = page->dirty;
	const struct hv_event event = page->inject;

	if ((page->request & ~REQUESTS) != 0 || (dirty & ~HV_X86_REGS_ALL) != 0)
		return HV_E_INVALID;
	copy_groups(&vcpu->staged, hv_x86_regs(page), dirty);
	barrier(); /* the VMM may write on: what is judged, and taken, is the copy */
	if (!x86_regs_acceptable(vcpu, &vcpu->staged, dirty) || !event_acceptable(&event))
		return HV_E_INVALID;
	if ((dirty & HV_X86_REGS_EVENT) != 0 && !pending_acceptable(&vcpu->staged.pending))
		return HV_E_INVALID;
	if (event.kind == HV_EVENT_INTERRUPT && !vcpu_intr_ready(vcpu))
		return HV_E_STATE;
	vcpu->staged_groups = dirty;
	vcpu->staged_event = event;
	return HV_OK;
}

/** The event that regs.pending names, to be delivered anew; the reverse of fill_pending(). */
static struct x86_event pending_event(const struct hv_event *pending)
{
	static const uint8_t type[] = {[HV_EVENT_INTERRUPT] = X86_EVENT_EXTINT,
				       [HV_EVENT_NMI] = X86_EVENT_NMI,
				       [HV_EVENT_EXCEPTION] = X86_EVENT_EXCEPTION};

	if (pending->kind == HV_EVENT_NONE)
		return (struct x86_event){0};
	return (struct x86_event){.valid = 1,
				  .type = type[pending->kind],
				  .vector = pending->kind == HV_EVENT_NMI ? X86_NMI : pending->vector,
				  .has_code = pending->kind == HV_EVENT_EXCEPTION && pending->has_code,
				  .code = pending->code};
}

/** The VMM moved the vCPU from or to a wait, or replaced the event in delivery. */
static void apply_event_group(struct vcpu *vcpu)
{
	vcpu->delivering = pending_event(&vcpu->regs.pending);
	if (vcpu->regs.activity != HV_ACTIVITY_RUN)
		vcpu_work(vcpu, VCPU_WORK_HALTED);
	x86_look_for_events(vcpu);
}

static void apply_registers(struct vcpu *vcpu, uint32_t groups)
{
	const uint64_t base = vcpu->regs.apic_base;

	vcpu_need(vcpu, inner_groups(groups));
	copy_groups(&vcpu->regs, &vcpu->staged, groups & ~HV_X86_REGS_DR);
	if ((groups & HV_X86_REGS_DR) != 0)
		__builtin_memcpy(debugreg_guest(vcpu), vcpu->staged.dr, sizeof(vcpu->guest_dr));
	vcpu_change(vcpu, inner_groups(groups));
	if ((groups & HV_X86_REGS_GPR) != 0)
		vcpu->regs.rflags |= RFLAGS_FIXED1;
	if ((groups & HV_X86_REGS_MSR) != 0 && !lapic_set_base(vcpu, vcpu->regs.apic_base))
		vcpu->regs.apic_base = base;
	if ((groups & HV_X86_REGS_SEG) != 0)
		vcpu->cpl = (vcpu->regs.seg[HV_SS].attr >> HV_SEG_DPL_SHIFT) & 3u;
	if ((groups & HV_X86_REGS_CR) != 0) {
		vcpu->fetch.page = 0;
		vendor->flush(vcpu);
		lapic_set_tpr(vcpu, (uint32_t)vcpu->regs.cr8 << 4);
		if (host_fpu_xcr0() != 0)
			x86_set_xcr0(vcpu, vcpu->regs.xcr0);
	}
	if ((groups & HV_X86_REGS_TIME) != 0)
		lapic_tsc_changed(vcpu);
	if ((groups & HV_X86_REGS_DR) != 0)
		vcpu_work(vcpu, VCPU_WORK_FLUSH);
	if ((groups & HV_X86_REGS_EVENT) != 0)
		apply_event_group(vcpu);
}

static enum verdict apply_event(struct vcpu *vcpu, const struct hv_event *event)
{
	switch (event->kind) {
	case HV_EVENT_INTERRUPT:
		vcpu->extint = EXTINT_PENDING | event->vector;
		x86_look_for_events(vcpu);
		return VERDICT_RESUME;
	case HV_EVENT_NMI:
		vcpu->nmi_pending = true;
		x86_look_for_events(vcpu);
		return VERDICT_RESUME;
	case HV_EVENT_EXCEPTION:
		if (event->vector == X86_PF)
			return x86_raise_pf(vcpu, event->address, event->code);
		return x86_raise(vcpu, event->vector, event->has_code != 0, event->code);
	default:
		return VERDICT_RESUME;
	}
}

void arch_apply_registers(struct vcpu *vcpu)
{
	struct hv_vcpu_page *const page = vcpu->page;
	const uint8_t request = page->request & REQUESTS;

	page->dirty = 0;
	if (vcpu->staged_groups != 0)
		apply_registers(vcpu, vcpu->staged_groups);
	if (request != vcpu->request) {
		vcpu->request = request;
		vcpu_work(vcpu, VCPU_WORK_REQUEST);
	}
}

enum verdict arch_apply_event(struct vcpu *vcpu)
{
	vcpu->page->inject.kind = HV_EVENT_NONE;
	return apply_event(vcpu, &vcpu->staged_event);
}

static void fill_pending(struct vcpu *vcpu)
{
	static const uint8_t kind[8] = {
		[X86_EVENT_EXTINT] = HV_EVENT_INTERRUPT, [X86_EVENT_NMI] = HV_EVENT_NMI,
		[X86_EVENT_EXCEPTION] = HV_EVENT_EXCEPTION, [X86_EVENT_SOFT_INT] = HV_EVENT_INTERRUPT,
		[X86_EVENT_PRIV_SOFT] = HV_EVENT_EXCEPTION, [X86_EVENT_SOFT_EXC] = HV_EVENT_EXCEPTION,
	};
	const struct x86_event *const event = &vcpu->delivering;

	vcpu->regs.pending = (struct hv_event){0};
	if (event->valid)
		vcpu->regs.pending = (struct hv_event){.kind = kind[event->type & 7],
						       .vector = event->vector,
						       .has_code = event->has_code,
						       .code = event->code};
}

void arch_fill_ready(struct vcpu *vcpu, bool ask)
{
	vcpu->page->intr_ready = ask && vcpu_intr_ready(vcpu);
	vcpu->page->nmi_ready = ask && vcpu_nmi_ready(vcpu);
}

void arch_fill_page(struct vcpu *vcpu, uint32_t groups)
{
	struct hv_vcpu_page *const page = vcpu->page;

	page->halted = (__atomic_load_n(&vcpu->work, __ATOMIC_RELAXED) & VCPU_WORK_HALTED) != 0;
	page->valid = groups;
	if (groups == 0)
		return;
	vcpu_need(vcpu, inner_groups(groups));
	if ((groups & HV_X86_REGS_CR) != 0)
		vcpu->regs.cr8 = lapic_get_tpr(vcpu) >> 4;
	if ((groups & HV_X86_REGS_MSR) != 0)
		vcpu->regs.apic_base = vcpu->lapic.base;
	if ((groups & HV_X86_REGS_EVENT) != 0)
		fill_pending(vcpu);
	copy_groups(hv_x86_regs(page), &vcpu->regs, groups & ~HV_X86_REGS_DR);
	if ((groups & HV_X86_REGS_DR) != 0)
		__builtin_memcpy(hv_x86_regs(page)->dr, debugreg_guest(vcpu), sizeof(vcpu->guest_dr));
}
