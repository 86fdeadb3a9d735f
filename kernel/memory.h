/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file memory.h
 * Physical memory, handed out once at boot. Nothing is ever given back.
 */
#ifndef KERNEL_MEMORY_H
#define KERNEL_MEMORY_H

#include <stdint.h>

#include "kernel/multiboot.h"

/**
 * Take over all RAM of the memory map but what the image, the module and the first MiB occupy.
 * @param image_end physical address behind the kernel's image, which begins at LOAD_PHYS
 */
void memory_init(const struct boot_info *info, uint64_t image_end);

/**
 * Take a physically contiguous piece, the lowest that there is. Not zeroed.
 * @param size      in bytes; a multiple of the page size
 * @param alignment a power of two, at least the page size
 * @return its physical address, or 0 where none is large enough.
 *
 * @req KRN-002 No byte of RAM is handed out twice, and none outside the loader's memory map.
 */
uint64_t memory_alloc(uint64_t size, uint64_t alignment);

/** Bytes that are not handed out yet. */
uint64_t memory_left(void);
/** The largest piece that memory_alloc() could give with this alignment. */
uint64_t memory_largest(uint64_t alignment);

#endif
