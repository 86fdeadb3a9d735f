/* SPDX-License-Identifier: BSD-2-Clause */
/* Multiboot 2: load plans of good and bad images, and what a kernel is told.
 * @verifies LIB-221 LIB-222 LIB-223 BOOT-004 BOOT-005 */
#include "tests/unit/vmm/bench.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "lib/kernel_check.h"
#include "lib/multiboot2.h"
#include "lib/multiboot2_load.h"
#include "lib/x86/regs.h"
#include "vmm/boot/boot.h"
#include "vmm/machine/machine.h"
#include "vmm/options.h"
#include "vmm/status.h"
#include "vmm/vm.h"

#define MIB	    (UINT64_C(1) << 20)
#define IMAGE_SIZE  0x4000u
#define HEADER	    0x800u /* where it is in the file */
#define CODE	    0x1000u
#define SECTIONS    0x3000u
#define SYMBOLS	    0x3400u

static uint8_t image[IMAGE_SIZE];
static size_t tags_end;
static struct multiboot2_plan plan;
static struct vm vm;
static struct options options;

static void put32(size_t at, uint32_t value)
{
	memcpy(image + at, &value, sizeof(value));
}

/* -------------------------------------------------------------------------------------- the image */

static void header_seal(void)
{
	const uint32_t length = (uint32_t)(tags_end - HEADER);

	put32(HEADER, MULTIBOOT2_HEADER_MAGIC);
	put32(HEADER + 4, MULTIBOOT2_ARCHITECTURE_I386);
	put32(HEADER + 8, length);
	put32(HEADER + 12, 0u - MULTIBOOT2_HEADER_MAGIC - length);
}

/** Replace the end tag by this one and a new end tag. */
static void tag_add(uint16_t type, uint16_t flags, const uint32_t *words, size_t count)
{
	size_t at = tags_end - 8;

	put32(at, type | (uint32_t)flags << 16);
	put32(at + 4, (uint32_t)(8 + 4 * count));
	for (size_t i = 0; i < count; i++)
		put32(at + 8 + 4 * i, words[i]);
	at += (8 + 4 * count + 7) & ~(size_t)7;
	put32(at, MULTIBOOT2_HEADER_TAG_END);
	put32(at + 4, 8);
	tags_end = at + 8;
	header_seal();
}

#define TAG(type, flags, ...)                                                                      \
	tag_add(type, flags, (const uint32_t[]){__VA_ARGS__},                                      \
		sizeof((const uint32_t[]){__VA_ARGS__}) / 4)

/** An ELF64 kernel of two pages at 2 MiB, with one section that isn't loaded; its header has no tags. */
static int setup(void **state)
{
	const Elf64_Phdr segment = {.p_type = PT_LOAD,
				    .p_offset = CODE,
				    .p_vaddr = 0x200000,
				    .p_paddr = 0x200000,
				    .p_filesz = 0x1000,
				    .p_memsz = 0x2000};
	const Elf64_Shdr sections[3] = {
		{.sh_type = SHT_NULL},
		{.sh_type = SHT_PROGBITS, .sh_addr = 0x200000, .sh_offset = CODE, .sh_size = 0x1000},
		{.sh_type = SHT_STRTAB, .sh_offset = SYMBOLS, .sh_size = 0x20},
	};
	Elf64_Ehdr elf = {.e_type = ET_EXEC,
			  .e_machine = EM_X86_64,
			  .e_entry = 0x200010,
			  .e_phoff = sizeof(elf),
			  .e_phentsize = sizeof(segment),
			  .e_phnum = 1,
			  .e_shoff = SECTIONS,
			  .e_shentsize = sizeof(sections[0]),
			  .e_shnum = 3,
			  .e_shstrndx = 2};

	(void)state;
	memset(image, 0x5a, sizeof(image));
	memcpy(elf.e_ident, ELFMAG, SELFMAG);
	elf.e_ident[EI_CLASS] = ELFCLASS64;
	elf.e_ident[EI_DATA] = ELFDATA2LSB;
	elf.e_ident[EI_VERSION] = EV_CURRENT;
	memcpy(image, &elf, sizeof(elf));
	memcpy(image + sizeof(elf), &segment, sizeof(segment));
	memcpy(image + SECTIONS, sections, sizeof(sections));
	put32(HEADER + 16, MULTIBOOT2_HEADER_TAG_END);
	put32(HEADER + 20, 8);
	tags_end = HEADER + 24;
	header_seal();
	mock_reset();
	mock_file("kernel", image, sizeof(image));
	return 0;
}

