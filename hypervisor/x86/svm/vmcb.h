/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file vmcb.h
 * The virtual machine control block: control area and state-save area with the names of the AMD
 * APM, volume 2, appendix B (tables B-1 and B-2), and their bits.
 */
#ifndef HYPERVISOR_X86_SVM_VMCB_H
#define HYPERVISOR_X86_SVM_VMCB_H

#include <stddef.h>
#include <stdint.h>

/* Exit codes: appendix C. Rows of the exit table carry the same numbers up to SVM_EXIT_LOW_END. */
enum svm_exit_code {
	SVM_EXIT_CR0_READ = 0x00,
	SVM_EXIT_CR0_WRITE = 0x10,
	SVM_EXIT_DR0_READ = 0x20,
	SVM_EXIT_DR0_WRITE = 0x30,
	SVM_EXIT_EXCP = 0x40, /**< + vector */
	SVM_EXIT_INTR = 0x60,
	SVM_EXIT_NMI = 0x61,
	SVM_EXIT_SMI = 0x62,
	SVM_EXIT_INIT = 0x63,
	SVM_EXIT_VINTR = 0x64,
	SVM_EXIT_CR0_SEL_WRITE = 0x65,
	SVM_EXIT_IDTR_READ = 0x66,
	SVM_EXIT_GDTR_READ = 0x67,
	SVM_EXIT_LDTR_READ = 0x68,
	SVM_EXIT_TR_READ = 0x69,
	SVM_EXIT_IDTR_WRITE = 0x6a,
	SVM_EXIT_GDTR_WRITE = 0x6b,
	SVM_EXIT_LDTR_WRITE = 0x6c,
	SVM_EXIT_TR_WRITE = 0x6d,
	SVM_EXIT_RDTSC = 0x6e,
	SVM_EXIT_RDPMC = 0x6f,
	SVM_EXIT_PUSHF = 0x70,
	SVM_EXIT_POPF = 0x71,
	SVM_EXIT_CPUID = 0x72,
	SVM_EXIT_RSM = 0x73,
	SVM_EXIT_IRET = 0x74,
	SVM_EXIT_SWINT = 0x75,
	SVM_EXIT_INVD = 0x76,
	SVM_EXIT_PAUSE = 0x77,
	SVM_EXIT_HLT = 0x78,
	SVM_EXIT_INVLPG = 0x79,
	SVM_EXIT_INVLPGA = 0x7a,
	SVM_EXIT_IOIO = 0x7b,
	SVM_EXIT_MSR = 0x7c,
	SVM_EXIT_TASK_SWITCH = 0x7d,
	SVM_EXIT_FERR_FREEZE = 0x7e,
	SVM_EXIT_SHUTDOWN = 0x7f,
	SVM_EXIT_VMRUN = 0x80,
	SVM_EXIT_VMMCALL = 0x81,
	SVM_EXIT_VMLOAD = 0x82,
	SVM_EXIT_VMSAVE = 0x83,
	SVM_EXIT_STGI = 0x84,
	SVM_EXIT_CLGI = 0x85,
	SVM_EXIT_SKINIT = 0x86,
	SVM_EXIT_RDTSCP = 0x87,
	SVM_EXIT_ICEBP = 0x88,
	SVM_EXIT_WBINVD = 0x89,
	SVM_EXIT_MONITOR = 0x8a,
	SVM_EXIT_MWAIT = 0x8b,
	SVM_EXIT_MWAIT_CONDITIONAL = 0x8c,
	SVM_EXIT_XSETBV = 0x8d,
	SVM_EXIT_RDPRU = 0x8e,
	SVM_EXIT_EFER_WRITE_TRAP = 0x8f,
	SVM_EXIT_CR0_WRITE_TRAP = 0x90, /**< .. 0x9f */
	SVM_EXIT_INVLPGB = 0xa0,
	SVM_EXIT_INVLPGB_ILLEGAL = 0xa1,
	SVM_EXIT_INVPCID = 0xa2,
	SVM_EXIT_MCOMMIT = 0xa3,
	SVM_EXIT_TLBSYNC = 0xa4,
	SVM_EXIT_LOW_END = 0xa5,
	SVM_EXIT_NPF = 0x400,
};
/**
 * Entry failure: -1 as a 64-bit number. QEMU stores the low half alone, so only that is looked at.
 */
#define SVM_EXIT_INVALID 0xffffffffu

/* Intercept words: table B-1, offsets 000h to 017h. */
#define SVM_CR_READ(n)	 (1u << (n))
#define SVM_CR_WRITE(n)	 (1u << (16 + (n)))
#define SVM_DR_ALL	 0xffffffffu
#define SVM_EXCEPTION(v) (1u << (v))

