/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/partition.h"

#include "kernel/cpu.h"
#include "kernel/end.h"
#include "kernel/port.h"
#include "lib/string.h"

struct partition *partitions;
uint32_t partition_count;

struct partition *partition_self(void)
{
	return cpu_self()->current->partition;
}

/* ---- threads ---- */

static struct thread *free_slot(struct partition *partition)
{
	for (uint32_t i = 0; i < partition->thread_limit; i++)
		if (partition->threads[i].state == THREAD_FREE)
			return &partition->threads[i];
	return NULL;
}

/* The state goes last: until it is set, thread_unpark() leaves the slot alone. */
static void fill_slot(struct partition *partition, struct thread *thread, uint32_t priority,
		      uint32_t cpu)
{
	thread->cpu = &cpus[cpu];
	thread->runq = partition->runq[cpu];
	thread->partition = partition;
	thread->root = partition->root;
	thread->index = (uint32_t)(thread - partition->threads);
	thread->priority = priority;
	thread->token = thread->stop = thread->suspended = false;
	thread->notified = thread->wait_mask = thread->futex = 0;
	thread->fpu = (struct host_fpu){.area = thread->fpu.area, .xcr0 = host_fpu_xcr0()};
	memset(thread->fpu.area, 0, host_fpu_size());
	__atomic_store_n(&thread->state, THREAD_BLOCKED, __ATOMIC_RELEASE);
}

int64_t partition_thread_create(struct partition *partition, uint64_t entry, uint64_t stack,
				uint64_t arg, uint32_t priority, uint32_t cpu)
{
	struct thread *thread = NULL;

	host_lock(&partition->lock);
	if (partition->state == PARTITION_RUNNING)
		thread = free_slot(partition);
	if (thread != NULL) {
		thread_prepare(thread, entry, stack, arg);
		fill_slot(partition, thread, priority, cpu);
		partition->alive++;
	}
	host_unlock(&partition->lock);
	if (thread == NULL)
		return HV_E_FULL;
	thread_unpark(thread);
	return thread->index;
}

/* ---- the end ---- */

void partition_stop(struct partition *partition, int status)
{
	host_lock(&partition->lock);
	if (partition->state == PARTITION_RUNNING) {
		partition->state = PARTITION_ENDING;
		partition->status = status;
	}
	for (uint32_t i = 0; i < partition->thread_limit; i++)
		if (partition->threads[i].state != THREAD_FREE)
			thread_stop(&partition->threads[i]);
	host_unlock(&partition->lock);
}

static void ended(struct partition *partition)
{
	console_flush(&partition->console);
	host_log("partition %s exited with status %d", partition->name, partition->status);
	end_partition(partition->status);
}

void partition_thread_gone(struct thread *thread)
{
	struct partition *partition = thread->partition;
	bool last;

	port_thread_gone(thread);
	host_lock(&partition->lock);
	thread->state = THREAD_FREE;
	last = --partition->alive == 0;
	if (last)
		partition->state = PARTITION_ENDED;
	host_unlock(&partition->lock);
	if (last)
		ended(partition);
}
