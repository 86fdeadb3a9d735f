/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/display.h"

#include "lib/string.h"
#include "vmm/font.h"

static bool linear_shown(const struct display *display, struct vga_picture *picture)
{
	return display->linear != NULL && vga_display_picture(display->linear, picture);
}

struct display_size display_size(const struct display *display)
{
	struct vga_picture picture;

	if (linear_shown(display, &picture))
		return (struct display_size){picture.width, picture.height};
	return (struct display_size){VGA_TEXT_COLUMNS * FONT_WIDTH, VGA_TEXT_ROWS * FONT_HEIGHT};
}

/** One row of pixels of the text screen. */
static void text_row(const struct vga_text *vga, uint32_t row, uint32_t *line)
{
	struct vga_text_cell cell;

	for (uint32_t column = 0; column < VGA_TEXT_COLUMNS; column++) {
		vga_text_cell(vga, row / FONT_HEIGHT, column, &cell);
		uint8_t bits = font_row(cell.code, row % FONT_HEIGHT);
		if (cell.cursor && row % FONT_HEIGHT >= cell.cursor_first &&
		    row % FONT_HEIGHT <= cell.cursor_last)
			bits = 0xff;
		for (uint32_t i = 0; i < FONT_WIDTH; i++, bits = (uint8_t)(bits << 1))
			*line++ = bits & 0x80 ? cell.ink : cell.paper;
	}
}

/** The byte behind the colours means nothing: it is no change. */
static void linear_row(const struct vga_picture *picture, uint32_t row, uint32_t *line)
{
	memcpy(line, picture->pixels + (size_t)row * picture->pitch, picture->width * sizeof(*line));
	for (uint32_t x = 0; x < picture->width; x++)
		line[x] &= 0xffffff;
}

void display_row(const struct display *display, uint32_t row, uint32_t *line)
{
	struct vga_picture picture;

	if (linear_shown(display, &picture))
		linear_row(&picture, row, line);
	else
		text_row(display->text, row, line);
}

struct display_rows display_draw(const struct display *display, uint32_t *pixels, size_t stride)
{
	static uint32_t line[DISPLAY_MAX_WIDTH]; /* one thread at a time draws */
	const struct display_size size = display_size(display);
	struct display_rows changed = {0, 0};

	for (uint32_t row = 0; row < size.height; row++) {
		display_row(display, row, line);
		if (memcmp(line, pixels + row * stride, size.width * sizeof(line[0])) == 0)
			continue;
		memcpy(pixels + row * stride, line, size.width * sizeof(line[0]));
		if (changed.end == 0)
			changed.first = row;
		changed.end = row + 1;
	}
	return changed;
}
