/* SPDX-License-Identifier: BSD-2-Clause */
/** @file svm.h What the files of the AMD-V back end share. Private to them. */
#ifndef HYPERVISOR_X86_SVM_SVM_H
#define HYPERVISOR_X86_SVM_SVM_H

#include "hypervisor/x86/svm/vmcb.h"
#include "hypervisor/x86/vcpu.h"
#include "hypervisor/x86/vendor.h"

#ifndef PARANOID
#define PARANOID 0
#endif

/** What this machine's AMD-V can do: the same on all CPUs, found out by svm_check(). */
struct svm_features {
	uint32_t edx;	     /**< CPUID 8000000Ah EDX: CPUID_8000000A_EDX_* */
	uint32_t asids;	     /**< address space identifiers there are, the host's (0) included */
	uint32_t clean;	     /**< VMCB clean bits to be set after a run: all, or none */
	uint32_t intercept_2, intercept_3; /**< bits of instructions that only newer CPUs have */
	bool rdtscp;	     /**< TSC_AUX exists */
	/** QEMU 7.2 and others without nRIP: stops on a change of rings by way of a TSS that TR
	 *  shows as busy, and on a write of CR8 while V_IRQ is set; exits on INT3 as on INT n. */
	bool qemu;
	/** Bochs 2.7: an intercepted #DB leaves no trace in DR6; EXITINTINFO can be that of an
	 *  older event; a shutdown doesn't exit; entered with RFLAGS.IF = 0, the guest isn't left
	 *  for host interrupts. */
	bool bochs;
};
extern struct svm_features svm_features;

/** ASID generations of different CPUs differ in their low bits. */
#define SVM_GENERATION_STEP HOST_MAX_CPUS

/** One CPU. */
struct svm_cpu {
	uint64_t host_pa;    /**< its VMSAVE area */
	uint64_t generation; /**< of ASIDs; unique among CPUs, never 0 */
	uint32_t next_asid;
	uint32_t host_tsc_aux;
	uint32_t tsc_aux;    /**< what is in the register now */
};
extern struct svm_cpu svm_cpus[HOST_MAX_CPUS];

/* svm_vcpu.slow: what has to be done around an entry besides the usual. */
#define SVM_SLOW_DR	 (1u << 0) /**< load and save DR0-DR3 */
#define SVM_SLOW_TSC_AUX (1u << 1) /**< guest's TSC_AUX isn't the host's */
#define SVM_SLOW_STEP	 (1u << 2) /**< RFLAGS.TF is set for us */
#define SVM_SLOW_IRET	 (1u << 3) /**< an IRET that ends NMI blocking is being executed */

#define SVM_SLOW_ONCE	 (1u << 4) /**< EVENTINJ or TLB_CONTROL is set, for one entry */
#define SVM_SLOW_BOCHS	 (1u << 5) /**< let host interrupts in after exits: svm_features.bochs */

/* svm_vcpu.step: who wants a single step. */
#define SVM_STEP_VMM (1u << 0) /**< HV_REQUEST_STEP */
#define SVM_STEP_NMI (1u << 1) /**< waiting for the end of NMI blocking or of an interrupt shadow */

/** A vCPU's control block, and behind it, in a second page, what goes with it. */
struct svm_vcpu {
	struct vmcb vmcb;
	uint64_t vmcb_pa;
	struct svm_cpu *cpu;	  /**< where it ran last */
	uint64_t asid_generation; /**< of the ASID in the VMCB; 0: none */
	uint32_t slow;		  /**< SVM_SLOW_* */
	uint32_t nmi_shadow;	  /**< HV_SHADOW_NMI while NMIs are blocked, or 0 */
	uint32_t step;		  /**< SVM_STEP_* */
	uint32_t tsc_aux;
	uint8_t tpr, v_tpr; /**< the local APIC's TPR that V_TPR was made from; V_TPR itself */
	uint64_t idle_lme;  /**< EFER.LME while CR0.PG is 0: not in the VMCB */
	bool stepping;	    /**< the last entry was made with RFLAGS.TF set for `step` */
	bool step_own_tf;   /**< … and it wasn't set by the guest */
	bool step_old_bs;   /**< … and DR6.BS was set before */
	uint8_t step_kind;  /**< what the instruction does with RFLAGS: svm_event.c */
	bool cr8_trap;	    /**< CR8 writes exit */
	bool df_injected;   /**< on Bochs: a double fault was injected with the last entry */
	bool virtual_injected; /**< the event is in V_IRQ: svm_take_virtual() */
	bool soft_injected; /**< the last entry injected a software event: `soft`, `soft_rip` */
	struct x86_event soft;
	uint64_t soft_rip;  /**< RIP of the instruction that it stands for */
	uint64_t injected_rip; /**< RIP at the last entry with an injection */
	uint64_t iret_rip, iret_rsp;
	uint64_t dr[4];	    /**< DR0-DR3 while the guest isn't running */
};

