/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file test-paging.c
 * Page tables of partitions: what is mapped is found, with its rights, and nothing else is.
 *
 * @verifies KRN-003
 */
#include "tests/unit/kernel/process.h"

#include "kernel/address.h"
#include "kernel/cpu.h"
#include "kernel/paging.h"
#include "kernel/pool.h"
#include "kernel/x86.h"

#define POOL_PHYS  0x10000000u
#define POOL_PAGES 4000u

static struct host_pool pool;
static uint64_t root;

static void reset(bool page_1g)
{
	process_memory_reset();
	cpu_features.page_1g = page_1g;
	pool_init(&pool, POOL_PHYS, POOL_PAGES);
	root = virt_to_phys(host_pages_alloc(&pool, 1));
}

static void finds(uint64_t virt, uint64_t phys, uint64_t size, bool write)
{
	for (unsigned int i = 0; i < 50; i++) {
		uint64_t at = i == 0 ? 0 : i == 1 ? size - 1 : random_below(size);

		assert_int_equal(paging_lookup(root, virt + at, false), phys + at);
		assert_int_equal(paging_lookup(root, virt + at, true),
				 write ? phys + at : UINT64_MAX);
	}
	assert_int_equal(paging_lookup(root, virt - 1, false), UINT64_MAX);
	assert_int_equal(paging_lookup(root, virt + size, false), UINT64_MAX);
}

static void maps_any_shape(void **state)
{
	(void)state;
	random_seed(11);
	for (unsigned int round = 0; round < 300; round++) {
		uint64_t shape = UINT64_C(4096) << random_below(20);
		uint64_t virt = USER_RAM + random_below(1 << 20) * 4096 / shape * shape + shape;
		uint64_t phys = random_below(1 << 20) * 4096 / shape * shape;
		uint64_t size = (random_below(1 << 12) + 1) * 4096;
		bool write = random_below(2) != 0;

		reset(round % 2 != 0);
		assert_true(paging_map(root, &pool, virt, phys, size,
				       MAP_USER | (write ? MAP_WRITE : 0)));
		finds(virt, phys, size, write);
		assert_true(pool.used - pool_overhead(POOL_PAGES) - 1 <= paging_tables(size, 4096));
	}
}

static void large_pages_take_few_tables(void **state)
{
	(void)state;
	reset(false);
	assert_true(paging_map(root, &pool, USER_RAM, 0x200000, 512 * HV_2M, MAP_USER | MAP_WRITE));
	assert_true(pool.used - pool_overhead(POOL_PAGES) - 1 <= paging_tables(512 * HV_2M, HV_2M));
	reset(true);
	assert_true(paging_map(root, &pool, USER_RAM, HV_1G, 2 * HV_1G, MAP_USER | MAP_WRITE));
	assert_int_equal(pool.used - pool_overhead(POOL_PAGES) - 1, 1);
	finds(USER_RAM, HV_1G, 2 * HV_1G, true);
}

static void kernel_memory_is_not_found(void **state)
{
	(void)state;
	reset(false);
	assert_true(paging_map(root, &pool, DIRECT_MAP, 0, HV_2M, MAP_WRITE));
	assert_true(paging_map(root, &pool, USER_RAM, 0, HV_2M, MAP_WRITE)); /* not ring 3's */
	assert_int_equal(paging_lookup(root, DIRECT_MAP, false), UINT64_MAX);
	assert_int_equal(paging_lookup(root, USER_RAM, false), UINT64_MAX);
	assert_int_equal(paging_lookup(root, UINT64_MAX, false), UINT64_MAX);
	assert_int_equal(paging_lookup(root, USER_LIMIT, false), UINT64_MAX);
}

static void says_when_tables_run_out(void **state)
{
	(void)state;
	process_memory_reset();
	pool_init(&pool, POOL_PHYS, 6);
	root = virt_to_phys(host_pages_alloc(&pool, 1));
	assert_true(paging_map(root, &pool, USER_RAM, 0, 4096, MAP_USER));
	assert_false(paging_map(root, &pool, USER_FILES, 0, 4096, MAP_USER));
}

/* Every leaf that the kernel can make is writable or executable, never both. */
static void leaves_are_never_both(void **state)
{
	(void)state;
	for (unsigned int rights = 0; rights < 8; rights++) {
		const uint64_t *table;

		reset(false);
		if ((rights & (MAP_WRITE | MAP_EXEC)) == (MAP_WRITE | MAP_EXEC))
			continue;
		assert_true(paging_map(root, &pool, USER_RAM, 0x5000, 4096, rights));
		table = phys_to_virt(root);
		for (unsigned int shift = 39; shift > 12; shift -= 9)
			table = phys_to_virt(table[USER_RAM >> shift & 511] & PTE_ADDR);
		assert_int_equal((table[USER_RAM >> 12 & 511] & PTE_NX) != 0, !(rights & MAP_EXEC));
		assert_int_equal((table[USER_RAM >> 12 & 511] & PTE_W) != 0, (rights & MAP_WRITE) != 0);
		assert_int_equal((table[USER_RAM >> 12 & 511] & PTE_U) != 0, (rights & MAP_USER) != 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_any_shape),
		cmocka_unit_test(large_pages_take_few_tables),
		cmocka_unit_test(kernel_memory_is_not_found),
		cmocka_unit_test(says_when_tables_run_out),
		cmocka_unit_test(leaves_are_never_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
