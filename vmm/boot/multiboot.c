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
#include "vmm/boot/boot.h"

#include "lib/multiboot.h"
#include "lib/multiboot_load.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "lib/x86/regs.h"
#include "vmm/machine/machine.h"
#include "vmm/status.h"

#define LOADER_NAME "HyPike"

/** Boot information goes below this, where it fits. */
#define INFO_CEILING 0x9f000u
#define INFO_FLOOR   0x1000u

/** Flat 4 GiB segments: code at 08h, data at 10h (3.2). */
#define SELECTOR_CODE 0x08u
#define SELECTOR_DATA 0x10u

/** One load: what is where. */
struct load {
	struct vm *vm;
	const struct options *options;
	struct multiboot_plan plan;
	uint64_t limit; /**< end of the memory that can be loaded to */
	uint64_t end;	/**< first address behind kernel and modules */
	struct multiboot_mod_list module[OPTIONS_MODULES];
	/* Boot information under construction. */
	uint64_t info;	  /**< its guest-physical address */
	uint64_t info_at; /**< where the next piece goes */
};

/* ------------------------------------------------------------------------------- kernel and modules */

static void segments_copy(struct load *load, const struct platform_file *file)
{
	for (uint32_t i = 0; i < load->plan.count; i++) {
		const struct multiboot_segment *s = &load->plan.segment[i];
		uint8_t *to = load->vm->ram + s->address;
		memcpy(to, (const uint8_t *)file->data + s->offset, (size_t)s->file_size);
		memset(to + s->file_size, 0, (size_t)(s->memory_size - s->file_size));
	}
}

static int kernel_load(struct load *load)
{
	struct platform_file file;
	int failed = boot_kernel_file(load->vm, load->options, &file);

	if (failed)
		return failed;
	const char *why = multiboot_plan(file.data, file.size, load->limit, &load->plan);
	if (why)
		return boot_refuse(load->vm, load->options->kernel, why);
	segments_copy(load, &file);
	load->end = load->plan.end > MULTIBOOT_HIGH_START ? load->plan.end : MULTIBOOT_HIGH_START;
	return 0;
}

static int module_load(struct load *load, uint32_t n)
{
	const char *text = load->options->module[n];
	uint64_t start = boot_page_up(load->end);
	struct platform_file file;
	int failed = boot_module_file(load->vm, text, &file);

	if (failed)
		return failed;
	if (!hv_range_ok(start, file.size, load->limit))
		return boot_refuse(load->vm, text, "this module doesn't fit into the VM's memory");
	memcpy(load->vm->ram + start, file.data, (size_t)file.size);
	load->end = start + file.size;
	load->module[n] = (struct multiboot_mod_list){.mod_start = (uint32_t)start,
						      .mod_end = (uint32_t)load->end};
	return 0;
}

/* --------------------------------------------------------------------------------- boot information */

/** Room for a piece of the boot information. @return its guest-physical address. */
static uint32_t info_take(struct load *load, size_t size)
{
	uint64_t at = (load->info_at + 7) & ~UINT64_C(7);

	load->info_at = at + size;
	return (uint32_t)at;
}

static uint32_t info_put(struct load *load, const void *data, size_t size)
{
	uint32_t at = info_take(load, size);

	memcpy(load->vm->ram + at, data, size);
	return at;
}

/** "NAME arguments": a boot loader's command line begins with the file's name. */
static uint32_t info_cmdline(struct load *load, const char *name, const char *args)
{
	size_t n = strlen(name), m = strlen(args);
	uint32_t at = info_take(load, n + m + 2);
	char *to = (char *)load->vm->ram + at;

	memcpy(to, name, n);
	if (m > 0)
		to[n++] = ' ';
	memcpy(to + n, args, m);
	to[n + m] = '\0';
	return at;
}

/** Upper bound of what info_build() takes. */
static size_t info_size(const struct load *load)
{
	const struct options *options = load->options;
	size_t size = sizeof(struct multiboot_info) + 3 * sizeof(uint64_t) + sizeof(LOADER_NAME) +
		      strlen(options->kernel) + strlen(options->cmdline) + 2 +
		      MACHINE_MEMORY_ROWS * sizeof(struct multiboot_mmap_entry) +
		      options->modules * sizeof(struct multiboot_mod_list);

	for (uint32_t i = 0; i < options->modules; i++)
		size += strlen(options->module[i]) + 1 + 8;
	return size + 8u * 8u; /* every piece is aligned */
}

static bool segments_use(const struct multiboot_plan *plan, uint64_t start, uint64_t end)
{
	for (uint32_t i = 0; i < plan->count; i++) {
		const struct multiboot_segment *s = &plan->segment[i];
		if (s->address < end && start < s->address + s->memory_size)
			return true;
	}
	return false;
}

/** Find a place for the boot information: high in low memory, or behind everything. */
static bool info_place(struct load *load)
{
	uint64_t size = boot_page_up(info_size(load));

	for (uint64_t at = INFO_CEILING - size; at >= INFO_FLOOR && size <= INFO_CEILING;
	     at -= HV_PAGE_SIZE) {
		if (!segments_use(&load->plan, at, at + size)) {
			load->info = load->info_at = at;
			return true;
		}
	}
	load->info = load->info_at = boot_page_up(load->end);
	return hv_range_ok(load->info, size, load->limit);
}

