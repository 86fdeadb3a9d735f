/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hypike/hv_x86.h: CPUID tables, local APIC, breakpoints and FPU state, by way of the kernel's stack.
 */
#include "kernel/hv_handle.h"
#include "kernel/sys_hv.h"
#include "kernel/user.h"

#define APIC_REGISTERS 256u
#define FPU_MAX	       4096u /* larger than any host_fpu_size() */

static int64_t cpuid_get(struct vm *vm, uint64_t to, uint64_t count_at)
{
	struct hv_x86_cpuid rows[HV_X86_CPUID_ROWS];
	uint32_t room, count = HV_X86_CPUID_ROWS;
	hv_status_t status;

	if (!user_read(&room, count_at, sizeof(room)))
		return HV_E_FAULT;
	status = vm_cpuid_get(vm, rows, &count);
	if (status != HV_OK || count > HV_X86_CPUID_ROWS)
		return status != HV_OK ? status : HV_E_OVERFLOW;
	if (!user_write(to, rows, (room < count ? room : count) * sizeof(rows[0])) ||
	    !user_write(count_at, &count, sizeof(count)))
		return HV_E_FAULT;
	return room < count ? HV_E_FULL : HV_OK;
}

int64_t sys_hv_x86_cpuid_get(uint64_t handle, uint64_t rows, uint64_t count)
{
	HV_CALL(vm, vm, handle, cpuid_get(vm, rows, count));
}

int64_t sys_hv_x86_cpuid_set(uint64_t handle, uint64_t from, uint64_t count)
{
	struct hv_x86_cpuid rows[HV_X86_CPUID_ROWS];

	if (count > HV_X86_CPUID_ROWS)
		return HV_E_INVALID;
	if (!user_read(rows, from, count * sizeof(rows[0])))
		return HV_E_FAULT;
	HV_CALL(vm, vm, handle, vm_cpuid_set(vm, rows, (uint32_t)count));
}

static int64_t apic_get(struct vcpu *vcpu, uint64_t to)
{
	uint32_t registers[APIC_REGISTERS] = {0};
	hv_status_t status = vcpu_apic_get(vcpu, registers);

	if (status != HV_OK)
		return status;
	return user_write(to, registers, sizeof(registers)) ? HV_OK : HV_E_FAULT;
}

int64_t sys_hv_x86_apic_get(uint64_t handle, uint64_t to)
{
	HV_CALL(vcpu, vcpu, handle, apic_get(vcpu, to));
}

int64_t sys_hv_x86_apic_set(uint64_t handle, uint64_t from)
{
	uint32_t registers[APIC_REGISTERS];

	if (!user_read(registers, from, sizeof(registers)))
		return HV_E_FAULT;
	HV_CALL(vcpu, vcpu, handle, vcpu_apic_set(vcpu, registers));
}

static int64_t fpu_get(struct vcpu *vcpu, uint64_t to, uint64_t size)
{
	uint8_t area[FPU_MAX] __attribute__((aligned(64)));
	hv_status_t status = vcpu_fpu_get(vcpu, area, (uint32_t)size);

	if (status != HV_OK)
		return status;
	return user_write(to, area, size) ? HV_OK : HV_E_FAULT;
}

int64_t sys_hv_x86_fpu_get(uint64_t handle, uint64_t to, uint64_t size)
{
	if (size > host_fpu_size() || size > FPU_MAX)
		return HV_E_INVALID;
	HV_CALL(vcpu, vcpu, handle, fpu_get(vcpu, to, size));
}

int64_t sys_hv_x86_fpu_set(uint64_t handle, uint64_t from, uint64_t size)
{
	uint8_t area[FPU_MAX] __attribute__((aligned(64)));

	if (size > host_fpu_size() || size > FPU_MAX)
		return HV_E_INVALID;
	if (!user_read(area, from, size))
		return HV_E_FAULT;
	HV_CALL(vcpu, vcpu, handle, vcpu_fpu_set(vcpu, area, (uint32_t)size));
}

int64_t sys_hv_x86_debug_set(uint64_t handle, uint64_t from)
{
	struct hv_x86_debug debug;

	if (!user_read(&debug, from, sizeof(debug)))
		return HV_E_FAULT;
	HV_CALL(vcpu, vcpu, handle, vcpu_debug_set(vcpu, &debug));
}
