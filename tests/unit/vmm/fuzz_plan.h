/* SPDX-License-Identifier: BSD-2-Clause */
/* What a Multiboot plan promises, of either version: its segments lie in the file and in memory, apart. */
#ifndef FUZZ_PLAN_H
#define FUZZ_PLAN_H

#include <stdbool.h>
#include <stdlib.h>

#include "lib/multiboot_load.h"

static inline void require(bool condition)
{
	if (!condition)
		abort();
}

static inline void check_segment(const struct multiboot_plan *plan, uint32_t n, uint64_t size,
				 uint64_t memory)
{
	const struct multiboot_segment *s = &plan->segment[n];

	require(s->file_size <= s->memory_size && s->memory_size > 0);
	require(s->offset <= size && s->file_size <= size - s->offset);
	require(s->address + s->memory_size <= memory);
	require(s->address + s->memory_size <= MULTIBOOT_LOW_END ||
		s->address >= MULTIBOOT_HIGH_START);
	for (uint32_t i = 0; i < n; i++)
		require(s->address + s->memory_size <= plan->segment[i].address ||
			plan->segment[i].address + plan->segment[i].memory_size <= s->address);
}

#endif
