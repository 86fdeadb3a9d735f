/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file test-memory.c
 * Memory is handed out once: against a map with one byte a page.
 *
 * @verifies KRN-002
 */
#include "tests/unit/kernel/process.h"

#include <string.h>

#include "kernel/memory.h"
#include "kernel/pool.h"
#include "kernel/address.h"

#define PAGES	  4096u	    /* of the modelled machine: 16 MiB */
#define IMAGE_END 0x234800u /* in the middle of a page */

enum owner { NOBODY, FREE, TAKEN };
static uint8_t owner[PAGES];

static void set(uint64_t start, uint64_t end, enum owner value)
{
	for (uint64_t page = start / 4096; page < PAGES && page * 4096 < end; page++)
		owner[page] = (uint8_t)value;
}

/* What should be free: RAM, without the first MiB, the image and the module. */
static void model(const struct boot_info *info)
{
	memset(owner, NOBODY, sizeof(owner));
	for (uint32_t i = 0; i < info->ram_count; i++)
		set(page_up(info->ram[i].start), info->ram[i].end & ~UINT64_C(0xfff), FREE);
	set(0, 0x100000, NOBODY);
	set(LOAD_PHYS, IMAGE_END, NOBODY);
	if (info->module_count != 0)
		set(info->module.start & ~UINT64_C(0xfff), info->module.end, NOBODY);
}

static uint64_t model_free(void)
{
	uint64_t sum = 0;

	for (uint32_t page = 0; page < PAGES; page++)
		sum += owner[page] == FREE ? 4096 : 0;
	return sum;
}

static void random_machine(struct boot_info *info)
{
	memset(info, 0, sizeof(*info));
	info->ram_count = (uint32_t)random_below(6) + 1;
	for (uint32_t i = 0; i < info->ram_count; i++) {
		info->ram[i].start = random_below(PAGES * 4096);
		info->ram[i].end = info->ram[i].start + random_below(PAGES * 4096 - info->ram[i].start);
	}
	info->module_count = (uint32_t)random_below(2);
	info->module.start = random_below(PAGES) * 4096;
	info->module.end = info->module.start + random_below(0x100000) + 1;
}

static void take(uint64_t size, uint64_t alignment)
{
	uint64_t phys = memory_alloc(size, alignment);

	if (phys == 0) {
		assert_true(memory_largest(alignment) < size);
		return;
	}
	assert_int_equal(phys % alignment, 0);
	for (uint64_t at = phys; at < phys + size; at += 4096) {
		assert_true(at / 4096 < PAGES);
		assert_int_equal(owner[at / 4096], FREE);
		owner[at / 4096] = TAKEN;
	}
}

static void one_machine(uint64_t seed)
{
	struct boot_info info;

	random_seed(seed);
	random_machine(&info);
	model(&info);
	memory_init(&info, IMAGE_END);
	assert_int_equal(memory_left(), model_free());
	for (unsigned int i = 0; i < 200; i++) {
		take((random_below(64) + 1) * 4096, UINT64_C(4096) << random_below(10));
		assert_int_equal(memory_left(), model_free());
	}
	while (memory_largest(4096) != 0)
		take(4096, 4096);
	assert_int_equal(model_free(), 0);
	assert_int_equal(memory_alloc(4096, 4096), 0);
}

/* Each machine uses up all of its memory, so the next begins with an empty list. */
static void handed_out_once(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++)
		one_machine(seed);
}

/* ---- pools ---- */

#define POOL_PAGES 300u

static void pool_random(void **state)
{
	static uint8_t *held[POOL_PAGES];
	static uint32_t count[POOL_PAGES];
	struct host_pool pool;
	uint32_t used;

	(void)state;
	process_memory_reset();
	pool_init(&pool, 0x200000, POOL_PAGES);
	used = pool.used;
	random_seed(7);
	for (unsigned int round = 0; round < 20000; round++) {
		uint64_t i = random_below(POOL_PAGES);

		if (held[i] != NULL) {
			for (uint32_t b = 0; b < count[i] * 4096; b++)
				assert_int_equal(held[i][b], (uint8_t)i);
			host_pages_free(&pool, held[i], count[i]);
			held[i] = NULL;
			used -= count[i];
		} else {
			count[i] = (uint32_t)(random_below(8) == 0 ? random_below(9) + 1 : 1);
			held[i] = host_pages_alloc(&pool, count[i]);
			if (held[i] == NULL)
				continue;
			used += count[i];
			for (uint32_t b = 0; b < count[i] * 4096; b++)
				assert_int_equal(held[i][b], 0);
			memset(held[i], (int)i, count[i] * 4096);
		}
		assert_int_equal(pool.used, used);
	}
}

static void pool_uses_all(void **state)
{
	struct host_pool pool;
	uint32_t got = 0;

	(void)state;
	process_memory_reset();
	pool_init(&pool, 0x200000, POOL_PAGES);
	while (host_pages_alloc(&pool, 1) != NULL)
		got++;
	assert_int_equal(got, POOL_PAGES - pool_overhead(POOL_PAGES));
	assert_null(host_pages_alloc(&pool, 0));
	assert_null(host_pages_alloc(&pool, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(handed_out_once),
		cmocka_unit_test(pool_random),
		cmocka_unit_test(pool_uses_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
