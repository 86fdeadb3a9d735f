/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file test-cpuid.c
 * The CPUID table that a VM starts with, against the list that it is made of (lib/x86/guest_cpuid.h).
 *
 * @verifies HV-050
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hypervisor/x86/arch.h"
#include "lib/x86/cpu.h"
#include "lib/x86/cpuid.h"
#include "lib/x86/guest_cpuid.h"
#include "tests/unit/driver/env_driver.h"

static struct hv_x86_cpuid rows[HV_X86_CPUID_ROWS];
static uint32_t count;

static void make(void)
{
	count = HV_X86_CPUID_ROWS;
	env_make(2, 0);
	assert_int_equal(vm_cpuid_get(env.vm, rows, &count), HV_OK);
}

static const struct {
	uint32_t first, last;
	const char *how;
} leaves[] = {
#define ROW(first, last, how, name, why) {first, last, #how},
	GUEST_CPUID_LEAVES(ROW)
#undef ROW
};

static bool listed(uint32_t leaf)
{
	for (uint32_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++)
		if (leaf >= leaves[i].first && leaf <= leaves[i].last)
			return strcmp(leaves[i].how, "ABSENT") != 0;
	return false;
}

static void test_leaves(void **state)
{
	uint32_t highest = 0;

	(void)state;
	make();
	assert_true(count > 10);
	for (uint32_t i = 0; i < count; i++) {
		assert_true(listed(rows[i].leaf));
		assert_true(i == 0 || rows[i].leaf > rows[i - 1].leaf ||
			    (rows[i].leaf == rows[i - 1].leaf &&
			     rows[i].subleaf > rows[i - 1].subleaf));
		if (rows[i].leaf < 0x40000000)
			highest = rows[i].leaf;
	}
	assert_int_equal(rows[0].leaf, 0);
	assert_int_equal(rows[0].eax, highest);
	env_end();
}

static const struct {
	uint32_t leaf, subleaf, off, own;
	uint8_t reg;
} registers[] = {
#define ROW(leaf, subleaf, reg, list)                                                              \
	{leaf, subleaf, GUEST_CPUID_MASK(list, OFF), GUEST_CPUID_MASK(list, OWN),                  \
	 offsetof(struct hv_x86_cpuid, reg)},
	GUEST_CPUID_REGISTERS(ROW)
#undef ROW
};

/** Bits that are always off are off, HyPike's own on, whatever this CPU has. */
static void test_features(void **state)
{
	(void)state;
	make();
	for (uint32_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
		const struct hv_x86_cpuid *const row =
			cpuid_row(env.vm, registers[i].leaf, registers[i].subleaf);
		uint32_t value;

		if (!row)
			continue; /* KVM's are the VMM's; without XSAVE there is no leaf 0Dh */
		memcpy(&value, (const uint8_t *)row + registers[i].reg, sizeof(value));
		assert_int_equal(value & registers[i].off, 0);
		assert_int_equal(value & registers[i].own, registers[i].own);
	}
	env_end();
}

/** TSC rate = ECX * EBX / EAX, where a guest can compute that in 32 bits of kHz. */
static void test_crystal(void **state)
{
	static const struct {
		uint64_t khz;
		uint32_t eax, ebx; /* 0: no such leaf */
	} cases[] = {
		{1000000, 1, 1}, {2500000, 2, 5}, {3200000, 5, 16}, {125000, 8, 1}, {2893437, 0, 0},
		{999952, 0, 0},
	};

	(void)state;
	for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		process_tsc_khz = cases[i].khz;
		make();
		const struct hv_x86_cpuid *const row = cpuid_row(env.vm, CPUID_TSC, 0);

		assert_int_equal(row != NULL, cases[i].eax != 0);
		if (row) {
			assert_int_equal(row->eax, cases[i].eax);
			assert_int_equal(row->ebx, cases[i].ebx);
			assert_int_equal(row->ecx, LAPIC_TIMER_HZ);
			assert_int_equal(UINT64_C(1000000) * row->ebx / row->eax, cases[i].khz);
		}
		env_end();
	}
	process_tsc_khz = PROCESS_TSC_KHZ;
}

/** A VMM may take features away, and add none. */
static void test_changes(void **state)
{
	(void)state;
	make();
	for (uint32_t i = 0; i < count; i++) {
		if (rows[i].leaf != CPUID_FEATURES)
			continue;
		rows[i].ebx |= CPUID_7_EBX_RTM;
		assert_int_equal(vm_cpuid_set(env.vm, rows, count), HV_E_UNSUPPORTED);
		rows[i].ebx = 0;
		assert_int_equal(vm_cpuid_set(env.vm, rows, count), HV_OK);
	}
	env_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leaves),
		cmocka_unit_test(test_features),
		cmocka_unit_test(test_crystal),
		cmocka_unit_test(test_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
