/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers of the processor and what CPUID says about it. */
#include "guests/dummy/clock.h"
#include "guests/dummy/rt.h"
#include "guests/dummy/test.h"
#include "lib/x86/cpu.h"
#include "lib/x86/cpuid.h"

static bool cpuid_good(void)
{
	struct cpuid_regs vendor = cpuid(CPUID_VENDOR), version = cpuid(CPUID_VERSION);
	struct cpuid_regs again = cpuid(CPUID_VERSION);

	CHECK(vendor.eax >= 1 && vendor.eax < 0x1000);
	CHECK(version.eax == again.eax && version.edx == again.edx);
	/* what any 64-bit processor has */
	CHECK((version.edx & CPUID_1_EDX_PAE) != 0 && (version.edx & CPUID_1_EDX_MSR) != 0);
	CHECK((version.edx & CPUID_1_EDX_SSE2) != 0 && (version.edx & CPUID_1_EDX_FXSR) != 0);
	CHECK((cpuid(CPUID_EXT_FEATURES).edx & CPUID_80000001_EDX_LM) != 0);
	CHECK(cpu_features.physical_bits >= 32 && cpu_features.physical_bits <= 52);
	return true;
}

/* Bits of CPUID that show a control register must follow it. */
static bool cpuid_follows_cr4(void)
{
	uint64_t cr4 = read_cr4();

	CHECK((cpuid(CPUID_VERSION).ecx & CPUID_1_ECX_OSXSAVE) != 0);
	write_cr4(cr4 & ~CR4_OSXSAVE);
	uint32_t without = cpuid(CPUID_VERSION).ecx;
	write_cr4(cr4);
	CHECK((without & CPUID_1_ECX_OSXSAVE) == 0);
	CHECK((cpuid(CPUID_VERSION).ecx & CPUID_1_ECX_OSXSAVE) != 0);
	CHECK((xgetbv(0) & (XCR0_X87 | XCR0_SSE)) == (XCR0_X87 | XCR0_SSE));
	CHECK(((xgetbv(0) & XCR0_AVX) != 0) == cpu_features.avx);
	return true;
}

static const char *without_xsave(void)
{
	return cpu_features.xsave ? NULL : "the CPU has no XSAVE";
}

static bool control_registers_good(void)
{
	CHECK((read_cr0() & (CR0_PG | CR0_PE | CR0_WP | CR0_NE)) ==
	      (CR0_PG | CR0_PE | CR0_WP | CR0_NE));
	CHECK((read_cr4() & (CR4_PAE | CR4_OSFXSR)) == (CR4_PAE | CR4_OSFXSR));
	CHECK((rdmsr(IA32_EFER) & (EFER_LME | EFER_LMA)) == (EFER_LME | EFER_LMA));
	CHECK((read_cr3() & PTE_ADDR_MASK) == paging_kernel_root());
	write_cr2(0x123456789abcdef0);
	CHECK(read_cr2() == 0x123456789abcdef0);
	write_cr8(5);
	CHECK(read_cr8() == 5);
	write_cr8(0);
	CHECK(read_cr8() == 0);
	return true;
}

static bool msr_keeps(uint32_t msr, uint64_t value)
{
	uint64_t kept = rdmsr(msr);

	wrmsr(msr, value);
	uint64_t got = rdmsr(msr);
	wrmsr(msr, kept);
	return got == value && rdmsr(msr) == kept;
}

static bool msrs_good(void)
{
	CHECK(msr_keeps(IA32_FS_BASE, 0x00007fff12345678));
	CHECK(msr_keeps(IA32_GS_BASE, 0xffff800012345678));
	CHECK(msr_keeps(IA32_KERNEL_GS_BASE, 0x0000123412345678));
	CHECK(msr_keeps(IA32_STAR, 0x0013000800000000));
	CHECK(msr_keeps(IA32_SYSENTER_EIP, 0xffff800000001000));
	CHECK(msr_keeps(IA32_PAT, IA32_PAT_RESET));
	return true;
}

static bool tsc_advances(void)
{
	uint64_t last = rdtsc();

	for (unsigned i = 0; i < 1000; i++) {
		uint64_t now = rdtsc_ordered();

		CHECK(now > last);
		last = now;
	}
	CHECK(clock_hz() > 1000000);
	return true;
}

static void use_sse(uint64_t arg)
{
	__asm__ volatile("movq %0, %%xmm0" : : "r"(arg));
}

static void use_x87(uint64_t arg)
{
	(void)arg;
	__asm__ volatile("fld1; fstp %st(0)");
}

static bool task_switched_flag(void)
{
	struct fault sse = {0}, x87 = {0};

	write_cr0(read_cr0() | CR0_TS);
	bool both = try_call(use_sse, 1, &sse) && try_call(use_x87, 1, &x87);
	clts();
	CHECK(both);
	CHECK(sse.vector == X86_NM && x87.vector == X86_NM);
	CHECK((read_cr0() & CR0_TS) == 0);
	CHECK(!try_call(use_sse, 1, NULL));
	return true;
}

const struct test tests_cpu[] = {
	{"cpuid", cpuid_good, NULL},
	{"cpuid-follows-cr4", cpuid_follows_cr4, without_xsave},
	{"control-registers", control_registers_good, NULL},
	{"msr", msrs_good, NULL},
	{"tsc", tsc_advances, NULL},
	{"task-switched-flag", task_switched_flag, NULL},
	{NULL, NULL, NULL},
};
