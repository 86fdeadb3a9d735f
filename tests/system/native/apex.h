/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file apex.h
 * What the conformance tests of the ARINC 653 services have in common. A test point's name begins with
 * the clause of part 1 that it is about.
 */
#ifndef TESTS_NATIVE_APEX_H
#define TESTS_NATIVE_APEX_H

#include <arinc653/apex.h>

#include "tests/system/native/check.h"

#define SMALL_STACK 4096u

/** A test point: a service returned what the standard says. */
void expect(RETURN_CODE_TYPE got, RETURN_CODE_TYPE wanted, const char *clause);

/** An aperiodic process without deadline. Fails the test if it can't be made. */
PROCESS_ID_TYPE make(const char *name, void (*entry)(void), PRIORITY_TYPE priority);
/** A process with period and time capacity (INFINITE_TIME_VALUE: none). */
PROCESS_ID_TYPE make_timed(const char *name, void (*entry)(void), PRIORITY_TYPE priority,
			   SYSTEM_TIME_TYPE period, SYSTEM_TIME_TYPE capacity);
PROCESS_ATTRIBUTE_TYPE attributes_of(const char *name, void (*entry)(void), PRIORITY_TYPE priority);
RETURN_CODE_TYPE start(PROCESS_ID_TYPE id);
PROCESS_STATE_TYPE state(PROCESS_ID_TYPE id);
SYSTEM_TIME_TYPE now(void);
/** TIMED_WAIT. */
void rest(SYSTEM_TIME_TYPE time);

/** Note something that happened; the notes since trail_begin() are `expected`. */
void trail_begin(void);
void note(char c);
bool trail_is(const char *expected, const char *clause);

/** End the initialisation. From here on nothing is written before flush(). */
_Noreturn void go_normal(void);
/** Write what was said in the meantime. */
void flush(void);
/** Print the plan and end the program. */
_Noreturn void finish(void);

#endif
