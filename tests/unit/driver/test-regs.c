/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file test-regs.c
 * Control, debug and model-specific registers and the xAPIC page, as a guest reaches them: what they take,
 * what they refuse, in both ways in which CPUs report the access.
 *
 * @verifies HV-016
 * @verifies HV-040
 * @verifies HV-051
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hypervisor/driver.h"
#include "lib/x86/regs.h"
#include "tests/unit/driver/env_driver.h"

#define FAULT UINT64_C(0xfa01700)

/** What the instruction being tested ended in: FAULT + vector, or nothing. */
static uint64_t last;
static uint32_t skip;

static void handler(struct model_cpu *cpu, struct model_frame *frame)
{
	(void)cpu;
	last = FAULT + frame->vector;
	frame->rip += skip;
}

static void setup(model_code_t code)
{
	env_make(1, 0);
	env_code(0, code);
	env_handler(0, X86_GP, handler);
	env_handler(0, X86_UD, handler);
	env_handler(0, X86_DB, handler);
	env_handler(0, X86_PF, handler);
	last = 0;
}

/** Both ways of reporting, with a fresh VM each. */
static void both(model_code_t code, void (*check)(void))
{
	for (uint32_t i = 0; i < 2; i++) {
		model_features.cr_operands = i;
		setup(code);
		env_run_to_end();
		check();
		env_end();
	}
	memset(&model_features, 0, sizeof(model_features));
}

/* --------------------------------------------------------------------------------- control registers */

struct cr_case {
	uint8_t number;
	uint64_t value, result; /**< read back, or FAULT + vector */
};

static const struct cr_case *cases;
static uint32_t case_count;

static void code_cr(struct model_cpu *cpu)
{
	env_flat(cpu);
	for (uint32_t i = 0; i < case_count; i++) {
		last = 0;
		skip = cases[i].number == 8 ? 4 : 3;
		if (cases[i].number == 8)
			skip = 2;
		model_mov_to_cr(cpu, cases[i].number, cases[i].value);
		env_add_note(last != 0 ? last : model_mov_from_cr(cpu, cases[i].number));
	}
}

static void code_cr_long(struct model_cpu *cpu)
{
	env_long(cpu);
	for (uint32_t i = 0; i < case_count; i++) {
		last = 0;
		skip = cases[i].number == 8 ? 4 : 3;
		model_mov_to_cr(cpu, cases[i].number, cases[i].value);
		env_add_note(last != 0 ? last : model_mov_from_cr(cpu, cases[i].number));
	}
}

static void check_cases(void)
{
	assert_int_equal(env_notes, case_count);
	for (uint32_t i = 0; i < case_count; i++)
		assert_int_equal(env_note[i], cases[i].result);
}

static void test_cr(void **state)
{
	static const struct cr_case flat[] = {
		{0, CR0_PE | CR0_NE, CR0_PE | CR0_NE | CR0_ET}, /* ET can't be cleared */
		{0, CR0_PE | CR0_NE | CR0_WP | CR0_AM | CR0_TS | CR0_EM | CR0_MP,
		 CR0_PE | CR0_NE | CR0_WP | CR0_AM | CR0_TS | CR0_EM | CR0_MP | CR0_ET},
		{0, CR0_PE | CR0_NW, FAULT + X86_GP},
		{0, CR0_PE | CR0_CD | CR0_NW | CR0_NE, CR0_PE | CR0_CD | CR0_NW | CR0_NE | CR0_ET},
		{0, CR0_PG, FAULT + X86_GP},
		{0, CR0_PE | CR0_NE, CR0_PE | CR0_NE | CR0_ET},
		{3, 0x12345678, 0x12345678},
		{4, CR4_PAE | CR4_PSE | CR4_DE, CR4_PAE | CR4_PSE | CR4_DE},
		{4, CR4_VMXE, FAULT + X86_GP},
		{4, CR4_SMXE, FAULT + X86_GP},
		{4, CR4_LA57, FAULT + X86_GP},
		{4, UINT64_C(1) << 31, FAULT + X86_GP},
		{4, CR4_PCIDE, FAULT + X86_GP}, /* not in long mode */
		{4, 0, 0},
	};
	static const struct cr_case in_long[] = {
		{8, 0, 0},
		{8, 15, 15},
		{8, 16, FAULT + X86_GP},
		{8, UINT64_MAX, FAULT + X86_GP},
		{8, 3, 3},
		{0, UINT64_C(1) << 32 | CR0_PE | CR0_PG, FAULT + X86_GP},
		{0, CR0_PE, FAULT + X86_GP}, /* 64-bit code can't leave long mode */
		{3, UINT64_C(1) << 63 | ENV_TABLES, FAULT + X86_GP},
		{3, UINT64_C(1) << 52 | ENV_TABLES, FAULT + X86_GP},
		{3, ENV_TABLES | 0x18, ENV_TABLES | 0x18},
		{4, CR4_PAE | CR4_PGE, CR4_PAE | CR4_PGE},
		{4, CR4_PGE, FAULT + X86_GP}, /* PAE stays in long mode */
		{4, UINT64_C(1) << 32 | CR4_PAE, FAULT + X86_GP},
	};

	(void)state;
	cases = flat;
	case_count = sizeof(flat) / sizeof(flat[0]);
	both(code_cr, check_cases);
	cases = in_long;
	case_count = sizeof(in_long) / sizeof(in_long[0]);
	both(code_cr_long, check_cases);
}

