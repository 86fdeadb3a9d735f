/* SPDX-License-Identifier: BSD-2-Clause */
/** @file machine.h What the machine is, and putting it back as it was before an act. */
#ifndef GUESTS_ATTACK_MACHINE_H
#define GUESTS_ATTACK_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

struct trap_frame;

/** What acts ask for, read once. */
struct machine {
	bool hypike;  /**< this is a VM of HyPike's; otherwise the bare machine, or somebody else's */
	bool vmmcall; /**< hypercalls by VMMCALL */
	bool amd;
	bool tcg; /**< the CPU is QEMU's TCG: it checks less than hardware does */
	uint64_t ram_end;	/**< first address behind the RAM below 4 GiB */
	uint64_t physical_end;	/**< first address that the CPU's physical address width excludes */
};

extern struct machine machine;

/** Finds out, and remembers the state to which machine_restore() goes back. */
void machine_init(void);

/** Puts registers, descriptor tables, MSRs, local APIC and FPU back. Works with most of them broken. */
void machine_restore(void);

/**
 * Maps a page of `size` at a fixed linear address of that size, in place of what was there.
 * @param flags PTE_RW, PTE_US, PTE_XD ...
 */
void *machine_window(uint64_t pa, uint64_t size, uint64_t flags);

/** @return whether code, constants and a page of memory are as they were, and the clock runs. */
bool machine_healthy(void);

/** A trap's handler that counts: `ctx` is a volatile unsigned. */
bool machine_count_trap(struct trap_frame *frame, void *ctx);

/** Reasons to skip, for struct act. */
const char *unless_hypike(void);
const char *unless_tcg(void);	   /**< for what the CPU has to check itself, in a VM too */
const char *unless_bare_tcg(void); /**< for what the driver checks in a VM */
const char *unless_amd(void);
const char *unless_intel(void);
const char *unless_xsave(void);
const char *unless_apic(void);

#endif
