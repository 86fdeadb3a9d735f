/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file linux_boot.h
 * Checks a Linux kernel image and says where its parts belong in memory: a bzImage (The Linux/x86
 * Boot Protocol, version 2.12 or later, entered in 64-bit mode) or an ELF file with a PVH entry (Xen's
 * "x86/HVM direct boot ABI"). Pure: copies nothing, keeps no pointer. Used by the VMM, which loads by the
 * plan, and by the `hypike` command, which refuses a bad kernel before anything is booted.
 */
#ifndef LIB_LINUX_BOOT_H
#define LIB_LINUX_BOOT_H

#include <stdbool.h>
#include <stdint.h>

/** Loadable segments of one image at the most. */
#define LINUX_MAX_SEGMENTS 32u

/** Kernels are loaded from here on; the VMM's boot information is below. */
#define LINUX_LOAD_START UINT64_C(0x100000)

/* The setup header, as offsets in the image and in struct boot_params ("The Real-Mode Kernel Header"). */
enum linux_header {
	LINUX_SETUP_SECTS = 0x1f1,
	LINUX_BOOT_FLAG = 0x1fe,
	LINUX_JUMP_LENGTH = 0x201, /**< the header ends that many bytes behind the next one */
	LINUX_MAGIC = 0x202,
	LINUX_VERSION = 0x206,
	LINUX_LOADER = 0x210,
	LINUX_LOADFLAGS = 0x211,
	LINUX_RAMDISK_IMAGE = 0x218,
	LINUX_RAMDISK_SIZE = 0x21c,
	LINUX_CMDLINE = 0x228,
	LINUX_INITRD_MAX = 0x22c,
	LINUX_XLOADFLAGS = 0x236,
	LINUX_CMDLINE_SIZE = 0x238,
	LINUX_PREF_ADDRESS = 0x258,
	LINUX_INIT_SIZE = 0x260,
	LINUX_HEADER_END = 0x264, /**< of what protocol 2.12 has and is used here */
	LINUX_HEADER_MAX = 0x290, /**< the end of the header's room in struct boot_params */
};

enum linux_entry {
	LINUX_ENTRY_64,	 /**< 64-bit mode, struct boot_params in RSI */
	LINUX_ENTRY_PVH, /**< 32-bit protected mode, struct hvm_start_info in EBX */
};

/** Copy `file_size` bytes from `offset` of the image to `address`, `zeros` zero bytes behind them. */
struct linux_segment {
	uint64_t offset;
	uint64_t file_size;
	uint64_t address;
	uint64_t zeros;	      /**< a bzImage clears its own memory: none */
	uint64_t memory_size; /**< that it takes: not less than both, never 0 */
};

/** How to load an image. */
struct linux_plan {
	enum linux_entry kind;
	uint64_t entry; /**< guest-physical */
	uint64_t start; /**< lowest address of a segment */
	uint64_t end;	/**< first address behind all that the kernel uses before it knows of memory */
	uint64_t initrd_max;   /**< highest address that a byte of the initrd may have */
	uint32_t cmdline_size; /**< longest command line, without the zero behind it */
	uint32_t header_end;   /**< LINUX_ENTRY_64: end of the setup header in the image */
	uint32_t count;
	struct linux_segment segment[LINUX_MAX_SEGMENTS];
};

/** Is it a Linux kernel, good or bad: a bzImage, or an ELF file with a PVH note? */
bool linux_recognise(const void *image, uint64_t size);

/**
 * Check an image and plan its loading.
 *
 * @param image       the file's bytes; hostile
 * @param size        how many
 * @param memory_size of the machine in bytes, counted from address 0 and up to the hole below 4 GiB
 * @param plan        filled on success, undefined content otherwise
 * @return NULL, or why the image cannot be loaded: part of a sentence, for a message "FILE: reason".
 *
 * @req LIB-211 No content of an image makes the check read outside of it, or run longer than in
 *              proportion to its program headers and notes.
 * @req LIB-212 A plan's segments lie between 1 MiB and the end of memory, don't overlap, and hold the
 *              entry point.
 * @req LIB-213 An image is refused with a reason where it is truncated, of too old a protocol,
 *              without a 64-bit entry, or needs more memory than there is.
 */
const char *linux_plan(const void *image, uint64_t size, uint64_t memory_size,
		       struct linux_plan *plan);

/**
 * Find the highest place for `size` bytes of initrd, on a page boundary.
 * @return NULL, or why there is none.
 */
const char *linux_initrd_place(const struct linux_plan *plan, uint64_t size, uint64_t memory_size,
			       uint64_t *where);

#endif
