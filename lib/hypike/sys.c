/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hypike/sys.h over system calls. Calls that move a bounded piece are repeated here; deadlines go from
 * nanoseconds since boot to TSC values.
 */
#include <hypike/sys.h>

#include "lib/hypike/deadline.h"
#include "lib/hypike/program.h"
#include "lib/hypike/syscall.h"

void hypike_begin(const struct hypike_info *page);
void hypike_thread_begin(void); /* crt0.S */

static const struct hypike_info *info;

void hypike_begin(const struct hypike_info *page)
{
	info = page;
	hypike_exit(main());
}

const struct hypike_info *hypike_info(void)
{
	return info;
}

/* ---- time ---- */

static uint64_t hidden(void)
{
	return __atomic_load_n(&info->hidden, __ATOMIC_SEQ_CST);
}

/* The program may be away, and what is hidden grow, between any two instructions. */
static uint64_t visible_tsc(void)
{
	uint64_t before, tsc;

	do {
		before = hidden();
		tsc = __builtin_ia32_rdtsc();
	} while (hidden() != before);
	return tsc - before;
}

uint64_t hypike_time(void)
{
	uint64_t ticks = visible_tsc() - info->tsc_boot;

	return ticks / info->tsc_khz * NS_PER_MS +
	       ticks % info->tsc_khz * NS_PER_MS / info->tsc_khz;
}

hv_status_t hypike_plan_status(struct hypike_plan_status *status)
{
	return (hv_status_t)syscall1(SYS_PLAN_STATUS, word(status));
}

hv_status_t hypike_plan_set(uint32_t plan)
{
	return (hv_status_t)syscall1(SYS_PLAN_SET, plan);
}

/* ---- threads ---- */

void hypike_exit(int status)
{
	for (;;)
		syscall1(SYS_EXIT, (uint64_t)(int64_t)status);
}

hv_status_t hypike_thread_create(void (*entry)(void *), void *arg, void *stack, size_t stack_size,
				 uint32_t priority, uint32_t cpu, hypike_thread_t *thread)
{
	uint64_t top = (word(stack) + stack_size) & ~UINT64_C(15);
	void **slot = (void **)(uintptr_t)top;
	int64_t result;

	if (stack_size < 256)
		return HV_E_INVALID;
	/* What hypike_thread_begin() pops; CALL then leaves RSP as the ABI wants it. */
	slot[-1] = arg;
	slot[-2] = (void *)(uintptr_t)entry;
	result = syscall6(SYS_THREAD_CREATE, (uint64_t)(uintptr_t)hypike_thread_begin, 0,
			  word(&slot[-2]), priority, cpu, 0);
	if (result < 0)
		return (hv_status_t)result;
	if (thread != NULL)
		*thread = (hypike_thread_t)result;
	return HV_OK;
}

void hypike_thread_exit(void)
{
	for (;;)
		syscall1(SYS_THREAD_EXIT, 0);
}

hv_status_t hypike_thread_slice(hypike_thread_t thread, uint64_t ns)
{
	return (hv_status_t)syscall3(SYS_THREAD_SLICE, thread, ns, 0);
}

hv_status_t hypike_thread_priority(hypike_thread_t thread, uint32_t priority)
{
	return (hv_status_t)syscall3(SYS_THREAD_PRIORITY, thread, priority, 0);
}

hv_status_t hypike_thread_stop(hypike_thread_t thread)
{
	return (hv_status_t)syscall1(SYS_THREAD_STOP, thread);
}

hv_status_t hypike_thread_suspend(hypike_thread_t thread)
{
	return (hv_status_t)syscall1(SYS_THREAD_SUSPEND, thread);
}

hv_status_t hypike_thread_resume(hypike_thread_t thread)
{
	return (hv_status_t)syscall1(SYS_THREAD_RESUME, thread);
}

void hypike_yield(void)
{
	syscall1(SYS_YIELD, 0);
}

/* ---- waiting ---- */

/* Time that was hidden since the call began counts for nothing: there is some left to wait for. */
static bool too_early(hv_status_t status, uint64_t deadline)
{
	return status == HV_E_TIMEOUT && hidden() != 0 && hypike_time() < deadline;
}

hv_status_t hypike_futex_wait(const uint32_t *address, uint32_t expected, uint64_t deadline)
{
	hv_status_t status;

	do
		status = (hv_status_t)syscall3(SYS_FUTEX_WAIT, word(address), expected,
					       to_tsc(deadline));
	while (too_early(status, deadline));
	return status;
}

hv_status_t hypike_futex_wake(const uint32_t *address, uint32_t count)
{
	return (hv_status_t)syscall3(SYS_FUTEX_WAKE, word(address), count, 0);
}

hv_status_t hypike_notify(hypike_thread_t thread, uint64_t bits)
{
	return (hv_status_t)syscall3(SYS_NOTIFY, thread, bits, 0);
}

hv_status_t hypike_wait(uint64_t mask, uint64_t deadline, uint64_t *bits)
{
	hv_status_t status;

	do
		status = (hv_status_t)syscall3(SYS_WAIT, mask, to_tsc(deadline), word(bits));
	while (too_early(status, deadline));
	return status;
}

/* ---- console and other channels ---- */

hv_status_t hypike_channel_write(enum hypike_channel channel, const void *bytes, size_t size)
{
	const char *at = bytes;

	while (size > 0) {
		int64_t done = syscall3(SYS_CHANNEL_WRITE, channel, word(at), size);

		if (done < 0)
			return (hv_status_t)done;
		at += done;
		size -= (size_t)done;
	}
	return HV_OK;
}

int64_t hypike_channel_read(enum hypike_channel channel, void *bytes, size_t size)
{
	return syscall3(SYS_CHANNEL_READ, channel, word(bytes), size);
}

hv_status_t hypike_channel_bind(enum hypike_channel channel, hypike_thread_t thread, uint64_t bits)
{
	return (hv_status_t)syscall3(SYS_CHANNEL_BIND, channel, thread, bits);
}

hv_status_t hypike_console_write(const void *text, size_t size)
{
	return hypike_channel_write(HYPIKE_CHANNEL_CONSOLE, text, size);
}

int64_t hypike_console_read(void *text, size_t size)
{
	return hypike_channel_read(HYPIKE_CHANNEL_CONSOLE, text, size);
}

hv_status_t hypike_console_bind(hypike_thread_t thread, uint64_t bits)
{
	return hypike_channel_bind(HYPIKE_CHANNEL_CONSOLE, thread, bits);
}

hv_status_t hypike_shutdown(int status)
{
	return (hv_status_t)syscall1(SYS_SHUTDOWN, (uint64_t)(int64_t)status);
}
