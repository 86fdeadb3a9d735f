/* SPDX-License-Identifier: BSD-2-Clause */
/* The ACPI tables, read by our own parser and by iasl. @verifies VMM-116 */
#include "tests/unit/vmm/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/acpi.h"
#include "vmm/machine/acpi.h"

#define WHERE 0xf0000u
#define FACS  0x9fc40u

static uint8_t memory[0x10000], facs[ACPI_FACS_SIZE];
static const struct acpi_room room = {memory, WHERE, sizeof(memory)};

static const uint8_t pci_irq[] = {10, 11, 10, 11};
static const struct acpi_machine machine = {
	.vcpus = 4,
	.ioapic = 0xfec00000,
	.pm_base = 0x600,
	.sci = 9,
	.pci_gsi = 16,
	.pci_irq = pci_irq,
	.ecam = 0xe0000000,
	.mmio = 0xc0000000,
	.mmio_end = 0xe0000000,
	.mmio64 = UINT64_C(0x1000000000),
	.mmio64_end = UINT64_C(0x2000000000),
	.com1 = 0x3f8,
	.com1_irq = 4,
	.pvpanic = 0x505,
};

static bool read_memory(void *ctx, uint64_t phys, void *to, size_t size)
{
	(void)ctx;
	if (phys < WHERE || !hv_range_ok(phys - WHERE, size, sizeof(memory)))
		return false;
	memcpy(to, memory + (phys - WHERE), size);
	return true;
}

static const struct acpi_access access_memory = {read_memory, NULL};

static int setup(void **state)
{
	(void)state;
	memset(memory, 0xee, sizeof(memory));
	assert_true(acpi_build(&machine, &room, FACS, facs));
	return 0;
}

static void open_root(struct acpi_root *root)
{
	uint64_t rsdp;

	assert_true(acpi_find_rsdp(&access_memory, WHERE, sizeof(memory), &rsdp));
	assert_int_equal(rsdp, WHERE);
	assert_true(acpi_open(&access_memory, rsdp, root));
	assert_int_equal(root->entry_size, 8);
}

static void processors_and_interrupts(void **state)
{
	struct acpi_root root;
	struct acpi_table table;
	struct acpi_madt_iter it;
	struct acpi_madt_entry entry;
	unsigned int cpus = 0, ioapics = 0, overrides = 0, nmis = 0;

	(void)state;
	open_root(&root);
	assert_true(acpi_find_table(&access_memory, &root, "APIC", &table));
	acpi_madt_begin(&it, &access_memory, &table);
	while (acpi_madt_next(&it, &entry)) {
		if (entry.type == ACPI_MADT_LOCAL_APIC)
			assert_int_equal(entry.cpu.apic_id, cpus++);
		if (entry.type == ACPI_MADT_IO_APIC)
			assert_int_equal(entry.io_apic.address, machine.ioapic + 0 * ioapics++);
		if (entry.type == ACPI_MADT_INTERRUPT_SOURCE_OVERRIDE)
			assert_int_equal(entry.override.gsi, overrides++ == 0 ? 2 : machine.sci);
		if (entry.type == ACPI_MADT_LOCAL_APIC_NMI)
			nmis += entry.nmi.lint == 1;
	}
	assert_int_equal(it.offset, table.length);
	assert_int_equal(cpus, machine.vcpus);
	assert_int_equal(ioapics, 1);
	assert_int_equal(overrides, 2);
	assert_int_equal(nmis, 1);
}

static void facs_is_built(void **state)
{
	(void)state;
	assert_memory_equal(facs, "FACS", 4);
	assert_int_equal(facs[4], ACPI_FACS_SIZE);
}

/** Every room too small is found out, and nothing behind it is written. */
static void too_little_room(void **state)
{
	uint32_t needed = 0;

	(void)state;
	for (uint32_t size = 0; size < sizeof(memory); size += 16) {
		const struct acpi_room small = {memory, WHERE, size};
		memset(memory, 0xee, sizeof(memory));
		const bool built = acpi_build(&machine, &small, FACS, facs);
		for (uint32_t i = size; i < size + 64 && i < sizeof(memory); i++)
			assert_int_equal(memory[i], 0xee);
		if (built && needed == 0)
			needed = size;
		assert_int_equal(built, needed != 0);
	}
	assert_in_range(needed, 1000, 8000);
}

/* --------------------------------------------------------------------------------------------- iasl */

static void dump(const char *folder, const char *signature, uint64_t phys)
{
	struct acpi_header header;
	char path[256];

	assert_true(read_memory(NULL, phys, &header, sizeof(header)));
	assert_memory_equal(header.signature, signature, 4);
	snprintf(path, sizeof(path), "%s/%s.aml", folder, signature);
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(memory + (phys - WHERE), 1, header.length, file), header.length);
	fclose(file);
}

/** Run a command in a folder. @return its exit status; what it printed is in `text`. */
static int run(const char *folder, const char *command, char *text, size_t size)
{
	char line[512];

	snprintf(line, sizeof(line), "cd %s && %s 2>&1", folder, command);
	FILE *pipe = popen(line, "r");
	assert_non_null(pipe);
	size_t length = fread(text, 1, size - 1, pipe);
	text[length] = '\0';
	return pclose(pipe);
}

static void expect(const char *text, const char *what)
{
	if (strstr(text, what) == NULL)
		fail_msg("iasl doesn't say \"%s\" but: %s", what, text);
}

/** Disassembled and compiled again without a complaint, to the same number of bytes of AML. */
static void iasl_round_trip(const char *folder, const char *signature)
{
	static char text[65536];
	char command[256];

	snprintf(command, sizeof(command), "iasl -d %s.aml", signature);
	assert_int_equal(run(folder, command, text, sizeof(text)), 0);
	if (strstr(text, "Error") || strstr(text, "Warning") || strstr(text, "Invalid"))
		fail_msg("%s", text);
	snprintf(command, sizeof(command), "iasl -p again %s.dsl", signature);
	assert_int_equal(run(folder, command, text, sizeof(text)), 0);
	if (strcmp(signature, "DSDT") == 0)
		expect(text, "0 Errors, 0 Warnings");
	else
		expect(text, "successful");
}

static void iasl_accepts_the_tables(void **state)
{
	static const char *const signatures[] = {"FACP", "APIC", "MCFG"};
	char folder[] = "/tmp/hypike-acpi-XXXXXX", text[256];
	struct acpi_root root;
	struct acpi_table table;
	uint32_t dsdt;

	(void)state;
	assert_non_null(mkdtemp(folder));
	if (run(folder, "iasl -v", text, sizeof(text)) != 0) {
		rmdir(folder);
		skip();
	}
	open_root(&root);
	for (unsigned int i = 0; i < 3; i++) {
		assert_true(acpi_find_table(&access_memory, &root, signatures[i], &table));
		dump(folder, signatures[i], table.phys);
		iasl_round_trip(folder, signatures[i]);
	}
	assert_true(acpi_find_table(&access_memory, &root, "FACP", &table));
	memcpy(&dsdt, memory + (table.phys - WHERE) + 40, sizeof(dsdt));
	dump(folder, "DSDT", dsdt);
	iasl_round_trip(folder, "DSDT");
	assert_int_equal(run(folder, "rm -rf -- \"$PWD\"", text, sizeof(text)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(processors_and_interrupts, setup),
		cmocka_unit_test_setup(facs_is_built, setup),
		cmocka_unit_test_setup(too_little_room, setup),
		cmocka_unit_test_setup(iasl_accepts_the_tables, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
