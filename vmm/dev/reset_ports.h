/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file reset_ports.h
 * System control port A (92h) and the reset control register (CF9h) of a PC.
 */
#ifndef VMM_DEV_RESET_PORTS_H
#define VMM_DEV_RESET_PORTS_H

#include "vmm/dev/device.h"

struct reset_ports {
	struct device dev;
	struct command reset;
	uint8_t port_a;
	uint8_t control;
};

void reset_ports_init(struct reset_ports *ports);

#endif