/** In memory of exactly that size, so that ASan sees a byte too far. */
static const char *plan_of(size_t size, uint64_t memory)
{
	uint8_t *exact = malloc(size ? size : 1);

	memcpy(exact, image, size);
	const char *why = multiboot2_plan(exact, size, memory, &plan);
	free(exact);
	return why;
}

static void bad(const char *part)
{
	const char *why = plan_of(sizeof(image), 64 * MIB);

	assert_non_null(why);
	if (!strstr(why, part))
		fail_msg("\"%s\" instead of \"%s\"", why, part);
}

static void good(void)
{
	const char *why = plan_of(sizeof(image), 64 * MIB);

	if (why)
		fail_msg("%s", why);
}

/* ------------------------------------------------------------------------------------------- plans */

static void an_elf_file_is_planned(void **state)
{
	uint64_t end;

	(void)state;
	good();
	assert_int_equal(plan.plan.count, 1);
	assert_int_equal(plan.plan.entry, 0x200010);
	assert_int_equal(plan.plan.sections.num, 3);
	assert_false(plan.relocatable);
	assert_int_equal(kernel_kind(image, sizeof(image)), KERNEL_MULTIBOOT2);
	assert_null(kernel_check(image, sizeof(image), 64 * MIB, &end));
	assert_true(end == 0x202000);
	/* With a header of version 1, too, it is loaded by that. */
	put32(0x400, 0x1badb002);
	put32(0x404, 0);
	put32(0x408, 0u - 0x1badb002);
	assert_int_equal(kernel_kind(image, sizeof(image)), KERNEL_MULTIBOOT);
}

static void addresses_in_the_header(void **state)
{
	(void)state;
	image[0] = 0; /* no ELF */
	bad("neither an ELF file");
	TAG(MULTIBOOT2_HEADER_TAG_ADDRESS, 0, 0x100000 + HEADER, 0x100000, 0x102000, 0x105000);
	bad("no entry address");
	TAG(MULTIBOOT2_HEADER_TAG_ENTRY_ADDRESS, 0, 0x100020);
	good();
	assert_int_equal(plan.plan.entry, 0x100020);
	assert_int_equal(plan.plan.segment[0].file_size, 0x2000);
	assert_int_equal(plan.plan.end, 0x105000);
	/* Cut off. */
	setup(NULL);
	TAG(MULTIBOOT2_HEADER_TAG_ADDRESS, 0, 1, 2, 3);
	bad("truncated address tag");
	setup(NULL);
	tag_add(MULTIBOOT2_HEADER_TAG_ENTRY_ADDRESS, 0, NULL, 0);
	bad("truncated entry tag");
}

static void an_entry_tag_counts_for_elf(void **state)
{
	(void)state;
	TAG(MULTIBOOT2_HEADER_TAG_ENTRY_ADDRESS, 0, 0x200800);
	good();
	assert_int_equal(plan.plan.entry, 0x200800);
	TAG(MULTIBOOT2_HEADER_TAG_ENTRY_ADDRESS, 0, 0x201000);
	bad("entry point");
}

