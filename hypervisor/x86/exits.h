/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file exits.h
 * Exit handlers that both vendors share. A vendor's exit table names them, or small adapters that decode the
 * vendor's qualification and call them.
 */
#ifndef HYPERVISOR_X86_EXITS_H
#define HYPERVISOR_X86_EXITS_H

#include "hypervisor/x86/vcpu.h"
#include "lib/x86/regs.h"

struct insn_mov;

/* Straight from the exit table. */
enum verdict x86_exit_host_interrupt(struct vcpu *vcpu); /**< the loop's host_poll() takes it */
enum verdict x86_exit_spin(struct vcpu *vcpu);	 /**< it waits for another vCPU: a turn for others */
enum verdict x86_exit_cpuid(struct vcpu *vcpu);
enum verdict x86_exit_rdmsr(struct vcpu *vcpu);
enum verdict x86_exit_wrmsr(struct vcpu *vcpu);
enum verdict x86_exit_hlt(struct vcpu *vcpu);
enum verdict x86_exit_pause(struct vcpu *vcpu);
enum verdict x86_exit_monitor(struct vcpu *vcpu);
enum verdict x86_exit_mwait(struct vcpu *vcpu);
enum verdict x86_exit_rdpmc(struct vcpu *vcpu);
enum verdict x86_exit_rdtsc(struct vcpu *vcpu);
enum verdict x86_exit_rdtscp(struct vcpu *vcpu);
enum verdict x86_exit_invd(struct vcpu *vcpu);
enum verdict x86_exit_wbinvd(struct vcpu *vcpu);
enum verdict x86_exit_xsetbv(struct vcpu *vcpu);
enum verdict x86_exit_hypercall(struct vcpu *vcpu);
enum verdict x86_exit_virt_insn(struct vcpu *vcpu); /**< VMX/SVM instruction in the guest: #UD */
enum verdict x86_exit_intr_window(struct vcpu *vcpu);
enum verdict x86_exit_nmi_window(struct vcpu *vcpu);
enum verdict x86_exit_triple_fault(struct vcpu *vcpu);
enum verdict x86_exit_invalid_state(struct vcpu *vcpu); /**< entry failure */
enum verdict x86_exit_unexpected(struct vcpu *vcpu); /**< HV_EXIT_ERROR: for reasons that can't happen */
enum verdict x86_exit_smi(struct vcpu *vcpu);
enum verdict x86_exit_init(struct vcpu *vcpu);

/** Single port access; exit.insn_length is the instruction's, or 0. */
enum verdict x86_exit_port(struct vcpu *vcpu, uint16_t port, uint32_t size, bool write);

/** String port access, decoded from the qualification. */
struct x86_io {
	uint16_t port;
	uint8_t size;
	bool write, rep;
	uint8_t address_size; /**< 16, 32 or 64; 0: not known, decode the instruction */
	uint8_t segment;      /**< of a write; 0xff: not known */
};
enum verdict x86_exit_string_io(struct vcpu *vcpu, const struct x86_io *io);

/** Access to guest-physical memory that the nested tables don't allow. */
struct x86_memory_fault {
	gpa_t address;
	uint32_t access; /**< HV_PROT_* */
	bool mapped;	 /**< a leaf is there, without the right */
	bool walking;	 /**< during the walk of the guest's own tables */
	uint8_t insn_length;	 /**< bytes in `insn` that the CPU supplied (decode assist), or 0 */
	const uint8_t *insn;
};
enum verdict x86_exit_memory(struct vcpu *vcpu, const struct x86_memory_fault *fault);

/** MOV CR / MOV DR, CLTS, LMSW, SMSW where they exit. */
struct x86_reg_access {
	uint8_t number;	/**< CR or DR number */
	uint8_t gpr;	/**< general register, encoding's number */
	bool write;
	bool decode;	/**< gpr isn't known: decode the instruction */
};
enum verdict x86_exit_cr(struct vcpu *vcpu, const struct x86_reg_access *access);
enum verdict x86_exit_clts(struct vcpu *vcpu);
enum verdict x86_exit_lmsw(struct vcpu *vcpu, uint16_t msw);
enum verdict x86_exit_dr(struct vcpu *vcpu, const struct x86_reg_access *access);

/** An exception that was intercepted; `address` for page faults, `dr6` bits for #DB. */
enum verdict x86_exit_exception(struct vcpu *vcpu, const struct x86_event *event, uint64_t address,
				uint64_t dr6);
