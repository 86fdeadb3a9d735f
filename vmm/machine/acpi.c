/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * @req VMM-116 The ACPI tables describe the machine as it is, and iasl finds nothing wrong with them.
 */
#include "vmm/machine/acpi.h"

#include "lib/acpi.h"
#include "lib/string.h"
#include "lib/x86/apic.h"
#include "vmm/dev/acpi_pm.h"
#include "vmm/dev/pci.h"
#include "vmm/machine/aml.h"

#define TABLES 4u /**< that the root tables list */

/** 5.2.3.2 Generic Address Structure. */
struct gas {
	uint8_t space, width, offset, access;
	uint64_t address;
} __attribute__((packed));

#define GAS_IO	  1u
#define GAS_BYTE  1u
#define GAS_WORD  2u
#define GAS_DWORD 3u

/** 5.2.9 Fixed ACPI Description Table, revision 5. */
struct fadt {
	struct acpi_header header;
	uint32_t firmware_ctrl, dsdt;
	uint8_t reserved, profile;
	uint16_t sci_int;
	uint32_t smi_cmd;
	uint8_t acpi_enable, acpi_disable, s4bios_req, pstate_cnt;
	uint32_t pm1a_evt, pm1b_evt, pm1a_cnt, pm1b_cnt, pm2_cnt, pm_tmr, gpe0, gpe1;
	uint8_t pm1_evt_len, pm1_cnt_len, pm2_cnt_len, pm_tmr_len, gpe0_len, gpe1_len, gpe1_base;
	uint8_t cst_cnt;
	uint16_t p_lvl2_lat, p_lvl3_lat, flush_size, flush_stride;
	uint8_t duty_offset, duty_width, day_alarm, month_alarm, century;
	uint16_t boot_arch;
	uint8_t reserved2;
	uint32_t flags;
	struct gas reset_reg;
	uint8_t reset_value;
	uint16_t arm_boot_arch;
	uint8_t minor;
	uint64_t x_firmware_ctrl, x_dsdt;
	struct gas x_pm1a_evt, x_pm1b_evt, x_pm1a_cnt, x_pm1b_cnt, x_pm2_cnt, x_pm_tmr, x_gpe0, x_gpe1;
	struct gas sleep_control, sleep_status;
} __attribute__((packed));
_Static_assert(sizeof(struct fadt) == 268, "ACPI 5.0's size");

/* FADT: table 5.10, table 5.11. */
#define FADT_WBINVD	 (1u << 0)
#define FADT_PROC_C1	 (1u << 2)
#define FADT_SLP_BUTTON	 (1u << 5) /**< no fixed one */
#define FADT_TMR_VAL_EXT (1u << 8)
#define FADT_RESET	 (1u << 10)
#define BOOT_LEGACY	 (1u << 0)
#define BOOT_8042	 (1u << 1)
#define BOOT_NO_ASPM	 (1u << 4)
#define LATENCY_C2_NONE	 101u
#define LATENCY_C3_NONE	 1001u
#define RTC_CENTURY	 0x32u
#define RESET_PORT	 0xcf9u
#define RESET_VALUE	 6u

/** 5.2.10 Firmware ACPI Control Structure. */
struct facs {
	char signature[4];
	uint32_t length, hardware_signature, waking_vector, global_lock, flags;
	uint64_t x_waking_vector;
	uint8_t version, reserved[3];
	uint32_t ospm_flags;
	uint8_t reserved2[24];
} __attribute__((packed));
_Static_assert(sizeof(struct facs) == ACPI_FACS_SIZE, "as in the specification");

/** PCI Firmware Specification 3.0, 4.1.2. */
struct mcfg {
	struct acpi_header header;
	uint64_t reserved;
	uint64_t base;
	uint16_t segment;
	uint8_t first_bus, last_bus;
	uint32_t reserved2;
} __attribute__((packed));

/* 5.2.12: MADT entries as they lie in memory. */
struct madt_cpu {
	uint8_t type, length, uid, apic_id;
	uint32_t flags;
} __attribute__((packed));
struct madt_ioapic {
	uint8_t type, length, id, reserved;
	uint32_t address, gsi_base;
} __attribute__((packed));
struct madt_override {
	uint8_t type, length, bus, source;
	uint32_t gsi;
	uint16_t flags;
} __attribute__((packed));
struct madt_nmi {
	uint8_t type, length, uid;
	uint16_t flags;
	uint8_t lint;
} __attribute__((packed));

