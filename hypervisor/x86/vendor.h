/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file vendor.h
 * The one table of operations behind which everything vendor-specific sits. Three of them exist:
 * vmx_ops, svm_ops and (in unit tests) model_ops; driver_init() chooses once.
 */
#ifndef HYPERVISOR_X86_VENDOR_H
#define HYPERVISOR_X86_VENDOR_H

#include "hypervisor/x86/vcpu.h"

struct vendor_ops {
	const char *name;
	enum hv_vendor vendor;
	/** Format of the nested tables. */
	const struct npt_format *npt_format;
	/** Exit table: every row has a handler. */
	const struct exit_row *exits;
	uint32_t exit_count;
	/** INSN_PATTERN_* of the hypercall instruction. */
	uint32_t hypercall;

	/** Is it this vendor's virtualization that CPUID shows? */
	bool (*present)(void);
	/** Check all features and the BIOS lock; a missing one is named in `*reason` as a sentence. */
	hv_status_t (*check)(const char **reason);
	/** Turn virtualization on or off, on this CPU. */
	hv_status_t (*cpu_enable)(const char **reason);
	void (*cpu_disable)(void);
	/** HV_CAP_* of this CPU. */
	uint32_t (*caps)(void);

	/** Per-VM data (permission bitmaps), out of vm->pool. */
	hv_status_t (*vm_init)(struct vm *vm);
	void (*vm_exit)(struct vm *vm);
	/** Per-vCPU control block, out of vm->pool. Registers come later, by `store`. */
	hv_status_t (*vcpu_init)(struct vcpu *vcpu);
	void (*vcpu_exit)(struct vcpu *vcpu);

	/**
	 * vcpu_loop() around the world switch, which copies the register groups vcpu->changed (they have
	 * been sanitised) into the control block and runs the guest until an exit. Behind it vcpu->exit is
	 * filled, `changed` is 0, the general registers (RSP excepted) are in vcpu->regs.gpr, vcpu->cached
	 * is 0 but for what the vendor got for nothing (it says so in the bits), vcpu->delivering holds the
	 * event whose delivery was cut short (valid 0: none). Host registers are as before; interrupts are
	 * off, and pending ones wait for host_poll().
	 */
	void (*run)(struct vcpu *vcpu);
	/** Copy register groups (REGS_*) from the control block into vcpu->regs. */
	void (*fetch)(struct vcpu *vcpu, uint32_t groups);
	/** Current privilege level, out of the control block: where no segment was changed. */
	uint32_t (*cpl)(const struct vcpu *vcpu);
	/** Fill vcpu->code (REGS_CODE) from the control block: on the way of every exit whose instruction's
	 *  bytes are needed, so in few steps. */
	void (*fetch_code)(struct vcpu *vcpu);

	/** Deliver vcpu->delivering with the next entry. */
	void (*inject)(struct vcpu *vcpu);
	/** Exit when the guest can take an external interrupt / an NMI; or no more. */
	void (*intr_window)(struct vcpu *vcpu, bool on);
	void (*nmi_window)(struct vcpu *vcpu, bool on);
	/** Take over vm->traps, vm->exceptions, page->request's STEP, vcpu->dr_live into control bits. */
	void (*apply_traps)(struct vcpu *vcpu);
	/** Let accesses to these MSRs through (or not): 1 = exits. Both bitmaps of the VM. */
	void (*trap_msr)(struct vm *vm, uint32_t msr, bool read, bool write);
	/** Forget all guests' translations that this CPU has, before any of them is entered again. */
	void (*cpu_flush)(void);
	/** Forget this vCPU's translations at its next entry. */
	void (*flush)(struct vcpu *vcpu);
	/** The local APIC's mode (off, xAPIC, x2APIC) or base has changed: adapt hardware assistance. */
	void (*apic_mode)(struct vcpu *vcpu);
	/**
	 * Before entry, when the state of the local APIC has changed. Where the CPU delivers
	 * virtual interrupts itself, hand it the highest requested vector and return true: nothing
	 * is left to inject. Otherwise set the TPR threshold and return false.
	 */
	bool (*apic_deliver)(struct vcpu *vcpu);
	/** Undo what the running vCPU has left in this CPU (VMX: current VMCS), before `vcpu` goes away. */
	void (*vcpu_clear)(struct vcpu *vcpu);
};

extern const struct vendor_ops vmx_ops, svm_ops;
/** The chosen one. */
extern const struct vendor_ops *vendor;
/** As driver_init() got them; before the vendor's `check`. */
extern struct driver_options driver_options;

#endif
