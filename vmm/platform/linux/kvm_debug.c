/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hv.h over /dev/kvm: breakpoints, watchpoints and steps of the VMM's own. KVM keeps the guest's debug
 * registers apart from them by itself (KVM_SET_GUEST_DEBUG).
 */
#define _GNU_SOURCE
#include "vmm/platform/linux/kvm.h"

#include <string.h>
#include <sys/ioctl.h>

#define VECTOR_BP 3u

/** Exceptions that hv_trap_exceptions() asked for. */
static uint32_t trapped; /* atomic */

hv_status_t hv_trap_exceptions(hv_vm_t vm, uint32_t vectors)
{
	(void)vm;
	if ((vectors & ~(1u << VECTOR_BP)) != 0)
		return HV_E_UNSUPPORTED;
	__atomic_store_n(&trapped, vectors, __ATOMIC_RELEASE);
	for (uint32_t i = 0; i < kvm.vcpus; i++)
		__atomic_store_n(&kvm.vcpu[i].changed, true, __ATOMIC_RELEASE);
	return HV_OK;
}

hv_status_t hv_x86_debug_set(hv_vcpu_t handle, const struct hv_x86_debug *debug)
{
	struct kvm_vcpu *vcpu = kvm_vcpu(handle);

	if (!vcpu)
		return HV_E_INVALID;
	vcpu->debug = *debug;
	__atomic_store_n(&vcpu->changed, true, __ATOMIC_RELEASE);
	return HV_OK;
}

/** DR7's bits for local and global enable. */
#define DR7_ENABLES UINT64_C(0xff)

hv_status_t kvm_debug_load(struct kvm_vcpu *vcpu, bool changed)
{
	const bool step = (vcpu->page->request & HV_REQUEST_STEP) != 0;
	struct kvm_guest_debug debug = {.control = 0};

	if (!changed && step == vcpu->stepping)
		return HV_OK;
	vcpu->stepping = step;
	if (step) /* the run after the last step is to end that */
		__atomic_store_n(&vcpu->changed, true, __ATOMIC_RELAXED);
	if (step)
		debug.control |= KVM_GUESTDBG_SINGLESTEP;
	if (__atomic_load_n(&trapped, __ATOMIC_ACQUIRE) & 1u << VECTOR_BP)
		debug.control |= KVM_GUESTDBG_USE_SW_BP;
	if (vcpu->debug.dr7 & DR7_ENABLES) {
		debug.control |= KVM_GUESTDBG_USE_HW_BP;
		memcpy(debug.arch.debugreg, vcpu->debug.dr, sizeof(vcpu->debug.dr));
		debug.arch.debugreg[7] = vcpu->debug.dr7;
	}
	if (debug.control)
		debug.control |= KVM_GUESTDBG_ENABLE;
	return kvm_call(vcpu->fd, KVM_SET_GUEST_DEBUG, &debug);
}
