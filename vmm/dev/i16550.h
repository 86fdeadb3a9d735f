/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file i16550.h
 * 16550A serial port (National PC16550D, June 1995). Sends at once, whatever the divisor says;
 * receives what it is given, with the FIFO's trigger levels and character timeout.
 */
#ifndef VMM_DEV_I16550_H
#define VMM_DEV_I16550_H

#include "vmm/dev/device.h"
#include "vmm/timer.h"

#define I16550_FIFO 16u

struct i16550 {
	struct device dev;
	struct device_class class; /**< with the ports of this instance */
	struct device_range range;
	struct wire irq;
	struct byte_sink out;
	struct probe ready;  /**< whether the line takes a FIFO full of bytes; unconnected: always */
	struct command room; /**< given when more may come: room in the receiver, RTS */
	struct timer timeout;

	uint64_t sent, received; /**< bytes on the line */
	uint8_t ier, lcr, mcr, lsr, msr, fcr, scratch;
	uint8_t divisor[2];
	uint8_t thre_pending; /**< the transmitter-empty interrupt waits to be seen */
	uint8_t timed_out;    /**< the character timeout interrupt waits */
	uint8_t rx_head, rx_count;
	uint8_t rx[I16550_FIFO];
	uint8_t rx_error[I16550_FIFO]; /**< LSR error bits of each received character */
};

/** @param port first of its eight ports */
void i16550_init(struct i16550 *uart, struct timer_queue *queue, uint16_t port);
/** Characters that i16550_receive() would take now. */
unsigned int i16550_room(const struct i16550 *uart);
/** A character arrives on the line. One for which there is no room overruns. */
void i16550_receive(struct i16550 *uart, uint8_t byte);
/** @return whether a character is welcome: there is room, and RTS says so. */
bool i16550_wants(const struct i16550 *uart);
/** `ready` has become true. */
void i16550_ready(struct i16550 *uart);
/** The line is held at zero: a break. */
void i16550_break(struct i16550 *uart);

#endif
