/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file multiboot2_load.h
 * Checks a Multiboot 2 kernel image and says where its parts belong in memory; as multiboot_load.h does for
 * version 1, and as pure.
 */
#ifndef LIB_MULTIBOOT2_LOAD_H
#define LIB_MULTIBOOT2_LOAD_H

#include <stdbool.h>

#include "lib/multiboot_load.h"

/** How to load an image. */
struct multiboot2_plan {
	struct multiboot_plan plan; /**< `flags` and `mode_type` stay 0 */
	bool relocatable;	    /**< it was put where the tag allows: the kernel is told where */
	uint32_t min, max, align, preference;
};

/** Has it a Multiboot 2 header, good or bad, and none of version 1? A kernel with both gets version 1. */
bool multiboot2_recognise(const void *image, uint64_t size);

/**
 * Check an image and plan its loading. Parameters and result are as multiboot_plan()'s.
 *
 * @req LIB-221 No content of an image makes the check read outside of it, or run longer than in proportion to
 *              the first 32768 bytes plus the program headers.
 * @req LIB-222 A plan's segments lie in the memory below the VGA hole or from 1 MiB to the end of memory,
 *              below 4 GiB, don't overlap, and one of them holds the entry point; relocated, they lie
 *              between the addresses that the header allows.
 * @req LIB-223 An image is refused with a reason where its header is cut off, a tag is malformed, or
 *              a feature is required that there is none of: a framebuffer, EFI, unknown information or tags.
 */
const char *multiboot2_plan(const void *image, uint64_t size, uint64_t memory_size,
			    struct multiboot2_plan *plan);

#endif
