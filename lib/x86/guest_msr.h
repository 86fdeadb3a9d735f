/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file guest_msr.h
 * The model-specific registers that a guest has, and why not others. The one source: the driver's RDMSR and
 * WRMSR are made of it (hypervisor/x86/msr.c), and `hypike cpuid` prints it.
 *
 * What isn't here doesn't exist: #GP, as on a CPU that lacks it. A VMM can take more of them over
 * (hv_trap_sysreg()).
 */
#ifndef LIB_X86_GUEST_MSR_H
#define LIB_X86_GUEST_MSR_H

/** What an access does. */
enum guest_msr_access {
	GUEST_MSR_DIRECT,   /**< the guest's own, switched with it: no exit */
	GUEST_MSR_DIRECT_R, /**< read without an exit where the CPU can, written with one */
	GUEST_MSR_EMULATED, /**< the driver's, with an exit */
	GUEST_MSR_FIXED,    /**< reads as a constant; writing is #GP */
	GUEST_MSR_ZERO,	    /**< reads as 0; 0 can be written */
	GUEST_MSR_IGNORED,  /**< reads as 0; can be written, without effect */
	GUEST_MSR_COMMAND,  /**< can be written, without effect; reading is #GP */
	GUEST_MSR_VMM,	    /**< the VMM's (machine pc) */
	GUEST_MSR_OFF,	    /**< #GP */
};

/** On which CPUs. */
enum guest_msr_cpus { GUEST_MSR_ALL, GUEST_MSR_INTEL, GUEST_MSR_AMD };

/**
 * X(first, last, cpus, access, handler, name, why). `handler` names functions of msr.c (read_PAT(),
 * write_PAT()); in order of frequency, not of number: the compiler sorts.
 */
