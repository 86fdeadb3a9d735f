/* SPDX-License-Identifier: BSD-2-Clause */
/** @file linux_image.h Small Linux kernel images for tests: a good bzImage, a good vmlinux; change what you like. */
#ifndef TESTS_UNIT_LIB_LINUX_IMAGE_H
#define TESTS_UNIT_LIB_LINUX_IMAGE_H

#include <elf.h>
#include <stdint.h>
#include <string.h>

#include "lib/linux_boot.h"

#define IMAGE_SIZE 0x3000u

/* Of the bzImage. */
#define PREF	   UINT64_C(0x1000000)
#define INIT_SIZE  0x800000u
#define SETUP	   3u /* sectors */
#define PROPER	   ((SETUP + 1) * 512u) /* where the kernel proper begins */

/* Of the vmlinux. */
#define ENTRY	  0x200000u
#define NOTE_AT	  0x200u
#define LOAD_AT	  0x1000u
#define LOAD_SIZE 0x800u

static uint8_t image[IMAGE_SIZE];

static void put(size_t where, uint64_t value, size_t size)
{
	memcpy(image + where, &value, size);
}

static int bzimage(void **state)
{
	(void)state;
	memset(image, 0x90, sizeof(image));
	put(LINUX_SETUP_SECTS, SETUP, 1);
	put(LINUX_BOOT_FLAG, 0xaa55, 2);
	put(LINUX_JUMP_LENGTH, 0x6a, 1);
	memcpy(image + LINUX_MAGIC, "HdrS", 4);
	put(LINUX_VERSION, 0x20f, 2);
	put(LINUX_LOADFLAGS, 1, 1);
	put(LINUX_XLOADFLAGS, 0x7f, 2);
	put(LINUX_INITRD_MAX, 0x7fffffff, 4);
	put(LINUX_CMDLINE_SIZE, 2047, 4);
	put(LINUX_PREF_ADDRESS, PREF, 8);
	put(LINUX_INIT_SIZE, INIT_SIZE, 4);
	return 0;
}

static void put_note(size_t at, const char *name, uint32_t type, uint64_t value)
{
	put(at, 4, 4);
	put(at + 4, 8, 4);
	put(at + 8, type, 4);
	memcpy(image + at + 12, name, 4);
	put(at + 16, value, 8);
}

static int vmlinux(void **state)
{
	Elf64_Ehdr elf = {.e_type = ET_EXEC,
			  .e_machine = EM_X86_64,
			  .e_phoff = sizeof(elf),
			  .e_phentsize = sizeof(Elf64_Phdr),
			  .e_phnum = 2};
	const Elf64_Phdr segments[2] = {
		{.p_type = PT_LOAD,
		 .p_offset = LOAD_AT,
		 .p_vaddr = UINT64_C(0xffffffff80200000),
		 .p_paddr = ENTRY,
		 .p_filesz = LOAD_SIZE,
		 .p_memsz = 0x2000},
		{.p_type = PT_NOTE, .p_offset = NOTE_AT, .p_filesz = 48},
	};

	(void)state;
	memset(image, 0, sizeof(image));
	memcpy(elf.e_ident, ELFMAG, SELFMAG);
	elf.e_ident[EI_CLASS] = ELFCLASS64;
	elf.e_ident[EI_DATA] = ELFDATA2LSB;
	memcpy(image, &elf, sizeof(elf));
	memcpy(image + sizeof(elf), segments, sizeof(segments));
	put_note(NOTE_AT, "GNU", 18, 1);
	put_note(NOTE_AT + 24, "Xen", 18, ENTRY + 16);
	return 0;
}

#endif
