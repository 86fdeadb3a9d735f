/* SPDX-License-Identifier: BSD-2-Clause */
/* @verifies VMM-071 VMM-072 */
#include "tests/unit/vmm/bench.h"
#include "tests/unit/vmm/vbe.h"

#include <stdlib.h>
#include <string.h>

#include "vmm/dev/pci.h"
#include "vmm/display.h"
#include "vmm/font.h"

#define TEXT_WIDTH  (VGA_TEXT_COLUMNS * FONT_WIDTH)
#define TEXT_HEIGHT (VGA_TEXT_ROWS * FONT_HEIGHT)
#define WHITE	    0xaaaaaau
#define BRIGHT	    0xffffffu

static struct bench bench;
static struct pci_bus pci;
static struct vga_text text;
static struct vga_display vga;
static struct display display;
static uint8_t buffer[VGA_TEXT_SIZE];
static uint8_t *memory;
static uint32_t *pixels;
static uint64_t mapped; /* where the guest has the memory, 0: nowhere */
static bool refused;	/* it can't have it */

static bool map(void *ctx, uint64_t where, bool on)
{
	(void)ctx;
	assert_true(on ? mapped == 0 : mapped == where);
	if (on && refused)
		return false;
	mapped = on ? where : 0;
	return true;
}

static int setup(void **state)
{
	static const struct pci_upstream up = {.ctx = NULL};
	static const uint8_t lines[PCI_PINS] = {0};

	(void)state;
	mapped = 0;
	refused = false;
	memset(buffer, 0, sizeof(buffer));
	vga_text_init(&text, buffer);
	bench_init(&bench, &text.dev);
	memory = calloc(1, VGA_DISPLAY_MEMORY);
	pixels = calloc(DISPLAY_MAX_WIDTH * DISPLAY_MAX_HEIGHT, sizeof(*pixels));
	vga_display_init(&vga, memory);
	vga.map = map;
	pci_bus_init(&pci, &bench.bus, &up);
	assert_int_equal(pci_bus_attach(&pci, 0), HV_OK);
	assert_int_equal(pci_attach(&pci, &vga.pci, 1), HV_OK);
	assert_int_equal(bus_attach(&bench.bus, &vga.ports), HV_OK);
	pci_bus_reset(&pci);
	pci_assign(&pci, 0xc0000000, 0xe0000000, lines);
	display = (struct display){&text, &vga};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(memory);
	free(pixels);
	return 0;
}

static uint16_t dispi_read(uint16_t index)
{
	bus_port_write(&bench.bus, 0x1ce, 2, index);
	return (uint16_t)bus_port_read(&bench.bus, 0x1cf, 2);
}

static uint64_t load(uint64_t address, unsigned int size)
{
	uint32_t hit = 0;
	const uint64_t value = bus_memory_read(&bench.bus, &hit, address, size);

	return size < 8 ? value & ((UINT64_C(1) << 8 * size) - 1) : value;
}

static void store(uint64_t address, unsigned int size, uint64_t value)
{
	uint32_t hit = 0;

	bus_memory_write(&bench.bus, &hit, address, size, value);
}

static void assert_rows(struct display_rows rows, uint32_t first, uint32_t end)
{
	assert_int_equal(rows.first, first);
	assert_int_equal(rows.end, end);
}

/* --------------------------------------------------------------------------------------------- text */

static void put(unsigned int cell, char c, uint8_t attribute)
{
	buffer[2 * cell] = (uint8_t)c;
	buffer[2 * cell + 1] = attribute;
}

/** Pixels of a colour in a cell. */
static unsigned int count(unsigned int row, unsigned int column, uint32_t colour)
{
	unsigned int n = 0;

	for (uint32_t y = 0; y < FONT_HEIGHT; y++)
		for (uint32_t x = 0; x < FONT_WIDTH; x++)
			n += pixels[(row * FONT_HEIGHT + y) * TEXT_WIDTH + column * FONT_WIDTH + x] == colour;
	return n;
}

