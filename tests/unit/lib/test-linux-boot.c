/* SPDX-License-Identifier: BSD-2-Clause */
/* Linux kernel images, good and bad. @verifies LIB-211 LIB-212 LIB-213 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/kernel_check.h"
#include "lib/linux_boot.h"
#include "tests/unit/lib/linux_image.h"

#define MEMORY UINT64_C(0x8000000)

static struct linux_plan plan;

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
	assert_true(plan.segment[0].zeros == 0);
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
	assert_true(plan.segment[0].zeros == 0x2000 - LOAD_SIZE);
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