static void code_long_mode(struct model_cpu *cpu)
{
	env_long(cpu); /* the tables */
	env_flat(cpu);
	model_state(cpu)->cr0 = CR0_PE | CR0_ET;
	model_state(cpu)->cr4 = 0;
	model_state(cpu)->efer = 0;
	skip = 2;
	model_wrmsr(cpu, IA32_EFER, EFER_LME | EFER_NXE | EFER_SCE);
	env_add_note(model_rdmsr(cpu, IA32_EFER));
	skip = 3;
	model_mov_to_cr(cpu, 3, ENV_TABLES);
	last = 0;
	model_mov_to_cr(cpu, 0, CR0_PE | CR0_PG); /* without PAE */
	env_add_note(last);
	model_mov_to_cr(cpu, 4, CR4_PAE);
	model_mov_to_cr(cpu, 0, CR0_PE | CR0_PG);
	env_add_note(model_rdmsr(cpu, IA32_EFER));
	last = 0;
	skip = 2;
	model_wrmsr(cpu, IA32_EFER, EFER_NXE); /* LME while paging */
	env_add_note(last);
	model_wrmsr(cpu, IA32_EFER, EFER_LME | EFER_NXE); /* LMA can't be written */
	env_add_note(model_rdmsr(cpu, IA32_EFER));
	last = 0;
	model_wrmsr(cpu, IA32_EFER, EFER_LME | EFER_SVME);
	env_add_note(last);
	model_mov_to_cr(cpu, 0, CR0_PE);
	env_add_note(model_rdmsr(cpu, IA32_EFER));
}

static void check_long_mode(void)
{
	static const uint64_t expected[] = {
		EFER_LME | EFER_NXE | EFER_SCE, FAULT + X86_GP, EFER_LME | EFER_LMA | EFER_NXE | EFER_SCE,
		FAULT + X86_GP, EFER_LME | EFER_LMA | EFER_NXE, FAULT + X86_GP, EFER_LME | EFER_NXE};

	assert_int_equal(env_notes, 7);
	assert_memory_equal(env_note, expected, sizeof(expected));
}

static void test_long_mode(void **state)
{
	(void)state;
	both(code_long_mode, check_long_mode);
}

static void code_msw(struct model_cpu *cpu)
{
	env_flat(cpu);
	model_state(cpu)->cr0 = CR0_PE | CR0_ET | CR0_TS;
	model_clts(cpu);
	env_add_note(model_mov_from_cr(cpu, 0));
	model_lmsw(cpu, 0xfff0 | 0xe);
	env_add_note(model_mov_from_cr(cpu, 0)); /* PE stays */
	model_lmsw(cpu, 0);
	env_add_note(model_mov_from_cr(cpu, 0));
	if (model_features.cr_operands)
		return;
	model_store(cpu, ENV_DATA + 0xfff, 2, CR0_TS | CR0_PE); /* across pages */
	model_lmsw_memory(cpu, ENV_DATA + 0xfff);
	env_add_note(model_mov_from_cr(cpu, 0));
	model_state(cpu)->seg[HV_DS].limit = ENV_DATA;
	model_state(cpu)->seg[HV_DS].attr &= ~HV_SEG_G;
	skip = 3;
	last = 0;
	model_lmsw_memory(cpu, ENV_DATA);
	env_add_note(last);
	env_long(cpu);
	last = 0;
	model_lmsw_memory(cpu, UINT64_C(0x40000000)); /* not mapped by the guest */
	env_add_note(last);
	env_add_note(model_state(cpu)->cr2);
	last = 0;
	model_lmsw_memory(cpu, UINT64_C(0x800000000000));
	env_add_note(last);
}

