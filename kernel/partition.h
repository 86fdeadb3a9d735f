/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file partition.h
 * Partitions: memory, an address space and the threads of one ring-3 program.
 *
 * A partition begins, at boot as at each restart, with a thread of its own that stays in the kernel until
 * memory and program are as they are to be (partition_start.c), and then becomes the program's first.
 */
#ifndef KERNEL_PARTITION_H
#define KERNEL_PARTITION_H

#include <hypike/hv.h>
#include <hypike/system.h>

#include "kernel/console.h"
#include "kernel/elf.h"
#include "kernel/pool.h"
#include "kernel/sched.h"
#include "lib/system_image.h"

struct vm;
struct vcpu;

enum partition_state {
	PARTITION_IDLE,	    /**< not started yet, or ended */
	PARTITION_STARTING, /**< its first thread is in the kernel, preparing memory */
	PARTITION_RUNNING,
	PARTITION_STOPPING, /**< its threads are ending */
};

/** What follows when all threads have ended. */
enum partition_next { PARTITION_STAYS, PARTITION_WARM, PARTITION_COLD };

#define HEALTH_FAULTS 8u /**< errors that wait for a handler */

/** Errors for the partition's handler (health_notify.c). */
struct health_faults {
	struct thread *handler; /**< NULL: none */
	uint64_t bits;
	uint32_t head, tail;
	struct hypike_fault fault[HEALTH_FAULTS];
};

/** Time of its own without a sign of life (watchdog.c); ticks. */
struct watchdog {
	uint64_t limit; /**< 0: nobody watches */
	uint64_t used;	/**< by threads that don't run now */
	uint64_t alive; /**< TSC at the last sign of life */
	uint64_t since[HOST_MAX_CPUS]; /**< when that CPU began to run it; 0: it doesn't */
	struct host_timer timer;
};

struct partition {
	const struct system_partition *config;
	const char *name;
	uint32_t index;
	uint32_t priority; /**< the highest that its threads may have */
	uint64_t cpus;	   /**< configured CPUs that exist */
	struct runq *runq[HOST_MAX_CPUS]; /**< of its threads on each of them (runq.h) */
	struct host_pool pool;
	uint32_t own_pages; /**< of the pool, before there is a VM */
	uint64_t root;	/**< page tables */
	struct elf_program program;
	uint64_t ram_phys, ram_size;
	struct hypike_info *info;
	uint64_t hidden; /**< ticks outside its windows, where its VM isn't to see them (hide.h) */
	/** Guards what follows, against other CPUs. */
	struct host_lock lock;
	enum partition_state state;
	int status;	   /**< of its last end */
	enum partition_next next;
	enum hypike_start start; /**< why it was started, or is to be */
	bool warm;		 /**< the start that is on its way, or was, keeps the RAM */
	bool scrubbed;		 /**< the RAM has once been cleared as a whole */
	uint32_t starts;	 /**< how often it was started since boot */
	uint32_t alive; /**< threads that have not ended */
	uint32_t thread_limit;
	struct thread *threads; /**< thread_limit of them */
	struct console_port channel[HYPIKE_CHANNELS]; /**< by enum hypike_channel */
	struct health_faults faults;
	struct watchdog watchdog;
	/* hv.h (sys_hv.c) */
	uint64_t hv_calls; /**< threads that are in the driver with this partition's VM */
	bool hv_busy;	   /**< the VM is being made or destroyed */
	struct vm *vm;
	struct vcpu *vcpus[HV_MAX_VCPUS];
	const struct hv_vcpu_page *vcpu_pages[HV_MAX_VCPUS];
};

extern struct partition *partitions;
extern uint32_t partition_count;

/**
 * Make all partitions of a checked system image. Panics with the partition's name and the reason
 * where one cannot be made.
 *
 * @req KRN-011 All memory that a partition will ever use is taken before any of them runs; too little
 *              of it is reported with the partition's name and the sizes.
 */
void partitions_create(const struct system_image *image);
/** Start all that are not dormant. */
void partitions_start(void);

/** The partition of the calling thread. */
struct partition *partition_self(void);

/**
 * Make a thread. @return its index, or HV_E_FULL.
 */
int64_t partition_thread_create(struct partition *partition, uint64_t entry, uint64_t stack,
				uint64_t arg, uint32_t priority, uint32_t cpu);
/** End all threads of a partition, of whatever CPU, for good; the first status given counts. */
void partition_stop(struct partition *partition, int status);
/**
 * End a partition and begin it anew, or begin it where it has ended or was never started; in its own
 * time. One that is stopping for good goes on to do so, unless it is a partition that asks (`start` is
 * HYPIKE_START_NORMAL or _SELF).
 *
 * @param next PARTITION_WARM or PARTITION_COLD
 */
void partition_restart(struct partition *partition, enum partition_next next, int status,
		       enum hypike_start start);
/** A thread has left its stack for good. */
void partition_thread_gone(struct thread *thread);
/** What the first thread does before it is the program's. Interrupts are off; it polls. */
_Noreturn void partition_begin(void);

#endif
