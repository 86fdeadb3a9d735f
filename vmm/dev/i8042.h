/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file i8042.h
 * Intel 8042 keyboard controller of a PC/AT, ports 60h and 64h, with a keyboard and, where the machine has a
 * display, a mouse. Systems pulse its reset output.
 */
#ifndef VMM_DEV_I8042_H
#define VMM_DEV_I8042_H

#include "vmm/dev/device.h"
#include "vmm/dev/ps2.h"

struct i8042 {
	struct device dev;
	struct wire irq;      /**< keyboard, IRQ 1 */
	struct wire aux_irq;  /**< mouse, IRQ 12 */
	struct command reset; /**< the reset output was pulsed */
	bool has_mouse;	      /**< set by the machine */
	uint8_t config;	      /**< command byte */
	uint8_t output_port;
	uint8_t command; /**< controller command that waits for its data byte, or 0 */
	uint8_t last_was_command;
	uint8_t output; /**< the byte for the processor */
	uint8_t full;	/**< enum i8042_from: whose it is */
	struct ps2_keyboard keyboard;
	struct ps2_mouse mouse;
	/** What follows: answers of the controller and the keyboard, keys, the mouse's answers and reports. */
	struct ps2_queue answers, keys, aux;
};

void i8042_init(struct i8042 *kbc);
/** A key is pressed or released; its number as in ps2_keyboard_key(). */
void i8042_key(struct i8042 *kbc, uint8_t key, bool pressed);
/** The mouse is moved. */
void i8042_mouse(struct i8042 *kbc, const struct ps2_motion *motion);

#endif