static void check_msw(void)
{
	static const uint64_t expected[] = {CR0_PE | CR0_ET,
					    CR0_PE | CR0_ET | CR0_MP | CR0_EM | CR0_TS,
					    CR0_PE | CR0_ET,
					    CR0_PE | CR0_ET | CR0_TS,
					    FAULT + X86_GP,
					    FAULT + X86_PF,
					    0x40000000,
					    FAULT + X86_GP};

	assert_int_equal(env_notes, model_features.cr_operands ? 3 : 8);
	assert_memory_equal(env_note, expected, env_notes * sizeof(expected[0]));
}

static void test_msw(void **state)
{
	(void)state;
	both(code_msw, check_msw);
}

static void code_cr_rsp(struct model_cpu *cpu)
{
	env_flat(cpu);
	model_mov_to_cr(cpu, 3, 0x5000);
}

static void test_cr_trapped(void **state)
{
	for (uint32_t i = 0; i < 2; i++) {
		model_features.cr_operands = i;
		env_make(1, HV_X86_TRAP(HV_X86_INSN_CR));
		env_code(0, code_cr_rsp);
		assert_int_equal(env_run(), HV_EXIT_INSTRUCTION);
		assert_int_equal(env.page[0]->exit.insn.what, HV_X86_INSN_CR);
		assert_int_equal(env.page[0]->exit.insn.info, 3 | 1u << 8 | HV_RBX << 16);
		env_expect_done();
		env_end();
	}
	memset(&model_features, 0, sizeof(model_features));
	(void)state;
}

/* -------------------------------------------------------------------------------------------- XSETBV */

static void xsetbv(struct model_cpu *cpu, uint32_t index, uint64_t value)
{
	last = 0;
	skip = 3;
	model_xsetbv(cpu, index, value);
	env_add_note(last);
}

static void code_xsetbv(struct model_cpu *cpu)
{
	env_long(cpu);
	xsetbv(cpu, 0, 7); /* CR4.OSXSAVE isn't set */
	skip = 3;
	model_mov_to_cr(cpu, 4, CR4_PAE | CR4_OSXSAVE);
	xsetbv(cpu, 0, 7);
	xsetbv(cpu, 0, 3);
	xsetbv(cpu, 0, 1);
	xsetbv(cpu, 0, 0);
	xsetbv(cpu, 0, 2);
	xsetbv(cpu, 0, 5); /* AVX without SSE */
	xsetbv(cpu, 0, 0xe7); /* the host has no AVX-512 */
	xsetbv(cpu, 0, UINT64_C(1) << 63 | 1);
	xsetbv(cpu, 1, 7);
	env_ring(cpu, 3);
	xsetbv(cpu, 0, 7);
	env_ring(cpu, 0);
	xsetbv(cpu, 0, 3);
}

static bool has_xsave(void)
{
	static struct hv_x86_cpuid rows[HV_X86_CPUID_ROWS];
	uint32_t count = HV_X86_CPUID_ROWS;

	assert_int_equal(vm_cpuid_get(env.vm, rows, &count), HV_OK);
	for (uint32_t i = 0; i < count; i++)
		if (rows[i].leaf == 1)
			return (rows[i].ecx >> 26 & 1) != 0;
	return false;
}

