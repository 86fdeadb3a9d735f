/* SPDX-License-Identifier: BSD-2-Clause */
/* What Multiboot 1 and 2 have in common: segments in memory, ELF files. */
#include "lib/multiboot_image.h"

#include <stdbool.h>

#include "lib/elf.h"
#include "lib/string.h"

/** Where a machine with `memory_size` bytes lets a kernel be loaded. */
static bool in_memory(const struct multiboot_segment *s, uint64_t memory_size)
{
	const uint64_t end = s->address + s->memory_size;

	return end <= memory_size &&
	       (end <= MULTIBOOT_LOW_END || s->address >= MULTIBOOT_HIGH_START);
}

static bool overlaps(const struct multiboot_segment *a, const struct multiboot_segment *b)
{
	return a->address < b->address + b->memory_size && b->address < a->address + a->memory_size;
}

const char *multiboot_segment_add(struct multiboot_plan *plan, const struct multiboot_segment *add)
{
	uint64_t end;

	if (plan->count == MULTIBOOT_MAX_SEGMENTS)
		return "more than 32 loadable segments";
	if (add->address >= LIMIT_4G)
		return "a segment lies above 4 GiB, where a 32-bit entry cannot reach it";
	if (__builtin_add_overflow(add->address, add->memory_size, &end) || end > LIMIT_4G)
		return "a segment lies outside the machine's memory";
	for (uint32_t i = 0; i < plan->count; i++) {
		if (overlaps(&plan->segment[i], add))
			return "two segments overlap in memory";
	}
	plan->segment[plan->count++] = *add;
	if (add->address < plan->start)
		plan->start = add->address;
	if (end > plan->end)
		plan->end = end;
	return NULL;
}

const char *multiboot_plan_check(const struct multiboot_plan *plan, uint64_t memory_size)
{
	for (uint32_t i = 0; i < plan->count; i++) {
		if (!in_memory(&plan->segment[i], memory_size))
			return "a segment lies outside the machine's memory";
	}
	/* The entry is where a segment has bytes of the file: zero-fill is no code. */
	for (uint32_t i = 0; i < plan->count; i++) {
		const struct multiboot_segment *s = &plan->segment[i];
		if (plan->entry >= s->address && plan->entry - s->address < s->file_size)
			return NULL;
	}
	return "the entry point is outside of every loaded segment";
}

/* -------------------------------------------------------------------------- addresses in the header */

const char *multiboot_plan_addresses(const struct image *image,
				     const struct multiboot_addresses *header,
				     struct multiboot_plan *plan)
{
	struct multiboot_segment s = {.address = header->load_addr};

	if (header->header_addr < header->load_addr ||
	    header->header_addr - header->load_addr > plan->header_offset)
		return "the header's load addresses contradict its place in the file";
	s.offset = plan->header_offset - (header->header_addr - header->load_addr);
	s.file_size = image->size - s.offset;
	if (header->load_end_addr != 0) {
		if (header->load_end_addr < header->load_addr)
			return "the header's load end is below its start";
		s.file_size = header->load_end_addr - header->load_addr;
	}
	if (!image_has(image, s.offset, s.file_size))
		return "truncated: the file is shorter than its header says";
	s.memory_size = s.file_size;
	if (header->bss_end_addr != 0) {
		if (header->bss_end_addr < header->load_addr + s.file_size)
			return "the header's bss end is below its load end";
		s.memory_size = header->bss_end_addr - header->load_addr;
	}
	if (s.memory_size == 0)
		return "nothing to load";
	plan->format = MULTIBOOT_FORMAT_KLUDGE;
	return multiboot_segment_add(plan, &s);
}

/* ------------------------------------------------------------------------------------------- ELF */

/** What both classes of ELF header say, in the wider types. */
struct elf_header {
	uint64_t entry, phoff, shoff;
	uint32_t phnum, phentsize, shnum, shentsize, shstrndx;
	uint16_t type, machine;
	bool wide;
};

/** Likewise of a program header. */
struct elf_segment {
	uint64_t offset, vaddr, paddr, filesz, memsz;
	uint32_t type;
};

#define ELF_HEADER_COPY(to, from)                                                                  \
	do {                                                                                       \
		(to)->entry = (from).e_entry;                                                      \
		(to)->phoff = (from).e_phoff;                                                      \
		(to)->shoff = (from).e_shoff;                                                      \
		(to)->phnum = (from).e_phnum;                                                      \
		(to)->phentsize = (from).e_phentsize;                                              \
		(to)->shnum = (from).e_shnum;                                                      \
		(to)->shentsize = (from).e_shentsize;                                              \
		(to)->shstrndx = (from).e_shstrndx;                                                \
		(to)->type = (from).e_type;                                                        \
		(to)->machine = (from).e_machine;                                                  \
	} while (0)

#define ELF_SEGMENT_COPY(to, from)                                                                 \
	do {                                                                                       \
		(to)->type = (from).p_type;                                                        \
		(to)->offset = (from).p_offset;                                                    \
		(to)->vaddr = (from).p_vaddr;                                                      \
		(to)->paddr = (from).p_paddr;                                                      \
		(to)->filesz = (from).p_filesz;                                                    \
		(to)->memsz = (from).p_memsz;                                                      \
	} while (0)

