/* SPDX-License-Identifier: BSD-2-Clause */
/* Guest-physical addresses where nothing is, and page tables that lead there or to themselves. */
#include "guests/attack/act.h"
#include "guests/attack/machine.h"

#include "lib/string.h"

/** Where nothing answers on a PC of this size. */
static const struct {
	const char *name;
	uint64_t address;
} nowhere[] = {
	{"VGA graphics", 0xa0000},
	{"PCI hole", 0xd0000000},
	{"below the I/O APIC", 0xfebff000},
	{"behind the I/O APIC", 0xfec01000},
	{"last page below the reset vector", 0xfffef000},
	{"4 GiB", X86_U64(0x100000000)},
	{"64 GiB", X86_U64(0x1000000000)},
	{"256 GiB", X86_U64(0x4000000000)},
};
#define NOWHERE (sizeof(nowhere) / sizeof(nowhere[0]))

static void read_window(uint64_t la)
{
	*(volatile uint64_t *)la;
}

static void write_window(uint64_t la)
{
	*(volatile uint64_t *)la = 0x1122334455667788;
}

static void run_window(uint64_t la)
{
	((void (*)(void))la)();
}

static bool is_empty(uint64_t pa)
{
	volatile uint64_t *const p = machine_window(pa, SIZE_4K, PTE_RW | PTE_PCD);

	if (*p != UINT64_MAX) {
		act_fails("%lx: %lx", pa, *p);
		return false;
	}
	*p = 0x1122334455667788;
	*(volatile uint8_t *)((uintptr_t)p + 4095) = 1;
	*(volatile uint32_t *)((uintptr_t)p + 4090) = 1;
	if (*p != UINT64_MAX || *(volatile uint16_t *)((uintptr_t)p + 4094) != 0xffff) {
		act_fails("%lx: %lx, %x", pa, *p, *(volatile uint16_t *)((uintptr_t)p + 4094));
		return false;
	}
	return true;
}

/** @verifies HV-010: reads give ones, writes are lost. */
static void holes(uint64_t arg)
{
	(void)arg;
	for (size_t i = 0; i < NOWHERE; i++) {
		if (!is_empty(nowhere[i].address))
			act_fails("%s: not empty", nowhere[i].name);
	}
	ACT_CHECK(is_empty(machine.ram_end));
	ACT_CHECK(is_empty(machine.physical_end - SIZE_4K));
	ACT_CHECK(is_empty(machine.physical_end / 2));
}

static void run_holes(uint64_t arg)
{
	(void)arg;
	for (size_t i = 0; i < NOWHERE; i++) {
		const void *const p = machine_window(nowhere[i].address, SIZE_4K, 0);
		const uint64_t outcome = act_try(run_window, (uintptr_t)p);

		if (outcome != OUT_UD)
			act_fails("%s: outcome %lx", nowhere[i].name, outcome);
	}
}

/** RAM and its last byte are there; what crosses the end is half of it. */
static void ram_end(uint64_t arg)
{
	volatile uint8_t *const p = (volatile uint8_t *)machine.ram_end;

	(void)arg;
	p[-1] = 0x5c;
	p[-2] = 0x5b;
	ACT_CHECK(p[-1] == 0x5c);
	if (*(volatile uint32_t *)(machine.ram_end - 2) != 0xffff5c5b)
		act_fails("%x at the end %lx", *(volatile uint32_t *)(machine.ram_end - 2),
			  machine.ram_end);
	*(volatile uint32_t *)(machine.ram_end - 2) = 0x11223344;
	ACT_CHECK(p[-1] == 0x33 && p[-2] == 0x44 && p[0] == 0xff);
}

/** Physical address bits above the CPU's are reserved in page-table entries. */
static void beyond_width(uint64_t arg)
{
	(void)arg;
	for (unsigned bit = cpu_features.physical_bits; bit < 52; bit++) {
		const void *const p = machine_window(X86_U64(1) << bit, SIZE_4K, PTE_RW);
		struct fault fault = {0};

		ACT_CHECK(try_call(read_window, (uintptr_t)p, &fault));
		ACT_CHECK(fault.vector == X86_PF && (fault.error & PFERR_RSVD) != 0);
	}
}

