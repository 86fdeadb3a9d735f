/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file kvm_pv.h
 * What KVM tells its guests and many systems therefore look for (Linux: Documentation/virt/kvm/x86/cpuid.rst and
 * msr.rst): a signature in CPUID, which lets Linux use x2APIC, and a clock in memory, which spares it the
 * calibration of the TSC.
 */
#ifndef VMM_MACHINE_KVM_PV_H
#define VMM_MACHINE_KVM_PV_H

#include "vmm/vm.h"

struct kvm_pv {
	struct vm *vm;
	uint64_t wall;	   /**< time of day at platform_time() `start`: seconds since 1970 */
	uint64_t start;	   /**< platform_time() where the guest's clock is 0 */
	uint64_t base_tsc; /**< guest's TSC at base_ns of the guest's clock */
	uint64_t base_ns;
	bool based;
	uint64_t clock[HV_MAX_VCPUS]; /**< MSR_KVM_SYSTEM_TIME_NEW of each vCPU */
	uint64_t wall_clock;	      /**< MSR_KVM_WALL_CLOCK_NEW */
	uint64_t tsc_khz;
};

/** Add the CPUID leaves and have the MSRs come to us. `wall` is the time of day, seconds since 1970. */
hv_status_t kvm_pv_init(struct kvm_pv *pv, struct vm *vm, uint64_t wall);
/** The guest's clocks are off. */
void kvm_pv_reset(struct kvm_pv *pv);
/** An MSR access. @return false where there is no such register, or the value is refused. */
bool kvm_pv_msr(struct kvm_pv *pv, struct vcpu *vcpu, uint32_t msr, bool write, uint64_t *value);

#endif