static void what_is_required(void **state)
{
	static const struct {
		uint16_t type;
		const char *why; /* NULL: taken */
	} rows[] = {
		{MULTIBOOT2_HEADER_TAG_FRAMEBUFFER, "requires a framebuffer"},
		{MULTIBOOT2_HEADER_TAG_EFI_BS, "EFI boot services"},
		{11, "a feature that is unknown"},
		{0x7fff, "a feature that is unknown"},
		{MULTIBOOT2_HEADER_TAG_MODULE_ALIGN, NULL},
		{MULTIBOOT2_HEADER_TAG_CONSOLE_FLAGS, NULL},
		{MULTIBOOT2_HEADER_TAG_ENTRY_ADDRESS_EFI64, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		setup(NULL);
		TAG(rows[i].type, 0, 1024, 768, 32);
		if (rows[i].why)
			bad(rows[i].why);
		else
			good();
		setup(NULL);
		TAG(rows[i].type, MULTIBOOT2_HEADER_TAG_OPTIONAL, 1024, 768, 32);
		good();
	}
	setup(NULL);
	TAG(MULTIBOOT2_HEADER_TAG_INFORMATION_REQUEST, 0, MULTIBOOT2_TAG_TYPE_MMAP,
	    MULTIBOOT2_TAG_TYPE_NETWORK);
	good();
	TAG(MULTIBOOT2_HEADER_TAG_INFORMATION_REQUEST, MULTIBOOT2_HEADER_TAG_OPTIONAL, 99);
	good();
	TAG(MULTIBOOT2_HEADER_TAG_INFORMATION_REQUEST, 0, MULTIBOOT2_TAG_TYPE_MMAP, 99);
	bad("information that is unknown");
}

static void malformed_headers(void **state)
{
	(void)state;
	put32(HEADER + 12, 0);
	bad("no Multiboot 2 header");
	setup(NULL);
	put32(HEADER + 4, MULTIBOOT2_ARCHITECTURE_MIPS32);
	put32(HEADER + 12, 0u - MULTIBOOT2_HEADER_MAGIC - MULTIBOOT2_ARCHITECTURE_MIPS32 - 24);
	bad("another architecture");
	setup(NULL);
	tags_end = HEADER + MULTIBOOT2_SEARCH;
	header_seal();
	bad("first 32768 bytes");
	setup(NULL);
	tags_end = HEADER + 8;
	header_seal();
	bad("first 32768 bytes");
	setup(NULL);
	put32(HEADER + 16, MULTIBOOT2_HEADER_TAG_MODULE_ALIGN); /* in the end tag's place */
	bad("no end tag");
	put32(HEADER + 20, 7);
	bad("larger than the header, or too small");
	put32(HEADER + 20, 9);
	bad("larger than the header, or too small");
	put32(HEADER + 20, UINT32_MAX);
	bad("larger than the header, or too small");
}

static void any_cut_is_survived(void **state)
{
	(void)state;
	TAG(MULTIBOOT2_HEADER_TAG_INFORMATION_REQUEST, 0, MULTIBOOT2_TAG_TYPE_MMAP);
	TAG(MULTIBOOT2_HEADER_TAG_RELOCATABLE, 0, 0x100000, 0x3ffffff, 0x1000, 0);
	for (size_t size = 0; size < sizeof(image); size++) {
		const char *why = plan_of(size, 64 * MIB);
		assert_int_equal(why == NULL, size >= CODE + 0x1000);
	}
}

static void expect_place(uint32_t min, uint32_t max, uint32_t align, uint32_t preference,
			 uint64_t place)
{
	setup(NULL);
	TAG(MULTIBOOT2_HEADER_TAG_RELOCATABLE, 0, min, max, align, preference);
	good();
	assert_true(plan.relocatable);
	assert_int_equal(plan.plan.start, place);
	assert_int_equal(plan.plan.segment[0].address, place);
	assert_int_equal(plan.plan.entry, place + 0x10);
	assert_int_equal(plan.plan.end, place + 0x2000);
}

static void a_relocatable_kernel_is_placed(void **state)
{
	(void)state;
	expect_place(0x100000, 0xffffffff, 0x1000, MULTIBOOT2_LOAD_PREFERENCE_NONE, 0x200000);
	expect_place(0, 0xffffffff, 0, MULTIBOOT2_LOAD_PREFERENCE_LOW, 0x100000);
	expect_place(0x300001, 0xffffffff, 0x1000, MULTIBOOT2_LOAD_PREFERENCE_NONE, 0x301000);
	expect_place(0, 0xffffffff, 0x1000, MULTIBOOT2_LOAD_PREFERENCE_HIGH, 64 * MIB - 0x2000);
	expect_place(0, 0x7fffff, 0x200000, MULTIBOOT2_LOAD_PREFERENCE_HIGH, 0x600000);
	expect_place(0, 0x101fff, 1, MULTIBOOT2_LOAD_PREFERENCE_NONE, 0x100000);
	setup(NULL);
	TAG(MULTIBOOT2_HEADER_TAG_RELOCATABLE, 0, 0, 0x101ffe, 1, 0);
	bad("no memory where its relocation tag");
	setup(NULL);
	TAG(MULTIBOOT2_HEADER_TAG_RELOCATABLE, 0, UINT32_MAX, UINT32_MAX, 0x80000000, 0);
	bad("no memory where its relocation tag");
	setup(NULL);
	TAG(MULTIBOOT2_HEADER_TAG_RELOCATABLE, 0, 0, UINT32_MAX, 0x1001, 0);
	bad("no power of two");
	setup(NULL);
	TAG(MULTIBOOT2_HEADER_TAG_RELOCATABLE, 0, 0, UINT32_MAX, 1);
	bad("truncated relocation tag");
}

/* -------------------------------------------------------------------------------------------- boot */

static int boot(const char *args)
{
	assert_null(options_parse(args, &options));
	assert_int_equal(vm_create(&vm, &options), 0);
	return boot_guest(&vm, &options);
}

static const uint8_t *info(void)
{
	return vm.ram + hv_x86_regs(vm.vcpu[0].page)->gpr[HV_RBX];
}

/** The nth tag of a type, from 0; NULL: there is none. */
static const void *tag_find(uint32_t type, unsigned int n)
{
	const uint8_t *at = info() + sizeof(struct multiboot2_info);
	uint32_t total;

	memcpy(&total, info(), sizeof(total));
	while (at < info() + total) {
		const struct multiboot2_tag *tag = (const void *)at;

		assert_int_equal((uintptr_t)at % 8, 0);
		assert_true(tag->size >= 8);
		if (tag->type == type && n-- == 0)
			return tag;
		if (tag->type == MULTIBOOT2_TAG_TYPE_END)
			return NULL;
		at += (tag->size + 7) & ~7u;
	}
	fail_msg("no end tag");
	return NULL;
}

static void the_kernel_is_told(void **state)
{
	static const uint8_t one[5000] = {1}, two[3] = {2, 2, 2};

	(void)state;
	mock_file("one", one, sizeof(one));
	mock_file("two", two, sizeof(two));
	assert_int_equal(boot("--memory 16M --kernel kernel --cmdline 'a b' --module 'one x y' "
			      "--module two"), 0);
	const struct hv_x86_regs *regs = hv_x86_regs(vm.vcpu[0].page);
	assert_true(regs->rip == 0x200010 && regs->gpr[HV_RAX] == MULTIBOOT2_BOOTLOADER_MAGIC);
	assert_true(regs->cr0 == (CR0_PE | CR0_ET) && regs->gpr[HV_RBX] % 8 == 0);
	assert_memory_equal(vm.ram + 0x200000, image + CODE, 0x1000);
	assert_int_equal(vm.ram[0x201fff], 0);

	const struct multiboot2_tag_string *text = tag_find(MULTIBOOT2_TAG_TYPE_CMDLINE, 0);
	assert_string_equal(text->string, "a b");
	text = tag_find(MULTIBOOT2_TAG_TYPE_BOOT_LOADER_NAME, 0);
	assert_string_equal(text->string, "HyPike");
	const struct multiboot2_tag_module *module = tag_find(MULTIBOOT2_TAG_TYPE_MODULE, 0);
	assert_string_equal(module->string, "one x y");
	assert_int_equal(module->mod_end - module->mod_start, sizeof(one));
	assert_int_equal(module->mod_start % 4096, 0);
	assert_memory_equal(vm.ram + module->mod_start, one, sizeof(one));
	const uint32_t first_end = module->mod_end;
	module = tag_find(MULTIBOOT2_TAG_TYPE_MODULE, 1);
	assert_string_equal(module->string, "two");
	assert_true(module->mod_start >= first_end);
	assert_null(tag_find(MULTIBOOT2_TAG_TYPE_MODULE, 2));
}

static void the_kernel_is_told_of_the_machine(void **state)
{
	(void)state;
	assert_int_equal(boot("--memory 16M --kernel kernel"), 0);
	const struct multiboot2_tag_basic_meminfo *sizes =
		tag_find(MULTIBOOT2_TAG_TYPE_BASIC_MEMINFO, 0);
	assert_int_equal(sizes->mem_lower, 639);
	assert_int_equal(sizes->mem_upper, 15 * 1024);
	const struct multiboot2_tag_mmap *map = tag_find(MULTIBOOT2_TAG_TYPE_MMAP, 0);
	assert_int_equal(map->entry_size, 24);
	assert_int_equal(map->entry_version, 0);
	assert_int_equal((map->tag.size - 16) / 24, 5);
	const struct multiboot2_mmap_entry *row = (const void *)(map + 1);
	assert_true(row[3].base_addr == MIB && row[3].length == 15 * MIB && row[3].type == 1);
	const struct multiboot2_tag_framebuffer *screen =
		tag_find(MULTIBOOT2_TAG_TYPE_FRAMEBUFFER, 0);
	assert_int_equal(screen->framebuffer_type, 2);
	assert_true(screen->framebuffer_addr == 0xb8000);
	const struct multiboot2_tag_acpi *acpi = tag_find(MULTIBOOT2_TAG_TYPE_ACPI_OLD, 0);
	assert_int_equal(acpi->tag.size, 8 + 20);
	acpi = tag_find(MULTIBOOT2_TAG_TYPE_ACPI_NEW, 0);
	assert_int_equal(acpi->tag.size, 8 + 36);
	assert_memory_equal(acpi->rsdp, "RSD PTR ", 8);
	assert_null(tag_find(MULTIBOOT2_TAG_TYPE_LOAD_BASE_ADDR, 0));
}

static void sections_come_along(void **state)
{
	Elf64_Shdr section;

	(void)state;
	assert_int_equal(boot("--memory 16M --kernel kernel"), 0);
	const struct multiboot2_tag_elf_sections *tag =
		tag_find(MULTIBOOT2_TAG_TYPE_ELF_SECTIONS, 0);
	assert_int_equal(tag->num, 3);
	assert_int_equal(tag->entsize, sizeof(section));
	assert_int_equal(tag->shndx, 2);
	memcpy(&section, tag->sections + 1 * sizeof(section), sizeof(section));
	assert_true(section.sh_addr == 0x200000);
	memcpy(&section, tag->sections + 2 * sizeof(section), sizeof(section));
	assert_true(section.sh_addr >= 0x202000);
	assert_memory_equal(vm.ram + section.sh_addr, image + SYMBOLS, 0x20);
	/* Hostile ones: nothing outside of the file is taken. */
	setup(NULL);
	put32(SECTIONS + 2 * sizeof(section) + offsetof(Elf64_Shdr, sh_size), UINT32_MAX);
	assert_int_equal(boot("--memory 16M --kernel kernel"), 0);
	tag = tag_find(MULTIBOOT2_TAG_TYPE_ELF_SECTIONS, 0);
	memcpy(&section, tag->sections + 2 * sizeof(section), sizeof(section));
	assert_true(section.sh_addr == 0);
}

static void a_relocated_kernel_knows_where(void **state)
{
	(void)state;
	TAG(MULTIBOOT2_HEADER_TAG_RELOCATABLE, 0, 0x400000, 0xffffffff, 0x1000, 1);
	assert_int_equal(boot("--memory 16M --kernel kernel"), 0);
	const struct multiboot2_tag_load_base_addr *base =
		tag_find(MULTIBOOT2_TAG_TYPE_LOAD_BASE_ADDR, 0);
	assert_int_equal(base->load_base_addr, 0x400000);
	assert_true(hv_x86_regs(vm.vcpu[0].page)->rip == 0x400010);
	assert_memory_equal(vm.ram + 0x400000, image + CODE, 0x1000);
}

static void what_doesnt_fit_is_refused(void **state)
{
	static const uint8_t large[15 * 1024 * 1024];

	(void)state;
	mock_file("large", large, sizeof(large));
	assert_int_equal(boot("--memory 16M --kernel kernel --module large"), VMM_STATUS_LOAD);
	TAG(MULTIBOOT2_HEADER_TAG_FRAMEBUFFER, 0, 1024, 768, 32);
	assert_int_equal(boot("--memory 16M --kernel kernel"), VMM_STATUS_LOAD);
	console_flush(&vm.console);
	assert_non_null(strstr(mock_console, "kernel: its Multiboot 2 header requires a framebuffer"));
}

#define T(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_elf_file_is_planned),
		T(addresses_in_the_header),
		T(an_entry_tag_counts_for_elf),
		T(what_is_required),
		T(malformed_headers),
		T(any_cut_is_survived),
		T(a_relocatable_kernel_is_placed),
		T(the_kernel_is_told),
		T(the_kernel_is_told_of_the_machine),
		T(sections_come_along),
		T(a_relocated_kernel_knows_where),
		T(what_doesnt_fit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
