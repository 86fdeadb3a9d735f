/* SPDX-License-Identifier: BSD-2-Clause */
/** @file exit_misc.c Exits that need few words: halting, hints, hypercalls, exceptions, the end. */
#include "hypervisor/core/core.h"
#include "hypervisor/x86/arch.h"
#include "hypervisor/x86/exits.h"
#include "hypervisor/x86/vendor.h"
#include "lib/x86/insn.h"
#include "lib/x86/regs.h"

#include <hypike/pv.h>

static bool trapped(const struct vcpu *vcpu, enum hv_x86_insn what)
{
	return vm_traps(vcpu->vm, what);
}

static enum verdict hand_insn(struct vcpu *vcpu, enum hv_x86_insn what, uint64_t info)
{
	vcpu->page->exit.insn = (struct hv_exit_insn){
		.what = what, .length = vcpu->exit.insn_length, .info = info};
	vcpu->complete = vcpu_complete_skip;
	return vcpu_hand(vcpu, HV_EXIT_INSTRUCTION);
}

enum verdict x86_exit_insn(struct vcpu *vcpu, enum hv_x86_insn what, uint64_t info)
{
	if (trapped(vcpu, what))
		return hand_insn(vcpu, what, info);
	return vcpu_skip(vcpu, 0);
}

/** @req HV-017 A halted vCPU uses no time until an interrupt, NMI, INIT or kick is there for it. */
enum verdict x86_exit_hlt(struct vcpu *vcpu)
{
	if (trapped(vcpu, HV_X86_INSN_HLT))
		return hand_insn(vcpu, HV_X86_INSN_HLT, 0);
	const enum verdict verdict = vcpu_skip(vcpu, INSN_PATTERN_HLT);

	if (verdict != VERDICT_RESUME || vcpu->delivering.valid)
		return verdict;
	vcpu_need(vcpu, REGS_EVENT | REGS_RFLAGS);
	vcpu->regs.activity = HV_ACTIVITY_HALT;
	vcpu_change(vcpu, REGS_EVENT);
	vcpu_work(vcpu, VCPU_WORK_HALTED | VCPU_WORK_EVENT | VCPU_WORK_REQUEST);
	if ((vcpu->regs.rflags & RFLAGS_IF) != 0 || vcpu->nmi_pending)
		return VERDICT_RESUME;
	return vcpu_hand(vcpu, HV_EXIT_HALT);
}

/** A spinning guest: give others a chance. */
enum verdict x86_exit_pause(struct vcpu *vcpu)
{
	if (trapped(vcpu, HV_X86_INSN_PAUSE))
		return hand_insn(vcpu, HV_X86_INSN_PAUSE, 0);
	const enum verdict verdict = vcpu_skip(vcpu, INSN_PATTERN_PAUSE);

	return verdict == VERDICT_RESUME ? x86_exit_spin(vcpu) : verdict;
}

/** Not in the guest's CPUID, so not there. */
static enum verdict trap_or_ud(struct vcpu *vcpu, enum hv_x86_insn what)
{
	return trapped(vcpu, what) ? hand_insn(vcpu, what, 0) : x86_raise_ud(vcpu);
}

enum verdict x86_exit_monitor(struct vcpu *vcpu)
{
	return trap_or_ud(vcpu, HV_X86_INSN_MONITOR);
}

enum verdict x86_exit_mwait(struct vcpu *vcpu)
{
	return trap_or_ud(vcpu, HV_X86_INSN_MWAIT);
}

enum verdict x86_exit_virt_insn(struct vcpu *vcpu)
{
	return trap_or_ud(vcpu, HV_X86_INSN_VIRT);
}

/** Performance counters would tell a guest about others. */
enum verdict x86_exit_rdpmc(struct vcpu *vcpu)
{
	if (trapped(vcpu, HV_X86_INSN_RDPMC))
		return hand_insn(vcpu, HV_X86_INSN_RDPMC, 0);
	return x86_raise_gp(vcpu);
}

static enum verdict give_tsc(struct vcpu *vcpu, uint32_t pattern)
{
	vcpu_need(vcpu, REGS_TIME);
	const uint64_t tsc = host_tsc() + vcpu->regs.tsc_offset;

