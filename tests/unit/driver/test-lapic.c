/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file test-lapic.c
 * Registers, modes, priorities and the timer of the local APIC.
 *
 * @verifies HV-070
 * @verifies HV-071
 * @verifies HV-072
 * @verifies HV-073
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/driver/env_lapic.h"

static struct vcpu *cpu(uint32_t index)
{
	return lapic_env.vm->vcpu[index];
}

static uint64_t rd(uint32_t offset)
{
	uint64_t value = 0x5a5a;

	assert_true(lapic_read(cpu(0), offset, &value));
	return value;
}

static void wr(uint32_t offset, uint64_t value)
{
	assert_true(lapic_write(cpu(0), offset, value));
}

static void wr_gp(uint32_t offset, uint64_t value)
{
	assert_false(lapic_write(cpu(0), offset, value));
}

static uint32_t errors(void)
{
	wr(LAPIC_ESR, 0);
	return (uint32_t)rd(LAPIC_ESR);
}

/* ------------------------------------------------------------------------------------- registers */

static void test_reset(void **state)
{
	(void)state;
	lapic_env_make(2, LAPIC_XAPIC);
	for (uint32_t i = 0; i < 2; i++) {
		struct vcpu *vcpu = cpu(i);

		memset(vcpu->lapic.page, 0xff, HV_PAGE_SIZE);
		lapic_reset(vcpu);
		for (uint32_t r = 0; r < 64; r++) {
			uint32_t value = vcpu->lapic.page[r * 4];
			uint32_t offset = r * 16;

			if (offset == LAPIC_ID)
				assert_int_equal(value, i << 24);
			else if (offset == LAPIC_VERSION)
				assert_int_equal(value, 0x50014);
			else if (offset == LAPIC_DFR)
				assert_int_equal(value, 0xffffffff);
			else if (offset == LAPIC_SVR)
				assert_int_equal(value, i == 0 ? 0x1ff : 0xff);
			else if (offset == LAPIC_LVT_LINT0)
				assert_int_equal(value, i == 0 ? 0x700 : 0x10000);
			else if (offset == LAPIC_LVT_LINT1)
				assert_int_equal(value, i == 0 ? 0x400 : 0x10000);
			else if (offset >= LAPIC_LVT_TIMER && offset <= LAPIC_LVT_ERROR)
				assert_int_equal(value, 0x10000);
			else
				assert_int_equal(value, 0);
		}
	}
	assert_true(lapic_accepts_extint(cpu(0)));
	assert_false(lapic_accepts_extint(cpu(1)));
}

/** What SDM Tables 11-1 and 11-6 say of each register. X: xAPIC, 2: x2APIC. */
static const struct {
	uint16_t offset;
	const char *access;   /**< "r", "w", "rw", "" per mode, with a comma between */
	uint32_t keep;	      /**< bits that stay as written */
	uint32_t gp;	      /**< x2APIC: bits whose writing is #GP */
} spec[] = {
	{LAPIC_ID, "r,r", 0, 0},
	{LAPIC_VERSION, "r,r", 0, 0},
	{LAPIC_TPR, "rw,rw", 0xff, 0xffffff00},
	{LAPIC_APR, "r,", 0, 0},
	{LAPIC_PPR, "r,r", 0, 0},
	{LAPIC_EOI, "w,w", 0, 0xffffffff},
	{LAPIC_RRD, "r,", 0, 0},
	{LAPIC_LDR, "rw,r", 0xff000000, 0},
	{LAPIC_DFR, "rw,", 0xf0000000, 0},
	{LAPIC_SVR, "rw,rw", 0x3ff, 0xfffffc00},
	{LAPIC_ESR, "rw,rw", 0, 0xffffffff},
	{LAPIC_ICR_LOW, "rw,rw", 0xccfff, 0xfff33000},
	{LAPIC_ICR_HIGH, "rw,", 0xff000000, 0},
	{LAPIC_LVT_TIMER, "rw,rw", 0x700ff, 0xfff8ef00},
	{LAPIC_LVT_THERMAL, "rw,rw", 0x107ff, 0xfffee800},
	{LAPIC_LVT_PERF, "rw,rw", 0x107ff, 0xfffee800},
	{LAPIC_LVT_LINT0, "rw,rw", 0x1a7ff, 0xfffe0800},
	{LAPIC_LVT_LINT1, "rw,rw", 0x1a7ff, 0xfffe0800},
	{LAPIC_LVT_ERROR, "rw,rw", 0x100ff, 0xfffeef00},
	{LAPIC_TIMER_ICR, "rw,rw", 0xffffffff, 0},
	{LAPIC_TIMER_CCR, "r,r", 0, 0},
	{LAPIC_TIMER_DCR, "rw,rw", 0xb, 0xfffffff4},
	{LAPIC_SELF_IPI, ",w", 0, 0xffffff00},
};
#define SPECS (sizeof(spec) / sizeof(spec[0]))

