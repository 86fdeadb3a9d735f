/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file guest_cpuid.h
 * What a guest sees of CPUID, leaf by leaf and feature by feature, and why. The one source: the driver makes its
 * masks of it (hypervisor/x86/cpuid.c), the VMM those of KVM's leaf (vmm/machine/kvm_pv.c), and `hypike cpuid`
 * prints it.
 *
 * A feature whose state isn't switched with the guest, that gives it a view of others (counters, cache
 * occupancy, microarchitectural buffers under its control) or that needs an MSR which isn't there, is off.
 * What isn't named is off as well: nobody has looked at it.
 *
 * Names as in the SDM (vol. 2, CPUID) and the APM (vol. 3, appendix E). Lists for use with a macro X.
 */
#ifndef LIB_X86_GUEST_CPUID_H
#define LIB_X86_GUEST_CPUID_H

/** What becomes of a feature bit. */
enum guest_cpuid_policy {
	GUEST_CPUID_CPU,   /**< as the CPU has it: works in a guest without help */
	GUEST_CPUID_XSAVE, /**< as the CPU has it, where the host uses XSAVE */
	GUEST_CPUID_AVX,   /**< as the CPU has it, where the host switches AVX state */
	GUEST_CPUID_OWN,   /**< always: HyPike's own, whatever the CPU has */
	GUEST_CPUID_VCPU,  /**< absent at reset, follows the vCPU's state */
	GUEST_CPUID_MAYBE, /**< HyPike's own, where it saves something */
	GUEST_CPUID_OFF,   /**< never */
};

/* ------------------------------------------------------------------- features: X(bit, policy, name, why) */

#define GUEST_CPUID_1_ECX(X)                                                                       \
	X(0, CPU, "SSE3", "SSE state is switched")                                                 \
	X(1, CPU, "PCLMULQDQ", "SSE state is switched")                                            \
	X(2, OFF, "DTES64", "no debug store: it writes by linear address while others run")        \
	X(3, OFF, "MONITOR", "waiting with MWAIT would keep the CPU from others")                  \
	X(4, OFF, "DS-CPL", "no debug store")                                                      \
	X(5, OFF, "VMX", "no nested virtualization")                                               \
	X(6, OFF, "SMX", "no measured launch in a guest")                                          \
	X(7, OFF, "EIST", "the CPU's speed is the host's")                                         \
	X(8, OFF, "TM2", "temperature is the host's")                                              \
	X(9, CPU, "SSSE3", "SSE state is switched")                                                \
	X(10, OFF, "CNXT-ID", "needs IA32_MISC_ENABLE of the host's")                              \
	X(11, OFF, "SDBG", "silicon debugging sees everything")                                    \
	X(12, AVX, "FMA", "AVX state is switched")                                                 \
	X(13, CPU, "CMPXCHG16B", "an instruction like any other")                                  \
	X(14, OFF, "xTPR", "needs IA32_MISC_ENABLE of the host's")                                 \
	X(15, OFF, "PDCM", "no performance monitoring")                                            \
	X(17, CPU, "PCID", "tagged with the guest's VPID or ASID")                                 \
	X(18, OFF, "DCA", "the caches are everybody's")                                            \
	X(19, CPU, "SSE4.1", "SSE state is switched")                                              \
	X(20, CPU, "SSE4.2", "SSE state is switched")                                              \
	X(21, OWN, "x2APIC", "the local APIC is the driver's")                                     \
	X(22, CPU, "MOVBE", "an instruction like any other")                                       \
	X(23, CPU, "POPCNT", "an instruction like any other")                                      \
	X(24, OWN, "TSC-Deadline", "the local APIC's timer is the driver's")                       \
	X(25, CPU, "AESNI", "SSE state is switched")                                               \
	X(26, XSAVE, "XSAVE", "XCR0 is switched")                                                  \
	X(27, VCPU, "OSXSAVE", "CR4.OSXSAVE")                                                      \
	X(28, AVX, "AVX", "AVX state is switched")                                                 \
	X(29, AVX, "F16C", "AVX state is switched")                                                \
	X(30, CPU, "RDRAND", "an instruction like any other")                                      \
	X(31, OWN, "hypervisor", "it is one")

