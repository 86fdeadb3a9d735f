/* SPDX-License-Identifier: BSD-2-Clause */
/* Reserved bits and impossible combinations in control and debug registers, XCR0 and EFER. */
#include "guests/attack/act.h"
#include "guests/attack/machine.h"

#include "lib/x86/cpuid.h"

static void set_cr0(uint64_t value)
{
	write_cr0(value);
}

static void set_cr3(uint64_t value)
{
	write_cr3(value);
}

static void set_cr4(uint64_t value)
{
	write_cr4(value);
}

static void set_cr8(uint64_t value)
{
	write_cr8(value);
}

static void set_efer(uint64_t value)
{
	wrmsr(IA32_EFER, value);
}

static void set_xcr0(uint64_t value)
{
	xsetbv(0, value);
}

static void set_xcr(uint64_t number)
{
	xsetbv((uint32_t)number, XCR0_X87);
}

static void set_dr6(uint64_t value)
{
	write_dr6(value);
}

static void set_dr7(uint64_t value)
{
	write_dr7(value);
}

/** Each high bit alone is #GP; QEMU's TCG drops them before anyone can look. */
static void cr0_high_bits(uint64_t arg)
{
	const uint64_t before = read_cr0();

	(void)arg;
	for (unsigned bit = 32; bit < 64; bit++) {
		const uint64_t outcome = act_try(set_cr0, before | X86_U64(1) << bit);

		if (outcome != OUT_GP && !(machine.tcg && outcome == OUT_DONE))
			act_fails("CR0 bit %u: outcome %lx", bit, outcome);
		ACT_CHECK(read_cr0() == before);
	}
}

static void cr0_pe_off(uint64_t arg)
{
	(void)arg;
	write_cr0(read_cr0() & ~CR0_PE);
}

static void cr0_pg_off(uint64_t arg)
{
	(void)arg;
	write_cr0(read_cr0() & ~CR0_PG);
}

static void cr0_nw(uint64_t arg)
{
	(void)arg;
	write_cr0((read_cr0() & ~CR0_CD) | CR0_NW);
}

/** Caching off in the guest: allowed, without effect on the host. */
static void cr0_cd_nw(uint64_t arg)
{
	(void)arg;
	write_cr0(read_cr0() | CR0_CD | CR0_NW);
	ACT_CHECK((read_cr0() & (CR0_CD | CR0_NW)) == (CR0_CD | CR0_NW));
	wbinvd();
	write_cr0(read_cr0() & ~(CR0_CD | CR0_NW));
	ACT_CHECK((read_cr0() & (CR0_CD | CR0_NW)) == 0);
}

/** Bits that CR4 has when CPUID says so; a VM is never shown those without an entry. */
static bool cr4_bit_exists(unsigned bit)
{
	const uint32_t ebx = cpuid(CPUID_FEATURES).ebx, ecx = cpuid(CPUID_FEATURES).ecx;

	switch (X86_U64(1) << bit) {
	case CR4_UMIP:
		return (ecx & CPUID_7_ECX_UMIP) != 0;
	case CR4_FSGSBASE:
		return (ebx & CPUID_7_EBX_FSGSBASE) != 0;
	case CR4_PCIDE:
		return (cpuid(CPUID_VERSION).ecx & CPUID_1_ECX_PCID) != 0;
	case CR4_OSXSAVE:
		return cpu_features.xsave;
	case CR4_SMEP:
		return (ebx & CPUID_7_EBX_SMEP) != 0;
	case CR4_SMAP:
		return (ebx & CPUID_7_EBX_SMAP) != 0;
	default:
		return bit < 11;
	}
}

static void cr4_reserved_bits(uint64_t arg)
{
	(void)arg;
	for (unsigned bit = 11; bit < 64; bit++) {
		if (cr4_bit_exists(bit))
			continue;
		if (act_try(set_cr4, read_cr4() | X86_U64(1) << bit) != OUT_GP)
			act_fails("CR4 bit %u can be set", bit);
	}
}

static void cr4_pae_off(uint64_t arg)
{
	(void)arg;
	write_cr4(read_cr4() & ~CR4_PAE);
}

static void cr4_pcide(uint64_t arg)
{
	(void)arg;
	write_cr3(paging_kernel_root() | CR3_PCD);
	write_cr4(read_cr4() | CR4_PCIDE);
}

/** PCIDE with CR3[11:0] zero works; paging off with PCIDE set does not. */
static void pcide_then_no_paging(uint64_t arg)
{
	(void)arg;
	write_cr4(read_cr4() | CR4_PCIDE);
	write_cr0(read_cr0() & ~CR0_PG);
}

static const char *unless_pcid(void)
{
	return (cpuid(CPUID_VERSION).ecx & CPUID_1_ECX_PCID) != 0 ? NULL : "the CPU has no PCID";
}

static void cr3_high_bits(uint64_t arg)
{
	(void)arg;
	for (unsigned bit = cpu_features.physical_bits; bit < 63; bit++) {
		if (act_try(set_cr3, paging_kernel_root() | X86_U64(1) << bit) != OUT_GP)
			act_fails("CR3 bit %u can be set", bit);
	}
}

