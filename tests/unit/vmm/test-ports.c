/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The small devices: keyboard controller, reset and debug ports, VGA text.
 *
 * @verifies VMM-060 VMM-061 VMM-062 VMM-070
 */
#include "tests/unit/vmm/bench.h"

#include <string.h>

#include "vmm/dev/debug_ports.h"
#include "vmm/dev/i8042.h"
#include "vmm/dev/reset_ports.h"
#include "vmm/dev/vga_text.h"

static struct bench bench;
static unsigned int resets;
static uint32_t ended;
static char text[4096];

static void count_reset(void *ctx, uint32_t value)
{
	(void)ctx;
	(void)value;
	resets++;
}

static void note_end(void *ctx, uint32_t value)
{
	(void)ctx;
	ended = value;
}

static void note_text(void *ctx, char c)
{
	size_t n = strlen(text);

	(void)ctx;
	if (n < sizeof(text) - 1) {
		text[n] = c;
		text[n + 1] = '\0';
	}
}

static void note_byte(void *ctx, uint8_t byte)
{
	note_text(ctx, (char)byte);
}

static int setup(void **state)
{
	(void)state;
	mock_reset();
	resets = 0;
	ended = UINT32_MAX;
	text[0] = '\0';
	return 0;
}

/* --------------------------------------------------------------------------- keyboard controller */

static struct i8042 kbc;

static void kbc_start(void)
{
	i8042_init(&kbc);
	bench_init(&bench, &kbc.dev);
	wire_connect(&kbc.irq, bench_wire, &bench, 0);
	kbc.reset = (struct command){count_reset, NULL};
}

static unsigned int answer(void)
{
	assert_int_equal(in8(&bench, 0x64) & 1, 1);
	return in8(&bench, 0x60);
}

static void the_controller_answers(void **state)
{
	(void)state;
	kbc_start();
	assert_int_equal(in8(&bench, 0x64), 0x14);
	out8(&bench, 0x64, 0xaa);
	assert_int_equal(in8(&bench, 0x64), 0x1d);
	assert_int_equal(answer(), 0x55);
	assert_int_equal(in8(&bench, 0x64) & 1, 0);
	out8(&bench, 0x64, 0xab);
	assert_int_equal(answer(), 0);
	out8(&bench, 0x64, 0xa9);
	assert_int_not_equal(answer(), 0);
	out8(&bench, 0x64, 0xc0);
	assert_int_equal(answer(), 0x80);
	out8(&bench, 0x64, 0xd0);
	assert_int_equal(answer() & 3, 3);
	out8(&bench, 0x64, 0xd2);
	out8(&bench, 0x60, 0x99);
	assert_int_equal(answer(), 0x99);
	out8(&bench, 0x64, 0xd4); /* no mouse */
	out8(&bench, 0x60, 0xff);
	assert_int_equal(in8(&bench, 0x64) & 1, 0);
}

static void the_command_byte_is_kept(void **state)
{
	(void)state;
	kbc_start();
	out8(&bench, 0x64, 0x60);
	out8(&bench, 0x60, 0x47);
	out8(&bench, 0x64, 0x20);
	assert_int_equal(answer(), 0x47);
	out8(&bench, 0x64, 0xad);
	out8(&bench, 0x64, 0xa7);
	out8(&bench, 0x64, 0x20);
	assert_int_equal(answer(), 0x77);
	out8(&bench, 0x64, 0xae);
	out8(&bench, 0x64, 0xa8);
	out8(&bench, 0x64, 0x20);
	assert_int_equal(answer(), 0x47);
}

static void the_keyboard_answers(void **state)
{
	static const uint8_t commands[] = {0xed, 0x02, 0xf0, 0x02, 0xf3, 0x00, 0xf4, 0xf5, 0xf6};

	(void)state;
	kbc_start();
	for (size_t i = 0; i < sizeof(commands); i++) {
		out8(&bench, 0x60, commands[i]);
		assert_int_equal(answer(), 0xfa);
	}
	out8(&bench, 0x60, 0xee);
	assert_int_equal(answer(), 0xee);
	out8(&bench, 0x60, 0xff);
	assert_int_equal(answer(), 0xfa);
	assert_int_equal(answer(), 0xaa);
	out8(&bench, 0x60, 0xf2);
	assert_int_equal(answer(), 0xfa);
	assert_int_equal(answer(), 0xab);
	assert_int_equal(answer(), 0x41);
	out8(&bench, 0x60, 0x77);
	assert_int_equal(answer(), 0xfe);
}

