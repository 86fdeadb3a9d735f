/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file paging.h
 * The kernel's page tables and those of the partitions (SDM 3A 4.5).
 */
#ifndef KERNEL_PAGING_H
#define KERNEL_PAGING_H

#include <hypike/host.h>

#include "kernel/multiboot.h"

/** Rights of a mapping; the page table's bits are chosen from them. */
#define MAP_WRITE  1u
#define MAP_EXEC   2u
#define MAP_USER   4u
#define MAP_DEVICE 8u /**< uncached */

/**
 * Build the kernel's half and load it, leaving the boot loader's and boot.S's mappings.
 *
 * @req KRN-003 No page of the kernel can be both written and executed through any address.
 */
void paging_init(const struct boot_info *info);
/** Load the kernel's tables on another CPU. */
void paging_init_cpu(void);

/** Make a root table whose upper half is the kernel's. @return its physical address; 0: pool used up */
uint64_t paging_new_root(struct host_pool *pool);
/**
 * Map [virt, virt + size) to physical `phys`, in the largest pages that fit.
 * @param root  physical address of the root table
 * @param pool  where tables come from; NULL: the machine's free memory (boot only)
 * @return false where the pool is used up.
 */
bool paging_map(uint64_t root, struct host_pool *pool, uint64_t virt, uint64_t phys, uint64_t size,
		unsigned int rights);
/** Make the tables for [virt, virt + size) so that paging_set_page() needs none. */
bool paging_prepare(uint64_t root, struct host_pool *pool, uint64_t virt, uint64_t size);
/** Map one page in prepared tables, or with phys 0 take it away. On the CPU that uses it. */
void paging_set_page(uint64_t root, uint64_t virt, uint64_t phys, unsigned int rights);
/**
 * Find what ring 3 would reach.
 * @return the physical address, or UINT64_MAX where ring 3 may not do that.
 */
uint64_t paging_lookup(uint64_t root, uint64_t virt, bool write);

/** Tables that mapping `size` bytes takes at the most, with pages of `leaf` bytes. */
uint64_t paging_tables(uint64_t size, uint64_t leaf);

/** Registers of a device, uncached. Boot only. */
volatile void *paging_map_device(uint64_t phys);
/** Map a kernel stack; the page below it stays empty. @return its top; 0: pool used up */
uint64_t paging_map_stack(struct host_pool *pool);
/** Map the page for a CPU's GDT at the start of its 64 KiB, the rest of which stays empty. */
void *paging_map_gdt(unsigned int cpu);

#endif
