/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file test-npt.c
 * Nested tables in both vendors' formats against an array that says what should be mapped.
 *
 * @verifies HV-060
 * @verifies HV-061
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hypervisor/x86/npt.h"
#include "tests/unit/driver/host_process.h"

#define STEPS 100000u
#define RAM   PROCESS_PHYS_BASE /* addresses are only compared here, mostly */

static bool one_g;

static bool has_1g(void)
{
	return one_g;
}

static uint64_t root_value(hpa_t table)
{
	return table.raw | 7u;
}

/** As EPT has it (SDM Tables 29-1 to 29-6), and as AMD's NPT has it (APM vol. 2, 5.3). */
static const struct npt_format formats[2] = {
	{.read = 1, .write = 2, .exec = 4, .table = 7, .large = 0x80, .memory_wb = 6 << 3,
	 .levels = 4, .root = root_value, .has_1g = has_1g},
	{.read = 1, .write = 2, .no_exec = UINT64_C(1) << 63, .table = 7, .large = 0x80, .leaf = 0x64,
	 .levels = 4, .root = root_value, .has_1g = has_1g},
};

static const struct npt_format *format_of(void **state)
{
	return *state;
}

static struct host_pool *pool;
static struct npt npt;

static void start(void **state, uint32_t pages)
{
	process_reset();
	pool = process_pool(pages);
	assert_int_equal(npt_init(&npt, format_of(state), pool), HV_OK);
}

static void finish(void)
{
	npt_exit(&npt);
	assert_int_equal(process_pool_used(pool), 0);
}

static void map(uint64_t where, uint64_t from, uint64_t size, uint32_t prot)
{
	uint64_t done;

	assert_int_equal(npt_map(&npt, gpa(where), hpa(from), size, prot, STEPS, &done), HV_OK);
	assert_int_equal(done, size);
}

static void unmap(uint64_t where, uint64_t size)
{
	uint64_t done;

	assert_int_equal(npt_unmap(&npt, gpa(where), size, STEPS, &done), HV_OK);
	assert_int_equal(done, size);
}

static void expect_leaf(uint64_t where, uint64_t address, uint64_t size, uint32_t prot)
{
	struct npt_leaf leaf;

	assert_int_equal(npt_lookup(&npt, gpa(where), &leaf), HV_OK);
	assert_int_equal(leaf.address.raw, address);
	assert_int_equal(leaf.size, size);
	assert_int_equal(leaf.prot, prot);
}

static void expect_hole(uint64_t where)
{
	struct npt_leaf leaf;

	assert_int_equal(npt_lookup(&npt, gpa(where), &leaf), HV_E_FAULT);
	assert_null(npt_pointer(&npt, gpa(where), 0));
}

/* ----------------------------------------------------------------------------------------- tests */

static void test_sizes(void **state)
{
	one_g = true;
	start(state, 32);
	map(0x1000, RAM + 0x1000, 0x1000, HV_PROT_ALL);
	map(HV_2M, RAM, HV_2M, HV_PROT_READ);
	map(HV_1G, HV_1G * 64, HV_1G, HV_PROT_READ | HV_PROT_WRITE);
	expect_leaf(0x1fff, RAM + 0x1fff, HV_PAGE_SIZE, HV_PROT_ALL);
	expect_leaf(HV_2M + 0x12345, RAM + 0x12345, HV_2M, HV_PROT_READ);
	expect_leaf(2 * HV_1G - 1, HV_1G * 65 - 1, HV_1G, HV_PROT_READ | HV_PROT_WRITE);
	expect_hole(0);
	expect_hole(0x2000);
	expect_hole(2 * HV_2M);
	expect_hole(2 * HV_1G);
	finish();
}

/** One range from 4 KiB before a 1 GiB boundary to 4 KiB behind: small, large, huge, large, small. */
static void test_best_leaf_sizes(void **state)
{
	uint64_t first = 3 * HV_1G - HV_2M - 0x1000;
	uint64_t size = HV_1G + 2 * HV_2M + 0x2000;

	one_g = true;
	start(state, 32);
	map(first, first + 8 * HV_1G, size, HV_PROT_ALL);
	expect_leaf(first, first + 8 * HV_1G, HV_PAGE_SIZE, HV_PROT_ALL);
	expect_leaf(first + 0x1000, first + 0x1000 + 8 * HV_1G, HV_2M, HV_PROT_ALL);
	expect_leaf(3 * HV_1G, 11 * HV_1G, HV_1G, HV_PROT_ALL);
	expect_leaf(4 * HV_1G, 12 * HV_1G, HV_2M, HV_PROT_ALL);
	expect_leaf(first + size - 1, first + size - 1 + 8 * HV_1G, HV_PAGE_SIZE, HV_PROT_ALL);
	expect_hole(first - 1);
	expect_hole(first + size);
	finish();
}