static void cr8_large(uint64_t arg)
{
	(void)arg;
	for (uint64_t value = 16; value != 0; value <<= 1)
		ACT_CHECK(act_try(set_cr8, value) == OUT_GP);
	for (uint64_t value = 0; value < 16; value++) {
		write_cr8(value);
		ACT_CHECK(read_cr8() == value);
	}
}

static void efer_reserved_bits(uint64_t arg)
{
	const uint64_t known = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;

	(void)arg;
	for (unsigned bit = 0; bit < 64; bit++) {
		if ((known & X86_U64(1) << bit) != 0)
			continue;
		if (act_try(set_efer, rdmsr(IA32_EFER) | X86_U64(1) << bit) != OUT_GP)
			act_fails("EFER bit %u can be set", bit);
	}
}

static void efer_lme_off(uint64_t arg)
{
	(void)arg;
	wrmsr(IA32_EFER, rdmsr(IA32_EFER) & ~EFER_LME);
}

/** LMA is not written, but ignored. */
static void efer_lma(uint64_t arg)
{
	(void)arg;
	act_try(set_efer, rdmsr(IA32_EFER) & ~EFER_LMA);
	ACT_CHECK((rdmsr(IA32_EFER) & EFER_LMA) != 0);
}

/** Every component without x87, AVX without SSE, halves of AVX-512, of MPX, bits that don't exist. */
static void xcr0_garbage(uint64_t arg)
{
	static const uint64_t bad[] = {
		0,
		XCR0_SSE,
		XCR0_X87 | XCR0_AVX,
		XCR0_X87 | XCR0_SSE | XCR0_BNDREG,
		XCR0_X87 | XCR0_SSE | XCR0_AVX | XCR0_OPMASK,
		XCR0_X87 | XCR0_SSE | X86_U64(0x100),
		X86_U64(0x8000000000000003),
		X86_U64(0xffffffffffffffff),
	};

	(void)arg;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (act_try(set_xcr0, bad[i]) != OUT_GP)
			act_fails("XCR0 takes %lx", bad[i]);
	}
	for (uint64_t number = 1; number != 0; number = number << 1 & UINT32_MAX)
		ACT_CHECK(act_try(set_xcr, number) == OUT_GP);
}

/** Less than what was in use, and back: the rest is in its initial state, no other's values show. */
static void xcr0_shrinks(uint64_t arg)
{
	const uint64_t all = xgetbv(0);

	(void)arg;
	for (unsigned i = 0; i < 20; i++) {
		xsetbv(0, XCR0_X87);
		ACT_CHECK(xgetbv(0) == XCR0_X87);
		__asm__ volatile("fninit");
		xsetbv(0, all);
		ACT_CHECK(xgetbv(0) == all);
	}
}

static uint64_t user_xsetbv(uint64_t value)
{
	__asm__ volatile("xsetbv" : : "a"((uint32_t)value), "d"(0), "c"(0));
	return value;
}

static void xsetbv_disabled(uint64_t arg)
{
	(void)arg;
	write_cr4(read_cr4() & ~CR4_OSXSAVE);
	xsetbv(0, XCR0_X87);
}

static void dr_high_bits(uint64_t arg)
{
	(void)arg;
	for (unsigned bit = 32; bit < 64; bit++) {
		ACT_CHECK(act_try(set_dr6, DR6_FIXED1 | X86_U64(1) << bit) == OUT_GP);
		ACT_CHECK(act_try(set_dr7, DR7_FIXED1 | X86_U64(1) << bit) == OUT_GP);
	}
}

/** Reserved low bits read as what they are. */
static void dr_fixed_bits(uint64_t arg)
{
	(void)arg;
	write_dr6(0);
	ACT_CHECK((read_dr6() & DR6_FIXED1) == DR6_FIXED1);
	write_dr7(X86_U64(0x0000d000));
	ACT_CHECK((read_dr7() & X86_U64(0xd400)) == DR7_FIXED1);
}

ACT_ASM(read_dr4, "mov %%db4, %%rax")
ACT_ASM(write_dr5, "mov %%rdi, %%db5")
ACT_ASM(read_cr1, ".byte 0x0f, 0x20, 0xc8")
ACT_ASM(write_cr5, ".byte 0x0f, 0x22, 0xe8")
ACT_ASM(write_cr15, ".byte 0x44, 0x0f, 0x22, 0xf8")

static void general_detect(uint64_t arg)
{
	(void)arg;
	write_dr7(DR7_FIXED1 | DR7_GD);
	read_dr0();
}

static uint64_t user_mov_cr(uint64_t value)
{
	__asm__ volatile("mov %0, %%cr3" : : "r"(value) : "memory");
	return value;
}

static uint64_t user_mov_dr(uint64_t value)
{
	__asm__ volatile("mov %0, %%db7" : : "r"(value) : "memory");
	return value;
}

static uint64_t user_clts(uint64_t value)
{
	__asm__ volatile("clts" : : : "memory");
	return value;
}

