/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/runq.h"

#include "kernel/address.h"
#include "kernel/cpu.h"
#include "kernel/end.h"
#include "kernel/hide.h"
#include "kernel/memory.h"
#include "kernel/partition.h"

/* Each thread has one; a vCPU's local APIC, and what else a driver wants for it. */
#define VCPU_TIMERS 4u

static uint32_t timers_of(const struct partition *partition)
{
	return partition->thread_limit + VCPU_TIMERS * partition->config->vcpu_limit +
	       (partition->config->watchdog != 0 ? 1 : 0);
}

static bool on_cpu(const struct partition *partition, const struct cpu *cpu)
{
	return (partition->cpus >> cpu->index & 1) != 0;
}

static void *take_memory(const struct cpu *cpu, uint64_t size)
{
	uint64_t phys = memory_alloc(page_up(size), HV_PAGE_SIZE);

	if (phys == 0)
		end_refuse("too little memory for the run queues of CPU %u", cpu->index);
	return phys_to_virt(phys);
}

static struct timer_slot *take_heap(const struct cpu *cpu, uint32_t timers)
{
	return take_memory(cpu, ((uint64_t)timers + 1) * sizeof(struct timer_slot));
}

static void make_own(struct partition *partition, struct cpu *cpu)
{
	struct runq *runq = take_memory(cpu, sizeof(*runq));

	runq_init(runq, cpu, take_heap(cpu, timers_of(partition)), timers_of(partition));
	if ((partition->config->flags & SYSTEM_PARTITION_HIDE_STOLEN) != 0) {
		runq->hide = take_memory(cpu, sizeof(*runq->hide));
		*runq->hide = (struct hide){.partition = partition};
	}
	partition->runq[cpu->index] = runq;
}

/* @return its timers, of which the common queue must have room for */
static uint32_t make_common(struct partition *partition, struct cpu *cpu)
{
	partition->runq[cpu->index] = &cpu->sched.common;
	return timers_of(partition);
}

static void make(struct cpu *cpu, bool windows)
{
	uint32_t timers = 0;

	for (uint32_t i = 0; i < partition_count; i++) {
		struct partition *partition = &partitions[i];

		if (!on_cpu(partition, cpu))
			continue;
		if (windows && (partition->config->flags & SYSTEM_PARTITION_BACKGROUND) == 0)
			make_own(partition, cpu);
		else
			timers += make_common(partition, cpu);
	}
	timer_queue_init(&cpu->sched.common.timers, cpu, take_heap(cpu, timers), timers);
}

void runqs_create(const struct system_image *image)
{
	for (uint32_t i = 0; i < cpu_count; i++)
		make(&cpus[i], image->plan_count != 0);
}
