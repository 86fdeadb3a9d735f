/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/dummy/paging.h"

#include "guests/dummy/assert.h"
#include "guests/dummy/cpu.h"
#include "guests/dummy/exit.h"
#include "guests/dummy/pages.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"

#define IDENTITY_END (4 * SIZE_1G)
#define DEVICE_START X86_U64(0xf0000000) /* no RAM from here to IDENTITY_END */

/* in guest.ld, aligned to pages */
extern const uint8_t image_start[], text_end[], rodata_end[], image_end[];

static uint64_t kernel_root;

uint64_t paging_kernel_root(void)
{
	return kernel_root;
}

uint64_t paging_text_start(void)
{
	return (uintptr_t)image_start;
}

uint64_t paging_text_end(void)
{
	return (uintptr_t)text_end;
}

uint64_t paging_image_end(void)
{
	return (uintptr_t)image_end;
}

static uint64_t *table_at(uint64_t entry)
{
	return (uint64_t *)(entry & PTE_ADDR_MASK);
}

static unsigned level_of(uint64_t size)
{
	return size == SIZE_1G ? 3 : size == SIZE_2M ? 2 : 1;
}

static uint64_t usable(uint64_t flags)
{
	return cpu_features.nx ? flags : flags & ~PTE_XD;
}

static bool maps_page(uint64_t entry, unsigned level)
{
	return level == 1 || (entry & PTE_PS) != 0;
}

/* Goes down to the entry at `level`, making tables. @return NULL where a large page is in the way. */
static uint64_t *walk_create(uint64_t root, uint64_t la, unsigned level)
{
	uint64_t *table = table_at(root);

	for (unsigned l = PTE_LEVELS; l > level; l--) {
		uint64_t *entry = &table[PTE_INDEX(la, l)];

		if ((*entry & PTE_P) == 0)
			*entry = page_alloc() | PTE_P | PTE_RW | PTE_US;
		else if ((*entry & PTE_PS) != 0)
			return NULL;
		table = table_at(*entry);
	}
	return &table[PTE_INDEX(la, level)];
}

uint64_t *paging_entry(uint64_t root, uint64_t la, unsigned *level)
{
	uint64_t *table = table_at(root);

	for (unsigned l = PTE_LEVELS; l > 0; l--) {
		uint64_t *entry = &table[PTE_INDEX(la, l)];

		if ((*entry & PTE_P) == 0)
			return NULL;
		if (maps_page(*entry, l)) {
			*level = l;
			return entry;
		}
		table = table_at(*entry);
	}
	return NULL;
}

bool paging_map(uint64_t root, uint64_t la, uint64_t pa, uint64_t size, uint64_t flags)
{
	unsigned level = level_of(size);

	PARANOID_CHECK(((la | pa) & (size - 1)) == 0 && la48_is_canonical(la));

	uint64_t *entry = walk_create(root, la, level);

	if (entry == NULL || (*entry & PTE_P) != 0)
		return false;
	*entry = pa | usable(flags) | PTE_P | (level > 1 ? PTE_PS : 0);
	return true;
}

bool paging_unmap(uint64_t root, uint64_t la)
{
	unsigned level;
	uint64_t *entry = paging_entry(root, la, &level);

	if (entry == NULL)
		return false;
	*entry = 0;
	invlpg((const void *)la);
	return true;
}

bool paging_protect(uint64_t root, uint64_t la, uint64_t flags)
{
	unsigned level;
	uint64_t *entry = paging_entry(root, la, &level);

	if (entry == NULL)
		return false;
	*entry = (*entry & PTE_ADDR_MASK) | usable(flags) | PTE_P | (level > 1 ? PTE_PS : 0);
	invlpg((const void *)la);
	return true;
}

bool paging_translate(uint64_t root, uint64_t la, uint64_t *pa, uint64_t *entry)
{
	unsigned level;
	const uint64_t *e = paging_entry(root, la, &level);

	if (e == NULL)
		return false;

	uint64_t offset_mask = (X86_U64(1) << PTE_LEVEL_SHIFT(level)) - 1;

	if (pa != NULL)
		*pa = (*e & PTE_ADDR_MASK & ~offset_mask) | (la & offset_mask);
	if (entry != NULL)
		*entry = *e;
	return true;
}

static uint64_t rights_of(uint64_t pa)
{
	if (pa >= (uintptr_t)image_start && pa < (uintptr_t)text_end)
		return 0;
	if (pa >= (uintptr_t)text_end && pa < (uintptr_t)rodata_end)
		return PTE_XD;
	return PTE_RW | PTE_XD | (pa >= DEVICE_START ? PTE_PCD | PTE_PWT : 0);
}

static void map_identity(uint64_t start, uint64_t end, uint64_t size)
{
	for (uint64_t pa = start; pa < end; pa += size) {
		if (!paging_map(kernel_root, pa, pa, size, rights_of(pa) | PTE_G))
			panic("one to one mapping at %lx", pa);
	}
}

void paging_init(void)
{
	uint64_t fine_end = ((uintptr_t)image_end + SIZE_2M - 1) & ~(SIZE_2M - 1);

	if (cpu_features.nx)
		wrmsr(IA32_EFER, rdmsr(IA32_EFER) | EFER_NXE);
	kernel_root = page_alloc();
	map_identity(0, fine_end, SIZE_4K);
	map_identity(fine_end, IDENTITY_END, SIZE_2M);
	write_cr3(kernel_root);
}

/* The first PDPT is copied: the gibibytes beside the user's are shared through their tables. */
uint64_t paging_new_space(void)
{
	uint64_t root = page_alloc(), pdpt = page_alloc();

	memcpy(table_at(root), table_at(kernel_root), PAGE_SIZE);
	memcpy(table_at(pdpt), table_at(table_at(kernel_root)[0]), PAGE_SIZE);
	table_at(pdpt)[PTE_INDEX(USER_START, 3)] = 0;
	table_at(root)[0] = pdpt | PTE_P | PTE_RW | PTE_US;
	return root;
}

static void free_page_table(uint64_t table)
{
	for (unsigned i = 0; i < PTE_ENTRIES; i++) {
		uint64_t entry = table_at(table)[i];

		if ((entry & (PTE_P | PTE_BORROWED)) == PTE_P)
			page_free(entry & PTE_ADDR_MASK);
	}
	page_free(table);
}

static void free_page_directory(uint64_t table)
{
	for (unsigned i = 0; i < PTE_ENTRIES; i++) {
		uint64_t entry = table_at(table)[i];

		if ((entry & PTE_P) != 0)
			free_page_table(entry & PTE_ADDR_MASK);
	}
	page_free(table);
}

void paging_free_space(uint64_t root)
{
	uint64_t pdpt = table_at(root)[0] & PTE_ADDR_MASK;
	uint64_t user = table_at(pdpt)[PTE_INDEX(USER_START, 3)];

	if ((user & PTE_P) != 0)
		free_page_directory(user & PTE_ADDR_MASK);
	page_free(pdpt);
	page_free(root);
}
