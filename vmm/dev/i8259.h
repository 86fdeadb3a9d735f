/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file i8259.h
 * The two cascaded Intel 8259A interrupt controllers of a PC (data sheet 231468), ports 20h, 21h,
 * A0h, A1h, with the edge/level registers 4D0h, 4D1h of later chip sets (82371AB, 4.5).
 */
#ifndef VMM_DEV_I8259_H
#define VMM_DEV_I8259_H

#include "vmm/dev/device.h"

/** One chip. Registers are named as in the data sheet. */
struct i8259_chip {
	uint8_t irr, imr, isr;
	uint8_t lines;	  /**< levels of the inputs */
	uint8_t elcr;	  /**< inputs that are level-triggered */
	uint8_t elcr_mask; /**< those that can be */
	uint8_t base;	  /**< ICW2: vector of input 0 */
	uint8_t lowest;	  /**< input with the lowest priority */
	uint8_t icw_next; /**< ICW that the next data write is: 2, 3, 4; 0: none (OCW1) */
	uint8_t icw1;
	uint8_t icw4;
	uint8_t read_isr;     /**< OCW3 RIS: a command read gives ISR */
	uint8_t poll;	      /**< OCW3 P: the next read polls */
	uint8_t special_mask; /**< OCW3 SMM */
	uint8_t rotate_aeoi;  /**< OCW2: rotate in automatic EOI mode */
	uint8_t out;	      /**< level of INT */
};

struct i8259 {
	struct device dev;
	struct wire intr;    /**< INT of the first chip */
	struct command look; /**< given before IRR is read and after IMR is written, with I8259_LOOK_*:
				  for devices that drive their lines lazily */
	struct i8259_chip chip[2];
};

/** Values of i8259.look. */
#define I8259_LOOK_READ	 0x10000u /**< IRR is about to be read */
#define I8259_LOOK_MASKS 0xffffu  /**< otherwise: the masks */

void i8259_init(struct i8259 *pic);
/** Inputs 0 to 15 (but 2, the cascade); a wire's sink. */
void i8259_line(void *pic, unsigned int pin, bool level);
/**
 * The processor's interrupt acknowledge: puts the highest request in service.
 * @return its vector; that of input 7 of the chip asked where the request went away (spurious).
 */
uint8_t i8259_acknowledge(struct i8259 *pic);

#endif