static void keys_interrupt(void **state)
{
	(void)state;
	kbc_start();
	out8(&bench, 0x60, 0xff);
	assert_false(bench.level);
	out8(&bench, 0x64, 0x60);
	out8(&bench, 0x60, 0x01);
	assert_true(bench.level);
	bench.edges = 0;
	answer();
	assert_int_equal(bench.edges, 1); /* a new edge for the second byte */
	answer();
	assert_false(bench.level);
}

static void resets_are_given(void **state)
{
	(void)state;
	kbc_start();
	out8(&bench, 0x64, 0xfe);
	assert_int_equal(resets, 1);
	out8(&bench, 0x64, 0xff); /* pulses nothing */
	assert_int_equal(resets, 1);
	out8(&bench, 0x64, 0xd1);
	out8(&bench, 0x60, 0x02);
	assert_int_equal(resets, 2);
	bench_torment(&bench, &kbc.dev, 20000);
}

/* ---------------------------------------------------------------------------------- reset ports */

static void port_92_and_cf9(void **state)
{
	static struct reset_ports ports;

	(void)state;
	reset_ports_init(&ports);
	bench_init(&bench, &ports.dev);
	ports.reset = (struct command){count_reset, NULL};
	assert_int_equal(in8(&bench, 0x92), 0x02);
	out8(&bench, 0x92, 0x00);
	assert_int_equal(resets, 0);
	out8(&bench, 0x92, 0x03);
	out8(&bench, 0x92, 0x03); /* no edge */
	assert_int_equal(resets, 1);
	out8(&bench, 0xcf9, 0x02);
	assert_int_equal(in8(&bench, 0xcf9), 0x02);
	assert_int_equal(resets, 1);
	out8(&bench, 0xcf9, 0x06);
	assert_int_equal(resets, 2);
	bench_torment(&bench, &ports.dev, 2000);
}

/* ---------------------------------------------------------------------------------- debug ports */

static void the_exit_port_takes_a_status(void **state)
{
	static struct debug_exit port;

	(void)state;
	debug_exit_init(&port);
	bench_init(&bench, &port.dev);
	port.exit = (struct command){note_end, NULL};
	assert_int_equal(in8(&bench, 0xf4), 0);
	bus_port_write(&bench.bus, 0xf4, 4, 0x12345);
	assert_int_equal(ended, 0x12345);
	out8(&bench, 0xf4, 0);
	assert_int_equal(ended, 0);
	bench_torment(&bench, &port.dev, 2000);
}

static void say(const char *word)
{
	for (; *word; word++)
		out8(&bench, 0x8900, (uint8_t)*word);
}

static void shutdown_is_spelt(void **state)
{
	static struct bochs_shutdown port;

	(void)state;
	bochs_shutdown_init(&port);
	bench_init(&bench, &port.dev);
	port.exit = (struct command){note_end, NULL};
	say("ShutdowShutdo");
	assert_int_equal(ended, UINT32_MAX);
	say("Shut");
	say("SShutdown");
	assert_int_equal(ended, 0);
	bench_torment(&bench, &port.dev, 2000);
}

static void the_debug_console_prints(void **state)
{
	static struct debug_console console;

	(void)state;
	debug_console_init(&console);
	bench_init(&bench, &console.dev);
	console.out = (struct byte_sink){note_byte, NULL};
	assert_int_equal(in8(&bench, 0xe9), 0xe9);
	out8(&bench, 0xe9, 'h');
	out8(&bench, 0xe9, 'i');
	assert_string_equal(text, "hi");
	bench_torment(&bench, &console.dev, 2000);
}

/* --------------------------------------------------------------------------------------- VGA text */

