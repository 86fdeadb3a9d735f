/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/attach.h"

#include <hypike/system.h>
#include <hypike/types.h>
#include <string.h>

#include "lib/elf.h"

/* Loaders look for program headers no farther than for a Multiboot header. */
#define HEADERS_END 8192u

struct elf {
	Elf32_Ehdr header;
	Elf32_Phdr *segments;
};

static bool elf_open(const struct bytes *file, struct elf *elf)
{
	if (file->size < sizeof(elf->header))
		return false;
	memcpy(&elf->header, file->data, sizeof(elf->header));
	if (memcmp(elf->header.e_ident, ELFMAG, SELFMAG) != 0 ||
	    elf->header.e_ident[EI_CLASS] != ELFCLASS32 ||
	    elf->header.e_phentsize != sizeof(Elf32_Phdr) || elf->header.e_phnum == 0 ||
	    elf->header.e_phoff % 4 != 0 ||
	    !hv_range_ok(elf->header.e_phoff,
			 (uint64_t)elf->header.e_phnum * sizeof(Elf32_Phdr), file->size))
		return false;
	elf->segments = (void *)(file->data + elf->header.e_phoff);
	return true;
}

/* The note about the attachment, in the first loaded bytes. */
static struct system_attachment *note_find(const struct bytes *file)
{
	static const char magic[] = SYSTEM_ATTACHMENT_MAGIC;
	const size_t end = file->size < HEADERS_END ? file->size : HEADERS_END;

	for (size_t at = 0; at + sizeof(struct system_attachment) <= end; at += 8)
		if (memcmp(file->data + at, magic, SYSTEM_ATTACHMENT_MAGIC_SIZE) == 0)
			return (void *)(file->data + at);
	return NULL;
}

static uint64_t page_up(uint64_t size)
{
	return (size + SYSTEM_PAGE - 1) / SYSTEM_PAGE * SYSTEM_PAGE;
}

static uint64_t memory_end(const struct elf *elf)
{
	uint64_t end = 0;

	for (unsigned i = 0; i < elf->header.e_phnum; i++)
		if (elf->segments[i].p_type == PT_LOAD &&
		    (uint64_t)elf->segments[i].p_paddr + elf->segments[i].p_memsz > end)
			end = (uint64_t)elf->segments[i].p_paddr + elf->segments[i].p_memsz;
	return page_up(end);
}

static uint64_t first_content(const struct elf *elf)
{
	uint64_t first = UINT64_MAX;

	for (unsigned i = 0; i < elf->header.e_phnum; i++)
		if (elf->segments[i].p_filesz != 0 && elf->segments[i].p_offset < first)
			first = elf->segments[i].p_offset;
	return first;
}

/* One more header behind the last: there must be nothing there. */
static bool room_for_header(const struct elf *elf)
{
	const uint64_t end = elf->header.e_phoff +
			     (elf->header.e_phnum + 1u) * (uint64_t)sizeof(Elf32_Phdr);

	return end <= HEADERS_END && end <= first_content(elf) &&
	       (elf->header.e_shnum == 0 || elf->header.e_shoff >= end);
}

static void write_segment(struct bytes *out, const struct elf *elf, uint64_t offset,
			  uint64_t address, uint64_t size)
{
	const Elf32_Phdr segment = {
		.p_type = PT_LOAD,
		.p_offset = (Elf32_Off)offset,
		.p_vaddr = (Elf32_Addr)address,
		.p_paddr = (Elf32_Addr)address,
		.p_filesz = (Elf32_Word)size,
		.p_memsz = (Elf32_Word)size,
		.p_flags = PF_R,
		.p_align = SYSTEM_PAGE,
	};
	Elf32_Ehdr header = elf->header;

	header.e_phnum++;
	memcpy(out->data, &header, sizeof(header));
	memcpy(out->data + header.e_phoff + (header.e_phnum - 1u) * sizeof(segment), &segment,
	       sizeof(segment));
}

bool attach_make(const char *path, const struct bytes *kernel, const struct bytes *system,
		 struct bytes *out)
{
	const uint64_t offset = page_up(kernel->size);
	uint64_t address;
	struct system_attachment *note;
	struct elf elf;

	if (!elf_open(kernel, &elf) || note_find(kernel) == NULL || !room_for_header(&elf))
		return report("%s: this is no kernel of HyPike that a system can be put into", path);
	address = memory_end(&elf);
	if (!hv_range_ok(address, system->size, UINT64_C(1) << 31) ||
	    !hv_range_ok(offset, system->size, UINT64_C(1) << 31))
		return report("%s: with a system of %zu bytes it would be too large", path,
			      system->size);
	out->size = (size_t)offset + system->size;
	out->data = memory_new(out->size);
	memcpy(out->data, kernel->data, kernel->size);
	memcpy(out->data + offset, system->data, system->size);
	write_segment(out, &elf, offset, address, system->size);
	note = note_find(out);
	note->start = address;
	note->size = system->size;
	return true;
}

bool attach_find(const struct bytes *file, struct bytes *system)
{
	const struct system_attachment *note;
	struct elf elf;

	if (!elf_open(file, &elf))
		return false;
	note = note_find(file);
	if (note == NULL || note->size == 0)
		return false;
	for (unsigned i = 0; i < elf.header.e_phnum; i++) {
		const Elf32_Phdr *segment = &elf.segments[i];

		if (segment->p_type != PT_LOAD || segment->p_paddr != note->start ||
		    segment->p_filesz != note->size ||
		    !hv_range_ok(segment->p_offset, segment->p_filesz, file->size))
			continue;
		system->data = file->data + segment->p_offset;
		system->size = segment->p_filesz;
		return true;
	}
	return false;
}
