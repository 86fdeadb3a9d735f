/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file health.h
 * The health monitor: an error, of whatever kind, becomes the action that the configuration has for it.
 */
#ifndef KERNEL_HEALTH_H
#define KERNEL_HEALTH_H

#include <stdint.h>

#include <hypike/hv.h>
#include <hypike/system.h>

#include "lib/system_image.h"

#define HEALTH_MODULE	 SYSTEM_NONE /**< as partition: an error of the machine as a whole */
#define HEALTH_NO_THREAD UINT32_MAX

/** Take over the configuration's tables. Boot only. */
void health_init(const struct system_image *image);

/**
 * Report an error; what is configured for it is done before this returns, or is under way: a partition
 * that is to stop does so as soon as its threads get to run, the caller's own on its way to ring 3.
 *
 * From any CPU, interrupts too (not NMI or machine check: they use health_later()); interrupts are off,
 * and no lock of the kernel's is held.
 *
 * @param partition its index, or HEALTH_MODULE
 * @param error     enum system_error
 * @param thread    of the partition, or HEALTH_NO_THREAD
 * @param address   where it happened, or 0
 * @param detail    what else is known: a vector, a status, a number of nanoseconds
 *
 * @req KRN-070 Each error has the action of the partition's table, else of the module's, else the
 *              kernel's default; what happens to a partition touches no other.
 */
void health_report(uint32_t partition, uint32_t error, uint32_t thread, uint64_t address,
		   uint64_t detail);

/**
 * The calling thread's partition asked for what it has no right to.
 * @return HV_E_DENIED, which is the call's answer unless that ends the partition
 */
hv_status_t health_denied(void);
/** The calling thread's program ends with this status, which says why where it is a VMM's. */
void health_exit(int status);

/** @return "memory violation" and the like; for any number. */
const char *health_error_name(uint32_t error);
const char *health_action_name(uint32_t action);

#endif
