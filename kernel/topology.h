/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file topology.h
 * Which CPUs and interrupt controllers the machine has, as ACPI's MADT says.
 */
#ifndef KERNEL_TOPOLOGY_H
#define KERNEL_TOPOLOGY_H

#include <hypike/host.h>

#include "kernel/multiboot.h"

#define MAX_IO_APICS  8u
#define MAX_ECAM      8u
#define TOPOLOGY_GSIS 256u

struct io_apic {
	uint32_t address, gsi_base;
};

struct topology {
	uint64_t local_apic;
	uint32_t cpu_count; /**< usable ones, at least 1; may exceed the array */
	uint32_t apic_id[HOST_MAX_CPUS];
	uint32_t io_apic_count;
	struct io_apic io_apic[MAX_IO_APICS];
	uint32_t uart_gsi; /**< global system interrupt of ISA interrupt 4 */
	/** Polarity and trigger mode by global system interrupt (ACPI 5.2.12.5). */
	uint16_t gsi_flags[TOPOLOGY_GSIS];
	uint32_t ecam_count;
	struct range ecam[MAX_ECAM]; /**< PCI configuration space in memory (MCFG) */
};
extern struct topology topology;

/**
 * Read the MADT. While boot.S's tables are loaded. Without one: one CPU, xAPIC at its usual place.
 */
void topology_init(const struct boot_info *info);

#endif
