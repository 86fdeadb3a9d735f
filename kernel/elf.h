/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file elf.h
 * Ring-3 programs: static ELF64 executables (System V ABI, chapters 4 and 5).
 */
#ifndef KERNEL_ELF_H
#define KERNEL_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_MAX_SEGMENTS 16u

/** A PT_LOAD segment that was found good. */
struct elf_segment {
	uint64_t address; /**< in the program's address space */
	uint64_t size;	  /**< in memory */
	const uint8_t *bytes;
	uint64_t file_size; /**< of `bytes`; the rest is zero */
	bool write, exec;
};

struct elf_program {
	uint64_t entry;
	uint32_t count;
	struct elf_segment segment[ELF_MAX_SEGMENTS];
};

/**
 * Check a program completely: whatever the bytes are, nothing outside them is read, and the segments
 * found lie in the program's part of the address space, on pages of their own.
 *
 * @return NULL, or why it is refused.
 *
 * @req KRN-010 A program that is malformed, or asks for memory that is both writable and executable
 *              or outside the program area, is refused with a reason.
 */
const char *elf_check(const void *file, uint64_t size, struct elf_program *program);

#endif