#define GUEST_CPUID_1_EDX(X)                                                                       \
	X(0, CPU, "FPU", "x87 state is switched")                                                  \
	X(1, CPU, "VME", "virtual-8086 mode is virtualised")                                       \
	X(2, CPU, "DE", "debug registers are switched")                                            \
	X(3, CPU, "PSE", "the guest's paging is its own")                                          \
	X(4, CPU, "TSC", "read with the VM's offset")                                              \
	X(5, CPU, "MSR", "see the MSRs")                                                           \
	X(6, CPU, "PAE", "the guest's paging is its own")                                          \
	X(7, CPU, "MCE", "no machine check comes to a guest; there are no banks")                  \
	X(8, CPU, "CX8", "an instruction like any other")                                          \
	X(9, OWN, "APIC", "the driver's; gone while IA32_APIC_BASE has it off")                    \
	X(11, CPU, "SEP", "its MSRs are switched")                                                 \
	X(12, CPU, "MTRR", "kept for the guest, without effect")                                   \
	X(13, CPU, "PGE", "the guest's paging is its own")                                         \
	X(14, CPU, "MCA", "there are no banks")                                                    \
	X(15, CPU, "CMOV", "an instruction like any other")                                        \
	X(16, CPU, "PAT", "switched with the guest")                                               \
	X(17, CPU, "PSE-36", "the guest's paging is its own")                                      \
	X(18, OFF, "PSN", "a number of the machine's")                                             \
	X(19, CPU, "CLFSH", "an instruction like any other")                                       \
	X(21, OFF, "DS", "no debug store")                                                         \
	X(22, OFF, "ACPI", "temperature and clock are the host's")                                 \
	X(23, CPU, "MMX", "x87 state is switched")                                                 \
	X(24, CPU, "FXSR", "SSE state is switched")                                                \
	X(25, CPU, "SSE", "SSE state is switched")                                                 \
	X(26, CPU, "SSE2", "SSE state is switched")                                                \
	X(27, OFF, "SS", "tells nothing that a guest could use")                                   \
	X(28, OFF, "HTT", "each vCPU is a package of its own: who shares a core is not shown")     \
	X(29, OFF, "TM", "temperature is the host's")                                              \
	X(31, OFF, "PBE", "the pin is the host's")

#define GUEST_CPUID_6_EAX(X)                                                                       \
	X(0, OFF, "digital temperature sensor", "temperature is the host's")                       \
	X(1, OFF, "turbo boost", "the CPU's speed is the host's")                                  \
	X(2, OWN, "ARAT", "the local APIC's timer never stops")                                    \
	X(4, OFF, "PLN", "power is the host's")                                                    \
	X(5, OFF, "ECMD", "power is the host's")                                                   \
	X(6, OFF, "PTM", "temperature is the host's")                                              \
	X(7, OFF, "HWP", "the CPU's speed is the host's")                                          \
	X(19, OFF, "HW feedback", "the CPU's speed is the host's")                                 \
	X(23, OFF, "thread director", "scheduling is the host's")

