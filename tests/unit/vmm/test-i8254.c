/* SPDX-License-Identifier: BSD-2-Clause */
/* 8254 and port 61h against the data sheet's mode definitions. @verifies VMM-020 VMM-021 */
#include "tests/unit/vmm/bench.h"

#include "vmm/dev/i8254.h"
#include "vmm/dev/port61.h"

#define CONTROL 0x43
#define TICK(n) ((uint64_t)(n) * 1000000000 / I8254_HZ)

static struct bench bench;
static struct i8254 pit;
static struct port61 port61;

static int setup(void **state)
{
	(void)state;
	mock_reset();
	i8254_init(&pit, &bench.timers);
	bench_init(&bench, &pit.dev);
	wire_connect(&pit.out, bench_wire, &bench, 0);
	port61_init(&port61);
	assert_int_equal(bus_attach(&bench.bus, &port61.dev), HV_OK);
	wire_connect(&port61.gate2, i8254_gate, &pit, 2);
	port61.out2 = (struct probe){i8254_out2, &pit};
	port61.dev.class->reset(&port61.dev);
	i8254_want(&pit, true);
	bench.edges = 0;
	return 0;
}

/** Time moves to the middle of the tick that is `n` after this one's. */
static void ticks(uint64_t n)
{
	uint64_t epoch = pit.epoch;
	uint64_t now = (uint64_t)((unsigned __int128)(mock_now - epoch) * I8254_HZ / 1000000000);
	uint64_t to = (uint64_t)(((unsigned __int128)(now + n) * 1000000000 + 500000000) /
				 I8254_HZ);

	bench_pass(&bench, epoch + to - mock_now);
}

static void program(unsigned int channel, unsigned int mode, unsigned int count)
{
	out8(&bench, CONTROL, channel << 6 | 3u << 4 | mode << 1);
	out8(&bench, (uint16_t)(0x40 + channel), count & 0xff);
	out8(&bench, (uint16_t)(0x40 + channel), count >> 8);
}

static unsigned int value(unsigned int channel)
{
	uint16_t port = (uint16_t)(0x40 + channel);

	out8(&bench, CONTROL, channel << 6);
	unsigned int low = in8(&bench, port);
	return low | (unsigned int)in8(&bench, port) << 8;
}

static bool out(unsigned int channel)
{
	out8(&bench, CONTROL, 0xe0 | 2u << channel); /* read back status only */
	return in8(&bench, (uint16_t)(0x40 + channel)) & 0x80;
}

static void gate2(bool level)
{
	out8(&bench, 0x61, level);
}

static void mode0_counts_once(void **state)
{
	(void)state;
	ticks(1);
	program(0, 0, 100);
	assert_false(out(0));
	assert_int_equal(value(0), 100);
	ticks(40);
	assert_int_equal(value(0), 60);
	assert_int_equal(bench.edges, 0);
	ticks(59);
	assert_int_equal(value(0), 1);
	assert_false(out(0));
	ticks(1);
	assert_int_equal(value(0), 0);
	assert_true(out(0));
	assert_int_equal(bench.edges, 1);
	ticks(3); /* goes on through FFFFh, the output stays */
	assert_int_equal(value(0), 0xfffd);
	ticks(70000);
	assert_true(out(0));
	assert_int_equal(bench.edges, 1);
	program(0, 0, 10);
	assert_false(out(0));
}

static void mode0_stops_at_the_first_of_two_bytes(void **state)
{
	(void)state;
	ticks(1);
	program(2, 0, 1000);
	gate2(true);
	program(2, 0, 1000);
	ticks(10);
	out8(&bench, 0x42, 5);
	ticks(100);
	assert_int_equal(value(2), 990);
	out8(&bench, 0x42, 0);
	ticks(4);
	assert_int_equal(value(2), 1);
	assert_false(out(2));
	ticks(1);
	assert_true(out(2));
}

static void mode0_waits_for_its_gate(void **state)
{
	(void)state;
	gate2(false);
	program(2, 0, 50);
	ticks(100);
	assert_int_equal(value(2), 50);
	gate2(true);
	ticks(20);
	gate2(false);
	ticks(1000);
	assert_int_equal(value(2), 30);
	assert_false(in8(&bench, 0x61) & 0x20);
	gate2(true);
	ticks(30);
	assert_true(in8(&bench, 0x61) & 0x20);
	gate2(false);
	assert_true(in8(&bench, 0x61) & 0x20);
	gate2(true);
	ticks(10);
	assert_true(in8(&bench, 0x61) & 0x20);
}

