/* SPDX-License-Identifier: BSD-2-Clause */
/* 16550A against the PC16550D data sheet. @verifies VMM-040 */
#include "tests/unit/vmm/bench.h"

#include "vmm/dev/i16550.h"

#define BASE 0x3f8
enum { DATA, IER, IIR, LCR, MCR, LSR, MSR, SCR };

static struct bench bench;
static struct i16550 uart;
static uint8_t sent[64];
static unsigned int sent_count, room;

static void send(void *ctx, uint8_t byte)
{
	(void)ctx;
	sent[sent_count++ % 64] = byte;
}

static void take_room(void *ctx, uint32_t value)
{
	(void)ctx;
	room = value;
}

static uint8_t in(unsigned int reg)
{
	return in8(&bench, (uint16_t)(BASE + reg));
}

static void out(unsigned int reg, unsigned int value)
{
	out8(&bench, (uint16_t)(BASE + reg), value);
}

static int setup(void **state)
{
	(void)state;
	mock_reset();
	i16550_init(&uart, &bench.timers, BASE);
	bench_init(&bench, &uart.dev);
	wire_connect(&uart.irq, bench_wire, &bench, 0);
	uart.out = (struct byte_sink){send, NULL};
	uart.room = (struct command){take_room, NULL};
	sent_count = 0;
	out(LCR, 3);
	out(MCR, 0x0b);
	return 0;
}

static void bytes_are_sent_at_once(void **state)
{
	(void)state;
	assert_int_equal(in(LSR), 0x60);
	out(DATA, 'h');
	out(DATA, 'i');
	assert_int_equal(sent_count, 2);
	assert_memory_equal(sent, "hi", 2);
	assert_int_equal(in(LSR), 0x60);
	out(LCR, 0); /* five bits */
	out(DATA, 0xff);
	assert_int_equal(sent[2], 0x1f);
}

static void the_divisor_hides_behind_dlab(void **state)
{
	(void)state;
	out(IER, 0x0f);
	out(LCR, 0x83);
	out(DATA, 0x12);
	out(IER, 0x34);
	assert_int_equal(in(DATA), 0x12);
	assert_int_equal(in(IER), 0x34);
	out(LCR, 0x03);
	assert_int_equal(in(IER), 0x0f);
	assert_int_equal(sent_count, 0);
	assert_int_equal(uart.divisor[1], 0x34);
}

static void registers_keep_what_they_have(void **state)
{
	(void)state;
	out(SCR, 0xa5);
	assert_int_equal(in(SCR), 0xa5);
	out(IER, 0xff);
	assert_int_equal(in(IER), 0x0f);
	out(MCR, 0xff);
	assert_int_equal(in(MCR), 0x1f);
	out(LSR, 0x00);
	assert_int_equal(in(LSR) & 0x60, 0x60);
}

static void the_transmitter_interrupts_when_enabled(void **state)
{
	(void)state;
	assert_int_equal(in(IIR), 0x01);
	out(IER, 0x02);
	assert_true(bench.level);
	assert_int_equal(in(IIR), 0x02);
	assert_false(bench.level); /* reading it settles it */
	assert_int_equal(in(IIR), 0x01);
	bench.edges = 0;
	out(DATA, 'a');
	assert_true(bench.level);
	out(DATA, 'b'); /* each byte is a new edge */
	assert_int_equal(bench.edges, 2);
	out(IER, 0);
	assert_false(bench.level);
}

static void out2_gates_the_interrupt(void **state)
{
	(void)state;
	out(MCR, 0x03);
	out(IER, 0x02);
	assert_false(bench.level);
	out(MCR, 0x0b);
	assert_true(bench.level);
}

static void a_byte_is_received(void **state)
{
	(void)state;
	out(IER, 0x01);
	assert_int_equal(i16550_room(&uart), 1);
	i16550_receive(&uart, 'x');
	assert_int_equal(i16550_room(&uart), 0);
	assert_true(bench.level);
	assert_int_equal(in(IIR), 0x04);
	assert_int_equal(in(LSR), 0x61);
	room = 0;
	assert_int_equal(in(DATA), 'x');
	assert_int_equal(room, 1);
	assert_false(bench.level);
	assert_int_equal(in(LSR), 0x60);
}

static void too_many_overrun(void **state)
{
	(void)state;
	out(IER, 0x05);
	i16550_receive(&uart, 'x');
	i16550_receive(&uart, 'y');
	assert_int_equal(in(IIR), 0x06); /* line status before data */
	assert_int_equal(in(LSR), 0x63);
	assert_int_equal(in(LSR), 0x61); /* read once */
	assert_int_equal(in(IIR), 0x04);
	assert_int_equal(in(DATA), 'y'); /* without FIFO the newer one stays */
	out(IIR, 0x01);
	for (unsigned int i = 0; i < 17; i++)
		i16550_receive(&uart, (uint8_t)i);
	assert_int_equal(in(LSR), 0x63);
	for (unsigned int i = 0; i < 16; i++)
		assert_int_equal(in(DATA), i);
	assert_int_equal(in(LSR), 0x60);
}

static void the_fifo_has_trigger_levels(void **state)
{
	static const unsigned int level[] = {1, 4, 8, 14};

	(void)state;
	out(IER, 0x01);
	for (unsigned int t = 0; t < 4; t++) {
		out(IIR, 0x03 | t << 6);
		assert_int_equal(in(IIR), 0xc1);
		for (unsigned int i = 0; i < level[t]; i++) {
			assert_false(bench.level);
			i16550_receive(&uart, (uint8_t)(i + 1));
		}
		assert_true(bench.level);
		assert_int_equal(in(IIR), 0xc4);
		assert_int_equal(in(DATA), 1);
		assert_int_equal(bench.level, level[t] == 0);
	}
}

