/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file pit.h
 * 8254 programmable interval timer of the PC (Intel 8254 datasheet, order 231164) and port 61h.
 */
#ifndef LIB_X86_PIT_H
#define LIB_X86_PIT_H

#define PIT_HZ 1193182u /**< input clock: 14.31818 MHz / 12 */

#define PIT_CHANNEL(n) (0x40 + (n))
#define PIT_CHANNEL0   0x40
#define PIT_CHANNEL1   0x41
#define PIT_CHANNEL2   0x42
#define PIT_CONTROL    0x43

/* Control word */
#define PIT_SELECT(n)	((n) << 6)
#define PIT_READ_BACK	0xc0
#define PIT_RW_LATCH	0x00
#define PIT_RW_LSB	0x10
#define PIT_RW_MSB	0x20
#define PIT_RW_LSB_MSB	0x30
#define PIT_MODE(n)	((n) << 1)
#define PIT_MODE_ONESHOT     PIT_MODE(0) /**< interrupt on terminal count */
#define PIT_MODE_RATE	     PIT_MODE(2) /**< rate generator */
#define PIT_MODE_SQUARE	     PIT_MODE(3) /**< square wave */
#define PIT_BCD		0x01

/* Read-back command: a zero bit latches */
#define PIT_RB_NOT_COUNT  0x20
#define PIT_RB_NOT_STATUS 0x10
#define PIT_RB_CHANNEL(n) (2 << (n))

/* Status byte */
#define PIT_STATUS_OUT	0x80
#define PIT_STATUS_NULL 0x40 /**< count not yet loaded */

/* System control port B */
#define PORT_61		 0x61
#define PORT_61_GATE2	 0x01
#define PORT_61_SPEAKER	 0x02
#define PORT_61_REFRESH	 0x10 /**< toggles */
#define PORT_61_OUT2	 0x20

#endif
