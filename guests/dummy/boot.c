/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/dummy/rt.h"

#include "lib/multiboot.h"
#include "lib/string.h"

extern uint8_t boot_stack_top[];

static struct boot_info info;

_Noreturn void rt_start(uint32_t magic, uint32_t mbi);

const struct boot_info *boot_info(void)
{
	return &info;
}

static void copy_string(char *dst, uint32_t src)
{
	size_t n = strnlen((const char *)(uintptr_t)src, BOOT_STRING_MAX - 1);

	memcpy(dst, (const void *)(uintptr_t)src, n);
	dst[n] = '\0';
}

static void add_region(uint64_t start, uint64_t size, uint32_t type)
{
	if (info.regions_count < BOOT_REGIONS_MAX && size != 0)
		info.regions[info.regions_count++] = (struct boot_region){start, size, type};
}

static void copy_memory_map(const struct multiboot_info *mbi)
{
	uint64_t at = mbi->mmap_addr, end = at + mbi->mmap_length;

	while (at + sizeof(struct multiboot_mmap_entry) <= end) {
		const struct multiboot_mmap_entry *e = (const void *)at;

		add_region(e->addr, e->len, e->type);
		at += (uint64_t)e->size + sizeof(e->size);
	}
}

static void copy_modules(const struct multiboot_info *mbi)
{
	const struct multiboot_mod_list *m = (const void *)(uintptr_t)mbi->mods_addr;

	for (uint32_t i = 0; i < mbi->mods_count && i < BOOT_MODULES_MAX; i++) {
		struct boot_module *dst = &info.modules[info.modules_count++];

		dst->start = m[i].mod_start;
		dst->size = m[i].mod_end - m[i].mod_start;
		if (m[i].cmdline != 0)
			copy_string(dst->cmdline, m[i].cmdline);
	}
}

static void copy_info(const struct multiboot_info *mbi)
{
	info.flags = mbi->flags;
	if ((mbi->flags & MULTIBOOT_INFO_MEMORY) != 0) {
		info.mem_lower_kib = mbi->mem_lower;
		info.mem_upper_kib = mbi->mem_upper;
	}
	if ((mbi->flags & MULTIBOOT_INFO_CMDLINE) != 0)
		copy_string(info.cmdline, mbi->cmdline);
	if ((mbi->flags & MULTIBOOT_INFO_BOOT_LOADER_NAME) != 0)
		copy_string(info.loader, mbi->boot_loader_name);
	if ((mbi->flags & MULTIBOOT_INFO_MODS) != 0)
		copy_modules(mbi);
	if ((mbi->flags & MULTIBOOT_INFO_MEM_MAP) != 0)
		copy_memory_map(mbi);
	else
		add_region(0x100000, (uint64_t)info.mem_upper_kib * 1024,
			   MULTIBOOT_MEMORY_AVAILABLE);
}

_Noreturn void rt_start(uint32_t magic, uint32_t mbi)
{
	console_init();
	cpu_features_init();
	trap_init();
	cpu_init(0, (uintptr_t)boot_stack_top);
	if (magic != MULTIBOOT_BOOTLOADER_MAGIC)
		panic("not started by a Multiboot 1 loader: EAX is %x", magic);
	copy_info((const struct multiboot_info *)(uintptr_t)mbi);
	if (cmdline_flag("console=e9"))
		console_use_e9();
	pages_init(&info, paging_image_end());
	paging_init();
	guest_main(&info);

	unsigned failures = tap_failures();

	guest_exit(failures > 100 ? 100 : (uint8_t)failures);
}
