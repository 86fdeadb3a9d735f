/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file irq.h
 * External interrupts by their ISA number, whichever controller brings them.
 */
#ifndef GUESTS_DUMMY_IRQ_H
#define GUESTS_DUMMY_IRQ_H

#include <stdbool.h>
#include <stdint.h>

#define IRQ_VECTOR_BASE 0x20
#define IRQ_LINES	16

/** An interrupt controller for the 16 ISA interrupts. */
struct irq_controller {
	const char *name;
	void (*enable)(unsigned irq);
	void (*disable)(unsigned irq);
	/** @return false if it was spurious, and no handler is to run. */
	bool (*is_real)(unsigned irq);
	void (*end)(unsigned irq);
};

/** Called with interrupts disabled, before the end of interrupt. */
typedef void (*irq_fn)(void *ctx);

/** Selects the controller, once, before the other functions. */
void irq_init(const struct irq_controller *controller);

/** @return the controller in use. */
const struct irq_controller *irq_controller(void);

/** Calls fn at each interrupt from now on; NULL disables the line. */
void irq_register(unsigned irq, irq_fn fn, void *ctx);

#endif
