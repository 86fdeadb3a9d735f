/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file lapic.h
 * The local APIC, in x2APIC mode where the CPU has it, else through its register page.
 */
#ifndef GUESTS_DUMMY_LAPIC_H
#define GUESTS_DUMMY_LAPIC_H

#include <stdbool.h>
#include <stdint.h>

#define LAPIC_TIMER_VECTOR    0xf0
#define LAPIC_CALL_VECTOR     0xf1
#define LAPIC_TEST_VECTOR     0xf2
#define LAPIC_SPURIOUS_VECTOR 0xff

/** Chooses the mode, for all CPUs. @return false if there is no local APIC, or it is disabled. */
bool lapic_init(uint64_t base);

/** @return what lapic_init returned. */
bool lapic_present(void);
/** @return whether the MSR interface is in use. */
bool lapic_is_x2apic(void);

/**
 * Enables this CPU's local APIC.
 * @param virtual_wire whether LINT0 brings the 8259's interrupts
 */
void lapic_enable(bool virtual_wire);

/** Registers by their offset (APIC_*). */
uint32_t lapic_read(uint32_t offset);
void lapic_write(uint32_t offset, uint32_t value);

uint32_t lapic_id(void);
void lapic_eoi(void);

/** Sends an interrupt: `command` is the low half of the ICR. Waits until it is accepted. */
void lapic_send(uint32_t apic_id, uint32_t command);

/** Measures the timer, once. */
void lapic_timer_calibrate(void);
/** @return timer ticks a second, with the divisor that lapic_timer_start() uses. */
uint64_t lapic_timer_hz(void);
/** Starts this CPU's timer: `mode` is APIC_LVT_ONESHOT or APIC_LVT_PERIODIC. */
void lapic_timer_start(uint32_t mode, uint8_t vector, uint32_t count);
/** Starts this CPU's timer in TSC-deadline mode. */
void lapic_timer_deadline(uint8_t vector, uint64_t tsc);
void lapic_timer_stop(void);

#endif
