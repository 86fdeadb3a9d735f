/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file smp.h
 * The other CPUs: start them, have them do things.
 *
 * @req DUM-013 All CPUs of the MADT are started, run processes, take interprocessor interrupts, and have
 * ticks of their own.
 * @req DUM-014 Messages between CPUs reach those that are meant, in all delivery modes; each CPU has its own
 * timer.
 */
#ifndef GUESTS_DUMMY_SMP_H
#define GUESTS_DUMMY_SMP_H

#include <stdbool.h>
#include <stdint.h>

#include "guests/dummy/trampoline.h"
#include "lib/x86/apic.h"

/** Starts all CPUs that the machine has; fewer where one doesn't come up. */
void smp_init(void);

/** @return how many CPUs run, at least 1. Their indices are 0 to this - 1. */
unsigned smp_cpus(void);

/** What starts a CPU that waits for it, with the trampoline. */
#define SMP_STARTUP (APIC_DM_STARTUP | APIC_ICR_ASSERT | TRAMPOLINE_PAGE >> 12)

/** @return how often that CPU, which isn't the one that booted, has been started. */
unsigned smp_starts(unsigned cpu);

/** Resets another CPU, whatever state it is in, and starts it again. It must have no threads. */
bool smp_start_again(unsigned cpu);

/** Runs fn(arg) on another CPU, in an interrupt, and waits for it. @return false if it took over 5 s. */
bool smp_call(unsigned cpu, void (*fn)(uint64_t arg), uint64_t arg);

/** Removes one page's translation from the TLBs of all CPUs. */
bool smp_invalidate(uint64_t la);

#endif
