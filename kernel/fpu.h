/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file fpu.h
 * FPU, SSE, AVX registers: one owner a CPU, switched when another one is used.
 *
 * Whenever a context other than the current thread's is in the CPU, CR0.TS is set, so that ring 3
 * cannot reach it: its first FPU instruction comes here.
 *
 * @req KRN-034 Each thread and each vCPU has FPU and vector registers of its own, initialised at first.
 */
#ifndef KERNEL_FPU_H
#define KERNEL_FPU_H

#include <hypike/host.h>

struct thread;

/** Learn the size and components of the state; once, on the boot CPU. */
void fpu_init(void);
/** On each CPU. */
void fpu_init_cpu(void);
/** A thread takes the CPU: let its FPU instructions run, or come here. */
void fpu_switch(struct thread *thread);
/** The context is not needed any more. On the CPU of its thread. */
void fpu_forget(struct host_fpu *fpu);
/** The current thread used the FPU. @return false where it had it already. */
bool fpu_take(void);

#endif
