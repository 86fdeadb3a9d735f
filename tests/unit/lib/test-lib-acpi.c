/* SPDX-License-Identifier: BSD-2-Clause */
/* ACPI tables, good and broken in every byte. @verifies LIB-010 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/acpi.h"

/* A machine's memory from 0xe0000, with all tables in it. */
#define BASE	  0xe0000u
#define SIZE	  0x20000u
#define RSDP_AT	  0xf0010u
#define RSDT_AT	  0xf1000u
#define XSDT_AT	  0xf2000u
#define MADT_AT	  0xf3004u
#define OTHER_AT  0xf4000u

struct machine {
	uint8_t *memory;
	unsigned reads;
};

static bool machine_read(void *ctx, uint64_t phys, void *dst, size_t len)
{
	struct machine *m = ctx;

	m->reads++;
	if (phys < BASE || phys - BASE > SIZE || len > SIZE - (phys - BASE))
		return false;
	memcpy(dst, m->memory + (phys - BASE), len);
	return true;
}

static void fix_sum(uint8_t *p, size_t len, uint8_t *sum)
{
	uint8_t s = 0;

	*sum = 0;
	for (size_t i = 0; i < len; i++)
		s = (uint8_t)(s + p[i]);
	*sum = (uint8_t)-s;
}

static void seal(struct machine *m, uint32_t at, const char *signature, uint32_t length)
{
	struct acpi_header h = {.length = length, .revision = 3};
	uint8_t *p = m->memory + (at - BASE);

	memcpy(h.signature, signature, 4);
	memcpy(p, &h, sizeof(h));
	fix_sum(p, length, p + offsetof(struct acpi_header, checksum));
}

static void put(struct machine *m, uint32_t at, const void *data, size_t len)
{
	memcpy(m->memory + (at - BASE), data, len);
}

static void seal_rsdp(struct machine *m, uint32_t at, uint8_t revision)
{
	struct acpi_rsdp r = {.revision = revision,
			      .rsdt_address = RSDT_AT,
			      .length = sizeof(r),
			      .xsdt_address = XSDT_AT};

	memcpy(r.signature, "RSD PTR ", 8);
	fix_sum((uint8_t *)&r, 20, &r.checksum);
	fix_sum((uint8_t *)&r, sizeof(r), &r.extended_checksum);
	put(m, at, &r, revision == 0 ? 20 : sizeof(r));
}

static const uint8_t madt_body[] = {
	/* local APIC address, flags: with 8259s */
	0x00, 0x00, 0xe0, 0xfe, 1, 0, 0, 0,
	/* CPU 0 enabled, CPU 1 not */
	0, 8, 0, 4, 1, 0, 0, 0,
	0, 8, 1, 5, 0, 0, 0, 0,
	/* unknown types are passed over */
	7, 3, 0xff,
	200, 2,
	/* I/O APIC 2 at FEC00000h from interrupt 24 */
	1, 12, 2, 0, 0x00, 0x00, 0xc0, 0xfe, 24, 0, 0, 0,
	/* ISA interrupt 0 is interrupt 2, edge, high */
	2, 10, 0, 0, 2, 0, 0, 0, 5, 0,
	/* NMI at LINT1 of all */
	4, 6, 0xff, 5, 0, 1,
	/* address override */
	5, 12, 0, 0, 0x00, 0x10, 0xe0, 0xfe, 1, 0, 0, 0,
	/* x2APIC 12345678h, uid 9, online capable */
	9, 16, 0, 0, 0x78, 0x56, 0x34, 0x12, 2, 0, 0, 0, 9, 0, 0, 0,
	/* x2APIC NMI at LINT0 of uid 9 */
	10, 12, 13, 0, 9, 0, 0, 0, 0, 0, 0, 0,
};
#define MADT_LENGTH (sizeof(struct acpi_header) + sizeof(madt_body))

