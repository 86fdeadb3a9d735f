/* SPDX-License-Identifier: BSD-2-Clause */
/* MC146818 against the data sheet. @verifies VMM-050 */
#include "tests/unit/vmm/bench.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "vmm/dev/mc146818.h"

#define SECOND UINT64_C(1000000000)

static struct bench bench;
static struct mc146818 rtc;

static uint8_t get(unsigned int index)
{
	out8(&bench, 0x70, index);
	return in8(&bench, 0x71);
}

static void set(unsigned int index, unsigned int value)
{
	out8(&bench, 0x70, index);
	out8(&bench, 0x71, value);
}

static void start(uint64_t seconds)
{
	mc146818_init(&rtc, &bench.timers, seconds);
	bench_init(&bench, &rtc.dev);
	wire_connect(&rtc.irq, bench_wire, &bench, 0);
}

static int setup(void **state)
{
	(void)state;
	mock_reset();
	start(UINT64_C(1709164798)); /* 2024-02-28 23:59:58, a Wednesday */
	return 0;
}

static void expect(const char *text)
{
	char shown[32];

	snprintf(shown, sizeof(shown), "%02x%02x-%02x-%02x %02x:%02x:%02x %x", get(0x32), get(9),
		 get(8), get(7), get(4), get(2), get(0), get(6));
	assert_string_equal(shown, text);
}

static void time_goes_on(void **state)
{
	(void)state;
	expect("2024-02-28 23:59:58 4");
	bench_pass(&bench, SECOND - 1);
	expect("2024-02-28 23:59:58 4");
	bench_pass(&bench, 1);
	expect("2024-02-28 23:59:59 4");
	bench_pass(&bench, SECOND);
	expect("2024-02-29 00:00:00 5");
	bench_pass(&bench, 86400 * SECOND);
	expect("2024-03-01 00:00:00 6");
}

static void the_calendar_is_right(void **state)
{
	(void)state;
	for (uint64_t t = 0; t < UINT64_C(8000000000); t += 86400 * 13 + 12345) {
		struct tm tm;
		char text[48];
		time_t when = (time_t)t;
		gmtime_r(&when, &tm);
		start(t);
		snprintf(text, sizeof(text), "%04d-%02d-%02d %02d:%02d:%02d %d", tm.tm_year + 1900,
			 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
			 tm.tm_wday + 1);
		expect(text);
	}
}

static void binary_and_twelve_hours(void **state)
{
	(void)state;
	set(0x0b, 0x06);
	assert_int_equal(get(0), 58);
	assert_int_equal(get(4), 23);
	set(0x0b, 0x00);
	assert_int_equal(get(4), 0x91);
	bench_pass(&bench, 2 * SECOND);
	assert_int_equal(get(4), 0x12); /* midnight */
	bench_pass(&bench, 12 * 3600 * SECOND);
	assert_int_equal(get(4), 0x92); /* noon */
	set(0x0b, 0x04);
	bench_pass(&bench, 3600 * SECOND);
	assert_int_equal(get(4), 0x81);
}

static void it_can_be_set(void **state)
{
	(void)state;
	set(0x0b, 0x82);
	bench_pass(&bench, 5 * SECOND);
	expect("2024-02-28 23:59:58 4"); /* stands */
	set(0x32, 0x19);
	set(0x09, 0x99);
	set(0x08, 0x12);
	set(0x07, 0x31);
	set(0x04, 0x23);
	set(0x02, 0x59);
	set(0x00, 0x30);
	set(0x0b, 0x02);
	bench_pass(&bench, 30 * SECOND);
	expect("2000-01-01 00:00:00 7");
	set(0x00, 0x45); /* while it runs */
	expect("2000-01-01 00:00:45 7");
}

static void the_divider_stops_it(void **state)
{
	(void)state;
	set(0x0a, 0x66);
	bench_pass(&bench, 5 * SECOND);
	expect("2024-02-28 23:59:58 4");
	set(0x0a, 0x26);
	bench_pass(&bench, SECOND);
	expect("2024-02-28 23:59:59 4");
}

static void updates_are_announced(void **state)
{
	(void)state;
	assert_int_equal(get(0x0a) & 0x80, 0);
	bench_pass(&bench, SECOND - 244001);
	assert_int_equal(get(0x0a) & 0x80, 0);
	bench_pass(&bench, 1);
	assert_int_equal(get(0x0a) & 0x80, 0x80);
	bench_pass(&bench, 244000);
	assert_int_equal(get(0x0a) & 0x80, 0);
	set(0x0a, 0xa6); /* UIP is read-only */
	assert_int_equal(get(0x0a), 0x26);
	assert_int_equal(get(0x0d), 0x80);
}

