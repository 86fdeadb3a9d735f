/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file clock.h
 * The time-stamp counter as the system's clock.
 */
#ifndef KERNEL_CLOCK_H
#define KERNEL_CLOCK_H

#include <stdint.h>

extern uint64_t clock_tsc_khz;
/** TSC value at which the kernel started: system time 0. */
extern uint64_t clock_tsc_boot;

/** Find out how fast the TSC counts. Boot only. */
void clock_init(void);

#endif
