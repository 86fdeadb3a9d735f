/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file rt.h
 * What every bare guest of this repository stands on: a Multiboot 1 start in 64-bit mode, traps with
 * registered callbacks, console, pages, TAP output and the end of the run.
 *
 * A guest adds `guest_rt_src` to its sources, links with `guest_ld`, and provides guest_main(), which
 * runs on one CPU in ring 0 with interrupts disabled, all of the first 4 GiB mapped one to one (RAM
 * of the image with W^X), and its own GDT, TSS and IDT in place.
 *
 * @req DUM-001 The image is a Multiboot 1 kernel that any Multiboot loader starts, and runs in 64-bit
 * mode with 4-level paging.
 */
#ifndef GUESTS_DUMMY_RT_H
#define GUESTS_DUMMY_RT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guests/dummy/console.h"
#include "guests/dummy/cpu.h"
#include "guests/dummy/exit.h"
#include "guests/dummy/pages.h"
#include "guests/dummy/paging.h"
#include "guests/dummy/tap.h"
#include "guests/dummy/trap.h"
#include "guests/dummy/try.h"

#define BOOT_REGIONS_MAX 32
#define BOOT_MODULES_MAX 8
#define BOOT_STRING_MAX	 256

/** One piece of the memory map. */
struct boot_region {
	uint64_t start;
	uint64_t size;
	uint32_t type; /**< MULTIBOOT_MEMORY_* */
};

/** One Multiboot module, at its physical (= linear) address. */
struct boot_module {
	uint64_t start;
	uint64_t size;
	char cmdline[BOOT_STRING_MAX];
};

/** What the loader told, copied out of its structures. */
struct boot_info {
	uint32_t flags; /**< MULTIBOOT_INFO_*: what the loader gave */
	uint32_t mem_lower_kib;
	uint32_t mem_upper_kib;
	unsigned regions_count;
	struct boot_region regions[BOOT_REGIONS_MAX];
	unsigned modules_count;
	struct boot_module modules[BOOT_MODULES_MAX];
	char cmdline[BOOT_STRING_MAX];
	char loader[BOOT_STRING_MAX];
};

/** Provided by each guest. When it returns, the run ends with tap_failures() as status. */
void guest_main(const struct boot_info *boot);

/** @return the information of this boot. */
const struct boot_info *boot_info(void);

/** @return whether `word` stands alone on the command line. */
bool cmdline_flag(const char *word);

/**
 * Looks for `name=value` on the command line.
 * @return the value (copied into buf), or NULL where there is none or it doesn't fit.
 */
const char *cmdline_value(const char *name, char *buf, size_t size);

/** As cmdline_value, for a decimal number. */
uint64_t cmdline_number(const char *name, uint64_t otherwise);

#endif
