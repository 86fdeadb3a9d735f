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
/** Send the UART's interrupt to a CPU. @return false: the machine has no I/O APIC for it */
bool ioapic_route_uart(uint32_t apic_id);

#endif
