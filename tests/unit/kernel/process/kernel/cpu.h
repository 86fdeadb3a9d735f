/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file cpu.h
 * Stands in for kernel/cpu.h: one CPU, without what only ring 0 has.
 */
#ifndef KERNEL_CPU_H
#define KERNEL_CPU_H

#include <hypike/host.h>

#include "kernel/sched.h"
#include "kernel/timer.h"
#include "kernel/trace_ring.h"
#include "kernel/window.h"

struct cpu_features {
	bool page_1g, smep, smap, umip, xsave, x2apic, tsc_deadline;
};
extern struct cpu_features cpu_features;

#define WORK_RESCHEDULE 1u
#define WORK_TIMER	8u

struct cpu {
	uint32_t work, index;
	struct sched sched;
	struct timer_queue *timers;
	uint64_t timer_armed;
	struct window_state window;
	struct trace_ring trace;
};
extern struct cpu process_cpu;

static inline struct cpu *cpu_self(void)
{
	return &process_cpu;
}

#endif
