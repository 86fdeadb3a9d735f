/* SPDX-License-Identifier: BSD-2-Clause */
/* @verifies VMM-066 */
#include "tests/unit/vmm/bench.h"

#include "vmm/dev/i8042.h"

static struct bench bench;
static struct i8042 kbc;
static unsigned int mouse_edges;

static void mouse_wire(void *ctx, unsigned int pin, bool level)
{
	(void)ctx;
	(void)pin;
	mouse_edges += level;
}

static void command(uint8_t byte, int data)
{
	out8(&bench, 0x64, byte);
	if (data >= 0)
		out8(&bench, 0x60, (unsigned int)data);
}

static int setup(void **state)
{
	(void)state;
	i8042_init(&kbc);
	kbc.has_mouse = true;
	bench_init(&bench, &kbc.dev);
	wire_connect(&kbc.irq, bench_wire, &bench, 0);
	wire_connect(&kbc.aux_irq, mouse_wire, NULL, 0);
	command(0x60, 0x47); /* both ports and interrupts on, translated */
	bench.edges = mouse_edges = 0;
	return 0;
}

/** The next bytes are these, the keyboard's or the mouse's. */
static void expect(bool mouse, const uint8_t *bytes, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		assert_int_equal(in8(&bench, 0x64) & 0x21, mouse ? 0x21 : 0x01);
		assert_int_equal(in8(&bench, 0x60), bytes[i]);
	}
	assert_int_equal(in8(&bench, 0x64) & 1, 0);
}

