/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file sys.h
 * What a ring-3 program gets from HyPike's kernel: the information page that it starts with, and the
 * system calls for threads, time, waiting and the console. A VMM is such a program; it has hv.h as
 * well. libhypike (lib/hypike) implements these functions over the SYSCALL instruction.
 */
#ifndef HYPIKE_SYS_H
#define HYPIKE_SYS_H

#include <hypike/types.h>

#define HYPIKE_INFO_MAGIC   UINT64_C(0x656b6950794868ab)
#define HYPIKE_MAX_FILES    32u
#define HYPIKE_NAME_MAX	    32u
#define HYPIKE_PRIORITIES   64u	 /**< 0 lowest, 63 highest */
#define HYPIKE_TASK_THREADS 32u	 /**< threads of one partition program at the most */
#define HYPIKE_FOREVER	    UINT64_MAX

/** A file of the system image that belongs to the partition, mapped read-only. */
struct hypike_file {
	const char *name;
	const void *data;
	uint64_t size;
};

/** Read-only page that a program's entry gets in its first argument (RDI). Addresses are the program's. */
struct hypike_info {
	uint64_t magic;
	uint32_t version; /**< 1 */
	uint32_t cpu_count;
	uint64_t cpu_mask; /**< CPUs that the partition's threads may be bound to */
	uint64_t tsc_khz;
	uint64_t tsc_boot; /**< TSC value at which hypike_time() is 0 */
	char partition[HYPIKE_NAME_MAX];
	const char *args; /**< the partition's argument string */
	void *ram;	  /**< the partition's memory (a VM's guest memory comes out of it): 2 MiB aligned */
	uint64_t ram_size;
	uint32_t file_count;
	uint32_t priority; /**< of the first thread */
	struct hypike_file file[HYPIKE_MAX_FILES];
};

/** System call numbers: RAX; arguments RDI, RSI, RDX, R10, R8, R9; result in RAX. */
enum hypike_syscall {
	SYS_EXIT,	     /* status */
	SYS_THREAD_CREATE,   /* entry, argument, stack top, priority, cpu */
	SYS_THREAD_EXIT,
	SYS_THREAD_PRIORITY, /* thread, priority */
	SYS_YIELD,
	SYS_FUTEX_WAIT,	     /* address, expected, deadline */
	SYS_FUTEX_WAKE,	     /* address, count */
	SYS_NOTIFY,	     /* thread, bits */
	SYS_WAIT,	     /* mask, deadline, address of result */
	SYS_CONSOLE_WRITE,   /* address, size */
	SYS_CONSOLE_READ,    /* address, size */
	SYS_CONSOLE_BIND,    /* thread, bits */
	SYS_SHUTDOWN,	     /* status: ends the machine, if the configuration allows it */
	SYS_HV_FIRST = 64,   /* hv.h and hv_x86.h, in the order of their declaration: see SYS_HV_* */
	SYS_HV_QUERY = SYS_HV_FIRST,
	SYS_HV_VM_CREATE,
	SYS_HV_VM_DESTROY,
	SYS_HV_VCPU_CREATE,
	SYS_HV_MAP,
	SYS_HV_UNMAP,
	SYS_HV_PROTECT,
	SYS_HV_READ,
	SYS_HV_WRITE,
	SYS_HV_TRANSLATE,
	SYS_HV_VCPU_RUN,
	SYS_HV_VCPU_KICK,
	SYS_HV_VCPU_GET,
	SYS_HV_VCPU_RESET,
	SYS_HV_MSI,
	SYS_HV_TRAP_EOI,
	SYS_HV_TRAP_PORTS,
	SYS_HV_TRAP_SYSREG,
	SYS_HV_TRAP,
	SYS_HV_TRAP_EXCEPTIONS,
	SYS_HV_DOORBELL_ADD,
	SYS_HV_DOORBELL_REMOVE,
	SYS_HV_VCPU_STATS,
	SYS_HV_X86_CPUID_GET,
	SYS_HV_X86_CPUID_SET,
	SYS_HV_X86_APIC_GET,
	SYS_HV_X86_APIC_SET,
	SYS_HV_X86_FPU_GET,
	SYS_HV_X86_FPU_SET,
	SYS_HV_SIGNAL_BIND,  /* vm, thread: its notification word is the VM's signal word */
	SYS_COUNT
};

typedef uint32_t hypike_thread_t; /**< index in the task; the first thread is 0 */

/** The page that the program was started with. */
const struct hypike_info *hypike_info(void);
/** Nanoseconds since boot; no system call. */
uint64_t hypike_time(void);
/** End the partition's program; the status is reported. */
_Noreturn void hypike_exit(int status);
/** Start a thread on `cpu` (a CPU of the partition) with the given stack and priority. */
hv_status_t hypike_thread_create(void (*entry)(void *), void *arg, void *stack, size_t stack_size,
				 uint32_t priority, uint32_t cpu, hypike_thread_t *thread);
_Noreturn void hypike_thread_exit(void);
hv_status_t hypike_thread_priority(hypike_thread_t thread, uint32_t priority);
void hypike_yield(void);
/** Sleep while *address == expected, until woken or `deadline` (hypike_time() scale): HV_E_TIMEOUT. */
hv_status_t hypike_futex_wait(const uint32_t *address, uint32_t expected, uint64_t deadline);
/** Wake up to `count` threads that sleep on `address`, highest priority first. */
hv_status_t hypike_futex_wake(const uint32_t *address, uint32_t count);
/** Set bits in a thread's notification word and wake it. */
hv_status_t hypike_notify(hypike_thread_t thread, uint64_t bits);
/** Wait until a bit of `mask` is set in the calling thread's notification word; take those bits. */
hv_status_t hypike_wait(uint64_t mask, uint64_t deadline, uint64_t *bits);
/** Write to the partition's console. */
hv_status_t hypike_console_write(const void *text, size_t size);
/** Take up to `size` bytes of console input; never waits. @return bytes, or a negative status. */
int64_t hypike_console_read(void *text, size_t size);
/** Notify `thread` with `bits` when console input arrives. */
hv_status_t hypike_console_bind(hypike_thread_t thread, uint64_t bits);
/** End the whole machine with an exit status; only a partition with that right. */
hv_status_t hypike_shutdown(int status);
/** Doorbells of `vm` ring in the notification word of `thread`, bit = the doorbell's signal. */
hv_status_t hypike_signal_bind(uint32_t vm, hypike_thread_t thread);

#endif