static inline struct svm_vcpu *svm_of(const struct vcpu *vcpu)
{
	return vcpu->vendor;
}

/** A group of the VMCB was changed: the CPU has to read it again (15.15). */
static inline void svm_dirty(struct svm_vcpu *svm, uint32_t groups)
{
	svm->vmcb.control.clean &= ~groups;
}

static inline bool svm_has(uint32_t feature)
{
	return (svm_features.edx & feature) != 0;
}

/** svm_enter.S's svm_switch ends here. */
void svm_exited(struct vcpu *vcpu);

/* svm_cpu.c: detection, switching on and off */
bool svm_present(void);
hv_status_t svm_check(const char **reason);
hv_status_t svm_cpu_enable(const char **reason);
void svm_cpu_disable(void);
uint32_t svm_caps(void);
extern const struct npt_format svm_npt_format;
/** PARANOID: the host's state on both sides of a world switch. Panics where it isn't in order. */
void svm_check_before(const struct vcpu *vcpu);
void svm_check_after(const struct vcpu *vcpu);

/* svm.c */
void svm_flush(struct vcpu *vcpu);

/* svm_exits.c */
/** Rows of the exit table behind those that have the number of their exit code. */
#define SVM_ROW_NPF	   SVM_EXIT_LOW_END
#define SVM_ROW_INVALID	   (SVM_EXIT_LOW_END + 1)
#define SVM_ROW_UNEXPECTED (SVM_EXIT_LOW_END + 2)
#define SVM_ROWS	   (SVM_EXIT_LOW_END + 3)
extern const struct exit_row svm_exits[SVM_ROWS];

/* svm_regs.c */
void svm_fetch(struct vcpu *vcpu, uint32_t groups);
uint32_t svm_cpl(const struct vcpu *vcpu);
void svm_fetch_code(struct vcpu *vcpu);
void svm_store(struct vcpu *vcpu, uint32_t groups);

/* svm_event.c */
void svm_inject(struct vcpu *vcpu);
/**
 * After an exit: what was being delivered (EXITINTINFO). @param injected the entry has injected.
 */
void svm_take_exitintinfo(struct vcpu *vcpu, uint64_t info, bool injected);
/** After an exit: whether the interrupt in V_IRQ got through. */
void svm_take_virtual(struct vcpu *vcpu);
void svm_intr_window(struct vcpu *vcpu, bool on);
void svm_nmi_window(struct vcpu *vcpu, bool on);
/** NMIs are blocked until IRET, or no more. */
void svm_block_nmi(struct vcpu *vcpu, bool blocked);
bool svm_apic_deliver(struct vcpu *vcpu);
void svm_iret_after(struct vcpu *vcpu);
enum verdict svm_exit_iret(struct vcpu *vcpu);
enum verdict svm_exit_intr_window(struct vcpu *vcpu);

/* svm_debug.c */
/**
 * Opcode of the instruction at RIP, 0Fh in front as 0F00h; 0 where it can't be fetched.
 * @param end offset behind the opcode's last byte.
 */
uint32_t svm_opcode(struct vcpu *vcpu, uint8_t bytes[15], uint32_t *end);
/** One step, at the end of which an NMI may be possible; or no more. */
void svm_request_nmi_step(struct vcpu *vcpu, bool on);
void svm_step_before(struct vcpu *vcpu);
void svm_step_after(struct vcpu *vcpu);
enum verdict svm_exit_debug(struct vcpu *vcpu);
enum verdict svm_exit_int_n(struct vcpu *vcpu);
enum verdict svm_exit_icebp(struct vcpu *vcpu);

/* svm_traps.c */
void svm_apply_traps(struct vcpu *vcpu);
hv_status_t svm_vm_init(struct vm *vm);
void svm_vm_exit(struct vm *vm);
void svm_trap_msr(struct vm *vm, uint32_t msr, bool read, bool write);
/** Fill the I/O permission map. Once, at boot. */
void svm_traps_init(void);
/** Physical address of the I/O permission map that all VMs share: every port exits. */
hpa_t svm_iopm(void);

#endif
