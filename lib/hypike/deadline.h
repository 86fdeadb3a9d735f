/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file deadline.h
 * Deadlines: nanoseconds since boot in hypike/sys.h, TSC values in system calls.
 */
#ifndef LIB_HYPIKE_DEADLINE_H
#define LIB_HYPIKE_DEADLINE_H

#include <hypike/sys.h>

#define NS_PER_MS UINT64_C(1000000)

/** The TSC value at which hypike_time() has reached `ns`; far beyond any uptime: never. */
static inline uint64_t to_tsc(uint64_t ns)
{
	const struct hypike_info *page = hypike_info();
	uint64_t ms = ns / NS_PER_MS, ticks;

	if (ns == HYPIKE_FOREVER || __builtin_mul_overflow(ms, page->tsc_khz, &ticks))
		return UINT64_MAX;
	ticks += (ns % NS_PER_MS * page->tsc_khz + NS_PER_MS - 1) / NS_PER_MS;
	return hv_add_ok(ticks, page->tsc_boot + page->hidden, &ticks) ? ticks : UINT64_MAX;
}

#endif
