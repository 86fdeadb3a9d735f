/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file trace.h
 * What happened when (include/hypike/trace.h): every CPU writes into a ring of its own, always.
 *
 * @req KRN-200 An event costs fewer than 40 instructions and no lock, and is never waited for: the
 *              newest records take the place of the oldest.
 */
#ifndef KERNEL_TRACE_H
#define KERNEL_TRACE_H

#include "kernel/cpu.h"
#include "kernel/partition.h"
#include "kernel/x86.h"
#include "lib/system_image.h"

/**
 * Record an event on the CPU that executes this; interrupts are off, as they are in all the kernel.
 *
 * @param event      enum trace_event, which says what `a` and `b` are
 * @param partition  index, or TRACE_NO_PARTITION
 */
static inline void trace(uint32_t event, uint32_t partition, uint64_t a, uint32_t b)
{
	struct trace_ring *ring = &cpu_self()->trace;
	struct trace_record *record;

	if (ring->records == NULL)
		return;
	record = &ring->records[ring->next & ring->mask];
	record->tsc = x86_rdtsc();
	record->event = (uint16_t)event;
	record->partition = (uint16_t)partition;
	record->b = b;
	record->a = a;
	/* A reader on another CPU sees the record before its number. */
	__atomic_store_n(&ring->next, ring->next + 1, __ATOMIC_RELEASE);
}

/** @return the partition of a thread, as a record has it. */
static inline uint32_t trace_partition(const struct thread *thread)
{
	return thread->partition != NULL ? thread->partition->index : TRACE_NO_PARTITION;
}

/**
 * Copy a record of any CPU.
 * @param position  number of the record that is wanted, then of the one behind the copied one: where
 *                  records were overwritten it jumps
 * @return false where there is none yet.
 */
bool trace_take(const struct trace_ring *ring, uint64_t *position, struct trace_record *record);
/** Make the rings of all CPUs, of the configured size. Boot only. */
void trace_init(const struct system_image *image);

#endif
