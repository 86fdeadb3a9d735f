/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file test-copy.c
 * Copies to and from guest memory: across pages that lie anywhere, and all or nothing.
 *
 * @verifies HV-067
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hypervisor/x86/gpt.h"
#include "hypervisor/x86/npt.h"
#include "lib/x86/regs.h"
#include "tests/unit/driver/host_process.h"

#define PAGES 20u
#define TABLES 0x100000u /* guest-physical: where the guest's own tables are */

static bool has_1g(void)
{
	return true;
}

static const struct npt_format format = {.read = 1, .write = 2, .exec = 4, .table = 7, .large = 0x80,
					 .memory_wb = 0x30, .levels = 4, .has_1g = has_1g};
static struct npt npt;
static uint8_t *ram;
static uint8_t *tables;
static uint8_t buffer[GUEST_COPY_MAX + 1];
static const struct gpt_mode mode = {.cr0 = CR0_PE | CR0_PG | CR0_WP, .cr3 = TABLES, .cr4 = CR4_PAE,
				     .efer = EFER_LME | EFER_LMA | EFER_NXE};

static void map(uint64_t where, const void *host, uint64_t size, uint32_t prot)
{
	uint64_t done;

	assert_int_equal(npt_map(&npt, gpa(where), host_virt_to_phys(host), size, prot, 1000, &done), HV_OK);
}

static void put64(uint64_t at, uint64_t value)
{
	memcpy(tables + (at - TABLES), &value, 8);
}

/** Guest-physical page i is page PAGES - 1 - i of the RAM; linear page i is physical page i. */
static int start(void **state)
{
	(void)state;
	process_reset();
	assert_int_equal(npt_init(&npt, &format, process_pool(32)), HV_OK);
	ram = process_ram(PAGES * HV_PAGE_SIZE, HV_PAGE_SIZE);
	tables = process_ram(4 * HV_PAGE_SIZE, HV_PAGE_SIZE);
	memset(tables, 0, 4 * HV_PAGE_SIZE);
	for (uint32_t i = 0; i < PAGES; i++)
		map(i * 0x1000ull, ram + (PAGES - 1 - i) * 0x1000ull, 0x1000, HV_PROT_ALL);
	map(TABLES, tables, 4 * HV_PAGE_SIZE, HV_PROT_ALL);
	put64(TABLES, TABLES + 0x1007);
	put64(TABLES + 0x1000, TABLES + 0x2007);
	put64(TABLES + 0x2000, TABLES + 0x3007);
	for (uint32_t i = 0; i < 512; i++)
		put64(TABLES + 0x3000 + 8 * i, i < PAGES ? i * 0x1000 + 7 : 0);
	for (uint32_t i = 0; i < sizeof(buffer); i++)
		buffer[i] = (uint8_t)(i * 7 + i / 256);
	return 0;
}

static uint8_t guest_byte(uint64_t at)
{
	return ram[(PAGES - 1 - at / 0x1000) * 0x1000 + at % 0x1000];
}

static void expect_written(uint64_t at, uint64_t size)
{
	for (uint64_t i = 0; i < size; i++)
		assert_int_equal(guest_byte(at + i), buffer[i]);
	if (at > 0)
		assert_int_equal(guest_byte(at - 1), 0xa5);
	assert_int_equal(guest_byte(at + size), 0xa5);
}

static void expect_untouched(void)
{
	for (uint64_t i = 0; i < PAGES * HV_PAGE_SIZE; i++)
		assert_int_equal(ram[i], 0xa5);
}

static void test_physical(void **state)
{
	static const struct {
		uint64_t at, size;
	} cases[] = {{0, 1}, {0xfff, 1}, {0xfff, 2}, {0x800, 0x1000}, {0x1000, 0x1000}, {0x1fff, 0x2002},
		     {0x7fe, GUEST_COPY_MAX}};
	static uint8_t back[GUEST_COPY_MAX];

	for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		start(state);
		assert_int_equal(guest_write(&npt, gpa(cases[i].at), buffer, cases[i].size), HV_OK);
		expect_written(cases[i].at, cases[i].size);
		memset(back, 0, sizeof(back));
		assert_int_equal(guest_read(&npt, gpa(cases[i].at), back, cases[i].size), HV_OK);
		assert_memory_equal(back, buffer, cases[i].size);
	}
}

static void test_physical_refused(void **state)
{
	uint64_t done;

	(void)state;
	assert_int_equal(guest_write(&npt, gpa(PAGES * 0x1000 - 8), buffer, 9), HV_E_FAULT);
	assert_int_equal(guest_write(&npt, gpa(UINT64_MAX), buffer, 2), HV_E_FAULT);
	assert_int_equal(guest_write(&npt, gpa(NPT_LIMIT - 1), buffer, 1), HV_E_FAULT);
	assert_int_equal(guest_write(&npt, gpa(0), buffer, GUEST_COPY_MAX + 1), HV_E_OVERFLOW);
	assert_int_equal(guest_write(&npt, gpa(0), buffer, UINT64_MAX), HV_E_OVERFLOW);
	assert_int_equal(npt_protect(&npt, gpa(0x3000), 0x1000, HV_PROT_READ, 10, &done), HV_OK);
	assert_int_equal(guest_write(&npt, gpa(0x1000), buffer, 0x2001), HV_E_FAULT);
	expect_untouched();
	assert_int_equal(guest_read(&npt, gpa(0x1000), buffer, 0x3000), HV_OK);
	assert_int_equal(guest_write(&npt, gpa(0x1000), buffer, 0), HV_OK);
	assert_int_equal(guest_write(&npt, gpa(NPT_LIMIT), buffer, 0), HV_OK);
}

