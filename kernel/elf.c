/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/elf.h"

#include <hypike/types.h>

#include "kernel/layout.h"
#include "lib/elf.h"
#include "lib/string.h"

static const char *check_header(const Elf64_Ehdr *header)
{
	if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
		return "not an ELF file";
	if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
	    header->e_machine != EM_X86_64)
		return "not an ELF file for x86-64";
	if (header->e_type != ET_EXEC)
		return "not a static executable";
	if (header->e_phentsize != sizeof(Elf64_Phdr))
		return "its program headers have an unknown size";
	return NULL;
}

static const char *check_segment(const Elf64_Phdr *ph, uint64_t size)
{
	if (!hv_range_ok(ph->p_offset, ph->p_filesz, size))
		return "a segment lies outside the file";
	if (ph->p_filesz > ph->p_memsz)
		return "a segment is larger in the file than in memory";
	if (ph->p_vaddr < USER_FIRST || !hv_range_ok(ph->p_vaddr, ph->p_memsz, USER_PROGRAM_END))
		return "a segment lies outside the addresses of programs";
	if ((ph->p_flags & (PF_W | PF_X)) == (PF_W | PF_X))
		return "a segment is writable and executable";
	return NULL;
}

static uint64_t page_of(uint64_t address)
{
	return address & ~(uint64_t)HV_PAGE_MASK;
}

static const char *add_segment(struct elf_program *program, const void *file, const Elf64_Phdr *ph)
{
	const struct elf_segment *last = program->segment;

	if (program->count == ELF_MAX_SEGMENTS)
		return "too many segments";
	if (program->count != 0)
		last += program->count - 1;
	if (program->count != 0 && page_of(last->address + last->size - 1) >= page_of(ph->p_vaddr))
		return "two segments share a page or are not in ascending order";
	program->segment[program->count++] = (struct elf_segment){
		.address = ph->p_vaddr,
		.size = ph->p_memsz,
		.bytes = (const uint8_t *)file + ph->p_offset,
		.file_size = ph->p_filesz,
		.write = (ph->p_flags & PF_W) != 0,
		.exec = (ph->p_flags & PF_X) != 0,
	};
	return NULL;
}

static const char *take_segment(struct elf_program *program, const void *file, uint64_t size,
				const Elf64_Phdr *ph)
{
	const char *reason;

	if (ph->p_type == PT_INTERP || ph->p_type == PT_DYNAMIC)
		return "dynamically linked";
	if (ph->p_type != PT_LOAD || ph->p_memsz == 0)
		return NULL;
	reason = check_segment(ph, size);
	return reason != NULL ? reason : add_segment(program, file, ph);
}

static bool entry_is_code(const struct elf_program *program)
{
	for (uint32_t i = 0; i < program->count; i++) {
		const struct elf_segment *segment = &program->segment[i];

		if (segment->exec && program->entry >= segment->address &&
		    program->entry - segment->address < segment->file_size)
			return true;
	}
	return false;
}

const char *elf_check(const void *file, uint64_t size, struct elf_program *program)
{
	const Elf64_Ehdr *header = file;
	const char *reason;
	Elf64_Phdr ph;

	if (size < sizeof(*header))
		return "too short for an ELF file";
	reason = check_header(header);
	if (reason != NULL)
		return reason;
	if (!hv_range_ok(header->e_phoff, (uint64_t)header->e_phnum * sizeof(ph), size))
		return "its program headers lie outside the file";
	program->entry = header->e_entry;
	program->count = 0;
	for (uint32_t i = 0; i < header->e_phnum; i++) {
		memcpy(&ph, (const uint8_t *)file + header->e_phoff + i * sizeof(ph), sizeof(ph));
		reason = take_segment(program, file, size, &ph);
		if (reason != NULL)
			return reason;
	}
	return entry_is_code(program) ? NULL : "its entry point is not in its code";
}
