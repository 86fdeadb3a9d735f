/* SPDX-License-Identifier: BSD-2-Clause */
/* Model-specific registers: each number in the ranges in use, and bad values for those that exist. */
#include "guests/attack/act.h"
#include "guests/attack/machine.h"

#define NON_CANONICAL X86_U64(0x0000800000000000)

struct msr_value {
	uint32_t msr;
	uint64_t value;
};

static void read_one(uint64_t msr)
{
	rdmsr((uint32_t)msr);
}

static void write_one(uint64_t pointer)
{
	const struct msr_value *const v = (const struct msr_value *)(uintptr_t)pointer;

	wrmsr(v->msr, v->value);
}

static uint64_t try_write(uint32_t msr, uint64_t value)
{
	const struct msr_value v = {msr, value};

	return act_try(write_one, (uintptr_t)&v);
}

/* A range, as first << 32 | count. */
#define RANGE(first, count) ((uint64_t)(first) << 32 | (count))

static void read_range(uint64_t range)
{
	const uint32_t first = (uint32_t)(range >> 32), count = (uint32_t)range;

	for (uint32_t i = 0; i < count; i++) {
		const uint64_t outcome = act_try(read_one, first + i);

		if (outcome != OUT_DONE && outcome != OUT_GP)
			act_fails("RDMSR %x: outcome %lx", first + i, outcome);
	}
}

/* What works is put back at once: a page attribute, a time or the local APIC. */
static void write_and_back(uint32_t msr, uint64_t value)
{
	const bool readable = act_try(read_one, msr) == OUT_DONE;
	const uint64_t before = readable ? rdmsr(msr) : 0;
	const uint64_t outcome = try_write(msr, value);

	if (outcome != OUT_DONE && outcome != OUT_GP)
		act_fails("WRMSR %x, %lx: outcome %lx", msr, value, outcome);
	if (outcome == OUT_DONE && readable)
		try_write(msr, before);
}

static void write_range(uint64_t range)
{
	static const uint64_t values[] = {0, X86_U64(0xffffffffffffffff), X86_U64(0xd34db33f12345678)};
	const uint32_t first = (uint32_t)(range >> 32), count = (uint32_t)range;

	for (uint32_t i = 0; i < count; i++) {
		for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++)
			write_and_back(first + i, values[v]);
		if (first + i == IA32_APIC_BASE)
			machine_restore();
	}
}

/** Where hardware has nothing: always #GP. */
static void absent_range(uint64_t range)
{
	const uint32_t first = (uint32_t)(range >> 32), count = (uint32_t)range;

	for (uint32_t i = 0; i < count; i++) {
		ACT_CHECK(act_try(read_one, first + i) == OUT_GP);
		ACT_CHECK(try_write(first + i, 0) == OUT_GP);
	}
}

/**
 * #GP on hardware. QEMU's TCG takes such values; then they have to read back as they are, in the guest's
 * registers alone.
 */
static void non_canonical(uint64_t arg)
{
	static const uint32_t msrs[] = {IA32_LSTAR,	   IA32_CSTAR,	      IA32_FS_BASE,
					IA32_GS_BASE,	   IA32_KERNEL_GS_BASE, IA32_SYSENTER_ESP,
					IA32_SYSENTER_EIP};

	(void)arg;
	for (size_t i = 0; i < sizeof(msrs) / sizeof(msrs[0]); i++) {
		const uint64_t outcome = try_write(msrs[i], NON_CANONICAL);

		if (outcome == OUT_DONE && rdmsr(msrs[i]) == NON_CANONICAL)
			continue;
		if (outcome != OUT_GP)
			act_fails("WRMSR %x: outcome %lx", msrs[i], outcome);
	}
}

static void pat_types(uint64_t arg)
{
	(void)arg;
	for (unsigned byte = 0; byte < 8; byte++) {
		for (uint64_t type = 0; type < 256; type = type < 8 ? type + 1 : type * 2) {
			const bool valid = type < 8 && type != 2 && type != 3;
			const uint64_t value = (IA32_PAT_RESET & ~(X86_U64(0xff) << 8 * byte)) |
					       type << 8 * byte;

			if (try_write(IA32_PAT, value) != (valid ? OUT_DONE : OUT_GP))
				act_fails("PAT %lx", value);
		}
	}
}