static int setup(void **state)
{
	static const uint32_t rsdt[] = {OTHER_AT, MADT_AT};
	static const uint64_t xsdt[] = {0, OTHER_AT, MADT_AT};
	struct machine *m = calloc(1, sizeof(*m));

	m->memory = calloc(1, SIZE);
	put(m, RSDT_AT + sizeof(struct acpi_header), rsdt, sizeof(rsdt));
	seal(m, RSDT_AT, "RSDT", sizeof(struct acpi_header) + sizeof(rsdt));
	put(m, XSDT_AT + sizeof(struct acpi_header), xsdt, sizeof(xsdt));
	seal(m, XSDT_AT, "XSDT", sizeof(struct acpi_header) + sizeof(xsdt));
	put(m, MADT_AT + sizeof(struct acpi_header), madt_body, sizeof(madt_body));
	seal(m, MADT_AT, "APIC", MADT_LENGTH);
	seal(m, OTHER_AT, "FACP", 244);
	seal_rsdp(m, RSDP_AT, 2);
	*state = m;
	return 0;
}

static int teardown(void **state)
{
	struct machine *m = *state;

	free(m->memory);
	free(m);
	return 0;
}

static struct acpi_access access_of(struct machine *m)
{
	return (struct acpi_access){machine_read, m};
}

static bool find_madt(struct machine *m, struct acpi_root *root, struct acpi_table *madt)
{
	struct acpi_access a = access_of(m);
	uint64_t rsdp;

	return acpi_find_rsdp_bios(&a, &rsdp) && acpi_open(&a, rsdp, root) &&
	       acpi_find_table(&a, root, "APIC", madt);
}

static void finds_through_xsdt(void **state)
{
	struct acpi_root root;
	struct acpi_table madt;

	assert_true(find_madt(*state, &root, &madt));
	assert_int_equal(root.entry_size, 8);
	assert_int_equal(madt.phys, MADT_AT);
	assert_int_equal(madt.length, MADT_LENGTH);
}

static void falls_back_to_rsdt(void **state)
{
	struct machine *m = *state;
	struct acpi_root root;
	struct acpi_table madt;

	m->memory[XSDT_AT - BASE + 20] ^= 1; /* its checksum is wrong now */
	assert_true(find_madt(m, &root, &madt));
	assert_int_equal(root.entry_size, 4);
	assert_int_equal(madt.phys, MADT_AT);
}

static void takes_version_1(void **state)
{
	struct machine *m = *state;
	struct acpi_root root;
	struct acpi_table madt;

	memset(m->memory + RSDP_AT - BASE, 0, sizeof(struct acpi_rsdp));
	seal_rsdp(m, 0xffff0 - 4 * 16, 0);
	assert_true(find_madt(m, &root, &madt));
	assert_int_equal(root.entry_size, 4);
}

static void version_1_at_the_end_of_memory(void **state)
{
	struct machine *m = *state;
	struct acpi_access a = access_of(m);
	struct acpi_root root;

	seal_rsdp(m, BASE + SIZE - 20, 0);
	assert_true(acpi_open(&a, BASE + SIZE - 20, &root));
	assert_int_equal(root.table.phys, RSDT_AT);
}

static void takes_a_copy(void **state)
{
	struct machine *m = *state;
	struct acpi_access a = access_of(m);
	const uint8_t *rsdp = m->memory + (RSDP_AT - BASE);
	struct acpi_root root;

	assert_true(acpi_open_copy(&a, rsdp, sizeof(struct acpi_rsdp), &root));
	assert_int_equal(root.table.phys, XSDT_AT);
	/* of a short copy only version 1's fields are used */
	assert_true(acpi_open_copy(&a, rsdp, 20, &root));
	assert_int_equal(root.table.phys, RSDT_AT);
	assert_false(acpi_open_copy(&a, rsdp, 19, &root));
}

static void searches_only_the_window(void **state)
{
	struct acpi_access a = access_of(*state);
	uint64_t rsdp;

	assert_true(acpi_find_rsdp(&a, RSDP_AT, 20, &rsdp));
	assert_int_equal(rsdp, RSDP_AT);
	assert_true(acpi_find_rsdp(&a, RSDP_AT - 15, 35, &rsdp));
	assert_false(acpi_find_rsdp(&a, RSDP_AT, 19, &rsdp));
	assert_false(acpi_find_rsdp(&a, RSDP_AT + 1, 0x1000, &rsdp));
	assert_false(acpi_find_rsdp(&a, BASE, RSDP_AT - BASE, &rsdp));
	assert_false(acpi_find_rsdp(&a, UINT64_MAX - 100, 200, &rsdp));
	assert_false(acpi_find_rsdp(&a, RSDP_AT, 0, &rsdp));
}

