/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control of the running machine by the program that the VMM is in (hypike/vmm.h), from any thread: what the
 * console's command keys do, pausing, statistics, and somebody who is attached to the console.
 *
 * @req VMM-612 A program that embeds the VMM can press the machine's power button, end, reset and pause it, read
 *              its statistics, and attach to its console, while it runs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <hypike/vmm.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "vmm/escape.h"
#include "vmm/main.h"
#include "vmm/platform/linux/events.h"
#include "vmm/platform/linux/linux.h"
#include "vmm/summary.h"
#include "vmm/vm.h"

static const char not_running[] = "the machine doesn't run";

/** @return the VM, with its lock held; or NULL, where none runs. */
static struct vm *take(void)
{
	struct vm *vm = vmm_running();

	if (vm == NULL)
		return NULL;
	platform_mutex_lock(&vm->lock);
	if (!vm->stopped)
		return vm;
	platform_mutex_unlock(&vm->lock);
	return NULL;
}

/** What a key behind the console's escape does. */
static const char *command(char key)
{
	struct vm *vm = take();

	if (vm == NULL)
		return not_running;
	escape_key(vm, (uint32_t)key);
	platform_mutex_unlock(&vm->lock);
	return NULL;
}

const char *hypike_vmm_power_button(void)
{
	return command('p');
}

const char *hypike_vmm_end(void)
{
	return command('q');
}

const char *hypike_vmm_reset(void)
{
	return command('z');
}

/* --------------------------------------------------------------------------------------- pausing */

static uint64_t tsc_stopped;

static uint64_t rdtsc(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

static uint64_t pause_over(void)
{
	if (!linux_time_stands())
		return 0;
	linux_time_go();
	platform_wake(); /* its timer is to be set again */
	return rdtsc() - tsc_stopped;
}

/** How long vCPUs may take to leave the guest, and their thread to get a CPU. */
#define PARK_TRIES 2000
#define PARK_NS	   1000000

/** With the lock held, which is given up meanwhile. @return false: it wasn't done, or the VM has ended. */
static bool wait_until_parked(struct vm *vm)
{
	const struct timespec while_ = {.tv_nsec = PARK_NS};

	for (int i = 0; i < PARK_TRIES && vm->debug.pause_over; i++) {
		if (debug_paused(vm))
			return true;
		platform_mutex_unlock(&vm->lock);
		clock_nanosleep(CLOCK_MONOTONIC, 0, &while_, NULL);
		platform_mutex_lock(&vm->lock);
	}
	return false;
}

const char *hypike_vmm_pause(void)
{
	struct vm *vm = take();
	const char *why = NULL;

	if (vm == NULL)
		return not_running;
	if (!vm->debug.pause_over) {
		debug_pause(vm, pause_over);
		if (wait_until_parked(vm)) {
			console_flush(&vm->console); /* its timer is about to stand */
			tsc_stopped = rdtsc();
			linux_time_stop();
			platform_wake();
		} else {
			debug_unpause(vm);
			why = "it cannot be stopped now";
		}
	}
	platform_mutex_unlock(&vm->lock);
	return why;
}

const char *hypike_vmm_resume(void)
{
	struct vm *vm = take();

	if (vm == NULL)
		return not_running;
	debug_unpause(vm);
	platform_mutex_unlock(&vm->lock);
	return NULL;
}

/* --------------------------------------------------------------------------------------- looking */

void hypike_vmm_info(struct hypike_vmm_info *info)
{
	struct vm *vm = vmm_running();

	*info = (struct hypike_vmm_info){.state = HYPIKE_VMM_STARTING};
	if (vm == NULL)
		return;
	platform_mutex_lock(&vm->lock);
	info->state = vm->stopped && !vm->restarting ? HYPIKE_VMM_ENDED
		      : vm->debug.pause_over	     ? HYPIKE_VMM_PAUSED
						     : HYPIKE_VMM_RUNNING;
	info->vcpus = vm->vcpu_count;
	info->memory = vm->ram_size;
	platform_mutex_unlock(&vm->lock);
}

static void note_device(void *ctx, const struct counted *counted)
{
	struct hypike_vmm_stats *stats = ctx;
	struct hypike_vmm_device *device = &stats->device[stats->devices];

	if (stats->devices == HYPIKE_VMM_DEVICES)
		return;
	stats->devices++;
	summary_device_name(counted, device->name, sizeof(device->name));
	device->counters = counted->counters;
	for (unsigned int i = 0; i < counted->counters; i++) {
		device->counter[i].name = counted->counter[i].name;
		device->counter[i].value = counted->counter[i].value;
	}
}

const char *hypike_vmm_stats(struct hypike_vmm_stats *stats)
{
	struct vm *vm = take();
	struct hv_stats sum;

	_Static_assert(HV_EXIT_KINDS <= HYPIKE_VMM_EXIT_KINDS, "room");
	_Static_assert(COUNTERS_MOST == HYPIKE_VMM_COUNTERS, "as many");
	if (vm == NULL)
		return not_running;
	const bool known = summary_collect(vm, &sum);
	const uint64_t now = platform_time();
	*stats = (struct hypike_vmm_stats){.kinds = HV_EXIT_KINDS,
					   .entries = sum.entries,
					   .injected = sum.injected,
					   .resets = vm->restarts,
					   .time_ns = now - vm->started,
					   .first_ns = vm->entered - vm->started};
	counters_each(vm, note_device, stats);
	platform_mutex_unlock(&vm->lock);
	for (unsigned int i = 0; i < HV_EXIT_KINDS; i++)
		stats->exits[i] = (struct hypike_vmm_exits){summary_exit_name(i), sum.settled[i],
							    sum.handed[i]};
	return known ? NULL : "there are no statistics";
}

/* --------------------------------------------------------------------------------- on the console */

static struct {
	struct platform_mutex lock;
	int fd;
} attached = {.fd = -1};

static void let_go(void)
{
	if (attached.fd >= 0)
		close(attached.fd);
	attached.fd = -1;
}

const char *hypike_vmm_console_attach(int fd)
{
	struct vm *vm = take();

	if (vm == NULL)
		return not_running;
	platform_mutex_unlock(&vm->lock);
	platform_mutex_lock(&attached.lock);
	let_go();
	attached.fd = fd;
	const bool watched = events_console_watch(fd);
	if (!watched)
		attached.fd = -1;
	platform_mutex_unlock(&attached.lock);
	return watched ? NULL : "it cannot be waited for";
}

/** From any thread, also one that may not close: an end is found by who reads. */
void linux_attached_write(const void *text, size_t size)
{
	platform_mutex_lock(&attached.lock);
	if (attached.fd >= 0)
		send(attached.fd, text, size, MSG_NOSIGNAL | MSG_DONTWAIT);
	platform_mutex_unlock(&attached.lock);
}

size_t linux_attached_read(void *text, size_t size)
{
	ssize_t n = 0;

	platform_mutex_lock(&attached.lock);
	if (attached.fd >= 0) {
		n = recv(attached.fd, text, size, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			let_go();
	}
	platform_mutex_unlock(&attached.lock);
	return n > 0 ? (size_t)n : 0;
}
