/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file ioapic.h
 * Device interrupts: all off at the I/O APICs and the 8259s, but the console's.
 */
#ifndef KERNEL_IOAPIC_H
#define KERNEL_IOAPIC_H

#include <stdint.h>

/** Mask everything at both kinds of controller. */
void ioapic_init(void);
/** Send the UART's interrupt to a CPU. No-op on a machine without I/O APIC. */
void ioapic_route_uart(uint32_t apic_id);

#endif