#define GUEST_MSRS(X)                                                                              \
	X(0x006e0, 0x006e0, ALL, EMULATED, TSC_DEADLINE, "IA32_TSC_DEADLINE",                      \
	  "the local APIC's timer")                                                                \
	X(0x00010, 0x00010, ALL, DIRECT_R, TSC, "IA32_TIME_STAMP_COUNTER",                         \
	  "read with the VM's offset; a write changes the offset of the vCPU")                     \
	X(0x00174, 0x00176, ALL, DIRECT, NONE, "IA32_SYSENTER_CS, _ESP, _EIP", "switched")         \
	X(0xc0000081, 0xc0000084, ALL, DIRECT, NONE, "IA32_STAR, _LSTAR, _CSTAR, _FMASK",          \
	  "switched")                                                                              \
	X(0xc0000100, 0xc0000100, ALL, DIRECT, FS_BASE, "IA32_FS_BASE", "switched")                \
	X(0xc0000101, 0xc0000101, ALL, DIRECT, GS_BASE, "IA32_GS_BASE", "switched")                \
	X(0xc0000102, 0xc0000102, ALL, DIRECT, NONE, "IA32_KERNEL_GS_BASE", "switched")            \
	X(0xc0000080, 0xc0000080, ALL, EMULATED, EFER, "IA32_EFER",                                \
	  "SCE, LME, LMA and NXE; no bit whose feature isn't in CPUID")                            \
	X(0x0001b, 0x0001b, ALL, EMULATED, APIC_BASE, "IA32_APIC_BASE",                            \
	  "xAPIC, x2APIC, off; may be moved")                                                      \
	X(0x00800, 0x008ff, ALL, EMULATED, NONE, "IA32_X2APIC_*",                                  \
	  "the local APIC, in x2APIC mode (hypervisor/x86/lapic.c)")                               \
	X(0x00277, 0x00277, ALL, EMULATED, PAT, "IA32_PAT", "switched; types are checked")         \
	X(0x00200, 0x0020f, ALL, EMULATED, MTRR, "IA32_MTRR_PHYSBASEn, _PHYSMASKn",                \
	  "eight ranges, kept without effect: memory types are the host's")                        \
	X(0x00250, 0x00250, ALL, EMULATED, MTRR, "IA32_MTRR_FIX64K_00000", "likewise")             \
	X(0x00258, 0x00259, ALL, EMULATED, MTRR, "IA32_MTRR_FIX16K_80000, _A0000", "likewise")     \
	X(0x00268, 0x0026f, ALL, EMULATED, MTRR, "IA32_MTRR_FIX4K_C0000 to _F8000", "likewise")    \
	X(0x002ff, 0x002ff, ALL, EMULATED, MTRR, "IA32_MTRR_DEF_TYPE", "likewise")                 \
	X(0x000fe, 0x000fe, ALL, FIXED, MTRRCAP, "IA32_MTRRCAP", "eight ranges, fixed ones, WC")   \
	X(0x001a0, 0x001a0, INTEL, EMULATED, MISC_ENABLE, "IA32_MISC_ENABLE",                      \
	  "kept without effect; fast strings are on")                                              \
	X(0x0003a, 0x0003a, INTEL, FIXED, FEATURE_CONTROL, "IA32_FEATURE_CONTROL",                 \
	  "locked, with nothing enabled")                                                          \
	X(0x00079, 0x00079, ALL, COMMAND, MICROCODE, "IA32_BIOS_UPDT_TRIG",                        \
	  "microcode is the host's: the update is silently not done")                              \
	X(0x00000, 0x00001, ALL, ZERO, ZERO, "IA32_P5_MC_ADDR, _TYPE", "no machine check")         \
	X(0x00017, 0x00017, ALL, ZERO, ZERO, "IA32_PLATFORM_ID", "systems read it at start")       \
	X(0x0008b, 0x0008b, ALL, ZERO, ZERO, "IA32_BIOS_SIGN_ID", "microcode is the host's")       \
	X(0x00179, 0x0017b, ALL, ZERO, ZERO, "IA32_MCG_CAP, _STATUS, _CTL",                        \
	  "no banks, no machine check")                                                            \
	X(0x001d9, 0x001d9, ALL, ZERO, ZERO, "IA32_DEBUGCTL", "no last branches, no BTF")          \
	X(0xc0010010, 0xc0010010, AMD, ZERO, ZERO, "SYSCFG", "systems read it at start")           \
	X(0xc0010015, 0xc0010015, AMD, ZERO, ZERO, "HWCR", "systems read it at start")             \
	X(0xc001001f, 0xc001001f, AMD, IGNORED, NB_CFG, "NB_CFG",                                  \
	  "of a northbridge that isn't there; Linux wants a wider CF8h")                            \
	X(0xc0010055, 0xc0010055, AMD, ZERO, ZERO, "Interrupt Pending", "systems read it at start") \
	X(0xc0010114, 0xc0010114, AMD, FIXED, VM_CR, "VM_CR", "SVM is disabled, and locked")       \
	X(0x4b564d04, 0x4b564d04, ALL, EMULATED, PV_EOI, "MSR_KVM_PV_EOI_EN",                      \
	  "where CPUID shows PV_EOI; the address must be the VM's RAM")                            \
	X(0x4b564d00, 0x4b564d01, ALL, VMM, NONE, "MSR_KVM_WALL_CLOCK_NEW, MSR_KVM_SYSTEM_TIME_NEW", \
	  "a clock in memory; the addresses must be the VM's RAM")                                 \
	X(0x0003b, 0x0003b, ALL, OFF, NONE, "IA32_TSC_ADJUST", "the TSC itself can be written")    \
	X(0x00048, 0x00049, ALL, OFF, NONE, "IA32_SPEC_CTRL, IA32_PRED_CMD",                       \
	  "not switched; the host flushes between partitions")                                     \
	X(0x0008c, 0x0008f, ALL, OFF, NONE, "IA32_SGXLEPUBKEYHASHn", "no enclaves")                \
	X(0x000c1, 0x000c8, ALL, OFF, NONE, "IA32_PMCn", "no performance monitoring")              \
	X(0x000e1, 0x000e1, ALL, OFF, NONE, "IA32_UMWAIT_CONTROL", "no WAITPKG")                   \
	X(0x000e7, 0x000e8, ALL, OFF, NONE, "IA32_MPERF, IA32_APERF",                              \
	  "the CPU's speed is the host's")                                                         \
	X(0x0010a, 0x0010b, ALL, OFF, NONE, "IA32_ARCH_CAPABILITIES, IA32_FLUSH_CMD",              \
	  "flushing is the host's")                                                                \
	X(0x00122, 0x00122, ALL, OFF, NONE, "IA32_TSX_CTRL", "no transactions")                    \
	X(0x00186, 0x0018d, ALL, OFF, NONE, "IA32_PERFEVTSELn", "no performance monitoring")       \
	X(0x00198, 0x0019c, ALL, OFF, NONE, "IA32_PERF_STATUS, _CTL, thermal ones",                \
	  "speed and temperature are the host's")                                                  \
	X(0x00309, 0x0030c, ALL, OFF, NONE, "IA32_FIXED_CTRn", "no performance monitoring")        \
	X(0x00345, 0x00345, ALL, OFF, NONE, "IA32_PERF_CAPABILITIES", "no performance monitoring") \
	X(0x0038d, 0x00392, ALL, OFF, NONE, "IA32_FIXED_CTR_CTRL, IA32_PERF_GLOBAL_*",             \
	  "no performance monitoring")                                                             \
	X(0x00400, 0x0047f, ALL, OFF, NONE, "IA32_MCi_*", "no banks")                              \
	X(0x00480, 0x00491, ALL, OFF, NONE, "IA32_VMX_*", "no nested virtualization")              \
	X(0x00560, 0x00587, ALL, OFF, NONE, "IA32_RTIT_*", "no processor trace")                   \
	X(0x00600, 0x00600, ALL, OFF, NONE, "IA32_DS_AREA", "no debug store")                      \
	X(0x006a0, 0x006a8, ALL, OFF, NONE, "IA32_U_CET, IA32_S_CET …", "not switched")            \
	X(0x006e1, 0x006e1, ALL, OFF, NONE, "IA32_PKRS", "not switched")                           \
	X(0x00c80, 0x00dff, ALL, OFF, NONE, "resource director, MPX, IA32_XSS, HWP …",             \
	  "the caches are everybody's; the rest isn't switched")                                   \
	X(0xc0000103, 0xc0000103, ALL, OFF, NONE, "IA32_TSC_AUX", "not switched")                  \
	X(0xc0000104, 0xc0000104, AMD, OFF, NONE, "TSC_RATIO", "no nested virtualization")         \
	X(0xc0010000, 0xc0010007, AMD, OFF, NONE, "PERF_CTLn, PERF_CTRn",                          \
	  "no performance monitoring")                                                             \
	X(0xc0010117, 0xc0010117, AMD, OFF, NONE, "VM_HSAVE_PA", "no nested virtualization")       \
	X(0xc0010200, 0xc001020b, AMD, OFF, NONE, "PerfMon", "no performance monitoring")          \
	X(0xc0011030, 0xc001103d, AMD, OFF, NONE, "IBS_*", "no instruction sampling")

#endif
