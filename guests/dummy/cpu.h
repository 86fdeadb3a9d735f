/* SPDX-License-Identifier: BSD-2-Clause */
/** @file cpu.h Per-CPU state: GDT, TSS, and which CPU this is. Selectors are usable from assembly. */
#ifndef GUESTS_DUMMY_CPU_H
#define GUESTS_DUMMY_CPU_H

#define CPUS_MAX 16

/* The order of the user segments is the one that SYSRET wants (SDM vol. 2, SYSRET). */
#define KERNEL_CS     0x08
#define KERNEL_DS     0x10
#define USER_CS32     0x1b
#define USER_DS	      0x23
#define USER_CS	      0x2b
#define TSS_SELECTOR  0x30
#define CPU_SELECTOR  0x40 /**< its limit is the CPU's index: LSL reads it in any state */
#define GDT_ENTRIES   9

/* Interrupt stack table slots (1 to 7) */
#define IST_DF	1
#define IST_NMI 2
#define IST_MC	3

/* Offsets in struct cpu, for the SYSCALL entry */
#define CPU_KERNEL_RSP 0
#define CPU_USER_RSP   8
#define CPU_TSS_RSP0   20

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stdint.h>

#include "lib/x86/desc.h"

struct thread;
struct try_context;

/** What a CPU owns. */
struct cpu {
	uint64_t kernel_rsp; /**< stack of SYSCALL, also in the TSS for interrupts from ring 3 */
	uint64_t user_rsp;   /**< scratch of the SYSCALL entry */
	struct tss64 tss;
	unsigned index;
	uint32_t apic_id;
	struct try_context *try;	/**< innermost try_call() in progress */
	struct thread *current;		/**< dummy's scheduler */
	uint64_t gdt[GDT_ENTRIES];
};

_Static_assert(__builtin_offsetof(struct cpu, kernel_rsp) == CPU_KERNEL_RSP, "used in assembly");
_Static_assert(__builtin_offsetof(struct cpu, user_rsp) == CPU_USER_RSP, "used in assembly");
_Static_assert(__builtin_offsetof(struct cpu, tss.rsp) == CPU_TSS_RSP0, "used in assembly");

/** Features that more than one file asks for, read once. */
struct cpu_features {
	bool nx, pages_1g, smep, smap, umip, xsave, avx, apic, x2apic, tsc_deadline, rdtscp, fsgsbase;
	bool amd;
	unsigned physical_bits;
};

extern struct cpu_features cpu_features;

/** @return which CPU this is: 0 for the one that booted. Works before and after any GS change. */
static inline unsigned cpu_index(void)
{
	uint64_t limit = 0;

	__asm__ volatile("lsl %1, %0" : "+r"(limit) : "r"((uint64_t)CPU_SELECTOR) : "cc");
	return (unsigned)limit;
}

/** @return the structure of CPU `index` < CPUS_MAX. */
struct cpu *cpu_get(unsigned index);

static inline struct cpu *this_cpu(void)
{
	return cpu_get(cpu_index());
}

/** Reads the features, once. */
void cpu_features_init(void);

/** Gives the CPU that calls it GDT, TSS, control registers, FPU; `stack_top` is for entries from ring 3. */
void cpu_init(unsigned index, uint64_t stack_top);

/** Sets the stack of the next entry from ring 3. */
void cpu_set_kernel_stack(uint64_t stack_top);
#endif

#endif
