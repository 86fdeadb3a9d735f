/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file core.h
 * What the architecture-neutral half of the driver offers the rest of it, and, at the end, what it
 * asks of the architecture.
 */
#ifndef HYPERVISOR_CORE_H
#define HYPERVISOR_CORE_H

#include "hypervisor/x86/vcpu.h"

/** Room for a structure of `size` bytes, in whole pages of the pool; NULL when that is used up. */
void *pool_alloc(struct host_pool *pool, uint64_t size);
void pool_free(struct host_pool *pool, void *p, uint64_t size);

/** Claim a vCPU for the calling thread: HV_E_BUSY where another has it, HV_E_STATE on another CPU than
 *  that of its first run (its control block may be cached there; partitioned threads don't move). */
hv_status_t vcpu_claim(struct vcpu *vcpu);
void vcpu_release(struct vcpu *vcpu);

/** Make every vCPU of the VM pass by its slow path before it enters the guest again. */
void vm_post_all(struct vm *vm, uint32_t work);

/**
 * Does a write of `value`, `size` bytes wide, ring a doorbell of the VM? Rings it. The cost does not
 * depend on how many there are.
 */
bool doorbell_ring(struct vm *vm, uint8_t space, uint64_t address, uint32_t size, uint64_t value);
/** Has the VM any doorbell? Saves decoding a write that rings none. */
static inline bool doorbell_any(const struct vm *vm)
{
	return __atomic_load_n(&vm->doorbells, __ATOMIC_RELAXED) != 0;
}

/* ------------------------------------------------------------- asked of the architecture */

hv_status_t arch_vm_init(struct vm *vm);
void arch_vm_exit(struct vm *vm);
hv_status_t arch_vcpu_init(struct vcpu *vcpu);
void arch_vcpu_exit(struct vcpu *vcpu);
/** Take what may be cached in this CPU out of it: the vCPU may run on another next. */
void arch_vcpu_unbind(struct vcpu *vcpu);
/** State after power-up. */
void arch_vcpu_reset(struct vcpu *vcpu);
/** Copy the VMM's registers and event out of the shared page and check them: HV_E_INVALID leaves all
 *  as it was. */
hv_status_t arch_check_page(struct vcpu *vcpu);
/** Make the registers that arch_check_page() copied the vCPU's: before its exit is completed, which may
 *  change them further. */
void arch_apply_registers(struct vcpu *vcpu);
/** And the event: behind the completed instruction. */
enum verdict arch_apply_event(struct vcpu *vcpu);
/** Put register groups (HV_X86_REGS_*) into the shared page. */
void arch_fill_page(struct vcpu *vcpu, uint32_t groups);
/** Say in the page whether the guest can take an interrupt, an NMI; not asked: no. */
void arch_fill_ready(struct vcpu *vcpu, bool ask);
/** Do what the work bits `work` ask for, up to choosing what to inject. */
enum verdict arch_work(struct vcpu *vcpu, uint32_t work);
/** The thread is about to give up the CPU: take guest state out of registers that others use. */
void arch_vcpu_put(struct vcpu *vcpu);
/** Can anything end the vCPU's wait: is it runnable? */
bool arch_runnable(struct vcpu *vcpu);

#endif
