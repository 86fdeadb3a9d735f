/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages of each size, anywhere, and their rights. @verifies DUM-003 */
#include "guests/dummy/rt.h"
#include "guests/dummy/test.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"

/* Linear addresses that nothing else uses: a page for most tests, and where each size has its own GiB. */
#define LOW_HALF  X86_U64(0x0000600000000000)
#define HIGH_HALF X86_U64(0xffff900000000000)
#define TOP	  X86_U64(0xffffffff00000000)

/* Whatever page size maps it, the test writes into this page. */
static uint8_t target[SIZE_4K] __attribute__((aligned(4096)));

static uint64_t root(void)
{
	return paging_kernel_root();
}

static void read_from(uint64_t la)
{
	(void)*(const volatile uint64_t *)la;
}

static void write_to(uint64_t la)
{
	*(volatile uint64_t *)la = 1;
}

static void execute(uint64_t la)
{
	((void (*)(void))la)();
}

/* Maps the frame that holds `target`, writes through it, and unmaps it. */
static bool alias_works(uint64_t base, uint64_t size, uint64_t value)
{
	uint64_t pa = (uintptr_t)target, frame = pa & ~(size - 1), la = base + (pa - frame);
	volatile uint64_t *direct = (volatile uint64_t *)target;
	volatile uint64_t *alias = (volatile uint64_t *)la;
	struct fault f = {0};

	CHECK(paging_map(root(), base, frame, size, PTE_RW | PTE_XD));
	CHECK(!paging_map(root(), base, frame, size, PTE_RW | PTE_XD));
	*direct = value;
	CHECK(*alias == value);
	alias[511] = ~value;
	CHECK(direct[511] == ~value);
	CHECK(paging_unmap(root(), la));
	CHECK(try_call(read_from, la, &f));
	CHECK(f.vector == X86_PF && f.error == 0 && f.cr2 == la);
	CHECK(try_call(write_to, la + 8, &f));
	CHECK(f.vector == X86_PF && f.error == PFERR_W && f.cr2 == la + 8);
	return true;
}

static bool everywhere(uint64_t size, uint64_t gib)
{
	static const uint64_t bases[] = {LOW_HALF, HIGH_HALF, TOP};

	for (unsigned i = 0; i < 3; i++)
		CHECK(alias_works(bases[i] + gib * SIZE_1G, size, size * 0x9e3779b97f4a7c15 + i));
	return true;
}

static bool pages_4k(void)
{
	return everywhere(SIZE_4K, 1);
}

static bool pages_2m(void)
{
	return everywhere(SIZE_2M, 2);
}

static bool pages_1g(void)
{
	return everywhere(SIZE_1G, 3);
}

static const char *without_1g(void)
{
	return cpu_features.pages_1g ? NULL : "the CPU has no pages of 1 GiB";
}

/* Many small pages: more than a TLB holds, all different, each seen where it belongs. */
static bool many_pages(void)
{
	enum { COUNT = 600 };

	for (uint64_t i = 0; i < COUNT; i++) {
		CHECK(paging_map(root(), LOW_HALF + i * SIZE_4K, page_alloc(), SIZE_4K, PTE_RW));
		*(volatile uint64_t *)(LOW_HALF + i * SIZE_4K) = i;
	}
	for (uint64_t i = 0; i < COUNT; i++) {
		uint64_t page;

		CHECK(*(volatile uint64_t *)(LOW_HALF + i * SIZE_4K) == i);
		CHECK(paging_translate(root(), LOW_HALF + i * SIZE_4K, &page, NULL));
		CHECK(*(uint64_t *)page == i);
		CHECK(paging_unmap(root(), LOW_HALF + i * SIZE_4K));
		page_free(page);
	}
	return true;
}

static bool write_protection(void)
{
	struct fault f = {0};

	CHECK(paging_map(root(), LOW_HALF, (uintptr_t)target, SIZE_4K, PTE_XD));
	CHECK(!try_call(read_from, LOW_HALF, NULL));
	CHECK(try_call(write_to, LOW_HALF, &f));
	CHECK(f.vector == X86_PF && f.error == (PFERR_P | PFERR_W));
	CHECK(paging_protect(root(), LOW_HALF, PTE_RW | PTE_XD));
	CHECK(!try_call(write_to, LOW_HALF, NULL));
	CHECK(paging_protect(root(), LOW_HALF, PTE_XD));
	CHECK(try_call(write_to, LOW_HALF, &f));
	CHECK(paging_unmap(root(), LOW_HALF));
	return true;
}

static const char *without_nx(void)
{
	return cpu_features.nx ? NULL : "the CPU has no execute-disable";
}

static bool execute_disable(void)
{
	static const uint8_t ret = 0xc3;
	struct fault f = {0};

	memcpy(target, &ret, 1);
	CHECK(paging_map(root(), LOW_HALF, (uintptr_t)target, SIZE_4K, 0));
	CHECK(!try_call(execute, LOW_HALF, NULL));
	CHECK(paging_protect(root(), LOW_HALF, PTE_XD));
	CHECK(try_call(execute, LOW_HALF, &f));
	CHECK(f.vector == X86_PF && f.error == (PFERR_P | PFERR_I) && f.cr2 == LOW_HALF);
	CHECK(paging_unmap(root(), LOW_HALF));
	return true;
}

static bool image_is_protected(void)
{
	static const uint64_t constant = 1;
	uint64_t on_stack = 0;
	struct fault f = {0};

	CHECK(try_call(write_to, (uintptr_t)&constant, &f) && f.error == (PFERR_P | PFERR_W));
	CHECK(try_call(write_to, (uintptr_t)write_to, &f) && f.error == (PFERR_P | PFERR_W));
	CHECK(!cpu_features.nx || (try_call(execute, (uintptr_t)target, &f) &&
				   f.error == (PFERR_P | PFERR_I)));
	CHECK(!cpu_features.nx || (try_call(execute, (uintptr_t)&on_stack, &f) &&
				   f.error == (PFERR_P | PFERR_I)));
	return true;
}

