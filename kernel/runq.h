/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file runq.h
 * Giving partitions their run queues.
 */
#ifndef KERNEL_RUNQ_H
#define KERNEL_RUNQ_H

#include "lib/system_image.h"

/**
 * Give each partition a run queue on each of its CPUs, with room for its timers: one of its own, or,
 * where it runs in the background or the image has no plans, the CPU's common one. Boot only.
 */
void runqs_create(const struct system_image *image);

#endif