#define GUEST_CPUID_7_EBX(X)                                                                       \
	X(0, CPU, "FSGSBASE", "the bases are switched")                                            \
	X(1, OFF, "IA32_TSC_ADJUST", "the MSR isn't there: the TSC is set by the TSC's own")       \
	X(2, OFF, "SGX", "no enclaves: the host couldn't see what it schedules")                   \
	X(3, CPU, "BMI1", "an instruction like any other")                                         \
	X(4, OFF, "HLE", "transactions leak what others have in the caches")                       \
	X(5, AVX, "AVX2", "AVX state is switched")                                                 \
	X(6, OFF, "FDP_EXCPTN_ONLY", "tells nothing that a guest needs")                           \
	X(7, CPU, "SMEP", "the guest's paging is its own")                                         \
	X(8, CPU, "BMI2", "an instruction like any other")                                         \
	X(9, CPU, "ERMS", "says that an instruction is fast")                                      \
	X(10, OFF, "INVPCID", "not enabled for guests")                                            \
	X(11, OFF, "RTM", "transactions leak what others have in the caches")                      \
	X(12, OFF, "RDT-M", "cache occupancy is a side channel")                                   \
	X(13, OFF, "FCS/FDS deprecated", "tells nothing that a guest needs")                       \
	X(14, OFF, "MPX", "its state isn't switched")                                              \
	X(15, OFF, "RDT-A", "shares of the caches are the host's")                                 \
	X(16, OFF, "AVX512F", "its state isn't switched")                                          \
	X(17, OFF, "AVX512DQ", "its state isn't switched")                                         \
	X(18, CPU, "RDSEED", "an instruction like any other")                                      \
	X(19, CPU, "ADX", "an instruction like any other")                                         \
	X(20, CPU, "SMAP", "the guest's paging is its own")                                        \
	X(21, OFF, "AVX512_IFMA", "its state isn't switched")                                      \
	X(23, CPU, "CLFLUSHOPT", "an instruction like any other")                                  \
	X(24, CPU, "CLWB", "an instruction like any other")                                        \
	X(25, OFF, "PT", "processor trace: a view of what runs")                                   \
	X(26, OFF, "AVX512PF", "its state isn't switched")                                         \
	X(27, OFF, "AVX512ER", "its state isn't switched")                                         \
	X(28, OFF, "AVX512CD", "its state isn't switched")                                         \
	X(29, CPU, "SHA", "SSE state is switched")                                                 \
	X(30, OFF, "AVX512BW", "its state isn't switched")                                         \
	X(31, OFF, "AVX512VL", "its state isn't switched")

#define GUEST_CPUID_7_ECX(X)                                                                       \
	X(0, OFF, "PREFETCHWT1", "of a CPU that is no more")                                       \
	X(1, OFF, "AVX512_VBMI", "its state isn't switched")                                       \
	X(2, CPU, "UMIP", "the guest's CR4 decides")                                               \
	X(3, OFF, "PKU", "PKRU isn't switched")                                                    \
	X(4, OFF, "OSPKE", "PKRU isn't switched")                                                  \
	X(5, OFF, "WAITPKG", "waiting with UMWAIT would keep the CPU from others")                 \
	X(6, OFF, "AVX512_VBMI2", "its state isn't switched")                                      \
	X(7, OFF, "CET_SS", "its MSRs aren't switched")                                            \
	X(8, CPU, "GFNI", "SSE state is switched")                                                 \
	X(9, AVX, "VAES", "AVX state is switched")                                                 \
	X(10, AVX, "VPCLMULQDQ", "AVX state is switched")                                          \
	X(11, OFF, "AVX512_VNNI", "its state isn't switched")                                      \
	X(12, OFF, "AVX512_BITALG", "its state isn't switched")                                    \
	X(13, OFF, "TME_EN", "memory encryption is the host's")                                    \
	X(14, OFF, "AVX512_VPOPCNTDQ", "its state isn't switched")                                 \
	X(16, OFF, "LA57", "page walks of the driver know four levels")                            \
	X(22, OFF, "RDPID", "TSC_AUX isn't switched")                                              \
	X(23, OFF, "KL", "key locker: its keys aren't switched")                                   \
	X(24, OFF, "BUS_LOCK_DETECT", "IA32_DEBUGCTL is the host's")                               \
	X(25, OFF, "CLDEMOTE", "writes to where the caches are everybody's")                       \
	X(27, OFF, "MOVDIRI", "the VMM doesn't emulate it for device memory")                      \
	X(28, OFF, "MOVDIR64B", "the VMM doesn't emulate it for device memory")                    \
	X(29, OFF, "ENQCMD", "no shared work queues")                                              \
	X(30, OFF, "SGX_LC", "no enclaves")                                                        \
	X(31, OFF, "PKS", "IA32_PKRS isn't switched")

