/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file multiboot2.h
 * Multiboot2 Specification version 2.0. Names are the specification's, section numbers are in the
 * comments. Usable from assembly.
 */
#ifndef LIB_MULTIBOOT2_H
#define LIB_MULTIBOOT2_H

/* 3.1.1: the header lies wholly in the first 32768 bytes of the image, aligned to 8. */
#define MULTIBOOT2_SEARCH	32768
#define MULTIBOOT2_HEADER_ALIGN 8
#define MULTIBOOT2_TAG_ALIGN	8

#define MULTIBOOT2_HEADER_MAGIC	    0xE85250D6
#define MULTIBOOT2_BOOTLOADER_MAGIC 0x36D76289 /**< 3.3: in EAX at entry */

#define MULTIBOOT2_ARCHITECTURE_I386   0
#define MULTIBOOT2_ARCHITECTURE_MIPS32 4

/* 3.1.3: header tags. */
#define MULTIBOOT2_HEADER_TAG_END		   0
#define MULTIBOOT2_HEADER_TAG_INFORMATION_REQUEST  1
#define MULTIBOOT2_HEADER_TAG_ADDRESS		   2
#define MULTIBOOT2_HEADER_TAG_ENTRY_ADDRESS	   3
#define MULTIBOOT2_HEADER_TAG_CONSOLE_FLAGS	   4
#define MULTIBOOT2_HEADER_TAG_FRAMEBUFFER	   5
#define MULTIBOOT2_HEADER_TAG_MODULE_ALIGN	   6
#define MULTIBOOT2_HEADER_TAG_EFI_BS		   7
#define MULTIBOOT2_HEADER_TAG_ENTRY_ADDRESS_EFI32 8
#define MULTIBOOT2_HEADER_TAG_ENTRY_ADDRESS_EFI64 9
#define MULTIBOOT2_HEADER_TAG_RELOCATABLE	   10

/* 3.1.11: where a relocatable image is to go. */
#define MULTIBOOT2_LOAD_PREFERENCE_NONE 0
#define MULTIBOOT2_LOAD_PREFERENCE_LOW	1
#define MULTIBOOT2_LOAD_PREFERENCE_HIGH 2

#define MULTIBOOT2_HEADER_TAG_OPTIONAL 1 /**< flag: a loader may ignore the tag */

/* 3.6: boot information tags. */
#define MULTIBOOT2_TAG_TYPE_END		     0
#define MULTIBOOT2_TAG_TYPE_CMDLINE	     1
#define MULTIBOOT2_TAG_TYPE_BOOT_LOADER_NAME 2
#define MULTIBOOT2_TAG_TYPE_MODULE	     3
#define MULTIBOOT2_TAG_TYPE_BASIC_MEMINFO    4
#define MULTIBOOT2_TAG_TYPE_BOOTDEV	     5
#define MULTIBOOT2_TAG_TYPE_MMAP	     6
#define MULTIBOOT2_TAG_TYPE_VBE		     7
#define MULTIBOOT2_TAG_TYPE_FRAMEBUFFER	     8
#define MULTIBOOT2_TAG_TYPE_ELF_SECTIONS     9
#define MULTIBOOT2_TAG_TYPE_APM		     10
#define MULTIBOOT2_TAG_TYPE_EFI32	     11
#define MULTIBOOT2_TAG_TYPE_EFI64	     12
#define MULTIBOOT2_TAG_TYPE_SMBIOS	     13
#define MULTIBOOT2_TAG_TYPE_ACPI_OLD	     14 /**< copy of an ACPI 1.0 RSDP */
#define MULTIBOOT2_TAG_TYPE_ACPI_NEW	     15 /**< copy of an ACPI 2.0+ RSDP */
#define MULTIBOOT2_TAG_TYPE_NETWORK	     16
#define MULTIBOOT2_TAG_TYPE_EFI_MMAP	     17
#define MULTIBOOT2_TAG_TYPE_EFI_BS	     18
#define MULTIBOOT2_TAG_TYPE_EFI32_IH	     19
#define MULTIBOOT2_TAG_TYPE_EFI64_IH	     20
#define MULTIBOOT2_TAG_TYPE_LOAD_BASE_ADDR   21

