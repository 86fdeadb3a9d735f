/* SPDX-License-Identifier: BSD-2-Clause */
/* Control registers bit by bit, XCR0, EFER, debug registers. */
#include "guests/conform/conform.h"

#include "guests/attack/machine.h"

#define BITS	  64u
#define CR3_FLAGS 12u /**< above is the address of the tables in use */

static uint64_t before, found;

#define TOGGLE(reg)                                                                                \
	static void toggle_##reg(uint64_t bits)                                                    \
	{                                                                                          \
		write_##reg(before ^ bits);                                                        \
		found = read_##reg();                                                              \
		write_##reg(before);                                                               \
	}

TOGGLE(cr0)
TOGGLE(cr4)
TOGGLE(cr8)
TOGGLE(dr6)

static void toggle_cr3(uint64_t bits)
{
	write_cr3(before ^ bits);
	found = read_cr3();
	write_cr3(before);
}

/** Without memory in between: pages that must not be executed are malformed without NXE. */
static void toggle_efer(uint64_t bits)
{
	const uint64_t to = before ^ bits;
	uint32_t low, high, eax = (uint32_t)to, edx = (uint32_t)(to >> 32);

	__asm__ volatile("wrmsr; rdmsr; mov %%eax, %0; mov %%edx, %1; mov %k4, %%eax; mov %k5, %%edx; wrmsr"
			 : "=&r"(low), "=&r"(high), "+a"(eax), "+d"(edx)
			 : "r"((uint32_t)before), "r"((uint32_t)(before >> 32)), "c"(IA32_EFER)
			 : "memory");
	found = (uint64_t)high << 32 | low;
}

/** Each bit the other way round. What can be kept shows as itself. */
static void bits_do(const char *name, uint64_t now, unsigned count, void (*toggle)(uint64_t bits))
{
	step("%s", name);
	value("%lx", now);
	step_end();
	before = now;
	for (unsigned bit = 0; bit < count; bit++) {
		if (toggle == toggle_efer && X86_U64(1) << bit == EFER_LMSLE)
			continue; /* KVM takes it, and on QEMU the guest is not heard of again */
		step("%s.%u", name, bit);
		if (value_try(toggle, X86_U64(1) << bit))
			value("%lx", found ^ before);
		step_end();
		machine_restore();
	}
}

static void cr0_combination(uint64_t bits)
{
	before = read_cr0();
	write_cr0(bits);
	found = read_cr0();
	write_cr0(before);
}

static void cr0_combinations(void)
{
	static const uint64_t bits[] = {CR0_CD, CR0_NW, CR0_CD | CR0_NW, CR0_TS | CR0_MP, CR0_EM | CR0_TS | CR0_MP};

	for (unsigned i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		step("cr0.with.%lx", bits[i]);
		if (value_try(cr0_combination, read_cr0() | bits[i]))
			value("%lx", found);
		step_end();
		machine_restore();
	}
}

/* -------------------------------------------------------------------------------------------- XCR0 */

static void xcr0_get(uint64_t which)
{
	found = xgetbv((uint32_t)which);
}

static void xcr0_set(uint64_t to)
{
	xsetbv(0, to);
	found = xgetbv(0);
}

static void xcr0_enable(uint64_t arg)
{
	(void)arg;
	write_cr4(read_cr4() | CR4_OSXSAVE);
	found = read_cr4() >> 18 & 1;
}

static void xcr0_do(void)
{
	static const uint64_t values[] = {1, 3, 7, 0, 2, 5, 0xb, 0x1b, 0xe7, 0x200, 0x100, X86_U64(1) << 63};

	step("xcr0.enable");
	if (value_try(xcr0_enable, 0))
		value("%lx", found);
	step_end();
	for (uint64_t which = 0; which < 3; which++) {
		step("xcr0.get.%lx", which);
		if (value_try(xcr0_get, which))
			value("%lx", found);
		step_end();
	}
	for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		step("xcr0.set.%lx", values[i]);
		if (value_try(xcr0_set, values[i]))
			value("%lx", found);
		step_end();
	}
	machine_restore();
}

