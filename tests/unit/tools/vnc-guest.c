/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a VNC client is tested with: the display and keyboard of machine `pc`, and in place of a guest a loop
 * that shows each letter that is typed and moves a mark with the mouse. Escape ends it; its picture is
 * then in a file. Usage: vnc-guest PORT PICTURE.png [PASSWORD KEY CERTIFICATE]
 */
#include <hypike/vmm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/unit/vmm/mock.h"
#include "tools/vnc.h"
#include "vmm/bus.h"
#include "vmm/dev/i8042.h"
#include "vmm/display.h"

#define ESCAPE 0x01u
#define ENTER  0x1cu

static struct platform_mutex lock;
static struct bus bus;
static struct i8042 kbc;
static struct vga_text text;
static struct display display;
static uint8_t buffer[VGA_TEXT_SIZE];

/* ------------------------------------------------------------------------------------ the machine */

static bool size(unsigned int *width, unsigned int *height)
{
	platform_mutex_lock(&lock);
	const struct display_size now = display_size(&display);
	platform_mutex_unlock(&lock);
	*width = now.width;
	*height = now.height;
	return true;
}

static bool draw(uint32_t *pixels, unsigned int width, unsigned int height, unsigned int *first,
		 unsigned int *end)
{
	struct display_rows rows = {0, 0};

	platform_mutex_lock(&lock);
	const struct display_size now = display_size(&display);
	const bool same = now.width == width && now.height == height;
	if (same)
		rows = display_draw(&display, pixels, width);
	platform_mutex_unlock(&lock);
	*first = rows.first;
	*end = rows.end;
	return same;
}

static void key(unsigned int number, bool pressed)
{
	platform_mutex_lock(&lock);
	i8042_key(&kbc, (uint8_t)number, pressed);
	platform_mutex_unlock(&lock);
}

static void mouse(int x, int y, int wheel, unsigned int buttons)
{
	const struct ps2_motion motion = {x, y, wheel, (uint8_t)buttons};

	platform_mutex_lock(&lock);
	i8042_mouse(&kbc, &motion);
	platform_mutex_unlock(&lock);
}

static bool confine(void)
{
	return hypike_vmm_confine(HYPIKE_VMM_DISPLAY);
}

static const struct vnc_machine machine = {size, draw, key, mouse, confine};

/* -------------------------------------------------------------------------------------- the guest */

static struct {
	unsigned int at;     /* where the next letter goes */
	unsigned int report; /* bytes of the mouse's report so far */
	int x;
	bool ended;
} guest;

static void show(char c)
{
	buffer[2 * guest.at] = (uint8_t)c;
	buffer[2 * guest.at + 1] = 0x1e;
	guest.at++;
}

/** Letters of scan codes in set 1. */
static void typed(uint8_t code)
{
	static const char letters[] = "\0\0001234567890-=\0\0qwertyuiop[]\0\0asdfghjkl;'`\0\\zxcvbnm,./\0\0\0 ";

	if (code == ESCAPE)
		guest.ended = true;
	else if (code == ENTER)
		guest.at += VGA_TEXT_COLUMNS - guest.at % VGA_TEXT_COLUMNS;
	else if (code < sizeof(letters) && letters[code] != 0)
		show(letters[code]);
}

/** A mark in the last row, a column for each eight pixels. */
static void moved(uint8_t byte)
{
	if (guest.report++ % 3 != 1)
		return;
	guest.x += (int8_t)byte;
	memset(buffer + 2 * 24 * VGA_TEXT_COLUMNS, 0, 2 * VGA_TEXT_COLUMNS);
	const unsigned int at = 24 * VGA_TEXT_COLUMNS + (guest.x > 0 ? (unsigned int)guest.x / 8 % 80 : 0);
	buffer[2 * at] = 0xdb;
	buffer[2 * at + 1] = 0x0c;
}

static void look(void)
{
	platform_mutex_lock(&lock);
	const uint32_t status = bus_port_read(&bus, 0x64, 1);
	if (status & 1) {
		const uint8_t byte = (uint8_t)bus_port_read(&bus, 0x60, 1);
		if (!(status & 0x20))
			typed(byte);
		else if (byte != PS2_ACK)
			moved(byte);
	}
	platform_mutex_unlock(&lock);
	if (!(status & 1))
		nanosleep(&(const struct timespec){.tv_nsec = 1000000}, NULL);
}

static void start(void)
{
	static const char title[] = "HyPike's screen, as a VNC client sees it \xda\xc4\xbf \xdb\xb1\xb0";

	bus_init(&bus);
	vga_text_init(&text, buffer);
	text.dev.class->reset(&text.dev);
	i8042_init(&kbc);
	kbc.has_mouse = true;
	kbc.dev.class->reset(&kbc.dev);
	bus_attach(&bus, &kbc.dev);
	bus_port_write(&bus, 0x64, 1, 0xa8);
	bus_port_write(&bus, 0x64, 1, 0xd4);
	bus_port_write(&bus, 0x60, 1, 0xf4);
	display = (struct display){&text, NULL};
	for (guest.at = 0; title[guest.at] != '\0';)
		show(title[guest.at]);
	guest.at = 2 * VGA_TEXT_COLUMNS;
}

int main(int argc, char **argv)
{
	static uint32_t pixels[640 * 400];
	const char *wrong;

	if (argc != 3 && argc != 6)
		return 2;
	const struct vnc_access access = {argv[3], argc == 6 ? argv[4] : NULL, argc == 6 ? argv[5] : NULL};
	start();
	wrong = vnc_start(argv[1], &machine, argc == 6 ? &access : NULL);
	if (wrong == NULL) {
		printf("ready\n");
		fflush(stdout);
		while (!guest.ended)
			look();
		display_draw(&display, pixels, 640);
		wrong = png_write(argv[2], pixels, 640, 400);
	}
	if (wrong != NULL)
		fprintf(stderr, "vnc-guest: %s\n", wrong);
	return wrong != NULL;
}