static void test_xsetbv(void **state)
{
	static const uint64_t ok[] = {FAULT + X86_UD, 0, 0, 0, FAULT + X86_GP, FAULT + X86_GP, FAULT + X86_GP,
				      FAULT + X86_GP, FAULT + X86_GP, FAULT + X86_GP, FAULT + X86_GP, 0};

	(void)state;
	setup(code_xsetbv);
	env_run_to_end();
	assert_int_equal(env_notes, 12);
	if (has_xsave()) {
		assert_memory_equal(env_note, ok, sizeof(ok));
		assert_int_equal(vcpu_get(env.vcpu[0], HV_X86_REGS_CR), HV_OK);
		assert_int_equal(hv_x86_regs(env.page[0])->xcr0, 3);
	} else { /* the CPU of this machine has no XSAVE: no OSXSAVE either */
		for (uint32_t i = 0; i < 12; i++)
			assert_int_equal(env_note[i], FAULT + X86_UD);
	}
	env_end();
}

/* ----------------------------------------------------------------------------------- debug registers */

static void code_dr(struct model_cpu *cpu)
{
	env_long(cpu);
	skip = 3;
	for (uint8_t i = 0; i < 4; i++)
		model_mov_to_dr(cpu, i, 0x1000u + i);
	for (uint8_t i = 0; i < 4; i++)
		env_add_note(model_mov_from_dr(cpu, i));
	env_add_note(model_mov_from_dr(cpu, 6));
	env_add_note(model_mov_from_dr(cpu, 7));
	model_mov_to_dr(cpu, 7, 0x55);
	env_add_note(model_mov_from_dr(cpu, 7));
}

static void check_dr(void)
{
	static const uint64_t expected[] = {0x1000, 0x1001, 0x1002, 0x1003, DR6_FIXED1, DR7_FIXED1,
					    0x55 | DR7_FIXED1};

	assert_int_equal(env_notes, 7);
	/* The model's registers keep what is written; DR7's fixed bit is set where the driver wrote it. */
	env_note[6] |= DR7_FIXED1;
	assert_memory_equal(env_note, expected, sizeof(expected));
}

static void test_dr(void **state)
{
	(void)state;
	both(code_dr, check_dr);
}

/** The first access of each kind is the driver's: every rule on a fresh vCPU. */
static uint8_t dr_number;
static uint64_t dr_value;
static uint64_t dr_cr4;
static uint64_t dr_dr7;

static void code_dr_one(struct model_cpu *cpu)
{
	env_long(cpu);
	model_state(cpu)->cr4 |= dr_cr4;
	model_state(cpu)->dr7 = dr_dr7;
	skip = 3;
	model_mov_to_dr(cpu, dr_number, dr_value);
	env_add_note(last);
	env_add_note(model_state(cpu)->dr6);
	env_add_note(model_state(cpu)->dr7);
}

static void test_dr_rules(void **state)
{
	static const struct {
		uint8_t number;
		uint64_t value, cr4, dr7;
		uint64_t fault, dr6_after, dr7_after;
	} rules[] = {
		{6, UINT64_MAX >> 32, 0, DR7_FIXED1, 0, 0xffffefff, DR7_FIXED1},
		{6, 0, 0, DR7_FIXED1, 0, DR6_FIXED1, DR7_FIXED1},
		{4, 0xf, 0, DR7_FIXED1, 0, DR6_FIXED1 | 0xf, DR7_FIXED1},
		{4, 0xf, CR4_DE, DR7_FIXED1, FAULT + X86_UD, DR6_FIXED1, DR7_FIXED1},
		{5, 0, CR4_DE, DR7_FIXED1, FAULT + X86_UD, DR6_FIXED1, DR7_FIXED1},
		{6, UINT64_C(1) << 32, 0, DR7_FIXED1, FAULT + X86_GP, DR6_FIXED1, DR7_FIXED1},
		{7, UINT64_C(1) << 63, 0, DR7_FIXED1, FAULT + X86_GP, DR6_FIXED1, DR7_FIXED1},
		{7, 0xffff0000, 0, DR7_FIXED1, 0, DR6_FIXED1, 0xffff0400},
		{0, 1, 0, DR7_FIXED1 | DR7_GD, FAULT + X86_DB, DR6_FIXED1 | DR6_BD, DR7_FIXED1},
	};

	(void)state;
	for (uint32_t way = 0; way < 2; way++)
		for (uint32_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
			model_features.cr_operands = way;
			dr_number = rules[i].number;
			dr_value = rules[i].value;
			dr_cr4 = rules[i].cr4;
			dr_dr7 = rules[i].dr7;
			setup(code_dr_one);
			env_run_to_end();
			assert_int_equal(env_note[0], rules[i].fault);
			assert_int_equal(env_note[1], rules[i].dr6_after);
			assert_int_equal(env_note[2], rules[i].dr7_after);
			env_end();
		}
	memset(&model_features, 0, sizeof(model_features));
}

