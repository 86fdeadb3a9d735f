/* SPDX-License-Identifier: BSD-2-Clause */
/* The two 8259s against the data sheet. @verifies VMM-030 */
#include "tests/unit/vmm/bench.h"

#include "vmm/dev/i8259.h"

static struct bench bench;
static struct i8259 pic;
static uint32_t looked;

static void look(void *ctx, uint32_t value)
{
	(void)ctx;
	looked = value;
}

static void initialise(unsigned int icw4)
{
	out8(&bench, 0x20, 0x11);
	out8(&bench, 0x21, 0x20);
	out8(&bench, 0x21, 0x04);
	out8(&bench, 0x21, icw4);
	out8(&bench, 0xa0, 0x11);
	out8(&bench, 0xa1, 0x28);
	out8(&bench, 0xa1, 0x02);
	out8(&bench, 0xa1, icw4);
}

static int setup(void **state)
{
	(void)state;
	mock_reset();
	i8259_init(&pic);
	bench_init(&bench, &pic.dev);
	wire_connect(&pic.intr, bench_wire, &bench, 0);
	pic.look = (struct command){look, NULL};
	initialise(1);
	return 0;
}

static void line(unsigned int pin, bool level)
{
	i8259_line(&pic, pin, level);
}

static void pulse(unsigned int pin)
{
	line(pin, true);
	line(pin, false);
}

static void eoi(unsigned int chip)
{
	out8(&bench, chip ? 0xa0 : 0x20, 0x20);
}

static unsigned int irr(unsigned int chip)
{
	out8(&bench, chip ? 0xa0 : 0x20, 0x0a);
	return in8(&bench, chip ? 0xa0 : 0x20);
}

static unsigned int isr(unsigned int chip)
{
	out8(&bench, chip ? 0xa0 : 0x20, 0x0b);
	return in8(&bench, chip ? 0xa0 : 0x20);
}

static void a_request_is_served(void **state)
{
	(void)state;
	assert_false(bench.level);
	line(4, true);
	assert_true(bench.level);
	assert_int_equal(irr(0), 0x10);
	assert_int_equal(isr(0), 0);
	assert_int_equal(i8259_acknowledge(&pic), 0x24);
	assert_false(bench.level);
	assert_int_equal(irr(0), 0);
	assert_int_equal(isr(0), 0x10);
	eoi(0);
	assert_int_equal(isr(0), 0);
	assert_false(bench.level); /* an edge is served once */
}

static void masks_hold_back(void **state)
{
	(void)state;
	out8(&bench, 0x21, 0xef);
	assert_int_equal(looked, 0x00ef);
	line(3, true);
	assert_false(bench.level);
	line(4, true);
	assert_int_equal(i8259_acknowledge(&pic), 0x24);
	eoi(0);
	out8(&bench, 0x21, 0x00);
	assert_int_equal(i8259_acknowledge(&pic), 0x23);
	assert_int_equal(in8(&bench, 0x21), 0);
}

static void higher_priorities_nest(void **state)
{
	(void)state;
	line(5, true);
	assert_int_equal(i8259_acknowledge(&pic), 0x25);
	line(6, true);
	assert_false(bench.level);
	line(3, true);
	assert_true(bench.level);
	assert_int_equal(i8259_acknowledge(&pic), 0x23);
	assert_int_equal(isr(0), 0x28);
	eoi(0); /* non-specific: the highest in service */
	assert_int_equal(isr(0), 0x20);
	assert_false(bench.level);
	eoi(0);
	assert_int_equal(i8259_acknowledge(&pic), 0x26);
}

static void the_second_chip_comes_through_the_first(void **state)
{
	(void)state;
	line(14, true);
	assert_int_equal(irr(0), 0x04);
	assert_int_equal(irr(1), 0x40);
	assert_int_equal(i8259_acknowledge(&pic), 0x2e);
	assert_int_equal(isr(0), 0x04);
	assert_int_equal(isr(1), 0x40);
	line(8, true); /* higher on the second chip, but the first serves its input 2 */
	assert_false(bench.level);
	eoi(1);
	assert_false(bench.level);
	eoi(0);
	assert_true(bench.level);
	assert_int_equal(i8259_acknowledge(&pic), 0x28);
}

