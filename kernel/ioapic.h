/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file ioapic.h
 * Device interrupts: all off at the I/O APICs and the 8259s, but the console's.
 */
#ifndef KERNEL_IOAPIC_H
#define KERNEL_IOAPIC_H

#include <stdbool.h>
#include <stdint.h>

/** Mask everything at both kinds of controller. */
void ioapic_init(void);
/** @return whether a global system interrupt has a pin. */
bool ioapic_has(uint32_t gsi);
/** Send an interrupt to a CPU, edge or level as ACPI says; masked. */
void ioapic_route(uint32_t gsi, uint8_t vector, uint32_t apic_id);
/** Mask or unmask an interrupt. From any CPU. */
void ioapic_mask(uint32_t gsi, bool masked);

#endif