static int spec_of(uint32_t offset)
{
	if (offset >= LAPIC_ISR && offset < LAPIC_ESR)
		return 0; /* like ID: read-only in both modes */
	for (uint32_t i = 0; i < SPECS; i++)
		if (spec[i].offset == offset)
			return (int)i;
	return -1;
}

static bool allows(int row, bool x2, char what)
{
	const char *at;

	if (row < 0)
		return false;
	at = strchr(spec[row].access, ',');
	return x2 ? strchr(at, what) != NULL
		  : strchr(spec[row].access, what) != NULL && strchr(spec[row].access, what) < at;
}

static void test_access_xapic(void **state)
{
	(void)state;
	for (uint32_t offset = 0; offset < 0x1000; offset += 16) {
		int row = spec_of(offset);
		uint64_t value;

		lapic_env_make(1, LAPIC_XAPIC);
		assert_true(lapic_read(cpu(0), offset, &value));
		assert_int_equal(errors(), row < 0 || spec[row].access[0] == ',' ? 0x80 : 0);
		assert_true(lapic_write(cpu(0), offset, 0));
		assert_int_equal(errors() & 0x80, row < 0 || spec[row].access[0] == ',' ? 0x80 : 0);
	}
}

static void test_access_x2apic(void **state)
{
	(void)state;
	for (uint32_t offset = 0; offset < 0x1000; offset += 16) {
		int row = spec_of(offset);
		uint64_t value;

		lapic_env_make(1, LAPIC_X2APIC);
		assert_int_equal(lapic_read(cpu(0), offset, &value), allows(row, true, 'r'));
		assert_int_equal(lapic_write(cpu(0), offset, 0), allows(row, true, 'w'));
		assert_int_equal(errors() & 0x80, 0);
		if (offset != LAPIC_ICR_LOW)
			wr_gp(offset, UINT64_C(1) << 32);
	}
}

static void check_bits(uint32_t i, uint32_t bit)
{
	uint32_t value = 1u << bit;
	uint32_t base = spec[i].offset == LAPIC_SVR && bit != 8 ? 0x100 : 0;
	uint64_t expected = (value | base) & spec[i].keep;

	if (spec[i].offset == LAPIC_DFR)
		expected |= 0x0fffffff;
	lapic_env_make(1, LAPIC_XAPIC);
	if (allows((int)i, false, 'w')) {
		wr(spec[i].offset, value | base);
		if (allows((int)i, false, 'r') && spec[i].offset != LAPIC_ESR)
			assert_int_equal(rd(spec[i].offset), expected);
	}
	lapic_env_make(1, LAPIC_X2APIC);
	if (!allows((int)i, true, 'w'))
		return;
	assert_int_equal(lapic_write(cpu(0), spec[i].offset, value | base), (spec[i].gp & value) == 0);
	if ((spec[i].gp & value) == 0 && allows((int)i, true, 'r'))
		assert_int_equal(rd(spec[i].offset), expected);
}

static void test_every_bit(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < SPECS; i++)
		for (uint32_t bit = 0; bit < 32; bit++)
			check_bits(i, bit);
}

static void test_unaligned_xapic(void **state)
{
	(void)state;
	lapic_env_make(1, LAPIC_XAPIC);
	wr(LAPIC_LVT_TIMER, 0x200ee);
	assert_int_equal(rd(LAPIC_LVT_TIMER + 2), 2);
	assert_int_equal(rd(LAPIC_LVT_TIMER + 4), 0);
	wr(LAPIC_LVT_TIMER + 4, 0);
	assert_int_equal(rd(LAPIC_LVT_TIMER), 0x200ee);
	assert_int_equal(rd(0x3fc), 0);
	assert_int_equal(rd(0xffc), 0);
}

