/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/syscall.h"

#include "kernel/cpu.h"
#include "kernel/end.h"
#include "kernel/partition.h"
#include "kernel/user.h"

_Static_assert(SYS_COUNT == SYSCALL_COUNT, "layout.h");

/* C lets a function be called with more arguments than it takes only by a cast; the ABI does. */
#define CALL(fn) ((syscall_t)(void (*)(void))(fn))

static int64_t sys_unknown(void)
{
	return HV_E_UNSUPPORTED;
}

int64_t sys_exit(uint64_t status)
{
	partition_stop(partition_self(), (int)status);
	return HV_OK; /* the thread ends on its way to ring 3 */
}

int64_t sys_shutdown(uint64_t status)
{
	const struct partition *partition = partition_self();

	if (partition_count != 1 && (partition->config->flags & SYSTEM_PARTITION_INPUT) == 0)
		return HV_E_DENIED;
	end_machine((int)status);
}

void syscall_return_refused(uint64_t rip)
{
	host_log("partition %s: system call at the end of the address space (%lx)",
		 partition_self()->name, rip);
	partition_stop(partition_self(), 255);
	thread_finish();
}

const syscall_t syscall_table[SYS_COUNT] = {
	[SYS_EXIT] = CALL(sys_exit),
	[SYS_THREAD_CREATE] = CALL(sys_thread_create),
	[SYS_THREAD_EXIT] = CALL(sys_thread_exit),
	[SYS_THREAD_PRIORITY] = CALL(sys_thread_priority),
	[SYS_YIELD] = CALL(sys_yield),
	[SYS_FUTEX_WAIT] = CALL(sys_futex_wait),
	[SYS_FUTEX_WAKE] = CALL(sys_futex_wake),
	[SYS_NOTIFY] = CALL(sys_notify),
	[SYS_WAIT] = CALL(sys_wait),
	[SYS_CONSOLE_WRITE] = CALL(sys_console_write),
	[SYS_CONSOLE_READ] = CALL(sys_console_read),
	[SYS_CONSOLE_BIND] = CALL(sys_console_bind),
	[SYS_SHUTDOWN] = CALL(sys_shutdown),
	[SYS_SHUTDOWN + 1 ... SYS_COUNT - 1] = CALL(sys_unknown),
};
