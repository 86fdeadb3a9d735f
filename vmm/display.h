/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file display.h
 * What the machine's screen shows, as pixels: the framebuffer where a mode is set, else the text screen.
 * Whoever shows it (a VNC server, a screenshot) keeps a picture and has it brought up to date.
 */
#ifndef VMM_DISPLAY_H
#define VMM_DISPLAY_H

#include "vmm/dev/vga_display.h"
#include "vmm/dev/vga_text.h"

#define DISPLAY_MAX_WIDTH  VGA_DISPLAY_MAX_X
#define DISPLAY_MAX_HEIGHT VGA_DISPLAY_MAX_Y

struct display {
	const struct vga_text *text;
	const struct vga_display *linear; /**< NULL: there is none */
};

/** Pixels are 32-bit numbers: red << 16 | green << 8 | blue. */
struct display_size {
	uint32_t width, height;
};

/** Rows [first, end) that have changed; none: first == end. */
struct display_rows {
	uint32_t first, end;
};

/** What is shown is as large as this now; DISPLAY_MAX_WIDTH by DISPLAY_MAX_HEIGHT at the most. */
struct display_size display_size(const struct display *display);
/** One row of it, below that height: so many pixels as it is wide. */
void display_row(const struct display *display, uint32_t row, uint32_t *line);
/**
 * Bring a picture of that size up to date; `pixels` holds what was shown before (or zeros).
 * @param stride pixels from a row to the next
 * @return which rows are other ones now
 * @req VMM-072 A picture shows the text screen with its colours and cursor, or the framebuffer, and tells
 *              which rows have changed.
 */
struct display_rows display_draw(const struct display *display, uint32_t *pixels, size_t stride);

#endif
