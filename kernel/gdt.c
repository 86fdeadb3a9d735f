/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Segments. A VM exit leaves FFFFh in the limit of the GDT (SDM 3C 28.5.2), which the driver need not
 * correct: each GDT has 64 KiB of addresses of its own, and only its page is there. A selector that
 * ring 3 invents finds a page fault, never another structure to be taken for a descriptor.
 */
#include "kernel/address.h"
#include "kernel/cpu.h"
#include "kernel/end.h"
#include "kernel/memory.h"
#include "kernel/paging.h"
#include "lib/string.h"

/* Descriptors (SDM 3A 3.4.5): present, accessed, so that the CPU needn't write them. */
#define DESC_CODE64_RING0 UINT64_C(0x00af9b000000ffff)
#define DESC_DATA_RING0	  UINT64_C(0x00cf93000000ffff)
#define DESC_DATA_RING3	  UINT64_C(0x00cff3000000ffff)
#define DESC_CODE64_RING3 UINT64_C(0x00affb000000ffff)
#define DESC_TSS	  UINT64_C(0x0000890000000000) /* available 64-bit TSS */

enum { GDT_TSS = SEL_TSS / 8, GDT_ENTRIES = GDT_TSS + 2 };

struct pointer {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

static void make_stacks(struct cpu *cpu)
{
	for (unsigned int i = IST_NONE + 1; i < IST_COUNT; i++) {
		cpu->tss->ist[i - 1] = paging_map_stack(NULL);
		if (cpu->tss->ist[i - 1] == 0)
			end_refuse("too little memory for the stacks of CPU %u", cpu->index);
	}
}

static void make_tss(struct cpu *cpu)
{
	uint64_t phys = memory_alloc(page_up(sizeof(struct tss)), HV_PAGE_SIZE);

	if (phys == 0)
		end_refuse("too little memory for the segments of CPU %u", cpu->index);
	cpu->tss = phys_to_virt(phys);
	memset(cpu->tss, 0, sizeof(struct tss));
	cpu->tss->io_map_base = TSS_NO_IO_MAP;
	cpu->tss->io_map_end = 0xff;
}

/* Available, not busy, as LTR wants it. */
static void describe_tss(struct cpu *cpu)
{
	uint64_t base = (uintptr_t)cpu->tss;

	cpu->gdt[GDT_TSS] = DESC_TSS | (TSS_LIMIT & 0xffff) | (base & 0xffffff) << 16 |
			    (base >> 24 & 0xff) << 56;
	cpu->gdt[GDT_TSS + 1] = base >> 32;
}

void gdt_prepare(struct cpu *cpu)
{
	uint64_t *gdt = paging_map_gdt(cpu->index);

	gdt[SEL_KERNEL_CODE / 8] = DESC_CODE64_RING0;
	gdt[SEL_KERNEL_DATA / 8] = DESC_DATA_RING0;
	gdt[SEL_USER_DATA / 8] = DESC_DATA_RING3;
	gdt[SEL_USER_CODE / 8] = DESC_CODE64_RING3;
	cpu->gdt = gdt;
	make_tss(cpu);
	describe_tss(cpu);
	make_stacks(cpu);
}

void gdt_load(struct cpu *cpu)
{
	struct pointer pointer = {GDT_ENTRIES * 8 - 1, (uintptr_t)cpu->gdt};

	__asm__ volatile("lgdt %0\n\t"
			 "pushq %1\n\t"
			 "leaq 1f(%%rip), %%rax\n\t"
			 "pushq %%rax\n\t"
			 "lretq\n"
			 "1:\tmovl %2, %%ds\n\t"
			 "movl %2, %%es\n\t"
			 "movl %2, %%ss\n\t"
			 "movl %3, %%fs\n\t"
			 "movl %3, %%gs\n\t"
			 "ltr %w4"
			 :
			 : "m"(pointer), "i"(SEL_KERNEL_CODE), "r"(SEL_KERNEL_DATA), "r"(0),
			   "r"(SEL_TSS)
			 : "rax", "memory");
}

void gdt_load_tss(struct cpu *cpu)
{
	describe_tss(cpu);
	__asm__ volatile("ltr %w0" : : "r"(SEL_TSS) : "memory");
}
