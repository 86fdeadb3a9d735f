/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/dummy/timer.h"

#include <stddef.h>

#include "guests/dummy/cpu.h"
#include "guests/dummy/irq.h"
#include "guests/dummy/lapic.h"
#include "guests/dummy/machine.h"
#include "guests/dummy/pit.h"
#include "guests/dummy/sched.h"
#include "guests/dummy/trap.h"
#include "lib/x86/apic.h"
#include "lib/x86/cpu.h"

#define PIT_IRQ 0

static uint64_t ticks[CPUS_MAX];

static void tick(void)
{
	__atomic_fetch_add(&ticks[cpu_index()], 1, __ATOMIC_RELAXED);
	sched_tick();
}

static void pit_tick(void *ctx)
{
	(void)ctx;
	tick();
}

static bool lapic_tick(struct trap_frame *frame, void *ctx)
{
	(void)frame;
	(void)ctx;
	tick();
	lapic_eoi();
	return true;
}

void timer_init_ap(void)
{
	lapic_timer_start(APIC_LVT_PERIODIC, LAPIC_TIMER_VECTOR,
			  (uint32_t)(lapic_timer_hz() / TIMER_HZ));
}

void timer_init(void)
{
	if (machine.has_madt) {
		trap_register(LAPIC_TIMER_VECTOR, lapic_tick, NULL);
		timer_init_ap();
	} else {
		pit_start(TIMER_HZ);
		irq_register(PIT_IRQ, pit_tick, NULL);
	}
}

uint64_t timer_ticks_of(unsigned cpu)
{
	return __atomic_load_n(&ticks[cpu], __ATOMIC_RELAXED);
}

uint64_t timer_ticks(void)
{
	return timer_ticks_of(0);
}

bool timer_wait_for(bool (*condition)(void *ctx), void *ctx, uint64_t limit)
{
	uint64_t end = timer_ticks() + limit;

	while (!condition(ctx)) {
		if (timer_ticks() >= end)
			return false;
		sched_idle_once();
	}
	return true;
}

static bool never(void *ctx)
{
	(void)ctx;
	return false;
}

void timer_wait(uint64_t n)
{
	timer_wait_for(never, NULL, n);
}
