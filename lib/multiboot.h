/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file multiboot.h
 * Multiboot Specification version 0.6.96 ("Multiboot 1"). Names are the specification's, section
 * numbers are in the comments. Usable from assembly.
 */
#ifndef LIB_MULTIBOOT_H
#define LIB_MULTIBOOT_H

/* 3.1.1: the header lies wholly in the first 8192 bytes of the image, aligned to 4. */
#define MULTIBOOT_SEARCH       8192
#define MULTIBOOT_HEADER_ALIGN 4

#define MULTIBOOT_HEADER_MAGIC	   0x1BADB002
#define MULTIBOOT_BOOTLOADER_MAGIC 0x2BADB002 /**< 3.2: in EAX at entry */

/* 3.1.2: header flags; a loader refuses unknown bits among 0 to 15. */
#define MULTIBOOT_PAGE_ALIGN	0x00000001 /**< modules on page boundaries */
#define MULTIBOOT_MEMORY_INFO	0x00000002 /**< mem_* and the memory map are wanted */
#define MULTIBOOT_VIDEO_MODE	0x00000004 /**< a video mode is wanted */
#define MULTIBOOT_AOUT_KLUDGE	0x00010000 /**< the address fields are valid */
#define MULTIBOOT_REQUIRED_MASK 0x0000FFFF

/* 3.3: which fields of the information structure are valid. */
#define MULTIBOOT_INFO_MEMORY		0x00000001
#define MULTIBOOT_INFO_BOOTDEV		0x00000002
#define MULTIBOOT_INFO_CMDLINE		0x00000004
#define MULTIBOOT_INFO_MODS		0x00000008
#define MULTIBOOT_INFO_AOUT_SYMS	0x00000010
#define MULTIBOOT_INFO_ELF_SHDR		0x00000020
#define MULTIBOOT_INFO_MEM_MAP		0x00000040
#define MULTIBOOT_INFO_DRIVE_INFO	0x00000080
#define MULTIBOOT_INFO_CONFIG_TABLE	0x00000100
#define MULTIBOOT_INFO_BOOT_LOADER_NAME 0x00000200
#define MULTIBOOT_INFO_APM_TABLE	0x00000400
#define MULTIBOOT_INFO_VBE_INFO		0x00000800
#define MULTIBOOT_INFO_FRAMEBUFFER_INFO 0x00001000

/* 3.3: memory map types; every other value is reserved memory. */
#define MULTIBOOT_MEMORY_AVAILABLE	  1
#define MULTIBOOT_MEMORY_RESERVED	  2
#define MULTIBOOT_MEMORY_ACPI_RECLAIMABLE 3
#define MULTIBOOT_MEMORY_NVS		  4
#define MULTIBOOT_MEMORY_BADRAM		  5

#ifndef __ASSEMBLER__
#include <stdint.h>

/** 3.1: layout of the Multiboot header. */
struct multiboot_header {
	uint32_t magic;
	uint32_t flags;
	uint32_t checksum; /**< magic + flags + checksum == 0 */

	/* valid if flags has MULTIBOOT_AOUT_KLUDGE */
	uint32_t header_addr;
	uint32_t load_addr;
	uint32_t load_end_addr; /**< 0: to the end of the file */
	uint32_t bss_end_addr;	/**< 0: no bss */
	uint32_t entry_addr;

	/* valid if flags has MULTIBOOT_VIDEO_MODE */
	uint32_t mode_type;
	uint32_t width;
	uint32_t height;
	uint32_t depth;
};

/** 3.3: Boot information format; at the address in EBX. */
struct multiboot_info {
	uint32_t flags;
	uint32_t mem_lower; /**< KiB from 0 */
	uint32_t mem_upper; /**< KiB from 1 MiB */
	uint32_t boot_device;
	uint32_t cmdline;
	uint32_t mods_count;
	uint32_t mods_addr;
	uint32_t syms[4];
	uint32_t mmap_length;
	uint32_t mmap_addr;
	uint32_t drives_length;
	uint32_t drives_addr;
	uint32_t config_table;
	uint32_t boot_loader_name;
	uint32_t apm_table;
	uint32_t vbe_control_info;
	uint32_t vbe_mode_info;
	uint16_t vbe_mode;
	uint16_t vbe_interface_seg;
	uint16_t vbe_interface_off;
	uint16_t vbe_interface_len;
	uint64_t framebuffer_addr;
	uint32_t framebuffer_pitch;
	uint32_t framebuffer_width;
	uint32_t framebuffer_height;
	uint8_t framebuffer_bpp;
	uint8_t framebuffer_type;
	uint8_t color_info[6];
} __attribute__((packed));

/** 3.3: one entry of the memory map; the next is at +size+4. */
struct multiboot_mmap_entry {
	uint32_t size; /**< without this field */
	uint64_t addr;
	uint64_t len;
	uint32_t type;
} __attribute__((packed));

/** 3.3: one module. */
struct multiboot_mod_list {
	uint32_t mod_start;
	uint32_t mod_end; /**< first byte after it */
	uint32_t cmdline;
	uint32_t pad;
};

_Static_assert(sizeof(struct multiboot_header) == 48, "Multiboot 3.1.1");
_Static_assert(sizeof(struct multiboot_info) == 116, "Multiboot 3.3");
_Static_assert(sizeof(struct multiboot_mmap_entry) == 24, "Multiboot 3.3");
_Static_assert(sizeof(struct multiboot_mod_list) == 16, "Multiboot 3.3");
#endif

#endif
