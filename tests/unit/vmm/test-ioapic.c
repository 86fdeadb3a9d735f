/* SPDX-License-Identifier: BSD-2-Clause */
/* The I/O APIC against its data sheet. @verifies VMM-113 */
#include "tests/unit/vmm/bench.h"

#include "lib/x86/apic.h"
#include "vmm/dev/ioapic.h"

#define BASE IOAPIC_DEFAULT_BASE
#define ASSERTED_LEVEL 0xc000u

static struct bench bench;
static struct ioapic ioapic;
static uint32_t hit, unmasked;

static void msi(void *ctx, uint64_t address, uint32_t data)
{
	(void)ctx;
	hv_msi(0, address, data);
}

static void trap_eoi(void *ctx, unsigned int vector, bool on)
{
	(void)ctx;
	hv_trap_eoi(0, vector, on);
}

static void look(void *ctx, uint32_t pins)
{
	(void)ctx;
	unmasked = pins;
}

static int setup(void **state)
{
	const struct ioapic_upstream up = {NULL, msi, trap_eoi, look};

	(void)state;
	mock_reset();
	hit = 0;
	ioapic_init(&ioapic, &up);
	bench_init(&bench, &ioapic.dev);
	return 0;
}

static uint32_t get(uint32_t reg)
{
	bus_memory_write(&bench.bus, &hit, BASE + IOAPIC_REGSEL, 4, reg);
	return (uint32_t)bus_memory_read(&bench.bus, &hit, BASE + IOAPIC_IOWIN, 4);
}

static void set(uint32_t reg, uint32_t value)
{
	bus_memory_write(&bench.bus, &hit, BASE + IOAPIC_REGSEL, 4, reg);
	bus_memory_write(&bench.bus, &hit, BASE + IOAPIC_IOWIN, 4, value);
}

static void program(unsigned int pin, uint32_t low, uint32_t destination)
{
	set(IOAPIC_REDTBL(pin) + 1, destination << 24);
	set(IOAPIC_REDTBL(pin), low);
}

static bool trapped(unsigned int vector)
{
	return mock_eoi_traps[vector / 32] >> (vector % 32) & 1;
}

static void pulse(unsigned int pin)
{
	ioapic_line(&ioapic, pin, true);
	ioapic_line(&ioapic, pin, false);
}

static void registers(void **state)
{
	(void)state;
	assert_int_equal(get(IOAPIC_VER), 0x170011);
	set(IOAPIC_ID, UINT32_MAX);
	assert_int_equal(get(IOAPIC_ID), 0x0f000000);
	for (unsigned int pin = 0; pin < IOAPIC_PINS; pin++)
		assert_int_equal(get(IOAPIC_REDTBL(pin)), IOAPIC_RED_MASKED);
	program(23, UINT32_MAX & ~IOAPIC_RED_LEVEL, 0xff);
	/* Delivery status and remote IRR are read-only. */
	assert_int_equal(get(IOAPIC_REDTBL(23)), 0x12fff);
	assert_int_equal(get(IOAPIC_REDTBL(23) + 1), 0xff000000);
	assert_int_equal(get(0x40), 0);
}

static void edges(void **state)
{
	(void)state;
	pulse(2); /* masked: lost */
	program(2, 0x31, 3);
	assert_int_equal(unmasked, 1u << 2);
	assert_int_equal(mock_msi_count, 0);
	pulse(2);
	pulse(2);
	assert_int_equal(mock_msi_count, 2);
	assert_int_equal(mock_msis[1].address, 0xfee03000);
	assert_int_equal(mock_msis[1].data, 0x31);
	assert_false(trapped(0x31));
	program(2, 0x31 | IOAPIC_RED_MASKED, 3);
	assert_int_equal(unmasked, 0);
	pulse(2);
	assert_int_equal(mock_msi_count, 2);
}

