/* SPDX-License-Identifier: BSD-2-Clause */
/** @file vm.c Virtual machines: creation, memory, handlers. */
#include "hypervisor/core/core.h"
#include "hypervisor/x86/gpt.h"
#include "hypervisor/x86/vendor.h"

static unsigned int pages_of(uint64_t size)
{
	return (unsigned int)((size + HV_PAGE_MASK) >> HV_PAGE_SHIFT);
}

void *pool_alloc(struct host_pool *pool, uint64_t size)
{
	return host_pages_alloc(pool, pages_of(size));
}

void pool_free(struct host_pool *pool, void *p, uint64_t size)
{
	if (p)
		host_pages_free(pool, p, pages_of(size));
}

static hv_status_t vm_build(struct vm *vm)
{
	hv_status_t status = npt_init(&vm->npt, vendor->npt_format, vm->pool);

	if (status != HV_OK)
		return status;
	status = arch_vm_init(vm);
	if (status != HV_OK)
		npt_exit(&vm->npt);
	return status;
}

/** @req HV-001 A VM takes all host memory it needs from the pool given at its creation. */
hv_status_t vm_create(struct host_pool *pool, const struct hv_vm_params *params, struct vm **out)
{
	if (params->vcpus == 0 || params->vcpus > HV_MAX_VCPUS || params->flags != 0)
		return HV_E_INVALID;
	if (params->traps >> HV_X86_INSNS)
		return HV_E_INVALID;
	struct vm *vm = pool_alloc(pool, sizeof(*vm));

	if (!vm)
		return HV_E_NOMEM;
	vm->pool = pool;
	vm->vcpu_limit = params->vcpus;
	vm->traps = params->traps;
	const hv_status_t status = vm_build(vm);

	if (status != HV_OK)
		pool_free(pool, vm, sizeof(*vm));
	else
		*out = vm;
	return status;
}

hv_status_t vm_destroy(struct vm *vm)
{
	if (__atomic_load_n(&vm->running, __ATOMIC_ACQUIRE) != 0)
		return HV_E_BUSY;
	for (uint32_t i = 0; i < HV_MAX_VCPUS; i++) {
		struct vcpu *const vcpu = vm->vcpu[i];

		if (!vcpu)
			continue;
		arch_vcpu_exit(vcpu);
		pool_free(vm->pool, vcpu->page, HV_PAGE_SIZE);
		pool_free(vm->pool, vcpu, sizeof(*vcpu));
	}
	arch_vm_exit(vm);
	npt_exit(&vm->npt);
	pool_free(vm->pool, vm, sizeof(*vm));
	return HV_OK;
}

void vm_abandon(struct vm *vm)
{
	__atomic_store_n(&vm->running, 0, __ATOMIC_RELEASE);
}

void vm_set_signal(struct vm *vm, struct host_thread *thread)
{
	__atomic_store_n(&vm->signal, thread, __ATOMIC_RELEASE);
}

hv_status_t vm_set_handler(struct vm *vm, enum hv_exit_kind kind, driver_handler_t handler,
			   void *arg)
{
	if ((unsigned int)kind >= HV_EXIT_KINDS)
		return HV_E_INVALID;
	if (__atomic_load_n(&vm->running, __ATOMIC_ACQUIRE) != 0)
		return HV_E_BUSY;
	if (vm->handler[kind].fn != NULL)
		vm->handlers--;
	if (handler != NULL)
		vm->handlers++;
	vm->handler[kind].arg = arg;
	vm->handler[kind].fn = handler;
	return HV_OK;
}

void vm_post_all(struct vm *vm, uint32_t work)
{
	for (uint32_t i = 0; i < HV_MAX_VCPUS; i++)
		if (vm->vcpu[i])
			vcpu_post(vm->vcpu[i], work);
}

/**
 * Translations were removed: wait until no vCPU can use them any more. A vCPU on this CPU isn't in
 * guest mode, as we are here; one on another CPU leaves it at the kick that vcpu_post() sends, and no
 * CPU waits here while it is in guest mode, so the wait ends.
 */
