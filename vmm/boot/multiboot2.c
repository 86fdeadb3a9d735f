/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Multiboot 2.0: loads a kernel by the plan of lib/multiboot2_load, modules behind it, then the sections of its ELF
 * file that aren't loaded otherwise (symbols), and builds the boot information as tags.
 *
 * @req BOOT-004 A Multiboot 2 kernel is loaded where its header or ELF file says, or where its relocation tag
 *               allows; its modules on page boundaries behind it; and started with the machine state of
 *               section 3.3.
 * @req BOOT-005 The boot information has the tags of section 3.6 for what there is: command line, loader, modules,
 *               memory sizes and map, text screen, ELF sections, RSDP, load address.
 */
#include "vmm/boot/multiboot.h"

#include "lib/acpi.h"
#include "lib/elf.h"
#include "lib/multiboot2.h"
#include "lib/multiboot2_load.h"
#include "lib/string.h"
#include "vmm/dev/vga_text.h"

/** More sections than that, and the kernel isn't told of any. */
#define SECTIONS_MAX 256u

/** 3.6.12: text, whose numbers are characters. */
#define FRAMEBUFFER_TEXT 2u

struct load2 {
	struct multiboot_load base;
	struct multiboot2_plan plan;
	uint8_t *info; /**< where the information begins, for us */
	uint32_t size; /**< of it so far */
};

static int kernel_load(struct load2 *load)
{
	struct multiboot_load *base = &load->base;
	int failed = boot_kernel_file(base->vm, base->options, &base->file);

	if (failed)
		return failed;
	const char *why = multiboot2_plan(base->file.data, base->file.size, base->limit, &load->plan);
	if (why)
		return boot_refuse(base->vm, base->options->kernel, why);
	base->plan = &load->plan.plan;
	multiboot_kernel_copy(base);
	return 0;
}

/* ---------------------------------------------------------------------------------------------- tags */

/** Room for a tag of `size` bytes, its head filled in. */
static void *tag_take(struct load2 *load, uint32_t type, size_t size)
{
	struct multiboot2_tag *tag = (void *)(load->info + load->size);

	*tag = (struct multiboot2_tag){type, (uint32_t)size};
	load->size += (uint32_t)((size + MULTIBOOT2_TAG_ALIGN - 1) &
				 ~(size_t)(MULTIBOOT2_TAG_ALIGN - 1));
	return tag;
}

static void put_string(struct load2 *load, uint32_t type, const char *text)
{
	const size_t size = strlen(text) + 1;
	struct multiboot2_tag_string *tag = tag_take(load, type, sizeof(*tag) + size);

	memcpy(tag->string, text, size);
}

static void put_modules(struct load2 *load)
{
	for (uint32_t i = 0; i < load->base.options->modules; i++) {
		const char *text = load->base.options->module[i];
		const size_t size = strlen(text) + 1;
		struct multiboot2_tag_module *tag =
			tag_take(load, MULTIBOOT2_TAG_TYPE_MODULE, sizeof(*tag) + size);
		tag->mod_start = load->base.module[i].start;
		tag->mod_end = load->base.module[i].end;
		memcpy(tag->string, text, size);
	}
}

static void put_memory(struct load2 *load)
{
	struct machine_memory rows[MACHINE_MEMORY_ROWS];
	struct vm *vm = load->base.vm;
	const unsigned int count = vm->machine->memory_map(vm, rows);
	struct multiboot2_tag_basic_meminfo *sizes =
		tag_take(load, MULTIBOOT2_TAG_TYPE_BASIC_MEMINFO, sizeof(*sizes));
	struct multiboot2_tag_mmap *map =
		tag_take(load, MULTIBOOT2_TAG_TYPE_MMAP,
			 sizeof(*map) + count * sizeof(struct multiboot2_mmap_entry));

	multiboot_memory_sizes(rows, count, &sizes->mem_lower, &sizes->mem_upper);
	map->entry_size = sizeof(struct multiboot2_mmap_entry);
	for (unsigned int i = 0; i < count; i++) {
		const struct multiboot2_mmap_entry entry = {
			.base_addr = rows[i].start, .length = rows[i].size, .type = rows[i].type};
		memcpy((uint8_t *)(map + 1) + i * sizeof(entry), &entry, sizeof(entry));
	}
}

static void put_screen(struct load2 *load)
{
	struct multiboot2_tag_framebuffer *tag =
		tag_take(load, MULTIBOOT2_TAG_TYPE_FRAMEBUFFER, sizeof(*tag));

	tag->framebuffer_addr = VGA_TEXT_ADDRESS;
	tag->framebuffer_pitch = 2 * VGA_TEXT_COLUMNS;
	tag->framebuffer_width = VGA_TEXT_COLUMNS;
	tag->framebuffer_height = VGA_TEXT_ROWS;
	tag->framebuffer_bpp = 16;
	tag->framebuffer_type = FRAMEBUFFER_TEXT;
}

/** The root pointer, as ACPI 2.0 has it, and the part of it that ACPI 1.0 had. */
static void put_rsdp(struct load2 *load)
{
	const struct vm *vm = load->base.vm;
	const uint32_t old = offsetof(struct acpi_rsdp, length), whole = sizeof(struct acpi_rsdp);
	struct multiboot2_tag_acpi *tag;

	if (vm->rsdp == 0)
		return;
	tag = tag_take(load, MULTIBOOT2_TAG_TYPE_ACPI_OLD, sizeof(*tag) + old);
	memcpy(tag->rsdp, vm->ram + vm->rsdp, old);
	tag = tag_take(load, MULTIBOOT2_TAG_TYPE_ACPI_NEW, sizeof(*tag) + whole);
	memcpy(tag->rsdp, vm->ram + vm->rsdp, whole);
}

