/* SPDX-License-Identifier: BSD-2-Clause */
/* Load plans of good and bad images. @verifies LIB-201 LIB-202 LIB-203 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/multiboot_load.h"
#include "tests/unit/vmm/kernel.h"

#define MIB (UINT64_C(1) << 20)

static struct multiboot_plan plan;

/** The image in memory of exactly its size, so that ASan sees a byte too far. */
static const char *plan_of(const void *image, size_t size, uint64_t memory)
{
	uint8_t *exact = malloc(size ? size : 1);

	memcpy(exact, image, size);
	const char *why = multiboot_plan(exact, size, memory, &plan);
	free(exact);
	return why;
}

#define GOOD(kernel) assert_null(plan_of(&(kernel), sizeof(kernel), 64 * MIB))
#define BAD(kernel, part)                                                                          \
	do {                                                                                       \
		const char *why_ = plan_of(&(kernel), sizeof(kernel), 64 * MIB);                   \
		assert_non_null(why_);                                                             \
		if (!strstr(why_, part))                                                           \
			fail_msg("\"%s\" instead of \"%s\"", why_, part);                          \
	} while (0)

static struct kernel32 k32;
static struct kernel64 k64;
static struct kernel_kludge kk;

static int setup(void **state)
{
	(void)state;
	kernel32_make(&k32);
	kernel64_make(&k64);
	kernel_kludge_make(&kk);
	return 0;
}

static void expect_segment(unsigned int n, uint64_t offset, uint64_t file_size, uint64_t address,
			   uint64_t memory_size)
{
	assert_int_equal(plan.segment[n].offset, offset);
	assert_int_equal(plan.segment[n].file_size, file_size);
	assert_int_equal(plan.segment[n].address, address);
	assert_int_equal(plan.segment[n].memory_size, memory_size);
}

static void elf32(void **state)
{
	(void)state;
	GOOD(k32);
	assert_int_equal(plan.format, MULTIBOOT_FORMAT_ELF32);
	assert_int_equal(plan.count, 2);
	expect_segment(0, 0x1000, 0x2000, 0x100000, 0x2000);
	expect_segment(1, 0x3000, 0x100, 0x200000, 0x3000);
	assert_int_equal(plan.entry, 0x100010);
	assert_int_equal(plan.start, 0x100000);
	assert_int_equal(plan.end, 0x203000);
	assert_int_equal(plan.flags, 3);
	assert_int_equal(plan.header_offset, offsetof(struct kernel32, header));
}

static void elf64_linked_high(void **state)
{
	(void)state;
	GOOD(k64);
	assert_int_equal(plan.format, MULTIBOOT_FORMAT_ELF64);
	assert_int_equal(plan.entry, 0x100010);
	assert_int_equal(plan.count, 2);
}

static void addresses_in_the_header(void **state)
{
	(void)state;
	GOOD(kk);
	assert_int_equal(plan.format, MULTIBOOT_FORMAT_KLUDGE);
	assert_int_equal(plan.count, 1);
	expect_segment(0, 0x60, 0x1000, 0x100000, 0x1800);
	assert_int_equal(plan.entry, 0x100024);
	kk.header.load_end_addr = 0; /* all of the file */
	kk.header.bss_end_addr = 0;
	GOOD(kk);
	expect_segment(0, 0x60, KERNEL_SIZE - 0x60, 0x100000, KERNEL_SIZE - 0x60);
}

static void the_header_is_looked_for(void **state)
{
	static uint8_t image[0x5000];

	(void)state;
	memcpy(image, &kk, sizeof(kk));
	assert_null(plan_of(image, sizeof(image), 64 * MIB));
	/* To the last place where it fits. */
	memset(image, 0, sizeof(image));
	kk.header.header_addr = 0x100000 + 8192 - 32;
	kk.header.load_end_addr = 0;
	kk.header.bss_end_addr = 0;
	memcpy(image + 8192 - 32, &kk.header, 32);
	assert_null(plan_of(image, sizeof(image), 64 * MIB));
	memset(image, 0, sizeof(image));
	memcpy(image + 8192 - 28, &kk.header, 32);
	assert_non_null(strstr(plan_of(image, sizeof(image), 64 * MIB), "not wholly in the first"));
	memset(image, 0, sizeof(image));
	memcpy(image + 8192, &kk.header, 32);
	assert_non_null(strstr(plan_of(image, sizeof(image), 64 * MIB), "no Multiboot header"));
	memset(image, 0, sizeof(image));
	memcpy(image + 0x82, &kk.header, 32); /* not aligned */
	assert_non_null(strstr(plan_of(image, sizeof(image), 64 * MIB), "no Multiboot header"));
}

