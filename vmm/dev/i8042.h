/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file i8042.h
 * Intel 8042 keyboard controller of a PC/AT with a keyboard on which nobody types, and no mouse:
 * ports 60h and 64h. Systems probe it, and pulse its reset output.
 */
#ifndef VMM_DEV_I8042_H
#define VMM_DEV_I8042_H

#include "vmm/dev/device.h"

#define I8042_QUEUE 8u

struct i8042 {
	struct device dev;
	struct wire irq;      /**< keyboard, IRQ 1 */
	struct command reset; /**< the reset output was pulsed */
	uint8_t config;	      /**< command byte */
	uint8_t output_port;
	uint8_t command;  /**< controller command that waits for its data byte, or 0 */
	uint8_t key_command; /**< keyboard command that waits for its data byte, or 0 */
	uint8_t last_was_command;
	uint8_t head, count;
	uint8_t queue[I8042_QUEUE]; /**< bytes for the processor */
};

void i8042_init(struct i8042 *kbc);

#endif
