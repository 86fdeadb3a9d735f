/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file timer.h
 * The tick, 250 times a second on each CPU: from the local APIC's timer where the machine has a MADT,
 * from the PIT (on CPU 0) where not.
 */
#ifndef GUESTS_DUMMY_TIMER_H
#define GUESTS_DUMMY_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#define TIMER_HZ 250

/** Starts the tick of CPU 0. */
void timer_init(void);
/** Starts the tick of another CPU. */
void timer_init_ap(void);

/** @return ticks of CPU 0 so far. */
uint64_t timer_ticks(void);
/** @return ticks of a CPU so far. */
uint64_t timer_ticks_of(unsigned cpu);

/** Waits, letting other threads run and the CPU halt, for that many ticks. */
void timer_wait(uint64_t ticks);

/**
 * Waits, letting other threads run and the CPU halt, until the condition holds.
 * @return false if it didn't within that time; needs the tick
 */
bool timer_wait_for(bool (*condition)(void *ctx), void *ctx, uint64_t ticks);

#endif
