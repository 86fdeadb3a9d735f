/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/dummy/rt.h"

#include "lib/multiboot.h"
#include "lib/multiboot2.h"
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

/* ---------------------------------------------------------------------------------------- Multiboot 2 */

static void copy_memory_map2(const struct multiboot2_tag_mmap *map)
{
	const uint8_t *at = (const uint8_t *)(map + 1), *end = (const uint8_t *)map + map->tag.size;

	for (; at + map->entry_size <= end; at += map->entry_size) {
		const struct multiboot2_mmap_entry *e = (const void *)at;

		add_region(e->base_addr, e->length, e->type);
	}
	info.flags |= MULTIBOOT_INFO_MEM_MAP;
}

static void copy_module2(const struct multiboot2_tag_module *module)
{
	if (info.modules_count == BOOT_MODULES_MAX)
		return;
	struct boot_module *dst = &info.modules[info.modules_count++];
	dst->start = module->mod_start;
	dst->size = module->mod_end - module->mod_start;
	copy_string(dst->cmdline, (uint32_t)(uintptr_t)module->string);
}

static void copy_tag(const struct multiboot2_tag *tag)
{
	const void *any = tag;
	const struct multiboot2_tag_string *text = any;
	const struct multiboot2_tag_basic_meminfo *memory = any;

	switch (tag->type) {
	case MULTIBOOT2_TAG_TYPE_CMDLINE:
		copy_string(info.cmdline, (uint32_t)(uintptr_t)text->string);
		info.flags |= MULTIBOOT_INFO_CMDLINE;
		break;
	case MULTIBOOT2_TAG_TYPE_BOOT_LOADER_NAME:
		copy_string(info.loader, (uint32_t)(uintptr_t)text->string);
		break;
	case MULTIBOOT2_TAG_TYPE_MODULE:
		copy_module2(any);
		break;
	case MULTIBOOT2_TAG_TYPE_BASIC_MEMINFO:
		info.mem_lower_kib = memory->mem_lower;
		info.mem_upper_kib = memory->mem_upper;
		info.flags |= MULTIBOOT_INFO_MEMORY;
		break;
	case MULTIBOOT2_TAG_TYPE_MMAP:
		copy_memory_map2(any);
		break;
	default:
		break;
	}
}

static void copy_info2(const struct multiboot2_info *mbi)
{
	const uint8_t *at = (const uint8_t *)(mbi + 1);
	const uint8_t *end = (const uint8_t *)mbi + mbi->total_size;

	while (at + sizeof(struct multiboot2_tag) <= end) {
		const struct multiboot2_tag *tag = (const void *)at;

		if (tag->type == MULTIBOOT2_TAG_TYPE_END)
			break;
		copy_tag(tag);
		at += (tag->size + MULTIBOOT2_TAG_ALIGN - 1) & ~(MULTIBOOT2_TAG_ALIGN - 1u);
	}
	print("# by Multiboot 2\n");
}

_Noreturn void rt_start(uint32_t magic, uint32_t mbi)
{
	console_init();
	cpu_features_init();
	trap_init();
	cpu_init(0, (uintptr_t)boot_stack_top);
	if (magic == MULTIBOOT_BOOTLOADER_MAGIC)
		copy_info((const struct multiboot_info *)(uintptr_t)mbi);
	else if (magic == MULTIBOOT2_BOOTLOADER_MAGIC)
		copy_info2((const struct multiboot2_info *)(uintptr_t)mbi);
	else
		panic("not started by a Multiboot loader: EAX is %x", magic);
	if (cmdline_flag("console=e9"))
		console_use_e9();
	pages_init(&info, paging_image_end());
	paging_init();
	guest_main(&info);

	unsigned failures = tap_failures();

	guest_exit(failures > 100 ? 100 : (uint8_t)failures);
}
