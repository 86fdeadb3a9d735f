/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file paging.h
 * Paging-structure entries of the three paging modes (SDM vol. 3, 4.3 to 4.5).
 */
#ifndef LIB_X86_PAGING_H
#define LIB_X86_PAGING_H

#include "lib/x86/regs.h"

/* Common to all modes and levels (SDM vol. 3, tables 4-5, 4-6, 4-14 to 4-19) */
#define PTE_P	   X86_U64(0x001) /**< present */
#define PTE_RW	   X86_U64(0x002) /**< writes allowed */
#define PTE_US	   X86_U64(0x004) /**< user-mode accesses allowed */
#define PTE_PWT	   X86_U64(0x008)
#define PTE_PCD	   X86_U64(0x010)
#define PTE_A	   X86_U64(0x020) /**< accessed */
#define PTE_D	   X86_U64(0x040) /**< dirty; only in an entry that maps a page */
#define PTE_PS	   X86_U64(0x080) /**< page size: maps a page, above the lowest level */
#define PTE_PAT	   X86_U64(0x080) /**< in a 4-KByte page's entry */
#define PTE_G	   X86_U64(0x100) /**< global */
#define PTE_PAT_LARGE X86_U64(0x1000) /**< in a large page's entry */
#define PTE_XD	   X86_U64(0x8000000000000000) /**< execute disable, with EFER.NXE */

/* 4-level and PAE paging */
#define PTE_ADDR_MASK	 X86_U64(0x000ffffffffff000)
#define PTE_ADDR_MASK_2M X86_U64(0x000fffffffe00000)
#define PTE_ADDR_MASK_1G X86_U64(0x000fffffc0000000)
#define PTE_ENTRIES	 512
#define PTE_LEVELS	 4
/** Lowest address bit that indexes a table at this level (1: PT … 4: PML4). */
#define PTE_LEVEL_SHIFT(level) (12u + 9u * ((level) - 1u))
/** Index of a linear address in a table at this level. */
#define PTE_INDEX(la, level) (((la) >> PTE_LEVEL_SHIFT(level)) & 511u)

/* PAE page-directory-pointer-table entries, as loaded at MOV to CR3 (table 4-8) */
#define PDPTE_PAE_RESERVED_LOW X86_U64(0x1e6)

/* 32-bit paging (tables 4-4 to 4-6) */
#define PTE32_ADDR_MASK	      X86_U32(0xfffff000)
#define PDE32_ADDR_MASK_4M    X86_U32(0xffc00000)
#define PDE32_PSE36_MASK      X86_U32(0x001fe000) /**< bits 39:32 of a 4-MByte page's address */
#define PDE32_PSE36_SHIFT     19
#define PDE32_RESERVED_4M     X86_U32(0x00200000)
#define PTE32_ENTRIES	      1024
#define PTE32_INDEX(la, level) (((la) >> (12u + 10u * ((level) - 1u))) & 1023u)

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stdint.h>

/** @return whether bits 63 to 47 are equal (SDM vol. 1, 3.3.7.1). */
static inline bool la48_is_canonical(uint64_t la)
{
	return la + X86_U64(0x0000800000000000) < X86_U64(0x0001000000000000);
}
#endif

#endif
