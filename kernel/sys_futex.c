/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Futexes: sleep while a word of memory has a value. Looking at the word and going to sleep are one
 * step for a waker, since both happen under the partition's lock.
 *
 * @req KRN-032 No futex wake-up is lost; of several sleepers the most urgent wakes first; a deadline
 *              ends the sleep, never early.
 */
#include "kernel/cpu.h"
#include "kernel/partition.h"
#include "kernel/syscall.h"
#include "kernel/user.h"

/* Put the caller among the sleepers, if the word still has that value. */
static int64_t enter(struct partition *partition, struct thread *self, uint64_t address,
		     uint32_t expected)
{
	int64_t status = HV_E_FAULT;
	uint32_t value;

	host_lock(&partition->lock);
	if (user_load32(&value, (const uint32_t *)(uintptr_t)address))
		status = value == expected ? HV_OK : HV_E_STATE;
	if (status == HV_OK)
		self->futex = address;
	host_unlock(&partition->lock);
	return status;
}

/* @return true where nobody has woken the thread. */
static bool still_waiting(struct partition *partition, struct thread *self)
{
	bool waiting;

	host_lock(&partition->lock);
	waiting = self->futex != 0;
	host_unlock(&partition->lock);
	return waiting;
}

/* @return true where nobody woke the thread before. */
static bool leave(struct partition *partition, struct thread *self)
{
	bool waiting;

	host_lock(&partition->lock);
	waiting = self->futex != 0;
	self->futex = 0;
	host_unlock(&partition->lock);
	return waiting;
}

int64_t sys_futex_wait(uint64_t address, uint64_t expected, uint64_t deadline)
{
	struct thread *self = cpu_self()->current;
	struct partition *partition = self->partition;
	int64_t status;

	if (address % sizeof(uint32_t) != 0 || address == 0)
		return HV_E_INVALID;
	if (!user_range(address, sizeof(uint32_t)))
		return HV_E_FAULT;
	status = enter(partition, self, address, (uint32_t)expected);
	if (status != HV_OK)
		return status;
	while (still_waiting(partition, self) && host_tsc() < deadline)
		thread_park(deadline);
	return leave(partition, self) ? HV_E_TIMEOUT : HV_OK;
}

/* The most urgent sleeper on the word; of equals the one with the lowest number. */
static struct thread *first_sleeper(struct partition *partition, uint64_t address)
{
	struct thread *best = NULL;

	for (uint32_t i = 0; i < partition->thread_limit; i++) {
		struct thread *thread = &partition->threads[i];

		if (thread->state != THREAD_FREE && thread->futex == address &&
		    (best == NULL || thread->priority > best->priority))
			best = thread;
	}
	return best;
}

int64_t sys_futex_wake(uint64_t address, uint64_t count)
{
	struct partition *partition = partition_self();
	struct thread *thread;

	if (address % sizeof(uint32_t) != 0 || address == 0)
		return HV_E_INVALID;
	if (!user_range(address, sizeof(uint32_t)))
		return HV_E_FAULT;
	host_lock(&partition->lock);
	for (; count > 0 && (thread = first_sleeper(partition, address)) != NULL; count--) {
		thread->futex = 0;
		thread_unpark(thread);
	}
	host_unlock(&partition->lock);
	return HV_OK;
}
