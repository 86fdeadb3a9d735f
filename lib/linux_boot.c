/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/linux_boot.h"

#include <stddef.h>

#include "lib/elf.h"
#include "lib/string.h"

#define SECTOR	     512u
#define SECTS_DEFAULT 4u /**< what 0 stands for in setup_sects */
#define BOOT_FLAG    0xaa55u
#define MAGIC	     "HdrS"
#define VERSION_MIN  0x020cu /**< xloadflags came with 2.12 */
#define LOADED_HIGH  0x01u
#define XLF_KERNEL_64 0x0001u
#define ENTRY_64     0x200u /**< behind the start of the kernel ("64-bit Boot Protocol") */

#define LIMIT_4G UINT64_C(0x100000000)
#define PAGE	 UINT64_C(0x1000)

/* Xen's ELF note that names the PVH entry. */
#define NOTE_PHYS32_ENTRY 18u
#define NOTE_NAME	  "Xen"

struct image {
	const uint8_t *bytes;
	uint64_t size;
};

static bool inside(const struct image *image, uint64_t offset, uint64_t size)
{
	return offset <= image->size && size <= image->size - offset;
}

static uint64_t load(const struct image *image, uint64_t offset, unsigned int size)
{
	uint64_t value = 0;

	memcpy(&value, image->bytes + offset, size); /* little-endian */
	return value;
}

static bool overlaps(const struct linux_segment *a, const struct linux_segment *b)
{
	return a->address < b->address + b->memory_size &&
	       b->address < a->address + a->memory_size;
}

static const char *plan_add(struct linux_plan *plan, const struct linux_segment *s,
			    uint64_t memory_size)
{
	uint64_t end;

	if (plan->count == LINUX_MAX_SEGMENTS)
		return "too many segments";
	if (s->address < LINUX_LOAD_START)
		return "it loads below 1 MiB";
	if (__builtin_add_overflow(s->address, s->memory_size, &end) || end > memory_size)
		return "it needs more memory than the VM has";
	for (uint32_t i = 0; i < plan->count; i++) {
		if (overlaps(s, &plan->segment[i]))
			return "its segments overlap";
	}
	plan->segment[plan->count++] = *s;
	if (s->address < plan->start)
		plan->start = s->address;
	if (end > plan->end)
		plan->end = end;
	return NULL;
}

/* ----------------------------------------------------------------------------------------- bzImage */

static bool is_bzimage(const struct image *image)
{
	return inside(image, 0, LINUX_MAGIC + 4) &&
	       load(image, LINUX_BOOT_FLAG, 2) == BOOT_FLAG &&
	       memcmp(image->bytes + LINUX_MAGIC, MAGIC, 4) == 0;
}

static const char *header_check(const struct image *image)
{
	if (!inside(image, 0, LINUX_HEADER_END))
		return "truncated: the file ends in its setup header";
	if (load(image, LINUX_VERSION, 2) < VERSION_MIN)
		return "its boot protocol is older than 2.12";
	if (!(load(image, LINUX_LOADFLAGS, 1) & LOADED_HIGH))
		return "it isn't loaded high (a zImage)";
	if (!(load(image, LINUX_XLOADFLAGS, 2) & XLF_KERNEL_64))
		return "it has no 64-bit entry: a 32-bit kernel, or compiled without CONFIG_X86_64";
	return NULL;
}

/** The end of the setup header, as the jump over it tells. */
static uint32_t header_end(const struct image *image)
{
	const uint64_t end = LINUX_MAGIC + load(image, LINUX_JUMP_LENGTH, 1);
	const uint64_t limit = image->size < LINUX_HEADER_MAX ? image->size : LINUX_HEADER_MAX;

	return (uint32_t)(end < limit ? end : limit);
}

static const char *plan_bzimage(const struct image *image, uint64_t memory_size,
				struct linux_plan *plan)
{
	const char *why = header_check(image);
	struct linux_segment s;

	if (why)
		return why;
	uint64_t sectors = load(image, LINUX_SETUP_SECTS, 1);
	s.offset = ((sectors ? sectors : SECTS_DEFAULT) + 1) * SECTOR;
	if (s.offset >= image->size || image->size - s.offset <= ENTRY_64)
		return "truncated: the file ends before the kernel proper";
	s.file_size = image->size - s.offset;
	s.address = load(image, LINUX_PREF_ADDRESS, 8);
	s.memory_size = load(image, LINUX_INIT_SIZE, 4);
	if (s.memory_size < s.file_size)
		s.memory_size = s.file_size;
	s.zeros = 0;
	plan->kind = LINUX_ENTRY_64;
	plan->entry = s.address + ENTRY_64;
	plan->header_end = header_end(image);
	plan->cmdline_size = (uint32_t)load(image, LINUX_CMDLINE_SIZE, 4);
	plan->initrd_max = load(image, LINUX_INITRD_MAX, 4);
	return plan_add(plan, &s, memory_size);
}

/* --------------------------------------------------------------------------------------------- PVH */

static uint64_t align4(uint64_t value)
{
	return (value + 3) & ~UINT64_C(3);
}

