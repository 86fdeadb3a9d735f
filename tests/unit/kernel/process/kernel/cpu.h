/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file cpu.h
 * Stands in for kernel/cpu.h: one CPU, without what only ring 0 has.
 */
#ifndef KERNEL_CPU_H
#define KERNEL_CPU_H

#include <hypike/host.h>

#include "kernel/timer.h"
#include "kernel/trace_ring.h"

struct cpu_features {
	bool page_1g, smep, smap, umip, xsave, x2apic, tsc_deadline;
};
extern struct cpu_features cpu_features;

#define WORK_TIMER 8u

struct cpu {
	uint32_t work, index;
	struct timer_queue timers;
	struct trace_ring trace;
};
extern struct cpu process_cpu;

static inline struct cpu *cpu_self(void)
{
	return &process_cpu;
}

#endif