/** Reserved bits inside large-page entries. */
static void large_misaligned(uint64_t size)
{
	uint64_t la = (uintptr_t)machine_window(X86_U64(0x40000000), size, PTE_RW), *entry;
	unsigned level = 0;
	struct fault fault = {0};

	entry = paging_entry(paging_kernel_root(), la, &level);
	ACT_CHECK(entry != NULL && level > 1);
	*entry |= 0x2000;
	invlpg((const void *)la);
	const bool faulted = try_call(read_window, la, &fault);

	*entry &= ~X86_U64(0x2000);
	ACT_CHECK(faulted && fault.vector == X86_PF && (fault.error & PFERR_RSVD) != 0);
}

static void large_pages_nowhere(uint64_t size)
{
	volatile uint64_t *const p = machine_window(X86_U64(0x4000000000), size, PTE_RW);

	ACT_CHECK(p[0] == UINT64_MAX);
	ACT_CHECK(p[size / sizeof(*p) - 1] == UINT64_MAX);
	p[512] = 1;
	ACT_CHECK(p[512] == UINT64_MAX);
}

static const char *unless_1g(void)
{
	return cpu_features.pages_1g ? NULL : "the CPU has no 1 GiB pages";
}

/** A PML4 that maps itself: the tables change while they are being walked. */
static void recursive_tables(uint64_t arg)
{
	uint64_t *const pml4 = (uint64_t *)paging_kernel_root();
	const uint64_t slot = 300, sign = X86_U64(0xffff000000000000);
	const uint64_t self = sign | slot << 39 | slot << 30 | slot << 21 | slot << 12;

	(void)arg;
	pml4[slot] = paging_kernel_root() | PTE_P | PTE_RW;
	volatile uint64_t *const view = (volatile uint64_t *)self;

	ACT_CHECK(view[slot] == pml4[slot] || (view[slot] & PTE_ADDR_MASK) == paging_kernel_root());
	for (unsigned i = 0; i < 200; i++) {
		view[301] = view[0];
		ACT_CHECK((pml4[301] & PTE_ADDR_MASK) == (pml4[0] & PTE_ADDR_MASK));
		view[301] = 0;
		write_cr3(paging_kernel_root());
	}
	view[slot] = 0;
	write_cr3(paging_kernel_root());
	const uint64_t outcome = act_try(read_window, self);

	pml4[slot] = 0;
	ACT_CHECK(outcome == OUT_PF);
}

/** A present bit that flips between accesses to a device through that entry. */
static void entry_flips(uint64_t arg)
{
	const uint64_t la = (uintptr_t)machine_window(X86_U64(0xd0000000), SIZE_4K, PTE_RW);
	uint64_t *entry;
	unsigned level = 0;

	(void)arg;
	entry = paging_entry(paging_kernel_root(), la, &level);
	ACT_CHECK(entry != NULL);
	for (unsigned i = 0; i < 300; i++) {
		ACT_CHECK(act_try(write_window, la) == OUT_DONE);
		*entry &= ~PTE_P;
		invlpg((const void *)la);
		ACT_CHECK(act_try(read_window, la) == OUT_PF);
		*entry |= PTE_P;
	}
}

/** The page of code that a device access is emulated from moves under it. */
static void code_moves(uint64_t arg)
{
	static const uint8_t code[2][8] = {
		{0x8b, 0x07, 0xc3},		/* mov (%rdi),%eax; ret */
		{0x31, 0xc0, 0x8b, 0x07, 0xc3}, /* xor %eax,%eax; mov (%rdi),%eax; ret */
	};
	uint8_t *const pages[2] = {(uint8_t *)page_alloc(), (uint8_t *)page_alloc()};

	(void)arg;
	for (unsigned i = 0; i < 2; i++)
		memcpy(pages[i], code[i], sizeof(code[i]));
	for (unsigned i = 0; i < 200; i++) {
		uint32_t (*const run)(uint64_t) =
			(uint32_t (*)(uint64_t))machine_window((uintptr_t)pages[i & 1], SIZE_4K, 0);

		ACT_CHECK(run(0xd0000000) == UINT32_MAX);
	}
	for (unsigned i = 0; i < 2; i++)
		page_free((uintptr_t)pages[i]);
}