static void test_software_disable(void **state)
{
	(void)state;
	lapic_env_make(1, LAPIC_X2APIC);
	wr(LAPIC_LVT_TIMER, 0x30);
	lapic_request(cpu(0), 0x50, false);
	lapic_collect(cpu(0));
	wr(LAPIC_SVR, 0xff);
	for (uint32_t offset = LAPIC_LVT_TIMER; offset <= LAPIC_LVT_ERROR; offset += 16)
		assert_true(rd(offset) & 0x10000);
	wr(LAPIC_LVT_TIMER, 0x30);
	assert_int_equal(rd(LAPIC_LVT_TIMER), 0x10030);
	assert_int_equal(lapic_pending(cpu(0)), 0x50); /* what was accepted stays */
	lapic_request(cpu(0), 0x60, false);
	lapic_collect(cpu(0));
	assert_int_equal(rd(LAPIC_IRR + 0x30), 0);
	wr(LAPIC_SVR, 0x1ff);
	lapic_request(cpu(0), 0x60, false);
	lapic_collect(cpu(0));
	assert_int_equal(lapic_pending(cpu(0)), 0x60);
	assert_int_equal(rd(LAPIC_LVT_TIMER), 0x10030);
}

/* ----------------------------------------------------------------------------------------- mode */

static void test_modes(void **state)
{
	static const uint64_t off = LAPIC_DEFAULT_BASE | 0x100, x = LAPIC_DEFAULT_BASE | 0x900,
			      x2 = LAPIC_DEFAULT_BASE | 0xd00, bad = LAPIC_DEFAULT_BASE | 0x500;
	static const struct {
		uint64_t from, to;
		bool ok;
	} cases[] = {
		{off, off, true}, {off, x, true}, {off, x2, false}, {off, bad, false},
		{x, off, true},	  {x, x, true},	  {x, x2, true},    {x, bad, false},
		{x2, off, true},  {x2, x, false}, {x2, x2, true},   {x2, bad, false},
	};

	(void)state;
	for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		lapic_env_make(1, LAPIC_XAPIC);
		assert_true(lapic_set_base(cpu(0), cases[i].from));
		lapic_env.mode_changes = 0;
		assert_int_equal(lapic_set_base(cpu(0), cases[i].to), cases[i].ok);
		assert_int_equal(cpu(0)->lapic.base, cases[i].ok ? cases[i].to : cases[i].from);
		assert_int_equal(lapic_env.mode_changes, cases[i].ok && cases[i].from != cases[i].to);
	}
}

static void test_base_bits(void **state)
{
	(void)state;
	for (uint32_t bit = 0; bit < 64; bit++) {
		bool reserved = bit < 8 || bit == 9 || bit >= 52;

		lapic_env_make(1, LAPIC_XAPIC);
		if (bit == 10 || bit == 11)
			continue;
		assert_int_equal(lapic_set_base(cpu(0), LAPIC_DEFAULT_BASE | 0x800 | UINT64_C(1) << bit),
				 !reserved);
	}
	lapic_env_make(2, LAPIC_XAPIC);
	assert_true(lapic_set_base(cpu(1), LAPIC_DEFAULT_BASE | 0x900)); /* who the BSP is doesn't change */
	assert_int_equal(cpu(1)->lapic.base, LAPIC_DEFAULT_BASE | 0x800);
	assert_true(lapic_set_base(cpu(0), UINT64_C(0x12345000) | 0x800));
	assert_int_equal(cpu(0)->lapic.base, 0x12345900);
}

static void test_disabled(void **state)
{
	uint64_t value;

	(void)state;
	lapic_env_make(1, LAPIC_XAPIC);
	wr(LAPIC_LVT_LINT0, 0x10000);
	assert_false(lapic_accepts_extint(cpu(0)));
	lapic_request(cpu(0), 0x40, false);
	lapic_collect(cpu(0));
	wr(LAPIC_TIMER_ICR, 1000);
	assert_true(lapic_set_base(cpu(0), LAPIC_DEFAULT_BASE));
	assert_false(lapic_read(cpu(0), LAPIC_ID, &value));
	assert_false(lapic_write(cpu(0), LAPIC_TPR, 0));
	assert_int_equal(lapic_pending(cpu(0)), -1);
	assert_int_equal(process_armed(), 0);
	assert_true(lapic_accepts_extint(cpu(0)));
	lapic_request(cpu(0), 0x40, false);
	lapic_collect(cpu(0));
	assert_int_equal(lapic_pending(cpu(0)), -1);
	assert_int_equal(lapic_get_tsc_deadline(cpu(0)), 0);
	lapic_set_tsc_deadline(cpu(0), 1);
	assert_true(lapic_set_base(cpu(0), LAPIC_DEFAULT_BASE | 0x800));
	assert_int_equal(rd(LAPIC_SVR), 0xff);
}