static void mtrr_types(uint64_t arg)
{
	static const struct msr_value bad[] = {
		{IA32_MTRR_DEF_TYPE, 2},
		{IA32_MTRR_DEF_TYPE, 0x1000 | X86_MT_WB},
		{IA32_MTRR_DEF_TYPE, X86_U64(1) << 63},
		{IA32_MTRR_PHYSBASE0, 7},
		{IA32_MTRR_PHYSBASE0, 0x100 | X86_MT_WB},
		{IA32_MTRR_PHYSBASE0, X86_U64(1) << 60},
		{IA32_MTRR_PHYSBASE0 + 1, X86_U64(1) << 60},
		{IA32_MTRR_PHYSBASE0 + 1, 0x400},
		{IA32_MTRR_FIX64K_00000, X86_U64(0x0202020202020202)},
		{IA32_MTRR_FIX4K_C0000, X86_U64(0x0600000000000003)},
		{IA32_MTRRCAP, 0},
	};

	(void)arg;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (try_write(bad[i].msr, bad[i].value) != OUT_GP)
			act_fails("MTRR %x takes %lx", bad[i].msr, bad[i].value);
	}
}

/** All memory uncached, by the guest's MTRRs: only the guest's own belief. */
static void mtrr_games(uint64_t arg)
{
	(void)arg;
	for (uint32_t i = 0; i < 8; i++) {
		wrmsr(IA32_MTRR_PHYSBASE0 + 2 * i, (uint64_t)i << 20 | X86_MT_UC);
		wrmsr(IA32_MTRR_PHYSBASE0 + 2 * i + 1, X86_U64(0xfff00000) | 0x800);
	}
	wrmsr(IA32_MTRR_DEF_TYPE, 0xc00 | X86_MT_UC);
	wbinvd();
	ACT_CHECK(rdmsr(IA32_MTRR_DEF_TYPE) == (0xc00 | X86_MT_UC));
	for (uint32_t i = 0; i < 8; i++)
		wrmsr(IA32_MTRR_PHYSBASE0 + 2 * i + 1, 0);
}

/** SDM vol. 3, figure 10-27: the ways that don't exist. */
static void apic_base(uint64_t arg)
{
	const uint64_t base = rdmsr(IA32_APIC_BASE) & ~(APIC_BASE_EN | APIC_BASE_EXTD);

	(void)arg;
	for (unsigned bit = 52; bit < 64; bit++)
		ACT_CHECK(try_write(IA32_APIC_BASE, base | APIC_BASE_EN | X86_U64(1) << bit) == OUT_GP);
	ACT_CHECK(try_write(IA32_APIC_BASE, base | APIC_BASE_EN | 1) == OUT_GP);
	ACT_CHECK(try_write(IA32_APIC_BASE, base | APIC_BASE_EXTD) == OUT_GP);
	wrmsr(IA32_APIC_BASE, base); /* disabled */
	ACT_CHECK(try_write(IA32_APIC_BASE, base | APIC_BASE_EN | APIC_BASE_EXTD) == OUT_GP);
	ACT_CHECK(act_try(read_one, 0x802) == OUT_GP);
	wrmsr(IA32_APIC_BASE, base | APIC_BASE_EN);
	wrmsr(IA32_APIC_BASE, base | APIC_BASE_EN | APIC_BASE_EXTD);
	ACT_CHECK(try_write(IA32_APIC_BASE, base | APIC_BASE_EN) == OUT_GP);
}

/** Every x2APIC register, with values of which no bit is reserved for all. No message leaves. */
static void x2apic_registers(uint64_t arg)
{
	static const uint64_t values[] = {X86_U64(0xffffffffffffffff), X86_U64(1) << 63, 0};
	const uint64_t base = rdmsr(IA32_APIC_BASE);

	(void)arg;
	wrmsr(IA32_APIC_BASE, base | APIC_BASE_EN | APIC_BASE_EXTD);
	for (uint32_t msr = IA32_X2APIC_FIRST; msr <= IA32_X2APIC_LAST; msr++) {
		const uint64_t outcome = act_try(read_one, msr);

		ACT_CHECK(outcome == OUT_DONE || outcome == OUT_GP);
		ACT_CHECK(msr < 0x840 || outcome == OUT_GP);
		for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
			if (msr == 0x830 && i != 0)
				continue;
			try_write(msr, values[i]);
		}
	}
}

static const char *unless_hypike_x2apic(void)
{
	if (!machine.hypike)
		return unless_hypike();
	return cpu_features.x2apic ? NULL : "the CPU has no x2APIC";
}

static uint64_t user_rdmsr(uint64_t msr)
{
	__asm__ volatile("rdmsr" : "+c"(msr) : : "rax", "rdx");
	return msr;
}

static uint64_t user_wrmsr(uint64_t msr)
{
	__asm__ volatile("wrmsr" : "+c"(msr) : "a"(0), "d"(0));
	return msr;
}