enum verdict x86_exit_task_switch(struct vcpu *vcpu, const struct hv_exit_task_switch *ts);
/** An instruction of HV_X86_INSN_* that the VMM wants to see, or that needs no more than a skip/#UD. */
enum verdict x86_exit_insn(struct vcpu *vcpu, enum hv_x86_insn what, uint64_t info);
/** x2APIC or xAPIC write that the CPU has put into the page already (VMX APIC-write exit, EOI exit). */
enum verdict x86_exit_apic_write(struct vcpu *vcpu, uint32_t offset);
enum verdict x86_exit_apic_access(struct vcpu *vcpu, gpa_t address, uint32_t access);
enum verdict x86_exit_virtual_eoi(struct vcpu *vcpu, uint32_t vector);
enum verdict x86_exit_tpr_below(struct vcpu *vcpu);
/** The guest ended an interrupt: HV_EXIT_EOI where the VMM waits for it. */
enum verdict x86_apic_eoi(struct vcpu *vcpu);
/** An access to the xAPIC page by a plain move. */
enum verdict x86_apic_page_access(struct vcpu *vcpu, const struct insn_mov *mov, gpa_t address);
/** Complete a load: `value` into the move's register, as wide as it is. */
void x86_load_register(struct vcpu *vcpu, const struct insn_mov *mov, uint64_t value);

/* --------------------------------------------------------------- what handlers are made of */

/** Hand the exit to the VMM: the caller fills the union behind `page->exit.kind`. */
enum verdict vcpu_hand(struct vcpu *vcpu, enum hv_exit_kind kind);
/** vcpu_skip() where something stands in its way. */
enum verdict vcpu_skip_slowly(struct vcpu *vcpu, uint32_t pattern);

/**
 * Step over the instruction: RIP, RF, interrupt shadows, single-step trap.
 * @param pattern INSN_PATTERN_* (lib/x86/insn.h) of the instruction where the exit names it, 0
 *        otherwise: makes finding its length cheap on CPUs that don't report it.
 * @return what the guest's own page fault, met while fetching the instruction, makes of it; else RESUME.
 */
static inline enum verdict vcpu_skip(struct vcpu *vcpu, uint32_t pattern)
{
	const uint64_t next = vcpu->regs.rip + vcpu->exit.insn_length;

	/* Only code that isn't 64 bits wide wraps at 4 GiB. */
	if (__builtin_expect((vcpu->exit.flags & EXIT_PLAIN) == 0 ||
				     vcpu->exit.insn_length == 0 ||
				     (next ^ vcpu->regs.rip) >> 32 != 0, 0))
		return vcpu_skip_slowly(vcpu, pattern);
	vcpu->regs.rip = next;
	vcpu_change(vcpu, REGS_RIP);
	return VERDICT_RESUME;
}
/** The same as completion of an exit that the VMM has looked at (vcpu.complete). */
enum verdict vcpu_complete_skip(struct vcpu *vcpu);
/** Raise an exception in the guest; combines with one in delivery into #DF or shutdown (SDM 6.15,
 * Table 6-5). */
enum verdict x86_raise(struct vcpu *vcpu, uint8_t vector, bool has_code, uint32_t code);
enum verdict x86_raise_pf(struct vcpu *vcpu, uint64_t address, uint32_t code);
static inline enum verdict x86_raise_gp(struct vcpu *vcpu)
{
	return x86_raise(vcpu, 13, true, 0);
}
static inline enum verdict x86_raise_ud(struct vcpu *vcpu)
{
	return x86_raise(vcpu, 6, false, 0);
}
/** Current privilege level and code size (16, 32, 64). Needs REGS_SEG, REGS_CR. */
uint32_t vcpu_cpl(struct vcpu *vcpu);
uint32_t vcpu_code_size(struct vcpu *vcpu);
struct gpt_mode;
void vcpu_paging_mode(struct vcpu *vcpu, struct gpt_mode *mode);
/** Instruction bytes at CS:RIP, up to 15. @return how many could be fetched. */
uint32_t vcpu_fetch_insn(struct vcpu *vcpu, uint8_t bytes[15]);
/** Settle the interrupt acceptance state: external interrupts / NMIs can be taken now. */
bool vcpu_intr_ready(struct vcpu *vcpu);
bool vcpu_nmi_ready(struct vcpu *vcpu);

/* Sanitised register writes, by the guest or by the VMM: false = #GP, nothing changed. */
bool x86_set_cr0(struct vcpu *vcpu, uint64_t value);
bool x86_set_cr3(struct vcpu *vcpu, uint64_t value);
bool x86_set_cr4(struct vcpu *vcpu, uint64_t value);
bool x86_set_efer(struct vcpu *vcpu, uint64_t value);
bool x86_set_xcr0(struct vcpu *vcpu, uint64_t value);

#endif
