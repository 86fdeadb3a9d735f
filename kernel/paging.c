/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/paging.h"

#include "kernel/address.h"
#include "kernel/cpu.h"
#include "kernel/end.h"
#include "kernel/memory.h"
#include "kernel/paranoid.h"
#include "kernel/x86.h"
#include "lib/string.h"

#define ENTRIES	    512u
#define LEVELS	    4u
#define DEVICE_SLOT 0x1000u
#define GDT_SLOT    0x10000u

static uint64_t kernel_root;
static uint64_t next_stack = STACK_AREA;
static uint64_t next_device = DEVICE_AREA;

/* log2 of the bytes that one entry of a table of this level (1: the lowest) maps. */
static unsigned int level_shift(unsigned int level)
{
	return HV_PAGE_SHIFT + 9 * (level - 1);
}

static uint64_t *entry_of(uint64_t *table, uint64_t virt, unsigned int level)
{
	return &table[virt >> level_shift(level) & (ENTRIES - 1)];
}

static uint64_t new_table(struct host_pool *pool)
{
	uint64_t phys;
	void *page;

	if (pool != NULL) {
		page = host_pages_alloc(pool, 1);
		return page != NULL ? virt_to_phys(page) : 0;
	}
	phys = memory_alloc(HV_PAGE_SIZE, HV_PAGE_SIZE);
	if (phys != 0)
		memset(phys_to_virt(phys), 0, HV_PAGE_SIZE);
	return phys;
}

/* Go down to the table of `level`, making what is missing. @return NULL: no page for a table */
static uint64_t *walk(uint64_t root, struct host_pool *pool, uint64_t virt, unsigned int level)
{
	uint64_t *table = phys_to_virt(root);

	for (unsigned int at = LEVELS; at > level; at--) {
		uint64_t *entry = entry_of(table, virt, at);

		if ((*entry & PTE_P) == 0) {
			uint64_t phys = new_table(pool);

			if (phys == 0)
				return NULL;
			/* The leaf decides about rights; tables of the kernel's half aren't ring 3's. */
			*entry = phys | PTE_P | PTE_W | (virt < USER_LIMIT ? PTE_U : 0);
		}
		table = phys_to_virt(*entry & PTE_ADDR);
	}
	return table;
}

static uint64_t leaf_bits(uint64_t virt, unsigned int rights)
{
	return PTE_P | PTE_A | ((rights & MAP_WRITE) ? PTE_W | PTE_D : 0) |
	       ((rights & MAP_EXEC) ? 0 : PTE_NX) | ((rights & MAP_USER) ? PTE_U : 0) |
	       ((rights & MAP_DEVICE) ? PTE_PCD | PTE_PWT : 0) | (virt < USER_LIMIT ? 0 : PTE_G);
}

/* The highest level at which one entry can map the start of the piece. */
static unsigned int leaf_level(uint64_t virt, uint64_t phys, uint64_t size)
{
	unsigned int level = cpu_features.page_1g ? 3 : 2;

	while (level > 1 && (((virt | phys) & ((UINT64_C(1) << level_shift(level)) - 1)) != 0 ||
			     size >> level_shift(level) == 0))
		level--;
	return level;
}

bool paging_map(uint64_t root, struct host_pool *pool, uint64_t virt, uint64_t phys, uint64_t size,
		unsigned int rights)
{
	while (size != 0) {
		unsigned int level = leaf_level(virt, phys, size);
		uint64_t step = UINT64_C(1) << level_shift(level);
		uint64_t *table = walk(root, pool, virt, level);

		if (table == NULL)
			return false;
		*entry_of(table, virt, level) =
			phys | leaf_bits(virt, rights) | (level > 1 ? PTE_PS : 0);
		virt += step;
		phys += step;
		size -= step;
	}
	return true;
}

bool paging_prepare(uint64_t root, struct host_pool *pool, uint64_t virt, uint64_t size)
{
	for (uint64_t at = virt & ~(HV_2M - 1); at < virt + size; at += HV_2M)
		if (walk(root, pool, at, 1) == NULL)
			return false;
	return true;
}

void paging_set_page(uint64_t root, uint64_t virt, uint64_t phys, unsigned int rights)
{
	uint64_t *table = walk(root, NULL, virt, 1);

	*entry_of(table, virt, 1) = phys != 0 ? phys | leaf_bits(virt, rights) : 0;
	x86_invlpg(virt);
}

uint64_t paging_lookup(uint64_t root, uint64_t virt, bool write)
{
	const uint64_t need = PTE_P | PTE_U | (write ? PTE_W : 0);
	uint64_t *table = phys_to_virt(root);

	for (unsigned int level = virt < USER_LIMIT ? LEVELS : 0; level > 0; level--) {
		uint64_t entry = *entry_of(table, virt, level);
		uint64_t inside = (UINT64_C(1) << level_shift(level)) - 1;

		if ((entry & need) != need)
			return UINT64_MAX;
		if (level == 1 || (entry & PTE_PS) != 0)
			return (entry & PTE_ADDR & ~inside) | (virt & inside);
		table = phys_to_virt(entry & PTE_ADDR);
	}
	return UINT64_MAX;
}

