/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file lapic.h
 * The guest's local APIC: xAPIC page and x2APIC MSRs, timer, interrupts between processors.
 * Registers are in a page with the architectural layout (SDM 11.4.1, Table 11-1), which VT-x takes as
 * its virtual-APIC page.
 *
 * Other CPUs never touch that page: they set bits of `requested` and call vcpu_post(); the vCPU's own
 * thread moves them into IRR with lapic_collect() before it enters the guest.
 */
#ifndef HYPERVISOR_X86_LAPIC_H
#define HYPERVISOR_X86_LAPIC_H

#include <hypike/host.h>
#include <hypike/hv.h>

struct vcpu;
struct vm;

/** Offsets in the page (SDM Table 11-1); an x2APIC MSR is 800h + offset / 16. */
enum lapic_reg {
	LAPIC_ID = 0x020, LAPIC_VERSION = 0x030, LAPIC_TPR = 0x080, LAPIC_APR = 0x090,
	LAPIC_PPR = 0x0a0, LAPIC_EOI = 0x0b0, LAPIC_RRD = 0x0c0, LAPIC_LDR = 0x0d0,
	LAPIC_DFR = 0x0e0, LAPIC_SVR = 0x0f0, LAPIC_ISR = 0x100, LAPIC_TMR = 0x180,
	LAPIC_IRR = 0x200, LAPIC_ESR = 0x280, LAPIC_LVT_CMCI = 0x2f0, LAPIC_ICR_LOW = 0x300,
	LAPIC_ICR_HIGH = 0x310, LAPIC_LVT_TIMER = 0x320, LAPIC_LVT_THERMAL = 0x330,
	LAPIC_LVT_PERF = 0x340, LAPIC_LVT_LINT0 = 0x350, LAPIC_LVT_LINT1 = 0x360,
	LAPIC_LVT_ERROR = 0x370, LAPIC_TIMER_ICR = 0x380, LAPIC_TIMER_CCR = 0x390,
	LAPIC_TIMER_DCR = 0x3e0, LAPIC_SELF_IPI = 0x3f0,
};

enum lapic_mode { LAPIC_OFF, LAPIC_XAPIC, LAPIC_X2APIC };

#define LAPIC_DEFAULT_BASE UINT64_C(0xfee00000)
/** Frequency of the timer before its divider: 1 tick = 1 ns. */
#define LAPIC_TIMER_HZ UINT64_C(1000000000)

/** KVM's paravirtual end of interrupt: see lapic_pv_eoi.c. All 0: off. */
struct lapic_pv_eoi {
	uint64_t msr;	     /**< MSR_KVM_PV_EOI_EN */
	uint8_t *byte;	     /**< the guest's, as the driver sees it; NULL: look it up */
	uint32_t generation; /**< vm->flush_generation when it was looked up */
	bool offered;	     /**< of the highest vector in service; the guest may have made use of it */
};

struct lapic {
	uint32_t *page;		/**< 4 KiB: registers at [offset / 4] */
	uint64_t base;		/**< IA32_APIC_BASE as the guest sees it */
	enum lapic_mode mode;
	bool assisted; /**< the CPU changes TPR, PPR, ISR, IRR, EOI itself (virtual-interrupt
			  delivery) */
	uint64_t requested[4];	/**< vectors asked for since the last lapic_collect(). Atomic. */
	uint64_t requested_level[4]; /**< those of them that are level-triggered. Atomic. */
	/* Summaries of the page, kept unless `assisted`: nobody scans eight registers for one bit. */
	uint32_t irr_words;	/**< bit i: IRR register i isn't zero */
	uint32_t isr_words;	/**< bit i: ISR register i isn't zero */
	int32_t isr_top;	/**< highest vector in service, -1: none */
	uint32_t sipi_vector;	/**< of the last start-up IPI. Atomic. */
	uint32_t esr_pending;	/**< errors since the guest wrote ESR. Atomic. */
	struct lapic_pv_eoi pv_eoi;
	struct host_timer timer;
	uint64_t timer_deadline; /**< host TSC; 0: stopped */
	uint64_t timer_period;	 /**< TSC ticks from initial count to zero */
	uint64_t tsc_deadline;	 /**< IA32_TSC_DEADLINE as the guest wrote it */
	uint64_t tsc_per_tick;	 /**< TSC ticks per timer tick before the divider, times 2^32 */
	uint64_t tick_per_tsc;	 /**< the inverse, likewise */
};

