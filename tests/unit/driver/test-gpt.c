/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file test-gpt.c
 * The walk of the guest's tables: by hand in every mode, then random tables and modes against a slow
 * reference written from the tables of SDM vol. 3, 4.3 to 4.6.
 *
 * @verifies HV-065
 * @verifies HV-066
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <pthread.h>

#include <cmocka.h>

#include "hypervisor/x86/gpt.h"
#include "hypervisor/x86/npt.h"
#include "lib/x86/regs.h"
#include "tests/unit/driver/host_process.h"

#define RAM_SIZE (UINT64_C(1) << 20)
#define RO_PAGE	 0x3000u /* a table in memory that the guest can't write */
#define XD	 (UINT64_C(1) << 63)

static bool has_1g(void)
{
	return true;
}

static uint64_t root_value(hpa_t table)
{
	return table.raw;
}

static const struct npt_format format = {.read = 1, .write = 2, .exec = 4, .table = 7, .large = 0x80,
					 .memory_wb = 0x30, .levels = 4, .root = root_value,
					 .has_1g = has_1g};
static struct npt npt;
static uint8_t *ram;

static int start(void **state)
{
	uint64_t done;

	(void)state;
	process_reset();
	ram = process_ram(RAM_SIZE, HV_PAGE_SIZE);
	memset(ram, 0, RAM_SIZE);
	assert_int_equal(npt_init(&npt, &format, process_pool(32)), HV_OK);
	assert_int_equal(npt_map(&npt, gpa(0), host_virt_to_phys(ram), RAM_SIZE, HV_PROT_ALL, 1000, &done),
			 HV_OK);
	assert_int_equal(npt_protect(&npt, gpa(RO_PAGE), 0x1000, HV_PROT_READ, 1000, &done), HV_OK);
	return 0;
}

static void put64(uint64_t at, uint64_t value)
{
	memcpy(ram + at, &value, 8);
}

static uint64_t get64(uint64_t at)
{
	uint64_t value;

	memcpy(&value, ram + at, 8);
	return value;
}

static void put32(uint64_t at, uint32_t value)
{
	memcpy(ram + at, &value, 4);
}

static uint32_t get32(uint64_t at)
{
	uint32_t value;

	memcpy(&value, ram + at, 4);
	return value;
}

static const struct gpt_mode long_mode = {.cr0 = CR0_PE | CR0_PG | CR0_WP, .cr3 = 0x10000,
					  .cr4 = CR4_PAE, .efer = EFER_LME | EFER_LMA | EFER_NXE};
static const struct gpt_mode pae_mode = {.cr0 = CR0_PE | CR0_PG | CR0_WP, .cr3 = 0x10020,
					 .cr4 = CR4_PAE, .efer = EFER_NXE};
static const struct gpt_mode mode32 = {.cr0 = CR0_PE | CR0_PG | CR0_WP, .cr3 = 0x10000, .cr4 = CR4_PSE};

static void expect(const struct gpt_mode *mode, uint64_t from, uint32_t access, uint64_t to)
{
	gpa_t found = gpa(0);
	uint32_t fault = 99;

	assert_int_equal(gpt_translate(&npt, mode, gva(from), access, true, &found, &fault), HV_OK);
	assert_int_equal(found.raw, to);
	assert_int_equal(fault, 0);
}

static void expect_fault(const struct gpt_mode *mode, uint64_t from, uint32_t access, uint32_t code)
{
	gpa_t found;
	uint32_t fault = 99;

	assert_int_equal(gpt_translate(&npt, mode, gva(from), access, true, &found, &fault), HV_E_FAULT);
	assert_int_equal(fault, code);
}

static void expect_status(const struct gpt_mode *mode, uint64_t from, hv_status_t status)
{
	gpa_t found;
	uint32_t fault;

	assert_int_equal(gpt_translate(&npt, mode, gva(from), HV_PROT_READ, true, &found, &fault), status);
}

/* --------------------------------------------------------------------------------------- by hand */

