/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file regs.h
 * Bits of the x86 control, flags and debug registers, model-specific register numbers and exception
 * vectors. Names are the Intel SDM's (AMD_ in front: the AMD APM's). Usable from assembly.
 */
#ifndef LIB_X86_REGS_H
#define LIB_X86_REGS_H

#ifdef __ASSEMBLER__
#define X86_U32(v) v
#define X86_U64(v) v
#else
#define X86_U32(v) v##u
#define X86_U64(v) v##ull
#endif

/* CR0: SDM vol. 3, 2.5 */
#define CR0_PE X86_U64(0x00000001)
#define CR0_MP X86_U64(0x00000002)
#define CR0_EM X86_U64(0x00000004)
#define CR0_TS X86_U64(0x00000008)
#define CR0_ET X86_U64(0x00000010)
#define CR0_NE X86_U64(0x00000020)
#define CR0_WP X86_U64(0x00010000)
#define CR0_AM X86_U64(0x00040000)
#define CR0_NW X86_U64(0x20000000)
#define CR0_CD X86_U64(0x40000000)
#define CR0_PG X86_U64(0x80000000)

/* CR3: SDM vol. 3, 2.5 and 4.10.4.1 */
#define CR3_PWT	     X86_U64(0x0000000000000008)
#define CR3_PCD	     X86_U64(0x0000000000000010)
#define CR3_NO_FLUSH X86_U64(0x8000000000000000) /**< bit 63 of the source, with CR4.PCIDE */

/* CR4: SDM vol. 3, 2.5 */
#define CR4_VME	       X86_U64(0x00000001)
#define CR4_PVI	       X86_U64(0x00000002)
#define CR4_TSD	       X86_U64(0x00000004)
#define CR4_DE	       X86_U64(0x00000008)
#define CR4_PSE	       X86_U64(0x00000010)
#define CR4_PAE	       X86_U64(0x00000020)
#define CR4_MCE	       X86_U64(0x00000040)
#define CR4_PGE	       X86_U64(0x00000080)
#define CR4_PCE	       X86_U64(0x00000100)
#define CR4_OSFXSR     X86_U64(0x00000200)
#define CR4_OSXMMEXCPT X86_U64(0x00000400)
#define CR4_UMIP       X86_U64(0x00000800)
#define CR4_LA57       X86_U64(0x00001000)
#define CR4_VMXE       X86_U64(0x00002000)
#define CR4_SMXE       X86_U64(0x00004000)
#define CR4_FSGSBASE   X86_U64(0x00010000)
#define CR4_PCIDE      X86_U64(0x00020000)
#define CR4_OSXSAVE    X86_U64(0x00040000)
#define CR4_SMEP       X86_U64(0x00100000)
#define CR4_SMAP       X86_U64(0x00200000)
#define CR4_PKE	       X86_U64(0x00400000)
#define CR4_CET	       X86_U64(0x00800000)
#define CR4_PKS	       X86_U64(0x01000000)

/* XCR0: SDM vol. 3, 2.6 */
#define XCR0_X87       X86_U64(0x001)
#define XCR0_SSE       X86_U64(0x002)
#define XCR0_AVX       X86_U64(0x004)
#define XCR0_BNDREG    X86_U64(0x008)
#define XCR0_BNDCSR    X86_U64(0x010)
#define XCR0_OPMASK    X86_U64(0x020)
#define XCR0_ZMM_HI256 X86_U64(0x040)
#define XCR0_HI16_ZMM  X86_U64(0x080)
#define XCR0_PKRU      X86_U64(0x200)

