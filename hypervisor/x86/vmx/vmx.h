/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file vmx.h
 * What the files of the VT-x back end share. Private to hypervisor/x86/vmx.
 *
 * Where the guest's state lives while it isn't running: in the VMCS; the system-call MSRs, CR2
 * and the debug registers, which no VMCS field holds, in struct vmx_vcpu, or still in this CPU as
 * long as the vCPU is its `live` one (MSRs, CR2) or has `dr_loaded`. vcpu->regs is the cache of
 * all of them.
 */
#ifndef HYPERVISOR_X86_VMX_VMX_H
#define HYPERVISOR_X86_VMX_VMX_H

#include "hypervisor/x86/vendor.h"
#include "hypervisor/x86/vmx/vmcs.h"
#include "lib/x86/cpu.h"
#include "lib/x86/regs.h"

/* ------------------------------------------------------------------------------- capabilities */

/**
 * What the capability MSRs say (SDM appendix A), turned into the values of the controls. Written
 * once.
 */
struct vmx_caps {
	uint32_t revision;  /**< VMCS revision identifier */
	uint32_t pin;	    /**< control values that every VMCS starts from */
	uint32_t primary, secondary, exit, entry;
	uint32_t primary_allowed, secondary_allowed; /**< control bits that may be 1 */
	uint64_t ept_vpid;  /**< IA32_VMX_EPT_VPID_CAP */
	uint64_t cr0_fixed0, cr0_fixed1, cr4_fixed0, cr4_fixed1;
	uint32_t timer_rate; /**< the preemption timer counts every 2^this TSC ticks */
	bool bochs;	    /**< Bochs 2.7, with its flaws: vmx_caps.c */
	bool io_info;	    /**< INS and OUTS exits come with instruction information */
	bool tpr_shadow;
	bool vpid;
	bool pause_loop;
	bool rdtscp;
	bool xapic_assist;  /**< APIC-access page, register virtualization, virtual interrupts */
	bool x2apic_assist; /**< the same by MSRs */
};
extern struct vmx_caps vmx_caps;

/** Read the capability MSRs. HV_E_UNSUPPORTED: `*reason` names what is missing. */
hv_status_t vmx_caps_read(const char **reason);

/* IA32_VMX_EPT_VPID_CAP: appendix A.10 */
#define EPT_CAP_WALK_4	      (UINT64_C(1) << 6)
#define EPT_CAP_WB	      (UINT64_C(1) << 14)
#define EPT_CAP_2M	      (UINT64_C(1) << 16)
#define EPT_CAP_1G	      (UINT64_C(1) << 17)
#define EPT_CAP_INVEPT	      (UINT64_C(1) << 20)
#define EPT_CAP_INVEPT_SINGLE (UINT64_C(1) << 25)
#define EPT_CAP_INVEPT_ALL    (UINT64_C(1) << 26)
#define VPID_CAP_INVVPID      (UINT64_C(1) << 32)
#define VPID_CAP_SINGLE	      (UINT64_C(1) << 41)
#define VPID_CAP_ALL	      (UINT64_C(1) << 42)

/* ---------------------------------------------------------------------------- per-CPU, VM, vCPU */

/** MSRs of the guest that stay in the CPU until the host needs its own. */
enum vmx_lazy_msr {
	LAZY_STAR, LAZY_LSTAR, LAZY_CSTAR, LAZY_FMASK, LAZY_KERNEL_GS_BASE, LAZY_TSC_AUX,
	LAZY_MSRS
};
/** Their numbers, in this order. */
extern const uint32_t vmx_lazy_msr[LAZY_MSRS];

struct vmx_vcpu;

struct vmx_cpu {
	struct vmx_vcpu *current; /**< whose VMCS is current; NULL: none's */
	struct vmx_vcpu *live;	  /**< whose lazy MSRs and CR2 are in the CPU */
	bool on;		  /**< in VMX operation */
	bool msrs_known;	  /**< host_msr is valid */
	uint64_t host_msr[LAZY_MSRS];
	struct desc_ptr gdtr, idtr; /**< as the host set them: exits make both limits FFFFh */
};
extern struct vmx_cpu vmx_cpus[HOST_MAX_CPUS];

/** A VM's permission bitmaps. */
struct vmx_vm {
	uint8_t *msr_bitmap;	   /**< 25.6.9: one page */
	uint8_t *msr_bitmap_x2apic; /**< the same for vCPUs with `x2apic_assist`, or NULL */
	void *apic_access;	   /**< APIC-access page, or NULL */
	bool apic_access_mapped;
	uint32_t lazy_passes;	   /**< bit of enum vmx_lazy_msr: the guest may write it */
};