static void test_x2apic_ids(void **state)
{
	(void)state;
	lapic_env_make(16, LAPIC_X2APIC);
	for (uint32_t i = 0; i < 16; i++) {
		uint64_t value;

		assert_true(lapic_read(cpu(i), LAPIC_ID, &value));
		assert_int_equal(value, i);
		assert_true(lapic_read(cpu(i), LAPIC_LDR, &value));
		assert_int_equal(value, 1u << i);
	}
}

/* -------------------------------------------------------------------------- priorities and delivery */

static void test_priorities(void **state)
{
	(void)state;
	for (uint32_t tpr = 0; tpr < 256; tpr += 5)
		for (uint32_t vector = 16; vector < 256; vector += 3) {
			lapic_env_make(1, LAPIC_XAPIC);
			wr(LAPIC_TPR, tpr);
			lapic_request(cpu(0), vector, false);
			assert_int_equal(lapic_pending(cpu(0)), -1); /* not collected yet */
			lapic_collect(cpu(0));
			assert_int_equal(lapic_pending(cpu(0)), vector >> 4 > tpr >> 4 ? (int)vector : -1);
			assert_int_equal(rd(LAPIC_PPR), tpr);
		}
}

static void accept(uint32_t vector)
{
	assert_int_equal(lapic_pending(cpu(0)), vector);
	lapic_accept(cpu(0), vector);
}

static void request(uint32_t vector)
{
	lapic_request(cpu(0), vector, false);
	lapic_collect(cpu(0));
}

static void test_nesting(void **state)
{
	(void)state;
	lapic_env_make(1, LAPIC_XAPIC);
	request(0x41);
	request(0x45);
	request(0x33);
	accept(0x45);
	assert_int_equal(rd(LAPIC_PPR), 0x40);
	assert_int_equal(lapic_pending(cpu(0)), -1); /* 41h: the same class */
	request(0x52);
	accept(0x52);
	request(0x52); /* once more while it is in service */
	assert_int_equal(lapic_pending(cpu(0)), -1);
	assert_int_equal(lapic_eoi(cpu(0)), 0x52);
	assert_true(lapic_env_work(0) & VCPU_WORK_EVENT);
	accept(0x52);
	assert_int_equal(lapic_eoi(cpu(0)), 0x52);
	assert_int_equal(rd(LAPIC_PPR), 0x40);
	assert_int_equal(lapic_eoi(cpu(0)), 0x45);
	assert_int_equal(rd(LAPIC_PPR), 0);
	accept(0x41);
	wr(LAPIC_EOI, 0);
	accept(0x33);
	wr(LAPIC_EOI, 0x1234);
	assert_int_equal(lapic_eoi(cpu(0)), -1);
	assert_int_equal(lapic_pending(cpu(0)), -1);
}

static void test_ppr(void **state)
{
	(void)state;
	lapic_env_make(1, LAPIC_XAPIC);
	request(0x62);
	accept(0x62);
	wr(LAPIC_TPR, 0x58);
	assert_int_equal(rd(LAPIC_PPR), 0x60);
	wr(LAPIC_TPR, 0x68);
	assert_int_equal(rd(LAPIC_PPR), 0x68);
	wr(LAPIC_TPR, 0x7f);
	assert_int_equal(rd(LAPIC_PPR), 0x7f);
	assert_int_equal(lapic_get_tpr(cpu(0)), 0x7f);
	request(0x75);
	lapic_env_work(0);
	lapic_set_tpr(cpu(0), 0);
	assert_true(lapic_env_work(0) & VCPU_WORK_EVENT);
	accept(0x75);
}

static void test_trigger_mode(void **state)
{
	(void)state;
	lapic_env_make(1, LAPIC_XAPIC);
	lapic_request(cpu(0), 0x91, true);
	lapic_request(cpu(0), 0x92, false);
	lapic_collect(cpu(0));
	assert_int_equal(rd(LAPIC_TMR + 0x40), 1u << 17);
	lapic_request(cpu(0), 0x91, false);
	lapic_collect(cpu(0));
	assert_int_equal(rd(LAPIC_TMR + 0x40), 0);
	assert_int_equal(rd(LAPIC_IRR + 0x40), 3u << 17);
}

