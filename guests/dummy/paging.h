/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file paging.h
 * 4-level page tables. The first 4 GiB are mapped one to one for the kernel: its text executable, its
 * constants read-only, everything else not executable.
 *
 * @req DUM-003 Pages of 4 KiB, 2 MiB and, where CPUID says so, 1 GiB can be mapped anywhere.
 */
#ifndef GUESTS_DUMMY_PAGING_H
#define GUESTS_DUMMY_PAGING_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/x86/paging.h"

#define SIZE_4K X86_U64(0x1000)
#define SIZE_2M X86_U64(0x200000)
#define SIZE_1G X86_U64(0x40000000)

/** The gibibyte that each process has for itself. */
#define USER_START SIZE_1G
#define USER_END   (2 * SIZE_1G)

/** In an entry, ignored by the CPU: the page isn't freed with its address space. */
#define PTE_BORROWED X86_U64(0x200)

/** Builds the kernel's tables and uses them. */
void paging_init(void);

/** @return physical address of the kernel's PML4. */
uint64_t paging_kernel_root(void);

/** @return where the executable part of the image begins and ends. */
uint64_t paging_text_start(void);
uint64_t paging_text_end(void);
/** @return where the image ends. */
uint64_t paging_image_end(void);

/**
 * Maps one page. Tables in between allow everything; the page has just these rights.
 * @param root  physical address of a PML4
 * @param size  SIZE_4K, SIZE_2M or SIZE_1G; la and pa are aligned to it
 * @param flags PTE_RW, PTE_US, PTE_XD (left out where the CPU has no NX), PTE_G, PTE_PCD …
 * @return false where something is mapped there already.
 */
bool paging_map(uint64_t root, uint64_t la, uint64_t pa, uint64_t size, uint64_t flags);

/** Takes a page of any size away, and out of this CPU's TLB. @return false if there was none. */
bool paging_unmap(uint64_t root, uint64_t la);

/** Gives a page of any size other rights. @return false if there is none. */
bool paging_protect(uint64_t root, uint64_t la, uint64_t flags);

/**
 * Looks an address up.
 * @param pa    its physical address; may be NULL
 * @param entry the entry that maps it; may be NULL
 */
bool paging_translate(uint64_t root, uint64_t la, uint64_t *pa, uint64_t *entry);

/** @return a pointer to the entry that maps la, of the level in *level, or NULL. */
uint64_t *paging_entry(uint64_t root, uint64_t la, unsigned *level);

/** @return the PML4 of a new address space: the kernel, and an empty user part. */
uint64_t paging_new_space(void);

/** Frees an address space with all user pages and tables. No CPU may be using it. */
void paging_free_space(uint64_t root);

#endif