/* vmx_vcpu.work: what has to be done before the next entry. */
#define VMX_WORK_CURRENT    1u /**< the VMCS isn't the current one of its CPU */
#define VMX_WORK_LIVE	    2u /**< host state to be checked, lazy MSRs and CR2 to be loaded */
#define VMX_WORK_FLUSH_EPT  4u
#define VMX_WORK_FLUSH_VPID 8u
#define VMX_WORK_DEBUG	    16u /**< debug registers to be loaded */
#define VMX_WORK_STEP	    32u /**< single-step by RFLAGS.TF: stays set */
#define VMX_WORK_STAY	    64u /**< the stay ends with the host's next timer: vmx_limit_stay() */

/* vmx_vcpu.watch */
#define VMX_WATCH_STAY 1u /**< the last stay was one of VMX_WORK_STAY */
#define VMX_WATCH_STEP 2u /**< the VMM single-steps */

struct vmx_vcpu {
	uint64_t host_rsp; /**< VMCS_HOST_RSP; vmx_enter.S knows its offset */
	uint32_t work;	   /**< VMX_WORK_* */
	uint16_t vpid;	   /**< 0: none */
	bool dr_loaded;	   /**< DR0-DR3 and DR6 are in the CPU */
	bool active;	   /**< some CPU may hold parts of the VMCS: until VMCLEAR there */
	bool launched;	   /**< since the first VMLAUNCH after VMCLEAR */
	bool step_tf;	   /**< RFLAGS.TF is ours, not the guest's */
	uint8_t watch;	   /**< VMX_WATCH_*: exits aren't plain ones */
	struct vmx_cpu *cpu; /**< where it has run; NULL: nowhere yet */
	struct vcpu *vcpu;
	void *vmcs;
	uint64_t vmcs_address, eptp;
	/* As in the VMCS, to save reading them. */
	uint32_t primary, secondary, exceptions;
	uint64_t cr0_mask, cr4_mask, cr0_shadow, cr4_shadow;
	uint64_t host_cr0, host_cr3, host_cr4, host_fs_base;
	uint64_t stay;	    /**< VMCS_PREEMPTION_TIMER */
	uint64_t apic_page; /**< VMCS_VIRTUAL_APIC; 0: not set yet */
	uint32_t eoi_exit[8];
	/* What the VMCS has no fields for. */
	uint64_t msr[LAZY_MSRS];
	bool syscalls;	     /**< EFER.SCE: the guest can execute SYSCALL and SYSRET */
	bool syscalls_loaded; /**< the MSRs for them are in the CPU */
	uint64_t host_kernel_gs_base;
	uint64_t cr2, dr[4], dr6, dr7;
};

static inline struct vmx_vcpu *vmx_of(const struct vcpu *vcpu)
{
	return vcpu->vendor;
}

static inline struct vmx_vm *vmx_vm_of(const struct vm *vm)
{
	return vm->vendor;
}

_Static_assert(HV_SHADOW_STI == INTERRUPTIBILITY_STI &&
		       HV_SHADOW_MOV_SS == INTERRUPTIBILITY_MOV_SS &&
		       HV_SHADOW_NMI << 1 == INTERRUPTIBILITY_NMI,
	       "two bits are the same, the third is next to where SMI blocking is");

/** hv_x86_regs.shadow of an interruptibility state. */
static inline uint32_t vmx_shadow(uint32_t state)
{
	return (state & (INTERRUPTIBILITY_STI | INTERRUPTIBILITY_MOV_SS)) |
	       (state >> 1 & HV_SHADOW_NMI);
}

/** Make its VMCS the current one of this CPU. */
void vmx_make_current(struct vmx_vcpu *v);
/** Write it back and forget it (VMCLEAR). On the CPU where it is active. */
void vmx_forget(struct vmx_vcpu *v);

/** Before VMREAD and VMWRITE outside of the world switch. */
static inline struct vmx_vcpu *vmx_begin(struct vcpu *vcpu)
{
	struct vmx_vcpu *v = vmx_of(vcpu);

	if (v->work & VMX_WORK_CURRENT)
		vmx_make_current(v);
	return v;
}

/**
 * After them: a vCPU that hasn't run may do so on another CPU, so nothing of it stays in this
 * one.
 */
static inline void vmx_end(struct vmx_vcpu *v)
{
	if (v->vcpu->cpu == UINT32_MAX)
		vmx_forget(v);
}

