/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file test-elf.c
 * A good program is taken, each broken one refused with its own reason, and random damage never
 * leads outside the file.
 *
 * @verifies KRN-010
 */
#include "tests/unit/kernel/process.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/elf.h"
#include "kernel/layout.h"
#include "lib/elf.h"

#define CODE_AT 0x400000u
#define DATA_AT 0x402000u
#define SIZE	0x3000u

struct file {
	Elf64_Ehdr header;
	Elf64_Phdr ph[20];
};

static void good(uint8_t bytes[SIZE])
{
	struct file *file = (struct file *)bytes;

	memset(bytes, 0, SIZE);
	file->header = (Elf64_Ehdr){
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_entry = CODE_AT + 0x10,
		.e_phoff = offsetof(struct file, ph),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 2,
	};
	file->ph[0] = (Elf64_Phdr){.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_offset = 0x1000,
				   .p_vaddr = CODE_AT, .p_filesz = 0x800, .p_memsz = 0x800};
	file->ph[1] = (Elf64_Phdr){.p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_offset = 0x2000,
				   .p_vaddr = DATA_AT, .p_filesz = 0x100, .p_memsz = 0x5000};
}

static void takes_good(void **state)
{
	uint8_t bytes[SIZE] __attribute__((aligned(8)));
	struct elf_program program;

	(void)state;
	good(bytes);
	assert_null(elf_check(bytes, SIZE, &program));
	assert_int_equal(program.count, 2);
	assert_int_equal(program.entry, CODE_AT + 0x10);
	assert_true(program.segment[0].exec && !program.segment[0].write);
	assert_true(program.segment[1].write && !program.segment[1].exec);
	assert_ptr_equal(program.segment[1].bytes, bytes + 0x2000);
	assert_int_equal(program.segment[1].size, 0x5000);
}

/* One change, and the reason that it must lead to. */
#define BREAK(name, change)                                                                        \
	static void name(struct file *f)                                                           \
	{                                                                                          \
		change;                                                                            \
	}
BREAK(no_magic, f->header.e_ident[0] = 0)
BREAK(class_32, f->header.e_ident[EI_CLASS] = ELFCLASS32)
BREAK(other_machine, f->header.e_machine = EM_386)
BREAK(shared, f->header.e_type = ET_DYN)
BREAK(odd_headers, f->header.e_phentsize = 57)
BREAK(headers_outside, f->header.e_phoff = SIZE - 8)
BREAK(headers_wrap, f->header.e_phoff = UINT64_MAX - 8)
BREAK(headers_many, f->header.e_phnum = 0xffff)
BREAK(segment_outside, f->ph[1].p_filesz = 0x1001)
BREAK(segment_wraps, f->ph[1].p_offset = UINT64_MAX - 0x80)
BREAK(file_larger, f->ph[0].p_memsz = 0x7ff)
BREAK(too_low, f->ph[0].p_vaddr = USER_FIRST - 0x1000)
BREAK(too_high, f->ph[1].p_vaddr = USER_PROGRAM_END - 0x1000)
BREAK(in_kernel, f->ph[1].p_vaddr = KERNEL_BASE)
BREAK(size_wraps, f->ph[1].p_memsz = UINT64_MAX - 0x1000)
BREAK(write_exec, f->ph[1].p_flags = PF_R | PF_W | PF_X)
BREAK(same_page, f->ph[1].p_vaddr = CODE_AT + 0x800)
BREAK(descending, f->ph[0].p_vaddr = DATA_AT + 0x10000)
BREAK(interpreter, f->ph[1].p_type = PT_INTERP)
BREAK(dynamic, f->ph[1].p_type = PT_DYNAMIC)
BREAK(entry_in_data, f->header.e_entry = DATA_AT)
BREAK(entry_nowhere, f->header.e_entry = 0)
BREAK(entry_in_bss, f->ph[0].p_memsz = 0x1000; f->header.e_entry = CODE_AT + 0x900)
BREAK(no_segments, f->header.e_phnum = 0)

