/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file assert.h
 * Assertions of the PARANOID build. A normal build only checks that they compile.
 */
#ifndef KERNEL_ASSERT_H
#define KERNEL_ASSERT_H

#include <hypike/host.h>

#ifdef PARANOID
#define KERNEL_PARANOID true
#else
#define KERNEL_PARANOID false
#endif

#define KASSERT(condition)                                                                         \
	do {                                                                                       \
		if (KERNEL_PARANOID && !(condition))                                               \
			host_panic("%s:%d: not true: %s", __FILE__, __LINE__, #condition);         \
	} while (0)

#endif
