/* SPDX-License-Identifier: BSD-2-Clause */
/** @file clock.h Time by the TSC, whose frequency is measured against the PIT. */
#ifndef GUESTS_DUMMY_CLOCK_H
#define GUESTS_DUMMY_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

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
