/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's memory as the debugger sees it: by linear address through the paging of the vCPU that it
 * looks at, whatever the privilege, without leaving accessed bits; or by physical address. RAM alone:
 * devices would notice.
 *
 * @req GDB-022 Memory is read and written by linear address in every paging mode, and by physical address;
 *              where there is none, so far and no farther.
 */
#include "vmm/debug/debug.h"

#include "lib/string.h"
#include "lib/x86/regs.h"
#include "vmm/vm.h"

#define PAGE_P	UINT64_C(1)
#define PAGE_PS UINT64_C(0x80)
/** Bits 51:12 of an entry (SDM vol. 3, 4.5.4). */
#define FRAME UINT64_C(0x000ffffffffff000)

/* ------------------------------------------------------------------------------------ translation */

/** How a paging mode looks up a level: the index's lowest bit and the size of an entry. */
struct walk {
	const struct vm *vm;
	uint64_t linear;
	unsigned int entry; /**< bytes */
	unsigned int bits;  /**< of an index */
};

static bool entry_read(const struct walk *walk, uint64_t table, unsigned int shift, uint64_t *entry)
{
	const uint64_t index = walk->linear >> shift & ((UINT64_C(1) << walk->bits) - 1);
	const void *from = vm_ram(walk->vm, table + index * walk->entry, walk->entry, 0);

	*entry = 0;
	if (!from)
		return false;
	memcpy(entry, from, walk->entry);
	return (*entry & PAGE_P) != 0;
}

/** Frame of a large page; a 4 MiB page of 32-bit paging has bits 39:32 in 20:13 (SDM, table 4-4). */
static uint64_t large(const struct walk *walk, uint64_t entry, unsigned int shift)
{
	const uint64_t offset = walk->linear & ((UINT64_C(1) << shift) - 1);
	uint64_t frame = entry & FRAME;

	if (walk->entry == 4)
		frame = (entry & UINT64_C(0xffc00000)) | (entry & UINT64_C(0x1fe000)) << 19;
	return (frame & ~((UINT64_C(1) << shift) - 1)) | offset;
}

/** From the table of the level whose index begins at bit `shift` down. */
static bool walk_down(const struct walk *walk, uint64_t table, unsigned int shift, bool pse,
		      uint64_t *physical)
{
	uint64_t entry;

	for (; shift >= 12; shift -= walk->bits) {
		if (!entry_read(walk, table, shift, &entry))
			return false;
		if (shift > 12 && shift <= 30 && (entry & PAGE_PS) != 0 && pse) {
			*physical = large(walk, entry, shift);
			return true;
		}
		table = entry & (walk->entry == 4 ? UINT64_C(0xfffff000) : FRAME);
	}
	*physical = table | (walk->linear & 0xfff);
	return true;
}

static bool canonical(uint64_t linear, unsigned int bits)
{
	const uint64_t high = linear >> (bits - 1);

	return high == 0 || high == UINT64_MAX >> (bits - 1);
}

bool debug_translate(const struct vm *vm, const struct vcpu *vcpu, uint64_t linear,
		     uint64_t *physical)
{
	const struct hv_x86_regs *regs = hv_x86_regs(vcpu->page);
	struct walk walk = {vm, linear, 8, 9};
	uint64_t entry;

	if (regs->efer & EFER_LMA) {
		const bool five = regs->cr4 & CR4_LA57;
		if (!canonical(linear, five ? 57 : 48))
			return false;
		return walk_down(&walk, regs->cr3 & FRAME, five ? 48 : 39, true, physical);
	}
	walk.linear = (uint32_t)linear;
	if (!(regs->cr0 & CR0_PG)) {
		*physical = walk.linear;
		return true;
	}
	if (regs->cr4 & CR4_PAE) { /* four entries of no more than a table's address (4.4.1) */
		walk.bits = 2;
		if (!entry_read(&walk, regs->cr3 & UINT64_C(0xffffffe0), 30, &entry))
			return false;
		walk.bits = 9;
		return walk_down(&walk, entry & FRAME, 21, true, physical);
	}
	walk.entry = 4;
	walk.bits = 10;
	return walk_down(&walk, regs->cr3 & UINT64_C(0xfffff000), 22, regs->cr4 & CR4_PSE, physical);
}

/* -------------------------------------------------------------------------------------- contents */

/** A piece within a page. @return where it is, NULL: nowhere */
static uint8_t *piece(const struct vm *vm, uint64_t address, size_t size, uint64_t *physical)
{
	const struct debug *d = &vm->debug;

	*physical = address;
	if (!d->physical && !debug_translate(vm, &vm->vcpu[d->current], address, physical))
		return NULL;
	return vm_ram(vm, *physical, size, 0);
}

static void hide(const struct debug *d, uint64_t physical, uint8_t *bytes, size_t size)
{
	for (uint32_t i = 0; d->softs != 0 && i < DEBUG_BREAKPOINTS; i++) {
		const struct debug_soft *soft = &d->soft[i];
		if (soft->used && soft->physical - physical < size)
			bytes[soft->physical - physical] = soft->byte;
	}
}

/** What was written over breakpoints is what is under them now. */
static void keep(struct debug *d, uint64_t physical, uint8_t *bytes, size_t size)
{
	for (uint32_t i = 0; d->softs != 0 && i < DEBUG_BREAKPOINTS; i++) {
		struct debug_soft *soft = &d->soft[i];
		if (soft->used && soft->physical - physical < size)
			soft->byte = bytes[soft->physical - physical];
	}
	for (uint32_t i = 0; d->softs != 0 && i < DEBUG_BREAKPOINTS; i++) {
		const struct debug_soft *soft = &d->soft[i];
		if (soft->used && soft->physical - physical < size)
			bytes[soft->physical - physical] = 0xcc;
	}
}

static size_t to_page_end(uint64_t address, size_t size)
{
	const size_t left = HV_PAGE_SIZE - (size_t)(address & (HV_PAGE_SIZE - 1));

	return size < left ? size : left;
}

size_t debug_read(struct vm *vm, uint64_t address, void *to, size_t size)
{
	uint8_t *bytes = to;
	size_t done = 0;

	while (done < size) {
		const size_t n = to_page_end(address + done, size - done);
		uint64_t physical;
		const uint8_t *from = piece(vm, address + done, n, &physical);
		if (!from)
			break;
		memcpy(bytes + done, from, n);
		hide(&vm->debug, physical, bytes + done, n);
		done += n;
	}
	return done;
}

size_t debug_write(struct vm *vm, uint64_t address, const void *from, size_t size)
{
	const uint8_t *bytes = from;
	size_t done = 0;

	while (done < size) {
		const size_t n = to_page_end(address + done, size - done);
		uint64_t physical;
		uint8_t *to = piece(vm, address + done, n, &physical);
		if (!to)
			break;
		memcpy(to, bytes + done, n);
		keep(&vm->debug, physical, to, n);
		done += n;
	}
	return done;
}
