/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host.h in the VMM's process: the driver is linked into it, and its VM's CPU is the interpreter. There is one
 * "CPU", whose threads take turns; a host-physical address is a pointer.
 */
#define _GNU_SOURCE
#include <hypike/host.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/model/exec.h"
#include "vmm/model/host.h"
#include "vmm/model/turns.h"

/* ---------------------------------------------------------------------------------------- memory */

struct host_pool {
	uint64_t pages;
};

static struct host_pool pool;

struct host_pool *model_pool(void)
{
	return &pool;
}

uint64_t model_pool_pages(void)
{
	return pool.pages;
}

void *host_pages_alloc(struct host_pool *from, unsigned int count)
{
	void *memory = aligned_alloc(HV_PAGE_SIZE, (size_t)count * HV_PAGE_SIZE);

	if (memory == NULL)
		return NULL;
	from->pages += count;
	return memset(memory, 0, (size_t)count * HV_PAGE_SIZE);
}

void host_pages_free(struct host_pool *from, void *pages, unsigned int count)
{
	from->pages -= count;
	free(pages);
}

hpa_t host_virt_to_phys(const void *p)
{
	return hpa((uintptr_t)p);
}

void *host_phys_to_virt(hpa_t address)
{
	return (void *)(uintptr_t)address.raw;
}

/* --------------------------------------------------------------------------------- CPUs and threads */

unsigned int host_cpu(void)
{
	return 0;
}

unsigned int host_cpu_count(void)
{
	return 1;
}

void host_kick(unsigned int cpu)
{
	(void)cpu;
	__atomic_store_n(&exec_clock.stop, 0, __ATOMIC_SEQ_CST);
}

void host_on_each_cpu(void (*fn)(void *arg), void *arg)
{
	fn(arg);
}

/** Threads of the VM take turns; those that show its screen or type its keys don't. */
void host_lock(struct host_lock *lock)
{
	while (__atomic_exchange_n(&lock->value, 1, __ATOMIC_ACQUIRE) != 0)
		sched_yield();
}

void host_unlock(struct host_lock *lock)
{
	__atomic_store_n(&lock->value, 0, __ATOMIC_RELEASE);
}

/** A thread is its number, in a pointer that isn't NULL. */
static char threads[1 + HV_MAX_VCPUS];

struct host_thread *host_thread_self(void)
{
	return (struct host_thread *)(void *)&threads[turns_self()];
}

static unsigned int number(const struct host_thread *thread)
{
	return (unsigned int)((const char *)thread - threads);
}

bool host_poll_pending(void)
{
	return exec_clock.now >= __atomic_load_n(&exec_clock.stop, __ATOMIC_SEQ_CST);
}

void host_poll(void)
{
	clock_fire();
	turns_yield();
}

void host_yield(void)
{
	host_poll();
}

void host_block(uint64_t deadline)
{
	turns_wait(deadline);
}

void host_unblock(struct host_thread *thread)
{
	turns_token(number(thread));
}

void host_notify(struct host_thread *thread, uint64_t bits)
{
	(void)thread; /* it is the event thread */
	turns_notify(bits);
}

/* ------------------------------------------------------------------------------------- FPU, the rest */

/** FXSAVE's format, always in memory: the interpreter works there. */
uint32_t host_fpu_size(void)
{
	return 512;
}

uint64_t host_fpu_xcr0(void)
{
	return 0;
}

void host_fpu_load(struct host_fpu *fpu)
{
	fpu->loaded = 1;
}

void host_fpu_save(struct host_fpu *fpu)
{
	fpu->loaded = 0;
}

void host_defer_restore(void (*restore)(void *arg), void *arg)
{
	restore(arg);
}

void host_nmi(void)
{
}

void host_machine_check(void)
{
}

void host_log(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
}

void host_panic(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	abort();
}