static const char *elf_header_get(const struct image *image, struct elf_header *out)
{
	uint8_t ident[EI_NIDENT];

	if (!image_has(image, 0, sizeof(ident)))
		return "truncated: too short for an ELF header";
	memcpy(ident, image->bytes, sizeof(ident));
	if (memcmp(ident, ELFMAG, SELFMAG) != 0)
		return "neither an ELF file nor load addresses in the Multiboot header";
	if (ident[EI_DATA] != ELFDATA2LSB || ident[EI_VERSION] != EV_CURRENT)
		return "an ELF file, but not little-endian of version 1";
	out->wide = ident[EI_CLASS] == ELFCLASS64;
	if (out->wide) {
		Elf64_Ehdr e;
		if (!image_has(image, 0, sizeof(e)))
			return "truncated: too short for an ELF header";
		memcpy(&e, image->bytes, sizeof(e));
		ELF_HEADER_COPY(out, e);
	} else if (ident[EI_CLASS] == ELFCLASS32) {
		Elf32_Ehdr e;
		if (!image_has(image, 0, sizeof(e)))
			return "truncated: too short for an ELF header";
		memcpy(&e, image->bytes, sizeof(e));
		ELF_HEADER_COPY(out, e);
	} else {
		return "an ELF file of unknown class";
	}
	return NULL;
}

static const char *elf_header_check(const struct image *image, const struct elf_header *elf)
{
	uint32_t entry_size = elf->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);

	if (elf->type != ET_EXEC)
		return "an ELF file, but not a statically linked executable (ET_EXEC)";
	if (elf->machine != EM_386 && elf->machine != EM_X86_64)
		return "an ELF file for another processor";
	if (elf->phnum == 0)
		return "an ELF file without program headers";
	if (elf->phentsize != entry_size)
		return "an ELF file with program headers of unknown size";
	if (!image_has(image, elf->phoff, (uint64_t)elf->phnum * entry_size))
		return "truncated ELF: its program headers lie outside the file";
	return NULL;
}

static void elf_segment_get(const struct image *image, const struct elf_header *elf, uint32_t n,
			    struct elf_segment *out)
{
	if (elf->wide) {
		Elf64_Phdr p;
		memcpy(&p, image->bytes + elf->phoff + n * sizeof(p), sizeof(p));
		ELF_SEGMENT_COPY(out, p);
	} else {
		Elf32_Phdr p;
		memcpy(&p, image->bytes + elf->phoff + n * sizeof(p), sizeof(p));
		ELF_SEGMENT_COPY(out, p);
	}
}

static const char *plan_elf_segment(const struct image *image, const struct elf_segment *p,
				    struct multiboot_plan *plan)
{
	struct multiboot_segment s = {.offset = p->offset,
				      .file_size = p->filesz,
				      .address = p->paddr,
				      .memory_size = p->memsz};

	if (p->filesz > p->memsz)
		return "an ELF segment is larger in the file than in memory";
	if (!image_has(image, p->offset, p->filesz))
		return "truncated ELF: a segment lies outside the file";
	return multiboot_segment_add(plan, &s);
}

/**
 * The entry point of an ELF file is an address of its own address space: translated through the
 * segment that holds it, as GRUB does, so that kernels linked to high addresses start where they
 * were loaded.
 */
static uint64_t elf_entry(uint64_t entry, const struct elf_segment *p, uint64_t so_far)
{
	if (p->vaddr != p->paddr && entry >= p->vaddr && entry - p->vaddr < p->filesz)
		return entry - p->vaddr + p->paddr;
	return so_far;
}

/** Section headers are only passed on: none, rather than an error, where they make no sense. */
static void plan_sections(const struct image *image, const struct elf_header *elf,
			  struct multiboot_plan *plan)
{
	uint32_t entry_size = elf->wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);

	if (elf->shentsize != entry_size || elf->shstrndx >= elf->shnum ||
	    !image_has(image, elf->shoff, (uint64_t)elf->shnum * entry_size))
		return;
	plan->sections = (struct multiboot_sections){.offset = elf->shoff,
						     .num = elf->shnum,
						     .entry_size = entry_size,
						     .names = elf->shstrndx};
}

const char *multiboot_plan_elf(const struct image *image, struct multiboot_plan *plan)
{
	struct elf_header elf;
	const char *why = elf_header_get(image, &elf);

	if (!why)
		why = elf_header_check(image, &elf);
	if (why)
		return why;
	uint64_t entry = elf.entry;
	for (uint32_t i = 0; i < elf.phnum; i++) {
		struct elf_segment p;
		elf_segment_get(image, &elf, i, &p);
		if (p.type != PT_LOAD || p.memsz == 0)
			continue;
		why = plan_elf_segment(image, &p, plan);
		if (why)
			return why;
		entry = elf_entry(elf.entry, &p, entry);
	}
	if (plan->count == 0)
		return "an ELF file with nothing to load";
	if (entry >= LIMIT_4G)
		return "its entry point is above 4 GiB: it asks for a 64-bit entry, Multiboot "
		       "enters in 32-bit mode";
	plan->entry = (uint32_t)entry;
	plan->format = elf.wide ? MULTIBOOT_FORMAT_ELF64 : MULTIBOOT_FORMAT_ELF32;
	plan_sections(image, &elf, plan);
	return NULL;
}
