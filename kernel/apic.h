/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file apic.h
 * The local APIC, as xAPIC or x2APIC (SDM 3A chapter 11).
 */
#ifndef KERNEL_APIC_H
#define KERNEL_APIC_H

#include <stdint.h>

/** Choose the mode, and map the registers where they are memory. Once, on the boot CPU. */
void apic_init(uint64_t address);
/** Enable the local APIC of this CPU; nothing arrives but what the kernel sends and arms. */
void apic_init_cpu(void);
uint32_t apic_id(void);
void apic_eoi(void);
/** Send an interrupt to this CPU; also out of an NMI, whatever that interrupted. */
void apic_send_self(uint8_t vector);
/** Send an interrupt to another CPU. */
void apic_send(uint32_t apic_id, uint8_t vector);
void apic_send_nmi(uint32_t apic_id);
/** Start another CPU: INIT, then a start-up message for the page at `address` (SDM 3A 9.4). */
void apic_send_init(uint32_t apic_id);
void apic_send_startup(uint32_t apic_id, uint32_t address);
/** @return true while this vector is in service. */
int apic_in_service(uint8_t vector);

/** Let the timer count down from its largest value, without interrupt; for calibration. */
void apic_timer_start_count(void);
uint32_t apic_timer_count(void);
/** How many counts of the APIC timer 2^32 counts of the TSC take. */
void apic_timer_set_rate(uint64_t counts_per_tsc_32);
/** Interrupt once, at a TSC value, or at once where it is past. */
void apic_timer_arm(uint64_t deadline);

/** "x2APIC, TSC deadline" and the like, for the boot message. */
const char *apic_description(void);

#endif