static void test_illegal_vectors(void **state)
{
	(void)state;
	for (uint32_t vector = 0; vector < 16; vector++) {
		lapic_env_make(1, LAPIC_X2APIC);
		lapic_request(cpu(0), vector, false);
		assert_int_equal(errors(), 0x40);
		assert_int_equal(errors(), 0);
		wr(LAPIC_SELF_IPI, vector);
		assert_int_equal(errors(), 0x20);
		wr(LAPIC_ICR_LOW, 0x40000 | vector);
		assert_int_equal(errors(), 0x20);
		wr(LAPIC_LVT_ERROR, vector);
		wr(LAPIC_ICR_LOW, vector);
		assert_int_equal(errors(), 0x60);
		lapic_collect(cpu(0));
		assert_int_equal(lapic_pending(cpu(0)), -1);
	}
	lapic_request(cpu(0), 256, false);
	lapic_request(cpu(0), UINT32_MAX, true);
	lapic_env_make(1, LAPIC_XAPIC);
	wr(LAPIC_LVT_ERROR, 0xfe);
	wr(0x3f0, 0x55); /* no such register in xAPIC mode */
	lapic_collect(cpu(0));
	accept(0xfe);
	assert_int_equal(errors(), 0x80);
}

/** At random, against sets of vectors held in plain arrays. */
static void test_random_delivery(void **state)
{
	static bool irr[256], isr[256];
	uint64_t seed = 42;

	(void)state;
	lapic_env_make(1, LAPIC_X2APIC);
	memset(irr, 0, sizeof(irr));
	memset(isr, 0, sizeof(isr));
	for (uint32_t i = 0; i < 100000; i++) {
		uint32_t vector = 16 + (uint32_t)(process_random(&seed) % 240);
		int top = 255, serving = 255, expected;
		uint32_t tpr = (uint32_t)rd(LAPIC_TPR);

		switch (process_random(&seed) % 4) {
		case 0:
			request(vector);
			irr[vector] = true;
			break;
		case 1:
			wr(LAPIC_SELF_IPI, vector);
			irr[vector] = true;
			break;
		case 2:
			tpr = (uint32_t)(process_random(&seed) & 0xff) >> (process_random(&seed) & 7);
			wr(LAPIC_TPR, tpr);
			break;
		default:
			for (; serving >= 0 && !isr[serving]; serving--)
				;
			assert_int_equal(lapic_eoi(cpu(0)), serving);
			if (serving >= 0)
				isr[serving] = false;
			break;
		}
		for (; top >= 0 && !irr[top]; top--)
			;
		for (serving = 255; serving >= 0 && !isr[serving]; serving--)
			;
		expected = top >= 0 && top / 16 > (int)tpr / 16 && top / 16 > (serving < 0 ? 0 : serving / 16)
				   ? top
				   : -1;
		assert_int_equal(lapic_pending(cpu(0)), expected);
		if (expected >= 0 && (process_random(&seed) & 1)) {
			lapic_accept(cpu(0), (uint32_t)expected);
			irr[expected] = false;
			isr[expected] = true;
		}
	}
}

/** The CPU changes the page itself; only the page counts then. */
static void test_assisted(void **state)
{
	struct lapic *lapic;

	(void)state;
	lapic_env_make(1, LAPIC_X2APIC);
	lapic = &cpu(0)->lapic;
	lapic->assisted = true;
	lapic->page[(LAPIC_IRR + 0x20) / 4] = 1u << 5;
	assert_int_equal(lapic_pending(cpu(0)), 0x45);
	lapic->page[(LAPIC_IRR + 0x20) / 4] = 0;
	lapic->page[(LAPIC_ISR + 0x20) / 4] = 1u << 5;
	request(0x46);
	assert_int_equal(lapic->page[(LAPIC_IRR + 0x20) / 4], 1u << 6);
	assert_int_equal(lapic_pending(cpu(0)), -1);
	assert_int_equal(lapic_eoi(cpu(0)), 0x45);
	assert_int_equal(lapic_pending(cpu(0)), 0x46);
	lapic->page[LAPIC_PPR / 4] = 0x77;
	assert_int_equal(rd(LAPIC_PPR), 0x77);
}

/* ------------------------------------------------------------------------------------------- timer */

#define TSC(ns) ((ns) * (PROCESS_TSC_KHZ / 1000u) / 1000u)