static void vm_shoot_down(struct vm *vm)
{
	const uint32_t generation = __atomic_add_fetch(&vm->flush_generation, 1, __ATOMIC_SEQ_CST);

	vm_post_all(vm, VCPU_WORK_FLUSH);
	for (uint32_t i = 0; i < HV_MAX_VCPUS; i++) {
		const struct vcpu *const vcpu = vm->vcpu[i];

		while (vcpu && __atomic_load_n(&vcpu->in_guest, __ATOMIC_ACQUIRE) &&
		       (int32_t)(__atomic_load_n(&vcpu->flush_generation, __ATOMIC_ACQUIRE) -
				 generation) < 0)
			__builtin_ia32_pause();
	}
}

static bool range_ok(gpa_t where, uint64_t size)
{
	return ((where.raw | size) & HV_PAGE_MASK) == 0 && hv_range_ok(where.raw, size, NPT_LIMIT);
}

hv_status_t vm_map(struct vm *vm, gpa_t where, hpa_t from, uint64_t size, uint32_t prot,
		   uint64_t *done)
{
	*done = 0;
	if (!range_ok(where, size) || (from.raw & HV_PAGE_MASK) != 0)
		return HV_E_INVALID;
	if ((prot & ~HV_PROT_ALL) != 0 || (prot & HV_PROT_READ) == 0)
		return HV_E_INVALID;
	host_lock(&vm->lock);
	const hv_status_t status =
		npt_map(&vm->npt, where, from, size, prot, VM_MAP_STEP, done);
	host_unlock(&vm->lock);
	return status;
}

/** @req HV-002 When memory has been unmapped, no vCPU can reach it any more, on any CPU. */
hv_status_t vm_unmap(struct vm *vm, gpa_t where, uint64_t size, uint64_t *done)
{
	*done = 0;
	if (!range_ok(where, size))
		return HV_E_INVALID;
	host_lock(&vm->lock);
	const hv_status_t status = npt_unmap(&vm->npt, where, size, VM_MAP_STEP, done);
	host_unlock(&vm->lock);
	if (*done != 0)
		vm_shoot_down(vm);
	return status;
}

hv_status_t vm_protect(struct vm *vm, gpa_t where, uint64_t size, uint32_t prot, uint64_t *done)
{
	*done = 0;
	if (!range_ok(where, size))
		return HV_E_INVALID;
	if ((prot & ~HV_PROT_ALL) != 0 || (prot & HV_PROT_READ) == 0)
		return HV_E_INVALID;
	host_lock(&vm->lock);
	const hv_status_t status = npt_protect(&vm->npt, where, size, prot, VM_MAP_STEP, done);
	host_unlock(&vm->lock);
	if (*done != 0)
		vm_shoot_down(vm);
	return status;
}

hv_status_t vm_read(struct vm *vm, gpa_t from, void *to, uint64_t size)
{
	if (size > HV_PAGE_SIZE)
		return HV_E_INVALID;
	return guest_read(&vm->npt, from, to, size);
}

hv_status_t vm_write(struct vm *vm, gpa_t to, const void *from, uint64_t size)
{
	if (size > HV_PAGE_SIZE)
		return HV_E_INVALID;
	return guest_write(&vm->npt, to, from, size);
}

/** Changes of what traps are taken over by each vCPU before its next entry. */
static void traps_changed(struct vm *vm)
{
	__atomic_add_fetch(&vm->trap_generation, 1, __ATOMIC_SEQ_CST);
	vm_post_all(vm, VCPU_WORK_FLUSH);
}

hv_status_t vm_trap(struct vm *vm, uint64_t traps)
{
	if (traps >> HV_X86_INSNS)
		return HV_E_INVALID;
	__atomic_store_n(&vm->traps, traps, __ATOMIC_RELAXED);
	traps_changed(vm);
	return HV_OK;
}

hv_status_t vm_trap_exceptions(struct vm *vm, uint32_t vectors)
{
	__atomic_store_n(&vm->exceptions, vectors, __ATOMIC_RELAXED);
	traps_changed(vm);
	return HV_OK;
}

hv_status_t vm_trap_eoi(struct vm *vm, uint32_t vector, bool on)
{
	if (vector < 16 || vector > 255)
		return HV_E_INVALID;
	const uint32_t bit = 1u << (vector % 32);

	if (on)
		__atomic_or_fetch(&vm->eoi_trap[vector / 32], bit, __ATOMIC_RELAXED);
	else
		__atomic_and_fetch(&vm->eoi_trap[vector / 32], ~bit, __ATOMIC_RELAXED);
	traps_changed(vm);
	return HV_OK;
}
