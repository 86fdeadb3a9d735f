/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/memory.h"

#include "kernel/address.h"

#define MAX_FREE  128u
#define FIRST_MIB 0x100000u

/* Free memory, in no order; whole pages. */
static struct range free_list[MAX_FREE];
static uint32_t free_count;

static void add(uint64_t start, uint64_t end)
{
	start = page_up(start);
	end &= ~(uint64_t)HV_PAGE_MASK;
	if (start < end && free_count < MAX_FREE)
		free_list[free_count++] = (struct range){start, end};
}

/* Cut [start, end) out of entry i; what is left of it goes into its place and to the list's end. */
static void cut(uint32_t i, uint64_t start, uint64_t end)
{
	struct range old = free_list[i];

	free_list[i] = free_list[--free_count];
	if (old.start < start)
		add(old.start, start);
	if (end < old.end)
		add(end, old.end);
}

/* Backwards: cut() moves entries only from behind i, which are done, and appends clean ones. */
static void remove(uint64_t start, uint64_t end)
{
	for (uint32_t i = free_count; i-- > 0;)
		if (free_list[i].start < end && start < free_list[i].end)
			cut(i, start & ~(uint64_t)HV_PAGE_MASK, page_up(end));
}

/* Entries of a loader may overlap; no page may be in the list twice. */
static void add_ram(uint64_t start, uint64_t end)
{
	if (start >= end)
		return;
	remove(start, end);
	add(start, end);
}

void memory_init(const struct boot_info *info, uint64_t image_end)
{
	for (uint32_t i = 0; i < info->ram_count; i++)
		add_ram(page_up(info->ram[i].start), info->ram[i].end & ~(uint64_t)HV_PAGE_MASK);
	remove(0, FIRST_MIB);
	remove(LOAD_PHYS, image_end);
	if (info->module_count != 0)
		remove(info->module.start, info->module.end);
}

/* The largest piece of an aligned start in entry i. */
static uint64_t usable(uint32_t i, uint64_t alignment)
{
	uint64_t start = align_up(free_list[i].start, alignment);

	return start < free_list[i].end ? free_list[i].end - start : 0;
}

uint64_t memory_alloc(uint64_t size, uint64_t alignment)
{
	uint32_t best = MAX_FREE;

	for (uint32_t i = 0; i < free_count; i++)
		if (usable(i, alignment) >= size &&
		    (best == MAX_FREE || free_list[i].start < free_list[best].start))
			best = i;
	if (size == 0 || best == MAX_FREE)
		return 0;

	uint64_t start = align_up(free_list[best].start, alignment);

	cut(best, start, start + size);
	return start;
}

uint64_t memory_left(void)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < free_count; i++)
		sum += free_list[i].end - free_list[i].start;
	return sum;
}

uint64_t memory_largest(uint64_t alignment)
{
	uint64_t largest = 0;

	for (uint32_t i = 0; i < free_count; i++)
		if (usable(i, alignment) > largest)
			largest = usable(i, alignment);
	return largest;
}