static void debugctl(uint64_t value)
{
	wrmsr(IA32_DEBUGCTL, value);
	ACT_CHECK(rdmsr(IA32_DEBUGCTL) == 0);
}

ACT_ASM(rdpmc, "xor %%ecx, %%ecx; rdpmc")

static uint64_t user_rdpmc(uint64_t counter)
{
	__asm__ volatile("rdpmc" : "+c"(counter) : : "rax", "rdx");
	return counter;
}

/** The guest's time is its own: far away and back. */
static void tsc_moves(uint64_t arg)
{
	const uint64_t before = rdtsc();

	(void)arg;
	wrmsr(IA32_TIME_STAMP_COUNTER, X86_U64(0xfffffff000000000));
	ACT_CHECK(rdtsc() >= X86_U64(0xfffffff000000000));
	wrmsr(IA32_TIME_STAMP_COUNTER, 0);
	ACT_CHECK(rdtsc() < X86_U64(0x100000000000));
	wrmsr(IA32_TIME_STAMP_COUNTER, before + 1000000);
}

const struct act acts_msr[] = {
	{"msr-read-low", "RDMSR 0 to 17FFh", read_range, RANGE(0, 0x1800), OUT_DONE, unless_hypike,
	 NULL},
	{"msr-read-amd", "RDMSR C0000000h and C0010000h", read_range, RANGE(0xc0000000, 0x400),
	 OUT_DONE, unless_hypike, NULL},
	{"msr-read-amd-2", "RDMSR C0010000h", read_range, RANGE(0xc0010000, 0x400), OUT_DONE,
	 unless_hypike, NULL},
	{"msr-write-low", "WRMSR 0 to 7FFh", write_range, RANGE(0, 0x800), OUT_DONE, unless_hypike,
	 NULL},
	{"msr-write-high", "WRMSR 900h to FFFh", write_range, RANGE(0x900, 0x700), OUT_DONE,
	 unless_hypike, NULL},
	{"msr-write-amd", "WRMSR C0000000h", write_range, RANGE(0xc0000000, 0x200), OUT_DONE,
	 unless_hypike, NULL},
	{"msr-write-amd-2", "WRMSR C0010000h", write_range, RANGE(0xc0010000, 0x200), OUT_DONE,
	 unless_hypike, NULL},
	{"msr-absent", "MSRs that no CPU has", absent_range, RANGE(0x3fffff00, 0x200), OUT_DONE,
	 unless_bare_tcg, NULL},
	{"msr-last", "MSRs up to FFFFFFFFh", absent_range, RANGE(0xffffff00, 0x100), OUT_DONE,
	 unless_hypike, NULL},
	{"msr-non-canonical", "addresses in MSRs, not canonical", non_canonical, 0, OUT_DONE, NULL,
	 NULL},
	{"pat-types", "PAT with each memory type", pat_types, 0, OUT_DONE, unless_hypike, NULL},
	{"mtrr-types", "MTRRs with impossible values", mtrr_types, 0, OUT_DONE, unless_hypike, NULL},
	{"mtrr-games", "all memory uncached", mtrr_games, 0, OUT_DONE, unless_hypike, NULL},
	{"apic-base", "IA32_APIC_BASE: impossible changes", apic_base, 0, OUT_DONE,
	 unless_hypike_x2apic, NULL},
	{"x2apic-registers", "each x2APIC register", x2apic_registers, 0, OUT_DONE,
	 unless_hypike_x2apic, NULL},
	{"rdmsr-ring3", "RDMSR in ring 3", NULL, IA32_EFER, OUT_GP, NULL, user_rdmsr},
	{"wrmsr-ring3", "WRMSR in ring 3", NULL, IA32_EFER, OUT_GP, NULL, user_wrmsr},
	{"debugctl-lbr", "IA32_DEBUGCTL.LBR", debugctl, 1, OUT_GP, unless_hypike, NULL},
	{"debugctl-btf", "IA32_DEBUGCTL.BTF", debugctl, 2, OUT_GP, unless_hypike, NULL},
	{"rdpmc", "RDPMC", rdpmc, 0, OUT_GP, unless_hypike, NULL},
	{"rdpmc-ring3", "RDPMC in ring 3", NULL, 0, OUT_GP, unless_hypike, user_rdpmc},
	{"tsc-moves", "the TSC set to far away", tsc_moves, 0, OUT_DONE, unless_hypike, NULL},
	{NULL, NULL, NULL, 0, 0, NULL, NULL},
};
