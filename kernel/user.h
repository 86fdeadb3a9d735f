/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file user.h
 * Memory of the ring-3 program that called, by the addresses that it gave.
 *
 * @req KRN-041 A system call with a bad address or handle, of any kind, returns an error and changes
 *              nothing.
 */
#ifndef KERNEL_USER_H
#define KERNEL_USER_H

#include <hypike/types.h>

#include "kernel/layout.h"

/** Copy; false where a page is missing (entry.S). One of the addresses is ring 3's, checked. */
bool user_copy(void *to, const void *from, size_t size);
/** Read one word; false where its page is missing. The address is ring 3's, checked. */
bool user_load32(uint32_t *to, const uint32_t *from);

static inline bool user_range(uint64_t address, uint64_t size)
{
	return hv_range_ok(address, size, USER_LIMIT);
}

/** Copy out of the program's memory. @return false where it may not read that. */
static inline bool user_read(void *to, uint64_t from, size_t size)
{
	return user_range(from, size) && user_copy(to, (const void *)(uintptr_t)from, size);
}

/** Copy into the program's memory. @return false where it may not write that. */
static inline bool user_write(uint64_t to, const void *from, size_t size)
{
	return user_range(to, size) && user_copy((void *)(uintptr_t)to, from, size);
}

#endif
