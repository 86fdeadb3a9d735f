/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file lapic_pv_eoi.c
 * KVM's paravirtual end of interrupt (Linux: Documentation/virt/kvm/x86/msr.rst, MSR_KVM_PV_EOI_EN): while bit
 * 0 of a word in the guest's memory is set, the guest ends its interrupt by clearing it, without an exit.
 *
 * The bit is set as an interrupt is accepted after which nothing waits and of whose end the VMM needn't
 * hear. Nobody looks whether the guest has cleared it until somebody wants to know what is in service; who does
 * takes the offer back, so that a guest with more to come writes the EOI register. Exits that have
 * nothing to do with interrupts pay nothing.
 */
#include "hypervisor/core/core.h"
#include "hypervisor/x86/arch.h"
#include "hypervisor/x86/lapic_internal.h"
#include "lib/x86/cpuid.h"

#define ENABLE	    UINT64_C(1)
#define RESERVED    UINT64_C(2)
#define NO_EOI_BYTE 1u /**< bit 0: no EOI is required */

/** Hostile addresses: looked up in the VM's own memory, again whenever some of that was taken away. */
static uint8_t *find_byte(struct vcpu *vcpu, uint64_t msr)
{
	const uint64_t address = msr & ~(ENABLE | RESERVED);

	if (address >= NPT_LIMIT)
		return NULL;
	return npt_pointer(&vcpu->vm->npt, gpa(address), HV_PROT_READ | HV_PROT_WRITE);
}

static uint8_t *byte_of(struct vcpu *vcpu)
{
	struct lapic_pv_eoi *const pv = &vcpu->lapic.pv_eoi;
	const uint32_t now = __atomic_load_n(&vcpu->vm->flush_generation, __ATOMIC_ACQUIRE);

	if (!pv->byte || pv->generation != now) {
		pv->byte = find_byte(vcpu, pv->msr);
		pv->generation = now;
	}
	return pv->byte;
}

/** Is an end that comes without an exit as good as any other? */
static bool may_offer(const struct vcpu *vcpu, uint32_t vector)
{
	const struct lapic *const lapic = &vcpu->lapic;
	const uint32_t trap = __atomic_load_n(&vcpu->vm->eoi_trap[vector / 32u], __ATOMIC_RELAXED);

	return lapic->irr_words == 0 && !lapic->assisted && (trap >> (vector % 32u) & 1u) == 0;
}

void lapic_pv_eoi_offer_slowly(struct vcpu *vcpu, uint32_t vector)
{
	uint8_t *byte;

	if (!may_offer(vcpu, vector))
		return;
	byte = byte_of(vcpu);
	if (!byte)
		return;
	__atomic_or_fetch(byte, NO_EOI_BYTE, __ATOMIC_RELAXED);
	vcpu->lapic.pv_eoi.offered = true;
}

/** @return whether the guest has made use of the offer. */
bool lapic_pv_eoi_withdraw(struct vcpu *vcpu)
{
	uint8_t *byte;

	vcpu->lapic.pv_eoi.offered = false;
	byte = byte_of(vcpu);
	return byte && (__atomic_fetch_and(byte, (uint8_t)~NO_EOI_BYTE, __ATOMIC_RELAXED) &
			NO_EOI_BYTE) == 0;
}

static bool has_feature(const struct vcpu *vcpu)
{
	const struct hv_x86_cpuid *const row = cpuid_row(vcpu->vm, CPUID_KVM_FEATURES, 0);

	return row && (row->eax & CPUID_KVM_FEATURES_EAX_PV_EOI) != 0;
}

bool lapic_pv_eoi_read(struct vcpu *vcpu, uint64_t *value)
{
	*value = vcpu->lapic.pv_eoi.msr;
	return has_feature(vcpu);
}

/** @req HV-075 The word of KVM's paravirtual end of interrupt lies in the VM's own memory, or nowhere. */
bool lapic_pv_eoi_write(struct vcpu *vcpu, uint64_t value)
{
	struct lapic_pv_eoi *const pv = &vcpu->lapic.pv_eoi;

	if (!has_feature(vcpu) || (value & RESERVED) != 0)
		return false;
	if ((value & ENABLE) != 0 && !find_byte(vcpu, value))
		return false;
	lapic_pv_eoi_sync(vcpu);
	*pv = (struct lapic_pv_eoi){.msr = value};
	return true;
}