#define GUEST_CPUID_7_EDX(X)                                                                       \
	X(1, OFF, "SGX-KEYS", "no enclaves")                                                       \
	X(2, OFF, "AVX512_4VNNIW", "its state isn't switched")                                     \
	X(3, OFF, "AVX512_4FMAPS", "its state isn't switched")                                     \
	X(4, CPU, "FSRM", "says that an instruction is fast")                                      \
	X(5, OFF, "UINTR", "user interrupts aren't virtualised")                                   \
	X(8, OFF, "AVX512_VP2INTERSECT", "its state isn't switched")                               \
	X(9, OFF, "SRBDS_CTRL", "the MSR is the host's")                                           \
	X(10, CPU, "MD_CLEAR", "VERW clears buffers, in guests too")                               \
	X(11, OFF, "RTM_ALWAYS_ABORT", "no transactions")                                          \
	X(13, OFF, "RTM_FORCE_ABORT", "no transactions")                                           \
	X(14, OFF, "SERIALIZE", "the VMM doesn't know it")                                         \
	X(15, OFF, "hybrid", "all vCPUs are alike")                                                \
	X(16, OFF, "TSXLDTRK", "no transactions")                                                  \
	X(18, OFF, "PCONFIG", "memory encryption is the host's")                                   \
	X(19, OFF, "architectural LBRs", "last branches of others")                                \
	X(20, OFF, "CET_IBT", "its MSRs aren't switched")                                          \
	X(22, OFF, "AMX-BF16", "its state isn't switched")                                         \
	X(23, OFF, "AVX512_FP16", "its state isn't switched")                                      \
	X(24, OFF, "AMX-TILE", "its state isn't switched")                                         \
	X(25, OFF, "AMX-INT8", "its state isn't switched")                                         \
	X(26, OFF, "IBRS, IBPB", "IA32_SPEC_CTRL isn't switched")                                  \
	X(27, OFF, "STIBP", "IA32_SPEC_CTRL isn't switched")                                       \
	X(28, OFF, "L1D_FLUSH", "flushing is the host's: kernel/flush.c")                          \
	X(29, OFF, "IA32_ARCH_CAPABILITIES", "the MSR isn't there")                                \
	X(30, OFF, "IA32_CORE_CAPABILITIES", "the MSR isn't there")                                \
	X(31, OFF, "SSBD", "IA32_SPEC_CTRL isn't switched")

#define GUEST_CPUID_D_1_EAX(X)                                                                     \
	X(0, XSAVE, "XSAVEOPT", "XCR0 is switched")                                                \
	X(1, XSAVE, "XSAVEC", "XCR0 is switched")                                                  \
	X(2, XSAVE, "XGETBV with ECX = 1", "XCR0 is switched")                                     \
	X(3, OFF, "XSAVES", "IA32_XSS isn't switched")                                             \
	X(4, OFF, "XFD", "IA32_XFD isn't switched")

/** HyPike's own: include/hypike/pv_x86.h. */
#define GUEST_CPUID_40000001_EBX(X) X(0, MAYBE, "VMMCALL", "hypercalls by VMMCALL: on AMD-V")