#define PIT_GSI 2u

/** Where the next table goes, and which there are. */
struct builder {
	const struct acpi_machine *machine;
	struct acpi_room room; /**< what is left */
	uint64_t table[TABLES];
	uint32_t tables;
	bool full;
};

static uint8_t checksum(const void *bytes, size_t size)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum = (uint8_t)(sum + ((const uint8_t *)bytes)[i]);
	return (uint8_t)(0u - sum);
}

/** @return zeroed memory of the room's, 16-byte aligned, or NULL. `*where` is its address. */
static void *take(struct builder *b, uint32_t size, uint32_t *where)
{
	uint8_t *host = b->room.host;

	size = (size + 15) & ~15u;
	if (size > b->room.size) {
		b->full = true;
		return NULL;
	}
	*where = b->room.where;
	b->room.host += size;
	b->room.where += size;
	b->room.size -= size;
	memset(host, 0, size);
	return host;
}

static void seal(struct acpi_header *header, const char *signature, uint8_t revision, uint32_t length)
{
	memcpy(header->signature, signature, sizeof(header->signature));
	header->length = length;
	header->revision = revision;
	memcpy(header->oemid, "HYPIKE", sizeof(header->oemid));
	memcpy(header->oem_table_id, "HYPIKEPC", sizeof(header->oem_table_id));
	header->oem_revision = 1;
	memcpy(&header->creator_id, "HYPK", sizeof(header->creator_id));
	header->creator_revision = 1;
	header->checksum = checksum(header, length);
}

static void list(struct builder *b, uint32_t where)
{
	b->table[b->tables++] = where;
}

/* --------------------------------------------------------------------------------------------- MADT */

static uint8_t *put(uint8_t *at, const void *entry, size_t size)
{
	memcpy(at, entry, size);
	return at + size;
}

static uint8_t *put_override(uint8_t *at, uint32_t irq, uint32_t gsi, uint16_t flags)
{
	const struct madt_override entry = {.type = ACPI_MADT_INTERRUPT_SOURCE_OVERRIDE,
					    .length = sizeof(entry),
					    .source = (uint8_t)irq,
					    .gsi = gsi,
					    .flags = flags};

	return put(at, &entry, sizeof(entry));
}

static uint8_t *put_cpus(uint8_t *at, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct madt_cpu entry = {.type = ACPI_MADT_LOCAL_APIC,
					       .length = sizeof(entry),
					       .uid = (uint8_t)i,
					       .apic_id = (uint8_t)i,
					       .flags = ACPI_MADT_ENABLED};
		at = put(at, &entry, sizeof(entry));
	}
	return at;
}

static void madt_build(struct builder *b)
{
	const struct madt_ioapic ioapic = {.type = ACPI_MADT_IO_APIC,
					   .length = sizeof(ioapic),
					   .address = b->machine->ioapic};
	const struct madt_nmi nmi = {.type = ACPI_MADT_LOCAL_APIC_NMI,
				     .length = sizeof(nmi),
				     .uid = UINT8_MAX,
				     .lint = 1};
	const uint32_t length =
		(uint32_t)(sizeof(struct acpi_madt) + b->machine->vcpus * sizeof(struct madt_cpu) +
			   sizeof(ioapic) + 2 * sizeof(struct madt_override) + sizeof(nmi));
	uint32_t where;
	struct acpi_madt *madt = take(b, length, &where);

	if (!madt)
		return;
	madt->local_apic_address = APIC_DEFAULT_BASE;
	madt->flags = ACPI_MADT_PCAT_COMPAT;
	uint8_t *at = put_cpus((uint8_t *)(madt + 1), b->machine->vcpus);
	at = put(at, &ioapic, sizeof(ioapic));
	at = put_override(at, 0, PIT_GSI, 0);
	at = put_override(at, b->machine->sci, b->machine->sci,
			  ACPI_MADT_POLARITY_HIGH | ACPI_MADT_TRIGGER_LEVEL);
	put(at, &nmi, sizeof(nmi));
	seal(&madt->header, "APIC", 4, length);
	list(b, where);
}