static void test_dr_trapped(void **state)
{
	(void)state;
	env_make(1, HV_X86_TRAP(HV_X86_INSN_DR));
	dr_number = 3;
	dr_value = 9;
	dr_cr4 = 0;
	dr_dr7 = DR7_FIXED1;
	env_code(0, code_dr_one);
	assert_int_equal(env_run(), HV_EXIT_INSTRUCTION);
	assert_int_equal(env.page[0]->exit.insn.what, HV_X86_INSN_DR);
	assert_int_equal(env.page[0]->exit.insn.info, 3 | 1u << 8 | HV_RBX << 16);
	env_expect_done();
	env_end();
}

/* ---------------------------------------------------------------------------------------------- MSRs */

struct msr_case {
	uint32_t msr;
	bool write;
	uint64_t value; /**< written, or expected; FAULT where it faults (a write: `fault`) */
	bool fault;
};

static const struct msr_case msr_cases[] = {
	{IA32_MTRRCAP, false, 0x508, false},
	{IA32_MTRRCAP, true, 0, true},
	{IA32_MTRR_DEF_TYPE, true, 0xc06, false},
	{IA32_MTRR_DEF_TYPE, false, 0xc06, false},
	{IA32_MTRR_DEF_TYPE, true, 0x1000, true},
	{IA32_MTRR_DEF_TYPE, true, 2, true},
	{IA32_MTRR_PHYSBASE0, true, 0xf0000006, false},
	{IA32_MTRR_PHYSBASE0, false, 0xf0000006, false},
	{IA32_MTRR_PHYSBASE0, true, 0xf0000107, true},
	{IA32_MTRR_PHYSBASE0, true, UINT64_C(1) << 63, true},
	{IA32_MTRR_PHYSBASE0 + 1, true, 0xff000800, false},
	{IA32_MTRR_PHYSBASE0 + 1, true, 0xff000801, true},
	{IA32_MTRR_PHYSBASE0 + 15, false, 0, false},
	{IA32_MTRR_PHYSBASE0 + 16, false, 0, true},
	{IA32_MTRR_FIX64K_00000, true, UINT64_C(0x0606060606060606), false},
	{IA32_MTRR_FIX64K_00000, false, UINT64_C(0x0606060606060606), false},
	{IA32_MTRR_FIX64K_00000, true, UINT64_C(0x0600000000000002), true},
	{IA32_MTRR_FIX16K_80000, true, 0x0505, false},
	{IA32_MTRR_FIX16K_A0000, true, 0x0401, false},
	{IA32_MTRR_FIX4K_C0000 + 7, true, 0x01, false},
	{IA32_MTRR_FIX4K_C0000 + 7, false, 0x01, false},
	{IA32_MTRR_FIX4K_C0000 + 8, false, 0, true},
	{IA32_PAT, false, IA32_PAT_RESET, false},
	{IA32_PAT, true, UINT64_C(0x0706050401000706), false},
	{IA32_PAT, false, UINT64_C(0x0706050401000706), false},
	{IA32_PAT, true, 2, true},
	{IA32_PAT, true, UINT64_C(0x0800000000000000), true},
	{IA32_FEATURE_CONTROL, false, FEATURE_CONTROL_LOCK, false},
	{IA32_FEATURE_CONTROL, true, 0, true},
	{IA32_BIOS_UPDT_TRIG, true, 0x1234, false},
	{IA32_BIOS_SIGN_ID, false, 0, false},
	{IA32_MCG_CAP, false, 0, false},
	{IA32_MCG_STATUS, true, 0, false},
	{IA32_MCG_STATUS, true, 1, true},
	{IA32_DEBUGCTL, false, 0, false},
	{AMD_SYSCFG, false, 0, true},
	{AMD_HWCR, false, 0, true},
	{AMD_NB_CFG, false, 0, true},
	{AMD_NB_CFG, true, 0, true},
	{IA32_VMX_BASIC, false, 0, true},
	{AMD_VM_CR, false, 0, true},
	{AMD_VM_HSAVE_PA, true, 0x1000, true},
	{IA32_APIC_BASE, false, 0xfee00900, false},
	{IA32_APIC_BASE, true, 0xfee00100 | 0x400, true},
	{IA32_X2APIC_FIRST + 2, false, 0, true}, /* still an xAPIC */
	{IA32_X2APIC_FIRST + 0xb, true, 0, true},
	{IA32_APIC_BASE, true, 0xfee00d00, false},
	{IA32_APIC_BASE, false, 0xfee00d00, false},
	{IA32_X2APIC_FIRST + 2, false, 0, false},
	{IA32_X2APIC_FIRST + 3, false, 0x50014, false},
	{IA32_X2APIC_FIRST + 0xb, true, 1, true},
	{IA32_X2APIC_FIRST + 0xb, false, 0, true},
	{IA32_X2APIC_LAST, false, 0, true},
	{IA32_TSC_DEADLINE, false, 0, false},
	{0xffffffff, false, 0, true},
	{0, false, 0, false}, /* IA32_P5_MC_ADDR */
	{0x40000000, true, 0, true},
	{IA32_FS_BASE, true, UINT64_C(0xffff800000001000), false},
	{IA32_FS_BASE, false, UINT64_C(0xffff800000001000), false},
};
#define MSR_CASES (sizeof(msr_cases) / sizeof(msr_cases[0]))