	vcpu->regs.gpr[HV_RAX] = (uint32_t)tsc;
	vcpu->regs.gpr[HV_RDX] = tsc >> 32;
	return vcpu_skip(vcpu, pattern);
}

enum verdict x86_exit_rdtsc(struct vcpu *vcpu)
{
	if (trapped(vcpu, HV_X86_INSN_RDTSC))
		return hand_insn(vcpu, HV_X86_INSN_RDTSC, 0);
	return give_tsc(vcpu, INSN_PATTERN_RDTSC);
}

enum verdict x86_exit_rdtscp(struct vcpu *vcpu)
{
	return trap_or_ud(vcpu, HV_X86_INSN_RDTSCP);
}

/** Caches are coherent and nobody's devices depend on their being flushed by a guest. */
enum verdict x86_exit_invd(struct vcpu *vcpu)
{
	if (vcpu_cpl(vcpu) != 0)
		return x86_raise_gp(vcpu);
	if (trapped(vcpu, HV_X86_INSN_INVD))
		return hand_insn(vcpu, HV_X86_INSN_INVD, 0);
	return vcpu_skip(vcpu, INSN_PATTERN_INVD);
}

enum verdict x86_exit_wbinvd(struct vcpu *vcpu)
{
	if (vcpu_cpl(vcpu) != 0)
		return x86_raise_gp(vcpu);
	if (trapped(vcpu, HV_X86_INSN_WBINVD))
		return hand_insn(vcpu, HV_X86_INSN_WBINVD, 0);
	return vcpu_skip(vcpu, INSN_PATTERN_WBINVD);
}

static enum verdict complete_hypercall(struct vcpu *vcpu)
{
	if (vcpu->action == HV_ACTION_FAULT)
		return x86_raise_ud(vcpu);
	return vcpu_skip(vcpu, vendor->hypercall);
}

static __attribute__((noinline)) enum verdict hand_hypercall(struct vcpu *vcpu)
{
	vcpu->page->exit.hypercall = vcpu->regs.gpr[HV_RAX];
	vcpu->complete = complete_hypercall;
	return vcpu_hand(vcpu, HV_EXIT_HYPERCALL);
}

/** @req HV-018 Hypercalls are the guest kernel's: from ring 3 they are an invalid opcode. */
enum verdict x86_exit_hypercall(struct vcpu *vcpu)
{
	if (vcpu_cpl(vcpu) != 0)
		return x86_raise_ud(vcpu);
	if (vcpu->regs.gpr[HV_RAX] >= PV_CALL_VMM)
		return hand_hypercall(vcpu);
	vcpu->regs.gpr[HV_RAX] = vcpu->regs.gpr[HV_RAX] == PV_CALL_VERSION
					 ? PV_VERSION
					 : (uint64_t)(int64_t)HV_E_UNSUPPORTED;
	return vcpu_skip(vcpu, vendor->hypercall);
}

/** After a shutdown the VMM may reset the vCPU; running it again without that reports it again. */
static enum verdict again(struct vcpu *vcpu)
{
	return x86_exit_triple_fault(vcpu);
}

enum verdict x86_exit_triple_fault(struct vcpu *vcpu)
{
	vcpu->delivering.valid = 0;
	vcpu->complete = again;
	return vcpu_hand(vcpu, HV_EXIT_SHUTDOWN);
}

enum verdict x86_exit_invalid_state(struct vcpu *vcpu)
{
	vcpu->page->exit.error = vcpu->exit.hw_reason;
	return vcpu_hand(vcpu, HV_EXIT_INVALID);
}

enum verdict x86_exit_unexpected(struct vcpu *vcpu)
{
	vcpu->page->exit.error = HV_E_UNSUPPORTED;
	return vcpu_hand(vcpu, HV_EXIT_ERROR);
}

enum verdict x86_exit_smi(struct vcpu *vcpu)
{
	return trapped(vcpu, HV_X86_INSN_SMI) ? hand_insn(vcpu, HV_X86_INSN_SMI, 0)
					      : VERDICT_RESUME;
}