static void special_fully_nested_mode_lets_it(void **state)
{
	(void)state;
	initialise(0x11);
	line(14, true);
	assert_int_equal(i8259_acknowledge(&pic), 0x2e);
	line(8, true);
	assert_true(bench.level);
	assert_int_equal(i8259_acknowledge(&pic), 0x28);
	assert_int_equal(isr(1), 0x41);
	line(3, true); /* lower than the cascade */
	assert_false(bench.level);
}

static void a_request_that_goes_is_spurious(void **state)
{
	(void)state;
	line(4, true);
	line(4, false);
	assert_false(bench.level);
	assert_int_equal(i8259_acknowledge(&pic), 0x27);
	assert_int_equal(isr(0), 0);
	/* On the second chip between the acknowledge of the first and its own: cannot be seen apart. */
	line(10, true);
	out8(&bench, 0x21, 0xfb);
	pic.chip[1].imr = 0xff;
	assert_int_equal(i8259_acknowledge(&pic), 0x2f);
	assert_int_equal(isr(0), 0x04);
	assert_int_equal(isr(1), 0);
}

static void edges_have_to_rise_again(void **state)
{
	(void)state;
	line(4, true);
	assert_int_equal(i8259_acknowledge(&pic), 0x24);
	eoi(0);
	line(4, true);
	assert_false(bench.level);
	line(4, false);
	line(4, true);
	assert_true(bench.level);
}

static void levels_stay(void **state)
{
	(void)state;
	out8(&bench, 0x4d0, 0xff);
	out8(&bench, 0x4d1, 0xff);
	assert_int_equal(in8(&bench, 0x4d0), 0xf8);
	assert_int_equal(in8(&bench, 0x4d1), 0xde);
	line(5, true);
	assert_int_equal(i8259_acknowledge(&pic), 0x25);
	assert_false(bench.level);
	eoi(0);
	assert_true(bench.level);
	line(5, false);
	assert_false(bench.level);
	line(11, true);
	assert_int_equal(i8259_acknowledge(&pic), 0x2b);
	eoi(1);
	eoi(0);
	assert_int_equal(i8259_acknowledge(&pic), 0x2b);
}

static void specific_eoi(void **state)
{
	(void)state;
	line(5, true);
	i8259_acknowledge(&pic);
	line(3, true);
	i8259_acknowledge(&pic);
	out8(&bench, 0x20, 0x65);
	assert_int_equal(isr(0), 0x08);
}

static void rotation(void **state)
{
	(void)state;
	line(3, true);
	assert_int_equal(i8259_acknowledge(&pic), 0x23);
	out8(&bench, 0x20, 0xa0); /* rotate on non-specific EOI: 3 is the lowest now */
	line(3, false);
	line(3, true);
	line(7, true);
	assert_int_equal(i8259_acknowledge(&pic), 0x27);
	out8(&bench, 0x20, 0xe7); /* rotate on specific EOI */
	line(7, false);
	line(7, true);
	line(0, true);
	assert_int_equal(i8259_acknowledge(&pic), 0x20);
	eoi(0);
	out8(&bench, 0x20, 0xc2); /* set priority: 2 lowest, 3 highest */
	assert_int_equal(i8259_acknowledge(&pic), 0x23);
	eoi(0);
	assert_int_equal(i8259_acknowledge(&pic), 0x27);
}

static void automatic_eoi(void **state)
{
	(void)state;
	initialise(0x03);
	line(4, true);
	line(6, true);
	assert_int_equal(i8259_acknowledge(&pic), 0x24);
	assert_int_equal(isr(0), 0);
	assert_true(bench.level);
	assert_int_equal(i8259_acknowledge(&pic), 0x26);
	out8(&bench, 0x20, 0x80); /* and rotate */
	pulse(4);
	line(4, true);
	assert_int_equal(i8259_acknowledge(&pic), 0x24);
	line(5, true);
	line(4, false);
	line(4, true);
	assert_int_equal(i8259_acknowledge(&pic), 0x25);
	out8(&bench, 0x20, 0x00);
}

