/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/dummy/machine.h"

#include "guests/dummy/rt.h"
#include "lib/acpi.h"
#include "lib/string.h"

#define MAPPED_END X86_U64(0x100000000)

struct machine machine = {.cpus = 1};

static bool read_physical(void *ctx, uint64_t phys, void *dst, size_t len)
{
	(void)ctx;
	if (phys >= MAPPED_END || len > MAPPED_END - phys)
		return false;
	memcpy(dst, (const void *)phys, len);
	return true;
}

static const struct acpi_access memory = {.read = read_physical};

static void add_cpu(const struct acpi_madt_entry *e)
{
	if ((e->cpu.flags & ACPI_MADT_ENABLED) != 0 && machine.cpus < CPUS_MAX)
		machine.apic_ids[machine.cpus++] = e->cpu.apic_id;
}

static void add_ioapic(const struct acpi_madt_entry *e)
{
	if (e->io_apic.gsi_base != 0) /* has no ISA interrupts */
		return;
	machine.has_ioapic = true;
	machine.ioapic_address = e->io_apic.address;
	machine.ioapic_gsi_base = e->io_apic.gsi_base;
}

static void add_override(const struct acpi_madt_entry *e)
{
	if (e->override.source >= IRQ_LINES)
		return;
	machine.isa[e->override.source].gsi = e->override.gsi;
	machine.isa[e->override.source].low_active =
		(e->override.flags & ACPI_MADT_POLARITY_MASK) == ACPI_MADT_POLARITY_LOW;
	machine.isa[e->override.source].level =
		(e->override.flags & ACPI_MADT_TRIGGER_MASK) == ACPI_MADT_TRIGGER_LEVEL;
}

static void add_entry(const struct acpi_madt_entry *e)
{
	switch (e->type) {
	case ACPI_MADT_LOCAL_APIC:
	case ACPI_MADT_LOCAL_X2APIC: add_cpu(e); break;
	case ACPI_MADT_IO_APIC: add_ioapic(e); break;
	case ACPI_MADT_INTERRUPT_SOURCE_OVERRIDE: add_override(e); break;
	case ACPI_MADT_LOCAL_APIC_ADDRESS_OVERRIDE:
		machine.lapic_address = e->local_apic_address;
		break;
	default: break;
	}
}

static void read_madt(const struct acpi_table *table)
{
	struct acpi_madt madt;
	struct acpi_madt_iter it;
	struct acpi_madt_entry e;

	if (!acpi_madt_read(&memory, table, &madt))
		return;
	machine.lapic_address = madt.local_apic_address;
	machine.cpus = 0;
	for (acpi_madt_begin(&it, &memory, table); acpi_madt_next(&it, &e);)
		add_entry(&e);
	machine.has_madt = machine.cpus > 0 && machine.has_ioapic && cpu_features.apic &&
			   machine.lapic_address < MAPPED_END;
	if (!machine.has_madt)
		machine.cpus = 1;
}

/** Fixed ACPI Description Table (5.2.9): the fields used here. */
struct fadt {
	struct acpi_header header;
	uint32_t facs, dsdt;
	uint8_t reserved, profile;
	uint16_t sci;
	uint32_t smi_command;
	uint8_t enable, disable, s4bios, pstate;
	uint32_t pm1a_event, pm1b_event, pm1a_control;
} __attribute__((packed));

static void read_fadt(const struct acpi_table *table)
{
	struct fadt fadt;

	if (table->length < sizeof(fadt) ||
	    !read_physical(NULL, table->phys, &fadt, sizeof(fadt)) || fadt.sci >= IRQ_LINES)
		return;
	machine.pm1_event = (uint16_t)fadt.pm1a_event;
	machine.pm1_control = (uint16_t)fadt.pm1a_control;
	machine.sci = fadt.sci;
	machine.dsdt = fadt.dsdt;
}

void machine_init(void)
{
	struct acpi_root root;
	struct acpi_table table;
	uint64_t rsdp;

	for (unsigned irq = 0; irq < IRQ_LINES; irq++)
		machine.isa[irq].gsi = irq;
	if (cmdline_flag("acpi=0"))
		return;
	machine.has_acpi = acpi_find_rsdp_bios(&memory, &rsdp) && acpi_open(&memory, rsdp, &root);
	if (machine.has_acpi && acpi_find_table(&memory, &root, "APIC", &table))
		read_madt(&table);
	if (machine.has_acpi && acpi_find_table(&memory, &root, "FACP", &table))
		read_fadt(&table);
}
