/* SPDX-License-Identifier: BSD-2-Clause */
/* Multiboot 0.6.96: finding and checking the header (3.1). */
#include "lib/multiboot_load.h"

#include <stdbool.h>
#include <stddef.h>

#include "lib/multiboot.h"
#include "lib/multiboot_image.h"
#include "lib/string.h"

/** Bytes of the header that `flags` say are there. */
static uint64_t header_size(uint32_t flags)
{
	if (flags & MULTIBOOT_VIDEO_MODE)
		return sizeof(struct multiboot_header);
	if (flags & MULTIBOOT_AOUT_KLUDGE)
		return offsetof(struct multiboot_header, mode_type);
	return offsetof(struct multiboot_header, header_addr);
}

/** 3.1: the header is wholly in the first 8192 bytes, aligned to four. */
static const char *header_find(const struct image *image, struct multiboot_header *header,
			       uint32_t *where)
{
	uint64_t end = image->size < MULTIBOOT_SEARCH ? image->size : MULTIBOOT_SEARCH;
	bool magic_seen = false;

	for (uint64_t at = 0; at + 12 <= end; at += MULTIBOOT_HEADER_ALIGN) {
		if (image_word(image, at) != MULTIBOOT_HEADER_MAGIC)
			continue;
		magic_seen = true;
		uint32_t flags = image_word(image, at + 4);
		if (MULTIBOOT_HEADER_MAGIC + flags + image_word(image, at + 8) != 0)
			continue;
		if (at + header_size(flags) > end)
			return "its Multiboot header is not wholly in the first 8192 bytes";
		memset(header, 0, sizeof(*header));
		memcpy(header, image->bytes + at, (size_t)header_size(flags));
		*where = (uint32_t)at;
		return NULL;
	}
	if (magic_seen)
		return "bad checksum in the Multiboot header";
	return "no Multiboot header in the first 8192 bytes";
}

bool multiboot1_recognise(const struct image *image)
{
	struct multiboot_header header;
	uint32_t where;

	return header_find(image, &header, &where) == NULL;
}

const char *multiboot_plan(const void *image, uint64_t size, uint64_t memory_size,
			   struct multiboot_plan *plan)
{
	const struct image file = {image, size};
	struct multiboot_header header;
	const char *why;

	memset(plan, 0, sizeof(*plan));
	plan->start = UINT64_MAX;
	why = header_find(&file, &header, &plan->header_offset);
	if (why)
		return why;
	plan->flags = header.flags;
	plan->mode_type = header.mode_type;
	if (header.flags & MULTIBOOT_REQUIRED_MASK &
	    ~(uint32_t)(MULTIBOOT_PAGE_ALIGN | MULTIBOOT_MEMORY_INFO | MULTIBOOT_VIDEO_MODE))
		return "its Multiboot header requires a feature that is unknown here";
	if (header.flags & MULTIBOOT_AOUT_KLUDGE) {
		const struct multiboot_addresses addresses = {header.header_addr, header.load_addr,
							      header.load_end_addr,
							      header.bss_end_addr};
		why = multiboot_plan_addresses(&file, &addresses, plan);
		plan->entry = header.entry_addr;
	} else {
		why = multiboot_plan_elf(&file, plan);
	}
	return why ? why : multiboot_plan_check(plan, memory_size);
}
