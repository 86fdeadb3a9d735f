/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file pc_firmware.h
 * What machine `pc` has besides where firmware of its own runs in it (--firmware), from the reset vector on: a
 * host bridge with shadow memory (82441FX), fw_cfg, and firmware's log at port 402h.
 */
#ifndef VMM_MACHINE_PC_FIRMWARE_H
#define VMM_MACHINE_PC_FIRMWARE_H

#include "vmm/dev/mc146818.h"
#include "vmm/dev/pci.h"
#include "vmm/vm.h"

/** Of the end of low memory, for ACPI tables: firmware is told that it isn't RAM. */
#define PC_FIRMWARE_ACPI_SIZE 0x10000u
/** With less memory there would be none for firmware. */
#define PC_FIRMWARE_MIN_RAM UINT64_C(0x200000)

/** What firmware is told. */
struct pc_firmware_facts {
	uint64_t low_end;   /**< end of the memory below 4 GiB, the ACPI tables' included */
	uint64_t high_size; /**< of the memory from 4 GiB on */
	uint64_t ecam, ecam_size;
	const void *rsdp;   /**< in the ACPI tables' memory */
};

/** Map C0000 to FFFFF, read-only. */
hv_status_t pc_firmware_map(struct vm *vm);
/** Attach it all. */
hv_status_t pc_firmware_init(struct vm *vm, struct pci_bus *pci);
/** Show its devices, where there are any. */
void pc_firmware_devices(void (*see)(void *ctx, const struct device *dev), void *ctx);
/** State after a reset; ACPI tables are built. */
hv_status_t pc_firmware_reset(const struct pc_firmware_facts *facts, struct mc146818 *rtc);

#endif