static void test_no_paging(void **state)
{
	const struct gpt_mode real = {.cr0 = 0};
	const struct gpt_mode protected = {.cr0 = CR0_PE, .user = true};

	(void)state;
	expect(&real, 0x12345, HV_PROT_WRITE, 0x12345);
	expect(&protected, 0xffffffff, HV_PROT_EXEC, 0xffffffff);
	expect(&protected, UINT64_C(0x1ffffffff), HV_PROT_READ, 0xffffffff);
}

static void test_long_sizes(void **state)
{
	uint64_t address = UINT64_C(0xffff812345678abc);
	uint32_t i4 = (address >> 39) & 511, i3 = (address >> 30) & 511, i2 = (address >> 21) & 511,
		 i1 = (address >> 12) & 511;

	(void)state;
	put64(0x10000 + 8 * i4, 0x11007);
	put64(0x11000 + 8 * i3, 0x12007);
	put64(0x12000 + 8 * i2, 0x13007);
	put64(0x13000 + 8 * i1, UINT64_C(0x000abcdef1234007));
	expect(&long_mode, address, HV_PROT_WRITE, UINT64_C(0x000abcdef1234abc));
	assert_int_equal(get64(0x10000 + 8 * i4), 0x11027);
	assert_int_equal(get64(0x13000 + 8 * i1), UINT64_C(0x000abcdef1234067));
	put64(0x12000 + 8 * i2, 0x40000087 | 0x1000 /* PAT */);
	expect(&long_mode, address, HV_PROT_READ, 0x40000000 | (address & (HV_2M - 1)));
	assert_int_equal(get64(0x12000 + 8 * i2), 0x400010a7);
	put64(0x11000 + 8 * i3, UINT64_C(0x3c0000087));
	expect(&long_mode, address, HV_PROT_READ, UINT64_C(0x3c0000000) | (address & (HV_1G - 1)));
}

static void test_long_faults(void **state)
{
	struct gpt_mode mode = long_mode;
	struct gpt_mode user = long_mode;

	(void)state;
	user.user = true;
	expect_status(&mode, UINT64_C(0x0000800000000000), HV_E_INVALID);
	expect_status(&mode, UINT64_C(0xffff7fffffffffff), HV_E_INVALID);
	expect_fault(&mode, 0, HV_PROT_WRITE, PF_W);
	expect_fault(&user, 0, HV_PROT_EXEC, PF_U | PF_I);
	put64(0x10000, 0x11087); /* PS in a PML4E */
	expect_fault(&mode, 0, HV_PROT_READ, PF_P | PF_RSVD);
	put64(0x10000, 0x11007);
	put64(0x11000, 0x40002087); /* bit 13 of a 1 GiB page */
	expect_fault(&user, 0, HV_PROT_WRITE, PF_P | PF_RSVD | PF_W | PF_U);
	put64(0x11000, 0x40000087);
	mode.no_1g = true;
	expect_fault(&mode, 0, HV_PROT_READ, PF_P | PF_RSVD);
	mode.no_1g = false;
	put64(0x11000, 0x40000087 | XD);
	expect_fault(&mode, 0, HV_PROT_EXEC, PF_P | PF_I);
	mode.efer &= ~EFER_NXE;
	expect_fault(&mode, 0, HV_PROT_READ, PF_P | PF_RSVD);
	mode = long_mode;
	mode.phys_bits = 36;
	put64(0x11000, UINT64_C(0x1040000087));
	expect_fault(&mode, 0, HV_PROT_READ, PF_P | PF_RSVD);
	mode.phys_bits = 37;
	expect(&mode, 1, HV_PROT_READ, UINT64_C(0x1040000001));
}

