/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file hv_handle.h
 * From handles to a partition's own VM and vCPUs.
 *
 * A call holds a reference while it is in the driver, so that another thread of the partition cannot
 * destroy the VM under it: hv_vm_destroy() is refused as long as there is one.
 */
#ifndef KERNEL_HV_HANDLE_H
#define KERNEL_HV_HANDLE_H

#include "hypervisor/driver.h"
#include "kernel/cpu.h"
#include "kernel/partition.h"

/** A partition's VM is handle 0: it has one. A vCPU's handle is its number in it. */
#define HV_VM_HANDLE 0u

static inline struct partition *hv_enter(void)
{
	struct partition *partition = cpu_self()->current->partition;

	__atomic_fetch_add(&partition->hv_calls, 1, __ATOMIC_SEQ_CST);
	return partition;
}

static inline int64_t hv_leave(struct partition *partition, int64_t result)
{
	__atomic_fetch_sub(&partition->hv_calls, 1, __ATOMIC_SEQ_CST);
	return result;
}

/** Between hv_enter() and hv_leave(). @return NULL: no such VM */
static inline struct vm *hv_vm(struct partition *partition, uint64_t handle)
{
	return handle == HV_VM_HANDLE ? __atomic_load_n(&partition->vm, __ATOMIC_SEQ_CST) : NULL;
}

/** Between hv_enter() and hv_leave(). @return NULL: no such vCPU */
static inline struct vcpu *hv_vcpu(struct partition *partition, uint64_t handle)
{
	return handle < HV_MAX_VCPUS
		       ? __atomic_load_n(&partition->vcpus[handle], __ATOMIC_SEQ_CST)
		       : NULL;
}

/**
 * Body of a call on a VM or vCPU: `expression` uses the variable `name`.
 */
#define HV_CALL(kind, name, handle, expression)                                                    \
	do {                                                                                       \
		struct partition *hv_partition = hv_enter();                                       \
		struct kind *name = hv_##kind(hv_partition, handle);                               \
                                                                                                   \
		return hv_leave(hv_partition, name != NULL ? (expression) : HV_E_NOENT);           \
	} while (0)

#endif
