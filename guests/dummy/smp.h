/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file smp.h
 * The other CPUs: start them, have them do things.
 *
 * @req DUM-013 All CPUs of the MADT are started, run processes, take interprocessor interrupts, and have
 * ticks of their own.
 */
#ifndef GUESTS_DUMMY_SMP_H
#define GUESTS_DUMMY_SMP_H

#include <stdbool.h>
#include <stdint.h>

/** Starts all CPUs that the machine has; fewer where one doesn't come up. */
void smp_init(void);

/** @return how many CPUs run, at least 1. Their indices are 0 to this - 1. */
unsigned smp_cpus(void);

/** Runs fn(arg) on another CPU, in an interrupt, and waits for it. @return false if it took over 5 s. */
bool smp_call(unsigned cpu, void (*fn)(uint64_t arg), uint64_t arg);

/** Removes one page's translation from the TLBs of all CPUs. */
bool smp_invalidate(uint64_t la);

#endif