static void test_hostile_tables(void **state)
{
	struct gpt_mode mode = long_mode;

	(void)state;
	put64(0x10000, 0x10007); /* a table that is its own entry, at every level */
	expect(&mode, 0xabc, HV_PROT_READ, 0x10abc);
	put64(0x10000, UINT64_C(0x000ffffffffff007));
	expect_status(&mode, 0, HV_E_NOENT);
	put64(0x10000, RAM_SIZE | 7);
	expect_status(&mode, 0, HV_E_NOENT);
	mode.cr3 = UINT64_MAX;
	expect_status(&mode, 0, HV_E_NOENT);
	mode = mode32;
	mode.cr3 = 0xfffff000;
	expect_status(&mode, 0, HV_E_NOENT);
	mode = pae_mode;
	mode.cr3 = 0xffffffe0;
	expect_status(&mode, 0, HV_E_NOENT);
	put64(0x10020, UINT64_C(0xffffffffff001));
	expect_status(&pae_mode, 0, HV_E_NOENT);
}

/** Accessed bits can't be set in a table that the guest may not write; if they are set, all is well. */
static void test_read_only_tables(void **state)
{
	struct gpt_mode mode = long_mode;

	(void)state;
	mode.cr3 = RO_PAGE;
	put64(RO_PAGE, 0x11027);
	put64(0x11000, 0x87);
	expect(&mode, 5, HV_PROT_READ, 5);
	put64(RO_PAGE, 0x11007);
	expect_status(&mode, 5, HV_E_NOENT);
}

static void test_pae(void **state)
{
	struct gpt_mode loaded = pae_mode;

	(void)state;
	expect_fault(&pae_mode, 0xc0000000, HV_PROT_READ, 0);
	put64(0x10038, 0x11001);
	put64(0x11000 + 8 * 3, 0x12007);
	put64(0x12000 + 8 * 5, UINT64_C(0x123456007));
	expect(&pae_mode, 0xc0605678, HV_PROT_WRITE, UINT64_C(0x123456678));
	expect(&pae_mode, UINT64_C(0x5c0605678), HV_PROT_WRITE, UINT64_C(0x123456678));
	put64(0x11000 + 8 * 3, UINT64_C(0x223402087));
	expect_fault(&pae_mode, 0xc0605678, HV_PROT_READ, PF_P | PF_RSVD);
	put64(0x11000 + 8 * 3, UINT64_C(0x223600087));
	expect(&pae_mode, 0xc0605678, HV_PROT_WRITE, UINT64_C(0x223605678));
	put64(0x11000 + 8 * 3, UINT64_C(0x0010000223600087)); /* bit 52: ignored in 4-level paging only */
	expect_fault(&pae_mode, 0xc0605678, HV_PROT_READ, PF_P | PF_RSVD);
	put64(0x11000 + 8 * 3, UINT64_C(0x223600087));
	put64(0x10038, 0x11021); /* accessed, by QEMU's TCG */
	expect(&pae_mode, 0xc0605678, HV_PROT_WRITE, UINT64_C(0x223605678));
	put64(0x10038, 0x11003);
	expect_fault(&pae_mode, 0xc0605678, HV_PROT_READ, PF_P | PF_RSVD);
	loaded.have_pdpte = true;
	loaded.pdpte[3] = 0x11001;
	expect(&loaded, 0xc0605678, HV_PROT_WRITE, UINT64_C(0x223605678));
	expect_fault(&loaded, 0x80605678, HV_PROT_READ, 0);
}

static void test_32(void **state)
{
	struct gpt_mode mode = mode32;

	(void)state;
	put32(0x10000 + 4 * 0x3ff, 0x11007);
	put32(0x11000 + 4 * 0x3fe, 0xfedcb007);
	expect(&mode, 0xffffe123, HV_PROT_WRITE, 0xfedcb123);
	assert_int_equal(get32(0x10000 + 4 * 0x3ff), 0x11027);
	assert_int_equal(get32(0x11000 + 4 * 0x3fe), 0xfedcb067);
	put32(0x10004, 0x00c00087 | 0x1fe000); /* 4 MiB, all of PSE-36's address bits */
	expect(&mode, 0x00412345, HV_PROT_WRITE, UINT64_C(0xff00c12345));
	assert_int_equal(get32(0x10004), 0x00dfe0e7);
	mode.phys_bits = 36;
	expect_fault(&mode, 0x00412345, HV_PROT_READ, PF_P | PF_RSVD);
	put32(0x10004, 0x00c00087 | 0x1e000);
	expect(&mode, 0x00412345, HV_PROT_WRITE, UINT64_C(0xf00c12345));
	put32(0x10004, 0x00e00087); /* bit 21 */
	expect_fault(&mode, 0x00412345, HV_PROT_READ, PF_P | PF_RSVD);
	mode.cr4 = 0; /* without PSE the bit means nothing: a table */
	put32(0x10004, 0x00012087);
	put32(0x12000 + 4 * 0x12, 0x55555007);
	expect(&mode, 0x00412345, HV_PROT_WRITE, 0x55555345);
}