/** KVM's, of machine `pc` (Linux: Documentation/virt/kvm/x86/cpuid.rst). */
#define GUEST_CPUID_KVM_EAX(X)                                                                     \
	X(0, OFF, "CLOCKSOURCE", "its newer form is there")                                        \
	X(1, OWN, "NOP_IO_DELAY", "port 80h goes nowhere")                                         \
	X(2, OFF, "MMU_OP", "KVM's own has gone")                                                  \
	X(3, OWN, "CLOCKSOURCE2", "spares the calibration of the TSC")                             \
	X(4, OFF, "ASYNC_PF", "no page of a guest is ever away")                                   \
	X(5, OFF, "STEAL_TIME", "a guest in time windows isn't to see others' time")               \
	X(6, MAYBE, "PV_EOI", "an exit less per interrupt, where the CPU doesn't virtualise EOI")  \
	X(7, OFF, "PV_UNHALT", "hypercall numbers are HyPike's")                                   \
	X(9, OFF, "PV_TLB_FLUSH", "needs STEAL_TIME")                                              \
	X(10, OFF, "ASYNC_PF_VMEXIT", "no page of a guest is ever away")                           \
	X(11, OFF, "PV_SEND_IPI", "16 vCPUs are one x2APIC cluster: one ICR write reaches all")    \
	X(12, OFF, "POLL_CONTROL", "the host doesn't poll for a halted vCPU")                      \
	X(13, OFF, "PV_SCHED_YIELD", "needs STEAL_TIME")                                           \
	X(14, OFF, "ASYNC_PF_INT", "no page of a guest is ever away")                              \
	X(15, OFF, "MSI_EXT_DEST_ID", "16 vCPUs need no more than 8 bits")                         \
	X(16, OFF, "HC_MAP_GPA_RANGE", "no encrypted guests")                                      \
	X(17, OFF, "MIGRATION_CONTROL", "no migration")                                            \
	X(24, OWN, "CLOCKSOURCE_STABLE", "all vCPUs have one clock")

#define GUEST_CPUID_80000001_ECX(X)                                                                \
	X(0, CPU, "LahfSahf", "an instruction like any other")                                     \
	X(1, OFF, "CmpLegacy", "each vCPU is a package of its own")                                \
	X(2, OFF, "SVM", "no nested virtualization")                                               \
	X(3, OFF, "ExtApicSpace", "the local APIC has no extended registers")                      \
	X(4, CPU, "AltMovCr8", "CR8 is virtualised")                                               \
	X(5, CPU, "ABM", "LZCNT: an instruction like any other")                                   \
	X(6, CPU, "SSE4A", "SSE state is switched")                                                \
	X(7, CPU, "MisAlignSse", "SSE state is switched")                                          \
	X(8, CPU, "3DNowPrefetch", "an instruction like any other")                                \
	X(9, OFF, "OSVW", "the MSRs aren't there")                                                 \
	X(10, OFF, "IBS", "instruction sampling: a view of what runs")                             \
	X(11, OFF, "XOP", "of CPUs that are no more")                                              \
	X(12, OFF, "SKINIT", "no measured launch in a guest")                                      \
	X(13, OFF, "WDT", "the watchdog is the host's")                                            \
	X(15, OFF, "LWP", "lightweight profiling: its state isn't switched")                       \
	X(16, OFF, "FMA4", "of CPUs that are no more")                                             \
	X(17, OFF, "TCE", "EFER.TCE isn't virtualised")                                            \
	X(21, OFF, "TBM", "of CPUs that are no more")                                              \
	X(22, OFF, "TopologyExtensions", "each vCPU is a package of its own")                      \
	X(23, OFF, "PerfCtrExtCore", "no performance monitoring")                                  \
	X(24, OFF, "PerfCtrExtNB", "no performance monitoring")                                    \
	X(26, OFF, "DataBreakpointExtension", "its MSRs aren't switched")                          \
	X(27, OFF, "PerfTsc", "no performance monitoring")                                         \
	X(28, OFF, "PerfCtrExtLLC", "no performance monitoring")                                   \
	X(29, OFF, "MwaitExtended", "waiting with MWAITX would keep the CPU from others")          \
	X(30, OFF, "AddrMaskExt", "its MSRs aren't switched")

