/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file acpi.h
 * The few ACPI tables that a kernel needs to find its processors and interrupt controllers.
 *
 * Names and section numbers are those of the ACPI Specification 6.4. Tables are input: each length,
 * address and checksum is checked before it is used, and physical memory is read only through the
 * caller's function.
 *
 * @req LIB-010 No ACPI table content makes the parser read outside the table's own extent or loop.
 */
#ifndef LIB_ACPI_H
#define LIB_ACPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** How to read physical memory. */
struct acpi_access {
	/**
	 * Copies `len` bytes from physical address `phys`.
	 * @return false where that is not readable memory.
	 */
	bool (*read)(void *ctx, uint64_t phys, void *dst, size_t len);
	void *ctx;
};

/** 5.2.5.3 Root System Description Pointer; the first 20 bytes are ACPI 1.0's. */
struct acpi_rsdp {
	char signature[8]; /**< "RSD PTR " */
	uint8_t checksum;  /**< of the first 20 bytes */
	char oemid[6];
	uint8_t revision;
	uint32_t rsdt_address;
	uint32_t length;
	uint64_t xsdt_address;
	uint8_t extended_checksum; /**< of all `length` bytes */
	uint8_t reserved[3];
} __attribute__((packed));

/** 5.2.6 System Description Table Header. */
struct acpi_header {
	char signature[4];
	uint32_t length; /**< of the whole table with this header */
	uint8_t revision;
	uint8_t checksum;
	char oemid[6];
	char oem_table_id[8];
	uint32_t oem_revision;
	uint32_t creator_id;
	uint32_t creator_revision;
} __attribute__((packed));

/** A table whose header, extent and checksum were found good. */
struct acpi_table {
	uint64_t phys;
	uint32_t length;
	uint8_t revision;
};

/** The RSDT or XSDT. */
struct acpi_root {
	struct acpi_table table;
	unsigned entry_size; /**< 4 or 8 bytes an address */
};

/** No table of the ones used here comes near to this. */
#define ACPI_TABLE_MAX 0x100000u

/** 5.2.12: fixed part of the MADT after the header. */
struct acpi_madt {
	struct acpi_header header;
	uint32_t local_apic_address;
	uint32_t flags;
} __attribute__((packed));

#define ACPI_MADT_PCAT_COMPAT 1u /**< flags: 8259s are there too */

/** 5.2.12: types of interrupt controller structure. */
enum acpi_madt_type {
	ACPI_MADT_LOCAL_APIC = 0,
	ACPI_MADT_IO_APIC = 1,
	ACPI_MADT_INTERRUPT_SOURCE_OVERRIDE = 2,
	ACPI_MADT_NMI_SOURCE = 3,
	ACPI_MADT_LOCAL_APIC_NMI = 4,
	ACPI_MADT_LOCAL_APIC_ADDRESS_OVERRIDE = 5,
	ACPI_MADT_LOCAL_X2APIC = 9,
	ACPI_MADT_LOCAL_X2APIC_NMI = 10,
};

/* 5.2.12.2: local APIC flags */
#define ACPI_MADT_ENABLED	 1u
#define ACPI_MADT_ONLINE_CAPABLE 2u

/* 5.2.12.5: MPS INTI flags */
#define ACPI_MADT_POLARITY_MASK	   0x3u
#define ACPI_MADT_POLARITY_BUS	   0x0u
#define ACPI_MADT_POLARITY_HIGH	   0x1u
#define ACPI_MADT_POLARITY_LOW	   0x3u
#define ACPI_MADT_TRIGGER_MASK	   0xCu
#define ACPI_MADT_TRIGGER_BUS	   0x0u
#define ACPI_MADT_TRIGGER_EDGE	   0x4u
#define ACPI_MADT_TRIGGER_LEVEL	   0xCu

/** One interrupt controller structure, with fields of equal meaning brought together. */
struct acpi_madt_entry {
	uint8_t type; /**< enum acpi_madt_type */
	union {
		/** local APIC (5.2.12.2) and local x2APIC (5.2.12.12) */
		struct {
			uint32_t uid;
			uint32_t apic_id;
			uint32_t flags;
		} cpu;
		/** I/O APIC (5.2.12.3) */
		struct {
			uint8_t id;
			uint32_t address;
			uint32_t gsi_base;
		} io_apic;
		/** interrupt source override (5.2.12.5) */
		struct {
			uint8_t bus;
			uint8_t source; /**< ISA interrupt */
			uint32_t gsi;
			uint16_t flags;
		} override;
		/** local APIC NMI (5.2.12.7, 5.2.12.13); uid FFFFFFFFh: all */
		struct {
			uint32_t uid;
			uint16_t flags;
			uint8_t lint;
		} nmi;
		/** local APIC address override (5.2.12.8) */
		uint64_t local_apic_address;
	};
};

/** Where an iteration over the MADT stands. */
struct acpi_madt_iter {
	const struct acpi_access *access;
	struct acpi_table table;
	uint32_t offset;
};

/**
 * Looks for the RSDP on 16-byte boundaries in [start, start + len) (5.2.5.1).
 * @return true and its address where one with a good checksum was found.
 */
bool acpi_find_rsdp(const struct acpi_access *access, uint64_t start, size_t len, uint64_t *rsdp);

/** As acpi_find_rsdp, in the places of a PC with BIOS: EBDA and E0000h-FFFFFh (5.2.5.1). */
bool acpi_find_rsdp_bios(const struct acpi_access *access, uint64_t *rsdp);

/**
 * Finds the root table: the XSDT if the RSDP has a good one, else the RSDT.
 * @param rsdp physical address of the RSDP
 */
bool acpi_open(const struct acpi_access *access, uint64_t rsdp, struct acpi_root *root);

/** As acpi_open, for an RSDP whose bytes are here already (Multiboot2 passes a copy). */
bool acpi_open_copy(const struct acpi_access *access, const void *rsdp, size_t len,
		    struct acpi_root *root);

/** Finds the first good table with this 4-character signature. */
bool acpi_find_table(const struct acpi_access *access, const struct acpi_root *root,
		     const char *signature, struct acpi_table *table);

/** Reads the fixed part of the MADT. */
bool acpi_madt_read(const struct acpi_access *access, const struct acpi_table *table,
		    struct acpi_madt *madt);

/** Starts an iteration over the MADT's structures; `access` must live as long as it. */
void acpi_madt_begin(struct acpi_madt_iter *it, const struct acpi_access *access,
		     const struct acpi_table *table);

/**
 * Gets the next structure; types not listed in acpi_madt_type are passed over.
 * @return false at the end, or where a structure is malformed.
 */
bool acpi_madt_next(struct acpi_madt_iter *it, struct acpi_madt_entry *entry);

#endif
