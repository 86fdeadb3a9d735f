/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What of the platform `linux` lives by the computer's own clock: time, locks, threads of vCPUs, the event
 * thread's wait. (Where the model is the processor, vmm/model has its own.)
 */
#define _GNU_SOURCE
#include "vmm/platform.h"

#include <hypike/vmm.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "vmm/platform/linux/events.h"
#include "vmm/platform/linux/kvm.h"
#include "vmm/platform/linux/linux.h"

#define NS UINT64_C(1000000000)

/* -------------------------------------------------------------------------------------------- time */

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * NS + (uint64_t)now.tv_nsec;
}

static uint64_t time_start;    /* atomic; 0: not known yet */
static uint64_t time_standing; /* atomic: what platform_time() stands at, + 1; 0: it goes */

uint64_t linux_time_start(void)
{
	uint64_t seen = __atomic_load_n(&time_start, __ATOMIC_RELAXED);

	if (seen == 0) {
		seen = clock_ns(CLOCK_MONOTONIC);
		__atomic_store_n(&time_start, seen, __ATOMIC_RELAXED);
	}
	return seen;
}

uint64_t platform_time(void)
{
	const uint64_t standing = __atomic_load_n(&time_standing, __ATOMIC_ACQUIRE);

	if (standing != 0)
		return standing - 1;
	const uint64_t start = linux_time_start();
	return clock_ns(CLOCK_MONOTONIC) - start;
}

void linux_time_stop(void)
{
	__atomic_store_n(&time_standing, platform_time() + 1, __ATOMIC_RELEASE);
}

void linux_time_go(void)
{
	__atomic_store_n(&time_start, clock_ns(CLOCK_MONOTONIC) - platform_time(), __ATOMIC_RELAXED);
	__atomic_store_n(&time_standing, 0, __ATOMIC_RELEASE);
}

bool linux_time_stands(void)
{
	return __atomic_load_n(&time_standing, __ATOMIC_ACQUIRE) != 0;
}

uint64_t platform_tsc(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

uint64_t platform_epoch(void)
{
	return (clock_ns(CLOCK_REALTIME) - platform_time()) / NS;
}

/* ------------------------------------------------------------------------------------------- locks */

static void futex(uint32_t *word, int what, uint32_t value)
{
	syscall(SYS_futex, word, what | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
}

/** While anybody waits the state is 2, so that unlocking wakes (U. Drepper, "Futexes Are Tricky"). */
void platform_mutex_lock_slow(struct platform_mutex *mutex)
{
	while (__atomic_exchange_n(&mutex->state, 2, __ATOMIC_ACQUIRE) != 0)
		futex(&mutex->state, FUTEX_WAIT, 2);
}

void platform_mutex_wake(struct platform_mutex *mutex)
{
	futex(&mutex->state, FUTEX_WAKE, 1);
}

/* ----------------------------------------------------------------------------------------- threads */

static struct {
	void (*entry)(void *arg);
	void *arg;
} starts[HV_MAX_VCPUS];

static void *thread_main(void *arg)
{
	const unsigned int index = (unsigned int)(uintptr_t)arg;

	hypike_vmm_confine(HYPIKE_VMM_VCPU);
	starts[index].entry(starts[index].arg);
	return NULL;
}

hv_status_t platform_vcpu_thread(unsigned int index, void (*entry)(void *arg), void *arg)
{
	char name[] = "vcpu 00";

	if (index >= HV_MAX_VCPUS)
		return HV_E_INVALID;
	linux_files_forget();
	starts[index].entry = entry;
	starts[index].arg = arg;
	name[5] = (char)('0' + index / 10);
	name[6] = (char)('0' + index % 10);
	const int error = linux_thread(name, thread_main, (void *)(uintptr_t)index);
	return error == 0 ? HV_OK : linux_status(error);
}

/* -------------------------------------------------------------------------------------------- events */

uint64_t platform_wait(uint64_t deadline)
{
	uint64_t bits = 0;

	events_settle();
	while (bits == 0) {
		const uint64_t now = platform_time();
		if (now >= deadline)
			return 0;
		const uint64_t watch_at = kvm_watch(now);
		events_timer(linux_time_start() + (watch_at < deadline ? watch_at : deadline));
		bits = events_take(-1);
	}
	return bits;
}

void platform_wake(void)
{
	events_wake();
}
