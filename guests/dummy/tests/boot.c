/* SPDX-License-Identifier: BSD-2-Clause */
/* What the loader said. @verifies DUM-001 */
#include "guests/dummy/cmdline.h"
#include "guests/dummy/process.h"
#include "guests/dummy/rt.h"
#include "guests/dummy/test.h"
#include "lib/crc32c.h"
#include "lib/multiboot.h"
#include "lib/string.h"

#define MIB 0x100000u

static bool multiboot_info_good(void)
{
	const struct boot_info *boot = boot_info();

	CHECK((boot->flags & MULTIBOOT_INFO_MEMORY) != 0);
	CHECK((boot->flags & MULTIBOOT_INFO_MEM_MAP) != 0);
	CHECK((boot->flags & MULTIBOOT_INFO_CMDLINE) != 0);
	CHECK(boot->mem_lower_kib > 0 && boot->mem_lower_kib <= 640);
	CHECK(boot->mem_upper_kib >= 4096);
	/* a.out and ELF symbols exclude each other (3.3) */
	CHECK((boot->flags & (MULTIBOOT_INFO_AOUT_SYMS | MULTIBOOT_INFO_ELF_SHDR)) !=
	      (MULTIBOOT_INFO_AOUT_SYMS | MULTIBOOT_INFO_ELF_SHDR));
	return true;
}

static bool regions_overlap(const struct boot_region *a, const struct boot_region *b)
{
	return a->start < b->start + b->size && b->start < a->start + a->size;
}

static bool memory_map_disjoint(void)
{
	const struct boot_info *boot = boot_info();

	for (unsigned i = 0; i < boot->regions_count; i++) {
		CHECK(boot->regions[i].start + boot->regions[i].size > boot->regions[i].start);
		for (unsigned j = 0; j < i; j++)
			CHECK(!regions_overlap(&boot->regions[i], &boot->regions[j]));
	}
	return true;
}

static bool memory_map_good(void)
{
	const struct boot_info *boot = boot_info();
	unsigned holds_image = 0;

	CHECK(boot->regions_count > 0);
	for (unsigned i = 0; i < boot->regions_count; i++) {
		const struct boot_region *r = &boot->regions[i];

		if (r->type != MULTIBOOT_MEMORY_AVAILABLE)
			continue;
		if (r->start <= MIB && r->start + r->size >= paging_image_end()) {
			holds_image++;
			/* mem_upper counts from 1 MiB to the first hole; loaders round it */
			CHECK(boot->mem_upper_kib <= (r->start + r->size - MIB) / 1024 + 64);
		}
	}
	CHECK(holds_image == 1);
	return memory_map_disjoint();
}

/* The last page of each available region below 4 GiB really is memory. */
static bool memory_is_there(void)
{
	const struct boot_info *boot = boot_info();

	for (unsigned i = 0; i < boot->regions_count; i++) {
		const struct boot_region *r = &boot->regions[i];
		uint64_t last = (r->start + r->size) & ~(SIZE_4K - 1);

		if (r->type != MULTIBOOT_MEMORY_AVAILABLE || r->start < MIB ||
		    last > 4 * SIZE_1G || r->size < 2 * SIZE_4K)
			continue;

		volatile uint64_t *p = (volatile uint64_t *)(last - 8);
		uint64_t kept = *p;

		*p = ~kept;
		CHECK(*p == ~kept);
		*p = kept;
	}
	return true;
}

static bool command_line_parsed(void)
{
	static const char line[] = "kernel  alpha beta=12 gamma=x,y delta= beta2=99999999999999999999";
	char buf[8];

	CHECK(cmdline_has(line, "alpha") && cmdline_has(line, "kernel"));
	CHECK(!cmdline_has(line, "alph") && !cmdline_has(line, "lpha"));
	CHECK(!cmdline_has(line, "beta") && cmdline_has(line, "beta=12"));
	CHECK(cmdline_get_number(line, "beta", 5) == 12);
	CHECK(cmdline_get_number(line, "gamma", 5) == 5);
	CHECK(cmdline_get_number(line, "beta2", 5) == 5);
	CHECK(cmdline_get_number(line, "eta", 5) == 5);
	CHECK(strcmp(cmdline_get(line, "gamma", buf, sizeof(buf)), "x,y") == 0);
	CHECK(strcmp(cmdline_get(line, "delta", buf, sizeof(buf)), "") == 0);
	CHECK(cmdline_get(line, "beta2", buf, sizeof(buf)) == NULL);
	CHECK(!cmdline_has("", "alpha"));
	return true;
}

static const char *without_module(void)
{
	return boot_info()->modules_count == 0 ? "no module was loaded" : NULL;
}

/* @return the value of eight hexadecimal digits. */
static uint32_t parse_hex(const uint8_t *p)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < 8; i++)
		v = v << 4 | (uint32_t)(p[i] <= '9' ? p[i] - '0' : p[i] - 'a' + 10);
	return v;
}

/* One line of the manifest: CRC-32C, a blank, the name. */
static bool manifest_line_good(const uint8_t *line, size_t n)
{
	char name[64];
	struct cpio_file file;

	CHECK(n > 9 && n - 9 < sizeof(name) && line[8] == ' ');
	memcpy(name, line + 9, n - 9);
	name[n - 9] = '\0';
	CHECK(initramfs_find(name, &file));
	CHECK(crc32c(0, file.data, file.size) == parse_hex(line));
	return true;
}

static bool module_checksums_good(void)
{
	struct cpio_file manifest;
	unsigned lines = 0;

	CHECK(initramfs_find("MANIFEST", &manifest));
	for (size_t at = 0; at < manifest.size; lines++) {
		const uint8_t *line = manifest.data + at;
		const uint8_t *end = memchr(line, '\n', manifest.size - at);

		CHECK(end != NULL);
		CHECK(manifest_line_good(line, (size_t)(end - line)));
		at += (size_t)(end - line) + 1;
	}
	CHECK(lines > 0);
	return true;
}

static bool modules_in_place(void)
{
	const struct boot_info *boot = boot_info();

	for (unsigned i = 0; i < boot->modules_count; i++) {
		const struct boot_module *m = &boot->modules[i];

		CHECK(m->start % SIZE_4K == 0); /* the header asks for it */
		CHECK(m->size > 0);
		CHECK(m->start >= paging_image_end() || m->start + m->size <= MIB);
		CHECK(m->cmdline[0] != '\0');
	}
	return true;
}

const struct test tests_boot[] = {
	{"multiboot-info", multiboot_info_good, NULL},
	{"memory-map", memory_map_good, NULL},
	{"memory-is-there", memory_is_there, NULL},
	{"command-line", command_line_parsed, NULL},
	{"modules-in-place", modules_in_place, without_module},
	{"module-checksums", module_checksums_good, without_module},
	{NULL, NULL, NULL},
};
