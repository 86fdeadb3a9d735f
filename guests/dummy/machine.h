/* SPDX-License-Identifier: BSD-2-Clause */
/** @file machine.h Which CPUs and interrupt controllers there are: by the MADT, if there is one. */
#ifndef GUESTS_DUMMY_MACHINE_H
#define GUESTS_DUMMY_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "guests/dummy/cpu.h"
#include "guests/dummy/irq.h"

struct machine {
	bool has_acpi;
	bool has_madt; /**< local APIC and I/O APIC are used; otherwise the 8259s are */
	uint64_t lapic_address;
	unsigned cpus; /**< all that could be started, at least 1 */
	uint32_t apic_ids[CPUS_MAX];
	bool has_ioapic;
	uintptr_t ioapic_address;
	uint32_t ioapic_gsi_base;
	uint16_t pm1_event, pm1_control; /**< ports of ACPI's power management; 0: there is none */
	unsigned sci;			 /**< its interrupt */
	uintptr_t dsdt;			 /**< 0: not found */
	struct {
		uint32_t gsi;
		bool low_active;
		bool level;
	} isa[IRQ_LINES];
};

extern struct machine machine;

/** Looks at the ACPI tables, unless the command line says `acpi=0`. */
void machine_init(void);

#endif
