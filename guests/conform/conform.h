/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file conform.h
 * Steps: each does one thing, or a few that belong together, and prints what came of it on the debug console
 *
 *     step NAME = VALUE...
 *
 * where a value is a number, the exception that came instead (#13:0, #14:2@fed80000: vector, error code, CR2),
 * or, for what depends on time, `*`. A step whose exits may be more or fewer from one run to the next says `**`.
 * tests/conform.py compares steps, and the exits between them (--trace-exits), between machines.
 */
#ifndef GUESTS_CONFORM_CONFORM_H
#define GUESTS_CONFORM_CONFORM_H

#include <stdbool.h>
#include <stdint.h>

#include "guests/dummy/rt.h"
#include "lib/x86/cpu.h"

/** Begins the line of a step; its name is a format. */
__attribute__((format(printf, 1, 2))) void step(const char *name, ...);
/** One more value of it. */
__attribute__((format(printf, 1, 2))) void value(const char *format, ...);
/** That is all: the line is sent. */
void step_end(void);

/** What depends on time, or on the computer under the virtual machine. */
static inline void value_volatile(void)
{
	value("*");
}

/** Calls fn in ring 0; its exception is the value, or nothing is. @return false: there was one. */
bool value_try(void (*fn)(uint64_t arg), uint64_t arg);
/** The exception itself, as a value. */
void value_fault(uint64_t vector, uint64_t error, uint64_t cr2);

/* Each a subject. */
void conform_ports(void);
void conform_pci(void);
void conform_memory(void);
void conform_registers(void); /**< CPUID, MSRs */
void conform_control(void);   /**< control and debug registers */
void conform_modes(void);     /**< instructions in all modes of the CPU */
void conform_board(void);     /**< interrupts */

#endif