static void a_few_characters_time_out(void **state)
{
	(void)state;
	out(LCR, 0x83);
	out(DATA, 1); /* 115200 baud: 4 characters are 347 us */
	out(IER, 0);
	out(LCR, 3);
	out(IER, 0x01);
	out(IIR, 0xc1);
	i16550_receive(&uart, 'a');
	bench_pass(&bench, 300000);
	i16550_receive(&uart, 'b'); /* starts anew */
	bench_pass(&bench, 300000);
	assert_false(bench.level);
	bench_pass(&bench, 60000);
	assert_true(bench.level);
	assert_int_equal(in(IIR), 0xcc);
	assert_int_equal(in(DATA), 'a');
	assert_false(bench.level);
	bench_pass(&bench, 360000);
	assert_int_equal(in(IIR), 0xcc);
	assert_int_equal(in(DATA), 'b');
	bench_pass(&bench, 1000000);
	assert_int_equal(in(IIR), 0xc1);
}

static void fifo_bits_need_the_enable_bit(void **state)
{
	(void)state;
	out(IIR, 0xc0);
	assert_int_equal(in(IIR), 0x01);
	out(IIR, 0x01);
	i16550_receive(&uart, 'a');
	out(IIR, 0x02);
	assert_int_equal(in(IIR), 0x01);
	assert_int_equal(in(LSR), 0x60); /* switching cleared it */
	out(IIR, 0x01);
	i16550_receive(&uart, 'a');
	out(IIR, 0x03);
	assert_int_equal(in(LSR), 0x60);
}

static void loopback(void **state)
{
	(void)state;
	out(MCR, 0x10);
	out(DATA, 'q');
	assert_int_equal(sent_count, 0);
	assert_int_equal(in(DATA), 'q');
	i16550_receive(&uart, 'z'); /* the line is off */
	assert_int_equal(in(LSR), 0x60);
	in(MSR);
	out(MCR, 0x1f);
	assert_int_equal(in(MSR), 0xfb); /* all four inputs, deltas; RI's end isn't there yet */
	assert_int_equal(in(MSR), 0xf0);
	out(MCR, 0x1b);
	assert_int_equal(in(MSR), 0xb4); /* trailing edge of RI */
	out(IER, 0x02);
	assert_false(bench.level); /* interrupts don't leave the chip */
	out(LCR, 0x43);
	assert_int_equal(in(LSR), 0x79);
}

static void modem_status_interrupts(void **state)
{
	(void)state;
	assert_int_equal(in(MSR), 0xb0);
	out(IER, 0x08);
	assert_false(bench.level);
	out(MCR, 0x10);
	out(MCR, 0x0b);
	assert_int_equal(in(IIR), 0x00);
	assert_true(bench.level);
	in(MSR);
	assert_false(bench.level);
}

static void a_break_is_an_error_of_its_character(void **state)
{
	(void)state;
	out(IIR, 0x01);
	out(IER, 0x05);
	i16550_receive(&uart, 'a');
	i16550_break(&uart);
	assert_int_equal(in(LSR), 0xe1); /* somewhere in the FIFO */
	assert_int_equal(in(DATA), 'a');
	assert_int_equal(in(IIR), 0xc6);
	assert_int_equal(in(LSR), 0xf9);
	assert_int_equal(in(DATA), 0);
	assert_int_equal(in(LSR), 0x60);
}

static void interrupts_have_priorities(void **state)
{
	(void)state;
	out(IER, 0x0f);
	out(MCR, 0x1f);
	out(MCR, 0x0b);
	i16550_break(&uart);
	assert_int_equal(in(IIR), 0x06);
	in(LSR);
	assert_int_equal(in(IIR), 0x04);
	in(DATA);
	assert_int_equal(in(IIR), 0x02);
	assert_int_equal(in(IIR), 0x00);
	in(MSR);
	assert_int_equal(in(IIR), 0x01);
	assert_false(bench.level);
}

static void state_is_kept(void **state)
{
	uint8_t saved[128];

	(void)state;
	out(IIR, 0xc1);
	out(IER, 1);
	i16550_receive(&uart, 'k');
	assert_true(device_state_size(&uart.dev) <= sizeof(saved));
	device_save(&uart.dev, saved);
	uart.dev.class->reset(&uart.dev);
	assert_int_equal(in(LSR), 0x60);
	assert_true(device_load(&uart.dev, saved, device_state_size(&uart.dev)));
	bench_pass(&bench, 100000000);
	assert_true(bench.level);
	assert_int_equal(in(DATA), 'k');
}

static void nothing_breaks_it(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2000; i++) {
		bench_torment(&bench, &uart.dev, 10);
		i16550_receive(&uart, (uint8_t)bench_random());
		assert_true(i16550_room(&uart) <= 16);
	}
	uart.dev.class->reset(&uart.dev);
	assert_int_equal(in(LCR), 3); /* as firmware leaves it */
	sent_count = 0;
	out(DATA, 'e');
	assert_int_equal(sent[0], 'e');
}

#define T(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(bytes_are_sent_at_once),
		T(the_divisor_hides_behind_dlab),
		T(registers_keep_what_they_have),
		T(the_transmitter_interrupts_when_enabled),
		T(out2_gates_the_interrupt),
		T(a_byte_is_received),
		T(too_many_overrun),
		T(the_fifo_has_trigger_levels),
		T(a_few_characters_time_out),
		T(fifo_bits_need_the_enable_bit),
		T(loopback),
		T(modem_status_interrupts),
		T(a_break_is_an_error_of_its_character),
		T(interrupts_have_priorities),
		T(state_is_kept),
		T(nothing_breaks_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
