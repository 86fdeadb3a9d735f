/* SPDX-License-Identifier: BSD-2-Clause */
/* Firmware: what it is told, its shadow memory, how it is started.
 * @verifies BOOT-020 VMM-130 VMM-131 VMM-132 VMM-133 */
#include "tests/unit/vmm/bench.h"

#include <string.h>

#include "vmm/boot/boot.h"
#include "vmm/dev/fw_cfg.h"
#include "vmm/machine/machine.h"
#include "vmm/machine/pc_firmware.h"
#include "vmm/status.h"

#define SELECTOR 0x510u
#define DATA	 0x511u
#define DMA_HIGH 0x514u
#define DMA_LOW	 0x518u
#define BLOCK	 0x4000u /* where DMA commands are */

static struct vm vm;
static struct options options;
static uint8_t rom[0x21000], disk[512];

static int setup(void **state)
{
	(void)state;
	mock_reset();
	for (size_t i = 0; i < sizeof(rom); i++)
		rom[i] = (uint8_t)(i * 7 + (i >> 12));
	mock_file("rom", rom, sizeof(rom));
	mock_file("disk", disk, sizeof(disk));
	return 0;
}

static int boot(const char *args)
{
	assert_null(options_parse(args, &options));
	int status = vm_create(&vm, &options);
	return status ? status : boot_guest(&vm, &options);
}

static void boot_well(void)
{
	assert_int_equal(boot("--memory 4M --firmware rom --vcpus 2 --disk disk --disk disk,ro"), 0);
}

static void select(uint16_t key)
{
	bus_port_write(&vm.bus, SELECTOR, 2, key);
}

static uint8_t next(void)
{
	return (uint8_t)bus_port_read(&vm.bus, DATA, 1);
}

static void take(void *to, size_t size)
{
	for (size_t i = 0; i < size; i++)
		((uint8_t *)to)[i] = next();
}

/** Find a file as firmware does. @return its selector, or 0. */
static uint16_t find(const char *name, uint32_t *size)
{
	struct fw_cfg_file file;
	uint32_t count;

	select(FW_CFG_FILE_DIR);
	take(&count, sizeof(count));
	count = __builtin_bswap32(count);
	assert_in_range(count, 1, FW_CFG_FILES);
	for (; count > 0; count--) {
		take(&file, sizeof(file));
		if (strcmp(file.name, name) == 0) {
			*size = __builtin_bswap32(file.size);
			return __builtin_bswap16(file.select);
		}
	}
	return 0;
}

/** Its content. @return its size. */
static uint32_t get_file(const char *name, void *to, size_t room)
{
	uint32_t size = 0;
	const uint16_t key = find(name, &size);

	assert_int_not_equal(key, 0);
	assert_true(size <= room);
	select(key);
	take(to, size);
	return size;
}

/* -------------------------------------------------------------------------------------------- items */

static void items_read_byte_by_byte(void **state)
{
	char text[9] = {0};
	uint32_t id;

	(void)state;
	boot_well();
	select(FW_CFG_SIGNATURE);
	take(text, 4);
	assert_string_equal(text, "QEMU");
	/* Behind the end there are zeros, however often; selecting it again starts again. */
	for (unsigned int i = 0; i < 1000; i++)
		assert_int_equal(next(), 0);
	select(FW_CFG_SIGNATURE);
	assert_int_equal(next(), 'Q');
	select(FW_CFG_ID);
	take(&id, sizeof(id));
	assert_int_equal(id, 3);
	*(uint32_t *)(void *)text = bus_port_read(&vm.bus, DMA_HIGH, 4);
	*(uint32_t *)(void *)(text + 4) = bus_port_read(&vm.bus, DMA_LOW, 4);
	assert_string_equal(text, "QEMU CFG");
}

static void hostile_selectors_read_zeros(void **state)
{
	(void)state;
	boot_well();
	for (uint32_t key = 0; key <= UINT16_MAX; key++) {
		select((uint16_t)key);
		if (key > FW_CFG_FILE_FIRST + FW_CFG_FILES)
			assert_int_equal(next(), 0);
		else
			next();
	}
	/* Accesses of other sizes choose and read nothing; writing data does nothing. */
	select(FW_CFG_SIGNATURE);
	bus_port_write(&vm.bus, SELECTOR, 1, FW_CFG_ID);
	bus_port_write(&vm.bus, DATA, 1, 'X');
	bus_port_read(&vm.bus, SELECTOR, 2);
	assert_int_equal(next(), 'Q');
	select(FW_CFG_SIGNATURE);
	assert_int_equal(next(), 'Q');
}