static bool timer_work(void)
{
	if ((lapic_env_work(0) & VCPU_WORK_TIMER) == 0)
		return false;
	lapic_timer_fired(cpu(0));
	return true;
}

static void take(uint32_t vector)
{
	accept(vector);
	assert_int_equal(lapic_eoi(cpu(0)), vector);
}

static const struct {
	uint8_t code;
	uint8_t divider;
} dividers[] = {{0, 2}, {1, 4}, {2, 8}, {3, 16}, {8, 32}, {9, 64}, {10, 128}, {11, 1}};

static void test_one_shot(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 8; i++) {
		uint64_t ns = 100000ull * dividers[i].divider;

		lapic_env_make(1, LAPIC_XAPIC);
		wr(LAPIC_TIMER_DCR, dividers[i].code);
		wr(LAPIC_LVT_TIMER, 0x77);
		wr(LAPIC_TIMER_ICR, 100000);
		assert_int_equal(rd(LAPIC_TIMER_ICR), 100000);
		assert_in_range(rd(LAPIC_TIMER_CCR), 99999, 100000);
		process_advance(TSC(ns / 4));
		assert_in_range(rd(LAPIC_TIMER_CCR), 74999, 75000);
		process_advance(TSC(ns / 4 * 3) - 10);
		assert_false(timer_work());
		process_advance(20);
		assert_true(timer_work());
		assert_int_equal(rd(LAPIC_TIMER_CCR), 0);
		take(0x77);
		process_advance(TSC(ns * 10));
		assert_false(timer_work());
		assert_int_equal(process_armed(), 0);
	}
}

static void test_periodic(void **state)
{
	(void)state;
	lapic_env_make(1, LAPIC_XAPIC);
	wr(LAPIC_TIMER_DCR, 0xb);
	wr(LAPIC_LVT_TIMER, 0x20077);
	wr(LAPIC_TIMER_ICR, 1000000);
	for (uint32_t i = 0; i < 5; i++) {
		process_advance(TSC(1000000) - 1);
		assert_false(timer_work());
		process_advance(1);
		assert_true(timer_work());
		take(0x77);
	}
	lapic_env_make(1, LAPIC_XAPIC);
	wr(LAPIC_TIMER_DCR, 0xb);
	wr(LAPIC_LVT_TIMER, 0x20077);
	wr(LAPIC_TIMER_ICR, 1000000);
	process_advance(TSC(5300000)); /* late: one interrupt, and the phase is kept */
	assert_in_range(rd(LAPIC_TIMER_CCR), 699990, 700010);
	assert_true(timer_work());
	take(0x77);
	assert_int_equal(lapic_pending(cpu(0)), -1);
	assert_in_range(rd(LAPIC_TIMER_CCR), 699990, 700010);
	process_advance(TSC(699900));
	assert_false(timer_work());
	process_advance(TSC(200));
	assert_true(timer_work());
	wr(LAPIC_TIMER_ICR, 0);
	assert_int_equal(process_armed(), 0);
	assert_int_equal(rd(LAPIC_TIMER_CCR), 0);
}

/** The fastest periodic timer leaves the guest time to run. */
static void test_periodic_too_fast(void **state)
{
	uint32_t fired = 0;

	(void)state;
	lapic_env_make(1, LAPIC_XAPIC);
	wr(LAPIC_TIMER_DCR, 0xb);
	wr(LAPIC_LVT_TIMER, 0x20077);
	wr(LAPIC_TIMER_ICR, 1);
	for (uint32_t i = 0; i < 1000; i++) {
		process_advance(TSC(100));
		fired += timer_work();
	}
	assert_in_range(fired, 9, 11);
}

static void test_timer_masked(void **state)
{
	(void)state;
	lapic_env_make(1, LAPIC_XAPIC);
	wr(LAPIC_LVT_TIMER, 0x10077);
	wr(LAPIC_TIMER_DCR, 0xb);
	wr(LAPIC_TIMER_ICR, 1000);
	process_advance(TSC(2000));
	assert_true(timer_work());
	assert_int_equal(lapic_pending(cpu(0)), -1);
	wr(LAPIC_LVT_TIMER, 0x5); /* an illegal vector */
	wr(LAPIC_TIMER_ICR, 1000);
	process_advance(TSC(2000));
	assert_true(timer_work());
	assert_int_equal(errors(), 0x40);
}

