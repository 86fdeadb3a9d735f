/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file run.c
 * What stands around the loop of a vCPU (loop.h): taking what the VMM wants, polling and waiting, the
 * exit's record for the VMM.
 */
#include "hypervisor/core/loop.h"

enum verdict vcpu_hand(struct vcpu *vcpu, enum hv_exit_kind kind)
{
	vcpu->kind = (uint16_t)kind;
	vcpu->page->exit.kind = (uint16_t)kind;
	vcpu->page->exit.hw_reason = vcpu->exit.hw_reason;
	return VERDICT_TO_VMM;
}

/** From here on, time is the guest's or the driver's. */
static void clock_start(struct vcpu *vcpu)
{
	vcpu->guest_ticks = 0;
	vcpu->since = rdtsc();
}

/** And from here on, somebody else's. */
static void clock_stop(struct vcpu *vcpu)
{
	vcpu->stats.guest_cycles += vcpu->guest_ticks;
	vcpu->stats.host_cycles += rdtsc() - vcpu->since - vcpu->guest_ticks;
}

/** Let interrupts in, and other threads run. */
static void poll(struct vcpu *vcpu)
{
	clock_stop(vcpu);
	arch_vcpu_put(vcpu);
	host_poll();
	clock_start(vcpu);
}

enum verdict x86_exit_host_interrupt(struct vcpu *vcpu)
{
	poll(vcpu);
	return VERDICT_RESUME;
}

/**
 * @req HV-019 A guest that spins with PAUSE lets threads that are as urgent run, where the CPU tells of it.
 */
enum verdict x86_exit_spin(struct vcpu *vcpu)
{
	clock_stop(vcpu);
	arch_vcpu_put(vcpu);
	host_yield();
	clock_start(vcpu);
	return VERDICT_RESUME;
}

/** What can be done later, when there is something to be entered for. */
#define WORK_THAT_WAITS (VCPU_WORK_HALTED | VCPU_WORK_FLUSH | VCPU_WORK_HIDE)

/** Wait until something is there to be done. */
static void wait(struct vcpu *vcpu)
{
	clock_stop(vcpu);
	arch_vcpu_put(vcpu);
	while (!arch_runnable(vcpu) &&
	       (__atomic_load_n(&vcpu->work, __ATOMIC_SEQ_CST) & ~WORK_THAT_WAITS) == 0)
		host_block(UINT64_MAX);
	clock_start(vcpu);
}

enum verdict loop_attend(struct vcpu *vcpu)
{
	if (host_poll_pending())
		poll(vcpu);
	const uint32_t work = __atomic_exchange_n(&vcpu->work, 0, __ATOMIC_SEQ_CST);

	if (work == 0)
		return VERDICT_RESUME;
	if ((work & VCPU_WORK_KICK) != 0) {
		vcpu_work(vcpu, work & ~VCPU_WORK_KICK);
		return vcpu_hand(vcpu, HV_EXIT_KICKED);
	}
	const enum verdict verdict = arch_work(vcpu, work);

	if (verdict == VERDICT_RESUME && !arch_runnable(vcpu)) {
		vcpu_work(vcpu, VCPU_WORK_HALTED);
		wait(vcpu);
	}
	return verdict;
}

enum verdict loop_custom(struct vcpu *vcpu, const struct exit_row *row)
{
	const struct vm_handler *const custom = &vcpu->vm->handler[row->kind];

	if (custom->fn != NULL) {
		const enum driver_verdict verdict = custom->fn(custom->arg, vcpu, vcpu->page);

		if (verdict == DRIVER_RESUME)
			return VERDICT_RESUME;
		if (verdict == DRIVER_TO_VMM)
			return vcpu_hand(vcpu, (enum hv_exit_kind)row->kind);
	}
	return row->handler(vcpu);
}

/** Take what the VMM has put into the page, and finish the exit that it had. */
static enum verdict begin(struct vcpu *vcpu, hv_status_t *status)
{
	struct hv_vcpu_page *const page = vcpu->page;
	const bool news = page->dirty != 0 || page->inject.kind != HV_EVENT_NONE ||
			  page->request != vcpu->request;

	if (news) {
		vcpu->exit.flags &= ~EXIT_PLAIN;
		*status = arch_check_page(vcpu);
		if (*status != HV_OK)
			return VERDICT_TO_VMM;
		arch_apply_registers(vcpu);
	}
	enum verdict (*const complete)(struct vcpu *) = vcpu->complete;
	enum verdict verdict = VERDICT_RESUME;

	vcpu->action = page->action;
	page->action = HV_ACTION_DONE;
	vcpu->complete = NULL;
	if (complete && vcpu->action != HV_ACTION_RETRY)
		verdict = complete(vcpu);
	if (news && verdict == VERDICT_RESUME)
		verdict = arch_apply_event(vcpu);
	return verdict;
}

/** An access to a device, which is frequent: the record is all that the VMM gets. */
static void end_access(struct vcpu *vcpu)
{
	struct hv_vcpu_page *const page = vcpu->page;

	page->intr_ready = 0;
	page->nmi_ready = 0;
	page->halted = 0;
	page->valid = 0;
}

static void end(struct vcpu *vcpu)
{
	const struct exit_row *const row = loop_row(vcpu, vendor->exits, vendor->exit_count);
	const bool memory = vcpu->kind == HV_EXIT_MEMORY;

	vcpu->stats.handed[vcpu->kind]++;
	if (vcpu->kind == HV_EXIT_PORT || (memory && vcpu->page->exit.memory.decoded)) {
		end_access(vcpu);
		return;
	}
	arch_fill_ready(vcpu, !memory);
	arch_fill_page(vcpu, vcpu->kind == row->kind ? row->needs : 0);
}

static hv_status_t run_claimed(struct vcpu *vcpu)
{
	hv_status_t status = HV_OK;

	clock_start(vcpu);
	if (begin(vcpu, &status) == VERDICT_RESUME)
		vendor->run(vcpu);
	clock_stop(vcpu);
	if (status == HV_OK)
		end(vcpu);
	arch_vcpu_put(vcpu);
	return status;
}

hv_status_t vcpu_run(struct vcpu *vcpu)
{
	hv_status_t status = vcpu_claim(vcpu);

	if (status != HV_OK)
		return status;
	__atomic_add_fetch(&vcpu->vm->running, 1, __ATOMIC_ACQ_REL);
	status = run_claimed(vcpu);
	__atomic_sub_fetch(&vcpu->vm->running, 1, __ATOMIC_ACQ_REL);
	vcpu_release(vcpu);
	return status;
}
