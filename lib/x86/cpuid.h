/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file cpuid.h
 * CPUID leaves and feature bits (SDM vol. 2, CPUID, tables 3-8, 3-10, 3-11; APM vol. 3, appendix E).
 *
 * A bit's name tells the leaf and the register: CPUID_1_ECX_x2APIC.
 */
#ifndef LIB_X86_CPUID_H
#define LIB_X86_CPUID_H

#define CPUID_VENDOR	    0x00000000u
#define CPUID_VERSION	    0x00000001u
#define CPUID_MONITOR	    0x00000005u
#define CPUID_THERMAL	    0x00000006u
#define CPUID_FEATURES	    0x00000007u
#define CPUID_PERFMON	    0x0000000au
#define CPUID_TOPOLOGY	    0x0000000bu
#define CPUID_XSTATE	    0x0000000du
#define CPUID_TSC	    0x00000015u
#define CPUID_FREQUENCY	    0x00000016u
#define CPUID_HYPERVISOR    0x40000000u
#define CPUID_KVM	    0x40000100u /**< behind HyPike's own */
#define CPUID_KVM_FEATURES  0x40000101u
#define CPUID_EXT_MAX	    0x80000000u
#define CPUID_EXT_FEATURES  0x80000001u
#define CPUID_EXT_POWER	    0x80000007u
#define CPUID_EXT_ADDRESSES 0x80000008u
#define CPUID_EXT_SVM	    0x8000000au

#define CPUID_1_ECX_SSE3	 (1u << 0)
#define CPUID_1_ECX_PCLMULQDQ	 (1u << 1)
#define CPUID_1_ECX_DTES64	 (1u << 2)
#define CPUID_1_ECX_MONITOR	 (1u << 3)
#define CPUID_1_ECX_DS_CPL	 (1u << 4)
#define CPUID_1_ECX_VMX		 (1u << 5)
#define CPUID_1_ECX_SMX		 (1u << 6)
#define CPUID_1_ECX_EIST	 (1u << 7)
#define CPUID_1_ECX_TM2		 (1u << 8)
#define CPUID_1_ECX_SSSE3	 (1u << 9)
#define CPUID_1_ECX_FMA		 (1u << 12)
#define CPUID_1_ECX_CMPXCHG16B	 (1u << 13)
#define CPUID_1_ECX_PDCM	 (1u << 15)
#define CPUID_1_ECX_PCID	 (1u << 17)
#define CPUID_1_ECX_SSE4_1	 (1u << 19)
#define CPUID_1_ECX_SSE4_2	 (1u << 20)
#define CPUID_1_ECX_x2APIC	 (1u << 21)
#define CPUID_1_ECX_MOVBE	 (1u << 22)
#define CPUID_1_ECX_POPCNT	 (1u << 23)
#define CPUID_1_ECX_TSC_DEADLINE (1u << 24)
#define CPUID_1_ECX_AESNI	 (1u << 25)
#define CPUID_1_ECX_XSAVE	 (1u << 26)
#define CPUID_1_ECX_OSXSAVE	 (1u << 27)
#define CPUID_1_ECX_AVX		 (1u << 28)
#define CPUID_1_ECX_F16C	 (1u << 29)
#define CPUID_1_ECX_RDRAND	 (1u << 30)
#define CPUID_1_ECX_HYPERVISOR	 (1u << 31)

#define CPUID_1_EDX_FPU	  (1u << 0)
#define CPUID_1_EDX_VME	  (1u << 1)
#define CPUID_1_EDX_DE	  (1u << 2)
#define CPUID_1_EDX_PSE	  (1u << 3)
#define CPUID_1_EDX_TSC	  (1u << 4)
#define CPUID_1_EDX_MSR	  (1u << 5)
#define CPUID_1_EDX_PAE	  (1u << 6)
#define CPUID_1_EDX_MCE	  (1u << 7)
#define CPUID_1_EDX_CX8	  (1u << 8)
#define CPUID_1_EDX_APIC  (1u << 9)
#define CPUID_1_EDX_SEP	  (1u << 11)
#define CPUID_1_EDX_MTRR  (1u << 12)
#define CPUID_1_EDX_PGE	  (1u << 13)
#define CPUID_1_EDX_MCA	  (1u << 14)
#define CPUID_1_EDX_CMOV  (1u << 15)
#define CPUID_1_EDX_PAT	  (1u << 16)
#define CPUID_1_EDX_PSE36 (1u << 17)
#define CPUID_1_EDX_CLFSH (1u << 19)
#define CPUID_1_EDX_DS	  (1u << 21)
#define CPUID_1_EDX_ACPI  (1u << 22)
#define CPUID_1_EDX_MMX	  (1u << 23)
#define CPUID_1_EDX_FXSR  (1u << 24)
#define CPUID_1_EDX_SSE	  (1u << 25)
#define CPUID_1_EDX_SSE2  (1u << 26)
#define CPUID_1_EDX_SS	  (1u << 27)
#define CPUID_1_EDX_HTT	  (1u << 28)
#define CPUID_1_EDX_TM	  (1u << 29)
#define CPUID_1_EDX_PBE	  (1u << 31)

