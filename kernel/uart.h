/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file uart.h
 * The first serial port, a 16550 (PC16550D data sheet), polled for output.
 */
#ifndef KERNEL_UART_H
#define KERNEL_UART_H

#include <stdbool.h>
#include <stdint.h>

/** 115200 baud, 8 bits, no parity, one stop bit, FIFO on. */
void uart_init(void);
/** Ask for an interrupt for each key. */
void uart_listen(void);
/** Waits for room, but not for ever. */
void uart_put(char c);
/** Wait until the last character is on the line: what is not would be lost with the power. */
void uart_drain(void);
/** @return false where no key is waiting. */
bool uart_get(char *c);

#endif
