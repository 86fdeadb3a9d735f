/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/vmm/kernel.h"

#include <stddef.h>
#include <string.h>

void kernel_flags(struct multiboot_header *header, uint32_t flags)
{
	header->magic = MULTIBOOT_HEADER_MAGIC;
	header->flags = flags;
	header->checksum = 0u - MULTIBOOT_HEADER_MAGIC - flags;
}

static void fill(uint8_t *image, size_t from)
{
	for (size_t i = from; i < KERNEL_SIZE; i++)
		image[i] = (uint8_t)(i * 7 + (i >> 8));
}

void kernel32_make(struct kernel32 *k)
{
	memset(k, 0, sizeof(*k));
	fill((uint8_t *)k, 0x1000);
	memcpy(k->e.e_ident, ELFMAG, SELFMAG);
	k->e.e_ident[EI_CLASS] = ELFCLASS32;
	k->e.e_ident[EI_DATA] = ELFDATA2LSB;
	k->e.e_ident[EI_VERSION] = EV_CURRENT;
	k->e.e_type = ET_EXEC;
	k->e.e_machine = EM_386;
	k->e.e_entry = 0x100010;
	k->e.e_phoff = offsetof(struct kernel32, p);
	k->e.e_phentsize = sizeof(Elf32_Phdr);
	k->e.e_phnum = 3;
	k->p[0] = (Elf32_Phdr){.p_type = PT_LOAD,
			       .p_offset = 0x1000,
			       .p_vaddr = 0x100000,
			       .p_paddr = 0x100000,
			       .p_filesz = 0x2000,
			       .p_memsz = 0x2000};
	k->p[1] = (Elf32_Phdr){.p_type = PT_LOAD,
			       .p_offset = 0x3000,
			       .p_vaddr = 0x200000,
			       .p_paddr = 0x200000,
			       .p_filesz = 0x100,
			       .p_memsz = 0x3000};
	k->p[2] = (Elf32_Phdr){.p_type = PT_NOTE, .p_offset = 0xffffff, .p_filesz = 0xffffff};
	kernel_flags(&k->header, MULTIBOOT_PAGE_ALIGN | MULTIBOOT_MEMORY_INFO);
}

void kernel64_make(struct kernel64 *k)
{
	const uint64_t high = UINT64_C(0xffffffff80000000);

	memset(k, 0, sizeof(*k));
	fill((uint8_t *)k, 0x1000);
	memcpy(k->e.e_ident, ELFMAG, SELFMAG);
	k->e.e_ident[EI_CLASS] = ELFCLASS64;
	k->e.e_ident[EI_DATA] = ELFDATA2LSB;
	k->e.e_ident[EI_VERSION] = EV_CURRENT;
	k->e.e_type = ET_EXEC;
	k->e.e_machine = EM_X86_64;
	k->e.e_entry = high + 0x100010;
	k->e.e_phoff = offsetof(struct kernel64, p);
	k->e.e_phentsize = sizeof(Elf64_Phdr);
	k->e.e_phnum = 3;
	k->p[0] = (Elf64_Phdr){.p_type = PT_LOAD,
			       .p_offset = 0x1000,
			       .p_vaddr = high + 0x100000,
			       .p_paddr = 0x100000,
			       .p_filesz = 0x2000,
			       .p_memsz = 0x2000};
	k->p[1] = (Elf64_Phdr){.p_type = PT_LOAD,
			       .p_offset = 0x3000,
			       .p_vaddr = high + 0x200000,
			       .p_paddr = 0x200000,
			       .p_filesz = 0x100,
			       .p_memsz = 0x3000};
	k->p[2] = (Elf64_Phdr){.p_type = PT_NOTE};
	kernel_flags(&k->header, 0);
}

void kernel_kludge_make(struct kernel_kludge *k)
{
	memset(k, 0, sizeof(*k));
	fill((uint8_t *)k, 0x80 + sizeof(k->header));
	kernel_flags(&k->header, MULTIBOOT_AOUT_KLUDGE | MULTIBOOT_MEMORY_INFO);
	k->header.header_addr = 0x100020;
	k->header.load_addr = 0x100000; /* 60h in the file */
	k->header.load_end_addr = 0x101000;
	k->header.bss_end_addr = 0x101800;
	k->header.entry_addr = 0x100024;
}
