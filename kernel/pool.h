/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file pool.h
 * A partition's own pages: for its tables, stacks, program and VM. Filled once at boot.
 */
#ifndef KERNEL_POOL_H
#define KERNEL_POOL_H

#include <hypike/host.h>

/** A contiguous run of pages with a bit for each: set where it is in use. */
struct host_pool {
	struct host_lock lock;
	uint64_t phys;	 /**< of the first page */
	uint32_t pages;	 /**< how many */
	uint32_t used;
	uint32_t first;	 /**< no free page lies in a word of the bitmap before this one */
	uint32_t words;
	uint64_t *bitmap; /**< in the first pages of the pool itself */
};

/** Make a pool of `pages` pages from `phys` on; its first pages hold the bitmap. */
void pool_init(struct host_pool *pool, uint64_t phys, uint32_t pages);
/** Free all pages but the first `used`. */
void pool_reset(struct host_pool *pool, uint32_t used);
/** Pages that the bitmap of a pool of that size takes from it. */
uint32_t pool_overhead(uint32_t pages);

#endif
