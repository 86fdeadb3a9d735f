/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file port61.h
 * Port 61h, "NMI status and control" (82371AB, 4.2.4): gate of PIT channel 2, speaker, refresh.
 */
#ifndef VMM_DEV_PORT61_H
#define VMM_DEV_PORT61_H

#include "vmm/dev/device.h"

struct port61 {
	struct device dev;
	struct wire gate2; /**< to the gate of PIT channel 2 */
	struct probe out2; /**< its output */
	uint8_t control;
};

void port61_init(struct port61 *port);

#endif
