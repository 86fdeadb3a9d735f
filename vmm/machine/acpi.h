/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file acpi.h
 * The ACPI tables of machine `pc` (ACPI Specification 6.4, chapter 5): RSDP, XSDT, RSDT, FADT with its FACS,
 * MADT, MCFG, and a DSDT with the PCI root, the legacy devices and the S5 sleep state.
 */
#ifndef VMM_MACHINE_ACPI_H
#define VMM_MACHINE_ACPI_H

#include <stdbool.h>
#include <stdint.h>

/** What the tables tell about. */
struct acpi_machine {
	uint32_t vcpus;
	uint32_t ioapic;   /**< its address */
	uint32_t pm_base;  /**< first port of acpi_pm.h */
	uint32_t sci;	   /**< interrupt of the power management registers: level, active high */
	uint32_t pci_gsi;  /**< first of the four interrupts that PCI pins are wired to */
	const uint8_t *pci_irq; /**< those of the 8259s that they are wired to, four */
	uint32_t ecam;	   /**< address of bus 0's configuration space */
	uint32_t mmio, mmio_end; /**< window for BARs below 4 GiB */
	uint64_t mmio64, mmio64_end; /**< one above; 0: none */
	uint32_t com1, com1_irq;
	uint32_t pvpanic; /**< its port (pvpanic.h); 0: there is none */
};

/** A piece of guest memory to build in. */
struct acpi_room {
	uint8_t *host;
	uint32_t where; /**< guest-physical; 16-byte aligned */
	uint32_t size;
};

#define ACPI_FACS_SIZE 64u

/**
 * Build the tables. The RSDP is at the start of `room`, where a search finds it.
 * @param facs guest-physical address of ACPI_FACS_SIZE bytes, 64-byte aligned, writable for the guest;
 *        `facs_host` is where they are for us.
 * @return false where the room is too small.
 */
bool acpi_build(const struct acpi_machine *machine, const struct acpi_room *room, uint32_t facs,
		uint8_t *facs_host);

#endif
