/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file kernel_check.h
 * What kind of kernel a file is, and whether it can be loaded: one question for all boot protocols that
 * the VMM speaks. Pure.
 */
#ifndef LIB_KERNEL_CHECK_H
#define LIB_KERNEL_CHECK_H

#include <stdint.h>

enum kernel_kind {
	KERNEL_MULTIBOOT, /**< also what is nothing at all: the reason then says what was looked for */
	KERNEL_LINUX,
	KERNEL_MULTIBOOT2,
};

/** Recognise a kernel by its content. */
enum kernel_kind kernel_kind(const void *image, uint64_t size);

/**
 * Can this kernel be loaded into that much memory?
 * @param end first address behind it: modules go there or higher.
 * @return NULL, or why not, as a part of a sentence.
 */
const char *kernel_check(const void *image, uint64_t size, uint64_t memory_size, uint64_t *end);

/** Firmware is no larger: below its place, which ends at 4 GiB, are the interrupt controllers. */
#define FIRMWARE_MAX UINT64_C(0x1000000)

/** Can a ROM be of that size? @return NULL, or why not, as a part of a sentence. */
const char *firmware_check(uint64_t size);

#endif
