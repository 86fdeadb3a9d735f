/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file cpuid.c
 * A guest that prints what it sees of its CPU: every CPUID leaf that isn't all zero, and every model-specific
 * register that can be read. On a bare machine it prints what the CPU has. tests/cpuid.py compares.
 *
 *     cpuid LEAF SUBLEAF EAX EBX ECX EDX
 *     msr FIRST LAST
 */
#include "guests/dummy/rt.h"
#include "lib/x86/cpu.h"
#include "lib/x86/cpuid.h"

#define LEAVES	 0x40u /**< of each range */
#define SUBLEAVES 10u

/** Leaves that have subleaves (SDM vol. 2, CPUID; APM vol. 3, appendix E); others ignore ECX. */
static bool has_subleaves(uint32_t leaf)
{
	return leaf == 4 || leaf == 7 || leaf == 0xb || leaf == 0xd || (leaf >= 0xf && leaf < 0x15) ||
	       (leaf >= 0x17 && leaf < LEAVES) || leaf == 0x8000001d;
}

static void print_leaf(uint32_t leaf, uint32_t subleaf)
{
	const struct cpuid_regs r = cpuid_count(leaf, subleaf);

	if ((r.eax | r.ebx | r.ecx | r.edx) != 0)
		print("cpuid %08x %u %08x %08x %08x %08x\n", leaf, subleaf, r.eax, r.ebx,
			       r.ecx, r.edx);
}

/** All of a range of leaves: also those above the highest that the CPU names, where Intel's repeat another. */
static void print_range(uint32_t first, bool beyond)
{
	const uint32_t highest = cpuid(first).eax;

	for (uint32_t leaf = first; leaf < first + LEAVES; leaf++) {
		const uint32_t count = has_subleaves(leaf) ? SUBLEAVES : 1;

		if (leaf > highest && !beyond)
			return;
		for (uint32_t subleaf = 0; subleaf < count; subleaf++)
			print_leaf(leaf, subleaf);
	}
}

static void read_msr(uint64_t msr)
{
	rdmsr((uint32_t)msr);
}

static void print_msrs(uint32_t first, uint32_t count)
{
	uint32_t start = 0;
	bool run = false;

	for (uint32_t i = 0; i <= count; i++) {
		const bool there = i < count && !try_call(read_msr, first + i, NULL);

		if (there && !run)
			start = first + i;
		if (!there && run)
			print("msr %08x %08x\n", start, first + i - 1);
		run = there;
	}
}

void guest_main(const struct boot_info *boot)
{
	const bool vm = (cpuid(CPUID_VERSION).ecx & CPUID_1_ECX_HYPERVISOR) != 0 &&
			!cmdline_flag("bare");

	(void)boot;
	print_range(0, vm);
	if (vm) {
		print_range(CPUID_HYPERVISOR, true);
		print_range(CPUID_KVM, true);
	}
	print_range(CPUID_EXT_MAX, vm);
	if (!vm)
		return;
	print_msrs(0, 0x2000);
	print_msrs(0x4b564d00, 0x10);
	print_msrs(0xc0000000, 0x2000);
	print_msrs(0xc0010000, 0x2000);
	/* with the local APIC as the registers of x2APIC */
	wrmsr(IA32_APIC_BASE, rdmsr(IA32_APIC_BASE) | APIC_BASE_EXTD);
	print_msrs(IA32_X2APIC_FIRST, 0x100);
}
