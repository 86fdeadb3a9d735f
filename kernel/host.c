/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host.h: what the hypervisor driver gets from this kernel, as far as no other file has it.
 */
#include <hypike/host.h>

#include "kernel/address.h"
#include "kernel/assert.h"
#include "kernel/console.h"
#include "kernel/cpu.h"
#include "kernel/smp.h"
#include "kernel/x86.h"

/* ---- memory ---- */

hpa_t host_virt_to_phys(const void *p)
{
	return hpa(virt_to_phys(p));
}

void *host_phys_to_virt(hpa_t address)
{
	return phys_to_virt(address.raw);
}

/* ---- CPUs and locks ---- */

unsigned int host_cpu(void)
{
	return cpu_self()->index;
}

unsigned int host_cpu_count(void)
{
	return cpu_count;
}

/* A ticket lock, first come, first served: next ticket in the high half, the one served in the low. */
#define TICKET 0x10000u

void host_lock(struct host_lock *lock)
{
	uint32_t value = __atomic_fetch_add(&lock->value, TICKET, __ATOMIC_ACQUIRE);
	uint16_t mine = (uint16_t)(value >> 16);

	while ((uint16_t)value != mine) {
		x86_pause();
		value = __atomic_load_n(&lock->value, __ATOMIC_ACQUIRE);
	}
}

void host_unlock(struct host_lock *lock)
{
	uint16_t *served = (uint16_t *)(void *)&lock->value;

	__atomic_store_n(served, (uint16_t)(*served + 1), __ATOMIC_RELEASE);
}

/* ---- threads and preemption ---- */

/* struct host_thread is the driver's name for struct thread. */
static struct thread *thread_of(struct host_thread *thread)
{
	return (struct thread *)(void *)thread;
}

struct host_thread *host_thread_self(void)
{
	return (struct host_thread *)(void *)cpu_self()->current;
}

bool host_poll_pending(void)
{
	return (cpu_self()->work & ~WORK_RESTORE) != 0;
}

uint64_t host_deadline(void)
{
	return cpu_self()->timer_armed;
}

void host_poll(void)
{
	struct cpu *cpu = cpu_self();

	x86_interrupt_window();
	if (cpu->work & WORK_TIMER)
		timer_run();
	if (cpu->work & WORK_STOP)
		thread_finish();
	if (cpu->work & WORK_RESCHEDULE)
		sched_switch();
}

void host_yield(void)
{
	thread_yield();
	host_poll();
}

void host_block(uint64_t deadline)
{
	thread_park(deadline);
}

void host_unblock(struct host_thread *thread)
{
	thread_unpark(thread_of(thread));
}

void host_notify(struct host_thread *thread, uint64_t bits)
{
	thread_notify(thread_of(thread), bits);
}

void host_defer_restore(void (*restore)(void *arg), void *arg)
{
	struct cpu *cpu = cpu_self();

	cpu->restore = restore;
	cpu->restore_arg = arg;
	cpu->work |= WORK_RESTORE;
}

/* ---- messages ---- */

void host_log(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	console_vlog(format, args);
	va_end(args);
}
