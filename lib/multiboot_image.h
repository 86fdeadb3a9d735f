/* SPDX-License-Identifier: BSD-2-Clause */
/** @file multiboot_image.h Between the files that plan the loading of Multiboot kernels. */
#ifndef LIB_MULTIBOOT_IMAGE_H
#define LIB_MULTIBOOT_IMAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/multiboot_load.h"
#include "lib/string.h"

#define LIMIT_4G (UINT64_C(1) << 32)

/** The bytes under examination. */
struct image {
	const uint8_t *bytes;
	uint64_t size;
};

/** @return true where [offset, offset + size) lies inside the image. */
static inline bool image_has(const struct image *image, uint64_t offset, uint64_t size)
{
	return offset <= image->size && size <= image->size - offset;
}

static inline uint32_t image_word(const struct image *image, uint64_t offset)
{
	uint32_t word;

	memcpy(&word, image->bytes + offset, sizeof(word));
	return word;
}

/** Load addresses as headers of both versions have them. */
struct multiboot_addresses {
	uint32_t header_addr, load_addr, load_end_addr, bss_end_addr;
};

/** Plan what a header's addresses say; the header is at plan->header_offset of the image. */
const char *multiboot_plan_addresses(const struct image *image,
				     const struct multiboot_addresses *addresses,
				     struct multiboot_plan *plan);
/** Plan an ELF file's segments, entry and section headers. */
const char *multiboot_plan_elf(const struct image *image, struct multiboot_plan *plan);
/** Add a segment that was checked against the file; below 4 GiB it may be anywhere. */
const char *multiboot_segment_add(struct multiboot_plan *plan, const struct multiboot_segment *add);
/** The last check: segments in the machine's memory, the entry in one of them. */
const char *multiboot_plan_check(const struct multiboot_plan *plan, uint64_t memory_size);
/** Is there a header of version 1, with a checksum that is right? */
bool multiboot1_recognise(const struct image *image);

#endif
