/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file loop.h
 * The loop in which a vCPU spends its life. The order of each turn is fixed: leave at a poll point,
 * do pending work, load the FPU, inject, enter (which stores changed registers first), count, dispatch.
 *
 * It is an inline function that each vendor's `run` is made of: with the vendor's way into the guest
 * in its middle, it is one piece of code, without a call on the way of an exit but the handler's.
 */
#ifndef HYPERVISOR_LOOP_H
#define HYPERVISOR_LOOP_H

#include "hypervisor/core/core.h"
#include "hypervisor/x86/exits.h"
#include "hypervisor/x86/vendor.h"
#include "lib/x86/cpu.h"

/** The way taken when anything but the guest wants attention. Never with `in_guest` set. */
enum verdict loop_attend(struct vcpu *vcpu);
/** A handler that the kernel registered for this kind of exit, or else the row's. */
enum verdict loop_custom(struct vcpu *vcpu, const struct exit_row *row);

/** The row of the vendor's table for the exit; a number that isn't in it is an error of the VM's. */
static inline const struct exit_row *loop_row(const struct vcpu *vcpu, const struct exit_row *rows,
					      uint32_t count)
{
	static const struct exit_row unknown = {.handler = x86_exit_unexpected, .kind = HV_EXIT_ERROR};

	if (__builtin_expect(vcpu->exit.index >= count, 0))
		return &unknown;
	return &rows[vcpu->exit.index];
}

/** One world switch and what follows from it. */
static inline __attribute__((always_inline)) enum verdict
loop_turn(struct vcpu *vcpu, void (*enter)(struct vcpu *vcpu), const struct exit_row *rows,
	  uint32_t count)
{
	if (__builtin_expect(!vcpu->fpu.loaded, 0))
		host_fpu_load(&vcpu->fpu);
	if (__builtin_expect(vcpu->delivering.valid, 0)) {
		vendor->inject(vcpu);
		vcpu->stats.injected++;
	}
	vcpu->guest_ticks -= rdtsc();
	enter(vcpu);
	vcpu->guest_ticks += rdtsc();
	__atomic_store_n(&vcpu->in_guest, false, __ATOMIC_RELEASE);
	vcpu->stats.entries++;
	const struct exit_row *const row = loop_row(vcpu, rows, count);
	enum verdict verdict;

	vcpu->kind = row->kind;
	if (__builtin_expect(vcpu->vm->handlers != 0, 0))
		verdict = loop_custom(vcpu, row);
	else
		verdict = row->handler(vcpu);
	if (__builtin_expect(verdict == VERDICT_RESUME, 1))
		vcpu->stats.settled[vcpu->kind]++;
	return verdict;
}

/**
 * Turn after turn, until there is something for the VMM.
 * @param enter  the world switch: vendor.h says what it has to do. A function to be inlined.
 * @req HV-010 Nothing that a guest does ends in anything but its own VM: every exit is settled, handed
 *      to the VMM, or a fault in the guest.
 * @req HV-011 Between exits that the driver settles, interrupts wait no longer than one exit takes.
 */
static inline __attribute__((always_inline)) void vcpu_loop(struct vcpu *vcpu,
							    void (*enter)(struct vcpu *vcpu),
							    const struct exit_row *rows,
							    uint32_t count)
{
	enum verdict verdict;

	do {
		__atomic_store_n(&vcpu->in_guest, true, __ATOMIC_SEQ_CST);
		if (__builtin_expect(__atomic_load_n(&vcpu->work, __ATOMIC_SEQ_CST) != 0 ||
					     host_poll_pending(),
				     0)) {
			__atomic_store_n(&vcpu->in_guest, false, __ATOMIC_RELEASE);
			verdict = loop_attend(vcpu);
		} else {
			verdict = loop_turn(vcpu, enter, rows, count);
		}
	} while (verdict == VERDICT_RESUME);
}

#endif
