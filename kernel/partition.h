/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file partition.h
 * Partitions: memory, an address space and the threads of one ring-3 program.
 */
#ifndef KERNEL_PARTITION_H
#define KERNEL_PARTITION_H

#include <hypike/hv.h>
#include <hypike/system.h>

#include "kernel/console.h"
#include "kernel/pool.h"
#include "kernel/sched.h"
#include "lib/system_image.h"

struct vm;
struct vcpu;

enum partition_state { PARTITION_RUNNING, PARTITION_ENDING, PARTITION_ENDED };

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
	uint64_t entry; /**< of its program */
	uint64_t ram_phys, ram_size;
	struct hypike_info *info;
	uint64_t hidden; /**< ticks outside its windows, where its VM isn't to see them (hide.h) */
	/** Guards what follows, against other CPUs. */
	struct host_lock lock;
	enum partition_state state;
	int status;
	uint32_t alive; /**< threads that have not ended */
	uint32_t thread_limit;
	struct thread *threads; /**< thread_limit of them */
	struct console_port console;
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
/** Start the first thread of each. */
void partitions_start(void);

/** The partition of the calling thread. */
struct partition *partition_self(void);

/**
 * Make a thread. @return its index, or HV_E_FULL.
 */
int64_t partition_thread_create(struct partition *partition, uint64_t entry, uint64_t stack,
				uint64_t arg, uint32_t priority, uint32_t cpu);
/** End all threads of a partition, of whatever CPU; the first status given counts. */
void partition_stop(struct partition *partition, int status);
/** A thread has left its stack for good. */
void partition_thread_gone(struct thread *thread);

#endif