static void firmware_learns_of_the_machine(void **state)
{
	struct {
		uint64_t start, size;
		uint32_t type;
	} __attribute__((packed)) e820[8];
	char order[256];
	uint8_t rsdp[36], loader[128];
	uint64_t cpus;
	uint16_t count;
	uint32_t table;

	(void)state;
	boot_well();
	assert_int_equal(get_file("etc/e820", e820, sizeof(e820)), 4 * sizeof(e820[0]));
	assert_true(e820[0].start == 0 && e820[0].size == 0x3f0000 && e820[0].type == 1);
	assert_true(e820[1].start == 0x3f0000 && e820[1].size == 0x10000 && e820[1].type == 2);
	assert_true(e820[3].size == 0);
	assert_int_equal(get_file("etc/acpi/rsdp", rsdp, sizeof(rsdp)), sizeof(rsdp));
	assert_memory_equal(rsdp, "RSD PTR ", 8);
	/* The tables are in the reserved memory. */
	memcpy(&table, rsdp + 24, 4);
	assert_in_range(table, 0x3f0000, 0x3fffff);
	assert_memory_equal(vm.ram + table, "XSDT", 4);
	assert_int_equal(get_file("etc/table-loader", loader, sizeof(loader)), sizeof(loader));
	assert_int_equal(loader[0], 1);
	assert_string_equal((char *)loader + 4, "etc/acpi/rsdp");
	const uint32_t length = get_file("bootorder", order, sizeof(order));
	assert_int_equal(length, strlen(order) + 1);
	assert_string_equal(order,
			    "/pci@i0cf8/scsi@4/disk@0,0\n/pci@i0cf8/scsi@5/disk@0,0\n");
	assert_int_equal(get_file("etc/max-cpus", &cpus, sizeof(cpus)), 8);
	assert_true(cpus == 2);
	select(FW_CFG_NB_CPUS);
	take(&count, sizeof(count));
	assert_int_equal(count, 2);
	assert_int_equal(find("etc/nothing", &table), 0);
}

static void memory_above_4_gib_is_told(void **state)
{
	struct {
		uint64_t start, size;
		uint32_t type;
	} __attribute__((packed)) e820[4];

	(void)state;
	mock_memory_limit = UINT64_C(6) << 30;
	assert_int_equal(boot("--memory 5G --firmware rom"), 0);
	get_file("etc/e820", e820, sizeof(e820));
	assert_true(e820[0].size == VM_LOW_LIMIT - PC_FIRMWARE_ACPI_SIZE);
	assert_true(e820[1].start == VM_LOW_LIMIT - PC_FIRMWARE_ACPI_SIZE);
	assert_true(e820[3].start == VM_HIGH_START && e820[3].size == UINT64_C(2) << 30);
	assert_memory_equal(vm.ram + e820[1].start, "RSD PTR ", 8);
}

/* ---------------------------------------------------------------------------------------------- DMA */

static uint32_t dma(uint32_t control, uint32_t length, uint64_t address)
{
	const uint32_t words[2] = {__builtin_bswap32(control), __builtin_bswap32(length)};
	uint32_t result;

	address = __builtin_bswap64(address);
	memcpy(vm.ram + BLOCK, words, 8);
	memcpy(vm.ram + BLOCK + 8, &address, 8);
	bus_port_write(&vm.bus, DMA_HIGH, 4, 0);
	bus_port_write(&vm.bus, DMA_LOW, 4, __builtin_bswap32(BLOCK));
	memcpy(&result, vm.ram + BLOCK, 4);
	return __builtin_bswap32(result);
}

#define DMA_ERROR  1u
#define DMA_READ   2u
#define DMA_SKIP   4u
#define DMA_SELECT 8u
#define DMA_WRITE  16u

static void dma_reads(void **state)
{
	uint8_t expected[200];
	uint32_t size = 0;
	const uint64_t to = 0x5ff0; /* over a page's end */

	(void)state;
	boot_well();
	const uint16_t key = find("etc/acpi/rsdp", &size);
	get_file("etc/acpi/rsdp", expected, sizeof(expected));
	memset(vm.ram + to, 0xee, 200);
	assert_int_equal(dma((uint32_t)key << 16 | DMA_SELECT | DMA_READ, 100, to), 0);
	assert_memory_equal(vm.ram + to, expected, size);
	for (unsigned int i = size; i < 100; i++)
		assert_int_equal(vm.ram[to + i], 0);
	assert_int_equal(vm.ram[to + 100], 0xee);
	/* In pieces, with some left out. */
	assert_int_equal(dma((uint32_t)key << 16 | DMA_SELECT, 0, 0), 0);
	assert_int_equal(dma(DMA_SKIP, 4, 0), 0);
	assert_int_equal(dma(DMA_READ, 4, to), 0);
	assert_memory_equal(vm.ram + to, expected + 4, 4);
	assert_int_equal(next(), expected[8]);
	/* Skipping over the end of everything. */
	assert_int_equal(dma(DMA_SKIP, UINT32_MAX, 0), 0);
	assert_int_equal(dma(DMA_SKIP, UINT32_MAX, 0), 0);
	assert_int_equal(next(), 0);
}