static void letters_are_drawn(void **state)
{
	static const char h[] = "#...#", bar[] = "#####";

	(void)state;
	out8(&bench, 0x3d4, 0x0a); /* no cursor */
	out8(&bench, 0x3d5, 0x20);
	put(81, 'H', 0x07);
	assert_int_equal(display_size(&display).width, 640);
	assert_int_equal(display_size(&display).height, 400);
	assert_rows(display_draw(&display, pixels, TEXT_WIDTH), 17, 31);
	for (unsigned int y = 0; y < 7; y++) {
		const uint32_t *line = pixels + (17 + 2 * y) * TEXT_WIDTH + 8 + 1;
		for (unsigned int x = 0; x < 5; x++) {
			const bool ink = (y == 3 ? bar : h)[x] == '#';
			assert_int_equal(line[x], ink ? WHITE : 0);
			assert_int_equal(line[x + TEXT_WIDTH], ink ? WHITE : 0);
		}
	}
	assert_rows(display_draw(&display, pixels, TEXT_WIDTH), 0, 0);
	put(81, ' ', 0x07);
	assert_rows(display_draw(&display, pixels, TEXT_WIDTH), 17, 31);
}

static void all_characters_differ(void **state)
{
	(void)state;
	for (unsigned int a = 0x21; a < 0x7f; a++) {
		for (unsigned int b = 0x20; b < a; b++) {
			bool same = true;
			for (unsigned int row = 0; row < FONT_HEIGHT; row++)
				same &= font_row((uint8_t)a, row) == font_row((uint8_t)b, row);
			assert_false(same);
		}
	}
	for (unsigned int code = 0; code < 256; code++)
		assert_int_equal(font_row((uint8_t)code, FONT_HEIGHT), 0);
	assert_int_equal(font_row(0xdb, 5), 0xff);
	assert_int_equal(font_row(0xc4, 7), 0xff);
	assert_int_equal(font_row(0xc4, 3), 0);
	assert_int_equal(font_row(0xda, 3), 0); /* from the middle to the right and down */
	assert_int_equal(font_row(0xda, 12), 0x18);
	assert_int_equal(font_row(0xda, 7), 0x1f);
}

static void colours_and_cursor(void **state)
{
	(void)state;
	put(0, (char)0xdb, 0x1f); /* bright on blue: all ink */
	put(1, ' ', 0x4e);	  /* red paper */
	put(2, ' ', 0xc0);	  /* it would blink */
	out8(&bench, 0x3d4, 0x0e);
	out8(&bench, 0x3d5, 0);
	out8(&bench, 0x3d4, 0x0f);
	out8(&bench, 0x3d5, 5);
	put(5, ' ', 0x07);
	display_draw(&display, pixels, TEXT_WIDTH);
	assert_int_equal(count(0, 0, BRIGHT), 128);
	assert_int_equal(count(0, 1, 0xaa0000), 128);
	assert_int_equal(count(0, 2, 0xaa0000), 128);
	assert_int_equal(count(0, 5, WHITE), 16); /* two lines */
	in8(&bench, 0x3da);
	out8(&bench, 0x3c0, 0x30); /* no blinking: a bright paper */
	out8(&bench, 0x3c0, 0x04);
	out8(&bench, 0x3c8, 0x3c); /* and what bright red is */
	out8(&bench, 0x3c9, 1);
	out8(&bench, 0x3c9, 2);
	out8(&bench, 0x3c9, 63);
	display_draw(&display, pixels, TEXT_WIDTH);
	assert_int_equal(count(0, 2, 0x0408ff), 128);
}

static void the_screen_scrolls(void **state)
{
	(void)state;
	put(80 * 30, (char)0xdb, 0x07);
	out8(&bench, 0x3d4, 0x0c);
	out8(&bench, 0x3d5, 80 * 30 >> 8);
	out8(&bench, 0x3d4, 0x0d);
	out8(&bench, 0x3d5, 80 * 30 & 0xff);
	display_draw(&display, pixels, TEXT_WIDTH);
	assert_int_equal(count(0, 0, WHITE), 128);
}

/* ------------------------------------------------------------------------------------- framebuffer */

static void a_mode_is_set(void **state)
{
	(void)state;
	assert_int_equal(dispi_read(VBE_ID), VBE_ID_5);
	assert_int_equal(dispi_read(VBE_MEMORY_64K), 256);
	vbe_write(&bench.bus, VBE_ENABLE, VBE_GETCAPS);
	assert_int_equal(dispi_read(VBE_XRES), 2560);
	assert_int_equal(dispi_read(VBE_YRES), 1600);
	assert_int_equal(dispi_read(VBE_BPP), 32);
	memory[5] = 7;
	vbe_mode(&bench.bus, 1024, 768);
	assert_int_equal(memory[5], 0);
	assert_int_equal(dispi_read(VBE_ENABLE), VBE_ENABLED | VBE_LINEAR);
	assert_int_equal(dispi_read(VBE_VIRT_WIDTH), 1024);
	assert_int_equal(display_size(&display).width, 1024);
	assert_int_equal(display_size(&display).height, 768);
	vbe_write(&bench.bus, VBE_XRES, 1); /* not while it is on */
	assert_int_equal(display_size(&display).width, 1024);
	vbe_write(&bench.bus, VBE_ENABLE, 0);
	assert_int_equal(display_size(&display).width, 640);
}