static void mode1_is_triggered_by_its_gate(void **state)
{
	(void)state;
	gate2(false);
	program(2, 1, 30);
	assert_true(out(2));
	ticks(100);
	assert_true(out(2));
	gate2(true);
	assert_false(out(2));
	ticks(29);
	assert_false(out(2));
	gate2(false); /* has no effect */
	ticks(1);
	assert_true(out(2));
	gate2(true);
	ticks(20);
	gate2(false);
	gate2(true); /* again, from the start */
	ticks(20);
	assert_false(out(2));
	ticks(10);
	assert_true(out(2));
}

static void mode1_takes_a_new_count_with_the_next_trigger(void **state)
{
	(void)state;
	gate2(false);
	program(2, 1, 30);
	gate2(true);
	out8(&bench, 0x42, 60);
	out8(&bench, 0x42, 0);
	ticks(30);
	assert_true(out(2));
	gate2(false);
	gate2(true);
	ticks(59);
	assert_false(out(2));
	ticks(1);
	assert_true(out(2));
}

static void mode2_divides(void **state)
{
	(void)state;
	ticks(1);
	program(0, 2, 1000);
	assert_true(out(0));
	ticks(998);
	assert_int_equal(value(0), 2);
	assert_true(out(0));
	ticks(1);
	assert_int_equal(value(0), 1);
	assert_false(out(0));
	ticks(1);
	assert_int_equal(value(0), 1000);
	assert_true(out(0));
	assert_int_equal(bench.edges, 1);
	ticks(9000);
	assert_int_equal(bench.edges, 10);
}

static void mode2_takes_a_new_count_at_the_end_of_its_period(void **state)
{
	(void)state;
	ticks(1);
	program(0, 2, 1000);
	ticks(400);
	out8(&bench, 0x40, 0xf4);
	out8(&bench, 0x40, 0x01); /* 500 */
	assert_int_equal(value(0), 600);
	ticks(599);
	assert_int_equal(bench.edges, 0);
	ticks(1);
	assert_int_equal(bench.edges, 1);
	assert_int_equal(value(0), 500);
	ticks(500);
	assert_int_equal(bench.edges, 2);
}

static void mode2_starts_anew_with_its_gate(void **state)
{
	(void)state;
	gate2(true);
	program(2, 2, 100);
	ticks(40);
	gate2(false);
	assert_true(out(2));
	ticks(200);
	assert_int_equal(value(2), 60);
	gate2(true);
	assert_int_equal(value(2), 100);
	ticks(99);
	assert_false(out(2));
}

static void mode3_is_square(void **state)
{
	(void)state;
	ticks(1);
	program(0, 3, 1000);
	assert_true(out(0));
	assert_int_equal(value(0), 1000);
	ticks(1);
	assert_int_equal(value(0), 998);
	ticks(498);
	assert_true(out(0));
	assert_int_equal(value(0), 2);
	ticks(1);
	assert_false(out(0));
	assert_int_equal(value(0), 1000);
	ticks(499);
	assert_false(out(0));
	assert_int_equal(bench.edges, 0);
	ticks(1);
	assert_true(out(0));
	assert_int_equal(bench.edges, 1);
	ticks(5000);
	assert_int_equal(bench.edges, 6);
}

static void mode3_odd_counts_are_high_one_longer(void **state)
{
	(void)state;
	gate2(true);
	program(2, 3, 5);
	for (unsigned int n = 0; n < 20; n++) {
		assert_int_equal(out(2), n % 5 < 3);
		assert_int_equal(value(2) % 2, 0);
		ticks(1);
	}
}

static void mode3_takes_a_new_count_at_the_end_of_its_half(void **state)
{
	(void)state;
	gate2(true);
	program(2, 3, 100);
	ticks(10);
	out8(&bench, 0x42, 20);
	out8(&bench, 0x42, 0);
	ticks(39);
	assert_true(out(2));
	ticks(1);
	assert_false(out(2)); /* low for half of 20 */
	ticks(9);
	assert_false(out(2));
	ticks(1);
	assert_true(out(2));
	ticks(12);
	assert_false(out(2));
	out8(&bench, 0x42, 100); /* in the low half: from its end on */
	out8(&bench, 0x42, 0);
	ticks(8);
	assert_true(out(2));
	ticks(49);
	assert_true(out(2));
	ticks(1);
	assert_false(out(2));
}