static uint64_t user_lmsw(uint64_t value)
{
	__asm__ volatile("lmsw %w0" : : "r"(value) : "memory");
	return value;
}

/** LMSW can't clear PE, whatever its operand. */
static void lmsw_keeps_pe(uint64_t arg)
{
	const uint64_t before = read_cr0();

	(void)arg;
	__asm__ volatile("lmsw %w0" : : "r"(0) : "memory");
	const uint64_t after = read_cr0();

	ACT_CHECK((after & (CR0_PE | CR0_PG)) == (CR0_PE | CR0_PG));
	ACT_CHECK((after & ~X86_U64(0xf)) == (before & ~X86_U64(0xf)));
}

const struct act acts_register[] = {
	{"cr0-high-bits", "CR0 bits 63 to 32", cr0_high_bits, 0, OUT_DONE, unless_hypike, NULL},
	{"cr0-pe-off", "CR0.PE cleared with PG set", cr0_pe_off, 0, OUT_GP, unless_bare_tcg, NULL},
	{"cr0-pg-off", "CR0.PG cleared in 64-bit mode", cr0_pg_off, 0, OUT_GP, unless_bare_tcg, NULL},
	{"cr0-nw", "CR0.NW without CD", cr0_nw, 0, OUT_GP, unless_bare_tcg, NULL},
	{"cr0-cd-nw", "CR0.CD and NW", cr0_cd_nw, 0, OUT_DONE, NULL, NULL},
	{"cr1", "MOV from CR1", read_cr1, 0, OUT_UD, NULL, NULL},
	{"cr5", "MOV to CR5", write_cr5, 0, OUT_UD, NULL, NULL},
	{"cr15", "MOV to CR15", write_cr15, 0, OUT_UD, NULL, NULL},
	{"cr3-high-bits", "CR3 beyond the physical address width", cr3_high_bits, 0, OUT_DONE,
	 unless_tcg, NULL},
	{"cr4-reserved-bits", "CR4 bits without a feature", cr4_reserved_bits, 0, OUT_DONE,
	 unless_hypike, NULL},
	{"cr4-pae-off", "CR4.PAE cleared in 64-bit mode", cr4_pae_off, 0, OUT_GP, unless_bare_tcg, NULL},
	{"cr4-pcide", "CR4.PCIDE with CR3[11:0] not zero", cr4_pcide, 0, OUT_GP, unless_pcid, NULL},
	{"pcide-no-paging", "CR0.PG cleared with PCIDE", pcide_then_no_paging, 0, OUT_GP,
	 unless_pcid, NULL},
	{"cr8-large", "CR8 above 15", cr8_large, 0, OUT_DONE, unless_tcg, NULL},
	{"efer-reserved-bits", "EFER bits without a feature", efer_reserved_bits, 0, OUT_DONE,
	 unless_hypike, NULL},
	{"efer-lme-off", "EFER.LME cleared with paging", efer_lme_off, 0, OUT_GP, unless_hypike,
	 NULL},
	{"efer-lma", "EFER.LMA cleared", efer_lma, 0, OUT_DONE, unless_hypike, NULL},
	{"xcr0-garbage", "XSETBV with impossible values", xcr0_garbage, 0, OUT_DONE, unless_xsave,
	 NULL},
	{"xcr0-shrinks", "XCR0 to and fro", xcr0_shrinks, 0, OUT_DONE, unless_xsave, NULL},
	{"xsetbv-ring3", "XSETBV in ring 3", NULL, 1, OUT_GP, unless_xsave, user_xsetbv},
	{"xsetbv-disabled", "XSETBV without CR4.OSXSAVE", xsetbv_disabled, 0, OUT_UD, unless_xsave,
	 NULL},
	{"dr-high-bits", "DR6 and DR7 bits 63 to 32", dr_high_bits, 0, OUT_DONE, unless_hypike,
	 NULL},
	{"dr-fixed-bits", "reserved bits of DR6 and DR7", dr_fixed_bits, 0, OUT_DONE, unless_tcg, NULL},
	{"dr4", "MOV from DR4 with CR4.DE", read_dr4, 0, OUT_UD, NULL, NULL},
	{"dr5", "MOV to DR5 with CR4.DE", write_dr5, 0, OUT_UD, NULL, NULL},
	{"general-detect", "MOV from DR0 with DR7.GD", general_detect, 0, OUT_DB, unless_tcg, NULL},
	{"mov-cr3-ring3", "MOV to CR3 in ring 3", NULL, 0x1000, OUT_GP, NULL, user_mov_cr},
	{"mov-dr7-ring3", "MOV to DR7 in ring 3", NULL, 0, OUT_GP, NULL, user_mov_dr},
	{"clts-ring3", "CLTS in ring 3", NULL, 0, OUT_GP, NULL, user_clts},
	{"lmsw-ring3", "LMSW in ring 3", NULL, 0, OUT_GP, NULL, user_lmsw},
	{"lmsw-keeps-pe", "LMSW with PE clear", lmsw_keeps_pe, 0, OUT_DONE, NULL, NULL},
	{NULL, NULL, NULL, 0, 0, NULL, NULL},
};