/** A stale work bit, from before the guest set the timer anew, does nothing. */
static void test_timer_rewritten(void **state)
{
	(void)state;
	lapic_env_make(1, LAPIC_XAPIC);
	wr(LAPIC_LVT_TIMER, 0x77);
	wr(LAPIC_TIMER_DCR, 0xb);
	wr(LAPIC_TIMER_ICR, 1000);
	process_advance(TSC(1500));
	wr(LAPIC_TIMER_ICR, 5000);
	assert_true(timer_work());
	assert_int_equal(lapic_pending(cpu(0)), -1);
	assert_in_range(rd(LAPIC_TIMER_CCR), 4999, 5000);
	wr(LAPIC_TIMER_DCR, 0x0); /* half as fast from now on */
	assert_in_range(rd(LAPIC_TIMER_CCR), 4998, 5000);
	process_advance(TSC(9000));
	assert_false(timer_work());
	process_advance(TSC(1100));
	assert_true(timer_work());
	take(0x77);
	lapic_timer_fired(cpu(0));
	assert_int_equal(lapic_pending(cpu(0)), -1);
}

static void test_tsc_deadline(void **state)
{
	uint64_t offset = UINT64_C(0) - 5000;

	(void)state;
	lapic_env_make(1, LAPIC_X2APIC);
	cpu(0)->regs.tsc_offset = offset;
	lapic_set_tsc_deadline(cpu(0), host_tsc() + offset + 100); /* not in this mode: ignored */
	assert_int_equal(lapic_get_tsc_deadline(cpu(0)), 0);
	assert_int_equal(process_armed(), 0);
	wr(LAPIC_LVT_TIMER, 0x40099);
	lapic_set_tsc_deadline(cpu(0), host_tsc() + offset + 100);
	assert_int_equal(lapic_get_tsc_deadline(cpu(0)), host_tsc() + offset + 100);
	assert_int_equal(rd(LAPIC_TIMER_CCR), 0);
	process_advance(99);
	assert_false(timer_work());
	process_advance(1);
	assert_true(timer_work());
	assert_int_equal(lapic_get_tsc_deadline(cpu(0)), 0);
	take(0x99);
	wr(LAPIC_TIMER_ICR, 1000); /* ignored in this mode */
	assert_int_equal(rd(LAPIC_TIMER_ICR), 0);
	assert_int_equal(process_armed(), 0);
	process_counts.arms = 0;
	lapic_set_tsc_deadline(
	    cpu(0), host_tsc() + offset); /* has passed: at once, without the host's timer */
	assert_int_equal(process_counts.arms, 0);
	take(0x99);
	lapic_set_tsc_deadline(cpu(0), 1);
	take(0x99);
	lapic_set_tsc_deadline(cpu(0), UINT64_MAX);
	assert_int_equal(process_armed(), 1);
	lapic_set_tsc_deadline(cpu(0), 0);
	assert_int_equal(process_armed(), 0);
	lapic_set_tsc_deadline(cpu(0), host_tsc() + offset + 100);
	wr(LAPIC_LVT_TIMER, 0x99); /* leaving the mode disarms */
	assert_int_equal(process_armed(), 0);
	wr(LAPIC_TIMER_ICR, 1000);
	wr(LAPIC_LVT_TIMER, 0x40099);
	assert_int_equal(process_armed(), 0);
}

/*
 * Time that is hidden passes for nobody: the clock stands still and a deadline comes later.
 * @verifies HV-130
 */
static void test_hidden_time(void **state)
{
	const uint64_t offset = UINT64_C(0) - 5000;
	uint64_t guest_now;

	(void)state;
	lapic_env_make(1, LAPIC_X2APIC);
	cpu(0)->regs.tsc_offset = offset;
	wr(LAPIC_LVT_TIMER, 0x40099);
	guest_now = host_tsc() + offset;
	lapic_set_tsc_deadline(cpu(0), guest_now + 100);
	process_advance(1000); /* away; the host's timer fires behind it */
	cpu(0)->hidden = 950;
	lapic_hide_time(cpu(0));
	assert_int_equal(host_tsc() + cpu(0)->regs.tsc_offset, guest_now + 50);
	assert_int_equal(cpu(0)->hidden, 0);
	lapic_timer_fired(cpu(0));
	assert_int_equal(lapic_get_tsc_deadline(cpu(0)), guest_now + 100);
	process_advance(49);
	timer_work();
	assert_int_equal(lapic_get_tsc_deadline(cpu(0)), guest_now + 100);
	process_advance(1);
	assert_true(timer_work());
	assert_int_equal(lapic_get_tsc_deadline(cpu(0)), 0);
	take(0x99);
}

