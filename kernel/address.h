/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file address.h
 * Between physical addresses and the pointers by which the kernel sees them.
 */
#ifndef KERNEL_ADDRESS_H
#define KERNEL_ADDRESS_H

#include <hypike/types.h>

#include "kernel/layout.h"

/** Where the kernel sees physical RAM. */
static inline void *phys_to_virt(uint64_t address)
{
	return (void *)(uintptr_t)(address + DIRECT_MAP);
}

/** Physical address of something in the image or in the direct map. */
static inline uint64_t virt_to_phys(const void *p)
{
	uint64_t address = (uintptr_t)p;

	return address >= KERNEL_BASE ? address - KERNEL_BASE : address - DIRECT_MAP;
}

static inline uint64_t page_up(uint64_t n)
{
	return (n + HV_PAGE_MASK) & ~(uint64_t)HV_PAGE_MASK;
}

static inline uint64_t align_up(uint64_t n, uint64_t alignment)
{
	return (n + alignment - 1) & ~(alignment - 1);
}

#endif
