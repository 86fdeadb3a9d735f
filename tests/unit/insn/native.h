/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file native.h
 * Runs one instruction on the CPU that the test runs on, with a register file of our choice.
 * Shared with native.S, which has the offsets.
 */
#ifndef TESTS_UNIT_INSN_NATIVE_H
#define TESTS_UNIT_INSN_NATIVE_H

#define NATIVE_GPR    0
#define NATIVE_RFLAGS 128
#define NATIVE_RESUME 136
#define NATIVE_ENTRY  144
#define NATIVE_XMM    160

/* Linux's user segments: 32-bit code, data, 64-bit code. */
#define NATIVE_CS32 0x23
#define NATIVE_DS   0x2b
#define NATIVE_CS64 0x33

#ifndef __ASSEMBLER__
#include <stdint.h>

struct native_state {
	uint64_t gpr[16];
	uint64_t rflags;
	uint64_t resume; /* stack pointer to come back to */
	uint64_t entry;	 /* where to jump: an offset, and for 32-bit code the selector behind it */
	uint64_t pad;
	uint8_t xmm[16][16];
};

extern struct native_state native_state;

/** Load native_state into the CPU and jump to its entry, in 64-bit or 32-bit mode. */
void native_run_64(void);
void native_run_32(void);

/** Jumped to, in 64-bit mode: stores the CPU into native_state, returns from native_run. */
void native_exit(void);
#endif

#endif
