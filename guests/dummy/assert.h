/* SPDX-License-Identifier: BSD-2-Clause */
/** @file assert.h Assertions on machine state, in builds with -Dparanoid=true. */
#ifndef GUESTS_DUMMY_ASSERT_H
#define GUESTS_DUMMY_ASSERT_H

#include "guests/dummy/exit.h"

#ifdef PARANOID
#define PARANOID_CHECK(condition)                                                       \
	((condition) ? (void)0 : panic("%s:%d: %s", __FILE__, __LINE__, #condition))
#else
#define PARANOID_CHECK(condition) ((void)0)
#endif

#endif