/* EFLAGS, RFLAGS: SDM vol. 1, 3.4.3 */
#define RFLAGS_CF      X86_U64(0x00000001)
#define RFLAGS_FIXED1  X86_U64(0x00000002)
#define RFLAGS_PF      X86_U64(0x00000004)
#define RFLAGS_AF      X86_U64(0x00000010)
#define RFLAGS_ZF      X86_U64(0x00000040)
#define RFLAGS_SF      X86_U64(0x00000080)
#define RFLAGS_TF      X86_U64(0x00000100)
#define RFLAGS_IF      X86_U64(0x00000200)
#define RFLAGS_DF      X86_U64(0x00000400)
#define RFLAGS_OF      X86_U64(0x00000800)
#define RFLAGS_IOPL    X86_U64(0x00003000)
#define RFLAGS_NT      X86_U64(0x00004000)
#define RFLAGS_RF      X86_U64(0x00010000)
#define RFLAGS_VM      X86_U64(0x00020000)
#define RFLAGS_AC      X86_U64(0x00040000)
#define RFLAGS_VIF     X86_U64(0x00080000)
#define RFLAGS_VIP     X86_U64(0x00100000)
#define RFLAGS_ID      X86_U64(0x00200000)

/* DR6, DR7: SDM vol. 3, 17.2 */
#define DR6_B0	   X86_U64(0x0001)
#define DR6_B1	   X86_U64(0x0002)
#define DR6_B2	   X86_U64(0x0004)
#define DR6_B3	   X86_U64(0x0008)
#define DR6_BD	   X86_U64(0x2000)
#define DR6_BS	   X86_U64(0x4000)
#define DR6_BT	   X86_U64(0x8000)
#define DR6_FIXED1 X86_U64(0xffff0ff0)
#define DR7_FIXED1 X86_U64(0x0400)
#define DR7_GD	   X86_U64(0x2000)
#define DR7_LE	   X86_U64(0x0100)
#define DR7_GE	   X86_U64(0x0200)
/** Local and global enable of breakpoint n. */
#define DR7_L(n) (X86_U64(1) << (2 * (n)))
#define DR7_G(n) (X86_U64(2) << (2 * (n)))
/** Condition (0 execute, 1 write, 2 I/O, 3 read or write) and length - 1 of breakpoint n. */
#define DR7_RW(n, v)  (X86_U64(1) * (v) << (16 + 4 * (n)))
#define DR7_LEN(n, v) (X86_U64(1) * (v) << (18 + 4 * (n)))

/* Exception vectors: SDM vol. 3, 6.3.1 */
#define X86_DE	0  /**< divide error */
#define X86_DB	1  /**< debug */
#define X86_NMI 2  /**< non-maskable interrupt */
#define X86_BP	3  /**< breakpoint */
#define X86_OF	4  /**< overflow */
#define X86_BR	5  /**< BOUND range exceeded */
#define X86_UD	6  /**< invalid opcode */
#define X86_NM	7  /**< device not available */
#define X86_DF	8  /**< double fault; error code 0 */
#define X86_TS	10 /**< invalid TSS; error code */
#define X86_NP	11 /**< segment not present; error code */
#define X86_SS	12 /**< stack fault; error code */
#define X86_GP	13 /**< general protection; error code */
#define X86_PF	14 /**< page fault; error code */
#define X86_MF	16 /**< x87 floating-point error */
#define X86_AC	17 /**< alignment check; error code 0 */
#define X86_MC	18 /**< machine check */
#define X86_XM	19 /**< SIMD floating-point exception */
#define X86_VE	20 /**< virtualization exception */
#define X86_CP	21 /**< control protection; error code */
#define X86_HV	28 /**< AMD: hypervisor injection */
#define X86_VC	29 /**< AMD: VMM communication; error code */
#define X86_SX	30 /**< AMD: security; error code */

/** Bit n set: exception n pushes an error code (SDM vol. 3, 6.13; APM vol. 2, 8.2). */
#define X86_ERROR_CODE_VECTORS X86_U32(0x60227d00)

/* Page-fault error code: SDM vol. 3, 4.7 */
#define PFERR_P	   X86_U32(0x0001)
#define PFERR_W	   X86_U32(0x0002)
#define PFERR_U	   X86_U32(0x0004)
#define PFERR_RSVD X86_U32(0x0008)
#define PFERR_I	   X86_U32(0x0010)
#define PFERR_PK   X86_U32(0x0020)
#define PFERR_SS   X86_U32(0x0040)

