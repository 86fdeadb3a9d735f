/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * @req VMM-130 fw_cfg: an item reads as its bytes and zeros behind them, by the data port as by DMA; a number that
 *              no item has reads as zeros; the directory names the files. Nothing can be written.
 * @req VMM-131 A DMA command that is malformed, or whose memory isn't RAM, ends with the error bit and transfers
 *              nothing outside of the guest's RAM.
 */
#include "vmm/dev/fw_cfg.h"

#include "lib/string.h"

/* `where`: the selector and data at 510h, the DMA address at 514h. */
enum place { PLACE_SELECTOR = 0, PLACE_DATA = 1, PLACE_DMA_HIGH = 4, PLACE_DMA_LOW = 8 };

#define ID_TRADITIONAL 0x1u
#define ID_DMA	       0x2u

/* The DMA command, all of it big-endian ("Guest-side DMA Interface"). */
struct command_block {
	uint32_t control, length;
	uint64_t address;
};
#define CONTROL_ERROR  0x01u
#define CONTROL_READ   0x02u
#define CONTROL_SKIP   0x04u
#define CONTROL_SELECT 0x08u
#define CONTROL_WRITE  0x10u

/** More than any item has; a transfer is done while everybody waits. */
#define DMA_MAX	  UINT32_C(0x100000)
#define DMA_PIECE UINT32_C(0x1000)

static const char signature[] = {'Q', 'E', 'M', 'U'};
/** What the DMA address reads as. */
static const uint32_t dma_signature[2] = {__builtin_bswap32(0x51454d55), /* "QEMU" */
					  __builtin_bswap32(0x20434647)}; /* " CFG" */

/* ------------------------------------------------------------------------------------------- items */

static void item_select(struct fw_cfg *fw, uint16_t key)
{
	fw->selected = key;
	fw->offset = 0;
}

/** Take up to `size` bytes from the selected item, zeros behind its end. */
static void item_read(struct fw_cfg *fw, uint8_t *to, uint32_t size)
{
	static const struct fw_cfg_item none;
	const struct fw_cfg_item *item =
		fw->selected < FW_CFG_ITEMS ? &fw->item[fw->selected] : &none;
	const uint32_t left = fw->offset < item->size ? item->size - fw->offset : 0;
	const uint32_t take = size < left ? size : left;

	if (take > 0)
		memcpy(to, (const uint8_t *)item->data + fw->offset, take);
	memset(to + take, 0, size - take);
	fw->offset += take;
}

static void item_skip(struct fw_cfg *fw, uint32_t size)
{
	if (__builtin_add_overflow(fw->offset, size, &fw->offset))
		fw->offset = UINT32_MAX;
}

/* --------------------------------------------------------------------------------------------- DMA */

/** Fill [address, address + size) page by page. @return false where not all of it is RAM. */
static bool dma_read(struct fw_cfg *fw, uint64_t address, uint32_t size)
{
	while (size > 0) {
		const uint32_t room = DMA_PIECE - (uint32_t)(address % DMA_PIECE);
		const uint32_t piece = size < room ? size : room;
		uint8_t *to = fw->ram(fw->ctx, address, piece, true);
		if (!to)
			return false;
		item_read(fw, to, piece);
		address += piece; /* where this wraps around there is no RAM */
		size -= piece;
	}
	return true;
}

/** @return the control word that the guest finds: 0 or the error. */
static uint32_t dma_run(struct fw_cfg *fw, uint32_t control, uint32_t length, uint64_t address)
{
	if (control & CONTROL_SELECT)
		item_select(fw, (uint16_t)(control >> 16));
	if (control & CONTROL_READ) {
		if (length > DMA_MAX || !dma_read(fw, address, length))
			return CONTROL_ERROR;
	} else if (control & CONTROL_WRITE) {
		return CONTROL_ERROR;
	} else if (control & CONTROL_SKIP) {
		item_skip(fw, length);
	}
	return 0;
}

static void dma_command(struct fw_cfg *fw, uint64_t where)
{
	struct command_block block;
	uint8_t *at = fw->ram ? fw->ram(fw->ctx, where, sizeof(block), true) : NULL;

	if (!at)
		return;
	memcpy(&block, at, sizeof(block));
	const uint32_t result =
		dma_run(fw, __builtin_bswap32(block.control), __builtin_bswap32(block.length),
			__builtin_bswap64(block.address));
	block.control = __builtin_bswap32(result);
	memcpy(at, &block.control, sizeof(block.control));
}

