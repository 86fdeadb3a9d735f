/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file flush.h
 * What a partition leaves in the CPU (caches, branch predictor, TLB) and others could measure, flushed
 * before another partition's window begins, where the configuration says so.
 */
#ifndef KERNEL_FLUSH_H
#define KERNEL_FLUSH_H

#include "kernel/cpu.h"

/** Look at what the CPU can flush. Boot only. */
void flush_init(void);
/**
 * The window of a partition (SYSTEM_NONE: of nobody) begins on this CPU.
 * @req KRN-108 What a partition has left in the CPU is flushed, as configured, before another one's
 *              window begins; what it cost is in the trace.
 */
void flush_before(uint32_t partition);
/** The slow half of flush_note(). */
void flush_change(struct cpu *cpu, const struct partition *partition);

/** A thread of the partition (NULL: none) gets the CPU. */
static inline void flush_note(struct cpu *cpu, const struct partition *partition)
{
	if (partition != cpu->ran)
		flush_change(cpu, partition);
}

#endif
