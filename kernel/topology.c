/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/topology.h"

#include "kernel/address.h"
#include "lib/string.h"

#define LOCAL_APIC_DEFAULT 0xfee00000u /* SDM 3A 11.4.1 */
#define UART_IRQ	   4u	       /* COM1 */
#define ISA_IRQS	   16u
#define LOW_LIMIT	   (UINT64_C(1) << 32)

struct topology topology = {
	.local_apic = LOCAL_APIC_DEFAULT,
	.uart_gsi = UART_IRQ,
};

static bool read_low(void *ctx, uint64_t phys, void *dst, size_t len)
{
	(void)ctx;
	if (!hv_range_ok(phys, len, LOW_LIMIT))
		return false;
	memcpy(dst, phys_to_virt(phys), len);
	return true;
}

static const struct acpi_access access = {.read = read_low};

#define ACPI_SEARCH_MAX (UINT64_C(1) << 20) /* of one piece: the RSDP lies near its tables */

/*
 * On UEFI the RSDP is found by the firmware's system table, and Multiboot 1 has no field for it: what
 * remains is to look for it in the memory that the loader calls ACPI's.
 */
static bool find_rsdp_uefi(const struct boot_info *info, uint64_t *rsdp)
{
	for (uint32_t i = 0; i < info->acpi_count; i++) {
		uint64_t start = (info->acpi[i].start + 15) & ~UINT64_C(15);
		uint64_t size = info->acpi[i].end > start ? info->acpi[i].end - start : 0;

		if (acpi_find_rsdp(&access, start, size < ACPI_SEARCH_MAX ? size : ACPI_SEARCH_MAX,
				   rsdp))
			return true;
	}
	return false;
}

static bool open_root(const struct boot_info *info, struct acpi_root *root)
{
	uint64_t rsdp;

	if (info->rsdp_size != 0)
		return acpi_open_copy(&access, &info->rsdp, info->rsdp_size, root);
	return (acpi_find_rsdp_bios(&access, &rsdp) || find_rsdp_uefi(info, &rsdp)) &&
	       acpi_open(&access, rsdp, root);
}

/* A CPU may be listed twice, as local APIC and as local x2APIC. */
static bool known(uint32_t apic_id)
{
	for (uint32_t i = 0; i < topology.cpu_count && i < HOST_MAX_CPUS; i++)
		if (topology.apic_id[i] == apic_id)
			return true;
	return false;
}

static void add_cpu(const struct acpi_madt_entry *entry)
{
	if ((entry->cpu.flags & ACPI_MADT_ENABLED) == 0 || known(entry->cpu.apic_id))
		return;
	if (topology.cpu_count < HOST_MAX_CPUS)
		topology.apic_id[topology.cpu_count] = entry->cpu.apic_id;
	topology.cpu_count++;
}

static void add_io_apic(const struct acpi_madt_entry *entry)
{
	if (topology.io_apic_count < MAX_IO_APICS)
		topology.io_apic[topology.io_apic_count++] =
			(struct io_apic){entry->io_apic.address, entry->io_apic.gsi_base};
}

static void add_override(const struct acpi_madt_entry *entry)
{
	if (entry->override.source == UART_IRQ)
		topology.uart_gsi = entry->override.gsi;
	if (entry->override.gsi < TOPOLOGY_GSIS)
		topology.gsi_flags[entry->override.gsi] = entry->override.flags;
}

/* ISA's interrupts are edges, high; PCI's are levels, low. */
static void set_default_flags(void)
{
	for (uint32_t gsi = ISA_IRQS; gsi < TOPOLOGY_GSIS; gsi++)
		topology.gsi_flags[gsi] = ACPI_MADT_POLARITY_LOW | ACPI_MADT_TRIGGER_LEVEL;
}

static void set_address(const struct acpi_madt_entry *entry)
{
	topology.local_apic = entry->local_apic_address;
}

static void (*const readers[])(const struct acpi_madt_entry *) = {
	[ACPI_MADT_LOCAL_APIC] = add_cpu,
	[ACPI_MADT_IO_APIC] = add_io_apic,
	[ACPI_MADT_INTERRUPT_SOURCE_OVERRIDE] = add_override,
	[ACPI_MADT_LOCAL_APIC_ADDRESS_OVERRIDE] = set_address,
	[ACPI_MADT_LOCAL_X2APIC] = add_cpu,
};
#define READERS (sizeof(readers) / sizeof(readers[0]))

static void read_madt(const struct acpi_table *table)
{
	struct acpi_madt_entry entry;
	struct acpi_madt_iter it;
	struct acpi_madt madt;

	if (acpi_madt_read(&access, table, &madt))
		topology.local_apic = madt.local_apic_address;
	acpi_madt_begin(&it, &access, table);
	while (acpi_madt_next(&it, &entry))
		if (entry.type < READERS && readers[entry.type] != NULL)
			readers[entry.type](&entry);
}

/* PCI Firmware Specification 3.2, 4.1.2. */
struct mcfg_entry {
	uint64_t base; /* of bus 0 */
	uint16_t segment;
	uint8_t first_bus, last_bus;
	uint32_t reserved;
};
#define MCFG_ENTRIES 44u
#define BUS_SHIFT    20u

static void read_mcfg(const struct acpi_table *table)
{
	struct mcfg_entry entry;

	for (uint32_t at = MCFG_ENTRIES; at + sizeof(entry) <= table->length &&
					 topology.ecam_count < MAX_ECAM;
	     at += (uint32_t)sizeof(entry))
		if (read_low(NULL, table->phys + at, &entry, sizeof(entry)))
			topology.ecam[topology.ecam_count++] = (struct range){
				entry.base + ((uint64_t)entry.first_bus << BUS_SHIFT),
				entry.base + ((entry.last_bus + UINT64_C(1)) << BUS_SHIFT)};
}

void topology_init(const struct boot_info *info)
{
	struct acpi_table table;
	struct acpi_root root;
	bool acpi = open_root(info, &root);

	set_default_flags();
	if (acpi && acpi_find_table(&access, &root, "MCFG", &table))
		read_mcfg(&table);
	if (acpi && acpi_find_table(&access, &root, "APIC", &table))
		read_madt(&table);
	else
		host_log("no ACPI table of interrupt controllers: one CPU, no keys");
	if (topology.cpu_count == 0)
		topology.cpu_count = 1;
}
