/* SPDX-License-Identifier: BSD-2-Clause */
/* The VMM's platform over HyPike's system calls. hv.h comes from lib/hypike as it is. */
#include "vmm/platform.h"

#include <hypike/sys.h>
#include <hypike/wire.h>

#include "lib/string.h"
#include "vmm/platform/hypike/link.h"
#include "vmm/platform/hypike/link_control.h"
#include "vmm/platform/hypike/link_net.h"

/* -------------------------------------------------------------------------------------------- time */

uint64_t platform_time(void)
{
	return hypike_time();
}

uint64_t platform_tsc(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

/** HyPike doesn't keep the time of day. */
uint64_t platform_epoch(void)
{
	return 0;
}

/* ------------------------------------------------------------------------------------------- locks */

/** While anybody waits the state is 2, so that unlocking wakes (U. Drepper, "Futexes Are Tricky"). */
void platform_mutex_lock_slow(struct platform_mutex *mutex)
{
	while (__atomic_exchange_n(&mutex->state, 2, __ATOMIC_ACQUIRE) != 0)
		hypike_futex_wait(&mutex->state, 2, HYPIKE_FOREVER);
}

void platform_mutex_wake(struct platform_mutex *mutex)
{
	hypike_futex_wake(&mutex->state, 1);
}

/* ----------------------------------------------------------------------------------------- threads */

#define STACK_SIZE 16384u
#define VCPU_SLICE UINT64_C(1000000) /* ns */

static uint8_t stacks[HV_MAX_VCPUS][STACK_SIZE] __attribute__((aligned(16)));

static struct {
	void (*entry)(void *arg);
	void *arg;
	hypike_thread_t thread;
} starts[HV_MAX_VCPUS];

static void thread_entry(void *arg)
{
	unsigned int index = (unsigned int)(uintptr_t)arg;

	starts[index].entry(starts[index].arg);
	hypike_thread_exit();
}

/** The partition's CPUs in turn. */
static uint32_t cpu_for(unsigned int index)
{
	uint64_t mask = hypike_info()->cpu_mask;
	uint64_t left = mask;

	for (unsigned int i = 0; i < index; i++) {
		left &= left - 1;
		if (left == 0)
			left = mask;
	}
	return left ? (uint32_t)__builtin_ctzll(left) : 0;
}

/**
 * One vCPU may spin for another that shares its CPU, or waits behind a spinning one of another VM: several take
 * turns. One alone runs on, as other threads do.
 */
static hv_status_t take_turns(unsigned int index)
{
	hv_status_t status = HV_OK;

	if (index == 1)
		status = hypike_thread_slice(starts[0].thread, VCPU_SLICE);
	if (index != 0 && status == HV_OK)
		status = hypike_thread_slice(starts[index].thread, VCPU_SLICE);
	return status;
}

hv_status_t platform_vcpu_thread(unsigned int index, void (*entry)(void *arg), void *arg)
{
	uint32_t priority = hypike_info()->priority;

	if (index >= HV_MAX_VCPUS)
		return HV_E_INVALID;
	starts[index].entry = entry;
	starts[index].arg = arg;
	hv_status_t status = hypike_thread_create(
		thread_entry, (void *)(uintptr_t)index, stacks[index], STACK_SIZE,
		priority ? priority - 1 : 0, cpu_for(index), &starts[index].thread);
	return status == HV_OK ? take_turns(index) : status;
}

/* ------------------------------------------------------------------------------------------ events */

/** What was sent to a VM before, in the same partition, is not for this one. */
static hv_status_t debug_bind(void)
{
	const uint8_t hello = WIRE_DEBUG_HELLO;
	uint8_t stale;

	while (hypike_channel_read(HYPIKE_CHANNEL_DEBUG, &stale, 1) > 0)
		;
	hypike_channel_write(HYPIKE_CHANNEL_DEBUG, &hello, 1);
	return hypike_channel_bind(HYPIKE_CHANNEL_DEBUG, EVENT_THREAD, PLATFORM_EVENT_DEBUG);
}

hv_status_t platform_events_bind(hv_vm_t vm)
{
	hv_status_t status = hypike_signal_bind(vm, EVENT_THREAD);

	if (status != HV_OK)
		return status;
	link_control_open();
	status = debug_bind();
	if (status != HV_OK)
		return status;
	return hypike_console_bind(EVENT_THREAD, PLATFORM_EVENT_CONSOLE);
}

#define SIGNS_OF_LIFE 4u /* within the watchdog's time, were all CPUs the VM's own */

/** How long the event loop may sleep: a guest that computes uses the time that the watchdog counts. */
static uint64_t longest_sleep(void)
{
	const struct hypike_info *const info = hypike_info();

	return info->watchdog != 0 ? info->watchdog / (SIGNS_OF_LIFE * (uint64_t)info->cpu_count)
				   : HYPIKE_FOREVER;
}

uint64_t platform_wait(uint64_t deadline)
{
	const uint64_t sleep = longest_sleep();
	uint64_t bits = 0;

	if (sleep == HYPIKE_FOREVER)
		return hypike_wait(UINT64_MAX, deadline, &bits) == HV_OK ? bits : 0;
	for (;;) {
		const uint64_t next = hypike_time() + sleep;

		hypike_alive();
		if (hypike_wait(UINT64_MAX, next < deadline ? next : deadline, &bits) == HV_OK)
			return bits;
		if (hypike_time() >= deadline)
			return 0;
	}
}

void platform_wake(void)
{
	hypike_notify(EVENT_THREAD, PLATFORM_EVENT_WAKE);
}

/* ----------------------------------------------------------------------------------------- console */

void platform_console_write(const void *text, size_t size)
{
	hypike_console_write(text, size);
}

size_t platform_console_read(void *text, size_t size)
{
	int64_t n = hypike_console_read(text, size);

	return n > 0 ? (size_t)n : 0;
}

/* ------------------------------------------------------------------------------ debugger's channel */

void platform_debug_write(const void *bytes, size_t size)
{
	hypike_channel_write(HYPIKE_CHANNEL_DEBUG, bytes, size);
}

size_t platform_debug_read(void *bytes, size_t size)
{
	int64_t n = hypike_channel_read(HYPIKE_CHANNEL_DEBUG, bytes, size);

	return n > 0 ? (size_t)n : 0;
}

/* --------------------------------------------------------------------------- files, memory, process */

bool platform_file(const char *name, struct platform_file *file)
{
	const struct hypike_info *info = hypike_info();

	for (uint32_t i = 0; i < info->file_count; i++) {
		if (strcmp(info->file[i].name, name) == 0) {
			*file = (struct platform_file){info->file[i].data, info->file[i].size};
			return true;
		}
	}
	return false;
}

uint64_t platform_guest_memory_limit(void)
{
	return hypike_info()->ram_size;
}

/** Of the partition's memory: the guest's at the start, what the VMM takes itself behind it. */
static uint64_t ram_taken;

void *platform_guest_memory(uint64_t size)
{
	if (size > hypike_info()->ram_size)
		return NULL;
	ram_taken = size;
	return hypike_info()->ram;
}

void *platform_memory(uint64_t size)
{
	const uint64_t left = hypike_info()->ram_size - ram_taken;
	const uint64_t pages = (size + HV_PAGE_SIZE - 1) & ~(uint64_t)HV_PAGE_MASK;
	void *memory = (uint8_t *)hypike_info()->ram + ram_taken;

	if (pages < size || pages > left)
		return NULL;
	ram_taken += pages;
	return memory;
}

bool platform_region(const char *name, struct platform_region *region)
{
	struct hypike_shared shared;
	uint8_t number;

	if (link_number(name, &number))
		return link_net_region(number, region);
	if (hypike_shared_open(name, &shared) != HV_OK || !shared.writable)
		return false;
	*region = (struct platform_region){shared.data, shared.size, shared.region};
	return true;
}

hv_status_t platform_region_bind(const struct platform_region *region, uint8_t signal)
{
	if (region->number >= LINK_REGIONS)
		return link_net_bind(region, signal);
	return hypike_shared_bind(region->number, EVENT_THREAD, UINT64_C(1) << signal);
}

void platform_region_notify(const struct platform_region *region)
{
	if (region->number >= LINK_REGIONS)
		link_kick();
	else
		hypike_shared_notify(region->number);
}

/* ------------------------------------------------------------------------------------------- ports */

hv_status_t platform_port_open(const char name[PV_NAME_SIZE], struct pv_port_info *info)
{
	struct hypike_port_info found = {0};
	char terminated[PV_NAME_SIZE + 1] = {0};
	hv_status_t status;

	memcpy(terminated, name, PV_NAME_SIZE);
	status = hypike_port_open(terminated, &found);
	*info = (struct pv_port_info){
		.port = found.port,
		.kind = found.kind,
		.direction = found.direction,
		.max_message = found.max_message,
		.depth = found.depth,
		.refresh = found.refresh,
	};
	return status;
}

hv_status_t platform_port_status(uint32_t port, struct pv_port_status *status)
{
	struct hypike_port_status found = {0};
	hv_status_t result = hypike_port_status(port, &found);

	*status = (struct pv_port_status){
		.messages = found.messages, .valid = found.valid, .overflows = found.overflows};
	return result;
}

hv_status_t platform_port_bind(uint32_t port, uint8_t signal)
{
	return hypike_port_bind(port, EVENT_THREAD, UINT64_C(1) << signal);
}

hv_status_t platform_sampling_write(uint32_t port, const void *message, uint64_t size)
{
	return hypike_sampling_write(port, message, size);
}

hv_status_t platform_sampling_read(uint32_t port, void *message, uint64_t room,
				   struct pv_sample *sample)
{
	struct hypike_sample found = {0};
	hv_status_t status = hypike_sampling_read(port, message, room, &found);

	*sample = (struct pv_sample){found.size, found.valid, found.age};
	return status;
}

hv_status_t platform_queuing_send(uint32_t port, const void *message, uint64_t size)
{
	return hypike_queuing_send(port, message, size, 0, HYPIKE_FIFO);
}

int64_t platform_queuing_receive(uint32_t port, void *message, uint64_t room)
{
	return hypike_queuing_receive(port, message, room, 0, HYPIKE_FIFO);
}

hv_status_t platform_queuing_clear(uint32_t port)
{
	return hypike_queuing_clear(port);
}

const char *platform_args(void)
{
	return hypike_info()->args;
}
