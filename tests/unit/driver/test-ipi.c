/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file test-ipi.c
 * Interrupts between processors and from devices: every destination, shorthand, delivery and trigger mode,
 * with APICs in all modes, against what SDM 11.6 and 11.11 say, written down once more.
 *
 * @verifies HV-074
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/driver/env_lapic.h"

#define VCPUS 6u

static struct vcpu *cpu(uint32_t index)
{
	return lapic_env.vm->vcpu[index];
}

/** What one vCPU may have received. */
struct received {
	bool vector, nmi, init, sipi;
};

static struct received take(uint32_t index, uint32_t vector)
{
	uint32_t work = lapic_env_work(index);
	uint32_t *irr;
	struct received r = {.nmi = work & VCPU_WORK_NMI, .init = work & VCPU_WORK_INIT,
			     .sipi = work & VCPU_WORK_SIPI};

	lapic_collect(cpu(index));
	irr = &cpu(index)->lapic.page[(LAPIC_IRR + (vector / 32) * 16) / 4];
	r.vector = *irr >> (vector % 32) & 1;
	for (uint32_t i = 0; i < 8; i++)
		assert_int_equal(cpu(index)->lapic.page[(LAPIC_IRR + i * 16) / 4],
				 r.vector && i == vector / 32 ? 1u << (vector % 32) : 0);
	*irr = 0;
	cpu(index)->lapic.irr_words = 0;
	lapic_env_work(index);
	return r;
}

/* -------------------------------------------------------------------- who is meant, once more (11.6.2) */

struct target {
	uint32_t destination;
	bool logical, wide;
};

static bool meant(uint32_t index, const struct target *t)
{
	const struct lapic *l = &cpu(index)->lapic;
	uint32_t all = t->wide ? 0xffffffff : 0xff;
	uint32_t ldr = l->page[LAPIC_LDR / 4], dfr = l->page[LAPIC_DFR / 4];

	if (l->mode == LAPIC_OFF)
		return false;
	if (!t->logical)
		return t->destination == all || t->destination == index;
	if (l->mode == LAPIC_X2APIC) {
		if (t->wide && t->destination == all)
			return true;
		return t->destination >> 16 == index >> 4 && ((t->destination >> (index & 15)) & 1);
	}
	if (t->destination == all)
		return true;
	if (t->destination > 255)
		return false;
	ldr >>= 24;
	if (dfr == 0xffffffff)
		return ldr & t->destination;
	return ((t->destination & 0xf0) == 0xf0 || (t->destination & 0xf0) == (ldr & 0xf0)) &&
	       (t->destination & ldr & 0xf);
}

static bool enabled(uint32_t index)
{
	return cpu(index)->lapic.mode != LAPIC_OFF && (cpu(index)->lapic.page[LAPIC_SVR / 4] & 0x100);
}

/** Modes, LDR, DFR, SVR and TPR of all at random. */
static void shuffle(uint64_t *seed, bool mixed)
{
	bool x2 = process_random(seed) & 1;

	lapic_env_make(VCPUS, LAPIC_XAPIC);
	for (uint32_t i = 0; i < VCPUS; i++) {
		uint64_t r = process_random(seed);
		uint64_t base = cpu(i)->lapic.base;

		lapic_write(cpu(i), LAPIC_DFR, r & 1 ? 0xffffffff : 0);
		lapic_write(cpu(i), LAPIC_LDR, (uint32_t)(process_random(seed) << 24));
		lapic_write(cpu(i), LAPIC_TPR, (r >> 8) & 0xff);
		if (r % 8 == 0)
			lapic_write(cpu(i), LAPIC_SVR, 0xff);
		if (mixed ? (r >> 32) % 3 == 0 : x2)
			assert_true(lapic_set_base(cpu(i), base | 0x400));
		else if (mixed && (r >> 32) % 11 == 0 && i != 0)
			assert_true(lapic_set_base(cpu(i), base & ~0x800ull));
		cpu(i)->work = 0;
	}
}

static void send(uint32_t from, uint32_t destination, uint32_t low)
{
	if (cpu(from)->lapic.mode == LAPIC_X2APIC) {
		assert_true(lapic_write(cpu(from), LAPIC_ICR_LOW, (uint64_t)destination << 32 | low));
		return;
	}
	assert_true(lapic_write(cpu(from), LAPIC_ICR_HIGH, destination << 24));
	assert_true(lapic_write(cpu(from), LAPIC_ICR_LOW, low));
}

static uint32_t random_destination(uint64_t *seed, bool wide)
{
	uint64_t r = process_random(seed);

	switch (r % 5) {
	case 0:
		return wide ? 0xffffffff : 0xff;
	case 1:
		return (uint32_t)(r >> 32) % (VCPUS + 2);
	case 2:
		return (uint32_t)(r >> 32) & (wide ? 0xffffffff : 0xff);
	case 3:
		return (uint32_t)(r >> 32) & 0x3f;
	default:
		return 1u << ((r >> 32) % 8);
	}
}