/* Selector error code: SDM vol. 3, 6.13 */
#define SELERR_EXT X86_U32(0x1)
#define SELERR_IDT X86_U32(0x2)
#define SELERR_TI  X86_U32(0x4)

/* Model-specific registers: SDM vol. 4, 2.1; the AMD ones: APM vol. 2, appendix A */
#define IA32_P5_MC_ADDR		X86_U32(0x000)
#define IA32_P5_MC_TYPE		X86_U32(0x001)
#define IA32_TIME_STAMP_COUNTER X86_U32(0x010)
#define IA32_PLATFORM_ID	X86_U32(0x017)
#define IA32_APIC_BASE		X86_U32(0x01b)
#define IA32_FEATURE_CONTROL	X86_U32(0x03a)
#define IA32_TSC_ADJUST		X86_U32(0x03b)
#define IA32_SPEC_CTRL		X86_U32(0x048)
#define IA32_PRED_CMD		X86_U32(0x049)
#define IA32_BIOS_UPDT_TRIG	X86_U32(0x079)
#define IA32_BIOS_SIGN_ID	X86_U32(0x08b)
#define IA32_MPERF		X86_U32(0x0e7)
#define IA32_APERF		X86_U32(0x0e8)
#define IA32_MTRRCAP		X86_U32(0x0fe)
#define IA32_ARCH_CAPABILITIES	X86_U32(0x10a)
#define IA32_FLUSH_CMD		X86_U32(0x10b)
#define IA32_SYSENTER_CS	X86_U32(0x174)
#define IA32_SYSENTER_ESP	X86_U32(0x175)
#define IA32_SYSENTER_EIP	X86_U32(0x176)
#define IA32_MCG_CAP		X86_U32(0x179)
#define IA32_MCG_STATUS		X86_U32(0x17a)
#define IA32_MCG_CTL		X86_U32(0x17b)
#define IA32_PERF_STATUS	X86_U32(0x198)
#define IA32_PERF_CTL		X86_U32(0x199)
#define IA32_THERM_STATUS	X86_U32(0x19c)
#define IA32_MISC_ENABLE	X86_U32(0x1a0)
#define IA32_DEBUGCTL		X86_U32(0x1d9)
#define IA32_MTRR_PHYSBASE0	X86_U32(0x200)
#define IA32_MTRR_FIX64K_00000	X86_U32(0x250)
#define IA32_MTRR_FIX16K_80000	X86_U32(0x258)
#define IA32_MTRR_FIX16K_A0000	X86_U32(0x259)
#define IA32_MTRR_FIX4K_C0000	X86_U32(0x268)
#define IA32_PAT		X86_U32(0x277)
#define IA32_MTRR_DEF_TYPE	X86_U32(0x2ff)
#define IA32_PERF_GLOBAL_CTRL	X86_U32(0x38f)
#define IA32_MC0_CTL		X86_U32(0x400)
#define IA32_VMX_BASIC		X86_U32(0x480)
#define IA32_VMX_PINBASED_CTLS	X86_U32(0x481)
#define IA32_VMX_PROCBASED_CTLS X86_U32(0x482)
#define IA32_VMX_EXIT_CTLS	X86_U32(0x483)
#define IA32_VMX_ENTRY_CTLS	X86_U32(0x484)
#define IA32_VMX_MISC		X86_U32(0x485)
#define IA32_VMX_CR0_FIXED0	X86_U32(0x486)
#define IA32_VMX_CR0_FIXED1	X86_U32(0x487)
#define IA32_VMX_CR4_FIXED0	X86_U32(0x488)
#define IA32_VMX_CR4_FIXED1	X86_U32(0x489)
#define IA32_VMX_VMCS_ENUM	X86_U32(0x48a)
#define IA32_VMX_PROCBASED_CTLS2 X86_U32(0x48b)
#define IA32_VMX_EPT_VPID_CAP	X86_U32(0x48c)
#define IA32_VMX_TRUE_PINBASED_CTLS  X86_U32(0x48d)
#define IA32_VMX_TRUE_PROCBASED_CTLS X86_U32(0x48e)
#define IA32_VMX_TRUE_EXIT_CTLS	     X86_U32(0x48f)
#define IA32_VMX_TRUE_ENTRY_CTLS     X86_U32(0x490)
#define IA32_VMX_VMFUNC		X86_U32(0x491)
#define IA32_TSC_DEADLINE	X86_U32(0x6e0)
#define IA32_X2APIC_FIRST	X86_U32(0x800)
#define IA32_X2APIC_LAST	X86_U32(0x8ff)
#define IA32_XSS		X86_U32(0xda0)
#define IA32_EFER		X86_U32(0xc0000080)
#define IA32_STAR		X86_U32(0xc0000081)
#define IA32_LSTAR		X86_U32(0xc0000082)
#define IA32_CSTAR		X86_U32(0xc0000083)
#define IA32_FMASK		X86_U32(0xc0000084)
#define IA32_FS_BASE		X86_U32(0xc0000100)
#define IA32_GS_BASE		X86_U32(0xc0000101)
#define IA32_KERNEL_GS_BASE	X86_U32(0xc0000102)
#define IA32_TSC_AUX		X86_U32(0xc0000103)
#define AMD_TSC_RATIO		X86_U32(0xc0000104)
#define AMD_SYSCFG		X86_U32(0xc0010010)
#define KVM_PV_EOI_EN		X86_U32(0x4b564d04)
#define AMD_HWCR		X86_U32(0xc0010015)
#define AMD_NB_CFG		X86_U32(0xc001001f)
#define AMD_INT_PENDING		X86_U32(0xc0010055)
#define AMD_VM_CR		X86_U32(0xc0010114)
#define AMD_IGNNE		X86_U32(0xc0010115)
#define AMD_VM_HSAVE_PA		X86_U32(0xc0010117)