static void mode4_strobes_once(void **state)
{
	(void)state;
	ticks(1);
	program(0, 4, 50);
	assert_true(out(0));
	ticks(49);
	assert_true(out(0));
	ticks(1);
	assert_false(out(0));
	assert_int_equal(bench.edges, 0);
	ticks(1);
	assert_true(out(0));
	assert_int_equal(bench.edges, 1);
	ticks(200000);
	assert_int_equal(bench.edges, 1);
	assert_true(out(0));
}

static void mode5_strobes_when_triggered(void **state)
{
	(void)state;
	gate2(false);
	program(2, 5, 50);
	ticks(500);
	assert_true(out(2));
	gate2(true);
	ticks(50);
	assert_false(out(2));
	ticks(1);
	assert_true(out(2));
	gate2(false);
	gate2(true);
	ticks(50);
	assert_false(out(2));
}

static void bcd_counts_to_ten_thousand(void **state)
{
	(void)state;
	gate2(true);
	out8(&bench, CONTROL, 2u << 6 | 3u << 4 | 0u << 1 | 1);
	out8(&bench, 0x42, 0x00);
	out8(&bench, 0x42, 0x10); /* 1000 */
	assert_int_equal(value(2), 0x1000);
	ticks(1);
	assert_int_equal(value(2), 0x0999);
	ticks(999);
	assert_int_equal(value(2), 0);
	ticks(1);
	assert_int_equal(value(2), 0x9999);
	out8(&bench, CONTROL, 2u << 6 | 3u << 4 | 2u << 1 | 1);
	out8(&bench, 0x42, 0);
	out8(&bench, 0x42, 0); /* 10000 */
	ticks(9999);
	assert_int_equal(value(2), 1);
	ticks(1);
	assert_int_equal(value(2), 0);
}

static void counts_of_one_byte(void **state)
{
	(void)state;
	gate2(true);
	out8(&bench, CONTROL, 2u << 6 | 1u << 4 | 2u << 1); /* low byte only */
	out8(&bench, 0x42, 200);
	ticks(50);
	assert_int_equal(in8(&bench, 0x42), 150);
	assert_int_equal(in8(&bench, 0x42), 150);
	out8(&bench, CONTROL, 2u << 6 | 2u << 4 | 2u << 1); /* high byte only */
	out8(&bench, 0x42, 2);
	assert_int_equal(in8(&bench, 0x42), 2);
	ticks(1);
	assert_int_equal(in8(&bench, 0x42), 1);
}

static void a_latched_count_stands_still(void **state)
{
	(void)state;
	gate2(true);
	program(2, 2, 0x1234);
	ticks(0x34);
	out8(&bench, CONTROL, 2u << 6);
	ticks(500);
	out8(&bench, CONTROL, 2u << 6); /* a second latch is ignored */
	assert_int_equal(in8(&bench, 0x42), 0x00);
	assert_int_equal(in8(&bench, 0x42), 0x12);
	/* Not latched any more: low, then high byte, of the count as it is. */
	assert_int_equal(in8(&bench, 0x42), (0x1200 - 500) & 0xff);
	assert_int_equal(in8(&bench, 0x42), (0x1200 - 500) >> 8);
}

static void read_back_latches_several(void **state)
{
	(void)state;
	gate2(true);
	program(0, 2, 0x1000);
	program(2, 3, 0x2000);
	out8(&bench, CONTROL, 0xc0 | 2 | 8); /* count and status of 0 and 2 */
	assert_int_equal(in8(&bench, 0x40), 0x80 | 0x34);
	assert_int_equal(in8(&bench, 0x40), 0x00);
	assert_int_equal(in8(&bench, 0x40), 0x10);
	assert_int_equal(in8(&bench, 0x42), 0x80 | 0x36);
	assert_int_equal(in8(&bench, 0x42), 0x00);
	assert_int_equal(in8(&bench, 0x42), 0x20);
}

static void the_null_count_is_shown(void **state)
{
	(void)state;
	gate2(true);
	out8(&bench, CONTROL, 0xb4);
	out8(&bench, CONTROL, 0xe8);
	assert_int_equal(in8(&bench, 0x42), 0x80 | 0x40 | 0x34);
	out8(&bench, 0x42, 0);
	out8(&bench, 0x42, 1);
	out8(&bench, CONTROL, 0xe8);
	assert_int_equal(in8(&bench, 0x42), 0x80 | 0x34);
	out8(&bench, 0x42, 0);
	out8(&bench, 0x42, 2); /* waits for the end of the period */
	out8(&bench, CONTROL, 0xe8);
	assert_int_equal(in8(&bench, 0x42), 0x80 | 0x40 | 0x34);
	ticks(0x100);
	out8(&bench, CONTROL, 0xe8);
	assert_int_equal(in8(&bench, 0x42), 0x80 | 0x34);
}