/* offset 00Ch */
#define SVM_I1_INTR	   (1u << 0)
#define SVM_I1_NMI	   (1u << 1)
#define SVM_I1_SMI	   (1u << 2)
#define SVM_I1_INIT	   (1u << 3)
#define SVM_I1_VINTR	   (1u << 4)
#define SVM_I1_CR0_SEL	   (1u << 5) /**< writes that change other bits than TS and MP */
#define SVM_I1_DESC_READ   (0xfu << 6) /**< IDTR, GDTR, LDTR, TR */
#define SVM_I1_DESC_WRITE  (0xfu << 10)
#define SVM_I1_RDTSC	   (1u << 14)
#define SVM_I1_RDPMC	   (1u << 15)
#define SVM_I1_PUSHF	   (1u << 16)
#define SVM_I1_POPF	   (1u << 17)
#define SVM_I1_CPUID	   (1u << 18)
#define SVM_I1_RSM	   (1u << 19)
#define SVM_I1_IRET	   (1u << 20)
#define SVM_I1_INTN	   (1u << 21)
#define SVM_I1_INVD	   (1u << 22)
#define SVM_I1_PAUSE	   (1u << 23)
#define SVM_I1_HLT	   (1u << 24)
#define SVM_I1_INVLPG	   (1u << 25)
#define SVM_I1_INVLPGA	   (1u << 26)
#define SVM_I1_IOIO_PROT   (1u << 27)
#define SVM_I1_MSR_PROT	   (1u << 28)
#define SVM_I1_TASK_SWITCH (1u << 29)
#define SVM_I1_FERR_FREEZE (1u << 30)
#define SVM_I1_SHUTDOWN	   (1u << 31)

/* offset 010h */
#define SVM_I2_VMRUN	   (1u << 0)
#define SVM_I2_VMMCALL	   (1u << 1)
#define SVM_I2_VMLOAD	   (1u << 2)
#define SVM_I2_VMSAVE	   (1u << 3)
#define SVM_I2_STGI	   (1u << 4)
#define SVM_I2_CLGI	   (1u << 5)
#define SVM_I2_SKINIT	   (1u << 6)
#define SVM_I2_RDTSCP	   (1u << 7)
#define SVM_I2_ICEBP	   (1u << 8)
#define SVM_I2_WBINVD	   (1u << 9)
#define SVM_I2_MONITOR	   (1u << 10)
#define SVM_I2_MWAIT	   (1u << 11)
#define SVM_I2_MWAIT_ARMED (1u << 12)
#define SVM_I2_XSETBV	   (1u << 13)
#define SVM_I2_RDPRU	   (1u << 14)

/* offset 014h */
#define SVM_I3_INVLPGB	       (1u << 0)
#define SVM_I3_INVLPGB_ILLEGAL (1u << 1)
#define SVM_I3_INVPCID	       (1u << 2)
#define SVM_I3_MCOMMIT	       (1u << 3)
#define SVM_I3_TLBSYNC	       (1u << 4)

/* TLB_CONTROL, offset 05Ch bits 39:32 (15.16.1) */
#define SVM_TLB_NOTHING	   0u
#define SVM_TLB_FLUSH_ALL  1u
#define SVM_TLB_FLUSH_ASID 3u

/* offset 060h: virtual interrupts (15.21) */
#define SVM_V_TPR_MASK	   0xfu
#define SVM_V_IRQ	   (1u << 8)
#define SVM_V_INTR_PRIO_MAX (0xfu << 16)
#define SVM_V_IGN_TPR	   (1u << 20)
/** An interrupt of the highest priority is pending. */
#define SVM_V_WINDOW	   (SVM_V_IRQ | SVM_V_INTR_PRIO_MAX | SVM_V_IGN_TPR)
#define SVM_V_INTR_MASKING (1u << 24)

/* offset 068h */
#define SVM_INTERRUPT_SHADOW 1u

/* offset 090h */
#define SVM_NP_ENABLE 1u

/* EXITINTINFO (15.7.2) and EVENTINJ (15.20) */
#define SVM_EVENT_VECTOR(info) ((uint8_t)(info))
#define SVM_EVENT_TYPE_SHIFT   8u
#define SVM_EVENT_TYPE(info)   ((uint32_t)(info) >> SVM_EVENT_TYPE_SHIFT & 7u)
#define SVM_EVENT_EV	       (UINT64_C(1) << 11) /**< error code valid */
#define SVM_EVENT_V	       (UINT64_C(1) << 31)
#define SVM_EVENT_CODE_SHIFT   32u
enum svm_event_type {
	SVM_EVENT_INTR = 0,
	SVM_EVENT_NMI = 2,
	SVM_EVENT_EXCEPTION = 3, /**< INT3 and INTO too */
	SVM_EVENT_SOFT_INT = 4,	 /**< INT n */
};