/* ------------------------------------------------------------------------------- the operations */

extern const struct npt_format vmx_npt_format;
extern const struct exit_row vmx_exits[];

/** Rows of the exit table behind the architecture's, which the world switch chooses itself. */
enum vmx_row {
	ROW_NMI = REASON_COUNT,
	ROW_MACHINE_CHECK,
	ROW_ENTRY_FAILED, /**< bit 31 of the exit reason, or VMLAUNCH/VMRESUME failed */
	ROW_UNKNOWN,
	ROW_COUNT
};
/** exit.hw_reason where VMLAUNCH or VMRESUME failed: this + the VM-instruction error (31.4). */
#define VMX_HW_INSN_ERROR 0x10000u

/** Where VM exits arrive; vmx_enter.S. */
extern const char vmx_exit_point[];

void vmx_fetch(struct vcpu *vcpu, uint32_t groups);
uint32_t vmx_cpl(const struct vcpu *vcpu);
void vmx_fetch_code(struct vcpu *vcpu);
void vmx_store(struct vcpu *vcpu, uint32_t groups);
/** The same between vmx_begin() and vmx_end(). */
void vmx_fetch_groups(struct vcpu *vcpu, uint32_t groups);
void vmx_store_groups(struct vcpu *vcpu, uint32_t groups);
/** Fields that never change, and the state after reset for what `store` doesn't cover. */
void vmx_init_fields(struct vcpu *vcpu);
/** The next stay in guest mode ends when the host's timer does, or before. */
void vmx_limit_stay(struct vmx_vcpu *v);
/** Stays end by what happens, after a second at the latest. */
void vmx_free_stay(struct vmx_vcpu *v);
/** Put DR0-DR3 and DR6 into the CPU. */
void vmx_debug_load(struct vmx_vcpu *v);

void vmx_inject(struct vcpu *vcpu);
void vmx_intr_window(struct vcpu *vcpu, bool on);
void vmx_nmi_window(struct vcpu *vcpu, bool on);
/**
 * Take over an event whose delivery was cut short (28.2.4) and NMI unblocking by a faulting IRET.
 */
void vmx_decode_delivery(struct vcpu *vcpu);
void vmx_reblock_nmi(struct vcpu *vcpu);
/** HV_REQUEST_STEP where the CPU has no monitor trap flag: around an entry. */
void vmx_step_before(struct vmx_vcpu *v);
void vmx_step_after(struct vmx_vcpu *v);
/** 27.3.1.5: in a shadow, a pending single-step trap goes with RFLAGS.TF. */
void vmx_match_pending_debug(uint32_t interruptibility);

hv_status_t vmx_vm_init(struct vm *vm);
void vmx_vm_exit(struct vm *vm);
void vmx_trap_msr(struct vm *vm, uint32_t msr, bool read, bool write);
void vmx_apply_traps(struct vcpu *vcpu);
/**
 * EFER.SCE is so from now on. Without it, what only SYSCALL and SYSRET use doesn't come into the CPU: the
 * guest's RDMSR of it exits, always.
 */
void vmx_syscalls(struct vmx_vcpu *v, bool on);
/** May the guest write this lazy MSR? */
bool vmx_lazy_passes(const struct vm *vm, uint32_t msr);
/** The guest writes it; false: #GP. */
bool vmx_lazy_write(struct vcpu *vcpu, uint32_t msr, uint64_t value);
/** Write control fields where they change. */
void vmx_set_primary(struct vmx_vcpu *v, uint32_t value);
void vmx_set_secondary(struct vmx_vcpu *v, uint32_t value);

void vmx_apic_mode(struct vcpu *vcpu);
bool vmx_apic_deliver(struct vcpu *vcpu);
/** Open the x2APIC registers that the CPU virtualises in this bitmap. */
void vmx_apic_open_x2apic(uint8_t *bitmap);
/** EOI-exit bitmap from vm->eoi_trap. */
void vmx_apic_eoi_exits(struct vcpu *vcpu);

/** Execute the invalidations asked for in `work`. */
void vmx_flush_now(struct vmx_vcpu *v, uint32_t work);
void vmx_flush(struct vcpu *vcpu);
void vmx_cpu_flush(void);

/** Name every rule of SDM 27.3 (and of the injection, 27.2.1.3) that the current VMCS violates. */
void vmx_explain_guest_state(void);

#define vmx_unlikely(x) __builtin_expect(!!(x), 0)

#endif
