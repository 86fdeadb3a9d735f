/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file address.h
 * Stands in for kernel/address.h: "physical" memory is 4 GiB that the test has reserved.
 */
#ifndef KERNEL_ADDRESS_H
#define KERNEL_ADDRESS_H

#include <hypike/types.h>

#include "kernel/layout.h"

/** Where physical address 0 is; pages appear when they are touched. */
extern uint8_t *process_memory;
#define PROCESS_MEMORY_SIZE (UINT64_C(1) << 32)

static inline void *phys_to_virt(uint64_t address)
{
	return process_memory + address;
}

static inline uint64_t virt_to_phys(const void *p)
{
	return (uint64_t)((const uint8_t *)p - process_memory);
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
