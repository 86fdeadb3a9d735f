/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file irq.h
 * Interrupt vectors and who serves them.
 */
#ifndef KERNEL_IRQ_H
#define KERNEL_IRQ_H

#include <stdint.h>

struct trap_frame;

enum irq_vector {
	IRQ_LEGACY = 0x20,     /**< sixteen that the masked 8259s could still raise spuriously */
	IRQ_CONSOLE = 0x30,    /**< UART */
	IRQ_DEVICE = 0x40,     /**< the partitions' own, from here on */
	IRQ_TIMER = 0xf0,      /**< local APIC timer */
	IRQ_RESCHEDULE = 0xf1, /**< look at the run queue */
	IRQ_KICK = 0xf2,       /**< leave guest mode; nothing else */
	IRQ_CALL = 0xf3,       /**< cpu.call() */
	IRQ_HARDWARE = 0xf4,   /**< an NMI or a machine check was noted (hardware.h) */
	IRQ_ERROR = 0xfe,      /**< local APIC error */
	IRQ_SPURIOUS = 0xff,
};

#define IRQ_DEVICES 128u /**< vectors from IRQ_DEVICE on */

/** All that is no exception. Unexpected interrupts are counted and forgotten. */
void irq_dispatch(uint8_t vector);
/** NMI: stop for a panic elsewhere, or count it. */
void irq_nmi(struct trap_frame *frame);

#endif
