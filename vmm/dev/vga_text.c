/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VGA registers (IBM VGA/XGA Technical Reference, 1992), without a picture: what they are set to can
 * be read back, as drivers of text screens expect.
 *
 * @req VMM-070 The text screen at B8000h can be shown as lines of text.
 */
#include "vmm/dev/vga_text.h"

#include "lib/printf.h"
#include "lib/string.h"
#include "vmm/platform.h"

/** `where` counts from 3B0h. */
enum reg {
	REG_CRT_MONO = 0x04,
	REG_STATUS_MONO = 0x0a,
	REG_ATTRIBUTE = 0x10,
	REG_ATTRIBUTE_READ = 0x11,
	REG_MISC_WRITE = 0x12, /* reads input status 0 */
	REG_SEQUENCER = 0x14,
	REG_DAC_MASK = 0x16,
	REG_DAC_READ = 0x17,
	REG_DAC_WRITE = 0x18,
	REG_DAC_DATA = 0x19,
	REG_FEATURE_READ = 0x1a,
	REG_MISC_READ = 0x1c,
	REG_GRAPHICS = 0x1e,
	REG_CRT = 0x24,
	REG_STATUS = 0x2a, /* writes feature control */
};

#define MISC_COLOUR 0x01u
#define INDEX_MASK  0x1fu
#define STATUS_BLANK 0x01u
#define STATUS_RETRACE 0x08u

#define CRT_CURSOR_FIRST 0x0au /* bit 5: no cursor */
#define CRT_CURSOR_LAST	 0x0bu
#define CRT_START_HIGH	 0x0cu
#define CRT_START_LOW	 0x0du
#define CRT_CURSOR_HIGH	 0x0eu
#define CRT_CURSOR_LOW	 0x0fu

#define ATTRIBUTE_MODE	   0x10u
#define ATTRIBUTE_MODE_BLINK 0x08u

/* 70 Hz, 449 lines of which 400 are seen. */
#define FRAME_NS   UINT64_C(14286000)
#define LINE_NS    UINT64_C(31778)
#define VISIBLE_NS UINT64_C(12711000)
#define LINE_VISIBLE_NS UINT64_C(25422)

/** Registers in mode 3 (80 x 25, colour). */
static const uint8_t mode3_crt[] = {0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00,
				    0x4f, 0x0d, 0x0e, 0x00, 0x00, 0x00, 0x00, 0x9c, 0x8e,
				    0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff};
static const uint8_t mode3_sequencer[] = {0x03, 0x00, 0x03, 0x00, 0x02};
static const uint8_t mode3_graphics[] = {0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0e, 0x0f, 0xff};
static const uint8_t mode3_attribute[] = {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14,
					  0x07, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d,
					  0x3e, 0x3f, 0x0c, 0x00, 0x0f, 0x08, 0x00};
#define MODE3_MISC 0x67u

static void block_set(struct vga_block *block, const uint8_t *values, size_t count)
{
	memset(block, 0, sizeof(*block));
	memcpy(block->reg, values, count);
}

/** Input status 1: the beam is off the screen; reading it resets the attribute flip-flop. */
static uint8_t read_status(struct vga_text *vga)
{
	uint64_t into = platform_time() % FRAME_NS;

	vga->attribute_data = 0;
	if (into >= VISIBLE_NS)
		return STATUS_BLANK | STATUS_RETRACE;
	return into % LINE_NS >= LINE_VISIBLE_NS ? STATUS_BLANK : 0;
}

static uint8_t *dac_entry(struct vga_text *vga, uint8_t index)
{
	return &vga->dac[index * 3u + vga->dac_part];
}

/** Red, green, blue, then the next colour. */
static void dac_step(struct vga_text *vga, uint8_t *index)
{
	vga->dac_part++;
	if (vga->dac_part == 3) {
		vga->dac_part = 0;
		(*index)++;
	}
}

static uint8_t dac_data_read(struct vga_text *vga)
{
	uint8_t value = *dac_entry(vga, vga->dac_read);

	dac_step(vga, &vga->dac_read);
	return value;
}

static void dac_data_write(struct vga_text *vga, uint8_t value)
{
	*dac_entry(vga, vga->dac_write) = value & 0x3f;
	dac_step(vga, &vga->dac_write);
}

/** @return the block whose index is at `where` and data behind it, or NULL. */
static struct vga_block *block_at(struct vga_text *vga, uint64_t where)
{
	switch (where & ~UINT64_C(1)) {
	case REG_SEQUENCER:
		return &vga->sequencer;
	case REG_GRAPHICS:
		return &vga->graphics;
	case REG_CRT:
		return vga->misc & MISC_COLOUR ? &vga->crt : NULL;
	case REG_CRT_MONO:
		return vga->misc & MISC_COLOUR ? NULL : &vga->crt;
	default:
		return NULL;
	}
}