static void test_without_1g(void **state)
{
	one_g = false;
	start(state, 32);
	map(HV_1G, 4 * HV_1G, HV_1G, HV_PROT_ALL);
	expect_leaf(HV_1G + 5, 4 * HV_1G + 5, HV_2M, HV_PROT_ALL);
	finish();
}

/** Alignment of both addresses counts. */
static void test_unaligned_host(void **state)
{
	one_g = true;
	start(state, 32);
	map(HV_2M, HV_2M + 0x1000, HV_2M, HV_PROT_ALL);
	expect_leaf(HV_2M, HV_2M + 0x1000, HV_PAGE_SIZE, HV_PROT_ALL);
	expect_leaf(2 * HV_2M - 1, 2 * HV_2M + 0xfff, HV_PAGE_SIZE, HV_PROT_ALL);
	finish();
}

static void test_entry_bits(void **state)
{
	const struct npt_format *format = format_of(state);
	uint64_t *table;
	uint64_t done;

	one_g = true;
	start(state, 32);
	map(0, 0x80000000, 0x1000, HV_PROT_READ);
	for (table = npt.root_table; (table[0] & NPT_SOFT_LEAF) == 0;
	     table = host_phys_to_virt(hpa(table[0] & NPT_ADDRESS_MASK)))
		assert_int_equal(table[0] & ~NPT_ADDRESS_MASK, format->table);
	assert_int_equal(table[0] & ~(UINT64_C(0xf) << 52),
			 0x80000000 | format->read | format->no_exec | format->memory_wb |
				 format->leaf);
	assert_int_equal(npt_protect(&npt, gpa(0), 0x1000, 0, STEPS, &done), HV_OK);
	assert_int_equal(table[0] & (format->read | format->write | format->exec), 0);
	expect_leaf(0, 0x80000000, HV_PAGE_SIZE, 0);
	assert_null(npt_pointer(&npt, gpa(0), HV_PROT_READ));
	assert_int_equal(npt_protect(&npt, gpa(0), 0x1000, HV_PROT_ALL, STEPS, &done), HV_OK);
	assert_int_equal(table[0] & ~(UINT64_C(0xf) << 52),
			 0x80000000 | format->read | format->write | format->exec |
				 format->memory_wb | format->leaf);
	finish();
}

static void test_split(void **state)
{
	uint64_t hole = HV_1G + 17 * HV_2M + 0x5000;
	uint64_t done;

	one_g = true;
	start(state, 32);
	map(HV_1G, HV_1G, HV_1G, HV_PROT_ALL);
	unmap(hole, 0x3000);
	expect_hole(hole);
	expect_hole(hole + 0x2fff);
	expect_leaf(hole - 1, hole - 1, HV_PAGE_SIZE, HV_PROT_ALL);
	expect_leaf(hole + 0x3000, hole + 0x3000, HV_PAGE_SIZE, HV_PROT_ALL);
	expect_leaf(HV_1G + 16 * HV_2M, HV_1G + 16 * HV_2M, HV_2M, HV_PROT_ALL);
	assert_int_equal(npt_protect(&npt, gpa(HV_1G + HV_2M), HV_2M + 0x1000, HV_PROT_READ, STEPS, &done),
			 HV_OK);
	assert_int_equal(done, HV_2M + 0x1000);
	expect_leaf(HV_1G + HV_2M, HV_1G + HV_2M, HV_2M, HV_PROT_READ);
	expect_leaf(HV_1G + 2 * HV_2M, HV_1G + 2 * HV_2M, HV_PAGE_SIZE, HV_PROT_READ);
	expect_leaf(HV_1G + 2 * HV_2M + 0x1000, HV_1G + 2 * HV_2M + 0x1000, HV_PAGE_SIZE, HV_PROT_ALL);
	finish();
}

/** What has the rights already needs no split. */
static void test_protect_same(void **state)
{
	uint64_t done;
	uint64_t pages;

	one_g = true;
	start(state, 32);
	map(0, 0, HV_1G, HV_PROT_READ);
	pages = npt.pages;
	assert_int_equal(npt_protect(&npt, gpa(0x5000), 0x1000, HV_PROT_READ, STEPS, &done), HV_OK);
	assert_int_equal(npt.pages, pages);
	expect_leaf(0x5000, 0x5000, HV_1G, HV_PROT_READ);
	finish();
}