/** Bits 17:12 and 9:0 but 10, 11 are those of leaf 1 once more on AMD: they go with these. */
#define GUEST_CPUID_80000001_EDX(X)                                                                \
	X(0, CPU, "FPU", "as in leaf 1") X(1, CPU, "VME", "as in leaf 1")                          \
	X(2, CPU, "DE", "as in leaf 1") X(3, CPU, "PSE", "as in leaf 1")                           \
	X(4, CPU, "TSC", "as in leaf 1") X(5, CPU, "MSR", "as in leaf 1")                          \
	X(6, CPU, "PAE", "as in leaf 1") X(7, CPU, "MCE", "as in leaf 1")                          \
	X(8, CPU, "CMPXCHG8B", "as in leaf 1") X(9, CPU, "APIC", "stays, unlike leaf 1")               \
	X(11, CPU, "SysCallSysRet", "its MSRs are switched") X(12, CPU, "MTRR", "as in leaf 1")    \
	X(13, CPU, "PGE", "as in leaf 1") X(14, CPU, "MCA", "as in leaf 1")                        \
	X(15, CPU, "CMOV", "as in leaf 1") X(16, CPU, "PAT", "as in leaf 1")                       \
	X(17, CPU, "PSE36", "as in leaf 1") X(20, CPU, "NX", "the guest's paging is its own")      \
	X(22, CPU, "MmxExt", "SSE state is switched") X(23, CPU, "MMX", "as in leaf 1")            \
	X(24, CPU, "FXSR", "as in leaf 1")                                                         \
	X(25, OFF, "FFXSR", "EFER.FFXSR isn't virtualised")                                        \
	X(26, CPU, "Page1GB", "the guest's paging is its own")                                     \
	X(27, OFF, "RDTSCP", "TSC_AUX isn't switched")                                             \
	X(29, CPU, "LM", "long mode is virtualised")                                               \
	X(30, OFF, "3DNowExt", "of CPUs that are no more")                                         \
	X(31, OFF, "3DNow", "of CPUs that are no more")

#define GUEST_CPUID_80000007_EDX(X)                                                                \
	X(0, OFF, "TS", "temperature is the host's")                                               \
	X(3, OFF, "TTP", "temperature is the host's")                                              \
	X(7, OFF, "HwPstate", "the CPU's speed is the host's")                                     \
	X(8, OWN, "TscInvariant", "HyPike's own clock relies on it, so guests may")                \
	X(9, OFF, "CPB", "the CPU's speed is the host's")                                          \
	X(10, OFF, "EffFreqRO", "the CPU's speed is the host's")

#define GUEST_CPUID_80000008_EBX(X)                                                                \
	X(0, OFF, "CLZERO", "the VMM doesn't emulate it for device memory")                        \
	X(1, OFF, "InstRetCntMsr", "no performance monitoring")                                    \
	X(2, OFF, "RstrFpErrPtrs", "tells nothing that a guest needs")                             \
	X(3, OFF, "INVLPGB", "would reach others' translations")                                   \
	X(4, OFF, "RDPRU", "counters of the host's")                                               \
	X(8, OFF, "MCOMMIT", "errors of the host's memory")                                        \
	X(9, OFF, "WBNOINVD", "WBINVD is there, and emulated")                                     \
	X(12, OFF, "IBPB", "PRED_CMD isn't there")                                                 \
	X(14, OFF, "IBRS", "SPEC_CTRL isn't switched")                                             \
	X(15, OFF, "STIBP", "SPEC_CTRL isn't switched")                                            \
	X(24, OFF, "SSBD", "SPEC_CTRL isn't switched")                                             \
	X(25, OFF, "VIRT_SPEC_CTRL", "the MSR isn't there")                                        \
	X(27, OFF, "CPPC", "the CPU's speed is the host's")

/** Registers that consist of features: X(leaf, subleaf, register, list). Those of these leaves that aren't here are
 *  something else, or 0. */
