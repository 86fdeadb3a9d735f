/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control over the link, as the VMM has it, with a machine that has a screen and nothing else: what is sent, put
 * together again, is what the machine shows.
 *
 * @verifies VMM-652
 */
#include "tests/unit/vmm/bench.h"
#include "tests/unit/vmm/vbe.h"

#include <stdlib.h>
#include <string.h>

#include "vmm/dev/pci.h"
#include "vmm/font.h"

/* With its state: each test wants its own. */
#include "vmm/platform/hypike/link_control.c"

#define WIDTH  (VGA_TEXT_COLUMNS * FONT_WIDTH)
#define HEIGHT (VGA_TEXT_ROWS * FONT_HEIGHT)

static struct bench bench;
static struct vga_text text;
static struct vga_display linear;
static struct display display;
static uint8_t buffer[VGA_TEXT_SIZE];
static uint8_t *memory;
static struct vm vm;

/* What came over the link. */
static struct {
	uint32_t pixels[DISPLAY_MAX_WIDTH * DISPLAY_MAX_HEIGHT];
	struct link_screen screen;
	struct link_stats stats;
	unsigned int messages, rows, ends, stats_ends, devices, counters;
	uint8_t key;
	bool pressed;
	struct ps2_motion motion;
	unsigned int buttons;
} seen;

/* ---- what there is of HyPike, of the link and of the machine ---- */

static struct {
	jmp_buf idle;
	struct hypike_info info;
} fake;

hv_status_t hypike_notify(hypike_thread_t thread, uint64_t bits)
{
	(void)thread;
	(void)bits;
	return HV_OK;
}

/** Once: then there is nothing more to do. */
hv_status_t hypike_wait(uint64_t mask, uint64_t deadline, uint64_t *bits)
{
	static bool waited;

	(void)mask;
	(void)deadline;
	*bits = BIT_WORK;
	waited = !waited;
	if (!waited)
		longjmp(fake.idle, 1);
	return HV_OK;
}

const struct hypike_info *hypike_info(void)
{
	fake.info.cpu_mask = 1;
	return &fake.info;
}

hv_status_t hypike_thread_create(void (*entry)(void *), void *arg, void *stack, size_t stack_size,
				 uint32_t priority, uint32_t cpu, hypike_thread_t *thread)
{
	(void)arg;
	(void)stack;
	(void)stack_size;
	(void)priority;
	(void)cpu;
	assert_true(entry == control_main);
	*thread = 2;
	return HV_OK;
}

bool link_open(void)
{
	return true;
}

bool link_up(void)
{
	return true;
}

void link_kick(void)
{
}

static void see_rows(const uint8_t *payload, size_t size)
{
	uint32_t pixels[LINK_ROW_PIXELS];
	struct link_rows rows;

	assert_true(size >= sizeof(rows));
	memcpy(&rows, payload, sizeof(rows));
	assert_true(rows.row + rows.rows <= rows.height && rows.column + rows.columns <= rows.width);
	assert_true(pixels_decode(payload + sizeof(rows), size - sizeof(rows), pixels, rows.columns));
	for (unsigned int i = 0; i < rows.rows; i++)
		memcpy(seen.pixels + (size_t)(rows.row + i) * rows.width + rows.column, pixels,
		       rows.columns * sizeof(*pixels));
	seen.rows += rows.rows;
}

void link_send(uint8_t kind, uint8_t number, const void *head, size_t head_size, const void *data, size_t size)
{
	assert_int_equal(number, 0);
	assert_int_equal(size, 0);
	assert_null(data);
	assert_true(head_size <= LINK_MAX);
	seen.messages++;
	if (kind == LINK_ROWS)
		see_rows(head, head_size);
	seen.devices += kind == LINK_DEVICE;
	seen.counters += kind == LINK_COUNTER;
	if (kind == LINK_SCREEN && head_size == sizeof(seen.screen)) {
		memcpy(&seen.screen, head, head_size);
		seen.ends++;
	}
	if (kind == LINK_STATS && head_size == sizeof(seen.stats)) {
		memcpy(&seen.stats, head, head_size);
		seen.stats_ends++;
	}
}

struct vm *vmm_running(void)
{
	return &vm;
}

static const struct display *shown(void)
{
	return &display;
}

static void key(uint8_t number, bool pressed)
{
	seen.key = number;
	seen.pressed = pressed;
}

static void mouse(const struct ps2_motion *motion)
{
	seen.motion = *motion;
}

static void button(struct vm *of)
{
	assert_ptr_equal(of, &vm);
	seen.buttons++;
}

static void devices(void (*see)(void *ctx, const struct device *dev), void *ctx)
{
	see(ctx, &text.dev);
}

static const struct machine machine = {
	.display = shown, .key = key, .mouse = mouse, .button = button, .devices = devices};

static int setup(void **state)
{
	(void)state;
	mock_reset();
	memset(buffer, 0, sizeof(buffer));
	memset(&seen, 0, sizeof(seen));
	vga_text_init(&text, buffer);
	bench_init(&bench, &text.dev);
	memory = calloc(1, VGA_DISPLAY_MEMORY);
	vga_display_init(&linear, memory);
	assert_int_equal(bus_attach(&bench.bus, &linear.ports), HV_OK);
	display = (struct display){&text, &linear};
	memset(&vm, 0, sizeof(vm));
	vm.machine = &machine;
	console_init(&vm.console, &vm.timers);
	control = NULL;
	link_control_open();
	assert_non_null(control);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(memory);
	return 0;
}

/* ---- the threads ---- */

static void run_control(void)
{
	if (setjmp(fake.idle) == 0)
		control_main(NULL);
}