static void test_exists(void **state)
{
	uint64_t done = 1;

	one_g = true;
	start(state, 32);
	map(HV_1G + 0x7000, 0x1000, 0x1000, HV_PROT_ALL);
	assert_int_equal(npt_map(&npt, gpa(0), hpa(0), 2 * HV_1G, HV_PROT_ALL, STEPS, &done), HV_E_EXISTS);
	assert_int_equal(done, 0);
	expect_hole(0);
	expect_hole(HV_1G);
	assert_int_equal(npt_map(&npt, gpa(HV_1G + 0x7000), hpa(0), 0x1000, HV_PROT_ALL, STEPS, &done),
			 HV_E_EXISTS);
	unmap(HV_1G + 0x7000, 0x1000);
	/* A table is left where a 1 GiB page would fit: smaller leaves go into it. */
	map(0, 0, 2 * HV_1G, HV_PROT_ALL);
	expect_leaf(0, 0, HV_1G, HV_PROT_ALL);
	expect_leaf(HV_1G + 0x7000, HV_1G + 0x7000, HV_PAGE_SIZE, HV_PROT_ALL);
	expect_leaf(HV_1G + HV_2M, HV_1G + HV_2M, HV_2M, HV_PROT_ALL);
	finish();
}

static void test_bad_arguments(void **state)
{
	static const struct {
		uint64_t where, from, size;
		uint32_t prot;
	} bad[] = {
		{1, 0, 0x1000, HV_PROT_ALL},
		{0, 1, 0x1000, HV_PROT_ALL},
		{0, 0, 0xfff, HV_PROT_ALL},
		{NPT_LIMIT, 0, 0x1000, HV_PROT_ALL},
		{NPT_LIMIT - 0x1000, 0, 0x2000, HV_PROT_ALL},
		{0x1000, 0, UINT64_MAX - 0xfff, HV_PROT_ALL},
		{UINT64_MAX - 0xfff, 0, 0x1000, HV_PROT_ALL},
		{0, UINT64_C(1) << 52, 0x1000, HV_PROT_ALL},
		{0, (UINT64_C(1) << 52) - 0x1000, 0x2000, HV_PROT_ALL},
		{0, UINT64_MAX - 0xfff, 0x1000, HV_PROT_ALL},
		{0, 0, 0x1000, 8},
		{0, 0, 0x1000, HV_PROT_WRITE},
		{0, 0, 0x1000, HV_PROT_EXEC},
		{0, 0, 0x1000, UINT32_MAX},
	};
	uint64_t done;

	one_g = true;
	start(state, 32);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(npt_map(&npt, gpa(bad[i].where), hpa(bad[i].from), bad[i].size,
					 bad[i].prot, STEPS, &done),
				 HV_E_INVALID);
		if (bad[i].from == 0 || bad[i].where != 0)
			assert_int_equal(npt_protect(&npt, gpa(bad[i].where), bad[i].size,
						     bad[i].prot, STEPS, &done),
					 HV_E_INVALID);
		if (bad[i].from == 0 && bad[i].prot == HV_PROT_ALL)
			assert_int_equal(
				npt_unmap(&npt, gpa(bad[i].where), bad[i].size, STEPS, &done),
				HV_E_INVALID);
	}
	assert_int_equal(npt.pages, 1);
	expect_hole(NPT_LIMIT);
	expect_hole(UINT64_MAX);
	assert_int_equal(npt_map(&npt, gpa(0), hpa(0), 0, HV_PROT_ALL, STEPS, &done), HV_OK);
	map(NPT_LIMIT - 0x1000, (UINT64_C(1) << 52) - 0x1000, 0x1000, HV_PROT_ALL);
	expect_leaf(NPT_LIMIT - 1, (UINT64_C(1) << 52) - 1, HV_PAGE_SIZE, HV_PROT_ALL);
	finish();
}

static void test_protect_hole(void **state)
{
	uint64_t done;

	one_g = true;
	start(state, 32);
	map(0, 0, 0x3000, HV_PROT_ALL);
	assert_int_equal(npt_protect(&npt, gpa(0), 0x4000, HV_PROT_READ, STEPS, &done), HV_E_FAULT);
	assert_int_equal(done, 0x3000);
	unmap(0, HV_1G * 5);
	expect_hole(0);
	finish();
}

