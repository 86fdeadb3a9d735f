/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file cpu.h
 * What the kernel knows of each CPU, and the CPU's own features.
 */
#ifndef KERNEL_CPU_H
#define KERNEL_CPU_H

#include <hypike/host.h>

#include "kernel/layout.h"
#include "kernel/sched.h"
#include "kernel/timer.h"
#include "kernel/trace_ring.h"
#include "kernel/window.h"

/** Features that the kernel looks for, the same on all CPUs. */
struct cpu_features {
	bool page_1g, smep, smap, umip, xsave, x2apic, tsc_deadline;
};
extern struct cpu_features cpu_features;

#define IO_MAP_SIZE 8192u /* a bit for each port */

/** 64-bit task state segment (SDM 3A figure 8-11), with its I/O permission bit map. */
struct tss {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7]; /**< ist[0] is IST1 */
	uint64_t reserved2;
	uint16_t reserved3;
	uint16_t io_map_base; /**< beyond the limit: no port is ring 3's */
	uint8_t io_map[IO_MAP_SIZE];
	uint8_t io_map_end; /**< ones: accesses of several bytes look into the next */
} __attribute__((packed));
#define TSS_LIMIT     (sizeof(struct tss) - 1)
#define TSS_NO_IO_MAP 0xffffu
_Static_assert(offsetof(struct tss, io_map) == 0x68, "SDM 3A figure 8-11");

/** Interrupt stack table entries in use. */
enum ist { IST_NONE, IST_DF, IST_NMI, IST_MC, IST_COUNT };

/* Bits of cpu.work: what is to be done before this CPU goes on in ring 3 or in a guest. */
#define WORK_RESCHEDULE 1u /**< another thread might have to run */
#define WORK_STOP	2u /**< the current thread is to end */
#define WORK_RESTORE	4u /**< the driver wants cpu.restore() called */
#define WORK_TIMER	8u /**< a timer is due */

struct cpu {
	struct cpu *self;    /* CPU_SELF */
	uint64_t kernel_rsp; /* CPU_KERNEL_RSP: stack that SYSCALL begins on */
	uint64_t user_rsp;   /* CPU_USER_RSP: scratch of SYSCALL */
	uint32_t work;	     /* CPU_WORK: WORK_*; written by this CPU alone */
	uint32_t index;
	struct thread *current;
	uint64_t root; /**< page tables that are loaded */
	/* What a driver left to be put right (host_defer_restore). */
	void (*restore)(void *arg);
	void *restore_arg;
	/* FPU: whose registers are in the CPU. */
	struct host_fpu *fpu_owner;
	uint64_t xcr0;
	struct sched sched;
	struct timer_queue *timers; /**< of the thread that runs, or of the call-back */
	uint64_t timer_armed;	    /**< deadline that the hardware has; UINT64_MAX: none */
	struct window_state window;
	const struct partition *ran; /**< whose thread ran last; NULL: flushed since (flush.h) */
	uint32_t flush;		     /**< flags of those that ran before it since the last flush */
	struct trace_ring trace;
	/* Another CPU's call (smp.c). */
	void (*call)(void *arg);
	void *call_arg;
	bool call_claimed;
	uint32_t apic_id;
	volatile uint32_t online;
	volatile uint32_t stopped;
	uint64_t first_tsc; /**< when it had started */
	uint64_t interrupts[256]; /**< taken, by vector */
	struct thread idle;
	uint64_t *gdt;
	struct tss *tss;
} __attribute__((aligned(64)));

extern struct cpu cpus[HOST_MAX_CPUS];
extern unsigned int cpu_count;

/** The CPU that executes this. Threads don't migrate, so the compiler may keep it. */
static inline struct cpu *cpu_self(void)
{
	struct cpu *cpu;

	__asm__("movq %%gs:%c1, %0" : "=r"(cpu) : "i"(CPU_SELF));
	return cpu;
}

/** Look at CPUID; panics with the name of a feature that the kernel cannot do without. */
void cpu_features_init(void);
/** Let page tables use NX. On each CPU, before they are loaded. */
void cpu_enable_nx(void);
/** Make cpu_self() work. */
void cpu_set_base(struct cpu *cpu);
/** Control registers and system call MSRs of the CPU that executes this; `cpu` becomes cpu_self(). */
void cpu_init(struct cpu *cpu);
/** Make what a CPU needs memory for: segments, stacks. On the boot CPU, before cpu_init(). */
void cpu_prepare(struct cpu *cpu);
/** Make segments, TSS, and stacks for double fault, NMI and machine check (gdt.c). */
void gdt_prepare(struct cpu *cpu);
/** Load the segments. */
void gdt_load(struct cpu *cpu);
/** Load the task register again, with the whole segment. */
void gdt_load_tss(struct cpu *cpu);
/** Load the interrupt descriptor table (idt.c). */
void idt_init(void);
void idt_load(void);

#endif