static void a_falling_edge(void **state)
{
	(void)state;
	ioapic_line(&ioapic, 5, true);
	program(5, 0x40 | IOAPIC_RED_LOW_ACTIVE | APIC_DM_LOWEST | IOAPIC_RED_LOGICAL, 0xf);
	assert_int_equal(mock_msi_count, 0);
	ioapic_line(&ioapic, 5, false);
	assert_int_equal(mock_msi_count, 1);
	assert_int_equal(mock_msis[0].address, 0xfee0f004);
	assert_int_equal(mock_msis[0].data, 0x40 | APIC_DM_LOWEST);
}

static void levels(void **state)
{
	(void)state;
	ioapic_line(&ioapic, 16, true);
	program(16, 0x52 | IOAPIC_RED_LEVEL | IOAPIC_RED_LOW_ACTIVE, 1);
	assert_true(trapped(0x52));
	assert_int_equal(mock_msi_count, 0);
	ioapic_line(&ioapic, 16, false);
	assert_int_equal(mock_msi_count, 1);
	assert_int_equal(mock_msis[0].data, ASSERTED_LEVEL | 0x52);
	assert_true(get(IOAPIC_REDTBL(16)) & IOAPIC_RED_REMOTE_IRR);
	/* No second one before the end of the first. */
	ioapic_line(&ioapic, 16, true);
	ioapic_line(&ioapic, 16, false);
	assert_int_equal(mock_msi_count, 1);
	ioapic_eoi(&ioapic, 0x53);
	assert_int_equal(mock_msi_count, 1);
	ioapic_eoi(&ioapic, 0x52);
	assert_int_equal(mock_msi_count, 2);
	ioapic_line(&ioapic, 16, true);
	ioapic_eoi(&ioapic, 0x52);
	assert_int_equal(mock_msi_count, 2);
	assert_false(get(IOAPIC_REDTBL(16)) & IOAPIC_RED_REMOTE_IRR);
}

/** A level that came while the input was masked is not lost. */
static void a_masked_level(void **state)
{
	(void)state;
	program(9, 0x60 | IOAPIC_RED_LEVEL | IOAPIC_RED_MASKED, 0);
	assert_false(trapped(0x60));
	ioapic_line(&ioapic, 9, true);
	assert_int_equal(mock_msi_count, 0);
	program(9, 0x60 | IOAPIC_RED_LEVEL, 0);
	assert_int_equal(mock_msi_count, 1);
	/* Masked while it is served: the end is still awaited. */
	set(IOAPIC_REDTBL(9), 0x60 | IOAPIC_RED_LEVEL | IOAPIC_RED_MASKED);
	assert_true(trapped(0x60));
	/* Ended by a change to edge and back, as systems do that have no other means. */
	set(IOAPIC_REDTBL(9), 0x60 | IOAPIC_RED_MASKED);
	assert_false(get(IOAPIC_REDTBL(9)) & IOAPIC_RED_REMOTE_IRR);
	assert_false(trapped(0x60));
}

static void anything_goes(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 100000; i++) {
		const uint32_t random = bench_random();
		const uint64_t address = BASE + (random >> 8 & 0x1f);
		if ((random & 7) == 0)
			ioapic_line(&ioapic, random >> 3 & 31, random >> 30 & 1);
		else if ((random & 7) == 1)
			ioapic_eoi(&ioapic, random >> 3 & 0xff);
		else if (random & 64)
			bus_memory_write(&bench.bus, &hit, address, 1u << (random >> 4 & 3),
					 bench_random() & 0xff3f);
		else
			bus_memory_read(&bench.bus, &hit, address, 1u << (random >> 4 & 3));
		mock_msi_count = 0;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(registers, setup),
		cmocka_unit_test_setup(edges, setup),
		cmocka_unit_test_setup(a_falling_edge, setup),
		cmocka_unit_test_setup(levels, setup),
		cmocka_unit_test_setup(a_masked_level, setup),
		cmocka_unit_test_setup(anything_goes, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
