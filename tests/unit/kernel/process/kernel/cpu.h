/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file cpu.h
 * Stands in for kernel/cpu.h: CPUs without what only ring 0 has, one of which the test says is its.
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
	uint32_t work, index, apic_id;
	struct thread *current;
	struct sched sched;
	struct timer_queue *timers;
	uint64_t timer_armed;
	struct window_state window;
	const struct partition *ran;
	uint32_t flush;
	struct trace_ring trace;
};
extern struct cpu cpus[HOST_MAX_CPUS];
extern unsigned int cpu_count, process_current;
#define process_cpu cpus[0]

static inline struct cpu *cpu_self(void)
{
	return &cpus[process_current];
}

#endif