static void test_failed_access_leaves_bits(void **state)
{
	gpa_t to;
	uint32_t fault;

	(void)state;
	put64(0x10000, 0x11003);
	put64(0x11000, 0x81);
	expect_fault(&long_mode, 0, HV_PROT_WRITE, PF_P | PF_W);
	assert_int_equal(get64(0x10000), 0x11003);
	assert_int_equal(gpt_translate(&npt, &long_mode, gva(0), HV_PROT_READ, false, &to, &fault), HV_OK);
	assert_int_equal(get64(0x10000), 0x11003);
}

/* -------------------------------------------------------------- every combination of rights by hand */

/** SDM 4.6.1, sentence by sentence. */
static bool may(bool user_page, bool writable, bool xd, const struct gpt_mode *mode, uint32_t access)
{
	bool wp = (mode->cr0 & CR0_WP) != 0, smep = (mode->cr4 & CR4_SMEP) != 0;
	bool smap = (mode->cr4 & CR4_SMAP) != 0, ac = (mode->rflags & RFLAGS_AC) != 0;

	if (!mode->user && !user_page) {
		if (access == HV_PROT_READ)
			return true;
		if (access == HV_PROT_WRITE)
			return writable || !wp;
		return !xd;
	}
	if (!mode->user && user_page) {
		if (access == HV_PROT_READ)
			return !smap || ac;
		if (access == HV_PROT_WRITE)
			return (writable || !wp) && (!smap || ac);
		return !smep && !xd;
	}
	if (!user_page)
		return false;
	if (access == HV_PROT_READ)
		return true;
	return access == HV_PROT_WRITE ? writable : !xd;
}

static void check_rights(uint32_t bits)
{
	static const uint32_t accesses[] = {HV_PROT_READ, HV_PROT_WRITE, HV_PROT_EXEC};
	struct gpt_mode mode = long_mode;
	uint64_t upper = 0x11001, lower = 0x81;
	uint32_t access = accesses[bits % 3];
	uint32_t b = bits / 3;
	uint32_t code;

	upper |= (b & 1 ? 4u : 0) | (b & 2 ? 2u : 0) | (b & 4 ? XD : 0);
	lower |= (b & 8 ? 4u : 0) | (b & 16 ? 2u : 0) | (b & 32 ? XD : 0);
	mode.user = (b & 64) != 0;
	mode.cr0 = CR0_PE | CR0_PG | (b & 128 ? CR0_WP : 0);
	mode.cr4 |= (b & 256 ? CR4_SMEP : 0) | (b & 512 ? CR4_SMAP : 0);
	mode.rflags = b & 1024 ? RFLAGS_AC : 0;
	put64(0x10000, upper);
	put64(0x11000, lower);
	if (may((upper & lower & 4) != 0, (upper & lower & 2) != 0, ((upper | lower) & XD) != 0, &mode,
		access)) {
		expect(&mode, 0x1234, access, 0x1234);
		assert_int_equal(get64(0x11000), lower | 0x20 | (access == HV_PROT_WRITE ? 0x40 : 0));
		return;
	}
	code = PF_P | (mode.user ? PF_U : 0) | (access == HV_PROT_WRITE ? PF_W : 0) |
	       (access == HV_PROT_EXEC ? PF_I : 0);
	expect_fault(&mode, 0x1234, access, code);
}

static void test_all_rights(void **state)
{
	(void)state;
	for (uint32_t bits = 0; bits < 3 * 2048; bits++)
		check_rights(bits);
}