static void hostile_dma_is_refused(void **state)
{
	const uint32_t select_id = (uint32_t)FW_CFG_ID << 16 | DMA_SELECT;

	(void)state;
	boot_well();
	assert_int_equal(dma(select_id | DMA_WRITE, 4, 0x5000), DMA_ERROR);
	assert_int_equal(dma(select_id | DMA_READ, 4, 0x400000), DMA_ERROR); /* behind RAM */
	assert_int_equal(dma(select_id | DMA_READ, 4, 0x3ffffe), DMA_ERROR); /* over its end */
	assert_int_equal(dma(select_id | DMA_READ, 4, UINT64_MAX - 1), DMA_ERROR);
	assert_int_equal(dma(select_id | DMA_READ, 4, 0xf0000), DMA_ERROR); /* ROM */
	assert_int_equal(dma(select_id | DMA_READ, UINT32_MAX, 0x5000), DMA_ERROR);
	/* A command that isn't in RAM: nobody can be told. */
	bus_port_write(&vm.bus, DMA_HIGH, 4, UINT32_MAX);
	bus_port_write(&vm.bus, DMA_LOW, 4, UINT32_MAX);
	bus_port_write(&vm.bus, DMA_LOW, 4, __builtin_bswap32(0x3ffff8));
	/* The upper half of an address counts once. */
	bus_port_write(&vm.bus, DMA_HIGH, 4, __builtin_bswap32(1));
	bus_port_write(&vm.bus, DMA_LOW, 4, 0);
	assert_int_equal(dma(select_id | DMA_READ, 4, 0x5000), 0);
	assert_int_equal(vm.ram[0x5000], 3);
}

static void torment(void **state)
{
	static struct bench bench;
	static struct fw_cfg fw;

	(void)state;
	fw_cfg_init(&fw, NULL, NULL);
	bench_init(&bench, &fw.dev);
	bench_torment(&bench, &fw.dev, 20000);
	assert_int_equal(fw.id, 1);
}

static void the_directory_has_an_end(void **state)
{
	struct fw_cfg fw;
	char name[FW_CFG_NAME_SIZE + 1];

	(void)state;
	fw_cfg_init(&fw, NULL, NULL);
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_false(fw_cfg_add(&fw, name, NULL, 0));
	for (unsigned int i = 0; i < FW_CFG_FILES; i++)
		assert_true(fw_cfg_add(&fw, "a", NULL, 0));
	assert_false(fw_cfg_add(&fw, "a", NULL, 0));
}

/* ---------------------------------------------------------------------------------------- the machine */

static const struct mock_map *map_at(uint64_t where)
{
	for (unsigned int i = 0; i < mock_map_count; i++)
		if (where >= mock_maps[i].where && where - mock_maps[i].where < mock_maps[i].size)
			return &mock_maps[i];
	return NULL;
}

static void the_rom_is_where_the_cpu_starts(void **state)
{
	(void)state;
	boot_well();
	const struct mock_map *map = map_at(0xfffffff0);
	assert_non_null(map);
	assert_true(map->where == (UINT64_C(1) << 32) - sizeof(rom) && map->size == sizeof(rom));
	assert_int_equal(map->prot, HV_PROT_READ | HV_PROT_EXEC);
	assert_memory_equal(map->host, rom, sizeof(rom));
	assert_memory_equal(vm.ram + 0xe0000, rom + sizeof(rom) - 0x20000, 0x20000);
	assert_int_equal(map_at(0xffff0)->prot, HV_PROT_READ | HV_PROT_EXEC);
	assert_int_equal(vm.vcpu[0].page->dirty, 0); /* as a reset left it */
	assert_true(map_at(0x100000)->prot == HV_PROT_ALL);
}

static void a_small_rom_ends_at_the_end(void **state)
{
	static const uint8_t zeros[0x1000];

	(void)state;
	mock_file("small", rom, 0x1000);
	assert_int_equal(boot("--memory 4M --firmware small"), 0);
	assert_memory_equal(vm.ram + 0xff000, rom, 0x1000);
	assert_memory_equal(vm.ram + 0xfe000, zeros, 0x1000);
	assert_null(map_at(0xffffe000));
}

static void pam_write(unsigned int reg, uint8_t value)
{
	bus_port_write(&vm.bus, 0xcf8, 4, 0x80000000u | (reg & ~3u));
	bus_port_write(&vm.bus, (uint16_t)(0xcfc + (reg & 3)), 1, value);
}