/* ------------------------------------------------------------------------------- debug registers */

static void dr_addresses(uint64_t to)
{
	write_dr0(to);
	write_dr1(to + 1);
	write_dr2(to + 2);
	write_dr3(to + 3);
	found = read_dr0() ^ read_dr1() ^ read_dr2() ^ read_dr3();
}

static void dr7_set(uint64_t to)
{
	write_dr7(to);
	found = read_dr7();
	write_dr7(DR7_FIXED1);
}

static void dr4_get(uint64_t de)
{
	write_cr4(de ? read_cr4() | CR4_DE : read_cr4() & ~CR4_DE);
	__asm__ volatile("mov %%db4, %0" : "=r"(found));
}

static void guarded(uint64_t arg)
{
	(void)arg;
	write_dr7(DR7_FIXED1 | DR7_GD);
	found = read_dr0();
	write_dr7(DR7_FIXED1);
}

static void single_step(uint64_t arg)
{
	(void)arg;
	__asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq; nop; nop" : : : "memory", "cc");
}

/** Over an instruction that exits. */
static void step_over_exit(uint64_t arg)
{
	(void)arg;
	__asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq; cpuid; nop"
			 :
			 : "a"(0)
			 : "rbx", "rcx", "rdx", "memory", "cc");
}

static void icebp(uint64_t arg)
{
	(void)arg;
	__asm__ volatile(".byte 0xf1");
}

static volatile uint32_t watched;

static void watch(uint64_t dr7)
{
	write_dr0((uintptr_t)&watched);
	write_dr7(dr7);
	watched = 1;
	(void)watched;
	write_dr7(DR7_FIXED1);
}

static void trap_do(const char *name, void (*fn)(uint64_t arg), uint64_t arg)
{
	step("debug.%s", name);
	write_dr6(DR6_FIXED1);
	found = 0;
	if (value_try(fn, arg))
		value("%lx", found);
	value("%lx %lx", read_dr6(), read_dr7());
	step_end();
	machine_restore();
}

static void debug_do(void)
{
	bits_do("dr6", DR6_FIXED1, BITS, toggle_dr6);
	trap_do("addresses", dr_addresses, 0x1000);
	trap_do("non-canonical", dr_addresses, X86_U64(0x0000800000000000));
	for (unsigned bit = 0; bit < BITS; bit++) {
		if (bit == 13 || (bit >= 16 && bit < 32))
			continue; /* GD has a step of its own; what the others say is nothing without L and G */
		step("dr7.%u", bit);
		if (value_try(dr7_set, DR7_FIXED1 | X86_U64(1) << bit))
			value("%lx", found);
		step_end();
		machine_restore();
	}
	trap_do("dr4", dr4_get, 0);
	trap_do("dr4-de", dr4_get, 1);
	trap_do("gd", guarded, 0);
	trap_do("single-step", single_step, 0);
	trap_do("step-exit", step_over_exit, 0);
	trap_do("icebp", icebp, 0);
	trap_do("watch-write", watch, DR7_FIXED1 | DR7_L(0) | DR7_RW(0, 1) | DR7_LEN(0, 3));
	trap_do("watch-both", watch, DR7_FIXED1 | DR7_G(0) | DR7_RW(0, 3) | DR7_LEN(0, 3));
}

void conform_control(void)
{
	bits_do("cr0", read_cr0(), BITS, toggle_cr0);
	cr0_combinations();
	bits_do("cr3", read_cr3(), CR3_FLAGS, toggle_cr3);
	bits_do("cr4", read_cr4(), BITS, toggle_cr4);
	bits_do("cr8", read_cr8(), BITS, toggle_cr8);
	bits_do("efer", rdmsr(IA32_EFER), BITS, toggle_efer);
	xcr0_do();
	debug_do();
}
