/* SPDX-License-Identifier: BSD-2-Clause */
/** @file kernel.h Kernel images made to measure, for tests of the Multiboot loader. */
#ifndef TESTS_UNIT_VMM_KERNEL_H
#define TESTS_UNIT_VMM_KERNEL_H

#include <elf.h>
#include <stdint.h>

#include "lib/multiboot.h"

#define KERNEL_SIZE 0x4000u

/** An ELF32 kernel with two segments; change what you like. */
struct kernel32 {
	Elf32_Ehdr e;
	Elf32_Phdr p[3];
	struct multiboot_header header;
	uint8_t rest[KERNEL_SIZE - sizeof(Elf32_Ehdr) - 3 * sizeof(Elf32_Phdr) -
		     sizeof(struct multiboot_header)];
};

struct kernel64 {
	Elf64_Ehdr e;
	Elf64_Phdr p[3];
	struct multiboot_header header;
	uint8_t rest[KERNEL_SIZE - sizeof(Elf64_Ehdr) - 3 * sizeof(Elf64_Phdr) -
		     sizeof(struct multiboot_header)];
};

/** An image with its addresses in the header, at 80h in the file. */
struct kernel_kludge {
	uint8_t before[0x80];
	struct multiboot_header header;
	uint8_t rest[KERNEL_SIZE - 0x80 - sizeof(struct multiboot_header)];
};

/** Code and data at 1 MiB, entry there: page 1000h of the file; bss at 2 MiB. */
void kernel32_make(struct kernel32 *kernel);
/** The same, linked to FFFFFFFF80100000h. */
void kernel64_make(struct kernel64 *kernel);
/** Loaded to 1 MiB, 1000h bytes, bss up to 101800h. */
void kernel_kludge_make(struct kernel_kludge *kernel);
/** Set the header's flags and checksum. */
void kernel_flags(struct multiboot_header *header, uint32_t flags);

#endif
