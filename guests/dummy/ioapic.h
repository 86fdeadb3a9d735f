/* SPDX-License-Identifier: BSD-2-Clause */
/** @file ioapic.h The I/O APIC that has the ISA interrupts. */
#ifndef GUESTS_DUMMY_IOAPIC_H
#define GUESTS_DUMMY_IOAPIC_H

#include "guests/dummy/irq.h"

extern const struct irq_controller ioapic_controller;

/** Masks all its inputs; interrupts will go to the CPU with this APIC identifier. */
void ioapic_init(uint32_t apic_id);

/** @return its number of inputs. */
unsigned ioapic_inputs(void);

/** Reads a register (IOAPIC_*). */
uint32_t ioapic_read(uint32_t reg);

#endif