/** Instructions changed just before they are emulated: the next address, another operand size. */
static void code_changes(uint64_t arg)
{
	uint8_t *const page = (uint8_t *)page_alloc();
	uint64_t (*const run)(uint64_t) =
		(uint64_t (*)(uint64_t))machine_window((uintptr_t)page, SIZE_4K, 0);

	(void)arg;
	for (unsigned i = 0; i < 200; i++) {
		const uint8_t code[] = {0x31, 0xc0, 0x8a, 0x07, 0xc3}; /* xor eax; mov (rdi),al; ret */

		memcpy(page, code, sizeof(code));
		page[2] = (i & 1) != 0 ? 0x8a : 0x8b;
		ACT_CHECK(run(0xd0000000) == ((i & 1) != 0 ? 0xffu : UINT32_MAX));
	}
	page_free((uintptr_t)page);
}

/** The ROM at C0000h: reads as zeros, keeps nothing. */
static void rom_write(uint64_t arg)
{
	volatile uint32_t *const rom = (volatile uint32_t *)(uintptr_t)0xc8000;
	const uint32_t before = rom[0];

	(void)arg;
	rom[0] = ~before;
	__asm__ volatile("lock xadd %0, %1" : "+r"((uint32_t){0}), "+m"(rom[1]));
	ACT_CHECK(rom[0] == before);
}

/** All free RAM written: none of it belongs to anybody else. */
static void write_all_ram(uint64_t arg)
{
	uint64_t page, count = 0;

	(void)arg;
	for (page = (paging_image_end() + SIZE_2M) & ~(SIZE_2M - 1); page < machine.ram_end;
	     page += SIZE_4K, count++) {
		volatile uint64_t *const p = (volatile uint64_t *)page;

		p[0] = page ^ 0x5555;
		p[511] = page;
	}
	for (page -= SIZE_4K; count > 0; count--, page -= SIZE_4K) {
		const volatile uint64_t *const p = (const volatile uint64_t *)page;

		ACT_CHECK(p[0] == (page ^ 0x5555) && p[511] == page);
	}
}

const struct act acts_memory[] = {
	{"holes", "reads and writes where nothing is", holes, 0, OUT_DONE, unless_hypike, NULL},
	{"run-holes", "execution where nothing is", run_holes, 0, OUT_DONE, unless_hypike, NULL},
	{"ram-end", "accesses across the end of RAM", ram_end, 0, OUT_DONE, unless_hypike, NULL},
	{"beyond-width", "physical addresses beyond the CPU's width", beyond_width, 0, OUT_DONE,
	 unless_bare_tcg, NULL},
	{"large-misaligned-2m", "reserved bits of a 2 MiB page", large_misaligned, SIZE_2M, OUT_DONE,
	 NULL, NULL},
	{"large-misaligned-1g", "reserved bits of a 1 GiB page", large_misaligned, SIZE_1G, OUT_DONE,
	 unless_1g, NULL},
	{"large-nowhere-2m", "a 2 MiB page of nothing", large_pages_nowhere, SIZE_2M, OUT_DONE,
	 unless_hypike, NULL},
	{"large-nowhere-1g", "a 1 GiB page of nothing", large_pages_nowhere, SIZE_1G, OUT_DONE,
	 unless_1g, NULL},
	{"recursive-tables", "page tables that map and change themselves", recursive_tables, 0,
	 OUT_DONE, NULL, NULL},
	{"entry-flips", "a page-table entry that comes and goes", entry_flips, 0, OUT_DONE, NULL,
	 NULL},
	{"code-moves", "code of device accesses that moves", code_moves, 0, OUT_DONE,
	 unless_hypike, NULL},
	{"code-changes", "code of device accesses that changes", code_changes, 0, OUT_DONE,
	 unless_hypike, NULL},
	{"rom-write", "writes to ROM", rom_write, 0, OUT_DONE, unless_hypike, NULL},
	{"write-all-ram", "all RAM written", write_all_ram, 0, OUT_DONE, NULL, NULL},
	{NULL, NULL, NULL, 0, 0, NULL, NULL},
};
