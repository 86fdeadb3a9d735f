/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file pages.h
 * Physical pages, from the memory map between 1 MiB and 1 GiB, where they can be used at their
 * physical address in every address space.
 */
#ifndef GUESTS_DUMMY_PAGES_H
#define GUESTS_DUMMY_PAGES_H

#include <stdint.h>

struct boot_info;

#define PAGE_SIZE   4096u
#define PAGES_LIMIT 0x40000000u /**< pages lie below */

/** Takes over the free memory: what holds neither the image nor a module. */
void pages_init(const struct boot_info *boot, uint64_t image_end);

/** @return the address of a page of zeros. Panics if there is none left. */
uint64_t page_alloc(void);

/** Gives a page back. */
void page_free(uint64_t page);

/** @return how many pages are in use now. */
uint64_t pages_in_use(void);

#endif