static void too_many(struct file *f)
{
	f->header.e_phnum = ELF_MAX_SEGMENTS + 1;
	for (unsigned int i = 0; i <= ELF_MAX_SEGMENTS; i++) {
		f->ph[i] = f->ph[0];
		f->ph[i].p_vaddr = CODE_AT + i * 0x1000;
	}
}

static const struct {
	void (*apply)(struct file *f);
	const char *reason;
} breaks[] = {
	{no_magic, "not an ELF file"},
	{class_32, "not an ELF file for x86-64"},
	{other_machine, "not an ELF file for x86-64"},
	{shared, "not a static executable"},
	{odd_headers, "its program headers have an unknown size"},
	{headers_outside, "its program headers lie outside the file"},
	{headers_wrap, "its program headers lie outside the file"},
	{headers_many, "its program headers lie outside the file"},
	{segment_outside, "a segment lies outside the file"},
	{segment_wraps, "a segment lies outside the file"},
	{file_larger, "a segment is larger in the file than in memory"},
	{too_low, "a segment lies outside the addresses of programs"},
	{too_high, "a segment lies outside the addresses of programs"},
	{in_kernel, "a segment lies outside the addresses of programs"},
	{size_wraps, "a segment lies outside the addresses of programs"},
	{write_exec, "a segment is writable and executable"},
	{same_page, "two segments share a page or are not in ascending order"},
	{descending, "two segments share a page or are not in ascending order"},
	{interpreter, "dynamically linked"},
	{dynamic, "dynamically linked"},
	{entry_in_data, "its entry point is not in its code"},
	{entry_nowhere, "its entry point is not in its code"},
	{entry_in_bss, "its entry point is not in its code"},
	{no_segments, "its entry point is not in its code"},
	{too_many, "too many segments"},
};

static void refuses_broken(void **state)
{
	uint8_t bytes[SIZE] __attribute__((aligned(8)));
	struct elf_program program;
	const char *reason;

	(void)state;
	for (unsigned int i = 0; i < sizeof(breaks) / sizeof(breaks[0]); i++) {
		good(bytes);
		breaks[i].apply((struct file *)bytes);
		reason = elf_check(bytes, SIZE, &program);
		assert_non_null(reason);
		assert_string_equal(reason, breaks[i].reason);
	}
}

static void refuses_truncated(void **state)
{
	uint8_t bytes[SIZE] __attribute__((aligned(8)));
	struct elf_program program;

	(void)state;
	good(bytes);
	for (uint64_t size = 0; size < 0x2100; size++) {
		/* A block of exactly that size: the sanitizer sees any byte read behind it. */
		uint8_t *cut = malloc(size + (size == 0));

		memcpy(cut, bytes, size);
		assert_non_null(elf_check(cut, size, &program));
		free(cut);
	}
}

/* What is accepted of a damaged file must lie inside it and inside the program's addresses. */
static void check_accepted(const uint8_t *file, const struct elf_program *program)
{
	for (uint32_t i = 0; i < program->count; i++) {
		const struct elf_segment *s = &program->segment[i];

		assert_true(s->bytes >= file && s->bytes + s->file_size <= file + SIZE);
		assert_true(s->file_size <= s->size && s->address >= USER_FIRST);
		assert_true(s->size <= USER_PROGRAM_END - s->address && !(s->write && s->exec));
		if (i > 0)
			assert_true(s->address / 4096 >
				    (s[-1].address + s[-1].size - 1) / 4096);
	}
}

static void survives_damage(void **state)
{
	uint8_t *bytes = malloc(SIZE);
	struct elf_program program;
	unsigned int accepted = 0;

	(void)state;
	random_seed(1);
	for (unsigned int round = 0; round < 200000; round++) {
		good(bytes);
		for (uint64_t n = random_below(4) + 1; n > 0; n--)
			bytes[random_below(sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr))] =
				(uint8_t)random64();
		if (elf_check(bytes, SIZE, &program) == NULL) {
			check_accepted(bytes, &program);
			accepted++;
		}
	}
	assert_true(accepted > 1000); /* bytes that don't matter */
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_good),
		cmocka_unit_test(refuses_broken),
		cmocka_unit_test(refuses_truncated),
		cmocka_unit_test(survives_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
