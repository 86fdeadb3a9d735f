/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux: a bzImage by its 64-bit entry (The Linux/x86 Boot Protocol), a vmlinux by its PVH entry (Xen's
 * x86/HVM direct boot ABI). The kernel goes where lib/linux_boot's plan says, all modules together are its
 * initrd (an initramfs may consist of several archives), as high as it may be. What the kernel is told is in
 * low memory:
 *
 *     1000   global descriptor table
 *     2000   struct boot_params, or struct hvm_start_info with what belongs to it
 *     4000   page tables: the first 4 GiB, one to one
 *     10000  command line
 *
 * @req BOOT-010 A bzImage is entered in 64-bit mode with boot_params as the boot protocol asks: setup
 *               header, E820 map, command line, initrd, RSDP.
 * @req BOOT-011 An ELF kernel with a PVH note is entered there, with memory map, command line,
 *               modules and RSDP in hvm_start_info.
 */
#include "vmm/boot/boot.h"

#include "lib/linux_boot.h"
#include "lib/string.h"
#include "lib/x86/regs.h"
#include "vmm/machine/machine.h"

#define GDT_WHERE     0x1000u
#define INFO_WHERE    0x2000u
#define TABLES_WHERE  0x4000u
#define CMDLINE_WHERE 0x10000u

/** struct boot_params ("The zero page"), as far as it isn't the setup header. */
enum boot_params {
	PARAMS_VIDEO_MODE = 0x06,
	PARAMS_VIDEO_COLUMNS = 0x07,
	PARAMS_VIDEO_LINES = 0x0e,
	PARAMS_VIDEO_IS_VGA = 0x0f,
	PARAMS_VIDEO_POINTS = 0x10,
	PARAMS_RSDP = 0x70,
	PARAMS_E820_ENTRIES = 0x1e8,
	PARAMS_E820 = 0x2d0,
	PARAMS_SIZE = 0x1000,
};

#define E820_SIZE      20u
#define LOADER_UNKNOWN 0xffu

/* Selectors that the boot protocol asks for. */
#define SELECTOR_CODE 0x10u
#define SELECTOR_DATA 0x18u

/* Paging structures (SDM vol. 3, 4.5). */
#define ENTRY_TABLE  0x3u  /**< present, writable */
#define ENTRY_2M     0x83u /**< the same, a page */
#define TABLE_ENTRIES 512u
#define GIB_TABLES    4u

/** struct hvm_start_info, version 1. */
struct hvm_start_info {
	uint32_t magic, version, flags, nr_modules;
	uint64_t modlist, cmdline, rsdp, memmap;
	uint32_t memmap_entries, reserved;
};
_Static_assert(sizeof(struct hvm_start_info) == 56, "as in the ABI");

struct hvm_modlist_entry {
	uint64_t address, size, cmdline, reserved;
};

struct hvm_memmap_entry {
	uint64_t address, size;
	uint32_t type, reserved;
};

#define HVM_START_MAGIC	  0x336ec578u
#define HVM_START_VERSION 1u

/** One load. */
struct load {
	struct vm *vm;
	const struct options *options;
	struct linux_plan plan;
	struct platform_file file;
	uint64_t initrd, initrd_size;
};

static void store(struct load *load, uint64_t where, uint64_t value, size_t size)
{
	memcpy(load->vm->ram + where, &value, size);
}

/* --------------------------------------------------------------------------------- kernel and initrd */

static int kernel_load(struct load *load)
{
	int failed = boot_kernel_file(load->vm, load->options, &load->file);

	if (failed)
		return failed;
	const char *why = linux_plan(load->file.data, load->file.size,
				     boot_memory_end(load->vm), &load->plan);
	if (!why && strlen(load->options->cmdline) > load->plan.cmdline_size)
		why = "its command line is too long";
	if (why)
		return boot_refuse(load->vm, load->options->kernel, why);
	for (uint32_t i = 0; i < load->plan.count; i++) {
		const struct linux_segment *s = &load->plan.segment[i];
		uint8_t *to = load->vm->ram + s->address;
		memcpy(to, (const uint8_t *)load->file.data + s->offset, (size_t)s->file_size);
		memset(to + s->file_size, 0, (size_t)s->zeros);
	}
	return 0;
}

/** Archives begin at multiples of four bytes. */
static uint64_t archive_size(const struct platform_file *file)
{
	return (file->size + 3) & ~UINT64_C(3);
}

