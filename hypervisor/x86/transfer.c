/* SPDX-License-Identifier: BSD-2-Clause */
/** @file transfer.c State that is too large for the shared page: local APIC and FPU. */
#include "hypervisor/core/core.h"
#include "hypervisor/x86/arch.h"
#include "hypervisor/x86/vendor.h"
#include "lib/x86/regs.h"

hv_status_t vcpu_apic_get(struct vcpu *vcpu, uint32_t regs[256])
{
	const hv_status_t status = vcpu_claim(vcpu);

	if (status != HV_OK)
		return status;
	lapic_save(vcpu, regs);
	vcpu_release(vcpu);
	return HV_OK;
}

hv_status_t vcpu_apic_set(struct vcpu *vcpu, const uint32_t regs[256])
{
	const hv_status_t status = vcpu_claim(vcpu);

	if (status != HV_OK)
		return status;
	lapic_load(vcpu, regs);
	x86_look_for_events(vcpu);
	vcpu_release(vcpu);
	return HV_OK;
}

hv_status_t vcpu_fpu_get(struct vcpu *vcpu, void *area, uint32_t size)
{
	if (size > host_fpu_size())
		return HV_E_INVALID;
	const hv_status_t status = vcpu_claim(vcpu);

	if (status != HV_OK)
		return status;
	if (vcpu->fpu.loaded)
		host_fpu_save(&vcpu->fpu);
	__builtin_memcpy(area, vcpu->fpu.area, size);
	vcpu_release(vcpu);
	return HV_OK;
}

/** What XRSTOR or FXRSTOR would fault on (SDM vol. 1, 13.8.1; vol. 2, FXRSTOR). */
static bool fpu_area_valid(const uint8_t *area, uint32_t size)
{
	uint32_t mxcsr;
	uint64_t header[8];

	__builtin_memcpy(&mxcsr, area + 24, sizeof(mxcsr));
	if ((mxcsr & 0xffff0000u) != 0)
		return false;
	if (host_fpu_xcr0() == 0)
		return true;
	if (size < 576)
		return false;
	__builtin_memcpy(header, area + 512, sizeof(header));
	if ((header[0] & ~host_fpu_xcr0()) != 0)
		return false;
	for (uint32_t i = 1; i < 8; i++)
		if (header[i] != 0)
			return false;
	return true;
}

/** @req HV-021 An FPU image that the host could not load is refused. */
hv_status_t vcpu_fpu_set(struct vcpu *vcpu, const void *area, uint32_t size)
{
	if (size < 512 || size > host_fpu_size() || !fpu_area_valid(area, size))
		return HV_E_INVALID;
	const hv_status_t status = vcpu_claim(vcpu);

	if (status != HV_OK)
		return status;
	if (vcpu->fpu.loaded)
		host_fpu_save(&vcpu->fpu);
	__builtin_memcpy(vcpu->fpu.area, area, size);
	vcpu_release(vcpu);
	return HV_OK;
}
