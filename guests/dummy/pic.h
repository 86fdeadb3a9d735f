/* SPDX-License-Identifier: BSD-2-Clause */
/** @file pic.h The two 8259A. */
#ifndef GUESTS_DUMMY_PIC_H
#define GUESTS_DUMMY_PIC_H

#include <stdint.h>

#include "guests/dummy/irq.h"

extern const struct irq_controller pic_controller;

/** Initialises both with vectors from IRQ_VECTOR_BASE, all lines masked. */
void pic_init(void);

/** @return the mask registers of both, the master's in the low byte. */
uint16_t pic_masks(void);

/** @return the request or in-service registers of both; `command` is PIC_OCW3_READ_IRR or _ISR. */
uint16_t pic_read(uint8_t command);

#endif