/* VMCB clean field: 15.15.3. A bit set: the CPU may use what it has cached of that group. */
#define SVM_CLEAN_I	(1u << 0) /**< intercepts, TSC offset, pause filter */
#define SVM_CLEAN_IOPM	(1u << 1)
#define SVM_CLEAN_ASID	(1u << 2)
#define SVM_CLEAN_TPR	(1u << 3) /**< offset 060h */
#define SVM_CLEAN_NP	(1u << 4) /**< nested CR3, guest PAT */
#define SVM_CLEAN_CRX	(1u << 5) /**< CR0, CR3, CR4, EFER */
#define SVM_CLEAN_DRX	(1u << 6)
#define SVM_CLEAN_DT	(1u << 7) /**< GDTR, IDTR */
#define SVM_CLEAN_SEG	(1u << 8) /**< CS, DS, SS, ES, CPL */
#define SVM_CLEAN_CR2	(1u << 9)
#define SVM_CLEAN_LBR	(1u << 10)
#define SVM_CLEAN_ALL	0x7ffu

/* EXITINFO1 of IOIO: 15.10.2 */
#define SVM_IOIO_IN	    (1u << 0)
#define SVM_IOIO_STR	    (1u << 2)
#define SVM_IOIO_REP	    (1u << 3)
#define SVM_IOIO_SIZE_SHIFT 4u /**< bits 6:4: 1, 2 or 4 bytes */
#define SVM_IOIO_ADDRESS_SHIFT 7u /**< bits 9:7: 16, 32 or 64 bits */
#define SVM_IOIO_SEG_SHIFT  10u
#define SVM_IOIO_PORT_SHIFT 16u

/* EXITINFO1 of a nested page fault: 15.25.6. QEMU sets others too. */
#define SVM_NPF_P	   (UINT64_C(1) << 0)
#define SVM_NPF_W	   (UINT64_C(1) << 1)
#define SVM_NPF_I	   (UINT64_C(1) << 4)
#define SVM_NPF_GUEST_WALK (UINT64_C(1) << 33)

/* EXITINFO1 of control and debug register accesses with decode assist: 15.33.1, 15.33.2 */
#define SVM_CR_IS_MOV	(UINT64_C(1) << 63)
#define SVM_CR_GPR_MASK 0xfu

/* EXITINFO2 of a task switch: 15.14.1 */
#define SVM_TASK_IRET	  (UINT64_C(1) << 36)
#define SVM_TASK_JUMP	  (UINT64_C(1) << 38)
#define SVM_TASK_HAS_CODE (UINT64_C(1) << 44)

/** A segment register; attributes are bits 47:40 and 55:52 of a descriptor, put together. */
struct vmcb_segment {
	uint16_t selector;
	uint16_t attrib;
	uint32_t limit;
	uint64_t base;
};
#define SVM_TSS_BUSY 0x002u /**< of a TSS's type */
#define SVM_SEG_P    0x080u
#define SVM_SEG_L    0x200u
#define SVM_SEG_DB   0x400u

/** Table B-1. */
struct vmcb_control {
	uint32_t intercept_cr;	      /* 000h */
	uint32_t intercept_dr;	      /* 004h */
	uint32_t intercept_exception; /* 008h */
	uint32_t intercept_1;	      /* 00Ch */
	uint32_t intercept_2;	      /* 010h */
	uint32_t intercept_3;	      /* 014h */
	uint8_t reserved_018[0x3c - 0x18];
	uint16_t pause_filter_threshold; /* 03Ch */
	uint16_t pause_filter_count;	 /* 03Eh */
	uint64_t iopm_base_pa;		 /* 040h */
	uint64_t msrpm_base_pa;		 /* 048h */
	uint64_t tsc_offset;		 /* 050h */
	uint32_t guest_asid;		 /* 058h */
	uint32_t tlb_control;		 /* 05Ch */
	uint32_t int_ctl;		 /* 060h: V_TPR … */
	uint32_t int_vector;		 /* 064h: V_INTR_VECTOR */
	uint64_t int_state;		 /* 068h: INTERRUPT_SHADOW */
	uint64_t exitcode;		 /* 070h */
	uint64_t exitinfo1;		 /* 078h */
	uint64_t exitinfo2;		 /* 080h */
	uint64_t exitintinfo;		 /* 088h */
	uint64_t np_enable;		 /* 090h */
	uint64_t avic_apic_bar;		 /* 098h */
	uint64_t ghcb_pa;		 /* 0A0h */
	uint64_t eventinj;		 /* 0A8h */
	uint64_t n_cr3;			 /* 0B0h */
	uint64_t lbr_virtualization;	 /* 0B8h */
	uint32_t clean;			 /* 0C0h */
	uint32_t reserved_0c4;
	uint64_t nrip;		/* 0C8h */
	uint8_t fetched_bytes;	/* 0D0h: number, bits 3:0 */
	uint8_t guest_insn[15]; /* 0D1h */
	uint8_t reserved_0e0[0x400 - 0xe0];
};

