/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file health.h
 * The health monitor: an error, of whatever kind, becomes the action that the configuration has for it.
 */
#ifndef KERNEL_HEALTH_H
#define KERNEL_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include <hypike/hv.h>
#include <hypike/sys.h>
#include <hypike/system.h>

#include "kernel/multiboot.h"
#include "lib/system_image.h"

#define HEALTH_MODULE	 SYSTEM_NONE /**< as partition: an error of the machine as a whole */
#define HEALTH_NO_THREAD UINT32_MAX

/** An error, with all that is known about it. */
struct health_event {
	uint32_t partition; /**< its index, or HEALTH_MODULE */
	uint32_t error;	    /**< enum system_error */
	uint32_t thread;    /**< of the partition, or HEALTH_NO_THREAD */
	int status;	    /**< of the partition, where this ends it */
	uint64_t address;   /**< where it happened, or 0 */
	uint64_t detail;    /**< what else is known: a vector, a status, a number of nanoseconds */
	const char *message;
	uint32_t size; /**< of the message */
	/** The calling thread can't go on: where the action leaves its partition alive, it is suspended. */
	bool fault;
};

/**
 * Take over the configuration's tables and the log, of whose last boot the entries are printed. Boot
 * only.
 */
void health_init(const struct system_image *image, const struct boot_info *info);
/** @return true where the health monitor itself has restarted the machine */
bool health_restarted_module(void);

/**
 * Report an error; what is configured for it is done before this returns, or is under way: a partition
 * that is to stop does so as soon as its threads get to run, the caller's own on its way to ring 3.
 *
 * From any CPU, interrupts too (not NMI or machine check); interrupts are off, and no lock of the kernel's
 * is held.
 *
 * @req KRN-070 Each error has the action of the partition's table, else of the module's, else the
 *              kernel's default; what happens to a partition touches no other.
 */
void health_event(const struct health_event *event);
/** The same for an error without a message, that ends no instruction. */
void health_report(uint32_t partition, uint32_t error, uint32_t thread, uint64_t address,
		   uint64_t detail);
/** Read the log: the oldest entry from `number` on. @return false: there is none */
bool health_read(uint64_t number, struct hypike_health_entry *entry);

/**
 * The calling thread's partition asked for what it has no right to.
 * @return HV_E_DENIED, which is the call's answer unless that ends the partition
 */
hv_status_t health_denied(void);
/**
 * The calling thread's program ends with this status, which says why where it is a VMM's.
 *
 * @req KRN-076 A VMM that crashes, hangs, or ends because its guest can't go on is restarted with its VM
 *              alone, where so configured.
 */
void health_exit(int status);

/** @return "memory violation" and the like; for any number. */
const char *health_error_name(uint32_t error);
const char *health_action_name(uint32_t action);

#endif