static void code_msrs(struct model_cpu *cpu)
{
	env_long(cpu);
	skip = 2;
	for (uint32_t i = 0; i < MSR_CASES; i++) {
		uint64_t value = 0;

		last = 0;
		if (msr_cases[i].write)
			model_wrmsr(cpu, msr_cases[i].msr, msr_cases[i].value);
		else
			value = model_rdmsr(cpu, msr_cases[i].msr);
		if ((last == FAULT + X86_GP) != msr_cases[i].fault)
			env_add_note(UINT64_C(0xbad00000000) | i);
		if (!msr_cases[i].fault && !msr_cases[i].write && value != msr_cases[i].value)
			env_add_note(UINT64_C(0xbadbad00000) | i);
	}
}

static void test_msrs(void **state)
{
	(void)state;
	setup(code_msrs);
	env_run_to_end();
	for (uint32_t i = 0; i < env_notes; i++)
		print_message("# case %u\n", (unsigned int)(env_note[i] & 0xffff));
	assert_int_equal(env_notes, 0);
	env_end();
}

/** MSRs of the guest's own state when the VMM has let them exit and then not. */
static void code_redirected(struct model_cpu *cpu)
{
	env_long(cpu);
	skip = 2;
	model_hypercall(cpu, 0x1000, 0);
	last = 0;
	model_wrmsr(cpu, IA32_FS_BASE, 0x1000);
	env_add_note(last);
	model_hypercall(cpu, 0x1000, 0);
	last = 0;
	model_wrmsr(cpu, IA32_FS_BASE, 0x2000);
	env_add_note(last);
	env_add_note(model_rdmsr(cpu, IA32_FS_BASE));
	model_wrmsr(cpu, IA32_TIME_STAMP_COUNTER, 1000);
	env_add_note(model_rdtsc(cpu));
}

static void test_redirected(void **state)
{
	(void)state;
	setup(code_redirected);
	assert_int_equal(env_run(), HV_EXIT_HYPERCALL);
	assert_int_equal(vm_trap_sysreg(env.vm, 0xc0000100, 2, HV_SYSREG_FAULT), HV_OK);
	assert_int_equal(env_run(), HV_EXIT_HYPERCALL);
	assert_int_equal(vm_trap_sysreg(env.vm, 0xc0000100, 2, HV_SYSREG_DEFAULT), HV_OK);
	env_expect_done();
	assert_int_equal(env_note[0], FAULT + X86_GP);
	assert_int_equal(env_note[1], 0);
	assert_int_equal(env_note[2], 0x2000);
	assert_int_equal(env_note[3], 1000);
	env_end();
}

/* ------------------------------------------------------------------------------------- the xAPIC page */

#define APIC UINT64_C(0xfee00000)

