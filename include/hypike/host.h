/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file host.h
 * What the hypervisor driver asks of the kernel that it is linked into.
 *
 * The driver is one relocatable object whose only undefined symbols are the functions of this file.
 * Two hosts are in the repository: HyPike's kernel, and the unit tests, which link the driver into
 * an ordinary process. docs/porting.md tells what each function has to guarantee.
 *
 * Execution model. Driver code runs on a kernel stack of its thread with interrupts off. It lets
 * interrupts in, and gives up the CPU, only in host_poll(), host_yield() and host_block(); at these
 * points the thread may be preempted and go on later on the same CPU (threads don't migrate).
 * Everything between is short and bounded.
 */
#ifndef HYPIKE_HOST_H
#define HYPIKE_HOST_H

#include <hypike/types.h>

#define HOST_MAX_CPUS 16u

/* ------------------------------------------------------------------------------------- memory */

/** A VM's share of host memory for tables and control blocks, filled by the kernel at boot. */
struct host_pool;

/** `count` physically contiguous pages, zeroed, writable in the driver's address space; NULL when the
 *  pool is used up. More than one page only while a VM or vCPU is created. */
void *host_pages_alloc(struct host_pool *pool, unsigned int count);
void host_pages_free(struct host_pool *pool, void *pages, unsigned int count);
/** Host-physical address of memory from host_pages_alloc(), or of the driver's own data. */
hpa_t host_virt_to_phys(const void *p);
/** Where the driver sees host-physical RAM; defined for pool pages and memory of partitions. */
void *host_phys_to_virt(hpa_t address);

/* -------------------------------------------------------------------------------- CPUs and locks */

/** Number of the CPU that executes this: 0 .. host_cpu_count() - 1. */
unsigned int host_cpu(void);
unsigned int host_cpu_count(void);
/** Make CPU `cpu` leave guest mode, if it is there, and pass by its host_poll(). */
void host_kick(unsigned int cpu);
/** Run `fn(arg)` on every CPU, on this one too, with interrupts off; returns when all have.
 *  At boot and when a VM is destroyed, with no lock held. */
void host_on_each_cpu(void (*fn)(void *arg), void *arg);

/** A spin lock against other CPUs (interrupts are off already). Zero is unlocked. */
struct host_lock {
	uint32_t value;
};
void host_lock(struct host_lock *lock);
void host_unlock(struct host_lock *lock);

/* -------------------------------------------------------------------------- threads and preemption */

struct host_thread;
struct host_thread *host_thread_self(void);

/** @return true where an interrupt, a preemption or a stop request waits: don't enter the guest, poll.
 *  Called right before world switches; must be cheap. A kick that comes later ends the guest run. */
bool host_poll_pending(void);
/** @return the TSC value at which this CPU's timer interrupts next; UINT64_MAX: it isn't set. */
uint64_t host_deadline(void);
/** Let pending interrupts in, and other threads run if they should. */
void host_poll(void);
/** As host_poll(), and threads that are as urgent as this one have their turn first: a vCPU spins. */
void host_yield(void);
/** Sleep until host_unblock() (also one that came before: it leaves a token) or until the TSC reaches
 *  `deadline` (UINT64_MAX: never). Interrupts are served meanwhile. */
void host_block(uint64_t deadline);
/** Wake a thread out of host_block(). From any CPU, also from timer call-backs. */
void host_unblock(struct host_thread *thread);
/** Set bits in a thread's notification word and wake its wait (doorbells). From any CPU. */
void host_notify(struct host_thread *thread, uint64_t bits);

/* ---------------------------------------------------------------------------------------- time */

/** Frequency of the time-stamp counter. All deadlines are TSC values of the host. */
uint64_t host_tsc_khz(void);
uint64_t host_tsc(void);

/** A one-shot timer of the CPU on which it was armed. `opaque` is the host's. */
struct host_timer {
	void (*fire)(struct host_timer *timer); /**< in interrupt context of that CPU */
	uint64_t deadline;
	void *opaque[4];
};
/** (Re-)arm on this CPU. A deadline in the past fires at the next host_poll(). */
void host_timer_arm(struct host_timer *timer, uint64_t deadline);
/** Disarm; `fire` doesn't run any more once this returns. On the CPU that armed it. */
void host_timer_cancel(struct host_timer *timer);

/* --------------------------------------------------------------------------------------- FPU state */

/** Bytes of an FPU state area, 64-byte aligned, for all components that the host lets guests use. */
uint32_t host_fpu_size(void);
/** XCR0 bits that guests may set; 0 where the CPU has no XSAVE (FXSAVE format then). */
uint64_t host_fpu_xcr0(void);
/** A context whose registers are to be in the CPU before the guest runs. */
struct host_fpu {
	void *area;	/**< host_fpu_size() bytes, set by the driver */
	uint64_t xcr0;	/**< value of XCR0 while the context is loaded */
	uint32_t cpu;	/**< the host's: where it is loaded */
	uint32_t loaded; /**< the host's: 1 while the registers are in that CPU */
};
/** Load it unless it is loaded: saves whoever's is. Cheap where nothing is to be done. */
void host_fpu_load(struct host_fpu *fpu);
/** Bring `area` up to date and forget that it is loaded. On the CPU of its thread. */
void host_fpu_save(struct host_fpu *fpu);

/* ---------------------------------------------------------------------------- what the CPU needs back */

/**
 * The world switch has clobbered what the host needs before it returns to ring 3 on this CPU or
 * switches threads; the host calls `restore(arg)` before it does, once. (VMX: system call MSRs.)
 */
void host_defer_restore(void (*restore)(void *arg), void *arg);
/** The host took an NMI on behalf of the guest exit that reported it (VMX NMI exit). */
void host_nmi(void);
/** A machine check that interrupted the guest. */
void host_machine_check(void);

/* ------------------------------------------------------------------------------------- messages */

void host_log(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void host_panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
