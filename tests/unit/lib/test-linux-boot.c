/* SPDX-License-Identifier: BSD-2-Clause */
/* Linux kernel images, good and bad. @verifies LIB-211 LIB-212 LIB-213 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "lib/kernel_check.h"
#include "lib/linux_boot.h"

#define MEMORY	   UINT64_C(0x8000000)
#define PREF	   UINT64_C(0x1000000)
#define INIT_SIZE  0x800000u
#define SETUP	   3u /* sectors */
#define IMAGE_SIZE 0x3000u
#define PROPER	   ((SETUP + 1) * 512u) /* where the kernel proper begins */

#define ENTRY	  0x200000u
#define NOTE_AT	  0x200u
#define LOAD_AT	  0x1000u
#define LOAD_SIZE 0x800u

static uint8_t image[IMAGE_SIZE];
static struct linux_plan plan;

static void put(size_t where, uint64_t value, size_t size)
{
	memcpy(image + where, &value, size);
}

static int bzimage(void **state)
{
	(void)state;
	memset(image, 0x90, sizeof(image));
	put(LINUX_SETUP_SECTS, SETUP, 1);
	put(LINUX_BOOT_FLAG, 0xaa55, 2);
	put(LINUX_JUMP_LENGTH, 0x6a, 1);
	memcpy(image + LINUX_MAGIC, "HdrS", 4);
	put(LINUX_VERSION, 0x20f, 2);
	put(LINUX_LOADFLAGS, 1, 1);
	put(LINUX_XLOADFLAGS, 0x7f, 2);
	put(LINUX_INITRD_MAX, 0x7fffffff, 4);
	put(LINUX_CMDLINE_SIZE, 2047, 4);
	put(LINUX_PREF_ADDRESS, PREF, 8);
	put(LINUX_INIT_SIZE, INIT_SIZE, 4);
	return 0;
}

static void put_note(size_t at, const char *name, uint32_t type, uint64_t value)
{
	put(at, 4, 4);
	put(at + 4, 8, 4);
	put(at + 8, type, 4);
	memcpy(image + at + 12, name, 4);
	put(at + 16, value, 8);
}

static int vmlinux(void **state)
{
	Elf64_Ehdr elf = {.e_type = ET_EXEC,
			  .e_machine = EM_X86_64,
			  .e_phoff = sizeof(elf),
			  .e_phentsize = sizeof(Elf64_Phdr),
			  .e_phnum = 2};
	const Elf64_Phdr segments[2] = {
		{.p_type = PT_LOAD,
		 .p_offset = LOAD_AT,
		 .p_vaddr = UINT64_C(0xffffffff80200000),
		 .p_paddr = ENTRY,
		 .p_filesz = LOAD_SIZE,
		 .p_memsz = 0x2000},
		{.p_type = PT_NOTE, .p_offset = NOTE_AT, .p_filesz = 48},
	};

	(void)state;
	memset(image, 0, sizeof(image));
	memcpy(elf.e_ident, ELFMAG, SELFMAG);
	elf.e_ident[EI_CLASS] = ELFCLASS64;
	elf.e_ident[EI_DATA] = ELFDATA2LSB;
	memcpy(image, &elf, sizeof(elf));
	memcpy(image + sizeof(elf), segments, sizeof(segments));
	put_note(NOTE_AT, "GNU", 18, 1);
	put_note(NOTE_AT + 24, "Xen", 18, ENTRY + 16);
	return 0;
}

static const char *refusal(uint64_t size, uint64_t memory)
{
	/* A copy of just that size, so that a read behind it is found. */
	uint8_t *copy = malloc(size);
	memcpy(copy, image, size);
	const char *why = linux_plan(copy, size, memory, &plan);
	free(copy);
	return why;
}

static void expect(uint64_t size, uint64_t memory, const char *part)
{
	const char *why = refusal(size, memory);

	assert_non_null(why);
	if (strstr(why, part) == NULL)
		fail_msg("\"%s\" instead of \"%s\"", why, part);
}

/* ----------------------------------------------------------------------------------------- bzImage */

static void a_bzimage(void **state)
{
	uint64_t where;

	(void)state;
	assert_int_equal(kernel_kind(image, sizeof(image)), KERNEL_LINUX);
	assert_null(refusal(sizeof(image), MEMORY));
	assert_int_equal(plan.kind, LINUX_ENTRY_64);
	assert_true(plan.entry == PREF + 0x200);
	assert_int_equal(plan.count, 1);
	assert_true(plan.segment[0].offset == PROPER);
	assert_true(plan.segment[0].file_size == IMAGE_SIZE - PROPER);
	assert_true(plan.segment[0].memory_size == INIT_SIZE);
	assert_true(plan.end == PREF + INIT_SIZE);
	assert_int_equal(plan.header_end, 0x202 + 0x6a);
	assert_int_equal(plan.cmdline_size, 2047);
	assert_null(linux_initrd_place(&plan, 5000, MEMORY, &where));
	assert_true(where == MEMORY - 0x2000);
	assert_null(kernel_check(image, sizeof(image), MEMORY, &where));
	assert_true(where == plan.end);
}