static struct vga_text vga;
static uint8_t buffer[VGA_TEXT_SIZE];

static void vga_start(void)
{
	memset(buffer, 0, sizeof(buffer));
	vga_text_init(&vga, buffer);
	bench_init(&bench, &vga.dev);
}

static void write_at(unsigned int row, unsigned int column, const char *word)
{
	for (; *word; word++, column++)
		buffer[(row * 80 + column) * 2] = (uint8_t)*word;
}

static void the_screen_is_shown(void **state)
{
	(void)state;
	vga_start();
	vga_text_print(&vga, note_text, NULL);
	assert_string_equal(text, "");
	write_at(0, 2, "Hello");
	write_at(2, 78, "\xdb!");
	vga_text_print(&vga, note_text, NULL);
	assert_string_equal(text, "screen:   Hello\nscreen:\nscreen: "
				  "                                        "
				  "                                      #!\n");
}

static void the_screen_begins_where_the_crt_says(void **state)
{
	(void)state;
	vga_start();
	write_at(1, 0, "second");
	out8(&bench, 0x3d4, 0x0d);
	out8(&bench, 0x3d5, 80);
	vga_text_print(&vga, note_text, NULL);
	assert_string_equal(text, "screen: second\n");
	text[0] = '\0';
	out8(&bench, 0x3d4, 0x0c); /* wraps in the buffer */
	out8(&bench, 0x3d5, 0xff);
	vga_text_print(&vga, note_text, NULL);
}

static void registers_are_kept(void **state)
{
	static const uint16_t indexed[] = {0x3c4, 0x3ce, 0x3d4};

	(void)state;
	vga_start();
	for (unsigned int i = 0; i < 3; i++) {
		out8(&bench, indexed[i], 0x21);
		assert_int_equal(in8(&bench, indexed[i]), 0x01);
		out8(&bench, (uint16_t)(indexed[i] + 1), 0x5a);
		assert_int_equal(in8(&bench, (uint16_t)(indexed[i] + 1)), 0x5a);
	}
	assert_int_equal(in8(&bench, 0x3b4), 0xff); /* colour: not there */
	out8(&bench, 0x3c2, 0x66);
	assert_int_equal(in8(&bench, 0x3cc), 0x66);
	assert_int_equal(in8(&bench, 0x3b4), 0x01);
	assert_int_equal(in8(&bench, 0x3d4), 0xff);
	in8(&bench, 0x3ba); /* resets the flip-flop */
	out8(&bench, 0x3c0, 0x07);
	out8(&bench, 0x3c0, 0x2a);
	assert_int_equal(in8(&bench, 0x3c0), 0x07);
	assert_int_equal(in8(&bench, 0x3c1), 0x2a);
	out8(&bench, 0x3c8, 255);
	out8(&bench, 0x3c9, 1);
	out8(&bench, 0x3c9, 2);
	out8(&bench, 0x3c9, 0xff);
	out8(&bench, 0x3c7, 255);
	assert_int_equal(in8(&bench, 0x3c9), 1);
	assert_int_equal(in8(&bench, 0x3c9), 2);
	assert_int_equal(in8(&bench, 0x3c9), 0x3f);
}

static void the_beam_moves(void **state)
{
	unsigned int retraces = 0;
	bool before = false;

	(void)state;
	vga_start();
	for (unsigned int i = 0; i < 10000; i++) {
		bool now = in8(&bench, 0x3da) & 8;
		retraces += now && !before;
		before = now;
		mock_now += 100000;
	}
	assert_in_range(retraces, 69, 71);
	bench_torment(&bench, &vga.dev, 20000);
}

#define T(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_controller_answers),
		T(the_command_byte_is_kept),
		T(the_keyboard_answers),
		T(keys_interrupt),
		T(resets_are_given),
		T(port_92_and_cf9),
		T(the_exit_port_takes_a_status),
		T(shutdown_is_spelt),
		T(the_debug_console_prints),
		T(the_screen_is_shown),
		T(the_screen_begins_where_the_crt_says),
		T(registers_are_kept),
		T(the_beam_moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
