/* SPDX-License-Identifier: BSD-2-Clause */
/** @file apic.h The local APIC, for attacks that send interrupts to it. machine_restore() puts it back. */
#ifndef GUESTS_ATTACK_APIC_H
#define GUESTS_ATTACK_APIC_H

#include <stdbool.h>
#include <stdint.h>

#define APIC_TEST_VECTOR 0x71u

/** Enables it, in x2APIC mode, and counts NMIs and interrupts by APIC_TEST_VECTOR from now on; IF stays clear. */
void apic_begin(void);
/** Lets interrupts through for a moment, of the priority of APIC_TEST_VECTOR and above.
 *  @return how many of that vector came since apic_begin(). */
unsigned apic_taken(void);
/** At the nth of them calls `stop`, which is to end a storm of them. */
void apic_stop_after(unsigned n, void (*stop)(void));
/** Handlers as they were before apic_begin(). */
void apic_end(void);

#endif