static void initrd_copy(struct load *load)
{
	uint8_t *to = load->vm->ram + load->initrd;
	struct platform_file file;

	for (uint32_t i = 0; i < load->options->modules; i++) {
		if (boot_module_file(load->vm, load->options->module[i], &file) != 0)
			return;
		memcpy(to, file.data, (size_t)file.size);
		memset(to + file.size, 0, (size_t)(archive_size(&file) - file.size));
		to += archive_size(&file);
	}
}

static int initrd_load(struct load *load)
{
	struct platform_file file;

	for (uint32_t i = 0; i < load->options->modules; i++) {
		int failed = boot_module_file(load->vm, load->options->module[i], &file);
		if (failed)
			return failed;
		load->initrd_size += archive_size(&file);
	}
	if (load->initrd_size == 0)
		return 0;
	const char *why = linux_initrd_place(&load->plan, load->initrd_size,
					     boot_memory_end(load->vm), &load->initrd);
	if (why)
		return boot_refuse(load->vm, load->options->module[0], why);
	initrd_copy(load);
	return 0;
}

static void cmdline_put(struct load *load)
{
	const char *text = load->options->cmdline;

	memcpy(load->vm->ram + CMDLINE_WHERE, text, strlen(text) + 1);
}

/* --------------------------------------------------------------------------------------- boot_params */

static void put_e820(struct load *load)
{
	struct machine_memory rows[MACHINE_MEMORY_ROWS];
	const unsigned int count = load->vm->machine->memory_map(load->vm, rows);

	for (unsigned int i = 0; i < count; i++) {
		const uint64_t at = INFO_WHERE + PARAMS_E820 + i * E820_SIZE;
		store(load, at, rows[i].start, 8);
		store(load, at + 8, rows[i].size, 8);
		store(load, at + 16, rows[i].type, 4);
	}
	store(load, INFO_WHERE + PARAMS_E820_ENTRIES, count, 1);
}

/** The text screen, as a BIOS leaves it. */
static void put_screen(struct load *load)
{
	store(load, INFO_WHERE + PARAMS_VIDEO_MODE, 3, 1);
	store(load, INFO_WHERE + PARAMS_VIDEO_COLUMNS, 80, 1);
	store(load, INFO_WHERE + PARAMS_VIDEO_LINES, 25, 1);
	store(load, INFO_WHERE + PARAMS_VIDEO_IS_VGA, 1, 1);
	store(load, INFO_WHERE + PARAMS_VIDEO_POINTS, 16, 2);
}

static void boot_params_build(struct load *load)
{
	uint8_t *params = load->vm->ram + INFO_WHERE;

	memset(params, 0, PARAMS_SIZE);
	memcpy(params + LINUX_SETUP_SECTS, (const uint8_t *)load->file.data + LINUX_SETUP_SECTS,
	       load->plan.header_end - LINUX_SETUP_SECTS);
	store(load, INFO_WHERE + LINUX_LOADER, LOADER_UNKNOWN, 1);
	store(load, INFO_WHERE + LINUX_CMDLINE, CMDLINE_WHERE, 4);
	store(load, INFO_WHERE + LINUX_RAMDISK_IMAGE, load->initrd, 4);
	store(load, INFO_WHERE + LINUX_RAMDISK_SIZE, load->initrd_size, 4);
	store(load, INFO_WHERE + PARAMS_RSDP, load->vm->rsdp, 8);
	put_e820(load);
	put_screen(load);
}

/** The first 4 GiB by pages of 2 MiB. */
static void page_tables_build(struct load *load)
{
	const uint64_t pointers = TABLES_WHERE + HV_PAGE_SIZE;
	const uint64_t directories = pointers + HV_PAGE_SIZE;

	memset(load->vm->ram + TABLES_WHERE, 0, 2 * (size_t)HV_PAGE_SIZE);
	store(load, TABLES_WHERE, pointers | ENTRY_TABLE, 8);
	for (uint64_t i = 0; i < GIB_TABLES; i++)
		store(load, pointers + 8 * i, (directories + i * HV_PAGE_SIZE) | ENTRY_TABLE, 8);
	for (uint64_t i = 0; i < GIB_TABLES * TABLE_ENTRIES; i++)
		store(load, directories + 8 * i, i << 21 | ENTRY_2M, 8);
}

