/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file process.h
 * What the tests of the kernel's parts in a process have in common.
 */
#ifndef TESTS_UNIT_KERNEL_PROCESS_H
#define TESTS_UNIT_KERNEL_PROCESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hypike/types.h>

/** Reserve the "physical" memory, all zero. */
void process_memory_reset(void);

/** The same sequence each run. */
uint64_t random64(void);
void random_seed(uint64_t seed);

static inline uint64_t random_below(uint64_t n)
{
	return random64() % n;
}

/** The time that host_tsc() tells. */
extern uint64_t process_tsc;
/** The deadline that the timer hardware was set to; UINT64_MAX: not since it fired. */
extern uint64_t process_armed;

#endif
