/* SPDX-License-Identifier: BSD-2-Clause */
/** @file multiboot.h Loading by Multiboot, as far as versions 1 and 2 have it in common. */
#ifndef VMM_BOOT_MULTIBOOT_H
#define VMM_BOOT_MULTIBOOT_H

#include "lib/multiboot_load.h"
#include "vmm/boot/boot.h"
#include "vmm/machine/machine.h"

#define MULTIBOOT_LOADER_NAME "HyPike"
/** Every piece of boot information is aligned so. */
#define MULTIBOOT_INFO_ALIGN 8u

struct multiboot_module {
	uint32_t start, end;
};

/** One load: what is where. */
struct multiboot_load {
	struct vm *vm;
	const struct options *options;
	struct platform_file file; /**< the kernel's */
	const struct multiboot_plan *plan;
	uint64_t limit; /**< end of the memory that can be loaded to */
	uint64_t end;	/**< first address behind kernel and modules */
	struct multiboot_module module[OPTIONS_MODULES];
	/* Boot information under construction. */
	uint64_t info;	  /**< its guest-physical address */
	uint64_t info_at; /**< where the next piece goes */
};

void multiboot_begin(struct multiboot_load *load, struct vm *vm, const struct options *options);
/** Copy the kernel where load->plan says. */
void multiboot_kernel_copy(struct multiboot_load *load);
/** Whole pages behind all that was loaded. @return their address; 0: no room. */
uint64_t multiboot_take_behind(struct multiboot_load *load, uint64_t size);
/** Load all modules, on page boundaries. @return an enum vmm_status. */
int multiboot_modules_load(struct multiboot_load *load);
/** Find a place for `room` bytes of boot information: high in low memory, or behind everything.
 *  @return false: there is none. */
bool multiboot_info_place(struct multiboot_load *load, uint64_t room);
/** Take a piece of it. @return where it is for us; `*where`: for the guest. */
void *multiboot_info_take(struct multiboot_load *load, size_t size, uint32_t *where);
/** KiB of memory from 0 and from 1 MiB, of a memory map. */
void multiboot_memory_sizes(const struct machine_memory *rows, unsigned int count, uint32_t *lower,
			    uint32_t *upper);
/** Protected mode without paging, flat segments, interrupts off; A20 is always on here. EAX is the magic
 *  number, EBX where the information is. @return an enum vmm_status. */
int multiboot_start(struct multiboot_load *load, uint32_t magic, uint32_t info);

#endif
