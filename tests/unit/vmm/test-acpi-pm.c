/* SPDX-License-Identifier: BSD-2-Clause */
/* ACPI fixed hardware. @verifies VMM-114 VMM-115 */
#include "tests/unit/vmm/bench.h"

#include "vmm/dev/acpi_pm.h"

#define STATUS	(ACPI_PM_BASE + 0)
#define ENABLE	(ACPI_PM_BASE + 2)
#define CONTROL (ACPI_PM_BASE + 4)
#define TIMER	(ACPI_PM_BASE + 8)

#define TMR    0x0001u
#define PWRBTN 0x0100u
#define SCI_EN 0x0001u
#define SLP_EN 0x2000u

static struct bench bench;
static struct acpi_pm pm;
static unsigned int offs;

static void off(void *ctx, uint32_t value)
{
	(void)ctx;
	(void)value;
	offs++;
}

static int setup(void **state)
{
	(void)state;
	mock_reset();
	offs = 0;
	acpi_pm_init(&pm, &bench.timers);
	bench_init(&bench, &pm.dev);
	wire_connect(&pm.sci, bench_wire, &bench, 0);
	pm.off = (struct command){off, NULL};
	return 0;
}

static uint32_t in(uint16_t port, unsigned int size)
{
	return bus_port_read(&bench.bus, port, size);
}

static void out(uint16_t port, unsigned int size, uint32_t value)
{
	bus_port_write(&bench.bus, port, size, value);
}

static void s5_and_nothing_else_switches_off(void **state)
{
	(void)state;
	for (uint32_t type = 0; type < 8; type++) {
		out(CONTROL, 2, type << 10);
		assert_int_equal(offs, 0);
	}
	for (uint32_t type = 0; type < 8; type++) {
		out(CONTROL, 2, type << 10 | SLP_EN);
		assert_int_equal(offs, type >= ACPI_PM_S5);
	}
	assert_int_equal(in(CONTROL, 2), 7u << 10 | SCI_EN); /* SLP_EN reads as zero */
	out(CONTROL + 1, 1, (5u << 10 | SLP_EN) >> 8);
	assert_int_equal(offs, 2);
}

static void the_timer_counts(void **state)
{
	uint32_t first = in(TIMER, 4), second;

	(void)state;
	mock_now += 1000000000;
	second = in(TIMER, 4);
	assert_int_equal(second - first, ACPI_PM_HZ);
	out(TIMER, 4, 0);
	assert_int_equal(in(TIMER, 4), second);
	assert_int_equal(in(TIMER + 1, 1), second >> 8 & 0xff);
	/* Ten years later it has wrapped around, and is exact all the same. */
	mock_now += UINT64_C(315360000000000000);
	assert_int_equal(in(TIMER, 4), (uint32_t)(second + UINT64_C(315360000) * ACPI_PM_HZ));
}

static void the_timers_overflow_interrupts(void **state)
{
	(void)state;
	out(ENABLE, 2, TMR);
	out(STATUS, 2, TMR);
	assert_false(bench.level);
	bench_pass(&bench, UINT64_C(600000000000)); /* 2^31 ticks are 599.9 s */
	assert_true(bench.level);
	assert_int_equal(in(STATUS, 2), TMR);
	out(STATUS, 2, TMR);
	assert_false(bench.level);
	bench_pass(&bench, UINT64_C(600000000000));
	assert_int_equal(bench.edges, 2);
	out(ENABLE, 2, 0);
	assert_false(bench.level);
	assert_int_equal(timer_next(&bench.timers), UINT64_MAX);
}

static void the_power_button(void **state)
{
	(void)state;
	acpi_pm_button(&pm);
	assert_false(bench.level);
	out(ENABLE, 2, PWRBTN);
	assert_true(bench.level);
	assert_int_equal(in(STATUS, 4), PWRBTN << 16 | PWRBTN);
	out(STATUS + 1, 1, PWRBTN >> 8);
	assert_false(bench.level);
	assert_int_equal(in(STATUS, 4), PWRBTN << 16);
}

static void anything_goes(void **state)
{
	(void)state;
	bench_torment(&bench, &pm.dev, 20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(s5_and_nothing_else_switches_off, setup),
		cmocka_unit_test_setup(the_timer_counts, setup),
		cmocka_unit_test_setup(the_timers_overflow_interrupts, setup),
		cmocka_unit_test_setup(the_power_button, setup),
		cmocka_unit_test_setup(anything_goes, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
