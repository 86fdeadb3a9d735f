/* SPDX-License-Identifier: BSD-2-Clause */
/** @file lapic_internal.h What the local APIC's own files share. */
#ifndef HYPERVISOR_X86_LAPIC_INTERNAL_H
#define HYPERVISOR_X86_LAPIC_INTERNAL_H

#include "hypervisor/x86/vcpu.h"
#include "lib/x86/apic.h"
#include "lib/x86/regs.h"

#define LAPIC_FIRST_VECTOR 16u /**< 0 to 15 are illegal (SDM 11.5.2) */
#define LAPIC_WORD_BITS	   32u
#define LAPIC_WORDS	   8u /**< registers of IRR, ISR, TMR each, 10h apart */

/** Relaxed atomics: other vCPUs look at ID, LDR, DFR, SVR and TPR to find who is meant. */
static inline uint32_t lapic_get(const struct lapic *lapic, uint32_t offset)
{
	return __atomic_load_n(&lapic->page[offset / 4u], __ATOMIC_RELAXED);
}

static inline void lapic_put(struct lapic *lapic, uint32_t offset, uint32_t value)
{
	__atomic_store_n(&lapic->page[offset / 4u], value, __ATOMIC_RELAXED);
}

/** Software-enabled: fixed interrupts come in (SDM 11.4.7.2). */
static inline bool lapic_enabled(const struct lapic *lapic)
{
	return lapic->mode != LAPIC_OFF && (lapic_get(lapic, LAPIC_SVR) & APIC_SVR_ENABLE) != 0;
}

static inline uint32_t top_bit(uint32_t word)
{
	return 31u - (uint32_t)__builtin_clz(word);
}

/** Put an edge-triggered vector into IRR, on the vCPU's own thread. */
void lapic_raise(struct vcpu *vcpu, uint32_t vector);
/** Deliver what a local vector table entry says, unless it is masked. */
void lapic_raise_lvt(struct vcpu *vcpu, uint32_t offset);
/** Record an error (ESR bits) and raise the error interrupt. From any CPU. */
void lapic_error(struct vcpu *vcpu, uint32_t bits);

/* Paravirtual end of interrupt: lapic_pv_eoi.c */
void lapic_pv_eoi_offer_slowly(struct vcpu *vcpu, uint32_t vector);
bool lapic_pv_eoi_withdraw(struct vcpu *vcpu);

/** `vector` is the highest in service now. */
static inline void lapic_pv_eoi_offer(struct vcpu *vcpu, uint32_t vector)
{
	if (vcpu->lapic.pv_eoi.msr & 1u)
		lapic_pv_eoi_offer_slowly(vcpu, vector);
}

/* Timer registers: lapic_timer.c */
void lapic_timer_init(struct vcpu *vcpu);
void lapic_timer_stop(struct vcpu *vcpu);
void lapic_timer_set_initial(struct vcpu *vcpu, uint32_t count);
void lapic_timer_set_divide(struct vcpu *vcpu, uint32_t divide);
/** The timer's LVT entry has changed from `old`. */
void lapic_timer_mode_changed(struct vcpu *vcpu, uint32_t old);
uint32_t lapic_timer_current(struct vcpu *vcpu);
/** Go on with `count` to go (restored state). */
void lapic_timer_resume(struct vcpu *vcpu, uint32_t count);

#endif