static void no_acpi_is_no_error(void **state)
{
	struct machine *m = *state;
	struct acpi_access a = access_of(m);
	uint64_t rsdp;

	memset(m->memory, 0, SIZE);
	assert_false(acpi_find_rsdp_bios(&a, &rsdp));
	memset(m->memory, 0xff, SIZE);
	assert_false(acpi_find_rsdp_bios(&a, &rsdp));
}

static void next_is(struct acpi_madt_iter *it, struct acpi_madt_entry *e, unsigned type)
{
	assert_true(acpi_madt_next(it, e));
	assert_int_equal(e->type, type);
}

static void reads_cpus(struct acpi_madt_iter *it)
{
	struct acpi_madt_entry e;

	next_is(it, &e, ACPI_MADT_LOCAL_APIC);
	assert_int_equal(e.cpu.apic_id, 4);
	assert_int_equal(e.cpu.flags, ACPI_MADT_ENABLED);
	next_is(it, &e, ACPI_MADT_LOCAL_APIC);
	assert_int_equal(e.cpu.uid, 1);
	assert_int_equal(e.cpu.apic_id, 5);
	assert_int_equal(e.cpu.flags, 0);
}

static void reads_interrupts(struct acpi_madt_iter *it)
{
	struct acpi_madt_entry e;

	next_is(it, &e, ACPI_MADT_IO_APIC);
	assert_int_equal(e.io_apic.id, 2);
	assert_int_equal(e.io_apic.address, 0xfec00000u);
	assert_int_equal(e.io_apic.gsi_base, 24);
	next_is(it, &e, ACPI_MADT_INTERRUPT_SOURCE_OVERRIDE);
	assert_int_equal(e.override.source, 0);
	assert_int_equal(e.override.gsi, 2);
	assert_int_equal(e.override.flags, ACPI_MADT_POLARITY_HIGH | ACPI_MADT_TRIGGER_EDGE);
	next_is(it, &e, ACPI_MADT_LOCAL_APIC_NMI);
	assert_int_equal(e.nmi.uid, UINT32_MAX);
	assert_int_equal(e.nmi.flags, 5);
	assert_int_equal(e.nmi.lint, 1);
}

static void reads_x2apic(struct acpi_madt_iter *it)
{
	struct acpi_madt_entry e;

	next_is(it, &e, ACPI_MADT_LOCAL_APIC_ADDRESS_OVERRIDE);
	assert_int_equal(e.local_apic_address, 0x1fee01000);
	next_is(it, &e, ACPI_MADT_LOCAL_X2APIC);
	assert_int_equal(e.cpu.apic_id, 0x12345678);
	assert_int_equal(e.cpu.uid, 9);
	assert_int_equal(e.cpu.flags, ACPI_MADT_ONLINE_CAPABLE);
	next_is(it, &e, ACPI_MADT_LOCAL_X2APIC_NMI);
	assert_int_equal(e.nmi.uid, 9);
	assert_int_equal(e.nmi.flags, 13);
	assert_int_equal(e.nmi.lint, 0);
	assert_false(acpi_madt_next(it, &e));
	assert_false(acpi_madt_next(it, &e));
}

static void iterates_over_the_madt(void **state)
{
	struct acpi_access a = access_of(*state);
	struct acpi_table table = {MADT_AT, MADT_LENGTH, 3};
	struct acpi_madt madt;
	struct acpi_madt_iter it;

	assert_true(acpi_madt_read(&a, &table, &madt));
	assert_int_equal(madt.local_apic_address, 0xfee00000u);
	assert_int_equal(madt.flags, ACPI_MADT_PCAT_COMPAT);
	acpi_madt_begin(&it, &a, &table);
	reads_cpus(&it);
	reads_interrupts(&it);
	reads_x2apic(&it);
}

