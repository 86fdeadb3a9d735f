/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file ioapic.h
 * I/O APIC (82093AA data sheet, 290566): 24 inputs, each of which becomes a message to local APICs.
 */
#ifndef VMM_DEV_IOAPIC_H
#define VMM_DEV_IOAPIC_H

#include "vmm/dev/device.h"

#define IOAPIC_PINS 24u

/** What it does outside of itself. */
struct ioapic_upstream {
	void *ctx;
	/** Send a message, as a device would write it (SDM vol. 3, 11.11). */
	void (*msi)(void *ctx, uint64_t address, uint32_t data);
	/** Call ioapic_eoi() at the end of interrupts with this vector, or don't any more. */
	void (*trap_eoi)(void *ctx, unsigned int vector, bool on);
	/** Inputs that are unmasked now: for devices that drive their lines lazily. */
	void (*unmasked)(void *ctx, uint32_t pins);
};

struct ioapic {
	struct device dev;
	struct ioapic_upstream up;
	uint64_t entry[IOAPIC_PINS]; /**< redirection table */
	uint32_t levels;	     /**< electrical, of the inputs */
	uint32_t select;
	uint32_t id;
	uint32_t trapped[8]; /**< vectors whose end is asked for */
	uint64_t sent;	     /**< messages */
};

void ioapic_init(struct ioapic *ioapic, const struct ioapic_upstream *up);
/** Inputs 0 to 23: electrical level; a wire's sink. */
void ioapic_line(void *ioapic, unsigned int pin, bool level);
/** A local APIC has ended the interrupt with this vector. */
void ioapic_eoi(struct ioapic *ioapic, unsigned int vector);

#endif
