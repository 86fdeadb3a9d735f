/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls about devices. Ports need none.
 */
#include "kernel/device.h"
#include "kernel/partition.h"
#include "kernel/syscall.h"
#include "kernel/user.h"

int64_t sys_device_open(uint64_t number, uint64_t result)
{
	struct hypike_device device;
	hv_status_t status = device_open(partition_self(), number, &device);

	if (status == HV_OK && !user_write(result, &device, sizeof(device)))
		status = HV_E_FAULT;
	return status;
}

int64_t sys_irq_bind(uint64_t number, uint64_t thread, uint64_t bits)
{
	struct partition *partition = partition_self();
	const struct system_device *device = device_find(partition, number);

	if (device == NULL)
		return HV_E_RANGE;
	if (thread >= partition->thread_limit || partition->threads[thread].state == THREAD_FREE)
		return HV_E_NOENT;
	return device_irq_bind(device, bits != 0 ? &partition->threads[thread] : NULL, bits);
}

int64_t sys_irq_done(uint64_t number)
{
	const struct system_device *device = device_find(partition_self(), number);

	return device != NULL ? device_irq_done(device) : HV_E_RANGE;
}
