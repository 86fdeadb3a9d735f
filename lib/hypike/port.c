/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hypike/sys.h: ports, shared memory and devices, over system calls.
 */
#include <hypike/sys.h>
#include <hypike/system.h>

#include "lib/hypike/deadline.h"
#include "lib/hypike/syscall.h"
#include "lib/string.h"

/* The kernel reads a whole name, as the system image has them. @return false: it is none */
static bool name_of(char padded[SYSTEM_NAME_SIZE], const char *name)
{
	size_t length = strnlen(name, SYSTEM_NAME_SIZE);

	memset(padded, 0, SYSTEM_NAME_SIZE);
	if (length == 0 || length == SYSTEM_NAME_SIZE)
		return false;
	memcpy(padded, name, length);
	return true;
}

/* ---- ports ---- */

hv_status_t hypike_port_open(const char *name, struct hypike_port_info *port)
{
	char padded[SYSTEM_NAME_SIZE];

	if (!name_of(padded, name))
		return HV_E_NOENT;
	return (hv_status_t)syscall3(SYS_PORT_OPEN, word(padded), word(port), 0);
}

hv_status_t hypike_port_status(hypike_port_t port, struct hypike_port_status *status)
{
	return (hv_status_t)syscall3(SYS_PORT_STATUS, port, word(status), 0);
}

hv_status_t hypike_port_bind(hypike_port_t port, hypike_thread_t thread, uint64_t bits)
{
	return (hv_status_t)syscall3(SYS_PORT_BIND, port, thread, bits);
}

hv_status_t hypike_sampling_write(hypike_port_t port, const void *message, size_t size)
{
	return (hv_status_t)syscall3(SYS_SAMPLING_WRITE, port, word(message), size);
}

hv_status_t hypike_sampling_read(hypike_port_t port, void *message, size_t size,
				 struct hypike_sample *sample)
{
	return (hv_status_t)syscall6(SYS_SAMPLING_READ, port, word(message), size, word(sample), 0,
				     0);
}

/* Without a wait there is nothing to convert: 0 is in the past in either scale. */
static uint64_t deadline_of(uint64_t ns)
{
	return ns == 0 ? 0 : to_tsc(ns);
}

hv_status_t hypike_queuing_send(hypike_port_t port, const void *message, size_t size,
				uint64_t deadline, enum hypike_discipline discipline)
{
	return (hv_status_t)syscall6(SYS_QUEUING_SEND, port, word(message), size,
				     deadline_of(deadline), discipline, 0);
}

int64_t hypike_queuing_receive(hypike_port_t port, void *message, size_t size, uint64_t deadline,
			       enum hypike_discipline discipline)
{
	return syscall6(SYS_QUEUING_RECEIVE, port, word(message), size, deadline_of(deadline),
			discipline, 0);
}

hv_status_t hypike_queuing_clear(hypike_port_t port)
{
	return (hv_status_t)syscall1(SYS_QUEUING_CLEAR, port);
}

/* ---- shared memory ---- */

hv_status_t hypike_shared_open(const char *name, struct hypike_shared *shared)
{
	char padded[SYSTEM_NAME_SIZE];

	if (!name_of(padded, name))
		return HV_E_NOENT;
	return (hv_status_t)syscall3(SYS_SHARED_OPEN, word(padded), word(shared), 0);
}

hv_status_t hypike_shared_notify(uint32_t region)
{
	return (hv_status_t)syscall1(SYS_SHARED_NOTIFY, region);
}

hv_status_t hypike_shared_bind(uint32_t region, hypike_thread_t thread, uint64_t bits)
{
	return (hv_status_t)syscall3(SYS_SHARED_BIND, region, thread, bits);
}

/* ---- devices ---- */

hv_status_t hypike_device_open(uint32_t number, struct hypike_device *device)
{
	return (hv_status_t)syscall3(SYS_DEVICE_OPEN, number, word(device), 0);
}

hv_status_t hypike_irq_bind(uint32_t number, hypike_thread_t thread, uint64_t bits)
{
	return (hv_status_t)syscall3(SYS_IRQ_BIND, number, thread, bits);
}

hv_status_t hypike_irq_done(uint32_t number)
{
	return (hv_status_t)syscall1(SYS_IRQ_DONE, number);
}
