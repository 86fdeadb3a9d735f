/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interrupt descriptor table (SDM 3A 6.14.1): all 256 vectors have a gate, so that nothing that
 * arrives is unexpected in a fatal way.
 */
#include "kernel/cpu.h"
#include "kernel/trap.h"
#include "kernel/x86.h"

struct gate {
	uint16_t offset_0;
	uint16_t selector;
	uint8_t ist;
	uint8_t attributes;
	uint16_t offset_16;
	uint32_t offset_32;
	uint32_t reserved;
} __attribute__((packed));
_Static_assert(sizeof(struct gate) == 16, "SDM 3A figure 6-8");

#define GATE_INTERRUPT	    0x8eu /* present, DPL 0, clears IF */
#define GATE_INTERRUPT_USER 0xeeu /* the same for INT from ring 3 */
#define STUB_SIZE	    16u	  /* entry.S */

static struct gate idt[256] __attribute__((aligned(4096)));

static uint8_t ist_of(unsigned int vector)
{
	switch (vector) {
	case VECTOR_DF: return IST_DF;
	case VECTOR_NMI: return IST_NMI;
	case VECTOR_MC: return IST_MC;
	default: return IST_NONE;
	}
}

void idt_init(void)
{
	for (unsigned int vector = 0; vector < 256; vector++) {
		uint64_t stub = (uintptr_t)vector_stubs + (uint64_t)vector * STUB_SIZE;
		/* INT3 and INTO are the program's to execute; each ends it as a fault does. */
		bool user = vector == VECTOR_BP || vector == VECTOR_OF;

		idt[vector] = (struct gate){
			.offset_0 = (uint16_t)stub,
			.selector = SEL_KERNEL_CODE,
			.ist = ist_of(vector),
			.attributes = user ? GATE_INTERRUPT_USER : GATE_INTERRUPT,
			.offset_16 = (uint16_t)(stub >> 16),
			.offset_32 = (uint32_t)(stub >> 32),
		};
	}
	idt_load();
}

void idt_load(void)
{
	const struct {
		uint16_t limit;
		const struct gate *base;
	} __attribute__((packed)) pointer = {sizeof(idt) - 1, idt};

	__asm__ volatile("lidt %0" : : "m"(pointer));
}
