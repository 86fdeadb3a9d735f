/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file smp.h
 * Several CPUs: starting them and calling them.
 */
#ifndef KERNEL_SMP_H
#define KERNEL_SMP_H

#include <stdint.h>

struct cpu;

/**
 * Start the other CPUs, up to `limit` in all. Each ends up in its idle loop.
 *
 * @req KRN-004 Every CPU that the MADT calls enabled is started, up to HOST_MAX_CPUS.
 */
void smp_start(uint32_t limit);
/** Make another CPU look at its run queue. */
void smp_send_reschedule(struct cpu *cpu);
/** Run `fn(arg)` on another CPU, with interrupts off there; returns when it has. Hold no lock. */
void smp_call(struct cpu *cpu, void (*fn)(void *arg), void *arg);
/** Another CPU's call has come (interrupt). */
void smp_call_arrived(void);
/** Run `fn` on all other CPUs, none of which comes back from it; wait a while for them to get there. */
void smp_halt_others(void (*fn)(void *arg));
/** Stop all other CPUs at once, by NMI (panic). */
void smp_stop_others(void);
/** Stop this one for another's panic. */
_Noreturn void smp_stop_here(void);

#endif
