/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/acpi.h"

#include "lib/string.h"

#define RSDP_V1_LENGTH 20u
#define RSDP_STEP      16u

static bool read(const struct acpi_access *a, uint64_t phys, void *dst, size_t len)
{
	uint64_t end;

	return !__builtin_add_overflow(phys, len, &end) && a->read(a->ctx, phys, dst, len);
}

static uint8_t sum(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint8_t s = 0;

	for (size_t i = 0; i < len; i++)
		s = (uint8_t)(s + p[i]);
	return s;
}

static bool sum_is_zero(const struct acpi_access *a, uint64_t phys, uint32_t len)
{
	uint8_t chunk[64], s = 0;

	while (len > 0) {
		uint32_t n = len < sizeof(chunk) ? len : (uint32_t)sizeof(chunk);

		if (!read(a, phys, chunk, n))
			return false;
		s = (uint8_t)(s + sum(chunk, n));
		phys += n;
		len -= n;
	}
	return s == 0;
}

static bool rsdp_v1_good(const struct acpi_rsdp *r)
{
	return memcmp(r->signature, "RSD PTR ", 8) == 0 && sum(r, RSDP_V1_LENGTH) == 0;
}

bool acpi_find_rsdp(const struct acpi_access *access, uint64_t start, size_t len, uint64_t *rsdp)
{
	struct acpi_rsdp r;
	uint64_t skip = -start & (RSDP_STEP - 1);

	for (uint64_t at = skip; at < len && len - at >= RSDP_V1_LENGTH; at += RSDP_STEP) {
		if (read(access, start + at, &r, RSDP_V1_LENGTH) && rsdp_v1_good(&r)) {
			*rsdp = start + at;
			return true;
		}
	}
	return false;
}

bool acpi_find_rsdp_bios(const struct acpi_access *access, uint64_t *rsdp)
{
	uint16_t ebda_segment;

	/* BIOS data area 40:0E; zero, or not in conventional memory, where there is none */
	if (read(access, 0x40e, &ebda_segment, sizeof(ebda_segment)) && ebda_segment >= 0x4000 &&
	    acpi_find_rsdp(access, (uint64_t)ebda_segment << 4, 1024, rsdp))
		return true;
	return acpi_find_rsdp(access, 0xe0000, 0x20000, rsdp);
}

static bool header_good(const struct acpi_header *h, const char *signature, uint32_t min)
{
	return memcmp(h->signature, signature, 4) == 0 && h->length >= min &&
	       h->length <= ACPI_TABLE_MAX;
}

/* Checks the table at `phys` completely. */
static bool table_at(const struct acpi_access *a, uint64_t phys, const char *signature,
		     struct acpi_table *table)
{
	struct acpi_header h;

	if (!read(a, phys, &h, sizeof(h)) || !header_good(&h, signature, sizeof(h)) ||
	    !sum_is_zero(a, phys, h.length))
		return false;
	*table = (struct acpi_table){.phys = phys, .length = h.length, .revision = h.revision};
	return true;
}

/* 5.2.5.3: the extended part is there from revision 2. */
static bool open_xsdt(const struct acpi_access *a, const struct acpi_rsdp *r,
		      struct acpi_root *root)
{
	root->entry_size = 8;
	return r->revision >= 2 && r->length == sizeof(*r) && sum(r, sizeof(*r)) == 0 &&
	       r->xsdt_address != 0 && table_at(a, r->xsdt_address, "XSDT", &root->table);
}

static bool open_rsdt(const struct acpi_access *a, const struct acpi_rsdp *r,
		      struct acpi_root *root)
{
	root->entry_size = 4;
	return r->rsdt_address != 0 && table_at(a, r->rsdt_address, "RSDT", &root->table);
}

bool acpi_open_copy(const struct acpi_access *access, const void *rsdp, size_t len,
		    struct acpi_root *root)
{
	struct acpi_rsdp r = {.revision = 0};

	if (len < RSDP_V1_LENGTH)
		return false;
	memcpy(&r, rsdp, len < sizeof(r) ? len : sizeof(r));
	return rsdp_v1_good(&r) && (open_xsdt(access, &r, root) || open_rsdt(access, &r, root));
}

bool acpi_open(const struct acpi_access *access, uint64_t rsdp, struct acpi_root *root)
{
	struct acpi_rsdp r;
	size_t len = sizeof(r);

	if (!read(access, rsdp, &r, len)) {
		/* a version 1 RSDP may end with the memory */
		len = RSDP_V1_LENGTH;
		if (!read(access, rsdp, &r, len))
			return false;
	}
	return acpi_open_copy(access, &r, len, root);
}

