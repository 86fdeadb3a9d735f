/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls about partitions: how they are, stopping and starting them.
 */
#include "kernel/cpu.h"
#include "kernel/health.h"
#include "kernel/partition.h"
#include "kernel/syscall.h"
#include "kernel/user.h"
#include "lib/string.h"

/* The partition of that number, if the caller may look at it or control it. */
static hv_status_t find(uint64_t index, struct partition **partition)
{
	struct partition *self = partition_self();

	if (index != self->index && (self->config->flags & SYSTEM_PARTITION_MAY_CONTROL) == 0)
		return health_denied();
	if (index >= partition_count)
		return HV_E_NOENT;
	*partition = &partitions[index];
	return HV_OK;
}

static const uint32_t states[] = {
	[PARTITION_IDLE] = HYPIKE_IDLE,
	[PARTITION_STARTING] = HYPIKE_RESTARTING,
	[PARTITION_RUNNING] = HYPIKE_RUNNING,
	[PARTITION_STOPPING] = HYPIKE_STOPPING,
};

static uint32_t state_of(const struct partition *partition)
{
	if (partition->state == PARTITION_STOPPING && partition->next != PARTITION_STAYS)
		return HYPIKE_RESTARTING;
	return states[partition->state];
}

int64_t sys_partition_status(uint64_t index, uint64_t to)
{
	struct hypike_partition_status status = {0};
	struct partition *partition;
	hv_status_t result = find(index, &partition);

	if (result != HV_OK)
		return result;
	memcpy(status.name, partition->name, sizeof(status.name));
	status.flags = partition->config->flags;
	host_lock(&partition->lock);
	status.state = state_of(partition);
	status.restarts = partition->starts != 0 ? partition->starts - 1 : 0;
	status.status = partition->status;
	host_unlock(&partition->lock);
	return user_write(to, &status, sizeof(status)) ? HV_OK : HV_E_FAULT;
}

#define CONTROL_STATUS 0 /* of a partition that was stopped by a call */

static void control(struct partition *partition, uint64_t what)
{
	enum hypike_start start =
		partition == partition_self() ? HYPIKE_START_SELF : HYPIKE_START_NORMAL;

	if (what == HYPIKE_STOP)
		partition_stop(partition, CONTROL_STATUS);
	else
		partition_restart(partition,
				  what == HYPIKE_RESTART_WARM ? PARTITION_WARM : PARTITION_COLD,
				  CONTROL_STATUS, start);
}

int64_t sys_partition_control(uint64_t index, uint64_t what)
{
	struct partition *partition;
	hv_status_t result = find(index, &partition);

	if (result != HV_OK)
		return result;
	if (what < HYPIKE_STOP || what > HYPIKE_RESTART_COLD)
		return HV_E_INVALID;
	control(partition, what);
	return HV_OK; /* to one that ends itself, on its way to its end */
}
