/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls about time: the plan.
 */
#include "kernel/health.h"
#include "kernel/partition.h"
#include "kernel/syscall.h"
#include "kernel/user.h"
#include "kernel/window.h"

int64_t sys_plan_status(uint64_t to)
{
	struct hypike_plan_status status;

	window_status(partition_self(), &status);
	return user_write(to, &status, sizeof(status)) ? HV_OK : HV_E_FAULT;
}

/** @req KRN-106 Only a partition with that right chooses the plan. */
int64_t sys_plan_set(uint64_t plan)
{
	if ((partition_self()->config->flags & SYSTEM_PARTITION_MAY_PLAN) == 0)
		return health_denied();
	return plan <= UINT32_MAX ? window_request_plan((uint32_t)plan) : HV_E_NOENT;
}
