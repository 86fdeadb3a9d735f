/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/dummy/ioapic.h"

#include "guests/dummy/lapic.h"
#include "guests/dummy/machine.h"
#include "lib/x86/apic.h"
#include "lib/x86/cpu.h"

static uint32_t destination;

uint32_t ioapic_read(uint32_t reg)
{
	uintptr_t base = machine.ioapic_address;

	*(volatile uint32_t *)(base + IOAPIC_REGSEL) = reg;
	return *(const volatile uint32_t *)(base + IOAPIC_IOWIN);
}

static void ioapic_write(uint32_t reg, uint32_t value)
{
	uintptr_t base = machine.ioapic_address;

	*(volatile uint32_t *)(base + IOAPIC_REGSEL) = reg;
	*(volatile uint32_t *)(base + IOAPIC_IOWIN) = value;
}

unsigned ioapic_inputs(void)
{
	return ((ioapic_read(IOAPIC_VER) >> 16) & 0xff) + 1;
}

void ioapic_init(uint32_t apic_id)
{
	destination = apic_id;
	for (unsigned i = 0; i < ioapic_inputs(); i++)
		ioapic_write(IOAPIC_REDTBL(i), IOAPIC_RED_MASKED);
}

static uint32_t input_of(unsigned irq)
{
	return machine.isa[irq].gsi - machine.ioapic_gsi_base;
}

static void enable(unsigned irq)
{
	uint32_t reg = IOAPIC_REDTBL(input_of(irq));

	ioapic_write(reg + 1, destination << IOAPIC_RED_DEST_SHIFT);
	ioapic_write(reg, (IRQ_VECTOR_BASE + irq) |
				  (machine.isa[irq].low_active ? IOAPIC_RED_LOW_ACTIVE : 0) |
				  (machine.isa[irq].level ? IOAPIC_RED_LEVEL : 0));
}

static void disable(unsigned irq)
{
	ioapic_write(IOAPIC_REDTBL(input_of(irq)), IOAPIC_RED_MASKED);
}

static bool is_real(unsigned irq)
{
	(void)irq;
	return true; /* the local APIC has a vector of its own for spurious ones */
}

static void end(unsigned irq)
{
	(void)irq;
	lapic_eoi();
}

const struct irq_controller ioapic_controller = {
	.name = "I/O APIC",
	.enable = enable,
	.disable = disable,
	.is_real = is_real,
	.end = end,
};