/** In steps of every size the result is the same, and no step does more than it may. */
static void test_steps(void **state)
{
	uint64_t first = HV_2M - 0x3000;
	uint64_t size = 2 * HV_2M + 0x6000;

	one_g = true;
	for (uint32_t steps = 1; steps < 20; steps++) {
		uint64_t total = 0;
		uint64_t done;
		uint32_t calls = 0;

		start(state, 32);
		for (; total < size; total += done, calls++) {
			assert_int_equal(npt_map(&npt, gpa(first + total), hpa(first + total), size - total,
						 HV_PROT_ALL, steps, &done),
					 HV_OK);
			assert_true(done > 0);
		}
		assert_int_equal(calls, (8 + steps - 1) / steps);
		for (total = 0, calls = 0; total < HV_2M; total += done, calls++)
			assert_int_equal(npt_unmap(&npt, gpa(HV_2M + total + 0x1000), HV_2M - total, steps,
						   &done),
					 HV_OK);
		expect_leaf(HV_2M, HV_2M, HV_PAGE_SIZE, HV_PROT_ALL);
		expect_hole(HV_2M + 0x1000);
		expect_hole(2 * HV_2M);
		expect_leaf(2 * HV_2M + 0x1000, 2 * HV_2M + 0x1000, HV_PAGE_SIZE, HV_PROT_ALL);
		finish();
	}
}

static void test_no_steps(void **state)
{
	uint64_t done = 1;

	start(state, 32);
	assert_int_equal(npt_map(&npt, gpa(0), hpa(0), 0x1000, HV_PROT_ALL, 0, &done), HV_OK);
	assert_int_equal(done, 0);
	expect_hole(0);
	finish();
}

/** Whatever allocation fails, nothing is lost and the tables stay in order. */
static void test_no_memory(void **state)
{
	uint64_t first = 3 * HV_1G - HV_2M - 0x1000;
	uint64_t size = HV_1G + 2 * HV_2M + 0x2000;
	uint32_t n;

	one_g = true;
	for (n = 0;; n++) {
		struct npt_leaf leaf;
		hv_status_t status;
		uint64_t done;

		start(state, 32);
		process_pool_fail(pool, n);
		status = npt_map(&npt, gpa(first), hpa(first), size, HV_PROT_ALL, STEPS, &done);
		if (!process_pool_failed(pool)) {
			assert_int_equal(status, HV_OK);
			finish();
			break;
		}
		assert_int_equal(status, HV_E_NOMEM);
		for (uint64_t at = first; at < first + size; at += 0x1000)
			assert_int_equal(npt_lookup(&npt, gpa(at), &leaf),
					 at < first + done ? HV_OK : HV_E_FAULT);
		map(first + done, first + done, size - done, HV_PROT_ALL);
		finish();
	}
	assert_int_equal(n, 5); /* three tables to the first leaf, two more behind the 1 GiB page */
	start(state, 1);
	assert_int_equal(npt_map(&npt, gpa(0), hpa(0), 0x1000, HV_PROT_ALL, STEPS, &(uint64_t){0}),
			 HV_E_NOMEM);
	finish();
	process_reset();
	pool = process_pool(0);
	assert_int_equal(npt_init(&npt, format_of(state), pool), HV_E_NOMEM);
}

static void test_split_no_memory(void **state)
{
	uint64_t done;

	one_g = true;
	for (uint32_t n = 0; n < 2; n++) {
		start(state, 32);
		map(0, 0, HV_1G, HV_PROT_ALL);
		process_pool_fail(pool, n);
		assert_int_equal(npt_unmap(&npt, gpa(0x1000), 0x1000, STEPS, &done), HV_E_NOMEM);
		assert_int_equal(done, 0);
		expect_leaf(0x1000, 0x1000, n == 0 ? HV_1G : HV_2M, HV_PROT_ALL);
		unmap(0x1000, 0x1000);
		expect_hole(0x1000);
		finish();
	}
}

static void test_pointer(void **state)
{
	uint8_t *ram;

	one_g = true;
	start(state, 32);
	ram = process_ram(0x4000, 0x1000);
	map(0x10000, host_virt_to_phys(ram).raw, 0x1000, HV_PROT_READ);
	map(0x11000, host_virt_to_phys(ram).raw + 0x1000, 0x1000, HV_PROT_READ | HV_PROT_WRITE);
	map(0x12000, host_virt_to_phys(ram).raw + 0x2000, 0x1000, HV_PROT_ALL);
	assert_ptr_equal(npt_pointer(&npt, gpa(0x10123), HV_PROT_READ), ram + 0x123);
	assert_null(npt_pointer(&npt, gpa(0x10123), HV_PROT_WRITE));
	assert_null(npt_pointer(&npt, gpa(0x10123), HV_PROT_EXEC));
	assert_ptr_equal(npt_pointer(&npt, gpa(0x11fff), HV_PROT_READ | HV_PROT_WRITE), ram + 0x1fff);
	assert_ptr_equal(npt_pointer(&npt, gpa(0x12000), HV_PROT_ALL), ram + 0x2000);
	assert_null(npt_pointer(&npt, gpa(0x13000), HV_PROT_READ));
	finish();
}