/* ------------------------------------------------------------------------------------------- ports */

static uint64_t read(struct device *dev, uint64_t where, unsigned int size)
{
	struct fw_cfg *fw = (struct fw_cfg *)dev;
	uint8_t byte;

	if (where >= PLACE_DMA_HIGH)
		return size == 4 && fw->ram ? dma_signature[where == PLACE_DMA_LOW] : 0;
	if (where != PLACE_DATA || size != 1)
		return 0;
	item_read(fw, &byte, 1);
	return byte;
}

static void write(struct device *dev, uint64_t where, unsigned int size, uint64_t value)
{
	struct fw_cfg *fw = (struct fw_cfg *)dev;

	if (where == PLACE_SELECTOR && size == 2)
		item_select(fw, (uint16_t)value);
	if (where == PLACE_DMA_HIGH && size == 4)
		fw->dma_high = __builtin_bswap32((uint32_t)value);
	if (where != PLACE_DMA_LOW || size != 4)
		return;
	const uint64_t high = fw->dma_high;
	fw->dma_high = 0;
	dma_command(fw, high << 32 | __builtin_bswap32((uint32_t)value));
}

static void reset(struct device *dev)
{
	struct fw_cfg *fw = (struct fw_cfg *)dev;

	item_select(fw, 0);
	fw->dma_high = 0;
}

static const struct device_field fields[] = {
	DEVICE_FIELD(struct fw_cfg, selected),
	DEVICE_FIELD(struct fw_cfg, offset),
	DEVICE_FIELD(struct fw_cfg, dma_high),
};

static const struct device_range ranges[] = {
	{.space = DEVICE_PORTS, .first = 0x510, .size = 2, .width = 2, .base = PLACE_SELECTOR},
	{.space = DEVICE_PORTS, .first = 0x514, .size = 8, .width = 4, .base = PLACE_DMA_HIGH},
};

static const struct device_class class = {
	.name = "fw_cfg",
	.read = read,
	.write = write,
	.reset = reset,
	.ranges = ranges,
	.fields = fields,
	.range_count = sizeof(ranges) / sizeof(ranges[0]),
	.field_count = sizeof(fields) / sizeof(fields[0]),
};

void fw_cfg_init(struct fw_cfg *fw, void *(*ram)(void *, uint64_t, uint64_t, bool), void *ctx)
{
	*fw = (struct fw_cfg){.dev = {.class = &class},
			      .ram = ram,
			      .ctx = ctx,
			      .id = ID_TRADITIONAL | (ram ? ID_DMA : 0)};
	fw_cfg_set(fw, FW_CFG_SIGNATURE, signature, sizeof(signature));
	fw_cfg_set(fw, FW_CFG_ID, &fw->id, sizeof(fw->id));
	fw_cfg_set(fw, FW_CFG_FILE_DIR, &fw->directory, sizeof(fw->directory.count));
}

void fw_cfg_set(struct fw_cfg *fw, enum fw_cfg_key key, const void *data, uint32_t size)
{
	fw->item[key] = (struct fw_cfg_item){data, size};
}

bool fw_cfg_add(struct fw_cfg *fw, const char *name, const void *data, uint32_t size)
{
	const uint32_t n = fw->files;

	if (n == FW_CFG_FILES || strlen(name) >= FW_CFG_NAME_SIZE)
		return false;
	struct fw_cfg_file *file = &fw->directory.file[n];
	*file = (struct fw_cfg_file){.size = __builtin_bswap32(size),
				     .select = __builtin_bswap16((uint16_t)(FW_CFG_FILE_FIRST + n))};
	memcpy(file->name, name, strlen(name));
	fw->item[FW_CFG_FILE_FIRST + n] = (struct fw_cfg_item){data, size};
	fw->files = n + 1;
	fw->directory.count = __builtin_bswap32(fw->files);
	fw->item[FW_CFG_FILE_DIR].size = (uint32_t)(sizeof(fw->directory.count) + fw->files * sizeof(*file));
	return true;
}
