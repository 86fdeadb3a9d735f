/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file run.c
 * The loop in which a vCPU spends its life. The order of each turn is fixed: leave at a poll point,
 * do pending work, load the FPU, inject, store changed registers, enter, count, dispatch.
 */
#include "hypervisor/core/core.h"
#include "hypervisor/x86/exits.h"
#include "hypervisor/x86/vendor.h"
#include "lib/x86/cpu.h"

enum verdict vcpu_hand(struct vcpu *vcpu, enum hv_exit_kind kind)
{
	vcpu->kind = (uint16_t)kind;
	vcpu->page->exit.kind = (uint16_t)kind;
	vcpu->page->exit.hw_reason = vcpu->exit.hw_reason;
	return VERDICT_TO_VMM;
}

/** Let interrupts in, and other threads run. */
static void poll(struct vcpu *vcpu)
{
	arch_vcpu_put(vcpu);
	host_poll();
	vcpu->exit_tsc = rdtsc();
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
	arch_vcpu_put(vcpu);
	host_yield();
	vcpu->exit_tsc = rdtsc();
	return VERDICT_RESUME;
}

/** What can be done later, when there is something to be entered for. */
#define WORK_THAT_WAITS (VCPU_WORK_HALTED | VCPU_WORK_FLUSH | VCPU_WORK_HIDE)

/** Wait until something is there to be done. */
static void wait(struct vcpu *vcpu)
{
	arch_vcpu_put(vcpu);
	while (!arch_runnable(vcpu) &&
	       (__atomic_load_n(&vcpu->work, __ATOMIC_SEQ_CST) & ~WORK_THAT_WAITS) == 0)
		host_block(UINT64_MAX);
	vcpu->exit_tsc = rdtsc();
}

/** The way taken when anything but the guest wants attention. Never with `in_guest` set. */
static enum verdict slow_path(struct vcpu *vcpu)
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

/** A handler that the kernel registered for this kind of exit, or else the driver's. */
static enum verdict dispatch(struct vcpu *vcpu, const struct exit_row *row)
{
	const struct vm_handler *const custom = &vcpu->vm->handler[row->kind];

	vcpu->kind = row->kind;
	if (__builtin_expect(custom->fn != NULL, 0)) {
		const enum driver_verdict verdict = custom->fn(custom->arg, vcpu, vcpu->page);

		if (verdict == DRIVER_RESUME)
			return VERDICT_RESUME;
		if (verdict == DRIVER_TO_VMM)
			return vcpu_hand(vcpu, (enum hv_exit_kind)row->kind);
	}
	return row->handler(vcpu);
}

/** The row of the vendor's table for the exit; a number that isn't in it is an error of the VM's. */
static inline const struct exit_row *row_of(const struct vcpu *vcpu)
{
	static const struct exit_row unknown = {.handler = x86_exit_unexpected, .kind = HV_EXIT_ERROR};

	if (__builtin_expect(vcpu->exit.index >= vendor->exit_count, 0))
		return &unknown;
	return &vendor->exits[vcpu->exit.index];
}

/** One world switch and what follows from it. */
static enum verdict turn(struct vcpu *vcpu)
{
	if (!vcpu->fpu.loaded)
		host_fpu_load(&vcpu->fpu);
	if (vcpu->delivering.valid) {
		vendor->inject(vcpu);
		vcpu->stats.injected++;
	}
	if (vcpu->changed != 0) {
		vendor->store(vcpu, vcpu->changed);
		vcpu->changed = 0;
	}
	const uint64_t before = rdtsc();

	vendor->enter(vcpu);
	const uint64_t after = rdtsc();

	__atomic_store_n(&vcpu->in_guest, false, __ATOMIC_RELEASE);
	vcpu->stats.entries++;
	vcpu->stats.host_cycles += before - vcpu->exit_tsc;
	vcpu->stats.guest_cycles += after - before;
	vcpu->exit_tsc = after;
	const struct exit_row *const row = row_of(vcpu);
	const enum verdict verdict = dispatch(vcpu, row);

	if (verdict == VERDICT_RESUME)
		vcpu->stats.settled[vcpu->kind]++;
	return verdict;
}

/** Take what the VMM has put into the page, and finish the exit that it had. */
static enum verdict begin(struct vcpu *vcpu, hv_status_t *status)
{
	struct hv_vcpu_page *const page = vcpu->page;
	const bool news = page->dirty != 0 || page->inject.kind != HV_EVENT_NONE ||
			  page->request != vcpu->request;

	if (news) {
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

static void end(struct vcpu *vcpu)
{
	const struct exit_row *const row = row_of(vcpu);
	const bool decoded = vcpu->kind == HV_EXIT_MEMORY && vcpu->page->exit.memory.decoded;
	const bool own = vcpu->kind == row->kind && !decoded;

	vcpu->stats.handed[vcpu->kind]++;
	arch_fill_ready(vcpu, vcpu->kind != HV_EXIT_PORT && vcpu->kind != HV_EXIT_MEMORY);
	arch_fill_page(vcpu, own ? row->needs : 0);
}

/**
 * @req HV-010 Nothing that a guest does ends in anything but its own VM: every exit is settled, handed
 *      to the VMM, or a fault in the guest.
 * @req HV-011 Between exits that the driver settles, interrupts wait no longer than one exit takes.
 */
static void loop(struct vcpu *vcpu)
{
	enum verdict verdict = VERDICT_RESUME;

	vcpu->exit_tsc = rdtsc();
	while (verdict == VERDICT_RESUME) {
		__atomic_store_n(&vcpu->in_guest, true, __ATOMIC_SEQ_CST);
		if (__builtin_expect(__atomic_load_n(&vcpu->work, __ATOMIC_SEQ_CST) != 0 ||
					     host_poll_pending(),
				     0)) {
			__atomic_store_n(&vcpu->in_guest, false, __ATOMIC_RELEASE);
			verdict = slow_path(vcpu);
			continue;
		}
		verdict = turn(vcpu);
	}
}

static hv_status_t run_claimed(struct vcpu *vcpu)
{
	hv_status_t status = HV_OK;

	if (begin(vcpu, &status) == VERDICT_RESUME)
		loop(vcpu);
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