/* -------------------------------------------------------------------- at random, against an array */

#define PAGES 3072u /* 12 MiB: six 2 MiB pages */
static struct {
	uint64_t address;
	uint32_t prot;
	bool mapped;
} model[PAGES];
#define MODEL_BASE (5 * HV_1G - 3 * HV_2M) /* across a boundary of 1 GiB */

static void compare(void)
{
	for (uint32_t i = 0; i < PAGES; i++) {
		struct npt_leaf leaf;
		hv_status_t status = npt_lookup(&npt, gpa(MODEL_BASE + i * 4096ull + 7), &leaf);

		assert_int_equal(status, model[i].mapped ? HV_OK : HV_E_FAULT);
		if (!model[i].mapped)
			continue;
		assert_int_equal(leaf.address.raw, model[i].address + 7);
		assert_int_equal(leaf.prot, model[i].prot);
	}
}

static void model_set(uint32_t page, uint64_t count, uint64_t address, uint32_t prot, bool mapped)
{
	for (uint64_t i = 0; i < count; i++) {
		model[page + i].address = address + i * 4096;
		model[page + i].prot = prot;
		model[page + i].mapped = mapped;
	}
}

static void random_step(uint64_t *seed)
{
	static const uint32_t prots[] = {0, 1, 3, 5, 7};
	uint32_t page = (uint32_t)(process_random(seed) % PAGES);
	uint64_t count = 1 + process_random(seed) % ((process_random(seed) & 1) ? 1100 : 20);
	uint64_t from = HV_1G * 9 + (process_random(seed) & 0xfff) * 4096;
	uint32_t prot = prots[process_random(seed) % 5];
	uint32_t steps = 1 + (uint32_t)(process_random(seed) % 700);
	uint64_t done;
	hv_status_t status;

	if ((process_random(seed) & 3) == 0) {
		page &= ~511u;
		from &= ~(HV_2M - 1);
		count = (count + 511) & ~511ull;
	}
	if (page + count > PAGES)
		count = PAGES - page;
	switch (process_random(seed) % 3) {
	case 0:
		status = npt_map(&npt, gpa(MODEL_BASE + page * 4096ull), hpa(from), count * 4096, prot,
				 steps, &done);
		if (status == HV_OK)
			for (uint64_t i = 0; i < done / 4096; i++)
				assert_false(model[page + i].mapped);
		else
			assert_int_equal(status, HV_E_EXISTS);
		model_set(page, done / 4096, from, prot, true);
		break;
	case 1:
		status = npt_unmap(&npt, gpa(MODEL_BASE + page * 4096ull), count * 4096, steps, &done);
		assert_int_equal(status, HV_OK);
		model_set(page, done / 4096, 0, 0, false);
		break;
	default:
		status = npt_protect(&npt, gpa(MODEL_BASE + page * 4096ull), count * 4096, prot, steps,
				     &done);
		for (uint64_t i = 0; i < done / 4096; i++) {
			assert_true(model[page + i].mapped);
			model[page + i].prot = prot;
		}
		if (status != HV_OK)
			assert_false(model[page + done / 4096].mapped);
		break;
	}
}

static void test_random(void **state)
{
	uint64_t seed = 0x20240521;

	one_g = true;
	start(state, 64);
	for (uint32_t i = 0; i < PAGES; i++)
		model[i].mapped = false;
	for (uint32_t i = 0; i < 3000; i++) {
		random_step(&seed);
		if (i % 25 == 0)
			compare();
	}
	compare();
	finish();
}

#define BOTH(test)                                                                                 \
	{#test " (EPT)", test, NULL, NULL, (void *)(uintptr_t)&formats[0]},                             \
	{                                                                                          \
		#test " (NPT)", test, NULL, NULL, (void *)(uintptr_t)&formats[1]                       \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    BOTH(test_sizes),	       BOTH(test_best_leaf_sizes), BOTH(test_without_1g),
	    BOTH(test_unaligned_host), BOTH(test_entry_bits),	   BOTH(test_split),
	    BOTH(test_protect_same),   BOTH(test_exists),	   BOTH(test_bad_arguments),
	    BOTH(test_protect_hole),   BOTH(test_steps),	   BOTH(test_no_memory),
	    BOTH(test_no_steps),       BOTH(test_split_no_memory), BOTH(test_pointer),
	    BOTH(test_random),
	};

	return cmocka_run_group_tests_name("npt", tests, NULL, NULL);
}
