/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file shared.h
 * Memory regions that several partitions see, at the same address in each, and notifications among those.
 *
 * @req KRN-220 A partition sees the regions that its configuration gives it and no other, and writes
 *              where it may; a notification reaches the other partitions that have the region.
 */
#ifndef KERNEL_SHARED_H
#define KERNEL_SHARED_H

#include <hypike/sys.h>

#include "lib/system_image.h"

struct partition;
struct share;
struct thread;

/** Take the memory of all regions, zeroed. Boot only, before there are partitions. */
void shared_create(const struct system_image *image);
/** Pages for tables that mapping a partition's regions takes at the most, with pages of `leaf` bytes. */
uint64_t shared_tables(uint32_t partition, uint64_t leaf);
/** Map a partition's regions into its page tables. @return false where its pool is used up */
bool shared_map(struct partition *partition);
/** Where a piece of ring 3's memory that lies in a writable region is; UINT64_MAX: it doesn't. */
uint64_t shared_lookup(const struct partition *partition, uint64_t address, uint64_t size);

/** @return the partition's region of that number, or NULL. */
struct share *shared_find(const struct partition *partition, uint64_t number);
/** Number (and the rest) of the partition's region of that name, padded with NUL. */
hv_status_t shared_open(const struct partition *partition, const char name[SYSTEM_NAME_SIZE],
			struct hypike_shared *shared);
/** Notify the threads that other partitions have bound to the region. */
void shared_notify(struct share *share);
/** Bind a thread of the partition; NULL: nobody. */
void shared_bind(struct share *share, struct thread *thread, uint64_t bits);
/** The partition begins anew: nobody is bound. The memory stays, as it isn't the partition's alone. */
void shared_reset_partition(const struct partition *partition);
/** Index of the region in the configuration, for the trace. */
uint32_t shared_region(const struct share *share);

#endif
