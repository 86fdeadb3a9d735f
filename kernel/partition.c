/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/partition.h"

#include "kernel/cpu.h"
#include "kernel/end.h"
#include "kernel/port.h"
#include "kernel/trace.h"
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
	thread->slice = thread->left = 0;
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

/* ---- the beginning ---- */

/* The first thread, on the partition's first CPU. All slots are free; the lock is held. */
static void make_first(struct partition *partition)
{
	struct thread *thread = &partition->threads[0];

	partition->state = PARTITION_STARTING;
	trace(TRACE_PARTITION, partition->index, HYPIKE_RESTARTING, partition->starts);
	partition->starts++;
	partition->warm = partition->next == PARTITION_WARM && partition->scrubbed;
	partition->next = PARTITION_STAYS;
	thread_prepare_kernel(thread, partition_begin);
	fill_slot(partition, thread, partition->priority,
		  (uint32_t)__builtin_ctzll(partition->cpus));
	partition->alive = 1;
}

static bool is_service(const struct partition *partition)
{
	return (partition->config->flags & SYSTEM_PARTITION_SERVICE) != 0;
}

/* ---- the end ---- */

/* The lock is held. */
static void stop_threads(struct partition *partition, int status)
{
	if (partition->state != PARTITION_STOPPING) {
		partition->status = status;
		trace(TRACE_PARTITION, partition->index, HYPIKE_STOPPING, partition->starts - 1);
	}
	partition->state = PARTITION_STOPPING;
	for (uint32_t i = 0; i < partition->thread_limit; i++)
		if (partition->threads[i].state != THREAD_FREE)
			thread_stop(&partition->threads[i]);
}

void partition_stop(struct partition *partition, int status)
{
	host_lock(&partition->lock);
	partition->next = PARTITION_STAYS;
	if (partition->state != PARTITION_IDLE)
		stop_threads(partition, status);
	host_unlock(&partition->lock);
}

static bool asked_for(enum hypike_start start)
{
	return start == HYPIKE_START_NORMAL || start == HYPIKE_START_SELF;
}

/* What was asked for twice is done the colder way. The lock is held. */
static void set_next(struct partition *partition, enum partition_next next,
		     enum hypike_start start)
{
	if (partition->state == PARTITION_STOPPING && partition->next == PARTITION_STAYS &&
	    !asked_for(start))
		return;
	if (partition->next < next)
		partition->next = next;
	partition->start = start;
}

void partition_restart(struct partition *partition, enum partition_next next, int status,
		       enum hypike_start start)
{
	bool idle;

	host_lock(&partition->lock);
	set_next(partition, next, start);
	idle = partition->state == PARTITION_IDLE;
	if (idle)
		make_first(partition);
	else
		stop_threads(partition, status);
	host_unlock(&partition->lock);
	if (idle) {
		end_partition_begins(is_service(partition));
		thread_unpark(&partition->threads[0]);
	}
}

static void ended(struct partition *partition)
{
	console_flush(&partition->channel[HYPIKE_CHANNEL_CONSOLE]);
	host_log("partition %s exited with status %d", partition->name, partition->status);
	end_partition(partition->status, is_service(partition));
}

static void begins_anew(struct partition *partition)
{
	console_flush(&partition->channel[HYPIKE_CHANNEL_CONSOLE]);
	host_log("partition %s ended with status %d; %s restart", partition->name,
		 partition->status, partition->warm ? "warm" : "cold");
	thread_unpark(&partition->threads[0]);
}

/* The lock is held. */
static void all_gone(struct partition *partition)
{
	if (partition->state != PARTITION_STOPPING)
		partition->status = 0; /* the last thread ended by itself */
	partition->state = PARTITION_IDLE;
	trace(TRACE_PARTITION, partition->index, HYPIKE_IDLE, partition->starts - 1);
	if (partition->next != PARTITION_STAYS)
		make_first(partition);
}

void partition_thread_gone(struct thread *thread)
{
	struct partition *partition = thread->partition;
	bool last, again;

	port_thread_gone(thread);
	host_lock(&partition->lock);
	thread->state = THREAD_FREE;
	last = --partition->alive == 0;
	if (last)
		all_gone(partition);
	again = partition->state == PARTITION_STARTING;
	host_unlock(&partition->lock);
	if (last && again)
		begins_anew(partition);
	else if (last)
		ended(partition);
}
