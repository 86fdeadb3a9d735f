/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file syscall.h
 * The SYSCALL instruction with HyPike's register convention (hypike/sys.h).
 */
#ifndef LIB_HYPIKE_SYSCALL_H
#define LIB_HYPIKE_SYSCALL_H

#include <hypike/sys.h>

/** A system call with up to six arguments; those that a call doesn't take are ignored. */
static inline int64_t syscall6(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
			       uint64_t e, uint64_t f)
{
	register uint64_t r10 __asm__("r10") = d;
	register uint64_t r8 __asm__("r8") = e;
	register uint64_t r9 __asm__("r9") = f;
	int64_t result;

	__asm__ volatile("syscall"
			 : "=a"(result), "+D"(a), "+S"(b), "+d"(c), "+r"(r10), "+r"(r8), "+r"(r9)
			 : "a"(number)
			 : "rcx", "r11", "memory");
	return result;
}

static inline int64_t syscall3(uint64_t number, uint64_t a, uint64_t b, uint64_t c)
{
	int64_t result;

	__asm__ volatile("syscall"
			 : "=a"(result), "+D"(a), "+S"(b), "+d"(c)
			 : "a"(number)
			 : "rcx", "r8", "r9", "r10", "r11", "memory");
	return result;
}

static inline int64_t syscall1(uint64_t number, uint64_t a)
{
	int64_t result;

	__asm__ volatile("syscall"
			 : "=a"(result), "+D"(a)
			 : "a"(number)
			 : "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "memory");
	return result;
}

/** A pointer as a system call takes it. */
static inline uint64_t word(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

#endif