/** Look for the note in one segment of notes; each is: sizes of name and content, type, these two. */
static bool note_find(const struct image *image, uint64_t at, uint64_t end, uint64_t *entry)
{
	while (at <= end && end - at >= 12) {
		const uint64_t name = load(image, at, 4), size = load(image, at + 4, 4);
		const uint64_t content = at + 12 + align4(name), next = content + align4(size);
		if (content > end || size > end - content)
			return false;
		if (load(image, at + 8, 4) == NOTE_PHYS32_ENTRY && name == sizeof(NOTE_NAME) &&
		    memcmp(image->bytes + at + 12, NOTE_NAME, sizeof(NOTE_NAME)) == 0 &&
		    (size == 4 || size == 8)) {
			*entry = load(image, content, (unsigned int)size);
			return true;
		}
		at = next;
	}
	return false;
}

static bool elf_header_get(const struct image *image, Elf64_Ehdr *elf)
{
	if (!inside(image, 0, sizeof(*elf)))
		return false;
	memcpy(elf, image->bytes, sizeof(*elf));
	return memcmp(elf->e_ident, ELFMAG, SELFMAG) == 0 &&
	       elf->e_ident[EI_CLASS] == ELFCLASS64 && elf->e_ident[EI_DATA] == ELFDATA2LSB &&
	       elf->e_machine == EM_X86_64 && elf->e_phentsize == sizeof(Elf64_Phdr) &&
	       inside(image, elf->e_phoff, (uint64_t)elf->e_phnum * sizeof(Elf64_Phdr));
}

static void segment_get(const struct image *image, const Elf64_Ehdr *elf, uint32_t n,
			Elf64_Phdr *segment)
{
	memcpy(segment, image->bytes + elf->e_phoff + (uint64_t)n * sizeof(*segment),
	       sizeof(*segment));
}

static bool is_pvh(const struct image *image, uint64_t *entry)
{
	Elf64_Ehdr elf;

	if (!elf_header_get(image, &elf))
		return false;
	for (uint32_t i = 0; i < elf.e_phnum; i++) {
		Elf64_Phdr p;
		segment_get(image, &elf, i, &p);
		if (p.p_type == PT_NOTE && inside(image, p.p_offset, p.p_filesz) &&
		    note_find(image, p.p_offset, p.p_offset + p.p_filesz, entry))
			return true;
	}
	return false;
}

static const char *plan_segment(const struct image *image, const Elf64_Phdr *p,
				uint64_t memory_size, struct linux_plan *plan)
{
	struct linux_segment s = {.offset = p->p_offset,
				  .file_size = p->p_filesz,
				  .address = p->p_paddr,
				  .memory_size = p->p_memsz};

	if (p->p_type != PT_LOAD || p->p_memsz == 0)
		return NULL;
	if (p->p_filesz > p->p_memsz)
		return "an ELF segment is larger in the file than in memory";
	if (!inside(image, p->p_offset, p->p_filesz))
		return "truncated ELF: a segment lies outside the file";
	s.zeros = p->p_memsz - p->p_filesz;
	return plan_add(plan, &s, memory_size);
}

static bool entry_is_loaded(const struct linux_plan *plan)
{
	for (uint32_t i = 0; i < plan->count; i++) {
		const struct linux_segment *s = &plan->segment[i];
		if (plan->entry >= s->address && plan->entry - s->address < s->file_size)
			return true;
	}
	return false;
}

static const char *plan_pvh(const struct image *image, uint64_t memory_size,
			    struct linux_plan *plan)
{
	Elf64_Ehdr elf;

	elf_header_get(image, &elf);
	for (uint32_t i = 0; i < elf.e_phnum; i++) {
		Elf64_Phdr p;
		segment_get(image, &elf, i, &p);
		const char *why = plan_segment(image, &p, memory_size, plan);
		if (why)
			return why;
	}
	plan->kind = LINUX_ENTRY_PVH;
	plan->initrd_max = LIMIT_4G - 1;
	plan->cmdline_size = UINT32_MAX;
	if (plan->count == 0)
		return "an ELF file with nothing to load";
	return entry_is_loaded(plan) ? NULL : "its PVH entry point lies outside of what is loaded";
}

/* ---------------------------------------------------------------------------------------------- both */

bool linux_recognise(const void *bytes, uint64_t size)
{
	const struct image image = {bytes, size};
	uint64_t entry;

	return is_bzimage(&image) || is_pvh(&image, &entry);
}

const char *linux_plan(const void *bytes, uint64_t size, uint64_t memory_size,
		       struct linux_plan *plan)
{
	const struct image image = {bytes, size};

	memset(plan, 0, sizeof(*plan));
	plan->start = UINT64_MAX;
	if (is_bzimage(&image))
		return plan_bzimage(&image, memory_size, plan);
	if (is_pvh(&image, &plan->entry))
		return plan_pvh(&image, memory_size, plan);
	return "neither a bzImage nor an ELF file with a PVH entry";
}

const char *linux_initrd_place(const struct linux_plan *plan, uint64_t size, uint64_t memory_size,
			       uint64_t *where)
{
	uint64_t limit = memory_size < LIMIT_4G ? memory_size : LIMIT_4G;

	if (plan->initrd_max < limit)
		limit = plan->initrd_max + 1;
	if (size > limit || ((limit - size) & ~(PAGE - 1)) < plan->end)
		return "this initrd doesn't fit into the VM's memory";
	*where = (limit - size) & ~(PAGE - 1);
	return NULL;
}