static void mcfg_build(struct builder *b)
{
	uint32_t where;
	struct mcfg *mcfg = take(b, sizeof(*mcfg), &where);

	if (!mcfg)
		return;
	mcfg->base = b->machine->ecam;
	seal(&mcfg->header, "MCFG", 1, sizeof(*mcfg));
	list(b, where);
}

/* --------------------------------------------------------------------------------------------- DSDT */

/** What the root passes on to PCI. */
static void pci_windows(struct aml *aml, const struct acpi_machine *machine)
{
	struct aml_block crs = aml_resources(aml);

	aml_window16(aml, AML_BUS, 0, 0);
	aml_io(aml, 0xcf8, 8);
	aml_window16(aml, AML_IO, 0, 0xcf7);
	aml_window16(aml, AML_IO, 0xd00, 0xffff);
	aml_window32(aml, 0xa0000, 0xbffff);
	aml_window32(aml, machine->mmio, machine->mmio_end - 1);
	if (machine->mmio64)
		aml_window64(aml, machine->mmio64, machine->mmio64_end - 1);
	aml_resources_end(aml, crs);
}

/** Package () {slot << 16 | all functions, pin, 0 (no link device), interrupt}. */
static void pci_route(struct aml *aml, uint32_t slot, uint32_t pin, uint32_t interrupt)
{
	struct aml_block route = aml_package(aml, 4);

	aml_integer(aml, slot << 16 | 0xffff);
	aml_integer(aml, pin);
	aml_integer(aml, 0);
	aml_integer(aml, interrupt);
	aml_end(aml, route);
}

/** Where each slot's pins lead to, on the I/O APIC or on the 8259s. */
static void pci_routes(struct aml *aml, const struct acpi_machine *machine, const char *name,
		       bool ioapic)
{
	aml_name(aml, name);
	struct aml_block routes = aml_package(aml, (PCI_SLOTS - 1) * PCI_PINS);

	for (uint32_t i = PCI_PINS; i < PCI_SLOTS * PCI_PINS; i++) {
		const uint32_t slot = i / PCI_PINS, pin = i % PCI_PINS;
		const uint32_t line = pci_swizzle(slot, pin);

		pci_route(aml, slot, pin, ioapic ? machine->pci_gsi + line : machine->pci_irq[line]);
	}
	aml_end(aml, routes);
}

/** _PRT: what the system has said of its interrupt controllers by \_PIC decides (6.2.13). */
static void pci_routing(struct aml *aml, const struct acpi_machine *machine)
{
	pci_routes(aml, machine, "PRTA", true);
	pci_routes(aml, machine, "PRTP", false);
	struct aml_block method = aml_method(aml, "_PRT", 0);
	struct aml_block apic = aml_if(aml, "\\PICF");

	aml_return(aml, "PRTA");
	aml_end(aml, apic);
	aml_return(aml, "PRTP");
	aml_end(aml, method);
}

/** \_PIC (5.8.1): 0: 8259s, 1: I/O APIC. */
static void pic_method(struct aml *aml)
{
	aml_name(aml, "\\PICF");
	aml_integer(aml, 0);
	struct aml_block method = aml_method(aml, "\\_PIC", 1);

	aml_store_argument(aml, "\\PICF");
	aml_end(aml, method);
}

static void pci_root(struct aml *aml, const struct acpi_machine *machine)
{
	struct aml_block device = aml_device(aml, "PCI0");

	aml_name(aml, "_HID");
	aml_eisa_id(aml, "PNP0A03");
	aml_name(aml, "_UID");
	aml_integer(aml, 0);
	pci_windows(aml, machine);
	pci_routing(aml, machine);
	aml_end(aml, device);
}

/** A device of the ISA bus with ports and an interrupt. */
struct isa_device {
	char name[5], id[8];
	uint16_t port, port2; /**< 0: none */
	uint8_t ports;	      /**< of each */
	uint8_t irq;	      /**< 0: none; the PIT's isn't told */
};