static void put_load_base(struct load2 *load)
{
	struct multiboot2_tag_load_base_addr *tag;

	if (!load->plan.relocatable)
		return;
	tag = tag_take(load, MULTIBOOT2_TAG_TYPE_LOAD_BASE_ADDR, sizeof(*tag));
	tag->load_base_addr = (uint32_t)load->plan.plan.start;
}

/* -------------------------------------------------------------------------------------- ELF sections */

/** The members of both classes' section headers that matter here. */
struct section {
	uint64_t addr, offset, size;
	uint32_t type;
};

static struct section section_get(const uint8_t *header, bool wide)
{
	Elf64_Shdr s64;
	Elf32_Shdr s32;

	if (wide) {
		memcpy(&s64, header, sizeof(s64));
		return (struct section){s64.sh_addr, s64.sh_offset, s64.sh_size, s64.sh_type};
	}
	memcpy(&s32, header, sizeof(s32));
	return (struct section){s32.sh_addr, s32.sh_offset, s32.sh_size, s32.sh_type};
}

static void section_set_address(uint8_t *header, bool wide, uint64_t address)
{
	const size_t where = wide ? offsetof(Elf64_Shdr, sh_addr) : offsetof(Elf32_Shdr, sh_addr);

	memcpy(header + where, &address, wide ? sizeof(uint64_t) : sizeof(uint32_t));
}

/** Load a section that no segment holds, as far as it fits; without an address it isn't there. */
static void section_load(struct load2 *load, uint8_t *header, bool wide)
{
	struct multiboot_load *base = &load->base;
	const struct section s = section_get(header, wide);

	if (s.addr != 0 || s.size == 0 || s.type == SHT_NULL || s.type == SHT_NOBITS ||
	    !hv_range_ok(s.offset, s.size, base->file.size))
		return;
	const uint64_t where = multiboot_take_behind(base, s.size);
	if (where == 0)
		return;
	memcpy(base->vm->ram + where, (const uint8_t *)base->file.data + s.offset, (size_t)s.size);
	section_set_address(header, wide, where);
}

static const struct multiboot_sections *sections_of(const struct load2 *load)
{
	const struct multiboot_sections *sections = &load->plan.plan.sections;

	return sections->num > 0 && sections->num <= SECTIONS_MAX ? sections : NULL;
}

static size_t sections_size(const struct load2 *load)
{
	const struct multiboot_sections *sections = sections_of(load);

	return sections ? (size_t)sections->num * sections->entry_size : 0;
}

/** 3.6.10. Sections of a relocated kernel keep the addresses that they were linked to. */
static void put_sections(struct load2 *load)
{
	const struct multiboot_sections *sections = sections_of(load);
	const bool wide = load->plan.plan.format == MULTIBOOT_FORMAT_ELF64;
	struct multiboot2_tag_elf_sections *tag;

	if (!sections)
		return;
	tag = tag_take(load, MULTIBOOT2_TAG_TYPE_ELF_SECTIONS, sizeof(*tag) + sections_size(load));
	tag->num = sections->num;
	tag->entsize = sections->entry_size;
	tag->shndx = sections->names;
	memcpy(tag->sections, (const uint8_t *)load->base.file.data + sections->offset,
	       sections_size(load));
	for (uint32_t i = 0; i < sections->num; i++)
		section_load(load, tag->sections + i * sections->entry_size, wide);
}

/* ----------------------------------------------------------------------------------- the information */

/** Upper bound of what info_build() takes. */
static size_t info_size(const struct load2 *load)
{
	const struct options *options = load->base.options;
	size_t size = 512 + sizeof(MULTIBOOT_LOADER_NAME) + strlen(options->cmdline) +
		      MACHINE_MEMORY_ROWS * sizeof(struct multiboot2_mmap_entry) + sections_size(load);

	for (uint32_t i = 0; i < options->modules; i++)
		size += sizeof(struct multiboot2_tag_module) + strlen(options->module[i]) + 1 +
			MULTIBOOT2_TAG_ALIGN;
	return size;
}

/** @return the guest-physical address of the information. */
static uint32_t info_build(struct load2 *load, size_t room)
{
	uint32_t where;

	load->info = multiboot_info_take(&load->base, room, &where);
	memset(load->info, 0, room);
	load->size = sizeof(struct multiboot2_info);
	put_string(load, MULTIBOOT2_TAG_TYPE_CMDLINE, load->base.options->cmdline);
	put_string(load, MULTIBOOT2_TAG_TYPE_BOOT_LOADER_NAME, MULTIBOOT_LOADER_NAME);
	put_modules(load);
	put_memory(load);
	put_screen(load);
	put_rsdp(load);
	put_load_base(load);
	put_sections(load);
	tag_take(load, MULTIBOOT2_TAG_TYPE_END, sizeof(struct multiboot2_tag));
	*(struct multiboot2_info *)(void *)load->info =
		(struct multiboot2_info){.total_size = load->size};
	return where;
}

int boot_multiboot2(struct vm *vm, const struct options *options)
{
	static struct load2 load;

	memset(&load, 0, sizeof(load));
	multiboot_begin(&load.base, vm, options);
	int failed = kernel_load(&load);
	if (!failed)
		failed = multiboot_modules_load(&load.base);
	if (failed)
		return failed;
	const size_t room = info_size(&load);
	if (!multiboot_info_place(&load.base, room))
		return boot_refuse(vm, options->kernel,
				   "too little memory for the boot information");
	if (load.base.info >= load.base.end)
		load.base.end = load.base.info + boot_page_up(room) + HV_PAGE_SIZE;
	const uint32_t info = info_build(&load, room);
	return multiboot_start(&load.base, MULTIBOOT2_BOOTLOADER_MAGIC, info);
}