/* ---------------------------------------------------------------------------------------- the ICR */

/** Who gets a non-lowest message: SDM Table 11-3 decides which combinations are valid. */
static bool gets(uint32_t index, uint32_t low, const struct target *t)
{
	uint32_t mode = low >> 8 & 7;

	if (cpu(index)->lapic.mode == LAPIC_OFF)
		return false;
	switch (low >> 18 & 3) {
	case 1:
		return index == 0 && mode == 0;
	case 2:
		return mode == 0;
	case 3:
		return index != 0;
	default:
		return meant(index, t);
	}
}

static void expect(uint32_t index, uint32_t low, bool got)
{
	struct received r = take(index, low & 0xff);
	uint32_t mode = low >> 8 & 7;
	bool assert_level = (low & 0x4000) || !(low & 0x8000);

	assert_int_equal(r.vector, got && (mode == 0 || mode == 1) && enabled(index) && (low & 0xff) >= 16);
	assert_int_equal(r.nmi, got && mode == 4);
	assert_int_equal(r.init, got && mode == 5 && assert_level);
	assert_int_equal(r.sipi, got && mode == 6);
	if (r.sipi)
		assert_int_equal(cpu(index)->lapic.sipi_vector, low & 0xff);
}

static void test_matrix(void **state)
{
	uint64_t seed = 0xc0ffee;

	(void)state;
	for (uint32_t round = 0; round < 60000; round++) {
		uint32_t low;
		struct target t;

		if (round % 20 == 0)
			shuffle(&seed, round % 40 == 0);
		low = (uint32_t)process_random(&seed) & 0xccfff;
		if ((low >> 8 & 7) == 1 && (low >> 18 & 3) == 0)
			low &= ~0x100u; /* lowest priority: below */
		t.wide = cpu(0)->lapic.mode == LAPIC_X2APIC;
		t.destination = random_destination(&seed, t.wide);
		t.logical = low & 0x800;
		send(0, t.destination, low);
		for (uint32_t i = 0; i < VCPUS; i++)
			expect(i, low, gets(i, low, &t));
	}
}

static void test_lowest_priority(void **state)
{
	uint64_t seed = 0xbeef;
	uint32_t delivered = 0, to_nobody = 0;

	(void)state;
	for (uint32_t round = 0; round < 20000; round++) {
		uint32_t vector, best = 0x1000, got = 0;
		struct target t;

		shuffle(&seed, true);
		vector = 16 + (uint32_t)(process_random(&seed) % 240);
		t.wide = cpu(0)->lapic.mode == LAPIC_X2APIC;
		t.destination = random_destination(&seed, t.wide);
		t.logical = process_random(&seed) & 1;
		send(0, t.destination, 0x100 | (t.logical ? 0x800 : 0) | vector);
		for (uint32_t i = 0; i < VCPUS; i++)
			if (meant(i, &t) && enabled(i) && (cpu(i)->lapic.page[LAPIC_TPR / 4] >> 4) < best)
				best = cpu(i)->lapic.page[LAPIC_TPR / 4] >> 4;
		for (uint32_t i = 0; i < VCPUS; i++) {
			if (!take(i, vector).vector)
				continue;
			got++;
			assert_true(meant(i, &t) && enabled(i));
			assert_int_equal(cpu(i)->lapic.page[LAPIC_TPR / 4] >> 4, best);
		}
		assert_int_equal(got, best == 0x1000 ? 0 : 1);
		delivered += got;
		to_nobody += got == 0;
	}
	assert_true(delivered > 1000 && to_nobody > 1000);
}

/** Equal priorities: not always the same one. */
static void test_lowest_priority_turns(void **state)
{
	uint32_t count[4] = {0};

	(void)state;
	lapic_env_make(4, LAPIC_X2APIC);
	for (uint32_t vector = 0x40; vector < 0x80; vector++) {
		send(0, 0xffffffff, 0x100 | vector);
		for (uint32_t i = 0; i < 4; i++)
			count[i] += take(i, vector).vector;
	}
	for (uint32_t i = 0; i < 4; i++)
		assert_true(count[i] > 0);
}

static void test_self(void **state)
{
	(void)state;
	lapic_env_make(2, LAPIC_X2APIC);
	assert_true(lapic_write(cpu(1), LAPIC_SELF_IPI, 0x99));
	assert_true(take(1, 0x99).vector);
	send(1, 1, 0x98);
	assert_true(take(1, 0x98).vector);
	send(1, 0, 0x40097);
	assert_true(take(1, 0x97).vector);
	assert_int_equal(lapic_env.posts, 0); /* nobody had to be woken or kicked */
	send(1, 1, 0x400);
	assert_true(take(1, 0x97).nmi);
	assert_int_equal(lapic_env.posts, 0);
	send(1, 0, 0x98);
	assert_int_equal(lapic_env.posts, 1);
	assert_false(take(1, 0x98).vector);
	assert_true(take(0, 0x98).vector);
}

