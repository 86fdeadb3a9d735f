/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/pool.h"

#include "kernel/address.h"
#include "kernel/assert.h"
#include "lib/string.h"

#define BITS 64u

static bool in_use(const struct host_pool *pool, uint32_t page)
{
	return (pool->bitmap[page / BITS] >> (page % BITS) & 1) != 0;
}

static void mark(struct host_pool *pool, uint32_t page, bool used)
{
	uint64_t bit = UINT64_C(1) << (page % BITS);

	if (used)
		pool->bitmap[page / BITS] |= bit;
	else
		pool->bitmap[page / BITS] &= ~bit;
}

uint32_t pool_overhead(uint32_t pages)
{
	return (pages / 8 + HV_PAGE_SIZE) / HV_PAGE_SIZE;
}

void pool_init(struct host_pool *pool, uint64_t phys, uint32_t pages)
{
	*pool = (struct host_pool){
		.phys = phys,
		.pages = pages,
		.words = (pages + BITS - 1) / BITS,
		.bitmap = phys_to_virt(phys),
	};
	memset(pool->bitmap, 0, (size_t)pool_overhead(pages) * HV_PAGE_SIZE);
	for (uint32_t page = 0; page < pool_overhead(pages); page++, pool->used++)
		mark(pool, page, true);
	for (uint32_t page = pages; page < pool->words * BITS; page++)
		mark(pool, page, true);
}

void pool_reset(struct host_pool *pool, uint32_t used)
{
	host_lock(&pool->lock);
	for (uint32_t word = used / BITS; word < pool->words; word++)
		pool->bitmap[word] = 0;
	if (used % BITS != 0)
		pool->bitmap[used / BITS] = (UINT64_C(1) << used % BITS) - 1;
	for (uint32_t page = pool->pages; page < pool->words * BITS; page++)
		mark(pool, page, true);
	pool->used = used;
	pool->first = used / BITS;
	host_unlock(&pool->lock);
}

/* The common case: one page, the lowest. */
static uint32_t find_one(struct host_pool *pool)
{
	while (pool->first < pool->words && pool->bitmap[pool->first] == UINT64_MAX)
		pool->first++;
	if (pool->first == pool->words)
		return pool->pages;
	return pool->first * BITS + (uint32_t)__builtin_ctzll(~pool->bitmap[pool->first]);
}

/* First fit; only while something is created, so the length of the way doesn't matter. */
static uint32_t find_run(const struct host_pool *pool, uint32_t count)
{
	uint32_t run = 0;

	for (uint32_t page = pool->first * BITS; page < pool->pages; page++) {
		run = in_use(pool, page) ? 0 : run + 1;
		if (run == count)
			return page + 1 - count;
	}
	return pool->pages;
}

void *host_pages_alloc(struct host_pool *pool, unsigned int count)
{
	uint32_t page;

	if (count == 0)
		return NULL;
	host_lock(&pool->lock);
	page = count == 1 ? find_one(pool) : find_run(pool, count);
	if (page < pool->pages) {
		for (uint32_t i = 0; i < count; i++)
			mark(pool, page + i, true);
		pool->used += count;
	}
	host_unlock(&pool->lock);
	if (page >= pool->pages)
		return NULL;

	void *p = phys_to_virt(pool->phys + (uint64_t)page * HV_PAGE_SIZE);

	return memset(p, 0, (size_t)count * HV_PAGE_SIZE);
}

void host_pages_free(struct host_pool *pool, void *pages, unsigned int count)
{
	uint64_t page = (virt_to_phys(pages) - pool->phys) / HV_PAGE_SIZE;

	KASSERT(hv_range_ok(page, count, pool->pages));
	host_lock(&pool->lock);
	for (uint32_t i = 0; i < count; i++) {
		KASSERT(in_use(pool, (uint32_t)page + i));
		mark(pool, (uint32_t)page + i, false);
	}
	pool->used -= count;
	if (page / BITS < pool->first)
		pool->first = (uint32_t)(page / BITS);
	host_unlock(&pool->lock);
}
