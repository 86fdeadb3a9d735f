/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What of the platform `linux` is the model's own: locks and threads that take turns, the event thread's wait.
 */
#define _GNU_SOURCE
#include "vmm/platform.h"

#include <hypike/vmm.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vmm/model/turns.h"
#include "vmm/platform/linux/events.h"
#include "vmm/platform/linux/linux.h"

/** Threads of the VM give their turn away meanwhile; those that show its screen or type its keys just sleep. */
void platform_mutex_lock_slow(struct platform_mutex *mutex)
{
	while (__atomic_exchange_n(&mutex->state, 2, __ATOMIC_ACQUIRE) != 0) {
		if (turns_member())
			turns_wait_zero(&mutex->state);
		else
			syscall(SYS_futex, &mutex->state, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 2, NULL,
				NULL, 0);
	}
}

void platform_mutex_wake(struct platform_mutex *mutex)
{
	syscall(SYS_futex, &mutex->state, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
	turns_news();
}

hv_status_t platform_vcpu_thread(unsigned int index, void (*entry)(void *arg), void *arg)
{
	if (index >= HV_MAX_VCPUS)
		return HV_E_INVALID;
	const int error = turns_start(index, entry, arg);
	return error == 0 ? HV_OK : linux_status(error);
}

uint64_t platform_wait(uint64_t deadline)
{
	events_settle();
	const bool never = deadline > UINT64_MAX - TURNS_TICK_NS;

	return turns_events(never ? UINT64_MAX : (deadline + TURNS_TICK_NS - 1) / TURNS_TICK_NS);
}

void platform_wake(void)
{
	turns_notify(PLATFORM_EVENT_WAKE);
}

const char *hypike_vmm_name(void)
{
	return "model";
}

const char *hypike_vmm_unavailable(void)
{
	return NULL;
}

const char *hypike_vmm_probe(void)
{
	return NULL;
}
