/* SPDX-License-Identifier: BSD-2-Clause */
/** @file pit.h The 8254. */
#ifndef GUESTS_DUMMY_PIT_H
#define GUESTS_DUMMY_PIT_H

#include <stdbool.h>
#include <stdint.h>

/** Sets a channel's mode (PIT_MODE_*) and 16-bit count; 0 counts as 65536. */
void pit_set(unsigned channel, uint8_t mode, uint16_t count);

/** @return a channel's count, latched. */
uint16_t pit_count(unsigned channel);

/** @return a channel's status byte, by the read-back command. */
uint8_t pit_status(unsigned channel);

/** Lets channel 2 count down once, from `count` at 1193182 Hz, and waits for its output. */
void pit_wait(uint16_t count);

/** Starts interrupts at `hz` on IRQ 0. */
void pit_start(unsigned hz);

#endif