static void special_mask_mode(void **state)
{
	(void)state;
	line(3, true);
	assert_int_equal(i8259_acknowledge(&pic), 0x23);
	line(6, true);
	assert_false(bench.level);
	out8(&bench, 0x21, 0x08); /* its own mask */
	assert_false(bench.level);
	out8(&bench, 0x20, 0x68); /* lets lower ones in */
	assert_true(bench.level);
	assert_int_equal(i8259_acknowledge(&pic), 0x26);
	eoi(0); /* doesn't end the masked one */
	assert_int_equal(isr(0), 0x08);
	out8(&bench, 0x20, 0x63);
	assert_int_equal(isr(0), 0);
	out8(&bench, 0x20, 0x48);
}

static void poll_mode(void **state)
{
	(void)state;
	out8(&bench, 0x20, 0x0c);
	assert_int_equal(in8(&bench, 0x20), 0);
	line(6, true);
	out8(&bench, 0x20, 0x0c);
	assert_int_equal(in8(&bench, 0x21), 0x86);
	assert_int_equal(isr(0), 0x40);
	assert_false(bench.level);
	eoi(0);
	line(9, true);
	out8(&bench, 0xa0, 0x0c);
	assert_int_equal(in8(&bench, 0xa0), 0x81);
	assert_int_equal(isr(1), 0x02);
	assert_false(bench.level);
}

static void initialisation_clears(void **state)
{
	(void)state;
	line(4, true);
	i8259_acknowledge(&pic);
	out8(&bench, 0x21, 0xaa);
	out8(&bench, 0x20, 0x11);
	assert_int_equal(pic.chip[0].imr, 0);
	assert_int_equal(pic.chip[0].isr, 0);
	line(3, true);
	assert_false(bench.level); /* not before the last word */
	out8(&bench, 0x21, 0x77);
	out8(&bench, 0x21, 0x04);
	assert_false(bench.level);
	out8(&bench, 0x21, 0x01);
	assert_true(bench.level);
	assert_int_equal(i8259_acknowledge(&pic), 0x73);
	/* Single, no ICW4: two words. */
	out8(&bench, 0x20, 0x12);
	out8(&bench, 0x21, 0x40);
	out8(&bench, 0x21, 0x55);
	assert_int_equal(in8(&bench, 0x21), 0x55);
}

static void somebody_is_told_of_looks(void **state)
{
	(void)state;
	looked = 0;
	irr(0);
	assert_int_equal(looked, I8259_LOOK_READ);
	out8(&bench, 0xa1, 0x12);
	assert_int_equal(looked, 0x1200);
}

static void reset_masks_all(void **state)
{
	(void)state;
	line(4, true);
	pic.dev.class->reset(&pic.dev);
	assert_false(bench.level);
	assert_int_equal(in8(&bench, 0x21), 0xff);
	assert_int_equal(in8(&bench, 0xa1), 0xff);
}

static void pins_that_there_are_not(void **state)
{
	(void)state;
	line(2, true);
	line(16, true);
	line(1000, true);
	assert_false(bench.level);
}

static void nothing_breaks_it(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2000; i++) {
		bench_torment(&bench, &pic.dev, 10);
		line(bench_random() % 20, bench_random() & 1);
		if (bench.level)
			assert_true(i8259_acknowledge(&pic) <= 0xff);
	}
	pic.dev.class->reset(&pic.dev);
	initialise(1);
	for (unsigned int i = 0; i < 16; i++)
		line(i, false);
	out8(&bench, 0x4d0, 0);
	line(1, true);
	assert_int_equal(i8259_acknowledge(&pic), 0x21);
}

#define T(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_request_is_served),
		T(masks_hold_back),
		T(higher_priorities_nest),
		T(the_second_chip_comes_through_the_first),
		T(special_fully_nested_mode_lets_it),
		T(a_request_that_goes_is_spurious),
		T(edges_have_to_rise_again),
		T(levels_stay),
		T(specific_eoi),
		T(rotation),
		T(automatic_eoi),
		T(special_mask_mode),
		T(poll_mode),
		T(initialisation_clears),
		T(somebody_is_told_of_looks),
		T(reset_masks_all),
		T(pins_that_there_are_not),
		T(nothing_breaks_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
