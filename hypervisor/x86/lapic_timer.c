/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file lapic_timer.c
 * The local APIC's timer (SDM 11.5.4): one-shot, periodic and TSC-deadline, on one host timer.
 *
 * Nothing counts down: a running timer is a deadline in the host's TSC, and the current count is
 * computed from it when somebody reads it. The host timer's call-back only posts work: whatever a guest
 * programs, one host interrupt comes per turn of its own vCPU at the most.
 */
#include "hypervisor/x86/lapic_internal.h"

/** Shortest distance of two expiries of a periodic timer: a guest always gets on in between. */
#define MIN_PERIOD_TICKS (LAPIC_TIMER_HZ / 100000u)

/* Both ratios have 32 fractional bits; a product has up to 96. */
static inline uint64_t scale(uint64_t value, uint64_t ratio)
{
	return (uint64_t)((unsigned __int128)value * ratio >> 32);
}

static inline struct vcpu *vcpu_of(struct host_timer *timer)
{
	return (struct vcpu *)(void *)((char *)timer - offsetof(struct vcpu, lapic.timer));
}

/** In interrupt context, maybe while the vCPU's thread is elsewhere in the driver. */
static void fire(struct host_timer *timer)
{
	vcpu_post(vcpu_of(timer), VCPU_WORK_TIMER);
}

static uint32_t timer_mode(const struct lapic *lapic)
{
	return lapic_get(lapic, LAPIC_LVT_TIMER) & APIC_LVT_TIMER_MODE;
}

/** Binary logarithm of the divider (SDM 11.5.4, Figure 11-10): 0..7. */
static uint32_t divide_shift(uint32_t divide)
{
	return (((divide >> 1) & 4u) + (divide & 3u) + 1u) & 7u;
}

void lapic_timer_init(struct vcpu *vcpu)
{
	struct lapic *lapic = &vcpu->lapic;
	uint64_t khz = host_tsc_khz();

	lapic->timer.fire = fire;
	lapic->tsc_per_tick = (khz << 32) / (LAPIC_TIMER_HZ / 1000u);
	lapic->tick_per_tsc = ((LAPIC_TIMER_HZ / 1000u) << 32) / khz;
}

static void arm(struct lapic *lapic, uint64_t deadline)
{
	lapic->timer_deadline = deadline;
	host_timer_arm(&lapic->timer, deadline);
}

void lapic_timer_stop(struct vcpu *vcpu)
{
	struct lapic *lapic = &vcpu->lapic;

	if (lapic->timer_deadline != 0)
		host_timer_cancel(&lapic->timer);
	lapic->timer_deadline = 0;
	lapic->tsc_deadline = 0;
}

void lapic_exit(struct vcpu *vcpu)
{
	lapic_timer_stop(vcpu);
}

void lapic_timer_rearm(struct vcpu *vcpu)
{
	if (vcpu->lapic.timer_deadline != 0)
		host_timer_arm(&vcpu->lapic.timer, vcpu->lapic.timer_deadline);
}

/* ------------------------------------------------------------------------- one-shot and periodic */

static uint64_t count_to_tsc(const struct lapic *lapic, uint32_t count)
{
	uint32_t shift = divide_shift(lapic_get(lapic, LAPIC_TIMER_DCR));

	return scale((uint64_t)count << shift, lapic->tsc_per_tick);
}

/** Start counting down `count`; the period is always the initial count's, and never zero. */
static void count_from(struct lapic *lapic, uint32_t count)
{
	uint64_t period = count_to_tsc(lapic, lapic_get(lapic, LAPIC_TIMER_ICR));

	lapic->timer_period = period != 0 ? period : 1u;
	arm(lapic, host_tsc() + count_to_tsc(lapic, count));
}

void lapic_timer_set_initial(struct vcpu *vcpu, uint32_t count)
{
	struct lapic *lapic = &vcpu->lapic;

	if (timer_mode(lapic) == APIC_LVT_TSC_DEADLINE)
		return;
	lapic_put(lapic, LAPIC_TIMER_ICR, count);
	if (count == 0)
		lapic_timer_stop(vcpu);
	else
		count_from(lapic, count);
}

static uint64_t tsc_left(const struct lapic *lapic)
{
	uint64_t now = host_tsc();

	if (now < lapic->timer_deadline)
		return lapic->timer_deadline - now;
	if (timer_mode(lapic) != APIC_LVT_PERIODIC)
		return 0;
	return lapic->timer_period - (now - lapic->timer_deadline) % lapic->timer_period;
}

uint32_t lapic_timer_current(struct vcpu *vcpu)
{
	const struct lapic *lapic = &vcpu->lapic;
	uint32_t initial = lapic_get(lapic, LAPIC_TIMER_ICR);
	uint64_t count;

	if (lapic->timer_deadline == 0 || timer_mode(lapic) == APIC_LVT_TSC_DEADLINE)
		return 0;
	count = scale(tsc_left(lapic), lapic->tick_per_tsc) >>
		divide_shift(lapic_get(lapic, LAPIC_TIMER_DCR));
	return count < initial ? (uint32_t)count : initial;
}

