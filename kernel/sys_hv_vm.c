/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Creating and destroying VMs and vCPUs.
 */
#include "kernel/address.h"
#include "kernel/hv_handle.h"
#include "kernel/options.h"
#include "kernel/paging.h"
#include "kernel/smp.h"
#include "kernel/sys_hv.h"
#include "kernel/user.h"
#include "kernel/x86.h"

/* ---- the driver ---- */

static const char *missing; /* what a CPU lacks */
bool hv_available;

static void init_cpu(void *arg)
{
	const char *reason = NULL;

	(void)arg;
	if (driver_cpu_init(&reason) != HV_OK)
		__atomic_store_n(&missing, reason != NULL ? reason : "virtualization failed to start",
				 __ATOMIC_SEQ_CST);
}

const char *hv_init(void)
{
	const char *reason = NULL;

	if (driver_init(&options.driver, &reason) != HV_OK)
		return reason != NULL ? reason : "this CPU cannot run virtual machines";
	host_on_each_cpu(init_cpu, NULL);
	hv_available = missing == NULL;
	return missing;
}

void hv_exit_cpu(void)
{
	if (hv_available)
		driver_cpu_exit();
}

/* Creating and destroying exclude each other. Nobody waits: the one who holds it waits for CPUs. */
static bool begin(struct partition *partition)
{
	return !__atomic_exchange_n(&partition->hv_busy, true, __ATOMIC_SEQ_CST);
}

static int64_t end(struct partition *partition, int64_t result)
{
	__atomic_store_n(&partition->hv_busy, false, __ATOMIC_SEQ_CST);
	return result;
}

/* ---- VMs ---- */

static int64_t create(struct partition *partition, const struct hv_vm_params *params)
{
	struct vm *vm = NULL;
	hv_status_t status;

	if (partition->vm != NULL || params->vcpus > partition->config->vcpu_limit)
		return HV_E_DENIED;
	status = vm_create(&partition->pool, params, &vm);
	if (status != HV_OK)
		return status;
	__atomic_store_n(&partition->vm, vm, __ATOMIC_SEQ_CST);
	return HV_VM_HANDLE;
}

int64_t sys_hv_vm_create(uint64_t from)
{
	struct partition *partition = partition_self();
	struct hv_vm_params params;

	if (!hv_available)
		return HV_E_UNSUPPORTED;
	if (partition->config->kind != SYSTEM_PARTITION_VMM)
		return HV_E_DENIED;
	if (!user_read(&params, from, sizeof(params)))
		return HV_E_FAULT;
	return begin(partition) ? end(partition, create(partition, &params)) : HV_E_BUSY;
}

/* ---- vCPUs ---- */

static uint64_t page_address(uint64_t index)
{
	return USER_VCPUS + index * HV_PAGE_SIZE;
}

static int64_t create_vcpu(struct partition *partition, uint64_t handle, uint32_t index)
{
	struct vm *vm = hv_vm(partition, handle);
	struct hv_vcpu_page *page = NULL;
	struct vcpu *vcpu = NULL;
	hv_status_t status;

	if (vm == NULL)
		return HV_E_NOENT;
	status = vcpu_create(vm, index, &vcpu, &page);
	if (status != HV_OK)
		return status;
	paging_set_page(partition->root, page_address(index), virt_to_phys(page),
			MAP_USER | MAP_WRITE);
	partition->vcpu_pages[index] = page;
	__atomic_store_n(&partition->vcpus[index], vcpu, __ATOMIC_SEQ_CST);
	return index;
}

int64_t sys_hv_vcpu_create(uint64_t handle, uint64_t index, uint64_t to)
{
	struct partition *partition = partition_self();
	uint64_t address = page_address(index);

	if (index >= HV_MAX_VCPUS)
		return HV_E_INVALID;
	if (!user_write(to, &address, sizeof(address)))
		return HV_E_FAULT;
	return begin(partition) ? end(partition, create_vcpu(partition, handle, (uint32_t)index))
				: HV_E_BUSY;
}

/* ---- destroying ---- */

/* Ring 3 must have lost sight of the shared pages, on all CPUs, before the driver frees them. */
static void forget_pages(void *arg)
{
	(void)arg;
	for (uint64_t i = 0; i < HV_MAX_VCPUS; i++)
		x86_invlpg(page_address(i));
}

static void unmap_pages(struct partition *partition)
{
	for (uint64_t i = 0; i < HV_MAX_VCPUS; i++)
		paging_set_page(partition->root, page_address(i), 0, 0);
	host_on_each_cpu(forget_pages, NULL);
}

static void forget_handles(struct partition *partition)
{
	__atomic_store_n(&partition->vm, NULL, __ATOMIC_SEQ_CST);
	for (uint32_t i = 0; i < HV_MAX_VCPUS; i++)
		__atomic_store_n(&partition->vcpus[i], NULL, __ATOMIC_SEQ_CST);
}

/* No other call may be in the driver; new ones find no handle from here on. */
static int64_t destroy(struct partition *partition, uint64_t handle)
{
	struct vm *vm = hv_vm(partition, handle);
	struct vcpu *vcpus[HV_MAX_VCPUS];
	hv_status_t status;

	if (vm == NULL)
		return HV_E_NOENT;
	__builtin_memcpy(vcpus, partition->vcpus, sizeof(vcpus));
	forget_handles(partition);
	if (__atomic_load_n(&partition->hv_calls, __ATOMIC_SEQ_CST) != 0) {
		__builtin_memcpy(partition->vcpus, vcpus, sizeof(vcpus));
		__atomic_store_n(&partition->vm, vm, __ATOMIC_SEQ_CST);
		return HV_E_BUSY;
	}
	unmap_pages(partition);
	status = vm_destroy(vm);
	/* Nothing runs, so it cannot be busy; a VM half destroyed is nobody's any more. */
	return status;
}

int64_t sys_hv_vm_destroy(uint64_t handle)
{
	struct partition *partition = partition_self();

	return begin(partition) ? end(partition, destroy(partition, handle)) : HV_E_BUSY;
}

/* Threads that ended in the driver never left it; what they did there was done in whole steps. */
void hv_partition_reset(struct partition *partition)
{
	struct vm *vm = partition->vm;

	partition->hv_calls = 0;
	partition->hv_busy = false;
	if (vm == NULL)
		return;
	forget_handles(partition);
	unmap_pages(partition);
	vm_abandon(vm);
	vm_destroy(vm);
}
