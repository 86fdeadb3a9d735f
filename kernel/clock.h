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

#define CLOCK_NS_PER_MS UINT64_C(1000000)

/** How many TSC counts a time takes, rounded down. */
static inline uint64_t clock_ticks(uint64_t ns)
{
	return ns / CLOCK_NS_PER_MS * clock_tsc_khz +
	       ns % CLOCK_NS_PER_MS * clock_tsc_khz / CLOCK_NS_PER_MS;
}

/** TSC value of a system time. Each boundary in time is turned into one by itself: nothing adds up. */
static inline uint64_t clock_tsc_of(uint64_t ns)
{
	return clock_tsc_boot + clock_ticks(ns);
}

/** System time of a TSC value, rounded down. */
static inline uint64_t clock_ns_of(uint64_t tsc)
{
	uint64_t ticks = tsc - clock_tsc_boot;

	return ticks / clock_tsc_khz * CLOCK_NS_PER_MS +
	       ticks % clock_tsc_khz * CLOCK_NS_PER_MS / clock_tsc_khz;
}

/** Find out how fast the TSC counts. Boot only. */
void clock_init(void);

#endif