/* -------------------------------------------------------------------------------- random, reference */

struct level {
	uint32_t shift, bits;
	bool rights; /**< the entry has R/W and U/S */
	uint32_t page_bits; /**< may map a page of so many bits with PS; 0: PS reserved; 1: PS ignored */
	uint64_t reserved, reserved_page;
};

static uint64_t mask(uint32_t high, uint32_t low)
{
	return high < low ? 0 : (high == 63 ? ~0ull : (1ull << (high + 1)) - 1) & ~((1ull << low) - 1);
}

/** The levels of a mode, top first. @return how many. */
static uint32_t describe(const struct gpt_mode *mode, struct level level[4])
{
	uint32_t m = mode->phys_bits ? mode->phys_bits : 52;
	uint64_t nx = mode->efer & EFER_NXE ? 0 : XD;

	if (mode->efer & EFER_LMA) {
		uint64_t r = mask(51, m) | nx;

		level[0] = (struct level){39, 9, true, 0, r, r};
		level[1] = (struct level){30, 9, true, mode->no_1g ? 0 : 30, r, r | mask(29, 13)};
		level[2] = (struct level){21, 9, true, 21, r, r | mask(20, 13)};
		level[3] = (struct level){12, 9, true, 1, r, r};
		return 4;
	}
	if (mode->cr4 & CR4_PAE) {
		uint64_t r = mask(62, m) | nx;

		/* bit 5: reserved, but QEMU's TCG sets it */
		level[0] = (struct level){30, 2, false, 1, mask(63, m) | mask(8, 6) | mask(2, 1), 0};
		level[1] = (struct level){21, 9, true, 21, r, r | mask(20, 13)};
		level[2] = (struct level){12, 9, true, 1, r, r};
		return 3;
	}
	level[0] = (struct level){22, 10, true, mode->cr4 & CR4_PSE ? 22 : 1, 0,
				  mask(21, 21) | (m < 40 ? mask(20, m < 32 ? 13 : m - 19) : 0)};
	level[1] = (struct level){12, 10, true, 1, 0, 0};
	return 2;
}

struct outcome {
	hv_status_t status;
	uint64_t to;
	uint32_t fault;
	uint32_t used;
	uint64_t at[4], after[4];
	uint32_t width;
};

static uint64_t entry_at(uint64_t at, uint32_t width)
{
	return width == 8 ? get64(at) : get32(at);
}

static struct outcome reference(const struct gpt_mode *mode, uint64_t from, uint32_t access)
{
	struct outcome o = {.status = HV_OK, .width = mode->cr4 & CR4_PAE ? 8 : 4};
	struct level level[4] = {{0, 0, false, 0, 0, 0}};
	uint32_t levels = describe(mode, level);
	bool is_long = mode->efer & EFER_LMA, pae = !is_long && (mode->cr4 & CR4_PAE);
	bool fetch_bit = (mode->cr4 & CR4_SMEP) || ((mode->cr4 & CR4_PAE) && (mode->efer & EFER_NXE));
	uint32_t base = (mode->user ? 4u : 0) | (access == HV_PROT_WRITE ? 2u : 0) |
			(access == HV_PROT_EXEC && fetch_bit ? 16u : 0);
	uint64_t table = mode->cr3 & (is_long ? mask(51, 12) : pae ? mask(31, 5) : mask(31, 12));
	bool user_page = true, writable = true, xd = false;

