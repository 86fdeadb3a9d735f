/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file paranoid.h
 * What a PARANOID build checks on every way through the kernel. In other builds: nothing.
 */
#ifndef KERNEL_PARANOID_H
#define KERNEL_PARANOID_H

#include <stdint.h>

struct runq;

#ifdef PARANOID
/** The CPU is as the kernel set it up; panics where it isn't. */
void paranoid_check(void);
/** As paranoid_check(), before ring 3 goes on: nobody else's FPU registers are in reach. */
void paranoid_check_exit(void);
/** Bitmap and lists agree. */
void paranoid_check_runq(const struct runq *runq);
/** Mark the low end of a kernel stack. */
void paranoid_mark_stack(uint64_t top);
/** The mark is still there. */
void paranoid_check_stack(uint64_t top);
/** Crash as `panic=` on the command line says. */
void paranoid_panic_test(const char *what);
#else
static inline void paranoid_check(void)
{
}

static inline void paranoid_check_runq(const struct runq *runq)
{
	(void)runq;
}

static inline void paranoid_mark_stack(uint64_t top)
{
	(void)top;
}

static inline void paranoid_check_stack(uint64_t top)
{
	(void)top;
}

static inline void paranoid_panic_test(const char *what)
{
	(void)what;
}
#endif

#endif