#define GUEST_CPUID_REGISTERS(X)                                                                   \
	X(0x00000001, 0, ecx, GUEST_CPUID_1_ECX)                                                   \
	X(0x00000001, 0, edx, GUEST_CPUID_1_EDX)                                                   \
	X(0x00000006, 0, eax, GUEST_CPUID_6_EAX)                                                   \
	X(0x00000007, 0, ebx, GUEST_CPUID_7_EBX)                                                   \
	X(0x00000007, 0, ecx, GUEST_CPUID_7_ECX)                                                   \
	X(0x00000007, 0, edx, GUEST_CPUID_7_EDX)                                                   \
	X(0x0000000d, 1, eax, GUEST_CPUID_D_1_EAX)                                                 \
	X(0x40000001, 0, ebx, GUEST_CPUID_40000001_EBX)                                            \
	X(0x40000101, 0, eax, GUEST_CPUID_KVM_EAX)                                                 \
	X(0x80000001, 0, ecx, GUEST_CPUID_80000001_ECX)                                            \
	X(0x80000001, 0, edx, GUEST_CPUID_80000001_EDX)                                            \
	X(0x80000007, 0, edx, GUEST_CPUID_80000007_EDX)                                            \
	X(0x80000008, 0, ebx, GUEST_CPUID_80000008_EBX)