#define CPUID_5_ECX_EXTENSIONS (1u << 0)

#define CPUID_6_EAX_ARAT (1u << 2)

#define CPUID_7_EBX_FSGSBASE   (1u << 0)
#define CPUID_7_EBX_TSC_ADJUST (1u << 1)
#define CPUID_7_EBX_SGX	       (1u << 2)
#define CPUID_7_EBX_BMI1       (1u << 3)
#define CPUID_7_EBX_HLE	       (1u << 4)
#define CPUID_7_EBX_AVX2       (1u << 5)
#define CPUID_7_EBX_SMEP       (1u << 7)
#define CPUID_7_EBX_BMI2       (1u << 8)
#define CPUID_7_EBX_ERMS       (1u << 9)
#define CPUID_7_EBX_INVPCID    (1u << 10)
#define CPUID_7_EBX_RTM	       (1u << 11)
#define CPUID_7_EBX_MPX	       (1u << 14)
#define CPUID_7_EBX_AVX512F    (1u << 16)
#define CPUID_7_EBX_RDSEED     (1u << 18)
#define CPUID_7_EBX_SMAP       (1u << 20)
#define CPUID_7_EBX_CLFLUSHOPT (1u << 23)
#define CPUID_7_EBX_CLWB       (1u << 24)
#define CPUID_7_EBX_PT	       (1u << 25)
#define CPUID_7_EBX_SHA	       (1u << 29)

#define CPUID_7_ECX_UMIP   (1u << 2)
#define CPUID_7_ECX_PKU	   (1u << 3)
#define CPUID_7_ECX_OSPKE  (1u << 4)
#define CPUID_7_ECX_WAITPKG (1u << 5)
#define CPUID_7_ECX_CET_SS (1u << 7)
#define CPUID_7_ECX_LA57   (1u << 16)
#define CPUID_7_ECX_RDPID  (1u << 22)
#define CPUID_7_ECX_PKS	   (1u << 31)

#define CPUID_7_EDX_CET_IBT	      (1u << 20)
#define CPUID_7_EDX_IBRS	      (1u << 26)
#define CPUID_7_EDX_STIBP	      (1u << 27)
#define CPUID_7_EDX_L1D_FLUSH	      (1u << 28)
#define CPUID_7_EDX_ARCH_CAPABILITIES (1u << 29)
#define CPUID_7_EDX_SSBD	      (1u << 31)

#define CPUID_D_1_EAX_XSAVEOPT (1u << 0)
#define CPUID_D_1_EAX_XSAVEC   (1u << 1)
#define CPUID_D_1_EAX_XGETBV1  (1u << 2)
#define CPUID_D_1_EAX_XSAVES   (1u << 3)

/* KVM's (Linux: Documentation/virt/kvm/x86/cpuid.rst) */
#define CPUID_KVM_FEATURES_EAX_NOP_IO_DELAY	  (1u << 1)
#define CPUID_KVM_FEATURES_EAX_CLOCKSOURCE2	  (1u << 3)
#define CPUID_KVM_FEATURES_EAX_PV_EOI		  (1u << 6)
#define CPUID_KVM_FEATURES_EAX_CLOCKSOURCE_STABLE (1u << 24)

#define CPUID_80000001_ECX_LAHF	     (1u << 0)
#define CPUID_80000001_ECX_SVM	     (1u << 2)
#define CPUID_80000001_ECX_ALTMOVCR8 (1u << 4)
#define CPUID_80000001_ECX_LZCNT     (1u << 5)
#define CPUID_80000001_ECX_SKINIT    (1u << 12)

#define CPUID_80000001_EDX_SYSCALL (1u << 11)
#define CPUID_80000001_EDX_NX	   (1u << 20)
#define CPUID_80000001_EDX_FFXSR   (1u << 25)
#define CPUID_80000001_EDX_PAGE1GB (1u << 26)
#define CPUID_80000001_EDX_RDTSCP  (1u << 27)
#define CPUID_80000001_EDX_LM	   (1u << 29)

#define CPUID_80000007_EDX_INVARIANT_TSC (1u << 8)

#define CPUID_8000000A_EDX_NP		   (1u << 0)
#define CPUID_8000000A_EDX_LBRVIRT	   (1u << 1)
#define CPUID_8000000A_EDX_SVML		   (1u << 2)
#define CPUID_8000000A_EDX_NRIPS	   (1u << 3)
#define CPUID_8000000A_EDX_TSCRATEMSR	   (1u << 4)
#define CPUID_8000000A_EDX_VMCBCLEAN	   (1u << 5)
#define CPUID_8000000A_EDX_FLUSHBYASID	   (1u << 6)
#define CPUID_8000000A_EDX_DECODEASSISTS   (1u << 7)
#define CPUID_8000000A_EDX_PAUSEFILTER	   (1u << 10)
#define CPUID_8000000A_EDX_PAUSEFILTERTHRESHOLD (1u << 12)
#define CPUID_8000000A_EDX_AVIC		   (1u << 13)
#define CPUID_8000000A_EDX_VMSAVEVIRT	   (1u << 15)
#define CPUID_8000000A_EDX_VGIF		   (1u << 16)

#endif
