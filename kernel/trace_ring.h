/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file trace_ring.h
 * A CPU's ring of trace records, as its struct cpu holds it.
 */
#ifndef KERNEL_TRACE_RING_H
#define KERNEL_TRACE_RING_H

#include <stdint.h>

#include <hypike/trace.h>

/**
 * The CPU alone writes; others may look (trace_copy()). Record n is in records[n & mask] until
 * record n + mask + 1 is there.
 */
struct trace_ring {
	struct trace_record *records; /**< NULL: not there yet, nothing is recorded */
	uint64_t next;		      /**< number of the next record */
	uint64_t mask;		      /**< records that it holds, a power of two, minus 1 */
};

#endif