/** Of a list's bits those with a policy: GUEST_CPUID_MASK(GUEST_CPUID_1_ECX, CPU). */
#define GUEST_CPUID_BIT_CPU(bit, policy, name, why)                                                \
	| (unsigned int)(GUEST_CPUID_##policy == GUEST_CPUID_CPU) << (bit)
#define GUEST_CPUID_BIT_XSAVE(bit, policy, name, why)                                              \
	| (unsigned int)(GUEST_CPUID_##policy == GUEST_CPUID_XSAVE) << (bit)
#define GUEST_CPUID_BIT_AVX(bit, policy, name, why)                                                \
	| (unsigned int)(GUEST_CPUID_##policy == GUEST_CPUID_AVX) << (bit)
#define GUEST_CPUID_BIT_OWN(bit, policy, name, why)                                                \
	| (unsigned int)(GUEST_CPUID_##policy == GUEST_CPUID_OWN) << (bit)
#define GUEST_CPUID_BIT_VCPU(bit, policy, name, why)                                               \
	| (unsigned int)(GUEST_CPUID_##policy == GUEST_CPUID_VCPU) << (bit)
#define GUEST_CPUID_BIT_MAYBE(bit, policy, name, why)                                              \
	| (unsigned int)(GUEST_CPUID_##policy == GUEST_CPUID_MAYBE) << (bit)
#define GUEST_CPUID_BIT_OFF(bit, policy, name, why)                                                \
	| (unsigned int)(GUEST_CPUID_##policy == GUEST_CPUID_OFF) << (bit)
#define GUEST_CPUID_MASK(list, policy) (0u list(GUEST_CPUID_BIT_##policy))

/* ------------------------------------------------------------ leaves: X(first, last, how, name, why) */

/** `how` names what fills the leaf in (hypervisor/x86/cpuid.c: add_VERSION() …); KVM: the VMM does; ABSENT: reads 0. */
#define GUEST_CPUID_LEAVES(X)                                                                      \
	X(0x00000000, 0x00000000, VENDOR, "vendor, highest basic leaf",                            \
	  "the CPU's vendor; the highest leaf that there is here")                                 \
	X(0x00000001, 0x00000001, VERSION, "family, model, features",                              \
	  "the CPU's; one logical processor, the APIC ID is the vCPU's number")                    \
	X(0x00000002, 0x00000002, ABSENT, "cache and TLB descriptors", "leaf 4 tells it")          \
	X(0x00000003, 0x00000003, ABSENT, "processor serial number", "a number of the machine's")  \
	X(0x00000004, 0x00000004, CACHES, "deterministic cache parameters",                        \
	  "the CPU's; nobody shares them: who shares a core is not shown")                         \
	X(0x00000005, 0x00000005, ABSENT, "MONITOR, MWAIT", "not there")                           \
	X(0x00000006, 0x00000006, FEATURES, "thermal and power management", "the host's")          \
	X(0x00000007, 0x00000007, EXTENDED, "structured extended features",                        \
	  "subleaf 0; what later ones have, nobody has looked at")                                 \
	X(0x00000009, 0x00000009, ABSENT, "direct cache access", "the caches are everybody's")     \
	X(0x0000000a, 0x0000000a, ABSENT, "architectural performance monitoring",                  \
	  "a view of what others do; RDPMC is #GP")                                                \
	X(0x0000000b, 0x0000000b, TOPOLOGY, "extended topology",                                   \
	  "each vCPU is a package of its own; the x2APIC ID is its number")                        \
	X(0x0000000d, 0x0000000d, XSTATE, "extended state",                                        \
	  "the components that the host switches: x87, SSE, AVX")                                  \
	X(0x0000000f, 0x00000010, ABSENT, "resource director technology",                          \
	  "cache occupancy is a side channel, shares are the host's")                              \
	X(0x00000012, 0x00000012, ABSENT, "SGX", "no enclaves")                                    \
	X(0x00000014, 0x00000014, ABSENT, "processor trace", "a view of what runs")                \
	X(0x00000015, 0x00000015, CRYSTAL, "TSC and core crystal clock",                           \
	  "the crystal is the local APIC timer's clock, 1 GHz; absent where the TSC's rate is no " \
	  "small multiple of it")                                                                  \
	X(0x00000016, 0x00000016, ABSENT, "processor frequency", "the CPU's speed is the host's")  \
	X(0x00000017, 0x00000019, ABSENT, "SoC vendor, TLB parameters, key locker", "not there")   \
	X(0x0000001a, 0x0000001a, ABSENT, "hybrid information", "all vCPUs are alike")             \
	X(0x0000001b, 0x0000001e, ABSENT, "PCONFIG, last branches, AMX", "not there")              \
	X(0x0000001f, 0x0000001f, ABSENT, "V2 extended topology", "leaf 0Bh tells it")             \
	X(0x00000020, 0x00000024, ABSENT, "history reset, perfmon extensions, AVX10", "not there") \
	X(0x40000000, 0x40000000, SIGNATURE, "HyPike's signature", "include/hypike/pv_x86.h")      \
	X(0x40000001, 0x40000001, INTERFACE, "version of pv.h", "include/hypike/pv_x86.h")         \
	X(0x40000010, 0x40000010, TIMING, "rate of TSC and local APIC timer in kHz",               \
	  "as other hypervisors have it, too")                                                     \
	X(0x40000100, 0x40000100, KVM, "KVM's signature", "machine pc: lets Linux use x2APIC")     \
	X(0x40000101, 0x40000101, KVM, "KVM's features", "machine pc: a clock, fewer exits")       \
	X(0x80000000, 0x80000000, EXT_MAX, "highest extended leaf, vendor", "80000008h")           \
	X(0x80000001, 0x80000001, EXT_FEATURES, "extended features", "as the list says")           \
	X(0x80000002, 0x80000004, COPY, "brand string", "the CPU's")                               \
	X(0x80000005, 0x80000006, COPY, "caches and TLBs (AMD), L2 (Intel)", "the CPU's")          \
	X(0x80000007, 0x80000007, FEATURES, "power management", "as the list says")                \
	X(0x80000008, 0x80000008, ADDRESSES, "address sizes",                                      \
	  "linear 48 bits; physical the CPU's, 48 at the most; APM: one core")                     \
	X(0x8000000a, 0x8000000a, ABSENT, "SVM", "no nested virtualization")                       \
	X(0x80000019, 0x80000019, ABSENT, "TLBs of 1 GiB pages", "not there")                      \
	X(0x8000001a, 0x8000001a, ABSENT, "performance hints", "not there")                        \
	X(0x8000001b, 0x8000001c, ABSENT, "IBS, LWP", "a view of what runs")                       \
	X(0x8000001d, 0x8000001e, ABSENT, "cache and processor topology",                          \
	  "each vCPU is a package of its own")                                                     \
	X(0x8000001f, 0x8000001f, ABSENT, "memory encryption", "the host's")                       \
	X(0x80000020, 0x80000026, ABSENT, "QoS, further features, topology", "not there")

#endif
