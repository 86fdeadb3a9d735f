/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file vga_text.h
 * VGA as far as an 80 x 25 text screen needs it: the character buffer at B8000h is plain memory of
 * the guest's, the registers at 3C0h to 3DAh keep what is written to them, the retrace bits move.
 */
#ifndef VMM_DEV_VGA_TEXT_H
#define VMM_DEV_VGA_TEXT_H

#include "vmm/dev/device.h"

#define VGA_TEXT_ADDRESS 0xb8000u
#define VGA_TEXT_SIZE	 0x8000u
#define VGA_TEXT_COLUMNS 80u
#define VGA_TEXT_ROWS	 25u

/** A block of registers behind an index: sequencer, graphics, CRT and attribute controller. */
struct vga_block {
	uint8_t index;
	uint8_t reg[32];
};

struct vga_text {
	struct device dev;
	const uint8_t *buffer; /**< VGA_TEXT_SIZE bytes: the guest's memory at B8000h */
	struct vga_block sequencer, graphics, crt, attribute;
	uint8_t misc;
	uint8_t attribute_data; /**< the next write to 3C0h is data */
	uint8_t dac_read, dac_write, dac_mask;
	uint8_t dac_part; /**< which of red, green, blue comes next */
	uint8_t dac[768];
};

/** A character as it is shown. Colours are red << 16 | green << 8 | blue. */
struct vga_text_cell {
	uint32_t ink, paper;
	uint8_t code; /**< code page 437 */
	bool cursor;
	uint8_t cursor_first, cursor_last; /**< its lines, the first of a character's 16 being 0 */
};

void vga_text_init(struct vga_text *vga, const void *buffer);
/** Print the screen: a line "screen: …" for each row up to the last that isn't blank. */
void vga_text_print(const struct vga_text *vga, void (*put)(void *ctx, char c), void *ctx);

/** What stands in a cell of the screen: `row` below VGA_TEXT_ROWS, `column` below VGA_TEXT_COLUMNS. */
void vga_text_cell(const struct vga_text *vga, unsigned int row, unsigned int column,
		   struct vga_text_cell *cell);

#endif