static bool accessed_and_dirty(void)
{
	const uint64_t both = PTE_A | PTE_D;
	uint64_t entry = 0;

	CHECK(paging_map(root(), LOW_HALF, (uintptr_t)target, SIZE_4K, PTE_RW | PTE_XD));
	paging_translate(root(), LOW_HALF, NULL, &entry);
	CHECK((entry & both) == 0);
	read_from(LOW_HALF);
	paging_translate(root(), LOW_HALF, NULL, &entry);
	CHECK((entry & both) == PTE_A);
	write_to(LOW_HALF);
	paging_translate(root(), LOW_HALF, NULL, &entry);
	CHECK((entry & both) == both);
	CHECK(paging_unmap(root(), LOW_HALF));
	return true;
}

/* A bit beyond the physical address width is reserved. */
static bool reserved_bit(void)
{
	struct fault f = {0};
	unsigned level;

	CHECK(paging_map(root(), LOW_HALF, (uintptr_t)target, SIZE_4K, PTE_RW | PTE_XD));
	*paging_entry(root(), LOW_HALF, &level) |= X86_U64(1) << 51;
	CHECK(level == 1);
	CHECK(try_call(read_from, LOW_HALF, &f));
	CHECK(f.vector == X86_PF);
	/* QEMU 7.2 leaves P out, which the manual wants with RSVD (SDM vol. 3, 4.7) */
	CHECK((f.error | PFERR_P) == (PFERR_P | PFERR_RSVD));
	CHECK(paging_unmap(root(), LOW_HALF));
	return true;
}

static const char *with_52_bits(void)
{
	return cpu_features.physical_bits > 51 ? "physical addresses have 52 bits" : NULL;
}

static const char *without_smep(void)
{
	return cpu_features.smep ? NULL : "the CPU has no SMEP";
}

static bool smep(void)
{
	static const uint8_t ret = 0xc3;
	struct fault f = {0};

	memcpy(target, &ret, 1);
	CHECK(paging_map(root(), LOW_HALF, (uintptr_t)target, SIZE_4K, PTE_US));
	CHECK(try_call(execute, LOW_HALF, &f));
	CHECK(f.vector == X86_PF && f.error == (PFERR_P | PFERR_I));
	write_cr4(read_cr4() & ~CR4_SMEP);
	bool faulted = try_call(execute, LOW_HALF, NULL);
	write_cr4(read_cr4() | CR4_SMEP);
	CHECK(!faulted);
	CHECK(paging_unmap(root(), LOW_HALF));
	return true;
}

static const char *without_smap(void)
{
	return cpu_features.smap ? NULL : "the CPU has no SMAP";
}

static bool smap(void)
{
	struct fault f = {0};

	CHECK(paging_map(root(), LOW_HALF, (uintptr_t)target, SIZE_4K, PTE_US | PTE_RW | PTE_XD));
	CHECK(try_call(write_to, LOW_HALF, &f));
	CHECK(f.vector == X86_PF && f.error == (PFERR_P | PFERR_W));
	stac();
	bool faulted = try_call(write_to, LOW_HALF, NULL);
	clac();
	CHECK(!faulted);
	CHECK(try_call(read_from, LOW_HALF, &f) && f.error == PFERR_P);
	CHECK(paging_unmap(root(), LOW_HALF));
	return true;
}

/* Global pages outlive a load of CR3, others don't; INVLPG removes both. */
static bool tlb_invalidation(void)
{
	uint64_t first = page_alloc(), second = page_alloc();
	unsigned level;

	*(uint64_t *)first = 1;
	*(uint64_t *)second = 2;
	CHECK(paging_map(root(), LOW_HALF, first, SIZE_4K, PTE_RW | PTE_XD));
	CHECK(*(volatile uint64_t *)LOW_HALF == 1);
	*paging_entry(root(), LOW_HALF, &level) = second | PTE_P | PTE_RW;
	write_cr3(read_cr3());
	CHECK(*(volatile uint64_t *)LOW_HALF == 2);
	*paging_entry(root(), LOW_HALF, &level) = first | PTE_P | PTE_RW | PTE_G;
	invlpg((const void *)LOW_HALF);
	CHECK(*(volatile uint64_t *)LOW_HALF == 1);
	*paging_entry(root(), LOW_HALF, &level) = second | PTE_P | PTE_RW | PTE_G;
	invlpg((const void *)LOW_HALF);
	CHECK(*(volatile uint64_t *)LOW_HALF == 2);
	CHECK(paging_unmap(root(), LOW_HALF));
	page_free(first);
	page_free(second);
	return true;
}

const struct test tests_paging[] = {
	{"pages-of-4-KiB", pages_4k, NULL},
	{"pages-of-2-MiB", pages_2m, NULL},
	{"pages-of-1-GiB", pages_1g, without_1g},
	{"many-pages", many_pages, NULL},
	{"write-protection", write_protection, NULL},
	{"execute-disable", execute_disable, without_nx},
	{"image-is-protected", image_is_protected, NULL},
	{"accessed-and-dirty", accessed_and_dirty, NULL},
	{"reserved-bit", reserved_bit, with_52_bits},
	{"smep", smep, without_smep},
	{"smap", smap, without_smap},
	{"tlb-invalidation", tlb_invalidation, NULL},
	{NULL, NULL, NULL},
};
