/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file hv_x86.h
 * The x86-64 part of the VMM contract: register groups, instruction traps, CPUID policy.
 */
#ifndef HYPIKE_HV_X86_H
#define HYPIKE_HV_X86_H

#include <hypike/hv.h>

/* Register groups: bits of hv_vcpu_page.valid and .dirty. */
#define HV_X86_REGS_GPR	  (1u << 0) /**< general registers, RIP, RFLAGS */
#define HV_X86_REGS_SEG	  (1u << 1) /**< segment registers, LDTR, TR, GDTR, IDTR */
#define HV_X86_REGS_CR	  (1u << 2) /**< CR0, CR2, CR3, CR4, CR8, EFER, XCR0 */
#define HV_X86_REGS_DR	  (1u << 3) /**< DR0-DR3, DR6, DR7 */
#define HV_X86_REGS_MSR	  (1u << 4) /**< system call, PAT, FS/GS base swap … MSRs */
#define HV_X86_REGS_EVENT (1u << 5) /**< interruptibility, activity, event in delivery */
#define HV_X86_REGS_TIME  (1u << 6) /**< time-stamp counter offset */
#define HV_X86_REGS_ALL	  0x7fu

/** Index into hv_x86_regs.gpr: the instruction encoding's register numbers. */
enum hv_x86_gpr {
	HV_RAX, HV_RCX, HV_RDX, HV_RBX, HV_RSP, HV_RBP, HV_RSI, HV_RDI,
	HV_R8, HV_R9, HV_R10, HV_R11, HV_R12, HV_R13, HV_R14, HV_R15,
	HV_GPRS
};

/** Index into hv_x86_regs.seg: the instruction encoding's segment numbers, then LDTR and TR. */
enum hv_x86_seg { HV_ES, HV_CS, HV_SS, HV_DS, HV_FS, HV_GS, HV_LDTR, HV_TR, HV_SEGS };

/** A segment register. `attr` in the layout of the VMX access rights (SDM 25.4.1, Table 25-2):
 *  type 3:0, S 4, DPL 6:5, P 7, AVL 12, L 13, D/B 14, G 15, unusable 16. */
struct hv_x86_segment {
	uint64_t base;
	uint32_t limit; /**< in bytes, granularity applied */
	uint32_t attr;
	uint16_t selector;
	uint16_t reserved[3];
};
#define HV_SEG_TYPE_MASK 0xfu
#define HV_SEG_S	 (1u << 4)
#define HV_SEG_DPL_SHIFT 5u
#define HV_SEG_P	 (1u << 7)
#define HV_SEG_AVL	 (1u << 12)
#define HV_SEG_L	 (1u << 13)
#define HV_SEG_DB	 (1u << 14)
#define HV_SEG_G	 (1u << 15)
#define HV_SEG_UNUSABLE	 (1u << 16)
#define HV_SEG_ATTR_MASK 0x1f0ffu

struct hv_x86_table {
	uint64_t base;
	uint32_t limit;
	uint32_t reserved;
};

/* hv_x86_regs.shadow */
#define HV_SHADOW_STI	 1u /**< blocked by STI for one instruction */
#define HV_SHADOW_MOV_SS 2u /**< blocked by MOV SS / POP SS for one instruction */
#define HV_SHADOW_NMI	 4u /**< NMI blocked until IRET */

/* hv_x86_regs.activity */
#define HV_ACTIVITY_RUN	      0u
#define HV_ACTIVITY_HALT      1u
#define HV_ACTIVITY_WAIT_SIPI 2u /**< after INIT: waiting for a start-up IPI */

/** Register area of the shared page. */
struct hv_x86_regs {
	/* HV_X86_REGS_GPR */
	uint64_t gpr[HV_GPRS];
	uint64_t rip, rflags;
	/* HV_X86_REGS_CR */
	uint64_t cr0, cr2, cr3, cr4, cr8, efer, xcr0;
	/* HV_X86_REGS_DR */
	uint64_t dr[4], dr6, dr7;
	/* HV_X86_REGS_SEG */
	struct hv_x86_segment seg[HV_SEGS];
	struct hv_x86_table gdtr, idtr;
	/* HV_X86_REGS_MSR */
	uint64_t star, lstar, cstar, sfmask, kernel_gs_base;
	uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
	uint64_t pat, apic_base, tsc_aux, debugctl, misc_enable;
	/* HV_X86_REGS_EVENT */
	struct hv_event pending; /**< event whose delivery an exit interrupted: delivered again by itself */
	uint32_t shadow;	 /**< HV_SHADOW_* */
	uint32_t activity;	 /**< HV_ACTIVITY_* */
	/* HV_X86_REGS_TIME */
	uint64_t tsc_offset; /**< guest TSC = host TSC + offset */
};
_Static_assert(sizeof(struct hv_x86_regs) <= HV_PAGE_DATA - HV_PAGE_REGS, "fits the register area");