/** State after power-up or INIT (SDM 11.4.7.1, 11.4.7.3); the ID is vcpu->index. The caller has set
 *  lapic.page and lapic.base, which gives the mode. vCPU 0 is as firmware leaves it: enabled, LINT0 ExtINT
 *  and unmasked ("virtual wire"), LINT1 NMI. */
void lapic_reset(struct vcpu *vcpu);
/** Stop the timer for good. */
void lapic_exit(struct vcpu *vcpu);

/**
 * Register access by the guest. `offset` as in the page; 64-bit values exist for the x2APIC ICR only.
 * @return false where the access is a fault (x2APIC: #GP; xAPIC: the error is recorded in ESR and the
 *         access ignored, so true).
 * A write to LAPIC_EOI ends the interrupt; who has to know which (vm->eoi_trap) calls lapic_eoi() instead.
 */
bool lapic_read(struct vcpu *vcpu, uint32_t offset, uint64_t *value);
bool lapic_write(struct vcpu *vcpu, uint32_t offset, uint64_t value);
/** IA32_APIC_BASE write; false: #GP (reserved bits, illegal mode change, SDM 11.12.5). Tells the
 *  vendor (apic_mode) where something changes. */
bool lapic_set_base(struct vcpu *vcpu, uint64_t value);
uint64_t lapic_get_tsc_deadline(struct vcpu *vcpu);
void lapic_set_tsc_deadline(struct vcpu *vcpu, uint64_t value);
/** The guest's TSC was set: an armed deadline is nearer or farther now. */
void lapic_tsc_changed(struct vcpu *vcpu);

/** Ask for an interrupt, from any CPU. */
void lapic_request(struct vcpu *vcpu, uint32_t vector, bool level);
/** Has anything been asked for since the last lapic_collect()? */
static inline bool lapic_requested(const struct lapic *lapic)
{
	uint64_t any = 0;

	for (uint32_t i = 0; i < 4; i++)
		any |= __atomic_load_n(&lapic->requested[i], __ATOMIC_RELAXED);
	return any != 0;
}
/** Move what was asked for into IRR. On the vCPU's thread. */
void lapic_collect(struct vcpu *vcpu);
/** Highest vector that may be delivered now (above the processor priority), or -1. */
int lapic_pending(struct vcpu *vcpu);
/** It is being delivered: IRR to ISR. */
void lapic_accept(struct vcpu *vcpu, uint32_t vector);
/** End of interrupt. @return the vector that was in service, or -1. */
int lapic_eoi(struct vcpu *vcpu);
/** The whole TPR, 8 bits; CR8 is its bits 7:4. */
void lapic_set_tpr(struct vcpu *vcpu, uint32_t tpr);
uint32_t lapic_get_tpr(const struct vcpu *vcpu);
/** Does LINT0 let the 8259's interrupts through to this vCPU? (SDM 11.5.1; also when the APIC is off) */
bool lapic_accepts_extint(const struct vcpu *vcpu);
/** VCPU_WORK_TIMER: the deadline has passed; raise the interrupt, re-arm when periodic. */
void lapic_timer_fired(struct vcpu *vcpu);
/** The processor's own thread changed while it was stopped: re-arm on this CPU. */
void lapic_timer_rearm(struct vcpu *vcpu);
/** The guest's clock, and a timer that runs, stand as if the last vcpu->hidden ticks hadn't passed. */
void lapic_hide_time(struct vcpu *vcpu);

/** MSR_KVM_PV_EOI_EN; false: #GP (no such feature, reserved bits, not the VM's memory). */
bool lapic_pv_eoi_read(struct vcpu *vcpu, uint64_t *value);
bool lapic_pv_eoi_write(struct vcpu *vcpu, uint64_t value);
/** Take note of an end of interrupt without EOI, before looking at what is in service. */
void lapic_pv_eoi_sync(struct vcpu *vcpu);

/** A message-signalled interrupt (SDM 11.11): resolves destination, delivery mode, trigger. */
hv_status_t lapic_msi(struct vm *vm, uint64_t address, uint32_t data);
/** ICR write: all destinations, shorthands and delivery modes, INIT and start-up included.
 *  @param icr in x2APIC's layout; in xAPIC mode with the 8-bit destination in bits 39:32. */
void lapic_send(struct vcpu *from, uint64_t icr);

/** For hv_x86_apic_get() and _set(): the registers as the guest would read them. What is loaded is
 *  sanitised: reserved bits, illegal vectors and what the mode derives (ID, LDR) don't come in. */
void lapic_save(struct vcpu *vcpu, uint32_t regs[256]);
void lapic_load(struct vcpu *vcpu, const uint32_t regs[256]);

#endif
