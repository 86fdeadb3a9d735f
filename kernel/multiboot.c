/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/multiboot.h"

#include "kernel/address.h"
#include "lib/multiboot.h"
#include "lib/multiboot2.h"
#include "lib/string.h"

#define LOW_LIMIT (UINT64_C(1) << 32) /* what boot.S maps */

/* @return the bytes at a physical address, or NULL where they are not all in the low 4 GiB. */
static const void *low(uint64_t address, uint64_t size)
{
	return hv_range_ok(address, size, LOW_LIMIT) ? phys_to_virt(address) : NULL;
}

static void add_ram(struct boot_info *info, uint64_t start, uint64_t size)
{
	uint64_t end;

	if (size != 0 && hv_add_ok(start, size, &end) && info->ram_count < BOOT_MAX_RAM)
		info->ram[info->ram_count++] = (struct range){start, end};
}

static void add_acpi(struct boot_info *info, uint64_t start, uint64_t size)
{
	uint64_t end;

	if (hv_add_ok(start, size, &end) && info->acpi_count < BOOT_MAX_ACPI)
		info->acpi[info->acpi_count++] = (struct range){start, end};
}

static void add_module(struct boot_info *info, uint32_t start, uint32_t end)
{
	if (info->module_count++ == 0)
		info->module = (struct range){start, end};
}

static void take_cmdline(struct boot_info *info, const char *text, uint64_t max)
{
	size_t size = strnlen(text, max < BOOT_MAX_CMDLINE - 1 ? max : BOOT_MAX_CMDLINE - 1);

	memcpy(info->cmdline, text, size);
	info->cmdline[size] = '\0';
}

/* ---- Multiboot 1, section 3.3 ---- */

static void read_mmap1(struct boot_info *info, uint32_t address, uint32_t length)
{
	const uint8_t *map = low(address, length);
	const struct multiboot_mmap_entry *entry;
	uint32_t at = 0;

	while (map != NULL && length - at >= sizeof(*entry)) {
		entry = (const void *)(map + at);
		if (entry->type == MULTIBOOT_MEMORY_AVAILABLE)
			add_ram(info, entry->addr, entry->len);
		if (entry->type == MULTIBOOT_MEMORY_ACPI_RECLAIMABLE)
			add_acpi(info, entry->addr, entry->len);
		if (entry->size > length - at - sizeof(entry->size))
			break;
		at += entry->size + (uint32_t)sizeof(entry->size);
	}
}

static void read_modules1(struct boot_info *info, uint32_t address, uint32_t count)
{
	const struct multiboot_mod_list *list = low(address, (uint64_t)count * sizeof(*list));

	for (uint32_t i = 0; list != NULL && i < count; i++)
		add_module(info, list[i].mod_start, list[i].mod_end);
}

static const char *read1(uint32_t address, struct boot_info *info)
{
	const struct multiboot_info *mbi = low(address, sizeof(*mbi));

	if (mbi == NULL || (mbi->flags & MULTIBOOT_INFO_MEM_MAP) == 0)
		return "the boot loader gives no memory map";
	read_mmap1(info, mbi->mmap_addr, mbi->mmap_length);
	if (mbi->flags & MULTIBOOT_INFO_MODS)
		read_modules1(info, mbi->mods_addr, mbi->mods_count);
	if (mbi->flags & MULTIBOOT_INFO_CMDLINE)
		take_cmdline(info, phys_to_virt(mbi->cmdline), LOW_LIMIT - mbi->cmdline);
	return NULL;
}

/* ---- Multiboot2, section 3.4 ---- */

static void read_mmap2(struct boot_info *info, const struct multiboot2_tag *tag)
{
	const struct multiboot2_tag_mmap *map = (const void *)tag;
	const struct multiboot2_mmap_entry *entry;

	if (tag->size < sizeof(*map) || map->entry_size < sizeof(*entry))
		return;
	for (uint32_t at = sizeof(*map); tag->size - at >= map->entry_size;
	     at += map->entry_size) {
		entry = (const void *)((const uint8_t *)tag + at);
		if (entry->type == MULTIBOOT2_MEMORY_AVAILABLE)
			add_ram(info, entry->base_addr, entry->length);
	}
}

static void read_module2(struct boot_info *info, const struct multiboot2_tag *tag)
{
	const struct multiboot2_tag_module *module = (const void *)tag;

	if (tag->size >= sizeof(*module))
		add_module(info, module->mod_start, module->mod_end);
}

static void read_cmdline2(struct boot_info *info, const struct multiboot2_tag *tag)
{
	const struct multiboot2_tag_string *line = (const void *)tag;

	take_cmdline(info, line->string, tag->size - sizeof(*tag));
}

/* Old and new come in either order; the new one is the longer. */
static void read_rsdp2(struct boot_info *info, const struct multiboot2_tag *tag)
{
	const struct multiboot2_tag_acpi *acpi = (const void *)tag;
	uint32_t size = tag->size - (uint32_t)sizeof(*tag);

	if (size > sizeof(info->rsdp))
		size = sizeof(info->rsdp);
	if (size > info->rsdp_size) {
		memcpy(&info->rsdp, acpi->rsdp, size);
		info->rsdp_size = size;
	}
}

static void (*const tag_readers[])(struct boot_info *, const struct multiboot2_tag *) = {
	[MULTIBOOT2_TAG_TYPE_CMDLINE] = read_cmdline2,
	[MULTIBOOT2_TAG_TYPE_MODULE] = read_module2,
	[MULTIBOOT2_TAG_TYPE_MMAP] = read_mmap2,
	[MULTIBOOT2_TAG_TYPE_ACPI_OLD] = read_rsdp2,
	[MULTIBOOT2_TAG_TYPE_ACPI_NEW] = read_rsdp2,
};
#define TAG_READERS (sizeof(tag_readers) / sizeof(tag_readers[0]))

static const char *read2(uint32_t address, struct boot_info *info)
{
	const struct multiboot2_info *head = low(address, sizeof(*head));
	uint32_t total = head != NULL ? head->total_size : 0;
	const uint8_t *base = low(address, total);
	const struct multiboot2_tag *tag;

	for (uint64_t at = sizeof(*head); base != NULL && at + sizeof(*tag) <= total;
	     at += (tag->size + MULTIBOOT2_TAG_ALIGN - 1) & ~(uint64_t)(MULTIBOOT2_TAG_ALIGN - 1)) {
		tag = (const void *)(base + at);
		if (tag->type == MULTIBOOT2_TAG_TYPE_END)
			break;
		if (tag->size < sizeof(*tag) || tag->size > total - at)
			return "the boot loader's information is malformed";
		if (tag->type < TAG_READERS && tag_readers[tag->type] != NULL)
			tag_readers[tag->type](info, tag);
	}
	return info->ram_count != 0 ? NULL : "the boot loader gives no memory map";
}

const char *multiboot_read(uint32_t magic, uint32_t address, struct boot_info *info)
{
	if (magic == MULTIBOOT_BOOTLOADER_MAGIC)
		return read1(address, info);
	if (magic == MULTIBOOT2_BOOTLOADER_MAGIC)
		return read2(address, info);
	return "not started by a Multiboot loader";
}