static uint8_t read_register(struct vga_text *vga, uint64_t where)
{
	switch (where) {
	case REG_ATTRIBUTE:
		return vga->attribute.index;
	case REG_ATTRIBUTE_READ:
		return vga->attribute.reg[vga->attribute.index & INDEX_MASK];
	case REG_MISC_READ:
		return vga->misc;
	case REG_MISC_WRITE: /* input status 0: a monitor is there */
		return 0x10;
	case REG_DAC_MASK:
		return vga->dac_mask;
	case REG_DAC_READ: /* 0: last set for writing */
		return 0;
	case REG_DAC_WRITE:
		return vga->dac_write;
	case REG_DAC_DATA:
		return dac_data_read(vga);
	case REG_FEATURE_READ:
		return 0;
	case REG_STATUS:
		return vga->misc & MISC_COLOUR ? read_status(vga) : 0xff;
	case REG_STATUS_MONO:
		return vga->misc & MISC_COLOUR ? 0xff : read_status(vga);
	default:
		return 0xff;
	}
}

static uint64_t read(struct device *dev, uint64_t where, unsigned int size)
{
	struct vga_text *vga = (struct vga_text *)dev;
	struct vga_block *block = block_at(vga, where);

	(void)size;
	if (!block)
		return read_register(vga, where);
	return where & 1 ? block->reg[block->index] : block->index;
}

static void attribute_write(struct vga_text *vga, uint8_t value)
{
	if (vga->attribute_data)
		vga->attribute.reg[vga->attribute.index & INDEX_MASK] = value;
	else
		vga->attribute.index = value & 0x3f; /* bit 5: picture on */
	vga->attribute_data = !vga->attribute_data;
}

static void write_register(struct vga_text *vga, uint64_t where, uint8_t value)
{
	switch (where) {
	case REG_ATTRIBUTE:
		attribute_write(vga, value);
		break;
	case REG_MISC_WRITE:
		vga->misc = value;
		break;
	case REG_DAC_MASK:
		vga->dac_mask = value;
		break;
	case REG_DAC_READ:
		vga->dac_read = value;
		vga->dac_part = 0;
		break;
	case REG_DAC_WRITE:
		vga->dac_write = value;
		vga->dac_part = 0;
		break;
	case REG_DAC_DATA:
		dac_data_write(vga, value);
		break;
	default:
		break;
	}
}

static void write(struct device *dev, uint64_t where, unsigned int size, uint64_t value)
{
	struct vga_text *vga = (struct vga_text *)dev;
	struct vga_block *block = block_at(vga, where);

	(void)size;
	if (!block)
		write_register(vga, where, (uint8_t)value);
	else if (where & 1)
		block->reg[block->index] = (uint8_t)value;
	else
		block->index = value & INDEX_MASK;
}

/* ----------------------------------------------------------------------------------- the screen */

/** A character of code page 437 as ASCII. */
static char printable(uint8_t code)
{
	if (code >= 0x20 && code < 0x7f)
		return (char)code;
	if (code == 0 || code == 0xff)
		return ' ';
	return code >= 0xb0 && code <= 0xdf ? '#' : '.';
}

/** The number of a cell; the CRT controller says where the screen begins in the buffer. */
static unsigned int cell_number(const struct vga_text *vga, unsigned int row, unsigned int column)
{
	unsigned int start =
		vga->crt.reg[CRT_START_HIGH] * 256u + vga->crt.reg[CRT_START_LOW];

	return start + row * VGA_TEXT_COLUMNS + column;
}

static char cell(const struct vga_text *vga, unsigned int row, unsigned int column)
{
	return printable(vga->buffer[cell_number(vga, row, column) * 2 % VGA_TEXT_SIZE]);
}

/** Six bits of a colour as eight. */
static uint32_t wide(uint8_t six)
{
	return (six & 0x3fu) << 2 | (six & 0x3fu) >> 4;
}

/** One of 16 colours, by way of the palette and the DAC. */
static uint32_t colour(const struct vga_text *vga, unsigned int number)
{
	const uint8_t *dac = vga->dac + 3u * (vga->attribute.reg[number] & 0x3f & vga->dac_mask);

	return wide(dac[0]) << 16 | wide(dac[1]) << 8 | wide(dac[2]);
}

static void cursor(const struct vga_text *vga, unsigned int number, struct vga_text_cell *to)
{
	const uint8_t *crt = vga->crt.reg;

	to->cursor = !(crt[CRT_CURSOR_FIRST] & 0x20) &&
		     number == crt[CRT_CURSOR_HIGH] * 256u + crt[CRT_CURSOR_LOW];
	to->cursor_first = crt[CRT_CURSOR_FIRST] & 0x1f;
	to->cursor_last = crt[CRT_CURSOR_LAST] & 0x1f;
}

void vga_text_cell(const struct vga_text *vga, unsigned int row, unsigned int column,
		   struct vga_text_cell *to)
{
	const unsigned int number = cell_number(vga, row, column), at = number * 2 % VGA_TEXT_SIZE;
	const uint8_t attribute = vga->buffer[at + 1];
	const bool blinks = (vga->attribute.reg[ATTRIBUTE_MODE] & ATTRIBUTE_MODE_BLINK) != 0;

