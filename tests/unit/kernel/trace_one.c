/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/kernel/trace_one.h"

#include "kernel/trace.h"

static inline void trap(void)
{
	__asm__ volatile("int3" : : : "memory");
}

void trace_between_traps(uint32_t event, uint32_t partition, uint64_t a, uint32_t b)
{
	trap();
	trap();
	trace(event, partition, a, b);
	trap();
}