/* 3.6.8: memory map types. */
#define MULTIBOOT2_MEMORY_AVAILABLE	   1
#define MULTIBOOT2_MEMORY_RESERVED	   2
#define MULTIBOOT2_MEMORY_ACPI_RECLAIMABLE 3
#define MULTIBOOT2_MEMORY_NVS		   4
#define MULTIBOOT2_MEMORY_BADRAM	   5

#ifndef __ASSEMBLER__
#include <stdint.h>

/** 3.1.2: the magic fields; tags follow. */
struct multiboot2_header {
	uint32_t magic;
	uint32_t architecture;
	uint32_t header_length;
	uint32_t checksum; /**< the four fields add up to 0 */
};

/** 3.1.3: start of every header tag. */
struct multiboot2_header_tag {
	uint16_t type;
	uint16_t flags;
	uint32_t size;
};

/** 3.1.5 */
struct multiboot2_header_tag_address {
	struct multiboot2_header_tag tag;
	uint32_t header_addr;
	uint32_t load_addr;
	uint32_t load_end_addr;
	uint32_t bss_end_addr;
};

/** 3.1.6 */
struct multiboot2_header_tag_entry_address {
	struct multiboot2_header_tag tag;
	uint32_t entry_addr;
};

/** 3.1.9 */
struct multiboot2_header_tag_relocatable {
	struct multiboot2_header_tag tag;
	uint32_t min_addr;
	uint32_t max_addr;
	uint32_t align;
	uint32_t preference;
};

/** 3.4: start of the boot information; tags follow, each on a boundary of 8. */
struct multiboot2_info {
	uint32_t total_size;
	uint32_t reserved;
};

/** 3.4: start of every tag; size does not count the padding. */
struct multiboot2_tag {
	uint32_t type;
	uint32_t size;
};

/** 3.6.3 and 3.6.7: command line, loader's name. */
struct multiboot2_tag_string {
	struct multiboot2_tag tag;
	char string[];
};

/** 3.6.6 */
struct multiboot2_tag_module {
	struct multiboot2_tag tag;
	uint32_t mod_start;
	uint32_t mod_end;
	char string[];
};

/** 3.6.4: basic memory information, KiB. */
struct multiboot2_tag_basic_meminfo {
	struct multiboot2_tag tag;
	uint32_t mem_lower;
	uint32_t mem_upper;
};

/** 3.6.8 */
struct multiboot2_mmap_entry {
	uint64_t base_addr;
	uint64_t length;
	uint32_t type;
	uint32_t reserved;
};

/** 3.6.8: entries follow, entry_size apart. */
struct multiboot2_tag_mmap {
	struct multiboot2_tag tag;
	uint32_t entry_size;
	uint32_t entry_version;
};

/** 3.6.12 */
struct multiboot2_tag_framebuffer {
	struct multiboot2_tag tag;
	uint64_t framebuffer_addr;
	uint32_t framebuffer_pitch;
	uint32_t framebuffer_width;
	uint32_t framebuffer_height;
	uint8_t framebuffer_bpp;
	uint8_t framebuffer_type;
	uint16_t reserved;
};

/** 3.6.10: section headers follow. */
struct multiboot2_tag_elf_sections {
	struct multiboot2_tag tag;
	uint32_t num;
	uint32_t entsize;
	uint32_t shndx;
	uint8_t sections[];
};

/** 3.6.23 */
struct multiboot2_tag_load_base_addr {
	struct multiboot2_tag tag;
	uint32_t load_base_addr;
};

/** 3.6.15 and 3.6.16: a copy of the RSDP follows. */
struct multiboot2_tag_acpi {
	struct multiboot2_tag tag;
	uint8_t rsdp[];
};

/** 3.6.14: EFI 64-bit system table. */
struct multiboot2_tag_efi64 {
	struct multiboot2_tag tag;
	uint64_t pointer;
};

_Static_assert(sizeof(struct multiboot2_mmap_entry) == 24, "Multiboot2 3.6.8");
#endif

#endif
