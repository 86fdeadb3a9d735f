/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file pvpanic.h
 * QEMU's pvpanic device (docs/specs/pvpanic of QEMU): a port by which a guest says that its kernel has panicked.
 */
#ifndef VMM_DEV_PVPANIC_H
#define VMM_DEV_PVPANIC_H

#include "vmm/dev/device.h"

#define PVPANIC_PORT 0x505u

/* Bits of the port: what may be told when it is read, what is told when it is written. */
#define PVPANIC_PANICKED     1u /**< the guest has panicked */
#define PVPANIC_CRASH_LOADED 2u /**< it has, and goes on with a crash kernel of its own */

struct pvpanic {
	struct device dev;
	struct command told; /**< the bits that were written */
};

void pvpanic_init(struct pvpanic *pvpanic);

#endif
