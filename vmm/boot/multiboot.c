/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Multiboot 0.6.96: loads a kernel by the plan of lib/multiboot_load, modules behind it, and builds
 * the boot information in the upper part of low memory, or behind the modules where the kernel
 * occupies that.
 *
 * @req BOOT-001 A Multiboot 1 kernel is loaded where its header or ELF file says, its modules on page
 *               boundaries behind it, and started with the machine state of section 3.2.
 * @req BOOT-002 Information structure, memory map, command lines and modules are as in section 3.3.
 * @req BOOT-003 A kernel or module that is missing, malformed or doesn't fit is refused with a message
 *               that names file and reason.
 */
#include "vmm/boot/multiboot.h"

#include "lib/multiboot.h"
#include "lib/string.h"

static int kernel_load(struct multiboot_load *load, struct multiboot_plan *plan)
{
	int failed = boot_kernel_file(load->vm, load->options, &load->file);

	if (failed)
		return failed;
	const char *why = multiboot_plan(load->file.data, load->file.size, load->limit, plan);
	if (why)
		return boot_refuse(load->vm, load->options->kernel, why);
	load->plan = plan;
	multiboot_kernel_copy(load);
	return 0;
}

/* --------------------------------------------------------------------------------- boot information */

static uint32_t info_put(struct multiboot_load *load, const void *data, size_t size)
{
	uint32_t at;

	memcpy(multiboot_info_take(load, size, &at), data, size);
	return at;
}

/** "NAME arguments": a boot loader's command line begins with the file's name. */
static uint32_t info_cmdline(struct multiboot_load *load, const char *name, const char *args)
{
	size_t n = strlen(name), m = strlen(args);
	uint32_t at;
	char *to = multiboot_info_take(load, n + m + 2, &at);

	memcpy(to, name, n);
	if (m > 0)
		to[n++] = ' ';
	memcpy(to + n, args, m);
	to[n + m] = '\0';
	return at;
}

/** Upper bound of what info_build() takes. */
static size_t info_size(const struct multiboot_load *load)
{
	const struct options *options = load->options;
	size_t size = sizeof(struct multiboot_info) + sizeof(MULTIBOOT_LOADER_NAME) +
		      strlen(options->kernel) + strlen(options->cmdline) + 2 +
		      MACHINE_MEMORY_ROWS * sizeof(struct multiboot_mmap_entry) +
		      options->modules * sizeof(struct multiboot_mod_list);

	for (uint32_t i = 0; i < options->modules; i++)
		size += strlen(options->module[i]) + 1 + 8;
	return size + 8u * MULTIBOOT_INFO_ALIGN; /* every piece is aligned */
}

static void put_memory_map(struct multiboot_load *load, struct multiboot_info *info)
{
	struct machine_memory rows[MACHINE_MEMORY_ROWS];
	unsigned int count = load->vm->machine->memory_map(load->vm, rows);
	struct multiboot_mmap_entry entries[MACHINE_MEMORY_ROWS];

	for (unsigned int i = 0; i < count; i++) {
		entries[i] = (struct multiboot_mmap_entry){.size = sizeof(entries[i]) - 4,
							   .addr = rows[i].start,
							   .len = rows[i].size,
							   .type = rows[i].type};
	}
	uint32_t lower = 0, upper = 0;
	multiboot_memory_sizes(rows, count, &lower, &upper);
	info->mem_lower = lower;
	info->mem_upper = upper;
	info->mmap_length = (uint32_t)(count * sizeof(entries[0]));
	info->mmap_addr = info_put(load, entries, info->mmap_length);
	info->flags |= MULTIBOOT_INFO_MEMORY | MULTIBOOT_INFO_MEM_MAP;
}

static void put_modules(struct multiboot_load *load, struct multiboot_info *info)
{
	struct multiboot_mod_list list[OPTIONS_MODULES];
	uint32_t count = load->options->modules;

	for (uint32_t i = 0; i < count; i++)
		list[i] = (struct multiboot_mod_list){
			.mod_start = load->module[i].start,
			.mod_end = load->module[i].end,
			.cmdline = info_cmdline(load, load->options->module[i], "")};
	info->mods_count = count;
	info->mods_addr = info_put(load, list, count * sizeof(list[0]));
	info->flags |= MULTIBOOT_INFO_MODS;
}

/** A kernel that asks for a video mode gets told that there is the text screen (3.3, type 2). */
static void put_framebuffer(struct multiboot_info *info)
{
	info->framebuffer_addr = 0xb8000;
	info->framebuffer_pitch = 160;
	info->framebuffer_width = 80;
	info->framebuffer_height = 25;
	info->framebuffer_bpp = 16;
	info->framebuffer_type = 2;
	info->flags |= MULTIBOOT_INFO_FRAMEBUFFER_INFO;
}

/** @return the guest-physical address of the information structure. */
static uint32_t info_build(struct multiboot_load *load)
{
	struct multiboot_info info = {0};
	uint32_t at;
	void *to = multiboot_info_take(load, sizeof(info), &at);

	put_memory_map(load, &info);
	put_modules(load, &info);
	info.cmdline = info_cmdline(load, load->options->kernel, load->options->cmdline);
	info.boot_loader_name = info_put(load, MULTIBOOT_LOADER_NAME,
					 sizeof(MULTIBOOT_LOADER_NAME));
	info.flags |= MULTIBOOT_INFO_CMDLINE | MULTIBOOT_INFO_BOOT_LOADER_NAME;
	if (load->plan->flags & MULTIBOOT_VIDEO_MODE)
		put_framebuffer(&info);
	memcpy(to, &info, sizeof(info));
	return at;
}

int boot_multiboot(struct vm *vm, const struct options *options)
{
	static struct multiboot_load load;
	static struct multiboot_plan plan;

	multiboot_begin(&load, vm, options);
	int failed = kernel_load(&load, &plan);
	if (!failed)
		failed = multiboot_modules_load(&load);
	if (failed)
		return failed;
	if (!multiboot_info_place(&load, info_size(&load)))
		return boot_refuse(vm, options->kernel,
				   "too little memory for the boot information");
	return multiboot_start(&load, MULTIBOOT_BOOTLOADER_MAGIC, info_build(&load));
}