	if (!is_long)
		from &= 0xffffffff;
	else if (from >> 47 != 0 && from >> 47 != 0x1ffff)
		return (struct outcome){.status = HV_E_INVALID};
	for (uint32_t i = 0; i < levels; i++) {
		uint64_t at = table + ((from >> level[i].shift) & mask(level[i].bits - 1, 0)) * o.width;
		uint64_t entry;
		bool page;

		if (at >= RAM_SIZE)
			return (struct outcome){.status = HV_E_NOENT};
		entry = entry_at(at, o.width);
		if (!(entry & 1))
			return (struct outcome){.status = HV_E_FAULT, .fault = base};
		page = (entry & 0x80) && level[i].page_bits != 1;
		if ((entry & (page ? level[i].reserved_page : level[i].reserved)) ||
		    (page && level[i].page_bits == 0))
			return (struct outcome){.status = HV_E_FAULT, .fault = base | 9};
		if (level[i].rights) {
			user_page = user_page && (entry & 4);
			writable = writable && (entry & 2);
			xd = xd || (o.width == 8 && (entry & XD));
			o.at[o.used] = at;
			o.after[o.used++] = entry | 0x20;
		}
		table = entry & (o.width == 8 ? mask(51, 12) : mask(31, 12));
		if (page || i + 1 == levels) {
			uint32_t n = page ? level[i].page_bits : 12;

			o.to = (table & ~mask(n - 1, 0)) | (from & mask(n - 1, 0));
			if (page && n == 22)
				o.to |= (entry & mask(20, 13)) << 19;
			break;
		}
	}
	if (!may(user_page, writable, xd, mode, access))
		return (struct outcome){.status = HV_E_FAULT, .fault = base | 1};
	if (access == HV_PROT_WRITE)
		o.after[o.used - 1] |= 0x40;
	return o;
}

/** Mostly sensible entries into a few pages of tables, with now and then a wrong bit. */
static uint64_t random_entry(uint64_t *seed)
{
	uint64_t entry = (process_random(seed) % 8 + 0x10) << 12;

	entry |= process_random(seed) & 0x7e;
	entry |= process_random(seed) % 16 ? 1 : 0;
	if (process_random(seed) % 3 == 0)
		entry |= 0x80;
	if (process_random(seed) % 6 == 0)
		entry |= XD;
	if (process_random(seed) % 8 == 0)
		entry |= 1ull << (process_random(seed) % 64);
	return entry;
}

static struct gpt_mode random_mode(uint64_t *seed)
{
	struct gpt_mode mode = {.cr0 = CR0_PE | CR0_PG, .cr3 = (process_random(seed) % 8 + 0x10) << 12};
	uint64_t r = process_random(seed);
	static const uint8_t widths[] = {0, 52, 48, 40, 39, 36, 32};

	mode.cr0 |= r & 1 ? CR0_WP : 0;
	mode.cr4 = (r & 2 ? CR4_PAE : 0) | (r & 4 ? CR4_PSE : 0) | (r & 8 ? CR4_SMEP : 0) |
		   (r & 16 ? CR4_SMAP : 0);
	mode.efer = (r & 32 ? EFER_NXE : 0) | (r & 64 && r & 2 ? EFER_LME | EFER_LMA : 0);
	mode.rflags = r & 128 ? RFLAGS_AC : 0;
	mode.user = (r & 256) != 0;
	mode.no_1g = (r & 0x600) == 0;
	mode.phys_bits = widths[(r >> 20) % sizeof(widths)];
	mode.cr3 |= r & 0x800 ? 0x18 : 0;
	if (r & 0x1000)
		mode.cr3 |= 0xfe0;
	return mode;
}

static uint64_t random_address(uint64_t *seed)
{
	uint64_t r = process_random(seed);
	uint64_t address = (r & UINT64_C(0x3000c1e0e007)) << 1; /* a few indices at each level */

	if (process_random(seed) & 1)
		address = r & mask(47, 0);
	if (address & (1ull << 47))
		address |= mask(63, 48);
	if (process_random(seed) % 32 == 0)
		address ^= 1ull << 50;
	return address;
}

static uint32_t outcomes[3];

