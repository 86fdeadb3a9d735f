/* SPDX-License-Identifier: BSD-2-Clause */
/** @file counters.h What the devices of a VM have done. */
#ifndef VMM_COUNTERS_H
#define VMM_COUNTERS_H

#include "vmm/vm.h"

#define COUNTERS_MOST 16u /**< of a device */

struct counter {
	const char *name;
	uint64_t value;
};

/** What a device has counted since it was made, zeros left out. */
struct counted {
	const char *name;    /**< of the device's kind */
	unsigned int number; /**< of its kind, from 1 on */
	unsigned int counters;
	struct counter counter[COUNTERS_MOST];
};

/** Show what each device that has done anything has counted. Lock held. */
void counters_each(struct vm *vm, void (*see)(void *ctx, const struct counted *counted), void *ctx);

#endif
