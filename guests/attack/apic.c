/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/attack/apic.h"

#include "guests/attack/act.h"
#include "lib/x86/apic.h"

#define X2APIC(reg) (0x800u + (reg) / 16u)

static volatile unsigned taken;
static unsigned limit;
static void (*at_limit)(void);
static trap_fn nmi_before;
static void *nmi_ctx;

static bool count(struct trap_frame *frame, void *ctx)
{
	(void)frame;
	(void)ctx;
	taken++;
	if (taken == limit)
		at_limit();
	wrmsr(X2APIC(APIC_EOI), 0);
	return true;
}

static bool forget(struct trap_frame *frame, void *ctx)
{
	(void)frame;
	(void)ctx;
	return true;
}

void apic_begin(void)
{
	const uint64_t base = rdmsr(IA32_APIC_BASE) & ~(APIC_BASE_EN | APIC_BASE_EXTD);

	wrmsr(IA32_APIC_BASE, base); /* nothing of what was before is pending or in service */
	wrmsr(IA32_APIC_BASE, base | APIC_BASE_EN);
	wrmsr(IA32_APIC_BASE, base | APIC_BASE_EN | APIC_BASE_EXTD);
	wrmsr(X2APIC(APIC_SVR), 0x1ff);
	wrmsr(X2APIC(APIC_TPR), (APIC_TEST_VECTOR & 0xf0) - 0x10);
	taken = 0;
	limit = 0;
	trap_get(X86_NMI, &nmi_before, &nmi_ctx);
	trap_register(X86_NMI, forget, NULL);
	trap_register(APIC_TEST_VECTOR, count, NULL);
}

unsigned apic_taken(void)
{
	sti();
	for (unsigned i = 0; i < 1000; i++)
		cpu_pause();
	cli();
	return taken;
}

void apic_stop_after(unsigned n, void (*stop)(void))
{
	limit = n;
	at_limit = stop;
}

void apic_end(void)
{
	trap_register(X86_NMI, nmi_before, nmi_ctx);
	trap_register(APIC_TEST_VECTOR, NULL, NULL);
}
