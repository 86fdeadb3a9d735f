/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file modes.h
 * Runs a piece of code in any mode of the CPU, with any registers, until an exception or interrupt.
 * All 256 vectors lead back here; code that has come to its end says so by INT MODE_DONE.
 *
 * Usable from assembly.
 */
#ifndef GUESTS_ATTACK_MODES_H
#define GUESTS_ATTACK_MODES_H

/** Vector of the INT that ends a piece of code. */
#define MODE_DONE 0xf0

/* Selectors of mode_gdt, behind those of the run-time's GDT, which it has too. */
#define MODE_CODE32	0x48
#define MODE_DATA32	0x50
#define MODE_CODE16	0x58 /**< base MODE_LOW, 64 KiB */
#define MODE_DATA16	0x60 /**< likewise */
#define MODE_USER_CODE32 0x6b
#define MODE_USER_DATA	0x73
#define MODE_TSS32	0x78
#define MODE_USER_CODE16 0x83
#define MODE_REAL_CODE	0x88 /**< base MODE_REAL_PAGE, 64 KiB */
#define MODE_REAL_DATA	0x90 /**< base 0, 64 KiB: limits of real mode */
#define MODE_FREE	0x98 /**< from here on for whoever needs one */
#define MODE_GDT_ENTRIES 64

/* Physical memory below 1 MiB. */
#define MODE_IVT       0x0
#define MODE_REAL_PAGE 0x7000 /**< the way from and to real mode */
#define MODE_REAL_SEG  (MODE_REAL_PAGE >> 4)
#define MODE_LOW       0x10000 /**< 64 KiB for code, data and stack of 16-bit modes */
#define MODE_LOW_SEG   (MODE_LOW >> 4)
#define MODE_IST       4 /**< stack of all traps in long mode */

/* enum mode_kind */
#define MODE_KIND_LONG 0
#define MODE_KIND_PROT 1
#define MODE_KIND_REAL 2
#define MODE_KIND_BIG_REAL 3

/* Offsets in struct mode_job */
#define JOB_GPR	   0
#define JOB_RIP	   128
#define JOB_RFLAGS 136
#define JOB_CS	   144
#define JOB_SS	   148
#define JOB_DS	   152
#define JOB_ES	   156
#define JOB_FS	   160
#define JOB_GS	   164
#define JOB_KIND   168
#define JOB_CR0	   176
#define JOB_CR3	   184
#define JOB_CR4	   192
#define JOB_EFER   200
#define JOB_VECTOR 208
#define JOB_ERROR  216
#define JOB_CR2	   224

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Indices into mode_job.gpr: the instruction encoding's numbers. */
enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI };

/** Registers to start with and, afterwards, as they were at the trap. */
struct mode_job {
	uint64_t gpr[16];
	uint64_t rip, rflags;
	uint32_t cs, ss, ds, es, fs, gs; /**< real mode, VM86: segments; otherwise selectors */
	uint32_t kind;			 /**< MODE_KIND_* */
	uint32_t reserved;
	uint64_t cr0, cr3, cr4, efer;
	uint64_t vector, error, cr2; /**< results */
};

_Static_assert(offsetof(struct mode_job, rip) == JOB_RIP, "used in assembly");
_Static_assert(offsetof(struct mode_job, cs) == JOB_CS, "used in assembly");
_Static_assert(offsetof(struct mode_job, kind) == JOB_KIND, "used in assembly");
_Static_assert(offsetof(struct mode_job, cr0) == JOB_CR0, "used in assembly");
_Static_assert(offsetof(struct mode_job, cr2) == JOB_CR2, "used in assembly");

/** The modes that mode_prepare() knows. */
enum mode {
	MODE_64,	/**< ring 0 */
	MODE_64_USER,	/**< ring 3 */
	MODE_COMPAT32,	/**< 32-bit code in long mode, ring 3 */
	MODE_COMPAT16,	/**< 16-bit code in long mode, ring 3 */
	MODE_PROT32,	/**< protected mode without paging */
	MODE_PROT16,
	MODE_PAGED32,	/**< 32-bit paging, 4 MiB pages, one to one */
	MODE_PAGED32_USER,
	MODE_PAE32,	/**< PAE paging, one to one */
	MODE_PAE32_USER,
	MODE_VM86,
	MODE_REAL,
	MODE_BIG_REAL,	/**< real mode with 4 GiB segment limits in DS, ES, FS, GS */
	MODES
};

extern const char *const mode_names[MODES];

/** Tables for all modes, once. */
void mode_init(void);

/** @return bits of an instruction's default operand size. */
unsigned mode_bits(enum mode mode);

/**
 * Registers with which code at `linear` runs in that mode: flat segments, or those of the 64 KiB at MODE_LOW,
 * in which `linear` then has to be; a stack; all else zero. Interrupts are off.
 */
void mode_prepare(struct mode_job *job, enum mode mode, uint64_t linear);

/** Runs it. Everything but general memory is afterwards as before, TR and the FS and GS bases included. */
void mode_run(struct mode_job *job);

/** Puts code where all modes can run it, with the INT that ends it behind it. @return its address */
uint64_t mode_code(const void *bytes, size_t size);

/** The GDT in use while a job runs, for acts that need descriptors of their own. */
extern uint64_t mode_gdt[MODE_GDT_ENTRIES];
#endif

#endif