uint64_t paging_tables(uint64_t size, uint64_t leaf)
{
	uint64_t sum = 0;

	/* One more at each level: the range may begin in the middle of a table. */
	for (uint64_t covered = leaf * ENTRIES; covered <= HV_1G * ENTRIES; covered *= ENTRIES)
		sum += size / covered + 2;
	return sum;
}

uint64_t paging_new_root(struct host_pool *pool)
{
	uint64_t root = new_table(pool);
	const uint64_t *kernel = phys_to_virt(kernel_root);

	if (root != 0)
		memcpy((uint64_t *)phys_to_virt(root) + ENTRIES / 2, kernel + ENTRIES / 2,
		       HV_PAGE_SIZE / 2);
	return root;
}

/* ---- the kernel's own half ---- */

static void map_kernel(uint64_t virt, uint64_t phys, uint64_t size, unsigned int rights)
{
	if (!paging_map(kernel_root, NULL, virt, phys, size, rights))
		end_refuse("too little memory for the kernel's page tables");
}

/* Map RAM, but write-protect [start, end) where it lies in it. */
static void map_ram(struct range ram, struct range fixed)
{
	uint64_t start = fixed.start > ram.start ? fixed.start : ram.start;
	uint64_t end = fixed.end < ram.end ? fixed.end : ram.end;

	if (start >= end)
		start = end = ram.end;
	map_kernel(DIRECT_MAP + ram.start, ram.start, start - ram.start, MAP_WRITE);
	map_kernel(DIRECT_MAP + start, start, end - start, 0);
	map_kernel(DIRECT_MAP + end, end, ram.end - end, MAP_WRITE);
}

static void map_image(void)
{
	extern const char image_start[], rodata_start[], data_start[], image_end[];
	const struct {
		const char *start, *end;
		unsigned int rights;
	} parts[] = {
		{image_start, rodata_start, MAP_EXEC},
		{rodata_start, data_start, 0},
		{data_start, image_end, MAP_WRITE},
	};

	for (unsigned int i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		map_kernel((uintptr_t)parts[i].start, virt_to_phys(parts[i].start),
			   (uint64_t)(parts[i].end - parts[i].start), parts[i].rights);
}

/* All upper-half slots must exist before the first partition copies them. */
static void make_areas(void)
{
	static const uint64_t areas[] = {STACK_AREA, GDT_AREA, DEVICE_AREA};

	for (unsigned int i = 0; i < sizeof(areas) / sizeof(areas[0]); i++)
		if (walk(kernel_root, NULL, areas[i], 1) == NULL)
			end_refuse("too little memory for the kernel's page tables");
}

void paging_init(const struct boot_info *info)
{
	extern const char data_start[];
	const struct range image = {LOAD_PHYS, virt_to_phys(data_start)};

	kernel_root = new_table(NULL);
	if (kernel_root == 0)
		end_refuse("too little memory for the kernel's page tables");
	for (uint32_t i = 0; i < info->ram_count; i++)
		map_ram((struct range){page_up(info->ram[i].start),
				       info->ram[i].end & ~(uint64_t)HV_PAGE_MASK},
			image);
	map_image();
	make_areas();
	paging_init_cpu();
}

void paging_init_cpu(void)
{
	x86_write_cr3(kernel_root);
}

volatile void *paging_map_device(uint64_t phys)
{
	uint64_t virt = next_device;

	next_device += DEVICE_SLOT;
	map_kernel(virt, phys & ~(uint64_t)HV_PAGE_MASK, HV_PAGE_SIZE, MAP_WRITE | MAP_DEVICE);
	return (volatile void *)(uintptr_t)(virt + (phys & HV_PAGE_MASK));
}

uint64_t paging_map_stack(struct host_pool *pool)
{
	uint64_t top = next_stack + STACK_SLOT;

	for (uint64_t at = top - STACK_SIZE; at < top; at += HV_PAGE_SIZE) {
		uint64_t page = new_table(pool);

		if (page == 0 || !paging_map(kernel_root, NULL, at, page, HV_PAGE_SIZE, MAP_WRITE))
			return 0;
	}
	next_stack = top;
	paranoid_mark_stack(top);
	return top;
}

void *paging_map_gdt(unsigned int cpu)
{
	uint64_t virt = GDT_AREA + (uint64_t)cpu * GDT_SLOT;
	uint64_t page = new_table(NULL);

	if (page == 0)
		end_refuse("too little memory for the GDT of CPU %u", cpu);
	map_kernel(virt, page, HV_PAGE_SIZE, MAP_WRITE);
	return (void *)(uintptr_t)virt;
}