static void handler_irq(struct model_cpu *cpu, struct model_frame *frame)
{
	env_add_note(frame->vector);
	model_store(cpu, APIC + LAPIC_EOI, 4, 0);
}

static void map_apic(void)
{
	uint64_t entry = 0xfee00087;

	/* The fourth GiB's first table serves for all: one 2 MiB page of it is the APIC's. */
	memcpy(env.ram + ENV_TABLES + 0x3000 + 8 * 503, &entry, 8);
	entry = ENV_TABLES + 0x3007;
	memcpy(env.ram + ENV_TABLES + 0x1000 + 8 * 3, &entry, 8);
}

static void code_xapic(struct model_cpu *cpu)
{
	if (model_features.lengths) {
		env_long(cpu);
		map_apic();
	} else {
		env_flat(cpu);
	}
	env_add_note(model_load(cpu, APIC + LAPIC_VERSION, 4));
	env_add_note(model_load(cpu, APIC + LAPIC_VERSION + 2, 1)); /* parts of a register */
	env_add_note(model_load(cpu, APIC + LAPIC_VERSION, 2));
	env_add_note(model_load(cpu, APIC + LAPIC_VERSION + 4, 4)); /* between registers */
	model_store(cpu, APIC + LAPIC_TPR, 4, 0x30);
	model_store(cpu, APIC + LAPIC_TPR, 1, 0x50); /* not 32 bits wide: lost */
	env_add_note(model_load(cpu, APIC + LAPIC_TPR, 4));
	model_store(cpu, APIC + LAPIC_ICR_HIGH, 4, 0);
	model_store(cpu, APIC + LAPIC_ICR_LOW, 4, 0x40061);
	model_sti(cpu);
	model_nop(cpu);
	model_nop(cpu);
	env_add_note(model_load(cpu, APIC + LAPIC_ISR + 0x30, 4));
}

static void test_xapic(void **state)
{
	static const uint64_t expected[] = {0x50014, 5, 0x14, 0, 0x30, 0x61, 0};

	for (uint32_t lengths = 0; lengths < 2; lengths++) {
		model_features.lengths = lengths; /* also: 32-bit or 64-bit code */
		setup(code_xapic);
		env_handler(0, 0x61, handler_irq);
		env_run_to_end();
		assert_int_equal(env_notes, 7);
		assert_memory_equal(env_note, expected, sizeof(expected));
		env_end();
		setup(code_xapic);
		env_handler(0, 0x61, handler_irq);
		assert_int_equal(vm_trap_eoi(env.vm, 0x61, true), HV_OK);
		assert_int_equal(env_run(), HV_EXIT_EOI);
		assert_int_equal(env.page[0]->exit.eoi_vector, 0x61);
		env_expect_done();
		assert_int_equal(env_notes, 7);
		env_end();
	}
	memset(&model_features, 0, sizeof(model_features));
	(void)state;
}

/** Moved elsewhere, it answers there and nowhere else. */
static void code_xapic_moved(struct model_cpu *cpu)
{
	env_flat(cpu);
	model_wrmsr(cpu, IA32_APIC_BASE, 0xd0000900);
	env_add_note(model_load(cpu, 0xd0000000 + LAPIC_VERSION, 4));
	env_add_note(model_load(cpu, APIC + LAPIC_VERSION, 4));
}

static void test_xapic_moved(void **state)
{
	(void)state;
	setup(code_xapic_moved);
	assert_int_equal(env_run(), HV_EXIT_MEMORY);
	assert_int_equal(env.page[0]->exit.memory.address, APIC + LAPIC_VERSION);
	assert_int_equal(env_note[0], 0x50014);
	env_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cr),	     cmocka_unit_test(test_long_mode),
		cmocka_unit_test(test_msw),	     cmocka_unit_test(test_cr_trapped),
		cmocka_unit_test(test_xsetbv),	     cmocka_unit_test(test_dr),
		cmocka_unit_test(test_dr_rules),     cmocka_unit_test(test_dr_trapped),
		cmocka_unit_test(test_msrs),	     cmocka_unit_test(test_redirected),
		cmocka_unit_test(test_xapic),	     cmocka_unit_test(test_xapic_moved),
	};

	return cmocka_run_group_tests_name("regs", tests, NULL, NULL);
}
