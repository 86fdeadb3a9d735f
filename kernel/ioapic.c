/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/ioapic.h"

#include <hypike/host.h>

#include "kernel/irq.h"
#include "kernel/paging.h"
#include "kernel/topology.h"
#include "kernel/x86.h"

/* ---- the 8259s (Intel 231468) ---- */

#define PIC1 0x20u
#define PIC2 0xa0u

#define ICW1_INIT 0x11u /* edge, cascade, ICW4 follows */
#define ICW4_8086 0x01u

static void pic_init(uint16_t port, uint8_t vector, uint8_t cascade)
{
	x86_outb(port, ICW1_INIT);
	x86_outb((uint16_t)(port + 1), vector);
	x86_outb((uint16_t)(port + 1), cascade);
	x86_outb((uint16_t)(port + 1), ICW4_8086);
	x86_outb((uint16_t)(port + 1), 0xff);
}

/* ---- I/O APICs (Intel 290566, 3.1 and 3.2) ---- */

#define IOREGSEL 0x00u
#define IOWIN	 0x10u

#define IOAPICVER 0x01u
#define IOREDTBL  0x10u

#define REDIR_MASKED (1u << 16)
#define REDIR_LEVEL  (1u << 15)
#define REDIR_LOW    (1u << 13)

static volatile uint8_t *registers[MAX_IO_APICS];

static volatile uint32_t *at(unsigned int apic, uint32_t offset)
{
	return (volatile uint32_t *)(volatile void *)(registers[apic] + offset);
}

static uint32_t read(unsigned int apic, uint32_t index)
{
	*at(apic, IOREGSEL) = index;
	return *at(apic, IOWIN);
}

static void write(unsigned int apic, uint32_t index, uint32_t value)
{
	*at(apic, IOREGSEL) = index;
	*at(apic, IOWIN) = value;
}

static uint32_t entries(unsigned int apic)
{
	return (read(apic, IOAPICVER) >> 16 & 0xff) + 1;
}

void ioapic_init(void)
{
	pic_init(PIC1, IRQ_LEGACY, 1u << 2);
	pic_init(PIC2, IRQ_LEGACY + 8, 2);
	for (unsigned int apic = 0; apic < topology.io_apic_count; apic++) {
		registers[apic] = paging_map_device(topology.io_apic[apic].address);
		for (uint32_t i = 0; i < entries(apic); i++)
			write(apic, IOREDTBL + 2 * i, REDIR_MASKED);
	}
}

/* ---- pins ---- */

/* Index and data register are two: one CPU at a time. */
static struct host_lock lock;

struct pin {
	unsigned int apic;
	uint32_t number;
};

static bool find(uint32_t gsi, struct pin *pin)
{
	for (unsigned int apic = 0; apic < topology.io_apic_count; apic++) {
		uint32_t number = gsi - topology.io_apic[apic].gsi_base;

		if (number < entries(apic)) {
			*pin = (struct pin){apic, number};
			return true;
		}
	}
	return false;
}

bool ioapic_has(uint32_t gsi)
{
	struct pin pin;

	return find(gsi, &pin);
}

/* ISA interrupts are active high and edge-triggered unless the override says otherwise. */
static uint32_t redirection(uint32_t gsi, uint8_t vector)
{
	uint16_t flags = gsi < TOPOLOGY_GSIS ? topology.gsi_flags[gsi] : 0;
	uint32_t entry = REDIR_MASKED | vector;

	if ((flags & ACPI_MADT_POLARITY_MASK) == ACPI_MADT_POLARITY_LOW)
		entry |= REDIR_LOW;
	if ((flags & ACPI_MADT_TRIGGER_MASK) == ACPI_MADT_TRIGGER_LEVEL)
		entry |= REDIR_LEVEL;
	return entry;
}

void ioapic_route(uint32_t gsi, uint8_t vector, uint32_t apic_id)
{
	struct pin pin;

	host_lock(&lock);
	if (find(gsi, &pin)) {
		write(pin.apic, IOREDTBL + 2 * pin.number, redirection(gsi, vector));
		write(pin.apic, IOREDTBL + 2 * pin.number + 1, apic_id << 24);
	}
	host_unlock(&lock);
}

void ioapic_mask(uint32_t gsi, bool masked)
{
	struct pin pin;
	uint32_t entry;

	host_lock(&lock);
	if (find(gsi, &pin)) {
		entry = read(pin.apic, IOREDTBL + 2 * pin.number) & ~REDIR_MASKED;
		write(pin.apic, IOREDTBL + 2 * pin.number, entry | (masked ? REDIR_MASKED : 0));
	}
	host_unlock(&lock);
}