static bool writable(uint64_t where)
{
	const bool yes = map_at(where)->prot & HV_PROT_WRITE;

	assert_int_equal(yes, vm_ram(&vm, where, 16, HV_PROT_WRITE) != NULL);
	return yes;
}

static void shadow_memory_follows_the_bridge(void **state)
{
	(void)state;
	boot_well();
	pam_write(0x59, 0x30);
	for (uint64_t at = 0xc0000; at < 0x100000; at += 0x4000)
		assert_int_equal(writable(at), at >= 0xf0000);
	pam_write(0x5a, 0x30); /* C4000 */
	pam_write(0x5f, 0x23); /* E8000, EC000 */
	pam_write(0x59, 0x10);
	for (uint64_t at = 0xc0000; at < 0x100000; at += 0x4000)
		assert_int_equal(writable(at), at == 0xc4000 || at == 0xe8000 || at == 0xec000);
	/* Devices may go over pieces that are alike. */
	assert_non_null(vm_ram(&vm, 0xebffc, 8, HV_PROT_WRITE));
	assert_null(vm_ram(&vm, 0xefffc, 8, HV_PROT_WRITE));
	assert_non_null(vm_ram(&vm, 0xc0000, 0x40000, HV_PROT_READ));
	assert_null(vm_ram(&vm, 0xc0000, UINT64_MAX, HV_PROT_READ));
	/* A reset takes it all back. */
	assert_int_equal(vm.machine->reset(&vm), HV_OK);
	for (uint64_t at = 0xc0000; at < 0x100000; at += 0x4000)
		assert_false(writable(at));
	/* Refused by the hypervisor: the VM ends. */
	mock_fail_at = 200;
	platform_mutex_lock(&vm.lock);
	for (unsigned int i = 0; i < 200; i++)
		pam_write(0x59, i & 1 ? 0x10 : 0x30);
	platform_mutex_unlock(&vm.lock);
	assert_int_equal(vm.status, VMM_STATUS_HYPERVISOR);
}

static void the_log_is_printed(void **state)
{
	(void)state;
	boot_well();
	assert_int_equal(bus_port_read(&vm.bus, 0x402, 1), 0xe9);
	bus_port_write(&vm.bus, 0x402, 1, 'L');
	bus_port_write(&vm.bus, 0x402, 1, '\n');
	console_flush(&vm.console);
	assert_non_null(strstr(mock_console, "L\n"));
}

static void without_firmware_there_is_none_of_it(void **state)
{
	(void)state;
	assert_int_equal(boot("--memory 4M --kernel rom"), VMM_STATUS_LOAD);
	assert_int_equal(bus_port_read(&vm.bus, DATA, 1), 0xff);
	assert_int_equal(bus_port_read(&vm.bus, 0x402, 1), 0xff);
}

static void what_is_wrong_is_said(void **state)
{
	static const struct {
		const char *args;
		int status;
		const char *text;
	} rows[] = {
		{"--firmware none", VMM_STATUS_LOAD, "none: no such file"},
		{"--firmware odd", VMM_STATUS_LOAD, "odd: the size of a firmware image is"},
		{"--firmware empty", VMM_STATUS_LOAD, "empty: the size of a firmware image is"},
		{"--firmware large", VMM_STATUS_LOAD, "large: firmware larger than 16 MiB"},
		{"--memory 1M --firmware rom", VMM_STATUS_LOAD, "at least 2M"},
		{"--firmware rom --kernel rom", VMM_STATUS_OPTIONS, "no kernel, module or"},
		{"--firmware rom --cmdline x", VMM_STATUS_OPTIONS, "no kernel, module or"},
		{"--firmware rom --module x", VMM_STATUS_OPTIONS, "no kernel, module or"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		setup(NULL);
		mock_file("odd", rom, 0x1001);
		mock_file("empty", rom, 0);
		mock_file("large", rom, 0x1001000);
		assert_int_equal(boot(rows[i].args), rows[i].status);
		console_flush(&vm.console);
		assert_non_null(strstr(mock_console, rows[i].text));
	}
	/* All of the partition's memory is the guest's. */
	setup(NULL);
	mock_memory_limit = 4u << 20;
	assert_int_equal(boot("--memory 4M --firmware rom"), VMM_STATUS_MEMORY);
}

#define T(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(items_read_byte_by_byte),
		T(hostile_selectors_read_zeros),
		T(firmware_learns_of_the_machine),
		T(memory_above_4_gib_is_told),
		T(dma_reads),
		T(hostile_dma_is_refused),
		T(torment),
		T(the_directory_has_an_end),
		T(the_rom_is_where_the_cpu_starts),
		T(a_small_rom_ends_at_the_end),
		T(shadow_memory_follows_the_bridge),
		T(the_log_is_printed),
		T(without_firmware_there_is_none_of_it),
		T(what_is_wrong_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