static inline struct hv_x86_regs *hv_x86_regs(struct hv_vcpu_page *page)
{
	return (struct hv_x86_regs *)(void *)page->regs;
}

/** Instructions, as in hv_exit_insn.what; HV_X86_TRAP(x) is the bit for hv_trap(). */
enum hv_x86_insn {
	HV_X86_INSN_HLT,    /**< otherwise the vCPU waits inside hv_vcpu_run() */
	HV_X86_INSN_PAUSE,  /**< otherwise the guest spins on, or yields on CPUs with pause-loop exits */
	HV_X86_INSN_MONITOR,
	HV_X86_INSN_MWAIT,
	HV_X86_INSN_RDPMC,  /**< otherwise #GP */
	HV_X86_INSN_RDTSC,
	HV_X86_INSN_INVLPG,
	HV_X86_INSN_INVD,   /**< otherwise settled as WBINVD's emulation */
	HV_X86_INSN_WBINVD,
	HV_X86_INSN_XSETBV, /**< info: value */
	HV_X86_INSN_CR,	    /**< CR access: info = number | write << 8 | gpr << 16 */
	HV_X86_INSN_DR,	    /**< DR access: info likewise */
	HV_X86_INSN_DESC,   /**< SGDT, SIDT, SLDT, STR, LGDT, LIDT, LLDT, LTR */
	HV_X86_INSN_VIRT,   /**< VMX or SVM instruction: otherwise #UD */
	HV_X86_INSN_RDTSCP,
	HV_X86_INSN_SMI,
	HV_X86_INSN_INIT,   /**< INIT signal of the machine itself */
	HV_X86_INSNS
};
#define HV_X86_TRAP(insn) (UINT64_C(1) << (insn))

/** One row of a VM's CPUID table. */
struct hv_x86_cpuid {
	uint32_t leaf, subleaf;
	uint32_t flags; /**< HV_X86_CPUID_* */
	uint32_t eax, ebx, ecx, edx;
	uint32_t reserved;
};
#define HV_X86_CPUID_SUBLEAF 1u /**< `subleaf` counts; otherwise any */
#define HV_X86_CPUID_TRAP    2u /**< HV_EXIT_ID */

/** Rows in a VM's CPUID table at the most. */
#define HV_X86_CPUID_ROWS 64u

/**
 * The table that a VM has from the start: the host's features with everything masked that isn't
 * virtualised. @param count in: rows that fit into `rows`; out: rows there are.
 */
hv_status_t hv_x86_cpuid_get(hv_vm_t vm, struct hv_x86_cpuid *rows, uint32_t *count);
/** Replace it. Feature bits that the hypervisor cannot provide are refused with HV_E_UNSUPPORTED. */
hv_status_t hv_x86_cpuid_set(hv_vm_t vm, const struct hv_x86_cpuid *rows, uint32_t count);

/** Local APIC registers of one vCPU (the first 1 KiB of the xAPIC page: offset 10h * n at [4 * n]). */
hv_status_t hv_x86_apic_get(hv_vcpu_t vcpu, uint32_t regs[256]);
hv_status_t hv_x86_apic_set(hv_vcpu_t vcpu, const uint32_t regs[256]);
/** Breakpoints of the VMM's own: DR0 to DR3, and DR7's enable, length and condition bits. */
struct hv_x86_debug {
	uint64_t dr[4];
	uint64_t dr7;
};
/**
 * Put the VMM's breakpoints into the CPU in place of the guest's, or, where none is enabled, the guest's
 * back. The guest reads and writes its debug registers as before (and so does HV_X86_REGS_DR), they only
 * stop nothing meanwhile. A hit is HV_EXIT_EXCEPTION (debug) with DR6's bits 3:0 in `address`; the guest
 * doesn't see it.
 */
hv_status_t hv_x86_debug_set(hv_vcpu_t vcpu, const struct hv_x86_debug *debug);
/** FPU/SSE/AVX state as XSAVE's standard format writes it, `size` up to what CPUID 0Dh says. */
hv_status_t hv_x86_fpu_get(hv_vcpu_t vcpu, void *area, uint32_t size);
hv_status_t hv_x86_fpu_set(hv_vcpu_t vcpu, const void *area, uint32_t size);

#endif
