/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file check.h
 * Assertions on the VMM's own state, in a build with PARANOID=1. One that fails stops the program where
 * it stands: the kernel reports the address.
 */
#ifndef VMM_CHECK_H
#define VMM_CHECK_H

#ifdef PARANOID
#define VMM_CHECK(condition)                                                                       \
	do {                                                                                       \
		if (!(condition))                                                                  \
			__builtin_trap();                                                          \
	} while (0)
#else
#define VMM_CHECK(condition) ((void)(0 && (condition)))
#endif

#endif