static void update_ended_interrupts(void **state)
{
	(void)state;
	bench_pass(&bench, SECOND / 2);
	set(0x0b, 0x12);
	get(0x0c);
	bench.edges = 0;
	for (unsigned int i = 0; i < 10; i++) {
		bench_pass(&bench, SECOND);
		assert_true(bench.level);
		assert_int_equal(get(0x0c) & 0x90, 0x90);
		assert_false(bench.level);
		assert_int_equal(get(0x0c) & 0x90, 0x00);
	}
	assert_int_equal(bench.edges, 10);
	set(0x0b, 0x92); /* SET clears UIE */
	assert_int_equal(get(0x0b), 0x82);
}

static void the_alarm_goes_off(void **state)
{
	(void)state;
	set(0x01, 0x05);
	set(0x03, 0x00);
	set(0x05, 0x00);
	set(0x0b, 0x22);
	get(0x0c);
	bench_pass(&bench, 6 * SECOND);
	assert_false(bench.level);
	bench_pass(&bench, SECOND);
	assert_true(bench.level);
	assert_int_equal(get(0x0c) & 0xa0, 0xa0);
	expect("2024-02-29 00:00:05 5");
	set(0x05, 0xc0); /* any hour */
	set(0x03, 0xff); /* any minute */
	bench.edges = 0;
	for (unsigned int i = 0; i < 5; i++) {
		bench_pass(&bench, 60 * SECOND);
		assert_int_equal(get(0x0c) & 0xa0, 0xa0);
	}
	assert_int_equal(bench.edges, 5);
}

static void flags_are_set_without_interrupts(void **state)
{
	(void)state;
	set(0x01, 0x01);
	set(0x03, 0xc0);
	set(0x05, 0xc0);
	get(0x0c);
	bench_pass(&bench, 10 * SECOND);
	assert_int_equal(get(0x0c), 0x70);
	assert_int_equal(get(0x0c), 0x00);
}

static void periodic_interrupts(void **state)
{
	static const struct {
		unsigned int rate, hz;
	} rates[] = {{6, 1024}, {15, 2}, {3, 8192}, {1, 256}, {2, 128}, {10, 64}};

	(void)state;
	for (unsigned int r = 0; r < sizeof(rates) / sizeof(rates[0]); r++) {
		unsigned int seen = 0;
		set(0x0a, 0x20 | rates[r].rate);
		set(0x0b, 0x42);
		get(0x0c);
		for (uint64_t t = 0; t < 2 * SECOND; t += 20000) {
			bench_pass(&bench, 20000);
			if (bench.level) {
				assert_int_equal(get(0x0c) & 0xc0, 0xc0);
				seen++;
			}
		}
		assert_in_range(seen, 2 * rates[r].hz - 1, 2 * rates[r].hz + 1);
	}
	set(0x0a, 0x20); /* off */
	get(0x0c);
	bench_pass(&bench, SECOND);
	assert_false(bench.level);
}

static void nothing_enabled_costs_nothing(void **state)
{
	(void)state;
	assert_true(timer_next(&bench.timers) == UINT64_MAX);
	set(0x0b, 0x42);
	assert_true(timer_next(&bench.timers) != UINT64_MAX);
	bench_pass(&bench, 2 * SECOND); /* unread: no further events */
	assert_true(timer_next(&bench.timers) == UINT64_MAX);
}

static void ram_is_kept_over_a_reset(void **state)
{
	uint8_t saved[256];

	(void)state;
	mc146818_store(&rtc, 0x15, 0x80);
	set(0x40, 0x5a);
	set(0x0b, 0x72);
	rtc.dev.class->reset(&rtc.dev);
	assert_int_equal(get(0x15), 0x80);
	assert_int_equal(get(0x40), 0x5a);
	assert_int_equal(get(0x0b), 0x02);
	assert_int_equal(in8(&bench, 0x70), 0xff);
	out8(&bench, 0x70, 0x80 | 0x40);
	assert_true(rtc.nmi_mask.level);
	assert_int_equal(in8(&bench, 0x71), 0x5a);
	device_save(&rtc.dev, saved);
	mock_now += 77 * SECOND;
	assert_true(device_load(&rtc.dev, saved, device_state_size(&rtc.dev)));
	expect("2024-02-28 23:59:58 4");
}

static void nothing_breaks_it(void **state)
{
	(void)state;
	bench_torment(&bench, &rtc.dev, 20000);
	start(UINT64_C(1709164798));
	expect("2024-02-28 23:59:58 4");
}

#define T(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(time_goes_on),
		T(the_calendar_is_right),
		T(binary_and_twelve_hours),
		T(it_can_be_set),
		T(the_divider_stops_it),
		T(updates_are_announced),
		T(update_ended_interrupts),
		T(the_alarm_goes_off),
		T(flags_are_set_without_interrupts),
		T(periodic_interrupts),
		T(nothing_enabled_costs_nothing),
		T(ram_is_kept_over_a_reset),
		T(nothing_breaks_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
