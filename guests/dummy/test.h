/* SPDX-License-Identifier: BSD-2-Clause */
/** @file test.h Self-tests: tables of named functions. */
#ifndef GUESTS_DUMMY_TEST_H
#define GUESTS_DUMMY_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guests/dummy/tap.h"

struct test {
	const char *name;
	bool (*run)(void);
	/** @return why it does not apply to this machine, or NULL. May itself be NULL. */
	const char *(*skip)(void);
};

/** A group ends with an entry without a name. */
struct test_group {
	const char *name;
	const struct test *tests;
};

/** Ends the test as failed, and says where, unless the condition holds. */
#define CHECK(condition)                                                           \
	do {                                                                       \
		if (!(condition)) {                                                \
			tap_note("%s:%d: %s", __FILE__, __LINE__, #condition);     \
			return false;                                              \
		}                                                                  \
	} while (0)

/**
 * @return whether an exception's error code is the one expected. One that names a gate of the IDT counts
 * them by 8 (SDM vol. 3, 6.13); QEMU's TCG counts by 16, which is let pass.
 */
bool test_same_error(uint64_t expected, uint64_t got);

/** Runs all tests that `tests=` on the command line selects by their or their group's names. */
void test_run_all(void);

extern const struct test tests_boot[], tests_cpu[], tests_trap[], tests_ring3[], tests_paging[],
	tests_device[], tests_timer[], tests_process[], tests_apic[], tests_smp[], tests_ipi[];

#endif