/* -------------------------------------------------------------------------------------------- PVH */

static void start_info_build(struct load *load)
{
	const uint64_t modlist = INFO_WHERE + sizeof(struct hvm_start_info);
	const uint64_t memmap = modlist + sizeof(struct hvm_modlist_entry);
	struct machine_memory rows[MACHINE_MEMORY_ROWS];
	const unsigned int count = load->vm->machine->memory_map(load->vm, rows);
	const struct hvm_modlist_entry module = {.address = load->initrd,
						 .size = load->initrd_size};
	const struct hvm_start_info info = {.magic = HVM_START_MAGIC,
					    .version = HVM_START_VERSION,
					    .nr_modules = load->initrd_size != 0,
					    .modlist = modlist,
					    .cmdline = CMDLINE_WHERE,
					    .rsdp = load->vm->rsdp,
					    .memmap = memmap,
					    .memmap_entries = count};

	memcpy(load->vm->ram + INFO_WHERE, &info, sizeof(info));
	memcpy(load->vm->ram + modlist, &module, sizeof(module));
	for (unsigned int i = 0; i < count; i++) {
		const struct hvm_memmap_entry entry = {
			.address = rows[i].start, .size = rows[i].size, .type = rows[i].type};
		memcpy(load->vm->ram + memmap + i * sizeof(entry), &entry, sizeof(entry));
	}
}

/* ------------------------------------------------------------------------------------ machine state */

static void gdt_put(struct load *load, bool wide)
{
	const uint64_t gdt[] = {0, 0, wide ? BOOT_GDT_CODE64 : BOOT_GDT_CODE32, BOOT_GDT_DATA};

	memcpy(load->vm->ram + GDT_WHERE, gdt, sizeof(gdt));
	hv_x86_regs(load->vm->vcpu[0].page)->gdtr =
		(struct hv_x86_table){.base = GDT_WHERE, .limit = sizeof(gdt) - 1};
}

static void set_flat(struct hv_x86_regs *regs, bool wide)
{
	for (unsigned int i = HV_ES; i <= HV_GS; i++)
		boot_set_segment(&regs->seg[i], SELECTOR_DATA, BOOT_ATTR_DATA);
	boot_set_segment(&regs->seg[HV_CS], SELECTOR_CODE,
			 wide ? BOOT_ATTR_CODE64 : BOOT_ATTR_CODE32);
	regs->idtr = (struct hv_x86_table){.base = 0, .limit = 0};
}

/** Interrupts off; for PVH paging is off, too. */
static hv_status_t state_set(struct load *load)
{
	const bool wide = load->plan.kind == LINUX_ENTRY_64;
	struct vcpu *vcpu = &load->vm->vcpu[0];
	struct hv_x86_regs *regs = hv_x86_regs(vcpu->page);
	const uint32_t groups = HV_X86_REGS_GPR | HV_X86_REGS_SEG | HV_X86_REGS_CR;
	hv_status_t status = hv_vcpu_get(vcpu->handle, groups);

	if (status != HV_OK)
		return status;
	memset(regs->gpr, 0, sizeof(regs->gpr));
	regs->gpr[wide ? HV_RSI : HV_RBX] = INFO_WHERE;
	regs->rip = load->plan.entry;
	regs->rflags = RFLAGS_FIXED1;
	regs->cr0 = CR0_PE | CR0_ET | (wide ? CR0_PG : 0);
	regs->cr3 = wide ? TABLES_WHERE : 0;
	regs->cr4 = wide ? CR4_PAE : 0;
	regs->efer = wide ? EFER_LME | EFER_LMA : 0;
	set_flat(regs, wide);
	gdt_put(load, wide);
	vcpu->page->dirty |= groups;
	return HV_OK;
}

int boot_linux(struct vm *vm, const struct options *options)
{
	static struct load load;

	load = (struct load){.vm = vm, .options = options};
	int failed = kernel_load(&load);
	if (!failed)
		failed = initrd_load(&load);
	if (failed)
		return failed;
	cmdline_put(&load);
	if (load.plan.kind == LINUX_ENTRY_64) {
		boot_params_build(&load);
		page_tables_build(&load);
	} else {
		start_info_build(&load);
	}
	hv_status_t status = state_set(&load);
	return status == HV_OK ? 0 : boot_failed(vm, status);
}