static void test_timer_stops(void **state)
{
	(void)state;
	lapic_env_make(1, LAPIC_XAPIC);
	wr(LAPIC_TIMER_ICR, 1000);
	assert_int_equal(process_armed(), 1);
	lapic_reset(cpu(0));
	assert_int_equal(process_armed(), 0);
	wr(LAPIC_TIMER_ICR, 1000);
	lapic_timer_rearm(cpu(0));
	assert_int_equal(process_armed(), 1);
	lapic_exit(cpu(0));
	assert_int_equal(process_armed(), 0);
	lapic_timer_rearm(cpu(0));
	assert_int_equal(process_armed(), 0);
}

/* ------------------------------------------------------------------------------------- save, load */

static void test_save_load(void **state)
{
	uint32_t regs[256], again[256];

	(void)state;
	lapic_env_make(1, LAPIC_XAPIC);
	request(0x44);
	request(0x88);
	accept(0x88);
	wr(LAPIC_TPR, 0x33);
	wr(LAPIC_LDR, 0x5000000);
	wr(LAPIC_LVT_TIMER, 0x20066);
	wr(LAPIC_TIMER_DCR, 0xb);
	wr(LAPIC_TIMER_ICR, 100000);
	process_advance(TSC(40000));
	lapic_save(cpu(0), regs);
	assert_int_equal(regs[LAPIC_PPR / 4], 0x80);
	lapic_reset(cpu(0));
	lapic_load(cpu(0), regs);
	lapic_save(cpu(0), again);
	for (uint32_t i = 0; i < 256; i++)
		if (i != LAPIC_TIMER_CCR / 4)
			assert_int_equal(regs[i], again[i]);
	assert_in_range(again[LAPIC_TIMER_CCR / 4], 59990, 60000);
	assert_int_equal(lapic_eoi(cpu(0)), 0x88);
	accept(0x44);
	process_advance(TSC(60010));
	assert_true(timer_work());
	process_advance(TSC(99980));
	assert_false(timer_work());
}

static void test_load_garbage(void **state)
{
	uint32_t regs[256];
	uint64_t seed = 7;

	(void)state;
	for (uint32_t round = 0; round < 2000; round++) {
		lapic_env_make(2, round & 1 ? LAPIC_XAPIC : LAPIC_X2APIC);
		for (uint32_t i = 0; i < 256; i++)
			regs[i] = (uint32_t)process_random(&seed);
		lapic_load(cpu(1), regs);
		assert_int_equal(cpu(1)->lapic.page[LAPIC_ID / 4], round & 1 ? 1u << 24 : 1);
		assert_int_equal(cpu(1)->lapic.page[LAPIC_VERSION / 4], 0x50014);
		assert_int_equal(cpu(1)->lapic.page[LAPIC_IRR / 4] & 0xffff, 0);
		lapic_pending(cpu(1));
		while (lapic_eoi(cpu(1)) >= 0)
			;
		process_advance(TSC(1000000));
		lapic_timer_fired(cpu(1));
		lapic_exit(cpu(1));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_access_xapic),
		cmocka_unit_test(test_access_x2apic),
		cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_unaligned_xapic),
		cmocka_unit_test(test_software_disable),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_base_bits),
		cmocka_unit_test(test_disabled),
		cmocka_unit_test(test_x2apic_ids),
		cmocka_unit_test(test_priorities),
		cmocka_unit_test(test_nesting),
		cmocka_unit_test(test_ppr),
		cmocka_unit_test(test_trigger_mode),
		cmocka_unit_test(test_illegal_vectors),
		cmocka_unit_test(test_random_delivery),
		cmocka_unit_test(test_assisted),
		cmocka_unit_test(test_one_shot),
		cmocka_unit_test(test_periodic),
		cmocka_unit_test(test_periodic_too_fast),
		cmocka_unit_test(test_timer_masked),
		cmocka_unit_test(test_timer_rewritten),
		cmocka_unit_test(test_tsc_deadline),
		cmocka_unit_test(test_hidden_time),
		cmocka_unit_test(test_timer_stops),
		cmocka_unit_test(test_save_load),
		cmocka_unit_test(test_load_garbage),
	};

	return cmocka_run_group_tests_name("lapic", tests, NULL, NULL);
}
