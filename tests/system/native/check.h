/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file check.h
 * TAP for ring-3 test programs, and what several of them need.
 */
#ifndef TESTS_NATIVE_CHECK_H
#define TESTS_NATIVE_CHECK_H

#include <hypike/sys.h>

#include <stdarg.h>

/** Where the text goes, for tests that writing to the console would disturb: it may have to wait. */
extern hv_status_t (*say_output)(const void *text, size_t size);
/** Write a line or a part of one. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** One test point; from any thread. @return `passed` */
bool check(bool passed, const char *name, ...) __attribute__((format(printf, 2, 3)));
/** Print the plan. @return the program's exit status: how many points failed, at most 99 */
int check_done(void);

/** Start a thread with a stack of its own (they are never reused). Fails the test if it cannot. */
hypike_thread_t spawn(void (*entry)(void *), void *arg, uint32_t priority, uint32_t cpu);

/** Sleep. */
void sleep_ms(uint64_t ms);
/** Work for about as long. */
void spin_ms(uint64_t ms);

#define MS UINT64_C(1000000) /* in nanoseconds */

static inline uint32_t load(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

static inline void store(uint32_t *p, uint32_t value)
{
	__atomic_store_n(p, value, __ATOMIC_SEQ_CST);
}

/** Sleep until *p is at least `value`, at most two seconds. @return false: it isn't */
bool wait_for(const uint32_t *p, uint32_t value);

#endif