/** The receiver may look late: what it finds must be what it would have done in time. */
static void test_init_and_startup(void **state)
{
	struct received r;

	(void)state;
	lapic_env_make(2, LAPIC_X2APIC);
	send(0, 1, 0x607); /* to one that runs: no effect */
	send(0, 1, 0x500);
	r = take(1, 0x99);
	assert_true(r.init && !r.sipi);
	send(0, 1, 0x500);
	send(0, 1, 0x608);
	r = take(1, 0x99);
	assert_true(r.init && r.sipi);
	assert_int_equal(cpu(1)->lapic.sipi_vector, 8);
}

static void test_icr_reads_back(void **state)
{
	uint64_t value;

	(void)state;
	lapic_env_make(1, LAPIC_X2APIC);
	send(0, 0x12345678, 0x8c0ef);
	assert_true(lapic_read(cpu(0), LAPIC_ICR_LOW, &value));
	assert_int_equal(value, UINT64_C(0x123456780008c0ef));
	lapic_env_make(1, LAPIC_XAPIC);
	send(0, 0x12, 0x8c0ef);
	assert_true(lapic_read(cpu(0), LAPIC_ICR_LOW, &value));
	assert_int_equal(value, 0x8c0ef);
	assert_true(lapic_read(cpu(0), LAPIC_ICR_HIGH, &value));
	assert_int_equal(value, 0x12000000);
}

/* ------------------------------------------------------------------------------------------ devices */

static void test_msi(void **state)
{
	uint64_t seed = 0x3151;

	(void)state;
	for (uint32_t round = 0; round < 30000; round++) {
		uint32_t data = (uint32_t)process_random(&seed) & 0xffff, mode = data >> 8 & 7, got = 0;
		struct target t = {.wide = false};
		uint64_t address;
		bool one, lost;

		if (round % 10 == 0)
			shuffle(&seed, true);
		t.destination = random_destination(&seed, false);
		t.logical = process_random(&seed) & 1;
		one = mode == 1 || process_random(&seed) % 4 == 0;
		address = 0xfee00000 | t.destination << 12 | (t.logical ? 4 : 0) |
			  (one && mode != 1 ? 8 : 0);
		lost = (data & 0x8000) && !(data & 0x4000);
		assert_int_equal(lapic_msi(lapic_env.vm, address, data),
				 mode == 0 || mode == 1 || mode == 4 || mode == 5 ? HV_OK
										 : HV_E_UNSUPPORTED);
		for (uint32_t i = 0; i < VCPUS; i++) {
			struct received r = take(i, data & 0xff);
			bool to = meant(i, &t) && !lost;

			got += r.vector || r.nmi || r.init;
			assert_true(!r.sipi);
			assert_true(to || (!r.vector && !r.nmi && !r.init));
			if (one)
				continue;
			assert_int_equal(r.vector, to && mode == 0 && enabled(i) && (data & 0xff) >= 16);
			assert_int_equal(r.nmi, to && mode == 4);
			assert_int_equal(r.init, to && mode == 5);
		}
		if (one)
			assert_true(got <= 1);
	}
}

static void test_msi_level(void **state)
{
	(void)state;
	lapic_env_make(1, LAPIC_XAPIC);
	assert_int_equal(lapic_msi(lapic_env.vm, 0xfee00000, 0xc055), HV_OK);
	lapic_collect(cpu(0));
	assert_int_equal(cpu(0)->lapic.page[(LAPIC_TMR + 0x20) / 4], 1u << 21);
	assert_int_equal(lapic_msi(lapic_env.vm, 0xfee00000, 0x0055), HV_OK);
	lapic_collect(cpu(0));
	assert_int_equal(cpu(0)->lapic.page[(LAPIC_TMR + 0x20) / 4], 0);
}

static void test_msi_refused(void **state)
{
	(void)state;
	lapic_env_make(1, LAPIC_XAPIC);
	assert_int_equal(lapic_msi(lapic_env.vm, 0, 0x55), HV_E_INVALID);
	assert_int_equal(lapic_msi(lapic_env.vm, 0xfed00000, 0x55), HV_E_INVALID);
	assert_int_equal(lapic_msi(lapic_env.vm, 0xfef00000, 0x55), HV_E_INVALID);
	assert_int_equal(lapic_msi(lapic_env.vm, UINT64_C(0x1fee00000), 0x55), HV_E_INVALID);
	assert_false(take(0, 0x55).vector);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matrix),
		cmocka_unit_test(test_lowest_priority),
		cmocka_unit_test(test_lowest_priority_turns),
		cmocka_unit_test(test_self),
		cmocka_unit_test(test_init_and_startup),
		cmocka_unit_test(test_icr_reads_back),
		cmocka_unit_test(test_msi),
		cmocka_unit_test(test_msi_level),
		cmocka_unit_test(test_msi_refused),
	};

	return cmocka_run_group_tests_name("ipi", tests, NULL, NULL);
}
