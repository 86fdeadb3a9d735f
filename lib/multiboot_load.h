/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file multiboot_load.h
 * Checks a Multiboot 1 kernel image and says where its parts belong in memory. Pure: copies nothing,
 * allocates nothing, keeps no pointer to the image. Used by the VMM, which loads by the plan, and by
 * the `hypike` command, which refuses a bad kernel before anything is booted.
 */
#ifndef LIB_MULTIBOOT_LOAD_H
#define LIB_MULTIBOOT_LOAD_H

#include <stdint.h>

/** Loadable segments of one image at the most. */
#define MULTIBOOT_MAX_SEGMENTS 32u

/** A PC's memory as far as a kernel may be loaded there: below the VGA hole, and from 1 MiB on. */
#define MULTIBOOT_LOW_END    0xa0000u
#define MULTIBOOT_HIGH_START 0x100000u

enum multiboot_format {
	MULTIBOOT_FORMAT_KLUDGE, /**< load addresses in the header (3.1.3) */
	MULTIBOOT_FORMAT_ELF32,
	MULTIBOOT_FORMAT_ELF64,
};

/** Copy `file_size` bytes from `offset` of the image to `address`, zeros up to `memory_size`. */
struct multiboot_segment {
	uint64_t offset;
	uint64_t file_size;
	uint64_t address;
	uint64_t memory_size; /**< not less than file_size, never 0 */
};

/** ELF section headers, as the information structure (3.3) hands them on; num 0: there are none. */
struct multiboot_sections {
	uint64_t offset;
	uint32_t num, entry_size, names;
};

/** How to load an image. */
struct multiboot_plan {
	uint32_t flags;		/**< of the header: MULTIBOOT_PAGE_ALIGN ... */
	uint32_t header_offset; /**< of the header in the image */
	uint32_t entry;		/**< guest-physical, executed in 32-bit protected mode */
	uint32_t mode_type;	/**< with MULTIBOOT_VIDEO_MODE: 0 graphics, 1 text */
	enum multiboot_format format;
	uint64_t start; /**< lowest address of a segment */
	uint64_t end;	/**< first address behind all segments */
	uint32_t count;
	struct multiboot_segment segment[MULTIBOOT_MAX_SEGMENTS];
	struct multiboot_sections sections;
};

/**
 * Check an image and plan its loading.
 *
 * @param image       the file's bytes; hostile
 * @param size        how many
 * @param memory_size of the machine in bytes, counted from address 0, holes included
 * @param plan        filled on success, undefined content otherwise
 * @return NULL, or why the image cannot be loaded: part of a sentence, for a message "FILE: reason".
 *
 * @req LIB-201 No content of an image makes the check read outside of it, or run longer than in
 *              proportion to the first 8192 bytes plus the program headers.
 * @req LIB-202 A plan's segments lie in the memory below the VGA hole or from 1 MiB to the end of
 *              memory, below 4 GiB, don't overlap, and one of them holds the entry point.
 * @req LIB-203 An image is refused with a reason where it has no header in its first 8192 bytes, a
 *              bad checksum, an unknown required flag, a truncated ELF or an entry above 4 GiB.
 */
const char *multiboot_plan(const void *image, uint64_t size, uint64_t memory_size,
			   struct multiboot_plan *plan);

#endif