#define EXPECT(mouse, ...)                                                                         \
	expect(mouse, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void keys_in_set_1(void **state)
{
	(void)state;
	i8042_key(&kbc, 0x1e, true); /* A */
	i8042_key(&kbc, 0x1e, false);
	i8042_key(&kbc, 0xc8, true); /* up */
	i8042_key(&kbc, 0xc8, false);
	EXPECT(false, 0x1e, 0x9e, 0xe0, 0x48, 0xe0, 0xc8);
	assert_int_equal(bench.edges, 6);
}

static void keys_in_set_2(void **state)
{
	(void)state;
	command(0x60, 0x07);
	i8042_key(&kbc, 0x1e, true);
	i8042_key(&kbc, 0x1e, false);
	i8042_key(&kbc, 0xc8, false);
	EXPECT(false, 0x1c, 0xf0, 0x1c, 0xe0, 0xf0, 0x75);
	out8(&bench, 0x60, 0xf0);
	out8(&bench, 0x60, 0);
	EXPECT(false, 0xfa, 0xfa, 2);
	out8(&bench, 0x60, 0xf0);
	out8(&bench, 0x60, 1);
	EXPECT(false, 0xfa, 0xfa);
	i8042_key(&kbc, 0x1e, false);
	EXPECT(false, 0x9e);
	out8(&bench, 0x60, 0xf0);
	out8(&bench, 0x60, 3); /* no such set here */
	EXPECT(false, 0xfa, 0xfe);
	out8(&bench, 0x60, 0xee);
	EXPECT(false, 0xee);
	out8(&bench, 0x60, 0x11);
	EXPECT(false, 0xfe);
}

static void keys_wait_or_are_lost(void **state)
{
	(void)state;
	command(0xad, -1); /* the port is off */
	i8042_key(&kbc, 0x10, true);
	assert_int_equal(in8(&bench, 0x64) & 1, 0);
	command(0x20, -1); /* the controller answers all the same */
	EXPECT(false, 0x57);
	command(0xae, -1);
	EXPECT(false, 0x10);
	out8(&bench, 0x60, 0xf5); /* the keyboard is off */
	EXPECT(false, 0xfa);
	i8042_key(&kbc, 0x10, true);
	assert_int_equal(in8(&bench, 0x64) & 1, 0);
	out8(&bench, 0x60, 0xf4);
	EXPECT(false, 0xfa);
	for (unsigned int i = 0; i < 200; i++)
		i8042_key(&kbc, 0xc8, true);
	for (unsigned int n = 0; in8(&bench, 0x64) & 1; n++)
		assert_int_equal(in8(&bench, 0x60), n % 2 ? 0x48 : 0xe0); /* whole codes */
	i8042_key(&kbc, 0x7f, true); /* no such key */
	i8042_key(&kbc, 0x00, true);
	assert_int_equal(in8(&bench, 0x64) & 1, 0);
}

static void mouse_write(uint8_t byte)
{
	command(0xd4, byte);
}

static void move(int x, int y, int z, uint8_t buttons)
{
	const struct ps2_motion motion = {x, y, z, buttons};

	i8042_mouse(&kbc, &motion);
}

static void the_mouse_reports(void **state)
{
	(void)state;
	command(0xa9, -1);
	EXPECT(false, 0);
	mouse_write(0xff);
	EXPECT(true, 0xfa, 0xaa, 0x00);
	assert_int_equal(mouse_edges, 3);
	move(1, 1, 0, 0); /* not yet */
	assert_int_equal(in8(&bench, 0x64) & 1, 0);
	mouse_write(0xf4);
	EXPECT(true, 0xfa);
	move(5, 3, 0, 1); /* downwards */
	EXPECT(true, 0x29, 5, 0xfd);
	move(-300, 0, 0, 0);
	EXPECT(true, 0x18, 1, 0, 0x18, 0xd3, 0);
	move(0, 0, 0, 0);
	assert_int_equal(in8(&bench, 0x64) & 1, 0);
	mouse_write(0xe9);
	EXPECT(true, 0xfa, 0x20, 2, 100);
	mouse_write(0xf5);
	EXPECT(true, 0xfa);
	move(5, 5, 0, 0);
	assert_int_equal(in8(&bench, 0x64) & 1, 0);
	mouse_write(0x12);
	EXPECT(true, 0xfe);
}

static void the_wheel_by_its_knock(void **state)
{
	static const uint8_t rates[] = {200, 100, 80};

	(void)state;
	mouse_write(0xf2);
	EXPECT(true, 0xfa, 0);
	for (unsigned int i = 0; i < 3; i++) {
		mouse_write(0xf3);
		EXPECT(true, 0xfa);
		mouse_write(rates[i]);
		EXPECT(true, 0xfa);
	}
	mouse_write(0xf2);
	EXPECT(true, 0xfa, 3);
	mouse_write(0xf4);
	EXPECT(true, 0xfa);
	move(0, 0, -1, 4);
	EXPECT(true, 0x0c, 0, 0, 0xff);
}

static void the_keyboard_comes_first(void **state)
{
	(void)state;
	mouse_write(0xf4);
	EXPECT(true, 0xfa);
	move(1, 0, 0, 0);
	i8042_key(&kbc, 0x1e, true);
	assert_int_equal(in8(&bench, 0x64) & 0x21, 0x21); /* what is there stays */
	assert_int_equal(in8(&bench, 0x60), 0x08);
	assert_int_equal(in8(&bench, 0x64) & 0x21, 0x01);
	assert_int_equal(in8(&bench, 0x60), 0x1e);
	command(0xa7, -1); /* the mouse's port is off */
	EXPECT(true, 0x01);
	command(0xa8, -1);
	EXPECT(true, 0x00);
	command(0xd3, 0x77);
	EXPECT(true, 0x77);
	for (unsigned int i = 0; i < 100; i++)
		move(1000, 1000, 0, 0);
	for (unsigned int n = 0; in8(&bench, 0x64) & 1; n++)
		if (n % 3 == 0)
			assert_int_equal(in8(&bench, 0x60) & 0xc8, 0x08);
		else
			in8(&bench, 0x60);
	bench_torment(&bench, &kbc.dev, 20000);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(keys_in_set_1),	      TEST(keys_in_set_2),     TEST(keys_wait_or_are_lost),
		TEST(the_mouse_reports),      TEST(the_wheel_by_its_knock),
		TEST(the_keyboard_comes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
