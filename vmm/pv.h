/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file pv.h
 * The hypercalls that the VMM settles (include/hypike/pv.h): ports and shared memory of the partition.
 */
#ifndef VMM_PV_H
#define VMM_PV_H

#include "vmm/vm.h"

#define PV_ARGS 4u /**< of a hypercall */

/** Nothing is bound or mapped: a VM is made. */
void pv_create(void);
/** The guest begins anew: its interrupts and mapped regions are no more. With the VM's lock held. */
void pv_reset(struct vm *vm);

/**
 * One hypercall of a guest's; everything that comes from it is hostile. With the VM's lock held.
 * @return what the guest gets: HV_OK, a negative hv_status_t, or a number
 *
 * @req VMM-200 A guest uses its partition's ports and writable shared regions by hypercall, with an
 *              interrupt when something comes; a bad number, address or size is answered with an error.
 */
int64_t pv_hypercall(struct vcpu *vcpu, uint64_t number, const uint64_t args[PV_ARGS]);

#endif
