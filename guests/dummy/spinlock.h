/* SPDX-License-Identifier: BSD-2-Clause */
/** @file spinlock.h Ticket lock; the holder has interrupts disabled. */
#ifndef GUESTS_DUMMY_SPINLOCK_H
#define GUESTS_DUMMY_SPINLOCK_H

#include <stdint.h>

#include "lib/x86/cpu.h"

/** Zero-initialised: free. */
struct spinlock {
	uint32_t next;
	uint32_t serving;
};

static inline void spin_lock(struct spinlock *l)
{
	uint32_t ticket = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);

	while (__atomic_load_n(&l->serving, __ATOMIC_ACQUIRE) != ticket)
		cpu_pause();
}

static inline void spin_unlock(struct spinlock *l)
{
	__atomic_store_n(&l->serving, l->serving + 1, __ATOMIC_RELEASE);
}

#endif