void lapic_timer_resume(struct vcpu *vcpu, uint32_t count)
{
	lapic_timer_stop(vcpu);
	if (count != 0 && timer_mode(&vcpu->lapic) != APIC_LVT_TSC_DEADLINE)
		count_from(&vcpu->lapic, count);
}

void lapic_timer_set_divide(struct vcpu *vcpu, uint32_t divide)
{
	uint32_t count = lapic_timer_current(vcpu);

	lapic_put(&vcpu->lapic, LAPIC_TIMER_DCR, divide);
	if (count != 0)
		count_from(&vcpu->lapic, count);
}

/* ---------------------------------------------------------------------------------- TSC deadline */

static inline bool deadline_mode(const struct lapic *lapic)
{
	return lapic->mode != LAPIC_OFF && timer_mode(lapic) == APIC_LVT_TSC_DEADLINE;
}

uint64_t lapic_get_tsc_deadline(struct vcpu *vcpu)
{
	return deadline_mode(&vcpu->lapic) ? vcpu->lapic.tsc_deadline : 0;
}

/** A deadline that has passed is an interrupt at once, without the host's timer. */
void lapic_set_tsc_deadline(struct vcpu *vcpu, uint64_t value)
{
	struct lapic *lapic = &vcpu->lapic;
	uint64_t now;
	uint64_t guest_now;

	if (!deadline_mode(lapic))
		return;
	if (value == 0) {
		lapic_timer_stop(vcpu);
		return;
	}
	vcpu_need(vcpu, REGS_TIME);
	now = host_tsc();
	guest_now = now + vcpu->regs.tsc_offset;
	if (value <= guest_now) {
		lapic_timer_stop(vcpu);
		lapic_raise_lvt(vcpu, LAPIC_LVT_TIMER);
		return;
	}
	lapic->tsc_deadline = value;
	if (!hv_add_ok(now, value - guest_now, &now))
		now = UINT64_MAX;
	arm(lapic, now);
}

void lapic_tsc_changed(struct vcpu *vcpu)
{
	if (vcpu->lapic.tsc_deadline != 0)
		lapic_set_tsc_deadline(vcpu, vcpu->lapic.tsc_deadline);
}

/**
 * A deadline of the guest's TSC stays what it is, and so does the time that a count has left: both
 * come later by the host's clock. What the host's timer posted meanwhile, lapic_timer_fired() finds
 * not due.
 *
 * @req HV-130 Time that the host hides from a guest passes neither for its TSC nor for its timers.
 */
void lapic_hide_time(struct vcpu *vcpu)
{
	const uint64_t ticks = vcpu->hidden;
	struct lapic *lapic = &vcpu->lapic;
	uint64_t deadline;

	vcpu->hidden = 0;
	vcpu_need(vcpu, REGS_TIME);
	vcpu->regs.tsc_offset -= ticks;
	vcpu_change(vcpu, REGS_TIME);
	if (lapic->timer_deadline == 0)
		return;
	if (!hv_add_ok(lapic->timer_deadline, ticks, &deadline))
		deadline = UINT64_MAX;
	arm(lapic, deadline);
}

/* -------------------------------------------------------------------------------------- mode, expiry */

/** Between TSC-deadline and the other modes the timer is disarmed (SDM 11.5.4.1). */
void lapic_timer_mode_changed(struct vcpu *vcpu, uint32_t old)
{
	uint32_t change = old ^ lapic_get(&vcpu->lapic, LAPIC_LVT_TIMER);

	if ((change & APIC_LVT_TSC_DEADLINE) == 0)
		return;
	lapic_timer_stop(vcpu);
	lapic_put(&vcpu->lapic, LAPIC_TIMER_ICR, 0);
}

/** Next expiry of a periodic timer: periods that were missed are one interrupt. */
static uint64_t next_expiry(const struct lapic *lapic, uint64_t now)
{
	uint64_t soonest = now + scale(MIN_PERIOD_TICKS, lapic->tsc_per_tick);
	uint64_t next = lapic->timer_deadline + lapic->timer_period;

	if (next < now)
		next = now + lapic->timer_period - (now - next) % lapic->timer_period;
	return next > soonest ? next : soonest;
}

void lapic_timer_fired(struct vcpu *vcpu)
{
	struct lapic *lapic = &vcpu->lapic;
	uint64_t now = host_tsc();

	if (lapic->timer_deadline == 0 || now < lapic->timer_deadline)
		return; /* the guest has stopped or set it anew since */
	if (timer_mode(lapic) == APIC_LVT_PERIODIC)
		arm(lapic, next_expiry(lapic, now));
	else
		lapic->timer_deadline = lapic->tsc_deadline = 0;
	lapic_raise_lvt(vcpu, LAPIC_LVT_TIMER);
}
