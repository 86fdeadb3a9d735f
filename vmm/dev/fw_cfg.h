/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file fw_cfg.h
 * Firmware configuration: how firmware is told of the machine (QEMU, "QEMU Firmware Configuration (fw_cfg)
 * Device", docs/specs/fw_cfg). Read-only items, chosen by a number, read byte by byte or by DMA; items with a
 * name are listed in a directory.
 */
#ifndef VMM_DEV_FW_CFG_H
#define VMM_DEV_FW_CFG_H

#include "vmm/dev/device.h"

/** Items without a name ("Well-known keys", and what x86 firmware reads). */
enum fw_cfg_key {
	FW_CFG_SIGNATURE = 0x00,
	FW_CFG_ID = 0x01,
	FW_CFG_UUID = 0x02,
	FW_CFG_RAM_SIZE = 0x03,
	FW_CFG_NOGRAPHIC = 0x04,
	FW_CFG_NB_CPUS = 0x05,
	FW_CFG_BOOT_MENU = 0x0e,
	FW_CFG_MAX_CPUS = 0x0f,
	FW_CFG_FILE_DIR = 0x19,
	FW_CFG_FILE_FIRST = 0x20,
};

#define FW_CFG_FILES	 12u
#define FW_CFG_ITEMS	 (FW_CFG_FILE_FIRST + FW_CFG_FILES)
#define FW_CFG_NAME_SIZE 56u

/** What an item reads as; behind its end it reads as zeros. */
struct fw_cfg_item {
	const void *data;
	uint32_t size;
};

/** An entry of the directory; numbers are big-endian. */
struct fw_cfg_file {
	uint32_t size;
	uint16_t select;
	uint16_t reserved;
	char name[FW_CFG_NAME_SIZE];
};

struct fw_cfg {
	struct device dev;
	/** Guest memory that is RAM as a whole, or NULL: for DMA. */
	void *(*ram)(void *ctx, uint64_t address, uint64_t size, bool write);
	void *ctx;
	uint32_t id;
	struct fw_cfg_item item[FW_CFG_ITEMS];
	struct {
		uint32_t count;
		struct fw_cfg_file file[FW_CFG_FILES];
	} directory;
	uint32_t files;
	/* What the guest has set. */
	uint16_t selected;
	uint32_t offset;   /**< of the next byte in the item */
	uint32_t dma_high; /**< upper half of the next transfer's address */
};

/** Without `ram`, it says that it has no DMA. */
void fw_cfg_init(struct fw_cfg *fw, void *(*ram)(void *, uint64_t, uint64_t, bool), void *ctx);
/** Set an item; the data stay the caller's. */
void fw_cfg_set(struct fw_cfg *fw, enum fw_cfg_key key, const void *data, uint32_t size);
/** Add a file. @return false: there are too many, or the name is too long. */
bool fw_cfg_add(struct fw_cfg *fw, const char *name, const void *data, uint32_t size);

#endif