static void initrds_have_limits(void **state)
{
	uint64_t where;

	(void)state;
	put(LINUX_INITRD_MAX, 0x37ffffff, 4);
	assert_null(refusal(sizeof(image), UINT64_C(0xc0000000)));
	assert_null(linux_initrd_place(&plan, 0x1000, UINT64_C(0xc0000000), &where));
	assert_true(where == 0x37fff000);
	assert_null(linux_initrd_place(&plan, MEMORY - plan.end, MEMORY, &where));
	assert_true(where == plan.end);
	assert_non_null(linux_initrd_place(&plan, MEMORY - plan.end + 1, MEMORY, &where));
	assert_non_null(linux_initrd_place(&plan, UINT64_MAX, MEMORY, &where));
}

static void bad_bzimages(void **state)
{
	(void)state;
	expect(LINUX_HEADER_END - 1, MEMORY, "truncated");
	expect(PROPER + 0x200, MEMORY, "truncated");
	expect(sizeof(image), PREF + INIT_SIZE - 1, "more memory");
	put(LINUX_VERSION, 0x20b, 2);
	expect(sizeof(image), MEMORY, "older than 2.12");
	bzimage(NULL);
	put(LINUX_LOADFLAGS, 0, 1);
	expect(sizeof(image), MEMORY, "zImage");
	bzimage(NULL);
	put(LINUX_XLOADFLAGS, 0xfffe, 2);
	expect(sizeof(image), MEMORY, "no 64-bit entry");
	bzimage(NULL);
	put(LINUX_PREF_ADDRESS, 0xfffff, 8);
	expect(sizeof(image), MEMORY, "below 1 MiB");
	put(LINUX_PREF_ADDRESS, UINT64_MAX, 8);
	expect(sizeof(image), MEMORY, "more memory");
	bzimage(NULL);
	put(LINUX_SETUP_SECTS, 0xff, 1);
	expect(sizeof(image), MEMORY, "truncated");
	put(LINUX_SETUP_SECTS, 0, 1); /* means 4 */
	assert_null(refusal(sizeof(image), MEMORY));
	assert_true(plan.segment[0].offset == 5 * 512);
}

/* --------------------------------------------------------------------------------------------- PVH */

static void a_vmlinux(void **state)
{
	(void)state;
	assert_int_equal(kernel_kind(image, sizeof(image)), KERNEL_LINUX);
	assert_null(refusal(sizeof(image), MEMORY));
	assert_int_equal(plan.kind, LINUX_ENTRY_PVH);
	assert_true(plan.entry == ENTRY + 16);
	assert_true(plan.start == ENTRY && plan.end == ENTRY + 0x2000);
}

static void set_segment(size_t offset, uint64_t value)
{
	put(sizeof(Elf64_Ehdr) + offset, value, 8);
}

static void bad_vmlinuxes(void **state)
{
	(void)state;
	expect(LOAD_AT + LOAD_SIZE - 1, MEMORY, "outside the file");
	expect(sizeof(image), ENTRY, "more memory");
	put_note(NOTE_AT + 24, "Xen", 18, ENTRY + LOAD_SIZE);
	expect(sizeof(image), MEMORY, "entry point");
	vmlinux(NULL);
	set_segment(offsetof(Elf64_Phdr, p_memsz), LOAD_SIZE - 1);
	expect(sizeof(image), MEMORY, "larger in the file");
	vmlinux(NULL);
	put(sizeof(Elf64_Ehdr), PT_NULL, 4);
	expect(sizeof(image), MEMORY, "nothing to load");
}

static void what_is_no_linux(void **state)
{
	uint64_t end;

	(void)state;
	put_note(NOTE_AT + 24, "Xen", 17, ENTRY);
	assert_int_equal(kernel_kind(image, sizeof(image)), KERNEL_MULTIBOOT);
	expect(sizeof(image), MEMORY, "neither");
	assert_non_null(kernel_check(image, sizeof(image), MEMORY, &end));
	/* Notes whose sizes lead out of their segment. */
	vmlinux(NULL);
	put(NOTE_AT, UINT32_MAX, 4);
	assert_false(linux_recognise(image, sizeof(image)));
	put(NOTE_AT, 4, 4);
	put(NOTE_AT + 4, UINT32_MAX, 4);
	assert_false(linux_recognise(image, sizeof(image)));
	assert_false(linux_recognise(image, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_bzimage, bzimage),
		cmocka_unit_test_setup(initrds_have_limits, bzimage),
		cmocka_unit_test_setup(bad_bzimages, bzimage),
		cmocka_unit_test_setup(a_vmlinux, vmlinux),
		cmocka_unit_test_setup(bad_vmlinuxes, vmlinux),
		cmocka_unit_test_setup(what_is_no_linux, vmlinux),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