static void short_structures_end_it(void **state)
{
	static const uint8_t broken[][2] = {{0, 7}, {0, 0}, {1, 1}, {0, 200}, {77, 0}};
	struct machine *m = *state;
	struct acpi_access a = access_of(m);
	struct acpi_table table = {MADT_AT, MADT_LENGTH, 3};
	struct acpi_madt_iter it;
	struct acpi_madt_entry e;

	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		put(m, MADT_AT + sizeof(struct acpi_madt), broken[i], 2);
		acpi_madt_begin(&it, &a, &table);
		assert_false(acpi_madt_next(&it, &e));
	}
	/* a table that is too short for its fixed part */
	table.length = sizeof(struct acpi_madt) - 1;
	acpi_madt_begin(&it, &a, &table);
	assert_false(acpi_madt_next(&it, &e));
	assert_false(acpi_madt_read(&a, &table, &(struct acpi_madt){.flags = 0}));
}

/* Any byte changed: nothing is found, or the changed table is, and the walk ends soon. */
static void survives_any_byte(void **state)
{
	static const struct {
		uint32_t at, length;
	} parts[] = {{RSDP_AT, 36}, {RSDT_AT, 44}, {XSDT_AT, 60}, {MADT_AT, MADT_LENGTH}};
	struct machine *m = *state;
	unsigned found = 0;

	for (unsigned part = 0; part < 4; part++) {
		for (uint32_t i = 0; i < parts[part].length; i++) {
			uint8_t *p = m->memory + (parts[part].at + i - BASE), kept = *p;
			struct acpi_root root;
			struct acpi_table madt;

			*p = (uint8_t)(kept + 1 + i % 255);
			m->reads = 0;
			found += find_madt(m, &root, &madt) && madt.phys == MADT_AT;
			assert_true(m->reads < 20000);
			*p = kept;
		}
	}
	/*
	 * The RSDT isn't looked at; without the XSDT or the RSDP's extended part it is; what is in
	 * the RSDP's first 20 bytes or the MADT counts always.
	 */
	assert_int_equal(found, 44 + 60 + (36 - 20));
}

/* The same with the checksum put right again, so that the contents are looked at. */
static void survives_any_madt(void **state)
{
	struct machine *m = *state;
	struct acpi_access a = access_of(m);
	uint8_t *p = m->memory + (MADT_AT - BASE);

	for (uint32_t i = 4; i < MADT_LENGTH; i++) {
		for (unsigned v = 0; v < 256; v += 5) {
			uint8_t kept = p[i];
			struct acpi_root root;
			struct acpi_table madt;
			struct acpi_madt_iter it;
			struct acpi_madt_entry e;
			unsigned n = 0;

			p[i] = (uint8_t)v;
			fix_sum(p, MADT_LENGTH, p + 9);
			if (find_madt(m, &root, &madt)) {
				for (acpi_madt_begin(&it, &a, &madt); acpi_madt_next(&it, &e);)
					n++;
				assert_true(n <= MADT_LENGTH / 2);
			}
			p[i] = kept;
			fix_sum(p, MADT_LENGTH, p + 9);
		}
	}
}

static void refuses_wild_lengths(void **state)
{
	static const uint32_t lengths[] = {0, 35, SIZE, ACPI_TABLE_MAX + 1, UINT32_MAX};
	struct machine *m = *state;
	struct acpi_root root;
	struct acpi_table madt;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		put(m, MADT_AT + 4, &lengths[i], 4);
		assert_false(find_madt(m, &root, &madt));
	}
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(finds_through_xsdt),
		TEST(falls_back_to_rsdt),
		TEST(takes_version_1),
		TEST(version_1_at_the_end_of_memory),
		TEST(takes_a_copy),
		TEST(searches_only_the_window),
		TEST(no_acpi_is_no_error),
		TEST(iterates_over_the_madt),
		TEST(short_structures_end_it),
		TEST(survives_any_byte),
		TEST(survives_any_madt),
		TEST(refuses_wild_lengths),
	};

	return cmocka_run_group_tests_name("lib-acpi", tests, NULL, NULL);
}
