/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls about the health monitor.
 */
#include "kernel/cpu.h"
#include "kernel/health.h"
#include "kernel/health_notify.h"
#include "kernel/partition.h"
#include "kernel/syscall.h"
#include "kernel/user.h"
#include "kernel/watchdog.h"

/* A program may report anything that can happen in it, and nothing of the machine. */
static bool may_raise(uint64_t error)
{
	return error != 0 && error < SYSTEM_ERROR_COUNT && error != SYSTEM_ERROR_NMI &&
	       error != SYSTEM_ERROR_POWER_FAIL && error != SYSTEM_ERROR_WINDOW_LATE;
}

int64_t sys_health_raise(uint64_t error, uint64_t message, uint64_t size)
{
	const struct thread *self = cpu_self()->current;
	char text[HYPIKE_MESSAGE_MAX];
	const struct health_event event = {
		.partition = self->partition->index,
		.error = (uint32_t)error,
		.thread = self->index,
		.status = 160 + (int)error,
		.message = text,
		.size = (uint32_t)size,
	};

	if (!may_raise(error) || size > sizeof(text))
		return HV_E_INVALID;
	if (!user_read(text, message, size))
		return HV_E_FAULT;
	health_event(&event);
	return HV_OK;
}

int64_t sys_health_bind(uint64_t index, uint64_t bits)
{
	struct partition *partition = partition_self();

	if (index >= partition->thread_limit || partition->threads[index].state == THREAD_FREE)
		return HV_E_NOENT;
	health_bind(partition, &partition->threads[index], bits);
	return HV_OK;
}

int64_t sys_health_take(uint64_t to)
{
	struct hypike_fault fault = {0};

	/* A fault must not be lost to a bad address: try it first. */
	if (!user_write(to, &fault, sizeof(fault)))
		return HV_E_FAULT;
	if (!health_take(partition_self(), &fault))
		return HV_E_STATE;
	user_write(to, &fault, sizeof(fault));
	return HV_OK;
}

int64_t sys_health_log(uint64_t number, uint64_t to)
{
	struct hypike_health_entry entry;

	if ((partition_self()->config->flags & SYSTEM_PARTITION_MAY_CONTROL) == 0)
		return health_denied();
	if (!health_read(number, &entry))
		return HV_E_RANGE;
	return user_write(to, &entry, sizeof(entry)) ? HV_OK : HV_E_FAULT;
}

int64_t sys_alive(void)
{
	watchdog_alive(partition_self());
	return HV_OK;
}
