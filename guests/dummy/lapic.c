/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/dummy/lapic.h"

#include "guests/dummy/clock.h"
#include "guests/dummy/cpu.h"
#include "guests/dummy/rt.h"
#include "lib/x86/apic.h"
#include "lib/x86/cpu.h"

static bool present, x2apic;
static uintptr_t page;
static uint64_t timer_hz;

bool lapic_init(uint64_t base)
{
	present = cpu_features.apic && (rdmsr(IA32_APIC_BASE) & APIC_BASE_EN) != 0;
	x2apic = present && cpu_features.x2apic && !cmdline_flag("x2apic=0");
	page = base != 0 ? base : APIC_DEFAULT_BASE;
	return present;
}

bool lapic_present(void)
{
	return present;
}

bool lapic_is_x2apic(void)
{
	return x2apic;
}

uint32_t lapic_read(uint32_t offset)
{
	return x2apic ? (uint32_t)rdmsr(X2APIC_MSR(offset))
		      : *(const volatile uint32_t *)(page + offset);
}

void lapic_write(uint32_t offset, uint32_t value)
{
	if (x2apic)
		wrmsr(X2APIC_MSR(offset), value);
	else
		*(volatile uint32_t *)(page + offset) = value;
}

void lapic_enable(bool virtual_wire)
{
	if (x2apic)
		wrmsr(IA32_APIC_BASE, rdmsr(IA32_APIC_BASE) | APIC_BASE_EXTD);
	lapic_write(APIC_SVR, APIC_SVR_ENABLE | LAPIC_SPURIOUS_VECTOR);
	lapic_write(APIC_TPR, 0);
	lapic_write(APIC_LVT_TIMER, APIC_LVT_MASKED);
	lapic_write(APIC_LVT_LINT0, virtual_wire ? APIC_DM_EXTINT : APIC_LVT_MASKED);
	lapic_write(APIC_LVT_ERROR, APIC_LVT_MASKED);
}

uint32_t lapic_id(void)
{
	uint32_t id = lapic_read(APIC_ID);

	return x2apic ? id : id >> 24;
}

void lapic_eoi(void)
{
	lapic_write(APIC_EOI, 0);
}

void lapic_send(uint32_t apic_id, uint32_t command)
{
	if (x2apic) {
		wrmsr(X2APIC_MSR(APIC_ICR_LOW),
		      (uint64_t)apic_id << APIC_ICR_X2APIC_SHIFT | command);
		return;
	}

	uint64_t flags = irq_save();

	lapic_write(APIC_ICR_HIGH, apic_id << APIC_ICR_XAPIC_SHIFT);
	lapic_write(APIC_ICR_LOW, command);
	while ((lapic_read(APIC_ICR_LOW) & APIC_ICR_PENDING) != 0)
		cpu_pause();
	irq_restore(flags);
}

static uint64_t timer_elapsed(void)
{
	return UINT32_MAX - lapic_read(APIC_CURRENT_COUNT);
}

void lapic_timer_calibrate(void)
{
	lapic_timer_start(APIC_LVT_ONESHOT | APIC_LVT_MASKED, LAPIC_TIMER_VECTOR, UINT32_MAX);
	timer_hz = clock_measure(timer_elapsed);
	lapic_timer_stop();
}

uint64_t lapic_timer_hz(void)
{
	return timer_hz;
}

void lapic_timer_start(uint32_t mode, uint8_t vector, uint32_t count)
{
	lapic_write(APIC_DIVIDE_CONFIG, APIC_DIVIDE_BY_16);
	lapic_write(APIC_LVT_TIMER, mode | vector);
	lapic_write(APIC_INITIAL_COUNT, count);
}

void lapic_timer_deadline(uint8_t vector, uint64_t tsc)
{
	lapic_write(APIC_LVT_TIMER, APIC_LVT_TSC_DEADLINE | vector);
	/* the mode must be set before the deadline is (SDM vol. 3, 10.5.4.1) */
	__asm__ volatile("mfence" : : : "memory");
	wrmsr(IA32_TSC_DEADLINE, tsc);
}

void lapic_timer_stop(void)
{
	if ((lapic_read(APIC_LVT_TIMER) & APIC_LVT_TIMER_MODE) == APIC_LVT_TSC_DEADLINE)
		wrmsr(IA32_TSC_DEADLINE, 0);
	lapic_write(APIC_LVT_TIMER, APIC_LVT_MASKED);
	lapic_write(APIC_INITIAL_COUNT, 0);
}
