/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls that only pass their arguments on: 32-bit ones are checked for being so here.
 */
#include "kernel/sys_hv.h"

#include "kernel/hv_handle.h"
#include "kernel/trace.h"
#include "kernel/user.h"
#include "lib/hypike/hv_results.h"

static bool narrow(uint64_t a, uint64_t b)
{
	return ((a | b) >> 32) == 0;
}

int64_t sys_hv_query(uint64_t caps)
{
	struct hv_caps result = {0};

	if (!hv_available)
		return HV_E_UNSUPPORTED;
	driver_query(&result);
	return user_write(caps, &result, sizeof(result)) ? HV_OK : HV_E_FAULT;
}

/* ---- vCPUs ---- */

static hv_status_t run(const struct partition *partition, struct vcpu *vcpu, uint32_t index)
{
	hv_status_t status = vcpu_run(vcpu);

	if (status == HV_OK)
		trace(TRACE_EXIT, partition->index, partition->vcpu_pages[index]->exit.kind, index);
	return status;
}

int64_t sys_hv_vcpu_run(uint64_t handle)
{
	HV_CALL(vcpu, vcpu, handle, run(hv_partition, vcpu, (uint32_t)handle));
}

int64_t sys_hv_vcpu_kick(uint64_t handle)
{
	HV_CALL(vcpu, vcpu, handle, vcpu_kick(vcpu));
}

int64_t sys_hv_vcpu_get(uint64_t handle, uint64_t groups)
{
	if (!narrow(groups, 0))
		return HV_E_INVALID;
	HV_CALL(vcpu, vcpu, handle, vcpu_get(vcpu, (uint32_t)groups));
}

int64_t sys_hv_vcpu_reset(uint64_t handle)
{
	HV_CALL(vcpu, vcpu, handle, vcpu_reset(vcpu));
}

static int64_t translate(struct vcpu *vcpu, uint64_t from, uint64_t access, uint64_t result)
{
	struct hv_translation translation = {0};
	gpa_t to = {0};
	hv_status_t status =
		vcpu_translate(vcpu, gva(from), (uint32_t)access, &to, &translation.fault);

	translation.gpa = to.raw;
	return user_write(result, &translation, sizeof(translation)) ? status : HV_E_FAULT;
}

int64_t sys_hv_translate(uint64_t handle, uint64_t from, uint64_t access, uint64_t result)
{
	if (!narrow(access, 0))
		return HV_E_INVALID;
	HV_CALL(vcpu, vcpu, handle, translate(vcpu, from, access, result));
}

static int64_t stats_of(const struct vcpu *vcpu, uint64_t to)
{
	const struct partition *partition = partition_self();
	struct hv_stats stats = {0};

	vcpu_stats(vcpu, &stats);
	stats.host_pages = partition->pool.used - partition->own_pages;
	return user_write(to, &stats, sizeof(stats)) ? HV_OK : HV_E_FAULT;
}

int64_t sys_hv_vcpu_stats(uint64_t handle, uint64_t to)
{
	HV_CALL(vcpu, vcpu, handle, stats_of(vcpu, to));
}

/* ---- interrupts, traps ---- */

int64_t sys_hv_msi(uint64_t handle, uint64_t address, uint64_t data)
{
	if (!narrow(data, 0))
		return HV_E_INVALID;
	HV_CALL(vm, vm, handle, vm_msi(vm, address, (uint32_t)data));
}

int64_t sys_hv_trap_eoi(uint64_t handle, uint64_t vector, uint64_t on)
{
	if (!narrow(vector, on))
		return HV_E_INVALID;
	HV_CALL(vm, vm, handle, vm_trap_eoi(vm, (uint32_t)vector, on != 0));
}

int64_t sys_hv_trap_ports(uint64_t handle, uint64_t first, uint64_t count, uint64_t policy)
{
	if (!narrow(first, count) || policy > HV_PORT_ABSENT)
		return HV_E_INVALID;
	HV_CALL(vm, vm, handle,
		vm_trap_ports(vm, (uint32_t)first, (uint32_t)count, (enum hv_port_policy)policy));
}

int64_t sys_hv_trap_sysreg(uint64_t handle, uint64_t first, uint64_t count, uint64_t policy)
{
	if (!narrow(first, count) || policy > HV_SYSREG_FAULT)
		return HV_E_INVALID;
	HV_CALL(vm, vm, handle,
		vm_trap_sysreg(vm, (uint32_t)first, (uint32_t)count,
			       (enum hv_sysreg_policy)policy));
}

int64_t sys_hv_trap(uint64_t handle, uint64_t traps)
{
	HV_CALL(vm, vm, handle, vm_trap(vm, traps));
}

int64_t sys_hv_trap_exceptions(uint64_t handle, uint64_t vectors)
{
	if (!narrow(vectors, 0))
		return HV_E_INVALID;
	HV_CALL(vm, vm, handle, vm_trap_exceptions(vm, (uint32_t)vectors));
}

/* ---- doorbells ---- */

int64_t sys_hv_doorbell_add(uint64_t handle, uint64_t from)
{
	struct hv_doorbell bell;

	if (!user_read(&bell, from, sizeof(bell)))
		return HV_E_FAULT;
	HV_CALL(vm, vm, handle, vm_doorbell_add(vm, &bell));
}

int64_t sys_hv_doorbell_remove(uint64_t handle, uint64_t from)
{
	struct hv_doorbell bell;

	if (!user_read(&bell, from, sizeof(bell)))
		return HV_E_FAULT;
	HV_CALL(vm, vm, handle, vm_doorbell_remove(vm, &bell));
}

static int64_t bind(struct partition *partition, struct vm *vm, uint64_t index)
{
	if (index >= partition->thread_limit || partition->threads[index].state == THREAD_FREE)
		return HV_E_NOENT;
	/* struct host_thread is the driver's name for struct thread. */
	vm_set_signal(vm, (struct host_thread *)(void *)&partition->threads[index]);
	return HV_OK;
}

int64_t sys_hv_signal_bind(uint64_t handle, uint64_t index)
{
	HV_CALL(vm, vm, handle, bind(hv_partition, vm, index));
}
