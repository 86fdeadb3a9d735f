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

/** The way to HyPike, as pv_init() found it. */
struct pv {
	bool vmmcall;
};

static inline void pv_x86_cpuid(uint32_t leaf, uint32_t regs[4])
{
	__asm__ volatile("cpuid"
			 : "=a"(regs[0]), "=b"(regs[1]), "=c"(regs[2]), "=d"(regs[3])
			 : "a"(leaf), "c"(0));
}

/** @return whether the guest runs on HyPike. */
static inline bool pv_init(struct pv *pv)
{
	uint32_t regs[4];

	pv_x86_cpuid(1, regs);
	if ((regs[2] >> 31) == 0)
		return false;
	pv_x86_cpuid(PV_X86_LEAF, regs);
	if (regs[1] != PV_X86_SIGNATURE_EBX || regs[2] != PV_X86_SIGNATURE_ECX ||
	    regs[3] != PV_X86_SIGNATURE_EDX)
		return false;
	pv_x86_cpuid(PV_X86_LEAF + 1, regs);
	pv->vmmcall = (regs[1] & PV_X86_USE_VMMCALL) != 0;
	return true;
}

/** A hypercall by the way that pv_init() found. */
static inline int64_t pv_call(const struct pv *pv, uint64_t number, uint64_t a, uint64_t b,
			      uint64_t c, uint64_t d)
{
	return pv_x86_call(pv->vmmcall, number, a, b, c, d);
}

#endif