/* IA32_APIC_BASE: SDM vol. 3, 10.4.4 and 10.12.1 */
#define APIC_BASE_BSP	    X86_U64(0x100)
#define APIC_BASE_EXTD	    X86_U64(0x400)
#define APIC_BASE_EN	    X86_U64(0x800)
#define APIC_BASE_ADDR_MASK X86_U64(0x000ffffffffff000)

/* IA32_FEATURE_CONTROL: SDM vol. 3, 23.7 */
#define FEATURE_CONTROL_LOCK	   X86_U64(0x1)
#define FEATURE_CONTROL_VMX_SMX	   X86_U64(0x2)
#define FEATURE_CONTROL_VMX_NO_SMX X86_U64(0x4)

/* IA32_EFER: SDM vol. 3, 2.2.1; APM vol. 2, 3.1.7 */
#define EFER_SCE   X86_U64(0x0001)
#define EFER_LME   X86_U64(0x0100)
#define EFER_LMA   X86_U64(0x0400)
#define EFER_NXE   X86_U64(0x0800)
#define EFER_SVME  X86_U64(0x1000)
#define EFER_LMSLE X86_U64(0x2000)
#define EFER_FFXSR X86_U64(0x4000)
#define EFER_TCE   X86_U64(0x8000)

/* VM_CR: APM vol. 2, 15.30.1 */
#define VM_CR_DPD	   X86_U64(0x01)
#define VM_CR_R_INIT	   X86_U64(0x02)
#define VM_CR_DIS_A20M	   X86_U64(0x04)
#define VM_CR_LOCK	   X86_U64(0x08)
#define VM_CR_SVMDIS	   X86_U64(0x10)

/* Memory types, as in IA32_PAT and the MTRRs: SDM vol. 3, 11.3 and table 11-10 */
#define X86_MT_UC	0
#define X86_MT_WC	1
#define X86_MT_WT	4
#define X86_MT_WP	5
#define X86_MT_WB	6
#define X86_MT_UC_MINUS 7

/** IA32_PAT after reset: WB WT UC- UC, twice (SDM vol. 3, 11.12.4). */
#define IA32_PAT_RESET X86_U64(0x0007040600070406)

#endif
