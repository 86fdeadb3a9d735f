/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file test-boot.c
 * What boot loaders tell, and the command line.
 *
 * @verifies KRN-001
 */
#include "tests/unit/kernel/process.h"

#include <string.h>

#include "kernel/address.h"
#include "kernel/multiboot.h"
#include "kernel/options.h"
#include "lib/multiboot.h"
#include "lib/multiboot2.h"

#define INFO 0x9000u

static struct boot_info info;

static const char *read_info(uint32_t magic, uint32_t address)
{
	memset(&info, 0, sizeof(info));
	return multiboot_read(magic, address, &info);
}

static void write_at(uint64_t phys, const void *bytes, size_t size)
{
	if (size != 0)
		memcpy(phys_to_virt(phys), bytes, size);
}

/* ---- Multiboot 1 ---- */

static struct multiboot_info mbi(void)
{
	static const struct multiboot_mmap_entry map[] = {
		{20, 0, 0x9fc00, MULTIBOOT_MEMORY_AVAILABLE},
		{20, 0xf0000, 0x10000, MULTIBOOT_MEMORY_RESERVED},
		{20, 0x100000, 0x7f00000, MULTIBOOT_MEMORY_AVAILABLE},
	};
	static const struct multiboot_mod_list module = {.mod_start = 0x200000, .mod_end = 0x234567};

	process_memory_reset();
	write_at(0xa000, map, sizeof(map));
	write_at(0xb000, &module, sizeof(module));
	write_at(0xc000, "hypike.elf cpus=2", 18);
	return (struct multiboot_info){
		.flags = MULTIBOOT_INFO_MEM_MAP | MULTIBOOT_INFO_MODS | MULTIBOOT_INFO_CMDLINE,
		.mmap_addr = 0xa000,
		.mmap_length = sizeof(map),
		.mods_addr = 0xb000,
		.mods_count = 1,
		.cmdline = 0xc000,
	};
}

static void reads_1(void **state)
{
	struct multiboot_info m = mbi();

	(void)state;
	write_at(INFO, &m, sizeof(m));
	assert_null(read_info(MULTIBOOT_BOOTLOADER_MAGIC, INFO));
	assert_int_equal(info.ram_count, 2);
	assert_int_equal(info.ram[1].start, 0x100000);
	assert_int_equal(info.ram[1].end, 0x8000000);
	assert_int_equal(info.module_count, 1);
	assert_int_equal(info.module.end, 0x234567);
	assert_string_equal(info.cmdline, "hypike.elf cpus=2");
}

static void refuses_1(void **state)
{
	struct multiboot_info m = mbi();

	(void)state;
	m.flags &= ~(uint32_t)MULTIBOOT_INFO_MEM_MAP;
	write_at(INFO, &m, sizeof(m));
	assert_string_equal(read_info(MULTIBOOT_BOOTLOADER_MAGIC, INFO),
			    "the boot loader gives no memory map");
	assert_string_equal(read_info(0x12345678, INFO), "not started by a Multiboot loader");
}

/* An entry that claims to be huge ends the map; one that wraps is no memory. */
static void odd_maps_1(void **state)
{
	struct multiboot_info m = mbi();
	struct multiboot_mmap_entry entry = {UINT32_MAX, 0x100000, 0x100000,
					     MULTIBOOT_MEMORY_AVAILABLE};

	(void)state;
	write_at(0xa000, &entry, sizeof(entry));
	write_at(INFO, &m, sizeof(m));
	assert_null(read_info(MULTIBOOT_BOOTLOADER_MAGIC, INFO));
	assert_int_equal(info.ram_count, 1);
	entry = (struct multiboot_mmap_entry){20, 0x1000, UINT64_MAX, MULTIBOOT_MEMORY_AVAILABLE};
	write_at(0xa000, &entry, sizeof(entry));
	assert_null(read_info(MULTIBOOT_BOOTLOADER_MAGIC, INFO));
	assert_int_equal(info.ram_count, 1);
	m.mmap_length = 200 * 24;
	write_at(INFO, &m, sizeof(m));
	for (unsigned int i = 0; i < 200; i++) {
		entry = (struct multiboot_mmap_entry){20, i * 0x10000, 0x1000,
						      MULTIBOOT_MEMORY_AVAILABLE};
		write_at(0xa000 + i * sizeof(entry), &entry, sizeof(entry));
	}
	assert_null(read_info(MULTIBOOT_BOOTLOADER_MAGIC, INFO));
	assert_int_equal(info.ram_count, BOOT_MAX_RAM);
	m.mmap_addr = 0xfffffff0;
	write_at(INFO, &m, sizeof(m));
	assert_null(read_info(MULTIBOOT_BOOTLOADER_MAGIC, INFO));
	assert_int_equal(info.ram_count, 0);
}

/* ---- Multiboot2 ---- */

static uint64_t end2;

static void begin2(void)
{
	process_memory_reset();
	end2 = INFO + sizeof(struct multiboot2_info);
}

