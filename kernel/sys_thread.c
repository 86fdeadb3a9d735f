/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls about threads: making, ending, priority, notifications, sleeping.
 */
#include "kernel/clock.h"
#include "kernel/cpu.h"
#include "kernel/health.h"
#include "kernel/partition.h"
#include "kernel/syscall.h"
#include "kernel/user.h"

/* @return the caller's partition's thread of that number, or NULL. */
static struct thread *thread_of(uint64_t index)
{
	struct partition *partition = partition_self();

	if (index >= partition->thread_limit || partition->threads[index].state == THREAD_FREE)
		return NULL;
	return &partition->threads[index];
}

int64_t sys_thread_create(uint64_t entry, uint64_t arg, uint64_t stack, uint64_t priority,
			  uint64_t cpu)
{
	struct partition *partition = partition_self();

	if (entry >= USER_LIMIT || stack > USER_LIMIT || cpu >= cpu_count)
		return HV_E_INVALID;
	if (priority > partition->priority || (partition->cpus >> cpu & 1) == 0)
		return health_denied();
	return partition_thread_create(partition, entry, stack, arg, (uint32_t)priority,
				       (uint32_t)cpu);
}

int64_t sys_thread_exit(void)
{
	thread_finish();
}

int64_t sys_thread_priority(uint64_t index, uint64_t priority)
{
	struct thread *thread = thread_of(index);

	if (thread == NULL)
		return HV_E_NOENT;
	if (priority > partition_self()->priority)
		return health_denied();
	thread_set_priority(thread, (uint32_t)priority);
	return HV_OK;
}

int64_t sys_thread_slice(uint64_t index, uint64_t ns)
{
	struct thread *thread = thread_of(index);

	if (thread == NULL)
		return HV_E_NOENT;
	if (ns != 0 && (ns < HYPIKE_SLICE_MIN || ns > HYPIKE_SLICE_MAX))
		return HV_E_INVALID;
	thread_set_slice(thread, clock_ticks(ns));
	return HV_OK;
}

/* ---- other threads ----
 *
 * Other CPUs may be another partition's at the moment: nothing here interrupts one unless the thread
 * that is meant runs there.
 */

#define LOOKS_PER_MS 20u

/*
 * One of another CPU ends by itself as soon as it gets to run there; unless somebody stops this one,
 * too. That may take until the partition's next window: others run meanwhile.
 */
static void wait_gone(const struct thread *thread)
{
	const struct thread *self = cpu_self()->current;

	while (thread != self && __atomic_load_n(&thread->stop, __ATOMIC_ACQUIRE) &&
	       __atomic_load_n(&thread->state, __ATOMIC_ACQUIRE) != THREAD_FREE)
		thread_park(host_tsc() + host_tsc_khz() / LOOKS_PER_MS);
}

/*
 * A thread that leaves the driver by force leaves a VM behind that can't be destroyed: only the end of
 * the partition does that.
 */
int64_t sys_thread_stop(uint64_t index)
{
	struct thread *thread = thread_of(index);

	if (thread == NULL)
		return HV_E_NOENT;
	if (partition_self()->vm != NULL)
		return HV_E_STATE;
	if (thread->cpu == cpu_self()) {
		thread_abandon(thread);
		return HV_OK;
	}
	thread_set_priority(thread, SYSTEM_MAX_PRIORITY);
	thread_stop(thread);
	wait_gone(thread);
	return HV_OK;
}

int64_t sys_thread_suspend(uint64_t index)
{
	struct thread *thread = thread_of(index);

	if (thread == NULL)
		return HV_E_NOENT;
	thread_suspend(thread);
	return HV_OK;
}

int64_t sys_thread_resume(uint64_t index)
{
	struct thread *thread = thread_of(index);

	if (thread == NULL)
		return HV_E_NOENT;
	thread_resume(thread);
	return HV_OK;
}

/* ---- time and notifications ---- */

int64_t sys_yield(void)
{
	thread_yield();
	return HV_OK;
}

int64_t sys_notify(uint64_t index, uint64_t bits)
{
	struct thread *thread = thread_of(index);

	if (thread == NULL)
		return HV_E_NOENT;
	thread_notify(thread, bits);
	return HV_OK;
}

/*
 * The mask is stored before the word is read, and a notifier sets bits before it reads the mask: one
 * of the two sees the other.
 *
 * @req KRN-033 No notification is lost, and a wait takes only the bits that it asked for.
 */
static uint64_t wait_for(struct thread *self, uint64_t mask, uint64_t deadline)
{
	uint64_t bits;

	for (;;) {
		__atomic_store_n(&self->wait_mask, mask, __ATOMIC_SEQ_CST);
		bits = __atomic_load_n(&self->notified, __ATOMIC_SEQ_CST) & mask;
		if (bits != 0 || deadline <= host_tsc())
			break;
		thread_park(deadline);
	}
	__atomic_store_n(&self->wait_mask, 0, __ATOMIC_SEQ_CST);
	__atomic_fetch_and(&self->notified, ~bits, __ATOMIC_SEQ_CST);
	return bits;
}

int64_t sys_wait(uint64_t mask, uint64_t deadline, uint64_t result)
{
	uint64_t bits = wait_for(cpu_self()->current, mask, deadline);

	if (!user_write(result, &bits, sizeof(bits)))
		return HV_E_FAULT;
	return bits != 0 ? HV_OK : HV_E_TIMEOUT;
}