bool acpi_find_table(const struct acpi_access *access, const struct acpi_root *root,
		     const char *signature, struct acpi_table *table)
{
	uint32_t at = sizeof(struct acpi_header);

	for (; root->table.length - at >= root->entry_size; at += root->entry_size) {
		uint64_t phys = 0; /* little endian: a 4-byte entry fills the low half */

		if (!read(access, root->table.phys + at, &phys, root->entry_size))
			return false;
		if (phys != 0 && table_at(access, phys, signature, table))
			return true;
	}
	return false;
}

bool acpi_madt_read(const struct acpi_access *access, const struct acpi_table *table,
		    struct acpi_madt *madt)
{
	return table->length >= sizeof(*madt) && read(access, table->phys, madt, sizeof(*madt));
}

void acpi_madt_begin(struct acpi_madt_iter *it, const struct acpi_access *access,
		     const struct acpi_table *table)
{
	*it = (struct acpi_madt_iter){access, *table, sizeof(struct acpi_madt)};
}

static uint16_t le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t le32(const uint8_t *p)
{
	return (uint32_t)le16(p) | (uint32_t)le16(p + 2) << 16;
}

static void parse_local_apic(const uint8_t *p, struct acpi_madt_entry *e)
{
	e->cpu.uid = p[2];
	e->cpu.apic_id = p[3];
	e->cpu.flags = le32(p + 4);
}

static void parse_x2apic(const uint8_t *p, struct acpi_madt_entry *e)
{
	e->cpu.apic_id = le32(p + 4);
	e->cpu.flags = le32(p + 8);
	e->cpu.uid = le32(p + 12);
}

static void parse_io_apic(const uint8_t *p, struct acpi_madt_entry *e)
{
	e->io_apic.id = p[2];
	e->io_apic.address = le32(p + 4);
	e->io_apic.gsi_base = le32(p + 8);
}

static void parse_override(const uint8_t *p, struct acpi_madt_entry *e)
{
	e->override.bus = p[2];
	e->override.source = p[3];
	e->override.gsi = le32(p + 4);
	e->override.flags = le16(p + 8);
}

static void parse_local_nmi(const uint8_t *p, struct acpi_madt_entry *e)
{
	e->nmi.uid = p[2] == 0xff ? UINT32_MAX : p[2];
	e->nmi.flags = le16(p + 3);
	e->nmi.lint = p[5];
}

static void parse_x2apic_nmi(const uint8_t *p, struct acpi_madt_entry *e)
{
	e->nmi.flags = le16(p + 2);
	e->nmi.uid = le32(p + 4);
	e->nmi.lint = p[8];
}

static void parse_address_override(const uint8_t *p, struct acpi_madt_entry *e)
{
	e->local_apic_address = le32(p + 4) | (uint64_t)le32(p + 8) << 32;
}

#define MADT_ENTRY_MAX 16u

/* Length and parser of each structure used (5.2.12.2 and following). */
static const struct {
	uint8_t length;
	void (*parse)(const uint8_t *p, struct acpi_madt_entry *e);
} madt_types[] = {
	[ACPI_MADT_LOCAL_APIC] = {8, parse_local_apic},
	[ACPI_MADT_IO_APIC] = {12, parse_io_apic},
	[ACPI_MADT_INTERRUPT_SOURCE_OVERRIDE] = {10, parse_override},
	[ACPI_MADT_LOCAL_APIC_NMI] = {6, parse_local_nmi},
	[ACPI_MADT_LOCAL_APIC_ADDRESS_OVERRIDE] = {12, parse_address_override},
	[ACPI_MADT_LOCAL_X2APIC] = {16, parse_x2apic},
	[ACPI_MADT_LOCAL_X2APIC_NMI] = {12, parse_x2apic_nmi},
};

static bool known(uint8_t type)
{
	return type < sizeof(madt_types) / sizeof(madt_types[0]) &&
	       madt_types[type].parse != NULL;
}

/* Reads the structure at the iteration's place and moves on behind it. */
static bool madt_fetch(struct acpi_madt_iter *it, uint8_t bytes[MADT_ENTRY_MAX])
{
	uint32_t left = it->table.length - it->offset;
	uint64_t at = it->table.phys + it->offset;

	if (it->offset >= it->table.length || left < 2 || !read(it->access, at, bytes, 2))
		return false;

	uint8_t type = bytes[0], length = bytes[1];

	if (length < 2 || length > left || (known(type) && length < madt_types[type].length))
		return false;
	it->offset += length;
	return read(it->access, at, bytes, length < MADT_ENTRY_MAX ? length : MADT_ENTRY_MAX);
}

bool acpi_madt_next(struct acpi_madt_iter *it, struct acpi_madt_entry *entry)
{
	uint8_t bytes[MADT_ENTRY_MAX];

	while (madt_fetch(it, bytes)) {
		if (known(bytes[0])) {
			entry->type = bytes[0];
			madt_types[bytes[0]].parse(bytes, entry);
			return true;
		}
	}
	return false;
}
