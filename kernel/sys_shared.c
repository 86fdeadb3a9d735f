/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls about shared memory regions.
 */
#include "kernel/partition.h"
#include "kernel/shared.h"
#include "kernel/syscall.h"
#include "kernel/trace.h"
#include "kernel/user.h"

int64_t sys_shared_open(uint64_t name, uint64_t result)
{
	char wanted[SYSTEM_NAME_SIZE];
	struct hypike_shared shared;
	hv_status_t status;

	if (!user_read(wanted, name, sizeof(wanted)))
		return HV_E_FAULT;
	status = shared_open(partition_self(), wanted, &shared);
	if (status != HV_OK)
		return status;
	return user_write(result, &shared, sizeof(shared)) ? HV_OK : HV_E_FAULT;
}

int64_t sys_shared_notify(uint64_t number)
{
	const struct partition *partition = partition_self();
	struct share *share = shared_find(partition, number);

	if (share == NULL)
		return HV_E_NOENT;
	trace(TRACE_NOTIFY, partition->index, shared_region(share), 0);
	shared_notify(share);
	return HV_OK;
}

int64_t sys_shared_bind(uint64_t number, uint64_t thread, uint64_t bits)
{
	struct partition *partition = partition_self();
	struct share *share = shared_find(partition, number);

	if (share == NULL || thread >= partition->thread_limit ||
	    partition->threads[thread].state == THREAD_FREE)
		return HV_E_NOENT;
	shared_bind(share, bits != 0 ? &partition->threads[thread] : NULL, bits);
	return HV_OK;
}
