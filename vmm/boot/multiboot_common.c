/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Multiboot 1 and 2 have in common: kernel and modules in memory, where the boot information goes, the state of
 * the machine.
 */
#include "vmm/boot/multiboot.h"

#include "lib/multiboot.h"
#include "lib/multiboot_load.h"
#include "lib/string.h"
#include "lib/x86/regs.h"

/** Boot information goes below this, where it fits. */
#define INFO_CEILING 0x9f000u
#define INFO_FLOOR   0x1000u

/** Flat 4 GiB segments: code at 08h, data at 10h (version 1, 3.2). */
#define SELECTOR_CODE 0x08u
#define SELECTOR_DATA 0x10u

static const uint64_t gdt[] = {0, BOOT_GDT_CODE32, BOOT_GDT_DATA};

/* ------------------------------------------------------------------------------- kernel and modules */

void multiboot_begin(struct multiboot_load *load, struct vm *vm, const struct options *options)
{
	*load = (struct multiboot_load){.vm = vm, .options = options, .limit = boot_memory_end(vm)};
}

void multiboot_kernel_copy(struct multiboot_load *load)
{
	for (uint32_t i = 0; i < load->plan->count; i++) {
		const struct multiboot_segment *s = &load->plan->segment[i];
		uint8_t *to = load->vm->ram + s->address;
		memcpy(to, (const uint8_t *)load->file.data + s->offset, (size_t)s->file_size);
		memset(to + s->file_size, 0, (size_t)(s->memory_size - s->file_size));
	}
	load->end = load->plan->end > MULTIBOOT_HIGH_START ? load->plan->end : MULTIBOOT_HIGH_START;
}

uint64_t multiboot_take_behind(struct multiboot_load *load, uint64_t size)
{
	const uint64_t start = boot_page_up(load->end);

	if (!hv_range_ok(start, size, load->limit))
		return 0;
	load->end = start + size;
	return start;
}

static int module_load(struct multiboot_load *load, uint32_t n)
{
	const char *text = load->options->module[n];
	struct platform_file file;
	int failed = boot_module_file(load->vm, text, &file);

	if (failed)
		return failed;
	const uint64_t start = multiboot_take_behind(load, file.size);
	if (start == 0)
		return boot_refuse(load->vm, text, "this module doesn't fit into the VM's memory");
	memcpy(load->vm->ram + start, file.data, (size_t)file.size);
	load->module[n] = (struct multiboot_module){(uint32_t)start, (uint32_t)(start + file.size)};
	return 0;
}

int multiboot_modules_load(struct multiboot_load *load)
{
	int failed = 0;

	for (uint32_t i = 0; i < load->options->modules && !failed; i++)
		failed = module_load(load, i);
	return failed;
}

/* --------------------------------------------------------------------------------- boot information */

static bool segments_use(const struct multiboot_plan *plan, uint64_t start, uint64_t end)
{
	for (uint32_t i = 0; i < plan->count; i++) {
		const struct multiboot_segment *s = &plan->segment[i];
		if (s->address < end && start < s->address + s->memory_size)
			return true;
	}
	return false;
}

bool multiboot_info_place(struct multiboot_load *load, uint64_t room)
{
	const uint64_t size = boot_page_up(room + sizeof(gdt) + MULTIBOOT_INFO_ALIGN);

	for (uint64_t at = INFO_CEILING - size; at >= INFO_FLOOR && size <= INFO_CEILING;
	     at -= HV_PAGE_SIZE) {
		if (!segments_use(load->plan, at, at + size)) {
			load->info = load->info_at = at;
			return true;
		}
	}
	load->info = load->info_at = boot_page_up(load->end);
	return hv_range_ok(load->info, size, load->limit);
}

void *multiboot_info_take(struct multiboot_load *load, size_t size, uint32_t *where)
{
	const uint64_t align = MULTIBOOT_INFO_ALIGN - 1;
	const uint64_t at = (load->info_at + align) & ~align;

	load->info_at = at + size;
	*where = (uint32_t)at;
	return load->vm->ram + at;
}

void multiboot_memory_sizes(const struct machine_memory *rows, unsigned int count, uint32_t *lower,
			    uint32_t *upper)
{
	for (unsigned int i = 0; i < count; i++) {
		if (rows[i].type != MULTIBOOT_MEMORY_AVAILABLE)
			continue;
		if (rows[i].start == 0)
			*lower = (uint32_t)(rows[i].size >> 10);
		if (rows[i].start == MULTIBOOT_HIGH_START)
			*upper = (uint32_t)(rows[i].size >> 10);
	}
}

/* ------------------------------------------------------------------------------------ machine state */

static hv_status_t state_set(struct multiboot_load *load, uint32_t magic, uint32_t info)
{
	struct vcpu *vcpu = &load->vm->vcpu[0];
	struct hv_x86_regs *regs = hv_x86_regs(vcpu->page);
	const uint32_t groups = HV_X86_REGS_GPR | HV_X86_REGS_SEG | HV_X86_REGS_CR;
	hv_status_t status = hv_vcpu_get(vcpu->handle, groups);
	uint32_t gdt_where;

	if (status != HV_OK)
		return status;
	memcpy(multiboot_info_take(load, sizeof(gdt), &gdt_where), gdt, sizeof(gdt));
	memset(regs->gpr, 0, sizeof(regs->gpr));
	regs->gpr[HV_RAX] = magic;
	regs->gpr[HV_RBX] = info;
	regs->rip = load->plan->entry;
	regs->rflags = RFLAGS_FIXED1;
	regs->cr0 = CR0_PE | CR0_ET;
	regs->cr4 = 0;
	regs->efer = 0;
	for (unsigned int i = HV_ES; i <= HV_GS; i++)
		boot_set_segment(&regs->seg[i], SELECTOR_DATA, BOOT_ATTR_DATA);
	boot_set_segment(&regs->seg[HV_CS], SELECTOR_CODE, BOOT_ATTR_CODE32);
	regs->gdtr = (struct hv_x86_table){.base = gdt_where, .limit = sizeof(gdt) - 1};
	regs->idtr = (struct hv_x86_table){.base = 0, .limit = 0};
	vcpu->page->dirty |= groups;
	return HV_OK;
}

int multiboot_start(struct multiboot_load *load, uint32_t magic, uint32_t info)
{
	hv_status_t status = state_set(load, magic, info);

	return status == HV_OK ? 0 : boot_failed(load->vm, status);
}
