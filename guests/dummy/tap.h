/* SPDX-License-Identifier: BSD-2-Clause */
/** @file tap.h Results in the Test Anything Protocol, version 12. */
#ifndef GUESTS_DUMMY_TAP_H
#define GUESTS_DUMMY_TAP_H

#include <stdbool.h>

/** Announces the number of results. */
void tap_plan(unsigned count);
/** Reports one result. */
void tap_result(bool ok, const char *name);
/** Reports a test that does not apply here. */
void tap_skip(const char *name, const char *reason);
/** Prints a line of explanation. */
__attribute__((format(printf, 1, 2))) void tap_note(const char *fmt, ...);
/** @return how many results were bad, or are missing from the plan. */
unsigned tap_failures(void);

#endif