static void a_false_header_before_the_true_one(void **state)
{
	(void)state;
	memcpy(kk.before, "\x02\xb0\xad\x1b\x00\x00\x00\x00\x00\x00\x00\x00", 12);
	GOOD(kk);
}

static void bad_headers(void **state)
{
	(void)state;
	k32.header.checksum++;
	BAD(k32, "bad checksum");
	k32.header.magic = 0;
	BAD(k32, "no Multiboot header");
	for (unsigned int bit = 3; bit < 16; bit++) {
		kernel_flags(&k32.header, 1u << bit);
		BAD(k32, "requires a feature that is unknown");
	}
	kernel_flags(&k32.header, 0xfffe0000u); /* optional ones */
	GOOD(k32);
}

static void bad_addresses_in_the_header(void **state)
{
	(void)state;
	kk.header.header_addr = 0xfffff;
	BAD(kk, "contradict");
	kk.header.header_addr = 0x100081; /* before the file */
	BAD(kk, "contradict");
	kk.header.header_addr = 0x100020;
	kk.header.load_end_addr = 0xfffff;
	BAD(kk, "load end is below");
	kk.header.load_end_addr = 0x100000 + KERNEL_SIZE - 0x60 + 1;
	BAD(kk, "truncated");
	kk.header.load_end_addr = 0x101000;
	kk.header.bss_end_addr = 0x100fff;
	BAD(kk, "bss end is below");
	kk.header.bss_end_addr = 0x4000001;
	BAD(kk, "outside the machine's memory");
	kk.header.bss_end_addr = 0x4000000;
	GOOD(kk);
	kk.header.bss_end_addr = 0;
	kk.header.entry_addr = 0x101000;
	BAD(kk, "entry point");
	kk.header.entry_addr = 0xfffff;
	BAD(kk, "entry point");
	kk.header.load_end_addr = kk.header.load_addr;
	BAD(kk, "nothing to load");
}

static void not_an_executable(void **state)
{
	(void)state;
	k32.e.e_ident[0] = 0;
	BAD(k32, "neither an ELF file");
	setup(NULL);
	k32.e.e_ident[EI_DATA] = ELFDATA2MSB;
	BAD(k32, "little-endian");
	setup(NULL);
	k32.e.e_ident[EI_CLASS] = 7;
	BAD(k32, "unknown class");
	setup(NULL);
	k32.e.e_type = ET_DYN;
	BAD(k32, "not a statically linked executable");
	setup(NULL);
	k32.e.e_machine = EM_ARM;
	BAD(k32, "another processor");
	setup(NULL);
	k32.e.e_phnum = 0;
	BAD(k32, "without program headers");
	setup(NULL);
	k32.e.e_phentsize = 31;
	BAD(k32, "unknown size");
	setup(NULL);
	k32.p[0].p_type = k32.p[1].p_type = PT_NULL;
	BAD(k32, "nothing to load");
}

static void truncated_elf(void **state)
{
	(void)state;
	for (size_t size = 0; size < sizeof(k32); size++) {
		const char *why = plan_of(&k32, size, 64 * MIB);
		if (size < 0x3100)
			assert_non_null(why);
		else
			assert_null(why);
		if (size >= sizeof(k32.e) + sizeof(k32.p) + sizeof(k32.header) && size < 0x3100)
			assert_non_null(strstr(why, "truncated"));
	}
	k64.e.e_phoff = UINT64_MAX - 8;
	BAD(k64, "program headers lie outside");
	kernel64_make(&k64);
	k64.p[1].p_offset = UINT64_MAX;
	BAD(k64, "a segment lies outside the file");
}

