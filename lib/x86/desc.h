/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file desc.h
 * Segment and gate descriptors, and the 64-bit task-state segment (SDM vol. 3, 3.4.5, 5.8.3, 6.14,
 * 7.2.3 and 7.7).
 */
#ifndef LIB_X86_DESC_H
#define LIB_X86_DESC_H

#include <stdint.h>

/* Type field of a code or data segment (table 3-1) */
#define SEG_TYPE_ACCESSED   0x1u
#define SEG_TYPE_WRITABLE   0x2u /**< data */
#define SEG_TYPE_READABLE   0x2u /**< code */
#define SEG_TYPE_EXPAND	    0x4u /**< data: expand-down */
#define SEG_TYPE_CONFORMING 0x4u /**< code */
#define SEG_TYPE_CODE	    0x8u

/* Type field of a system segment or gate (table 3-2) */
#define SYS_TYPE_TSS16_AVAILABLE 0x1u
#define SYS_TYPE_LDT		 0x2u
#define SYS_TYPE_TSS16_BUSY	 0x3u
#define SYS_TYPE_CALL_GATE16	 0x4u
#define SYS_TYPE_TASK_GATE	 0x5u
#define SYS_TYPE_TSS_AVAILABLE	 0x9u
#define SYS_TYPE_TSS_BUSY	 0xbu
#define SYS_TYPE_CALL_GATE	 0xcu
#define SYS_TYPE_INTERRUPT_GATE	 0xeu
#define SYS_TYPE_TRAP_GATE	 0xfu

/* Bits 40 to 47 and 52 to 55 of a descriptor, as bits of its high doubleword (figure 3-8) */
#define DESC_TYPE_SHIFT 8
#define DESC_S		(1u << 12) /**< code or data */
#define DESC_DPL_SHIFT	13
#define DESC_P		(1u << 15)
#define DESC_AVL	(1u << 20)
#define DESC_L		(1u << 21) /**< 64-bit code */
#define DESC_DB		(1u << 22) /**< 32-bit */
#define DESC_G		(1u << 23) /**< limit in 4-KByte units */

/** A code or data segment; base and limit are ignored in 64-bit mode. */
#define DESC_SEGMENT(base, limit, attributes)                                               \
	(((uint64_t)((limit) & 0xffffu)) | ((uint64_t)((base) & 0xffffffu) << 16) |          \
	 ((uint64_t)(attributes) << 32) | ((uint64_t)(((limit) >> 16) & 0xfu) << 48) |        \
	 ((uint64_t)(((base) >> 24) & 0xffu) << 56))

/** Attributes of a segment with this type and privilege level. */
#define DESC_ATTRIBUTES(type, dpl)                                                          \
	((uint32_t)(type) << DESC_TYPE_SHIFT | DESC_S | (uint32_t)(dpl) << DESC_DPL_SHIFT |  \
	 DESC_P)

/** The 64-bit code segment of a privilege level. */
#define DESC_CODE64(dpl)                                                                    \
	DESC_SEGMENT(0u, 0xfffffu,                                                           \
		     DESC_ATTRIBUTES(SEG_TYPE_CODE | SEG_TYPE_READABLE | SEG_TYPE_ACCESSED,   \
				     dpl) |                                                  \
			     DESC_L | DESC_G)
/** The flat 32-bit code segment of a privilege level. */
#define DESC_CODE32(dpl)                                                                    \
	DESC_SEGMENT(0u, 0xfffffu,                                                           \
		     DESC_ATTRIBUTES(SEG_TYPE_CODE | SEG_TYPE_READABLE | SEG_TYPE_ACCESSED,   \
				     dpl) |                                                  \
			     DESC_DB | DESC_G)
/** The flat data segment of a privilege level. */
#define DESC_DATA(dpl)                                                                      \
	DESC_SEGMENT(0u, 0xfffffu,                                                           \
		     DESC_ATTRIBUTES(SEG_TYPE_WRITABLE | SEG_TYPE_ACCESSED, dpl) | DESC_DB | \
			     DESC_G)

/** 7.7: 64-bit TSS. */
struct tss64 {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7]; /**< ist[0] is IST1 */
	uint64_t reserved2;
	uint16_t reserved3;
	uint16_t iomap_base; /**< >= the segment's limit: no port is allowed */
} __attribute__((packed));

/** A system descriptor in 64-bit mode takes two entries of the GDT (7.2.3). */
struct desc128 {
	uint64_t low, high;
};

/** 6.14.1: 64-bit gate. */
struct idt_gate {
	uint16_t offset_15_0;
	uint16_t selector;
	uint8_t ist;	   /**< 0: no stack switch without change of privilege */
	uint8_t type_attr; /**< P, DPL, type */
	uint16_t offset_31_16;
	uint32_t offset_63_32;
	uint32_t reserved;
};

_Static_assert(sizeof(struct tss64) == 104, "SDM vol. 3, figure 7-11");
_Static_assert(sizeof(struct idt_gate) == 16, "SDM vol. 3, figure 6-8");

static inline struct desc128 desc_tss64(const struct tss64 *tss, uint32_t limit)
{
	uint64_t base = (uintptr_t)tss;
	uint32_t attributes = SYS_TYPE_TSS_AVAILABLE << DESC_TYPE_SHIFT | DESC_P;

	return (struct desc128){
		.low = DESC_SEGMENT(base, (uint64_t)limit, attributes),
		.high = base >> 32,
	};
}

/** @param type SYS_TYPE_INTERRUPT_GATE or SYS_TYPE_TRAP_GATE */
static inline struct idt_gate idt_gate(uint64_t offset, uint16_t selector, unsigned type,
				       unsigned dpl, unsigned ist)
{
	return (struct idt_gate){
		.offset_15_0 = (uint16_t)offset,
		.selector = selector,
		.ist = (uint8_t)(ist & 7u),
		.type_attr = (uint8_t)(0x80u | dpl << 5 | type),
		.offset_31_16 = (uint16_t)(offset >> 16),
		.offset_63_32 = (uint32_t)(offset >> 32),
	};
}

#endif