static void random_case(uint64_t *seed)
{
	static const uint32_t accesses[] = {HV_PROT_READ, HV_PROT_WRITE, HV_PROT_EXEC};
	struct gpt_mode mode = random_mode(seed);
	uint64_t from = random_address(seed);
	uint32_t access = accesses[process_random(seed) % 3];
	struct outcome o = reference(&mode, from, access);
	gpa_t to = gpa(0);
	uint32_t fault = 0;

	assert_int_equal(gpt_translate(&npt, &mode, gva(from), access, true, &to, &fault), o.status);
	assert_int_equal(fault, o.fault);
	outcomes[o.status == HV_OK ? 0 : o.status == HV_E_FAULT ? 1 : 2]++;
	if (o.status != HV_OK)
		return;
	assert_int_equal(to.raw, o.to);
	for (uint32_t i = 0; i < o.used; i++) {
		uint64_t after = 0;

		for (uint32_t j = 0; j < o.used; j++) /* one entry may serve at several levels */
			after |= o.at[j] == o.at[i] ? o.after[j] : 0;
		assert_int_equal(entry_at(o.at[i], o.width), after);
	}
}

static void test_random(void **state)
{
	uint64_t seed = 0x1dea5eed;

	(void)state;
	for (uint32_t round = 0; round < 400; round++) {
		for (uint64_t at = 0x10000; at < 0x18000; at += 8)
			put64(at, random_entry(&seed));
		for (uint32_t i = 0; i < 200; i++)
			random_case(&seed);
	}
	for (uint32_t i = 0; i < 3; i++)
		assert_true(outcomes[i] > 1000); /* all ways were taken */
}

/* ----------------------------------------------------------------- entries that change during the walk */

static uint32_t flipping;
static uint32_t odd_values;

/** The guest's other CPU: maps one page, another, nothing, over and over. */
static void *flip(void *arg)
{
	static const uint64_t entries[] = {0x20007, 0x21007, 0};
	uint64_t *entry = (uint64_t *)(void *)(ram + 0x13000);

	(void)arg;
	for (uint32_t i = 0; __atomic_load_n(&flipping, __ATOMIC_RELAXED) != 0; i++) {
		uint64_t old = __atomic_exchange_n(entry, entries[i % 3], __ATOMIC_SEQ_CST);

		odd_values += (old & ~UINT64_C(0x60)) != entries[(i + 2) % 3] || (old & 0x67) == 0x60;
	}
	return NULL;
}

/** Accessed and dirty bits go into the entry that was used, or nowhere. */
static void test_race(void **state)
{
	pthread_t thread;
	uint32_t seen[3] = {0};

	(void)state;
	put64(0x10000, 0x11007);
	put64(0x11000, 0x12007);
	put64(0x12000, 0x13007);
	odd_values = 0;
	__atomic_store_n(&flipping, 1, __ATOMIC_RELAXED);
	pthread_create(&thread, NULL, flip, NULL);
	/* Until each entry was met: on a busy machine the other thread may be long in coming. */
	for (uint32_t i = 0; i < 200000 || seen[0] == 0 || seen[1] == 0 || seen[2] == 0; i++) {
		gpa_t to = gpa(0);
		uint32_t fault;
		hv_status_t status =
			gpt_translate(&npt, &long_mode, gva(0x123), HV_PROT_WRITE, true, &to, &fault);

		if (status == HV_E_FAULT) {
			assert_int_equal(fault, PF_W);
			seen[2]++;
			continue;
		}
		assert_int_equal(status, HV_OK);
		assert_true(to.raw == 0x20123 || to.raw == 0x21123);
		seen[to.raw == 0x21123]++;
	}
	__atomic_store_n(&flipping, 0, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	assert_true(odd_values <= 1); /* the first entry found was none of the list */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_no_paging, start),
		cmocka_unit_test_setup(test_long_sizes, start),
		cmocka_unit_test_setup(test_long_faults, start),
		cmocka_unit_test_setup(test_hostile_tables, start),
		cmocka_unit_test_setup(test_read_only_tables, start),
		cmocka_unit_test_setup(test_pae, start),
		cmocka_unit_test_setup(test_32, start),
		cmocka_unit_test_setup(test_failed_access_leaves_bits, start),
		cmocka_unit_test_setup(test_all_rights, start),
		cmocka_unit_test_setup(test_random, start),
		cmocka_unit_test_setup(test_race, start),
	};

	return cmocka_run_group_tests_name("gpt", tests, NULL, NULL);
}
