/* SPDX-License-Identifier: BSD-2-Clause */
/** @file sys.h System calls of programs, by either way in. */
#ifndef GUESTS_DUMMY_USER_SYS_H
#define GUESTS_DUMMY_USER_SYS_H

#include <stdint.h>

#include "guests/dummy/syscall.h"

/** Where programs share a page (process.h). */
#define SHARED ((volatile uint64_t *)0x50000000)

/** Provided by each program; the result is its exit status. */
int64_t main(uint64_t a, uint64_t b, uint64_t c);

/** Ends a program with the line that failed. */
#define REQUIRE(condition)               \
	do {                             \
		if (!(condition))        \
			return __LINE__; \
	} while (0)

static inline int64_t sys_fast(uint64_t number, uint64_t a, uint64_t b, uint64_t c)
{
	int64_t result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return result;
}

static inline int64_t sys_int(uint64_t number, uint64_t a, uint64_t b, uint64_t c)
{
	int64_t result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c)
			 : "memory");
	return result;
}

#endif