/** Table B-2. Those marked V are moved by VMLOAD and VMSAVE, the others by VMRUN and #VMEXIT. */
struct vmcb_save {
	struct vmcb_segment es, cs, ss, ds; /* 000h */
	struct vmcb_segment fs, gs;	    /* 040h V */
	struct vmcb_segment gdtr;	    /* 060h */
	struct vmcb_segment ldtr;	    /* 070h V */
	struct vmcb_segment idtr;	    /* 080h */
	struct vmcb_segment tr;		    /* 090h V */
	uint8_t reserved_0a0[0xcb - 0xa0];
	uint8_t cpl; /* 0CBh */
	uint32_t reserved_0cc;
	uint64_t efer; /* 0D0h */
	uint8_t reserved_0d8[0x148 - 0xd8];
	uint64_t cr4;	 /* 148h */
	uint64_t cr3;	 /* 150h */
	uint64_t cr0;	 /* 158h */
	uint64_t dr7;	 /* 160h */
	uint64_t dr6;	 /* 168h */
	uint64_t rflags; /* 170h */
	uint64_t rip;	 /* 178h */
	uint8_t reserved_180[0x1d8 - 0x180];
	uint64_t rsp; /* 1D8h */
	uint8_t reserved_1e0[0x1f8 - 0x1e0];
	uint64_t rax;		 /* 1F8h */
	uint64_t star;		 /* 200h V */
	uint64_t lstar;		 /* 208h V */
	uint64_t cstar;		 /* 210h V */
	uint64_t sfmask;	 /* 218h V */
	uint64_t kernel_gs_base; /* 220h V */
	uint64_t sysenter_cs;	 /* 228h V */
	uint64_t sysenter_esp;	 /* 230h V */
	uint64_t sysenter_eip;	 /* 238h V */
	uint64_t cr2;		 /* 240h */
	uint8_t reserved_248[0x268 - 0x248];
	uint64_t g_pat;	 /* 268h */
	uint64_t dbgctl; /* 270h: with LBR virtualization only */
	uint8_t reserved_278[0xc00 - 0x278];
};

struct vmcb {
	struct vmcb_control control;
	struct vmcb_save save;
};

#define VMCB_AT(area, field, offset) \
	_Static_assert(offsetof(struct vmcb_##area, field) == (offset), "APM appendix B: " #field)
VMCB_AT(control, pause_filter_threshold, 0x3c);
VMCB_AT(control, iopm_base_pa, 0x40);
VMCB_AT(control, guest_asid, 0x58);
VMCB_AT(control, int_ctl, 0x60);
VMCB_AT(control, exitcode, 0x70);
VMCB_AT(control, exitintinfo, 0x88);
VMCB_AT(control, np_enable, 0x90);
VMCB_AT(control, eventinj, 0xa8);
VMCB_AT(control, clean, 0xc0);
VMCB_AT(control, nrip, 0xc8);
VMCB_AT(control, guest_insn, 0xd1);
VMCB_AT(save, fs, 0x40);
VMCB_AT(save, gdtr, 0x60);
VMCB_AT(save, tr, 0x90);
VMCB_AT(save, cpl, 0xcb);
VMCB_AT(save, efer, 0xd0);
VMCB_AT(save, cr4, 0x148);
VMCB_AT(save, rip, 0x178);
VMCB_AT(save, rsp, 0x1d8);
VMCB_AT(save, rax, 0x1f8);
VMCB_AT(save, sysenter_eip, 0x238);
VMCB_AT(save, cr2, 0x240);
VMCB_AT(save, g_pat, 0x268);
VMCB_AT(save, dbgctl, 0x270);
#undef VMCB_AT
_Static_assert(offsetof(struct vmcb, save) == 0x400, "APM appendix B: state save area");
_Static_assert(sizeof(struct vmcb) == 4096, "APM 15.5.1: a VMCB is one page");

#endif
