/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/apic.h"

#include "kernel/cpu.h"
#include "kernel/irq.h"
#include "kernel/paging.h"
#include "kernel/x86.h"

/* Registers (SDM 3A table 11-1): offsets in the xAPIC's page; x2APIC: MSR 800h + offset / 16. */
enum apic_register {
	APIC_ID = 0x020,
	APIC_TPR = 0x080,
	APIC_EOI = 0x0b0,
	APIC_SVR = 0x0f0,
	APIC_ISR = 0x100,
	APIC_ESR = 0x280,
	APIC_ICR = 0x300,
	APIC_ICR_HIGH = 0x310,
	APIC_LVT_TIMER = 0x320,
	APIC_LVT_LINT0 = 0x350,
	APIC_LVT_LINT1 = 0x360,
	APIC_LVT_ERROR = 0x370,
	APIC_TIMER_INITIAL = 0x380,
	APIC_TIMER_CURRENT = 0x390,
	APIC_TIMER_DIVIDE = 0x3e0,
};

#define BASE_ENABLE	 (1u << 11) /* IA32_APIC_BASE (SDM 3A figure 11-5) */
#define BASE_X2APIC	 (1u << 10)
#define SVR_ENABLE	 (1u << 8)
#define LVT_MASKED	 (1u << 16)
#define LVT_NMI		 (4u << 8)
#define LVT_ONE_SHOT	 (0u << 17)
#define LVT_TSC_DEADLINE (2u << 17)
#define DIVIDE_BY_1	 0xbu
#define ICR_NMI		 (4u << 8)
#define ICR_INIT	 (5u << 8)
#define ICR_STARTUP	 (6u << 8)
#define ICR_PENDING	 (1u << 12)
#define ICR_ASSERT	 (1u << 14)
#define ICR_SELF	 (1u << 18)

static bool x2apic;
static volatile uint8_t *registers;
static uint64_t timer_rate; /* counts per 2^32 TSC counts */

static uint32_t read(enum apic_register offset)
{
	if (x2apic)
		return (uint32_t)x86_rdmsr(MSR_X2APIC_FIRST + offset / 16);
	return *(volatile uint32_t *)(volatile void *)(registers + offset);
}

static void write(enum apic_register offset, uint32_t value)
{
	if (x2apic)
		x86_wrmsr(MSR_X2APIC_FIRST + offset / 16, value);
	else
		*(volatile uint32_t *)(volatile void *)(registers + offset) = value;
}

void apic_init(uint64_t address)
{
	x2apic = cpu_features.x2apic;
	if (!x2apic)
		registers = paging_map_device(address);
}

static void enable(void)
{
	uint64_t base = x86_rdmsr(MSR_APIC_BASE) | BASE_ENABLE;

	/* From disabled to x2APIC goes by way of xAPIC (SDM 3A 11.12.5). */
	x86_wrmsr(MSR_APIC_BASE, base);
	if (x2apic)
		x86_wrmsr(MSR_APIC_BASE, base | BASE_X2APIC);
}

void apic_init_cpu(void)
{
	enable();
	write(APIC_SVR, SVR_ENABLE | IRQ_SPURIOUS);
	write(APIC_TPR, 0);
	write(APIC_LVT_LINT0, LVT_MASKED);
	write(APIC_LVT_LINT1, LVT_NMI);
	write(APIC_LVT_ERROR, IRQ_ERROR);
	write(APIC_ESR, 0);
	write(APIC_TIMER_DIVIDE, DIVIDE_BY_1);
	write(APIC_LVT_TIMER,
	      (cpu_features.tsc_deadline ? LVT_TSC_DEADLINE : LVT_ONE_SHOT) | IRQ_TIMER);
	/* SDM 3A 11.5.4.1: the mode must be there before the first deadline is written. */
	__asm__ volatile("mfence" : : : "memory");
}

uint32_t apic_id(void)
{
	return x2apic ? read(APIC_ID) : read(APIC_ID) >> 24;
}

void apic_eoi(void)
{
	write(APIC_EOI, 0);
}

int apic_in_service(uint8_t vector)
{
	/* Eight registers of 32 vectors each, 10h apart. */
	return (int)(read(APIC_ISR + (vector / 32u) * 0x10u) >> (vector % 32u) & 1);
}

static void send(uint32_t destination, uint32_t command)
{
	if (x2apic) {
		x86_wrmsr(MSR_X2APIC_FIRST + APIC_ICR / 16, (uint64_t)destination << 32 | command);
		return;
	}
	while (read(APIC_ICR) & ICR_PENDING)
		x86_pause();
	write(APIC_ICR_HIGH, destination << 24);
	write(APIC_ICR, command);
}

void apic_send(uint32_t destination, uint8_t vector)
{
	/* WRMSR to x2APIC registers isn't ordered behind stores (SDM 3A 11.12.3). */
	__asm__ volatile("mfence" : : : "memory");
	send(destination, ICR_ASSERT | vector);
}

/* No destination is written, so one that somebody else was about to use stays. */
void apic_send_self(uint8_t vector)
{
	if (x2apic)
		x86_wrmsr(MSR_X2APIC_FIRST + APIC_ICR / 16, ICR_SELF | ICR_ASSERT | vector);
	else
		write(APIC_ICR, ICR_SELF | ICR_ASSERT | vector);
}

void apic_send_nmi(uint32_t destination)
{
	send(destination, ICR_ASSERT | ICR_NMI);
}

void apic_send_init(uint32_t destination)
{
	send(destination, ICR_ASSERT | ICR_INIT);
}

void apic_send_startup(uint32_t destination, uint32_t address)
{
	send(destination, ICR_ASSERT | ICR_STARTUP | address / HV_PAGE_SIZE);
}

/* ---- timer ---- */

void apic_timer_start_count(void)
{
	write(APIC_LVT_TIMER, LVT_MASKED | LVT_ONE_SHOT | IRQ_TIMER);
	write(APIC_TIMER_DIVIDE, DIVIDE_BY_1);
	write(APIC_TIMER_INITIAL, UINT32_MAX);
}

uint32_t apic_timer_count(void)
{
	return read(APIC_TIMER_CURRENT);
}

void apic_timer_set_rate(uint64_t counts_per_tsc_32)
{
	timer_rate = counts_per_tsc_32;
}

/* At least 1: 0 would stop the timer. Longer than the counter: in pieces, timer_run() arms again. */
static uint32_t counts_until(uint64_t deadline)
{
	uint64_t now = x86_rdtsc();
	uint64_t ticks = deadline > now ? deadline - now : 0;
	uint64_t counts;

	if (ticks > UINT32_MAX)
		ticks = UINT32_MAX;
	counts = (ticks * (timer_rate >> 8) >> 24) + 1;
	return counts < UINT32_MAX ? (uint32_t)counts : UINT32_MAX;
}

void apic_timer_arm(uint64_t deadline)
{
	if (cpu_features.tsc_deadline)
		x86_wrmsr(MSR_TSC_DEADLINE, deadline != 0 ? deadline : 1);
	else
		write(APIC_TIMER_INITIAL, counts_until(deadline));
}

const char *apic_description(void)
{
	static const char *const descriptions[2][2] = {
		{"xAPIC", "xAPIC, TSC deadline"},
		{"x2APIC", "x2APIC, TSC deadline"},
	};

	return descriptions[x2apic][cpu_features.tsc_deadline];
}