static void isa_device(struct aml *aml, const struct isa_device *isa)
{
	struct aml_block device = aml_device(aml, isa->name);

	aml_name(aml, "_HID");
	aml_eisa_id(aml, isa->id);
	struct aml_block crs = aml_resources(aml);
	aml_io(aml, isa->port, isa->ports);
	if (isa->port2)
		aml_io(aml, isa->port2, isa->ports);
	if (isa->irq)
		aml_irq(aml, isa->irq);
	aml_resources_end(aml, crs);
	aml_end(aml, device);
}

static void isa_devices(struct aml *aml, const struct acpi_machine *machine)
{
	const struct isa_device devices[] = {
		{"COM1", "PNP0501", (uint16_t)machine->com1, 0, 8, (uint8_t)machine->com1_irq},
		{"RTC_", "PNP0B00", 0x70, 0, 2, 8},
		{"KBD_", "PNP0303", 0x60, 0x64, 1, 1},
	};

	for (unsigned int i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
		isa_device(aml, &devices[i]);
}

/** Where a guest says that it has panicked, as QEMU tells of it. */
static void pvpanic(struct aml *aml, const struct acpi_machine *machine)
{
	if (machine->pvpanic == 0)
		return;
	struct aml_block device = aml_device(aml, "PEVT");
	aml_name(aml, "_HID");
	aml_string(aml, "QEMU0001");
	struct aml_block crs = aml_resources(aml);
	aml_io(aml, (uint16_t)machine->pvpanic, 1);
	aml_resources_end(aml, crs);
	aml_end(aml, device);
}

/** What belongs to the board: nobody may put anything else there. */
static void board(struct aml *aml, const struct acpi_machine *machine)
{
	struct aml_block device = aml_device(aml, "BRD0");

	aml_name(aml, "_HID");
	aml_eisa_id(aml, "PNP0C02");
	struct aml_block crs = aml_resources(aml);
	aml_io(aml, (uint16_t)machine->pm_base, ACPI_PM_PORTS);
	aml_memory32(aml, machine->ecam, PCI_ECAM_SIZE);
	aml_resources_end(aml, crs);
	aml_end(aml, device);
}

static void s5(struct aml *aml)
{
	aml_name(aml, "\\_S5_");
	struct aml_block package = aml_package(aml, 4);

	aml_integer(aml, ACPI_PM_S5);
	for (unsigned int i = 0; i < 3; i++)
		aml_integer(aml, 0);
	aml_end(aml, package);
}

/** @return the table's address. */
static uint32_t dsdt_build(struct builder *b)
{
	struct acpi_header *header = (struct acpi_header *)b->room.host;
	uint32_t where = 0;

	if (b->full || b->room.size < sizeof(*header)) {
		b->full = true;
		return 0;
	}
	struct aml aml = {.at = (uint8_t *)(header + 1), .end = b->room.host + b->room.size};
	s5(&aml);
	pic_method(&aml);
	struct aml_block scope = aml_scope(&aml, "\\_SB_");
	pci_root(&aml, b->machine);
	isa_devices(&aml, b->machine);
	pvpanic(&aml, b->machine);
	board(&aml, b->machine);
	aml_end(&aml, scope);
	const uint32_t length = (uint32_t)(aml.at - (uint8_t *)header);
	b->full = aml.full;
	const uint32_t whole = (length + 15) & ~15u;
	if (b->full || whole > b->room.size) {
		b->full = true;
		return 0;
	}
	memset(header, 0, sizeof(*header));
	seal(header, "DSDT", 2, length);
	where = b->room.where;
	b->room.host += whole;
	b->room.where += whole;
	b->room.size -= whole;
	return where;
}

/* --------------------------------------------------------------------------------------------- FADT */

static struct gas io(uint32_t port, uint8_t bytes)
{
	return (struct gas){.space = GAS_IO,
			    .width = (uint8_t)(8 * bytes),
			    .access = bytes == 1   ? GAS_BYTE
				      : bytes == 2 ? GAS_WORD
						   : GAS_DWORD,
			    .address = port};
}

static void fadt_ports(struct fadt *fadt, uint32_t base)
{
	fadt->pm1a_evt = base + ACPI_PM1_STATUS;
	fadt->pm1_evt_len = 4;
	fadt->pm1a_cnt = base + ACPI_PM1_CONTROL;
	fadt->pm1_cnt_len = 2;
	fadt->pm_tmr = base + ACPI_PM_TIMER;
	fadt->pm_tmr_len = 4;
	fadt->x_pm1a_evt = io(fadt->pm1a_evt, 4);
	fadt->x_pm1a_evt.access = GAS_WORD; /* two registers of a word */
	fadt->x_pm1a_cnt = io(fadt->pm1a_cnt, 2);
	fadt->x_pm_tmr = io(fadt->pm_tmr, 4);
	fadt->reset_reg = io(RESET_PORT, 1);
	fadt->reset_value = RESET_VALUE;
}

static void fadt_build(struct builder *b, uint32_t facs, uint32_t dsdt)
{
	uint32_t where;
	struct fadt *fadt = take(b, sizeof(*fadt), &where);

	if (!fadt)
		return;
	fadt->firmware_ctrl = facs;
	fadt->dsdt = dsdt;
	fadt->x_dsdt = dsdt;
	fadt->sci_int = (uint16_t)b->machine->sci;
	fadt_ports(fadt, b->machine->pm_base);
	fadt->p_lvl2_lat = LATENCY_C2_NONE;
	fadt->p_lvl3_lat = LATENCY_C3_NONE;
	fadt->century = RTC_CENTURY;
	fadt->boot_arch = BOOT_LEGACY | BOOT_8042 | BOOT_NO_ASPM;
	fadt->flags = FADT_WBINVD | FADT_PROC_C1 | FADT_SLP_BUTTON | FADT_TMR_VAL_EXT | FADT_RESET;
	seal(&fadt->header, "FACP", 5, sizeof(*fadt));
	list(b, where);
}

static void facs_build(uint8_t *host)
{
	struct facs facs = {.signature = {'F', 'A', 'C', 'S'}, .length = sizeof(facs), .version = 2};

	memcpy(host, &facs, sizeof(facs));
}

/* --------------------------------------------------------------------------------------- root tables */

/** XSDT or RSDT: the addresses of the other tables, in `entry` bytes each. */
static uint32_t root_build(struct builder *b, const char *signature, uint32_t entry)
{
	const uint32_t length = (uint32_t)sizeof(struct acpi_header) + b->tables * entry;
	uint32_t where = 0;
	struct acpi_header *header = take(b, length, &where);

	if (!header)
		return 0;
	for (uint32_t i = 0; i < b->tables; i++)
		memcpy((uint8_t *)(header + 1) + (size_t)i * entry, &b->table[i], entry);
	seal(header, signature, 1, length);
	return where;
}

static void rsdp_build(struct acpi_rsdp *rsdp, uint32_t rsdt, uint32_t xsdt)
{
	memcpy(rsdp->signature, "RSD PTR ", sizeof(rsdp->signature));
	memcpy(rsdp->oemid, "HYPIKE", sizeof(rsdp->oemid));
	rsdp->revision = 2;
	rsdp->rsdt_address = rsdt;
	rsdp->length = sizeof(*rsdp);
	rsdp->xsdt_address = xsdt;
	rsdp->checksum = checksum(rsdp, offsetof(struct acpi_rsdp, length));
	rsdp->extended_checksum = checksum(rsdp, sizeof(*rsdp));
}

bool acpi_build(const struct acpi_machine *machine, const struct acpi_room *room, uint32_t facs,
		uint8_t *facs_host)
{
	struct builder b = {.machine = machine, .room = *room};
	uint32_t where;
	struct acpi_rsdp *rsdp = take(&b, sizeof(*rsdp), &where);
	const uint32_t dsdt = dsdt_build(&b);

	fadt_build(&b, facs, dsdt);
	madt_build(&b);
	mcfg_build(&b);
	const uint32_t rsdt = root_build(&b, "RSDT", 4), xsdt = root_build(&b, "XSDT", 8);
	if (b.full || !rsdp)
		return false;
	facs_build(facs_host);
	rsdp_build(rsdp, rsdt, xsdt);
	return true;
}