static void tag2(uint32_t type, const void *bytes, size_t size)
{
	struct multiboot2_tag tag = {type, (uint32_t)(sizeof(tag) + size)};

	write_at(end2, &tag, sizeof(tag));
	write_at(end2 + sizeof(tag), bytes, size);
	end2 = align_up(end2 + tag.size, MULTIBOOT2_TAG_ALIGN);
}

static void finish2(void)
{
	struct multiboot2_info head;

	tag2(MULTIBOOT2_TAG_TYPE_END, NULL, 0);
	head = (struct multiboot2_info){.total_size = (uint32_t)(end2 - INFO)};
	write_at(INFO, &head, sizeof(head));
}

static void map2(void)
{
	const struct {
		uint32_t entry_size, entry_version;
		struct multiboot2_mmap_entry entry[2];
	} map = {24, 0, {{0x100000, 0x700000, MULTIBOOT2_MEMORY_AVAILABLE, 0},
			 {0x800000, 0x8000, MULTIBOOT2_MEMORY_NVS, 0}}};

	tag2(MULTIBOOT2_TAG_TYPE_MMAP, &map, sizeof(map));
}

static void reads_2(void **state)
{
	static const uint32_t module[] = {0x300000, 0x301000, 0};
	static const struct acpi_rsdp old = {.signature = "RSD PTR", .revision = 0};
	static const struct acpi_rsdp new = {.signature = "RSD PTR", .revision = 2};

	(void)state;
	begin2();
	tag2(MULTIBOOT2_TAG_TYPE_CMDLINE, "console=e9", 11);
	tag2(MULTIBOOT2_TAG_TYPE_ACPI_NEW, &new, sizeof(new));
	tag2(MULTIBOOT2_TAG_TYPE_ACPI_OLD, &old, 20);
	tag2(MULTIBOOT2_TAG_TYPE_MODULE, module, sizeof(module));
	map2();
	tag2(99, "?", 1);
	finish2();
	assert_null(read_info(MULTIBOOT2_BOOTLOADER_MAGIC, INFO));
	assert_string_equal(info.cmdline, "console=e9");
	assert_int_equal(info.rsdp_size, sizeof(new));
	assert_int_equal(info.rsdp.revision, 2);
	assert_int_equal(info.module.start, 0x300000);
	assert_int_equal(info.ram_count, 1);
	assert_int_equal(info.ram[0].end, 0x800000);
}

static void refuses_2(void **state)
{
	const struct multiboot2_tag huge = {MULTIBOOT2_TAG_TYPE_MMAP, 0x10000000};
	const struct multiboot2_tag tiny = {MULTIBOOT2_TAG_TYPE_MMAP, 4};

	(void)state;
	begin2();
	finish2();
	assert_string_equal(read_info(MULTIBOOT2_BOOTLOADER_MAGIC, INFO),
			    "the boot loader gives no memory map");
	begin2();
	map2();
	finish2();
	write_at(INFO + sizeof(struct multiboot2_info), &huge, sizeof(huge));
	assert_string_equal(read_info(MULTIBOOT2_BOOTLOADER_MAGIC, INFO),
			    "the boot loader's information is malformed");
	write_at(INFO + sizeof(struct multiboot2_info), &tiny, sizeof(tiny));
	assert_string_equal(read_info(MULTIBOOT2_BOOTLOADER_MAGIC, INFO),
			    "the boot loader's information is malformed");
	assert_non_null(read_info(MULTIBOOT2_BOOTLOADER_MAGIC, 0xfffffffc));
}

/* Whatever the bytes are: no access outside, and an end. */
static void damage_2(void **state)
{
	(void)state;
	random_seed(5);
	begin2();
	map2();
	finish2();
	for (unsigned int round = 0; round < 20000; round++) {
		uint64_t at = INFO + 8 + random_below(end2 - INFO - 8);
		uint8_t *byte = phys_to_virt(at), old = *byte;

		*byte = (uint8_t)random64();
		read_info(MULTIBOOT2_BOOTLOADER_MAGIC, INFO);
		assert_true(info.ram_count <= BOOT_MAX_RAM);
		*byte = old;
	}
}

/* ---- the command line ---- */

static void reads_options(void **state)
{
	(void)state;
	options_read("/boot/hypike.elf console=e9  cpus=3 tsc_khz=2500000 nonsense cpus=x");
	assert_true(options.e9);
	assert_int_equal(options.cpus, 3);
	assert_int_equal(options.tsc_khz, 2500000);
	options_read("cpus=0 cpus=17 cpus=99999999999999999999999 cpus=");
	assert_int_equal(options.cpus, 3);
	options_read("");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_1),
		cmocka_unit_test(refuses_1),
		cmocka_unit_test(odd_maps_1),
		cmocka_unit_test(reads_2),
		cmocka_unit_test(refuses_2),
		cmocka_unit_test(damage_2),
		cmocka_unit_test(reads_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