static void put_memory_map(struct load *load, struct multiboot_info *info)
{
	struct machine_memory rows[MACHINE_MEMORY_ROWS];
	unsigned int count = load->vm->machine->memory_map(load->vm, rows);
	struct multiboot_mmap_entry entries[MACHINE_MEMORY_ROWS];

	for (unsigned int i = 0; i < count; i++) {
		entries[i] = (struct multiboot_mmap_entry){.size = sizeof(entries[i]) - 4,
							   .addr = rows[i].start,
							   .len = rows[i].size,
							   .type = rows[i].type};
		if (rows[i].type != MULTIBOOT_MEMORY_AVAILABLE)
			continue;
		if (rows[i].start == 0)
			info->mem_lower = (uint32_t)(rows[i].size >> 10);
		if (rows[i].start == MULTIBOOT_HIGH_START)
			info->mem_upper = (uint32_t)(rows[i].size >> 10);
	}
	info->mmap_length = (uint32_t)(count * sizeof(entries[0]));
	info->mmap_addr = info_put(load, entries, info->mmap_length);
	info->flags |= MULTIBOOT_INFO_MEMORY | MULTIBOOT_INFO_MEM_MAP;
}

static void put_modules(struct load *load, struct multiboot_info *info)
{
	uint32_t count = load->options->modules;

	for (uint32_t i = 0; i < count; i++)
		load->module[i].cmdline = info_cmdline(load, load->options->module[i], "");
	info->mods_count = count;
	info->mods_addr = info_put(load, load->module, count * sizeof(load->module[0]));
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
static uint32_t info_build(struct load *load)
{
	struct multiboot_info info = {0};
	uint32_t at = info_take(load, sizeof(info));

	put_memory_map(load, &info);
	put_modules(load, &info);
	info.cmdline = info_cmdline(load, load->options->kernel, load->options->cmdline);
	info.boot_loader_name = info_put(load, LOADER_NAME, sizeof(LOADER_NAME));
	info.flags |= MULTIBOOT_INFO_CMDLINE | MULTIBOOT_INFO_BOOT_LOADER_NAME;
	if (load->plan.flags & MULTIBOOT_VIDEO_MODE)
		put_framebuffer(&info);
	memcpy(load->vm->ram + at, &info, sizeof(info));
	return at;
}

/* ------------------------------------------------------------------------------------ machine state */

/** 3.2: protected mode without paging, flat segments, interrupts off; A20 is always on here. */
static hv_status_t state_set(struct load *load, uint32_t info, uint32_t gdt, uint32_t gdt_size)
{
	struct vcpu *vcpu = &load->vm->vcpu[0];
	struct hv_x86_regs *regs = hv_x86_regs(vcpu->page);
	uint32_t groups = HV_X86_REGS_GPR | HV_X86_REGS_SEG | HV_X86_REGS_CR;
	hv_status_t status = hv_vcpu_get(vcpu->handle, groups);

	if (status != HV_OK)
		return status;
	memset(regs->gpr, 0, sizeof(regs->gpr));
	regs->gpr[HV_RAX] = MULTIBOOT_BOOTLOADER_MAGIC;
	regs->gpr[HV_RBX] = info;
	regs->rip = load->plan.entry;
	regs->rflags = RFLAGS_FIXED1;
	regs->cr0 = CR0_PE | CR0_ET;
	regs->cr4 = 0;
	regs->efer = 0;
	for (unsigned int i = HV_ES; i <= HV_GS; i++)
		boot_set_segment(&regs->seg[i], SELECTOR_DATA, BOOT_ATTR_DATA);
	boot_set_segment(&regs->seg[HV_CS], SELECTOR_CODE, BOOT_ATTR_CODE32);
	regs->gdtr = (struct hv_x86_table){.base = gdt, .limit = gdt_size - 1};
	regs->idtr = (struct hv_x86_table){.base = 0, .limit = 0};
	vcpu->page->dirty |= groups;
	return HV_OK;
}

int boot_multiboot(struct vm *vm, const struct options *options)
{
	static const uint64_t gdt[] = {0, BOOT_GDT_CODE32, BOOT_GDT_DATA};
	static struct load load;

	load = (struct load){.vm = vm, .options = options};
	load.limit = boot_memory_end(vm);
	int failed = kernel_load(&load);
	for (uint32_t i = 0; i < options->modules && !failed; i++)
		failed = module_load(&load, i);
	if (failed)
		return failed;
	if (!info_place(&load))
		return boot_refuse(vm, options->kernel,
				   "too little memory for the boot information");
	uint32_t info = info_build(&load);
	hv_status_t status = state_set(&load, info, info_put(&load, gdt, sizeof(gdt)), sizeof(gdt));
	return status == HV_OK ? 0 : boot_failed(vm, status);
}
