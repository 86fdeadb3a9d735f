/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/dummy/rt.h"

#include "guests/dummy/assert.h"
#include "guests/dummy/spinlock.h"
#include "lib/multiboot.h"
#include "lib/string.h"

/* A free page holds the address of the next one. Pages never used before come from `fresh` up. */
static struct spinlock lock;
static const struct boot_info *info;
static uint64_t free_list;
static uint64_t fresh;
static uint64_t in_use;

static uint64_t round_up(uint64_t v)
{
	return (v + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);
}

void pages_init(const struct boot_info *boot, uint64_t image_end)
{
	info = boot;
	fresh = round_up(image_end);
}

/* @return the end of the module that the page touches, or 0. */
static uint64_t module_end_at(uint64_t page)
{
	for (unsigned i = 0; i < info->modules_count; i++) {
		const struct boot_module *m = &info->modules[i];

		if (page + PAGE_SIZE > m->start && page < m->start + m->size)
			return m->start + m->size;
	}
	return 0;
}

static bool is_ram(uint64_t page)
{
	bool ram = false;

	/* what any region calls reserved is not memory, even where another calls it available */
	for (unsigned i = 0; i < info->regions_count; i++) {
		const struct boot_region *r = &info->regions[i];

		if (page + PAGE_SIZE <= r->start || page >= r->start + r->size)
			continue;
		if (r->type != MULTIBOOT_MEMORY_AVAILABLE)
			return false;
		ram |= page >= r->start && page + PAGE_SIZE <= r->start + r->size;
	}
	return ram;
}

/* @return the next page never used, or 0. */
static uint64_t take_fresh(void)
{
	while (fresh < PAGES_LIMIT) {
		uint64_t page = fresh, end = module_end_at(page);

		fresh = end != 0 ? round_up(end) : page + PAGE_SIZE;
		if (end == 0 && is_ram(page))
			return page;
	}
	return 0;
}

uint64_t page_alloc(void)
{
	uint64_t flags = irq_save();

	spin_lock(&lock);
	uint64_t page = free_list;

	if (page != 0)
		free_list = *(uint64_t *)page;
	else
		page = take_fresh();
	in_use++;
	spin_unlock(&lock);
	irq_restore(flags);
	if (page == 0)
		panic("out of memory");
	memset((void *)page, 0, PAGE_SIZE);
	return page;
}

void page_free(uint64_t page)
{
	uint64_t flags = irq_save();

	PARANOID_CHECK(page != 0 && page % PAGE_SIZE == 0 && page < PAGES_LIMIT);
	spin_lock(&lock);
	*(uint64_t *)page = free_list;
	free_list = page;
	in_use--;
	spin_unlock(&lock);
	irq_restore(flags);
}

uint64_t pages_in_use(void)
{
	return __atomic_load_n(&in_use, __ATOMIC_RELAXED);
}
