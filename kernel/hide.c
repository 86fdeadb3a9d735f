/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/hide.h"

#include "hypervisor/driver.h"
#include "kernel/cpu.h"
#include "kernel/partition.h"

/* A vCPU that hasn't run yet belongs to no CPU: the partition's first sees to it. */
static bool is_first(const struct partition *partition)
{
	return (unsigned int)__builtin_ctzll(partition->cpus) == cpu_self()->index;
}

/*
 * Interrupts are off: a VM that is being destroyed goes only when this CPU has answered a call, after
 * it could be found here no more (sys_hv_vm.c).
 */
static void hide_ticks(struct partition *partition, uint64_t ticks)
{
	for (uint32_t i = 0; i < partition->config->vcpu_limit; i++) {
		struct vcpu *vcpu = __atomic_load_n(&partition->vcpus[i], __ATOMIC_SEQ_CST);

		if (vcpu != NULL)
			vcpu_hide_time(vcpu, ticks, is_first(partition));
	}
}

/* The program's clock is that of the partition's first CPU. */
static void hide_from_program(struct partition *partition, uint64_t ticks)
{
	partition->hidden += ticks;
	if (partition->state == PARTITION_RUNNING)
		__atomic_store_n(&partition->info->hidden, partition->hidden, __ATOMIC_SEQ_CST);
}

void hide_begin(struct hide *hide, uint64_t planned, uint64_t actual)
{
	hide->planned = planned;
	hide->actual = actual;
}

void hide_end(struct hide *hide, uint64_t planned, uint64_t actual)
{
	uint64_t ticks, most = actual - hide->actual;

	if (hide->planned == 0)
		return;
	ticks = planned - hide->planned + hide->owed;
	hide->owed = ticks > most ? ticks - most : 0;
	hide_ticks(hide->partition, ticks - hide->owed);
	if (is_first(hide->partition))
		hide_from_program(hide->partition, ticks - hide->owed);
}