/** Both, until there is nothing to send. */
static void run_all(void)
{
	for (unsigned int i = 0; i < 10000; i++) {
		run_control();
		if (!control->full)
			return;
		while (link_control_pump())
			;
	}
	fail_msg("there is no end of it");
}

/** Ask, and compare with what the machine shows. @return rows that came */
static unsigned int look_at_it(void)
{
	const struct display_size size = display_size(&display);
	uint32_t *pixels = calloc((size_t)size.width * size.height, sizeof(*pixels));
	const unsigned int rows = seen.rows, ends = seen.ends;

	assert_true(link_control_ask_screen(0, NULL, 0));
	run_all();
	assert_int_equal(seen.ends, ends + 1);
	assert_int_equal(seen.screen.whole, 1);
	assert_int_equal(seen.screen.width, size.width);
	assert_int_equal(seen.screen.height, size.height);
	display_draw(&display, pixels, size.width);
	assert_memory_equal(pixels, seen.pixels, (size_t)size.width * size.height * sizeof(*pixels));
	free(pixels);
	return seen.rows - rows;
}

/* ---- tests ---- */

static void text_screen(void **state)
{
	(void)state;
	assert_int_equal(look_at_it(), HEIGHT);
	assert_true(seen.messages < 10); /* most rows look the same */
	assert_int_equal(look_at_it(), 0);
	buffer[2 * 81] = 'A';
	buffer[2 * 81 + 1] = 0x1e;
	const unsigned int rows = look_at_it();
	assert_true(rows > 0 && rows <= FONT_HEIGHT);
}

/** Nothing about it is simple, and it is as large as any: row by row, in two messages each. */
static void largest_picture(void **state)
{
	uint32_t seed = 1, *pixels = (uint32_t *)(void *)memory;

	(void)state;
	vbe_mode(&bench.bus, DISPLAY_MAX_WIDTH, DISPLAY_MAX_HEIGHT);
	for (size_t i = 0; i < (size_t)DISPLAY_MAX_WIDTH * DISPLAY_MAX_HEIGHT; i++)
		pixels[i] = (seed = seed * 1664525 + 1013904223) >> 4;
	assert_int_equal(look_at_it(), 2 * DISPLAY_MAX_HEIGHT);
	pixels[7 * DISPLAY_MAX_WIDTH + 2000] ^= 1;
	pixels[1599 * DISPLAY_MAX_WIDTH] ^= 1;
	assert_int_equal(look_at_it(), 4);
}

/** While a picture is on its way, another mode is set: it ends, and the next is of the new size. */
static void size_changes(void **state)
{
	uint32_t seed = 1, *pixels = (uint32_t *)(void *)memory;

	(void)state;
	vbe_mode(&bench.bus, 1024, 768);
	for (size_t i = 0; i < 1024u * 768; i++)
		pixels[i] = (seed = seed * 1664525 + 1013904223) >> 4;
	assert_true(link_control_ask_screen(0, NULL, 0));
	run_control();
	assert_true(control->drawing);
	vbe_mode(&bench.bus, 800, 600);
	run_all();
	assert_int_equal(seen.ends, 1);
	assert_int_equal(seen.screen.whole, 0);
	assert_int_equal(look_at_it(), 600);
}

static void statistics(void **state)
{
	(void)state;
	vm.restarts = 3;
	text.dev.reads = 5;
	assert_true(link_control_ask_stats(0, NULL, 0));
	assert_true(link_control_ask_screen(0, NULL, 0));
	run_all();
	assert_int_equal(seen.stats_ends, 1);
	assert_int_equal(seen.stats.resets, 3);
	assert_int_equal(seen.devices, 1);
	assert_int_equal(seen.counters, 1);
	assert_int_equal(seen.ends, 1);
}

static void keys(void **state)
{
	const struct link_key pressed = {0x9d, 1};
	const struct link_motion motion = {-3, 4, 1, 5};

	(void)state;
	assert_true(link_control_key(0, (const uint8_t *)&pressed, sizeof(pressed)));
	assert_true(link_control_motion(0, (const uint8_t *)&motion, sizeof(motion)));
	assert_true(link_control_command(0, (const uint8_t *)"p", 1));
	run_all();
	assert_int_equal(seen.key, 0x9d);
	assert_true(seen.pressed);
	assert_int_equal(seen.motion.x, -3);
	assert_int_equal(seen.motion.buttons, 5);
	assert_int_equal(seen.buttons, 1);
	/* More than there is room for are lost, and nothing else. */
	for (unsigned int i = 0; i < 3 * INPUTS; i++)
		assert_true(link_control_command(0, (const uint8_t *)"p", 1));
	run_all();
	assert_int_equal(seen.buttons, 1 + INPUTS);
}

static void nonsense(void **state)
{
	const uint8_t bytes[16] = {0};

	(void)state;
	for (size_t size = 0; size < sizeof(bytes); size++) {
		if (size != sizeof(struct link_key))
			assert_false(link_control_key(0, bytes, size));
		if (size != sizeof(struct link_motion))
			assert_false(link_control_motion(0, bytes, size));
		if (size != 1)
			assert_false(link_control_command(0, bytes, size));
		if (size != 0) {
			assert_false(link_control_ask_stats(0, bytes, size));
			assert_false(link_control_ask_screen(0, bytes, size));
			assert_false(link_control_last(0, bytes, size));
		}
	}
	/* Nor does anybody answer where there is no link. */
	control = NULL;
	assert_false(link_control_command(0, bytes, 1));
	assert_false(link_control_ask_screen(0, NULL, 0));
	assert_false(link_control_pump());
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(text_screen), TEST(largest_picture), TEST(size_changes), TEST(statistics), TEST(keys),
		TEST(nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
