/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file i8254.h
 * Intel 8254 programmable interval timer (data sheet 231164): three 16-bit counters at 1.193182 MHz,
 * ports 40h to 43h. Counts are worked out when somebody looks; only channel 0's output costs timer
 * events, and only while somebody wants its edges.
 */
#ifndef VMM_DEV_I8254_H
#define VMM_DEV_I8254_H

#include "vmm/dev/device.h"
#include "vmm/timer.h"

#define I8254_HZ       1193182u
#define I8254_CHANNELS 3u

/** One counter. A tick is a clock of 1.193182 MHz, counted since i8254.epoch. */
struct i8254_channel {
	uint64_t start;	 /**< `counting`: tick at which the counting element (CE) held `count` */
	uint32_t count;	 /**< `counting`: what it counts from, 1..10000h */
	uint32_t reload; /**< count register (CR), as a number 1..10000h */
	uint32_t held;	 /**< !counting: value of the counting element */
	uint16_t latch;	 /**< latched count */
	uint8_t control; /**< low six bits of the control word: RW, mode, BCD */
	uint8_t latched; /**< bytes of `latch` still to be read */
	uint8_t status;	 /**< latched status byte */
	uint8_t status_latched;
	uint8_t read_high;  /**< RW 3: the next read gives the high byte */
	uint8_t write_high; /**< RW 3: the next written byte is the high one */
	uint8_t low;	    /**< RW 3: the low byte that was written */
	uint8_t programmed; /**< a count was written since the control word */
	uint8_t pending;    /**< CR waits for a trigger or the end of a period to get into CE */
	uint8_t counting;
	uint8_t done; /**< modes 0 and 4: the terminal count was reached */
	uint8_t gate;
};

struct i8254 {
	struct device dev;
	struct wire out; /**< of channel 0: high but for pulses and where mode 0 holds it low */
	struct timer timer;
	uint64_t epoch; /**< platform_time() at tick 0 */
	uint64_t edge;	/**< tick of channel 0's next rising edge; UINT64_MAX: none */
	uint8_t wanted; /**< edges are to come at their time */
	struct i8254_channel channel[I8254_CHANNELS];
};

void i8254_init(struct i8254 *pit, struct timer_queue *queue);
/** Input: the gate of channel `pin`; a wire's sink. */
void i8254_gate(void *pit, unsigned int pin, bool level);
/** Output of channel 2 now; a probe. */
bool i8254_out2(void *pit);
/**
 * Say whether edges of channel 0 are wanted at their time. Where they weren't, one that is overdue
 * comes now. Costs nothing where nothing changes.
 */
void i8254_want(struct i8254 *pit, bool wanted);
/** Drive an edge of channel 0 that is due: before somebody looks at what it is wired to. */
void i8254_catch_up(struct i8254 *pit);

#endif
