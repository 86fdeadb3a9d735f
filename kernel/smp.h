/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file smp.h
 * Several CPUs: starting them and calling them.
 */
#ifndef KERNEL_SMP_H
#define KERNEL_SMP_H

struct cpu;

/** Make another CPU look at its run queue. */
void smp_send_reschedule(struct cpu *cpu);
/** Another CPU's call has come (interrupt). */
void smp_call_arrived(void);
/** Stop all other CPUs at once, by NMI (panic). */
void smp_stop_others(void);
/** Stop this one for another's panic. */
_Noreturn void smp_stop_here(void);

#endif
