/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/health.h"

#include "kernel/cpu.h"
#include "kernel/end.h"
#include "kernel/health_table.h"
#include "kernel/partition.h"
#include "kernel/trace.h"
#include "kernel/window.h"
#include "vmm/status.h"

#define HALT_STATUS 126 /* of a machine that the health monitor halts */

static const char *const error_names[SYSTEM_ERROR_COUNT] = {
	[SYSTEM_ERROR_DEADLINE_MISSED] = "deadline missed",
	[SYSTEM_ERROR_APPLICATION] = "application error",
	[SYSTEM_ERROR_NUMERIC] = "numeric error",
	[SYSTEM_ERROR_ILLEGAL_REQUEST] = "illegal request",
	[SYSTEM_ERROR_STACK_OVERFLOW] = "stack overflow",
	[SYSTEM_ERROR_MEMORY_VIOLATION] = "memory violation",
	[SYSTEM_ERROR_HARDWARE_FAULT] = "hardware fault",
	[SYSTEM_ERROR_POWER_FAIL] = "power failure",
	[SYSTEM_ERROR_INSTRUCTION] = "illegal instruction",
	[SYSTEM_ERROR_GUEST_FAULT] = "guest fault",
	[SYSTEM_ERROR_VMM_FAULT] = "VMM fault",
	[SYSTEM_ERROR_HANG] = "hang",
	[SYSTEM_ERROR_PARTITION_INIT] = "partition not started",
	[SYSTEM_ERROR_WINDOW_LATE] = "late window",
	[SYSTEM_ERROR_PORT_OVERFLOW] = "port overflow",
	[SYSTEM_ERROR_NMI] = "NMI",
	[SYSTEM_ERROR_EXIT] = "exit",
};

static const char *const action_names[SYSTEM_ACTION_COUNT] = {
	[SYSTEM_ACTION_IGNORE] = "ignore",
	[SYSTEM_ACTION_LOG] = "log",
	[SYSTEM_ACTION_NOTIFY] = "notify",
	[SYSTEM_ACTION_RESTART_WARM] = "warm restart",
	[SYSTEM_ACTION_RESTART_COLD] = "cold restart",
	[SYSTEM_ACTION_STOP] = "stop",
	[SYSTEM_ACTION_SWITCH_PLAN] = "switch plan",
	[SYSTEM_ACTION_HALT_MODULE] = "halt module",
	[SYSTEM_ACTION_RESTART_MODULE] = "restart module",
};

const char *health_error_name(uint32_t error)
{
	return error < SYSTEM_ERROR_COUNT && error_names[error] != NULL ? error_names[error]
									 : "unknown error";
}

const char *health_action_name(uint32_t action)
{
	return action < SYSTEM_ACTION_COUNT && action_names[action] != NULL ? action_names[action]
									     : "unknown action";
}

void health_init(const struct system_image *image)
{
	health_table_init(image);
}

/* What the partition's last status says where an error ended it: a program's own, else one that tells
 * the error; a processor exception has 128 plus the vector (trap.c). */
static int status_of(uint32_t error, uint64_t detail)
{
	return error == SYSTEM_ERROR_EXIT || error == SYSTEM_ERROR_PARTITION_INIT ||
			       error == SYSTEM_ERROR_VMM_FAULT || error == SYSTEM_ERROR_GUEST_FAULT
		       ? (int)(detail & 0xff)
		       : 160 + (int)error;
}

static void act(uint32_t partition, uint32_t error, uint32_t action, uint32_t argument,
		uint64_t detail)
{
	switch (action) {
	case SYSTEM_ACTION_STOP:
		partition_stop(&partitions[partition], status_of(error, detail));
		break;
	case SYSTEM_ACTION_RESTART_WARM:
	case SYSTEM_ACTION_RESTART_COLD:
		partition_restart(&partitions[partition],
				  action == SYSTEM_ACTION_RESTART_WARM ? PARTITION_WARM
								       : PARTITION_COLD,
				  status_of(error, detail), HYPIKE_START_HEALTH);
		break;
	case SYSTEM_ACTION_SWITCH_PLAN:
		window_request_plan(argument);
		break;
	case SYSTEM_ACTION_HALT_MODULE:
		end_machine(HALT_STATUS);
	default:
		break;
	}
}

static void tell(uint32_t partition, uint32_t error, uint32_t action, uint64_t address,
		 uint64_t detail)
{
	const char *name = partition < partition_count ? partitions[partition].name : "module";

	host_log("health: %s: %s at %lx (%lx): %s", name, health_error_name(error), address,
		 detail, health_action_name(action));
}

void health_report(uint32_t partition, uint32_t error, uint32_t thread, uint64_t address,
		   uint64_t detail)
{
	uint32_t argument;
	uint32_t action = health_table_take(partition, error, &argument);

	(void)thread;
	trace(TRACE_HEALTH, partition < partition_count ? partition : TRACE_NO_PARTITION,
	      (uint64_t)error << 32 | action, (uint32_t)detail);
	if (action == SYSTEM_ACTION_IGNORE)
		return;
	if (error != SYSTEM_ERROR_EXIT || !health_table_default(partition, error))
		tell(partition, error, action, address, detail);
	act(partition, error, action, argument, detail);
}

/* ---- what a program itself gives rise to ---- */

hv_status_t health_denied(void)
{
	const struct thread *self = cpu_self()->current;

	health_report(self->partition->index, SYSTEM_ERROR_ILLEGAL_REQUEST, self->index, 0, 0);
	return HV_E_DENIED;
}

/* What a VMM's status says (vmm/status.h); those that aren't here are the guest's or user's wish. */
static const uint8_t vmm_errors[] = {
	[VMM_STATUS_OPTIONS - VMM_STATUS_OPTIONS] = SYSTEM_ERROR_PARTITION_INIT,
	[VMM_STATUS_MEMORY - VMM_STATUS_OPTIONS] = SYSTEM_ERROR_PARTITION_INIT,
	[VMM_STATUS_LOAD - VMM_STATUS_OPTIONS] = SYSTEM_ERROR_PARTITION_INIT,
	[VMM_STATUS_HYPERVISOR - VMM_STATUS_OPTIONS] = SYSTEM_ERROR_VMM_FAULT,
	[VMM_STATUS_TRIPLE_FAULT - VMM_STATUS_OPTIONS] = SYSTEM_ERROR_GUEST_FAULT,
	[VMM_STATUS_HALTED - VMM_STATUS_OPTIONS] = SYSTEM_ERROR_GUEST_FAULT,
	[VMM_STATUS_EMULATION - VMM_STATUS_OPTIONS] = SYSTEM_ERROR_GUEST_FAULT,
};

static uint32_t error_of_exit(const struct partition *partition, int status)
{
	uint32_t reason = (uint32_t)status - VMM_STATUS_OPTIONS;

	if (partition->config->kind != SYSTEM_PARTITION_VMM || status < VMM_STATUS_OPTIONS ||
	    reason >= sizeof(vmm_errors) || vmm_errors[reason] == 0)
		return SYSTEM_ERROR_EXIT;
	return vmm_errors[reason];
}

void health_exit(int status)
{
	const struct thread *self = cpu_self()->current;
	const struct partition *partition = self->partition;
	uint32_t error = error_of_exit(partition, status);

	health_report(partition->index, error, self->index, 0, (uint64_t)status);
}