static void test_virtual(void **state)
{
	static uint8_t back[0x3000];
	uint32_t fault = 99;
	gva_t where;

	(void)state;
	assert_int_equal(
	    guest_write_virtual(&npt, &mode, gva(0x2ffd), buffer, 0x1010, &where, &fault), HV_OK);
	expect_written(0x2ffd, 0x1010);
	assert_int_equal(guest_read_virtual(&npt, &mode, gva(0x2ffd), back, 0x1010, HV_PROT_READ,
					    &where, &fault),
			 HV_OK);
	assert_memory_equal(back, buffer, 0x1010);
	assert_int_equal(tables[0x3000 + 8 * 2] & 0x60, 0x60); /* accessed and dirty */
	assert_int_equal(tables[0x3000 + 8 * 5] & 0x60, 0);
}

static void test_virtual_refused(void **state)
{
	uint32_t fault = 99;
	gva_t where = gva(0);
	uint64_t done;

	(void)state;
	put64(TABLES + 0x3000 + 8 * 4, 0x4005); /* linear page 4: read-only */
	assert_int_equal(guest_write_virtual(&npt, &mode, gva(0x2800), buffer, 0x1900, &where, &fault),
			 HV_E_FAULT);
	assert_int_equal(fault, PF_P | PF_W);
	assert_int_equal(where.raw, 0x4000);
	expect_untouched();
	assert_int_equal(guest_read_virtual(&npt, &mode, gva((PAGES - 1) * 0x1000), buffer, 0x1001,
					    HV_PROT_READ, &where, &fault),
			 HV_E_FAULT);
	assert_int_equal(fault, 0);
	assert_int_equal(where.raw, PAGES * 0x1000);
	assert_int_equal(guest_write_virtual(&npt, &mode, gva(UINT64_C(0x7fffffffffff)), buffer, 2, &where,
					     &fault),
			 HV_E_FAULT);
	put64(TABLES + 0x3000 + 8 * 6, 0x200007); /* leads to no memory */
	assert_int_equal(guest_write_virtual(&npt, &mode, gva(0x5800), buffer, 0x1000, &where, &fault),
			 HV_E_NOENT);
	assert_int_equal(where.raw, 0x6000);
	assert_int_equal(npt_protect(&npt, gpa(0x7000), 0x1000, HV_PROT_READ, 10, &done), HV_OK);
	assert_int_equal(guest_write_virtual(&npt, &mode, gva(0x7000), buffer, 1, &where, &fault),
			 HV_E_NOENT);
	assert_int_equal(guest_read_virtual(&npt, &mode, gva(UINT64_C(0x800000000000)), buffer, 1,
					    HV_PROT_READ, &where, &fault),
			 HV_E_INVALID);
	expect_untouched();
}

/** Without long mode the address wraps at 4 GiB, in the middle of a copy too. */
static void test_virtual_wraps(void **state)
{
	const struct gpt_mode real = {.cr0 = CR0_PE};
	uint32_t fault;
	gva_t where;
	uint8_t *top = process_ram(HV_PAGE_SIZE, HV_PAGE_SIZE);

	(void)state;
	map(0xfffff000, top, HV_PAGE_SIZE, HV_PROT_ALL);
	assert_int_equal(guest_write_virtual(&npt, &real, gva(0xfffffffe), buffer, 4, &where, &fault), HV_OK);
	assert_memory_equal(top + 0xffe, buffer, 2);
	assert_int_equal(guest_byte(0), buffer[2]);
	assert_int_equal(guest_byte(1), buffer[3]);
}

static void test_fetch_right(void **state)
{
	uint32_t fault;
	gva_t where;

	(void)state;
	put64(TABLES + 0x3000, UINT64_C(0x8000000000000007));
	assert_int_equal(
	    guest_read_virtual(&npt, &mode, gva(0), buffer, 4, HV_PROT_READ, &where, &fault),
	    HV_OK);
	assert_int_equal(guest_read_virtual(&npt, &mode, gva(0), buffer, 4, HV_PROT_EXEC, &where, &fault),
			 HV_E_FAULT);
	assert_int_equal(fault, PF_P | PF_I);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_physical, start),
		cmocka_unit_test_setup(test_physical_refused, start),
		cmocka_unit_test_setup(test_virtual, start),
		cmocka_unit_test_setup(test_virtual_refused, start),
		cmocka_unit_test_setup(test_virtual_wraps, start),
		cmocka_unit_test_setup(test_fetch_right, start),
	};

	return cmocka_run_group_tests_name("copy", tests, NULL, NULL);
}
