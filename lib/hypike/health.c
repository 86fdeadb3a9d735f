/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hypike/sys.h: partitions, and the health monitor, over system calls.
 */
#include <hypike/sys.h>

#include "lib/hypike/syscall.h"

hv_status_t hypike_partition_status(uint32_t partition, struct hypike_partition_status *status)
{
	return (hv_status_t)syscall3(SYS_PARTITION_STATUS, partition, word(status), 0);
}

hv_status_t hypike_partition_control(uint32_t partition, enum hypike_control what)
{
	return (hv_status_t)syscall3(SYS_PARTITION_CONTROL, partition, what, 0);
}

hv_status_t hypike_health_raise(uint32_t error, const void *message, size_t size)
{
	return (hv_status_t)syscall3(SYS_HEALTH_RAISE, error, word(message), size);
}

hv_status_t hypike_health_bind(hypike_thread_t thread, uint64_t bits)
{
	return (hv_status_t)syscall3(SYS_HEALTH_BIND, thread, bits, 0);
}

hv_status_t hypike_health_take(struct hypike_fault *fault)
{
	return (hv_status_t)syscall1(SYS_HEALTH_TAKE, word(fault));
}

hv_status_t hypike_health_log(uint64_t number, struct hypike_health_entry *entry)
{
	return (hv_status_t)syscall3(SYS_HEALTH_LOG, number, word(entry), 0);
}

void hypike_alive(void)
{
	syscall1(SYS_ALIVE, 0);
}