static void the_rate_is_right(void **state)
{
	(void)state;
	program(0, 2, 11932); /* 100 Hz */
	bench.edges = 0;
	bench_pass(&bench, UINT64_C(10000000000));
	assert_in_range(bench.edges, 999, 1000);
}

static void unwanted_edges_cost_nothing(void **state)
{
	(void)state;
	program(0, 2, 11932);
	i8254_want(&pit, false);
	bench.edges = 0;
	assert_true(timer_next(&bench.timers) == UINT64_MAX);
	bench_pass(&bench, UINT64_C(1000000000));
	assert_int_equal(bench.edges, 0);
	i8254_catch_up(&pit); /* somebody looks at the controller */
	assert_int_equal(bench.edges, 1);
	bench_pass(&bench, UINT64_C(1000000000));
	i8254_want(&pit, true); /* one is overdue */
	assert_int_equal(bench.edges, 2);
	bench_pass(&bench, UINT64_C(1000000000));
	assert_in_range(bench.edges, 101, 103);
}

static void fast_rates_are_merged(void **state)
{
	(void)state;
	program(0, 2, 2);
	bench.edges = 0;
	bench_pass(&bench, 1000000);
	assert_in_range(bench.edges, 40, 51);
}

static void firmware_left_18_hz(void **state)
{
	(void)state;
	bench.edges = 0;
	bench_pass(&bench, UINT64_C(10000000000));
	assert_in_range(bench.edges, 181, 183);
}

static void port_61(void **state)
{
	unsigned int toggles = 0;

	(void)state;
	out8(&bench, 0x61, 0xff);
	assert_int_equal(in8(&bench, 0x61) & 0xcf, 0x0f);
	for (unsigned int i = 0; i < 1000; i++) {
		uint8_t before = in8(&bench, 0x61) & 0x10;
		bench_pass(&bench, 3017);
		toggles += before != (in8(&bench, 0x61) & 0x10);
	}
	assert_in_range(toggles, 198, 202);
	assert_int_equal(in8(&bench, 0x43), 0xff);
}

static void state_goes_on_where_it_was(void **state)
{
	uint8_t saved[256];

	(void)state;
	program(0, 2, 1000);
	ticks(300);
	assert_true(device_state_size(&pit.dev) <= sizeof(saved));
	device_save(&pit.dev, saved);
	mock_now += UINT64_C(77000000000);
	assert_true(device_load(&pit.dev, saved, device_state_size(&pit.dev)));
	bench.edges = 0;
	assert_in_range(value(0), 699, 701);
	ticks(702);
	assert_int_equal(bench.edges, 1);
}

static void nothing_breaks_it(void **state)
{
	(void)state;
	bench_torment(&bench, &pit.dev, 20000);
	pit.dev.class->reset(&pit.dev);
	program(0, 2, 100);
	bench.edges = 0;
	ticks(1000);
	assert_int_equal(bench.edges, 10);
}

#define T(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(mode0_counts_once),
		T(mode0_stops_at_the_first_of_two_bytes),
		T(mode0_waits_for_its_gate),
		T(mode1_is_triggered_by_its_gate),
		T(mode1_takes_a_new_count_with_the_next_trigger),
		T(mode2_divides),
		T(mode2_takes_a_new_count_at_the_end_of_its_period),
		T(mode2_starts_anew_with_its_gate),
		T(mode3_is_square),
		T(mode3_odd_counts_are_high_one_longer),
		T(mode3_takes_a_new_count_at_the_end_of_its_half),
		T(mode4_strobes_once),
		T(mode5_strobes_when_triggered),
		T(bcd_counts_to_ten_thousand),
		T(counts_of_one_byte),
		T(a_latched_count_stands_still),
		T(read_back_latches_several),
		T(the_null_count_is_shown),
		T(the_rate_is_right),
		T(unwanted_edges_cost_nothing),
		T(fast_rates_are_merged),
		T(firmware_left_18_hz),
		T(port_61),
		T(state_goes_on_where_it_was),
		T(nothing_breaks_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
