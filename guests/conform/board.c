/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts: by the 8259s, the I/O APIC and the local APIC's timer, out of HLT; by software; NMIs. */
#include "guests/conform/conform.h"

#include "guests/attack/machine.h"
#include "lib/x86/apic.h"

#define VECTOR	   0x71u
#define PIC_VECTOR 0x30u
#define X2APIC(reg) (0x800u + (reg) / 16u)
#define PIT_INPUT  2u

static volatile unsigned taken;

static bool count(struct trap_frame *frame, void *ctx)
{
	(void)frame;
	(void)ctx;
	taken++;
	wrmsr(X2APIC(APIC_EOI), 0);
	return true;
}

static bool count_pic(struct trap_frame *frame, void *ctx)
{
	(void)frame;
	(void)ctx;
	taken++;
	outb(0x20, 0x20);
	return true;
}

static void apic_on(void)
{
	const uint64_t base = rdmsr(IA32_APIC_BASE) | APIC_BASE_EN;

	wrmsr(IA32_APIC_BASE, base);
	wrmsr(IA32_APIC_BASE, base | APIC_BASE_EXTD);
	wrmsr(X2APIC(APIC_SVR), 0x1ff);
	trap_register(VECTOR, count, NULL);
	taken = 0;
}

static void ioapic_write(unsigned reg, uint32_t data)
{
	*(volatile uint32_t *)(uintptr_t)IOAPIC_DEFAULT_BASE = reg;
	*(volatile uint32_t *)(uintptr_t)(IOAPIC_DEFAULT_BASE + 0x10) = data;
}

static void pit_once(void)
{
	outb(0x43, 0x30);
	outb(0x40, 0xff);
	outb(0x40, 0x0f);
}

static void wait(void)
{
	while (taken == 0)
		sti_hlt();
	cli();
}

static void end(const char *name)
{
	step("interrupt.%s", name);
	value("%u", taken);
	step_end();
	machine_restore();
}

static void by_pic(void)
{
	apic_on();
	wrmsr(X2APIC(APIC_LVT_LINT0), APIC_DM_EXTINT);
	trap_register(PIC_VECTOR, count_pic, NULL);
	outb(0x20, 0x11);
	outb(0x21, PIC_VECTOR);
	outb(0x21, 4);
	outb(0x21, 1);
	outb(0x21, 0xfe);
	pit_once();
	wait();
	outb(0x21, 0xff);
	trap_register(PIC_VECTOR, NULL, NULL);
	end("pit-by-pic");
}

static void by_ioapic(void)
{
	apic_on();
	ioapic_write(IOAPIC_REDTBL(PIT_INPUT) + 1, 0);
	ioapic_write(IOAPIC_REDTBL(PIT_INPUT), VECTOR);
	pit_once();
	wait();
	ioapic_write(IOAPIC_REDTBL(PIT_INPUT), IOAPIC_RED_MASKED);
	end("pit-by-ioapic");
}

static void by_timer(void)
{
	apic_on();
	wrmsr(X2APIC(APIC_DIVIDE_CONFIG), 0xb);
	wrmsr(X2APIC(APIC_LVT_TIMER), VECTOR);
	wrmsr(X2APIC(APIC_INITIAL_COUNT), 100000);
	wait();
	end("timer");
}

static void by_deadline(void)
{
	apic_on();
	wrmsr(X2APIC(APIC_LVT_TIMER), 0x40000 | VECTOR);
	wrmsr(IA32_TSC_DEADLINE, rdtsc() + 100000);
	wait();
	end("deadline");
}

static void to_itself(void)
{
	apic_on();
	sti();
	wrmsr(X2APIC(APIC_ICR_LOW), APIC_ICR_TO_SELF | VECTOR);
	wrmsr(X2APIC(APIC_SELF_IPI), VECTOR);
	cpu_pause();
	cli();
	end("self");
}

/** Held back by the task priority, then by interrupts being off. */
static void held_back(void)
{
	apic_on();
	write_cr8(VECTOR >> 4);
	sti();
	wrmsr(X2APIC(APIC_SELF_IPI), VECTOR);
	cpu_pause();
	step("interrupt.priority");
	value("%u %lx %lx", taken, rdmsr(X2APIC(APIC_IRR) + VECTOR / 32), rdmsr(X2APIC(APIC_TPR)));
	write_cr8(0);
	cpu_pause();
	cli();
	value("%u %lx", taken, rdmsr(X2APIC(APIC_IRR) + VECTOR / 32));
	step_end();
	machine_restore();
}

static void by_nmi(void)
{
	trap_fn before;
	void *ctx;

	apic_on();
	trap_get(X86_NMI, &before, &ctx);
	trap_register(X86_NMI, machine_count_trap, (void *)&taken);
	wrmsr(X2APIC(APIC_ICR_LOW), APIC_ICR_ASSERT | APIC_DM_NMI);
	cpu_pause();
	trap_register(X86_NMI, before, ctx);
	end("nmi");
}

/** Of input 16, level-triggered: nobody asserts it, and with the other polarity it is asserted for ever. */
static void by_level(void)
{
	apic_on();
	ioapic_write(IOAPIC_REDTBL(16) + 1, 0);
	sti();
	ioapic_write(IOAPIC_REDTBL(16), VECTOR | IOAPIC_RED_LEVEL | IOAPIC_RED_LOW_ACTIVE);
	cpu_pause();
	cli();
	ioapic_write(IOAPIC_REDTBL(16), IOAPIC_RED_MASKED);
	end("level-idle");
}

void conform_board(void)
{
	by_pic();
	by_ioapic();
	by_timer();
	by_deadline();
	to_itself();
	held_back();
	by_nmi();
	by_level();
}