enum verdict x86_exit_init(struct vcpu *vcpu)
{
	return trapped(vcpu, HV_X86_INSN_INIT) ? hand_insn(vcpu, HV_X86_INSN_INIT, 0)
					       : VERDICT_RESUME;
}

enum verdict x86_exit_task_switch(struct vcpu *vcpu, const struct hv_exit_task_switch *ts)
{
	vcpu->page->exit.task_switch = *ts;
	vcpu->complete = NULL;
	return vcpu_hand(vcpu, HV_EXIT_TASK_SWITCH);
}

/* ---------------------------------------------------------------------------- exceptions */

/** INT1, INT3, INTO: what is pushed is the address behind them. */
static enum verdict deliver_software(struct vcpu *vcpu, const struct hv_exit_exception *kept)
{
	vcpu->delivering = (struct x86_event){.valid = 1,
					      .type = (uint8_t)vcpu->complete_arg[2],
					      .vector = kept->vector,
					      .insn_length = (uint32_t)vcpu->complete_arg[3]};
	return VERDICT_RESUME;
}

/** DONE: the guest gets it after all. */
static enum verdict deliver_exception(struct vcpu *vcpu)
{
	const struct hv_exit_exception *const kept = (const void *)vcpu->complete_arg;

	if (vcpu->complete_arg[2] != X86_EVENT_EXCEPTION)
		return deliver_software(vcpu, kept);
	if (kept->vector == X86_PF)
		return x86_raise_pf(vcpu, kept->address, kept->code);
	return x86_raise(vcpu, kept->vector, kept->has_code != 0, kept->code);
}

#define DR6_BREAKPOINTS (DR6_B0 | DR6_B1 | DR6_B2 | DR6_B3)

/** In the CPU, of a breakpoint of the VMM's. */
static void forget_hit(struct vcpu *vcpu)
{
	vcpu_need(vcpu, REGS_DR);
	vcpu->regs.dr6 = DR6_FIXED1;
	vcpu_change(vcpu, REGS_DR);
}

/** What the handler finds in DR6 and DR7. */
static void tell_guest(struct vcpu *vcpu, uint64_t dr6)
{
	struct debug_registers *const guest = debugreg_guest(vcpu);

	vcpu_need(vcpu, REGS_DR);
	guest->dr6 = (guest->dr6 & ~DR6_BREAKPOINTS) | DR6_FIXED1 | dr6;
	guest->dr7 &= ~DR7_GD;
	vcpu_change(vcpu, REGS_DR);
}

enum verdict x86_exit_exception(struct vcpu *vcpu, const struct x86_event *event, uint64_t address,
				uint64_t dr6)
{
	const struct hv_exit_exception exception = {.vector = event->vector,
						    .has_code = event->has_code,
						    .code = event->code,
						    .address = event->vector == X86_DB ? dr6 : address};
	const bool stepped = event->vector == X86_DB && (vcpu->request & HV_REQUEST_STEP) != 0;
	const bool hit = event->vector == X86_DB && vcpu->dr_vmm && (dr6 & DR6_BREAKPOINTS) != 0;

	if (hit)
		forget_hit(vcpu);
	else if (event->vector == X86_DB && !stepped)
		tell_guest(vcpu, dr6);
	_Static_assert(sizeof(exception) <= 2 * sizeof(vcpu->complete_arg[0]), "kept there");
	__builtin_memcpy(vcpu->complete_arg, &exception, sizeof(exception));
	vcpu->complete_arg[2] = event->type;
	vcpu->complete_arg[3] = event->insn_length;
	if (!stepped && !hit && !vm_traps_exception(vcpu->vm, event->vector)) {
		/* Its delivery can raise the next one before the CPU looks for interrupts, for ever
		 * (a data breakpoint on the stack): let them in here. */
		x86_exit_host_interrupt(vcpu);
		return deliver_exception(vcpu);
	}
	vcpu->page->exit.exception = exception;
	vcpu->complete = stepped || hit ? NULL : deliver_exception;
	return vcpu_hand(vcpu, HV_EXIT_EXCEPTION);
}
