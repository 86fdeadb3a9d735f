/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/symbols.h"

#include <stddef.h>

#include "kernel/layout.h"

/* As symbols.py writes them: by ascending address. In the first of two links there is none. */
struct symbol {
	uint32_t address; /* above KERNEL_BASE */
	uint32_t name;	  /* from symbol_table */
};
extern const uint32_t symbol_count __attribute__((weak));
extern const struct symbol symbol_table[] __attribute__((weak));

const char *symbol_find(uint64_t address, uint64_t *offset)
{
	extern const char image_start[], rodata_start[];
	uint32_t wanted = (uint32_t)(address - KERNEL_BASE), low = 0, high;

	if (&symbol_count == NULL || address < (uintptr_t)image_start ||
	    address >= (uintptr_t)rodata_start)
		return NULL;
	for (high = symbol_count; high - low > 1;) {
		uint32_t middle = low + (high - low) / 2;

		if (symbol_table[middle].address <= wanted)
			low = middle;
		else
			high = middle;
	}
	*offset = wanted - symbol_table[low].address;
	return (const char *)symbol_table + symbol_table[low].name;
}