static void pixels_are_shown(void **state)
{
	(void)state;
	vbe_mode(&bench.bus, 800, 600);
	assert_rows(display_draw(&display, pixels, 800), 0, 0);
	assert_int_equal(mapped, 0xc0000000);
	store(0xc0000000 + 4 * (800 * 10 + 3), 4, 0x55123456);
	store(0xc0000000 + 4 * (800 * 12), 1, 0x99);
	assert_int_equal(load(0xc0000000 + 4 * (800 * 10 + 3), 4), 0x55123456);
	assert_rows(display_draw(&display, pixels, 800), 10, 13);
	assert_int_equal(pixels[800 * 10 + 3], 0x123456);
	assert_int_equal(pixels[800 * 12], 0x99);
	memory[4 * (800 * 10 + 3) + 3] = 0xff; /* no colour of the picture's */
	assert_rows(display_draw(&display, pixels, 800), 0, 0);
	vbe_write(&bench.bus, VBE_Y_OFFSET, 10); /* another part of the memory */
	display_draw(&display, pixels, 800);
	assert_int_equal(pixels[3], 0x123456);
	vbe_write(&bench.bus, VBE_Y_OFFSET, 0xffff); /* behind its end: the start */
	display_draw(&display, pixels, 800);
	assert_int_equal(pixels[800 * 10 + 3], 0x123456);
}

static void impossible_modes(void **state)
{
	static const uint16_t sizes[][2] = {{0, 600}, {800, 0}, {2561, 100}, {100, 1601}, {0xffff, 0xffff}};

	(void)state;
	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		vbe_mode(&bench.bus, sizes[i][0], sizes[i][1]);
		assert_int_equal(dispi_read(VBE_ENABLE) & VBE_ENABLED, 0);
		assert_int_equal(display_size(&display).width, 640);
	}
	vbe_mode(&bench.bus, 2560, 1600);
	assert_int_equal(display_size(&display).width, 2560);
	vbe_write(&bench.bus, VBE_VIRT_WIDTH, 0xffff); /* 64 lines */
	assert_int_equal(dispi_read(VBE_VIRT_WIDTH), 2560);
	vbe_write(&bench.bus, VBE_BPP, 8);
	assert_int_equal(dispi_read(VBE_BPP), 32);
	vbe_write(&bench.bus, VBE_ID, 0x1234);
	assert_int_equal(dispi_read(VBE_ID), VBE_ID_5);
	vbe_write(&bench.bus, 99, 1);
	assert_int_equal(dispi_read(99), 0);
}

static void registers_are_in_memory_too(void **state)
{
	const uint64_t bar = pci_config_read(&pci, 1, PCI_BAR0 + 8, 4);

	(void)state;
	assert_int_equal(pci_config_read(&pci, 1, 0, 4), 0x11111234);
	assert_int_equal(load(bar + 0x500, 2), VBE_ID_5);
	store(bar + 0x502, 2, 320);
	store(bar + 0x504, 2, 200);
	store(bar + 0x508, 2, VBE_ENABLED | VBE_LINEAR);
	assert_int_equal(display_size(&display).width, 320);
	assert_int_equal(load(bar + 0x500 + 2 * VBE_REGISTERS, 2), 0);
	assert_int_equal(load(bar, 4), 0);
}

static void memory_follows_its_bar(void **state)
{
	(void)state;
	assert_int_equal(mapped, 0xc0000000);
	pci_config_write(&pci, 1, PCI_BAR0, 4, 0xd0000000);
	assert_int_equal(mapped, 0xd0000000);
	pci_config_write(&pci, 1, PCI_COMMAND, 2, 0);
	assert_int_equal(mapped, 0);
	refused = true; /* something is there: then by exits */
	pci_config_write(&pci, 1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(mapped, 0);
	store(0xd0000010, 8, UINT64_C(0x1122334455667788));
	assert_int_equal(memory[0x17], 0x11);
	refused = false;
	pci_bus_reset(&pci);
	assert_int_equal(mapped, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(letters_are_drawn),
		TEST(all_characters_differ),
		TEST(colours_and_cursor),
		TEST(the_screen_scrolls),
		TEST(a_mode_is_set),
		TEST(pixels_are_shown),
		TEST(impossible_modes),
		TEST(registers_are_in_memory_too),
		TEST(memory_follows_its_bar),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
