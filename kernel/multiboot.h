/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file multiboot.h
 * What a boot loader tells, in one form for Multiboot 1 and 2.
 */
#ifndef KERNEL_MULTIBOOT_H
#define KERNEL_MULTIBOOT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/acpi.h"

/** A piece of physical memory: [start, end). */
struct range {
	uint64_t start, end;
};

#define BOOT_MAX_RAM	 64u
#define BOOT_MAX_ACPI	 4u
#define BOOT_MAX_CMDLINE 512u

struct boot_info {
	struct range ram[BOOT_MAX_RAM]; /**< usable RAM as the loader lists it, unsorted */
	uint32_t ram_count;
	uint32_t module_count;
	struct range module; /**< the first module: the system image */
	struct range acpi[BOOT_MAX_ACPI]; /**< memory with ACPI tables, where Multiboot 1 tells */
	uint32_t acpi_count;
	uint32_t rsdp_size; /**< 0: the loader gives none */
	struct acpi_rsdp rsdp;
	char cmdline[BOOT_MAX_CMDLINE];
};

/**
 * Read the information structure. It, too, is input: nothing outside the low 4 GiB is touched, and
 * lengths are followed only within what the structure claims.
 * @return NULL, or why it cannot be used.
 *
 * @req KRN-001 The kernel boots by Multiboot 1 and by Multiboot2.
 */
const char *multiboot_read(uint32_t magic, uint32_t address, struct boot_info *info);

#endif