static void segments_have_their_place(void **state)
{
	(void)state;
	k32.p[1].p_paddr = 0x101fff;
	BAD(k32, "overlap");
	k32.p[1].p_paddr = 0x102000;
	GOOD(k32);
	k32.p[1].p_paddr = 0x9d000; /* up to the VGA hole */
	GOOD(k32);
	k32.p[1].p_paddr = 0x9d001;
	BAD(k32, "outside the machine's memory");
	k32.p[1].p_paddr = 0xfc000;
	BAD(k32, "outside the machine's memory");
	k32.p[1].p_paddr = 0x4000000 - 0x3000;
	GOOD(k32);
	k32.p[1].p_paddr = 0x4000000 - 0x2fff;
	BAD(k32, "outside the machine's memory");
	k32.p[1].p_paddr = 0xfffff000; /* wraps in 32 bits */
	assert_non_null(strstr(plan_of(&k32, sizeof(k32), UINT64_MAX), "outside"));
	k32.p[1].p_filesz = 0x3001;
	BAD(k32, "larger in the file than in memory");
	k64.p[1].p_paddr = UINT64_C(0x100000000);
	BAD(k64, "above 4 GiB");
	k64.p[1].p_paddr = UINT64_MAX - 0x100;
	BAD(k64, "above 4 GiB");
	k64.p[1].p_paddr = 0x200000;
	k64.p[1].p_memsz = UINT64_MAX;
	BAD(k64, "outside the machine's memory");
}

static void many_segments(void **state)
{
	static struct {
		Elf64_Ehdr e;
		struct multiboot_header header;
		Elf64_Phdr p[40];
	} k;

	(void)state;
	k.e = k64.e;
	k.header = k64.header;
	k.e.e_phoff = offsetof(__typeof__(k), p);
	k.e.e_entry = 0x100000;
	for (unsigned int i = 0; i < 40; i++)
		k.p[i] = (Elf64_Phdr){.p_type = PT_LOAD,
				      .p_vaddr = 0x100000 + 16 * i,
				      .p_paddr = 0x100000 + 16 * i,
				      .p_filesz = 16,
				      .p_memsz = 16};
	k.e.e_phnum = 32;
	GOOD(k);
	assert_int_equal(plan.count, 32);
	k.e.e_phnum = 33;
	BAD(k, "more than 32");
}

static void the_entry_is_inside(void **state)
{
	(void)state;
	k32.e.e_entry = 0x102000;
	BAD(k32, "entry point");
	k32.e.e_entry = 0x200100; /* bss */
	BAD(k32, "entry point");
	k32.e.e_entry = 0x2000ff;
	GOOD(k32);
	k64.e.e_entry = UINT64_C(0x200000000);
	BAD(k64, "64-bit entry");
	k64.e.e_entry = 0x100020; /* a physical address: no segment is linked there */
	GOOD(k64);
	assert_int_equal(plan.entry, 0x100020);
}

static void section_headers_are_passed_on(void **state)
{
	(void)state;
	k32.e.e_shoff = 0x3800;
	k32.e.e_shentsize = sizeof(Elf32_Shdr);
	k32.e.e_shnum = 4;
	k32.e.e_shstrndx = 3;
	GOOD(k32);
	assert_int_equal(plan.sections.num, 4);
	assert_int_equal(plan.sections.offset, 0x3800);
	k32.e.e_shnum = 400; /* outside: none, but no reason to refuse */
	GOOD(k32);
	assert_int_equal(plan.sections.num, 0);
}

static void any_flipped_byte_is_survived(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(k32.e) + sizeof(k32.p) + sizeof(k32.header); i++) {
		for (unsigned int v = 0; v < 256; v += 5) {
			struct kernel32 k = k32;
			((uint8_t *)&k)[i] = (uint8_t)v;
			if (plan_of(&k, sizeof(k), 64 * MIB) != NULL)
				continue;
			for (unsigned int n = 0; n < plan.count; n++)
				assert_true(plan.segment[n].address +
						    plan.segment[n].memory_size <=
					    64 * MIB);
		}
	}
}

#define T(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(elf32),
		T(elf64_linked_high),
		T(addresses_in_the_header),
		T(the_header_is_looked_for),
		T(a_false_header_before_the_true_one),
		T(bad_headers),
		T(bad_addresses_in_the_header),
		T(not_an_executable),
		T(truncated_elf),
		T(segments_have_their_place),
		T(many_segments),
		T(the_entry_is_inside),
		T(section_headers_are_passed_on),
		T(any_flipped_byte_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
