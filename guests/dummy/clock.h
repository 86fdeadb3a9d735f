/* SPDX-License-Identifier: BSD-2-Clause */
/** @file clock.h Time by the TSC, whose frequency is measured against the PIT. */
#ifndef GUESTS_DUMMY_CLOCK_H
#define GUESTS_DUMMY_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_MEASUREMENT_HZ 1000 /**< each takes 1 ms */
#define CLOCK_MEASUREMENTS   30	  /**< at most */
#define CLOCK_AGREEING	     3	  /**< so many must agree */

/**
 * Measures how often a second something counts, against the PIT. It does so until the least results
 * agree: a host that runs others meanwhile only makes a measurement longer.
 */
uint64_t clock_measure(uint64_t (*counter)(void));

/** Measures the TSC. */
void clock_init(void);

/** @return TSC ticks in a second. */
uint64_t clock_hz(void);

/** @return the TSC value that many microseconds from now. */
uint64_t clock_after_us(uint64_t us);

/** @return whether that TSC value is past. */
bool clock_passed(uint64_t tsc);

/** Waits without giving up the CPU. */
void clock_delay_us(uint64_t us);

#endif
