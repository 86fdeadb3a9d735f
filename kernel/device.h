/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file device.h
 * Hardware that belongs to partitions: I/O ports, device memory, interrupts.
 *
 * @req KRN-230 A partition reaches the I/O ports, device memory and interrupts that its configuration
 *              gives it and no others; a system that gives away what the kernel itself uses, or memory,
 *              is refused with the partition's name.
 * @req KRN-231 A partition's interrupt is masked until the partition says that it has been served, and
 *              while nobody is bound to it.
 */
#ifndef KERNEL_DEVICE_H
#define KERNEL_DEVICE_H

#include <hypike/sys.h>

#include "kernel/multiboot.h"
#include "lib/system_image.h"

struct cpu;
struct partition;
struct thread;
struct trap_frame;

/** Check what the configuration gives away. Boot only, before there are partitions. */
void devices_create(const struct system_image *image, const struct boot_info *info);
/** Pages for tables that mapping a partition's device memory takes at the most. */
uint64_t devices_tables(uint32_t partition);
/** Map a partition's device memory into its page tables. @return false where its pool is used up */
bool devices_map(struct partition *partition);
/** The partition begins anew: its interrupts are masked, nobody is bound. */
void devices_reset_partition(const struct partition *partition);

/** Describe the partition's device of that number. @return HV_OK or HV_E_RANGE */
hv_status_t device_open(const struct partition *partition, uint64_t number,
			struct hypike_device *device);
/** Where a partition's device stands in the configuration, or NULL. */
const struct system_device *device_find(const struct partition *partition, uint64_t number);

/* ---- I/O ports (device_ports.c) ---- */

/** Make the maps of the partitions that have ports. Boot only. */
void device_ports_create(const struct system_image *image);
/**
 * A general protection fault in ring 3: where an I/O instruction of a port that the partition has
 * was the cause, let the partition have its ports until another thread gets the CPU.
 * @return true: the instruction is to be executed again
 */
bool device_ports_fault(const struct trap_frame *frame);

/* ---- interrupts (device_irq.c) ---- */

/** Find the configured interrupts' pins and vectors. Boot only. */
void device_irqs_create(const struct system_image *image);
/** Bind a thread to the partition's device, an interrupt; NULL: nobody. */
hv_status_t device_irq_bind(const struct system_device *device, struct thread *thread, uint64_t bits);
/** The interrupt has been served. */
hv_status_t device_irq_done(const struct system_device *device);
/** The interrupt of a vector from IRQ_DEVICE on has come: mask it and tell the partition. */
void device_interrupt(uint8_t vector);
/**
 * Whether the partition's interrupts may come now: where a partition's windows decide, its interrupts
 * are masked outside of them. One that came meanwhile comes when it is `open` again.
 */
void device_irqs_window(const struct partition *partition, bool open);
/** Nobody is bound to the partition's interrupts any more. */
void device_irqs_reset(const struct partition *partition);

#endif
