/* SPDX-License-Identifier: BSD-2-Clause */
/** @file pv_x86.h The x86 transport of pv.h. */
#ifndef HYPIKE_PV_X86_H
#define HYPIKE_PV_X86_H

#include <hypike/pv.h>

/** First hypervisor leaf of CPUID: EBX, ECX, EDX spell "HyPikeHyPike", EAX is the highest leaf. */
#define PV_X86_LEAF	    0x40000000u
#define PV_X86_SIGNATURE_EBX 0x69507948u /* "HyPi" */
#define PV_X86_SIGNATURE_ECX 0x7948656bu /* "keHy" */
#define PV_X86_SIGNATURE_EDX 0x656b6950u /* "Pike" */

/** Leaf PV_X86_LEAF + 1, EAX: PV_VERSION; EBX: these. */
#define PV_X86_USE_VMMCALL 1u /**< hypercalls by VMMCALL; otherwise VMCALL */
/** Leaf PV_X86_LEAF + 10h: EAX is the TSC's frequency in kHz, EBX that of the local APIC timer. */
#define PV_X86_TIMING_LEAF 0x40000010u

/** One hypercall. @param vmmcall PV_X86_USE_VMMCALL was set. */
static inline int64_t pv_x86_call(bool vmmcall, uint64_t number, uint64_t a, uint64_t b, uint64_t c,
				  uint64_t d)
{
	int64_t result;

	if (vmmcall)
		__asm__ volatile("vmmcall"
				 : "=a"(result)
				 : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d)
				 : "memory");
	else
		__asm__ volatile("vmcall"
				 : "=a"(result)
				 : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d)
				 : "memory");
	return result;
}

#endif
