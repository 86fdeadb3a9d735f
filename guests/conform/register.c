/* SPDX-License-Identifier: BSD-2-Clause */
/* CPUID's leaves and the model-specific registers: those of the lists, and some that there aren't. */
#include "guests/conform/conform.h"

#include "guests/attack/machine.h"
#include "lib/x86/guest_cpuid.h"
#include "lib/x86/guest_msr.h"

#define SUBLEAVES 4u
#define RANGE_MAX 16u /**< of a range of MSRs, its first ones and the last */
#define X2APIC_FIRST 0x800u
#define X2APIC_LAST  0x8ffu

/* ------------------------------------------------------------------------------------------- CPUID */

static void leaf_do(uint32_t leaf, uint32_t subleaf)
{
	const struct cpuid_regs r = cpuid_count(leaf, subleaf);

	step("cpuid.%x.%x", leaf, subleaf);
	value("%x %x %x %x", r.eax, r.ebx, r.ecx, r.edx);
	step_end();
}

static void leaves(void)
{
	static const uint32_t more[] = {0x25, 0x3fffffff, 0x40000002, 0x40000102, 0x4fffffff, 0x80000009,
					0x8000000a, 0x8000001e, 0x8fffffff, 0xc0000000, 0xffffffff};
	static const uint32_t ranges[][2] = {
#define ROW(first, last, how, name, why) {first, last},
		GUEST_CPUID_LEAVES(ROW)
#undef ROW
	};

	for (unsigned i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		for (uint32_t leaf = ranges[i][0]; leaf <= ranges[i][1]; leaf++)
			leaf_do(leaf, 0);
	for (uint32_t subleaf = 1; subleaf < SUBLEAVES; subleaf++) {
		leaf_do(4, subleaf);
		leaf_do(7, subleaf);
		leaf_do(0xb, subleaf);
		leaf_do(0xd, subleaf);
	}
	for (unsigned i = 0; i < sizeof(more) / sizeof(more[0]); i++)
		leaf_do(more[i], 0);
}

/* -------------------------------------------------------------------------------------------- MSRs */

static uint64_t data;
static uint32_t number;

static void msr_read(uint64_t arg)
{
	(void)arg;
	data = rdmsr(number);
}

static void msr_write(uint64_t what)
{
	wrmsr(number, what);
}

/** Counts by itself, or is an interrupt's: read only, or not shown. */
static bool counts(uint32_t msr)
{
	return msr == IA32_TIME_STAMP_COUNTER || msr == IA32_TSC_DEADLINE;
}

/** @return false for those that must not be tried with all ones: the guest would have no stack, no traps. */
static bool may_write(uint32_t msr)
{
	return msr != IA32_EFER && !counts(msr);
}

/** Addresses of memory that is written to then, and physical address 0 is one. */
static bool is_kvm_clock(uint32_t msr)
{
	return msr == 0x4b564d00 || msr == 0x4b564d01;
}

static void msr_do(uint32_t msr)
{
	number = msr;
	step("msr.%x", msr);
	const bool there = value_try(msr_read, 0);

	if (there && counts(msr))
		value_volatile();
	else if (there)
		value("%lx", data);
	step_end();
	const uint64_t before = data;

	if (!may_write(msr) || is_kvm_clock(msr))
		return;
	step("msr.%x.write", msr);
	if (value_try(msr_write, 0))
		value("0");
	if (value_try(msr_write, UINT64_MAX))
		value("ones");
	if (value_try(msr_write, 6))
		value("6");
	if (there && value_try(msr_write, before) && value_try(msr_read, 0))
		value("%lx", data);
	step_end();
	machine_restore();
}

static void msrs(void)
{
	static const uint32_t more[] = {0x2, 0x9f, 0x1b0, 0x3f6, 0x6ff, 0xfff, 0x1fff, 0x40000000, 0x40000001,
					0x40000020, 0x40000073, 0x4b564d02, 0x4b564d03, 0x4b564d05, 0xbfffffff,
					0xc0000085, 0xc00000e7, 0xc0001fff, 0xc001001a, 0xc0010058, 0xc0010111,
					0xc0010116, 0xc0010140, 0xc0011029, 0xffffffff};
	static const uint32_t ranges[][2] = {
#define ROW(first, last, cpus, access, handler, name, why) {first, last},
		GUEST_MSRS(ROW)
#undef ROW
	};

	for (unsigned i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		if (ranges[i][0] == X2APIC_FIRST)
			continue;
		for (uint32_t msr = ranges[i][0]; msr <= ranges[i][1]; msr++)
			if (msr - ranges[i][0] < RANGE_MAX || msr == ranges[i][1])
				msr_do(msr);
	}
	for (unsigned i = 0; i < sizeof(more) / sizeof(more[0]); i++)
		msr_do(more[i]);
}

/* ----------------------------------------------------------------------------------- local APIC */

/** A register of the local APIC in x2APIC mode; its time runs in two of them. */
static void x2apic_do(uint32_t msr)
{
	number = msr;
	step("x2apic.%x", msr);
	if (value_try(msr_read, 0))
		value("%lx", data);
	step_end();
	if (msr >= 0x830 && msr <= 0x831)
		return; /* sends */
	step("x2apic.%x.write", msr);
	const uint64_t before = data;

	if (value_try(msr_write, UINT64_MAX))
		value("ones");
	if (value_try(msr_write, 0x10000)) {
		value("masked");
		if (value_try(msr_read, 0))
			value("%lx", data);
		value_try(msr_write, before);
	}
	step_end();
}

static void base_do(const char *name, uint64_t base)
{
	step("apic-base.%s", name);
	number = IA32_APIC_BASE;
	if (value_try(msr_write, base) && value_try(msr_read, 0))
		value("%lx", data);
	step_end();
}

/** Not registers, where KVM gives what happens to lie in its memory; and the timer's count. */
static bool xapic_varies(unsigned at)
{
	const unsigned n = at >> 4;

	return n < 2 || (n >= 4 && n < 8) || n == 0xb || n == 0xc || (n > 0x28 && n < 0x30) || n == 0x39 ||
	       (n > 0x39 && n < 0x3e) || n == 0x3f;
}

static void local_apic(void)
{
	const uint64_t base = rdmsr(IA32_APIC_BASE) & ~(APIC_BASE_EN | APIC_BASE_EXTD);
	volatile uint32_t *const page = (volatile uint32_t *)(uintptr_t)(base & APIC_BASE_ADDR_MASK);

	for (unsigned at = 0; at < 0x400; at += 0x10) {
		step("xapic.%x", at);
		(void)page[at / 4];
		if (xapic_varies(at))
			value_volatile();
		else
			value("%x", page[at / 4]);
		step_end();
	}
	base_do("reserved", base | APIC_BASE_EN | 1);
	base_do("too-far", base | APIC_BASE_EN | X86_U64(1) << 52);
	base_do("invalid", base | APIC_BASE_EXTD);
	base_do("off", base);
	base_do("off-x2apic", base | APIC_BASE_EXTD | APIC_BASE_EN);
	base_do("on", base | APIC_BASE_EN);
	base_do("x2apic", base | APIC_BASE_EN | APIC_BASE_EXTD);
	base_do("back", base | APIC_BASE_EN);
	for (uint32_t msr = X2APIC_FIRST; msr <= X2APIC_FIRST + 0x40; msr++)
		x2apic_do(msr);
	x2apic_do(X2APIC_LAST);
}

void conform_registers(void)
{
	leaves();
	msrs();
	local_apic();
	machine_restore();
}