	/* What would blink is shown. */
	*to = (struct vga_text_cell){.code = vga->buffer[at],
				     .ink = colour(vga, attribute & 15u),
				     .paper = colour(vga, attribute >> 4 & (blinks ? 7u : 15u))};
	cursor(vga, number, to);
}

/** @return columns of a row up to its last character. */
static unsigned int row_length(const struct vga_text *vga, unsigned int row)
{
	unsigned int length = VGA_TEXT_COLUMNS;

	while (length > 0 && cell(vga, row, length - 1) == ' ')
		length--;
	return length;
}

void vga_text_print(const struct vga_text *vga, void (*put)(void *ctx, char c), void *ctx)
{
	unsigned int rows = VGA_TEXT_ROWS;

	while (rows > 0 && row_length(vga, rows - 1) == 0)
		rows--;
	for (unsigned int row = 0; row < rows; row++) {
		unsigned int length = row_length(vga, row);
		lib_fprintf(put, ctx, length ? "screen: " : "screen:");
		for (unsigned int column = 0; column < length; column++)
			put(ctx, cell(vga, row, column));
		put(ctx, '\n');
	}
}

/* ---------------------------------------------------------------------------------- reset and state */

/** The 64 colours of text modes: bits 0 to 2 are two thirds of blue, green, red, bits 3 to 5 one. */
static void dac_reset(struct vga_text *vga)
{
	memset(vga->dac, 0, sizeof(vga->dac));
	for (unsigned int n = 0; n < 64; n++)
		for (unsigned int i = 0; i < 3; i++)
			vga->dac[3 * n + i] = (uint8_t)((n >> (2 - i) & 1) * 42 + (n >> (5 - i) & 1) * 21);
}

static void reset(struct device *dev)
{
	struct vga_text *vga = (struct vga_text *)dev;

	dac_reset(vga);

	block_set(&vga->crt, mode3_crt, sizeof(mode3_crt));
	block_set(&vga->sequencer, mode3_sequencer, sizeof(mode3_sequencer));
	block_set(&vga->graphics, mode3_graphics, sizeof(mode3_graphics));
	block_set(&vga->attribute, mode3_attribute, sizeof(mode3_attribute));
	vga->attribute.index = 0x20;
	vga->misc = MODE3_MISC;
	vga->attribute_data = 0;
	vga->dac_mask = 0xff;
	vga->dac_read = 0;
	vga->dac_write = 0;
	vga->dac_part = 0;
}

static bool loaded(struct device *dev)
{
	struct vga_text *vga = (struct vga_text *)dev;

	vga->sequencer.index &= INDEX_MASK;
	vga->graphics.index &= INDEX_MASK;
	vga->crt.index &= INDEX_MASK;
	return vga->dac_part < 3;
}

#define BLOCK_FIELDS(name)                                                                         \
	DEVICE_FIELD(struct vga_text, name.index), DEVICE_ARRAY(struct vga_text, name.reg)

static const struct device_field fields[] = {
	BLOCK_FIELDS(sequencer),
	BLOCK_FIELDS(graphics),
	BLOCK_FIELDS(crt),
	BLOCK_FIELDS(attribute),
	DEVICE_FIELD(struct vga_text, misc),
	DEVICE_FIELD(struct vga_text, attribute_data),
	DEVICE_FIELD(struct vga_text, dac_read),
	DEVICE_FIELD(struct vga_text, dac_write),
	DEVICE_FIELD(struct vga_text, dac_mask),
	DEVICE_FIELD(struct vga_text, dac_part),
	DEVICE_ARRAY(struct vga_text, dac),
};

static const struct device_range ranges[] = {
	{.space = DEVICE_PORTS, .first = 0x3b4, .size = 2, .width = 1, .base = REG_CRT_MONO},
	{.space = DEVICE_PORTS, .first = 0x3ba, .size = 1, .width = 1, .base = REG_STATUS_MONO},
	{.space = DEVICE_PORTS, .first = 0x3c0, .size = 16, .width = 1, .base = REG_ATTRIBUTE},
	{.space = DEVICE_PORTS, .first = 0x3d4, .size = 2, .width = 1, .base = REG_CRT},
	{.space = DEVICE_PORTS, .first = 0x3da, .size = 1, .width = 1, .base = REG_STATUS},
};

static const struct device_class class = {
	.name = "vga_text",
	.read = read,
	.write = write,
	.reset = reset,
	.loaded = loaded,
	.ranges = ranges,
	.fields = fields,
	.range_count = sizeof(ranges) / sizeof(ranges[0]),
	.field_count = sizeof(fields) / sizeof(fields[0]),
};

void vga_text_init(struct vga_text *vga, const void *buffer)
{
	*vga = (struct vga_text){.dev = {.class = &class}, .buffer = buffer};
}
