/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file uart.h
 * The first serial port, a 16550 (PC16550D data sheet).
 */
#ifndef KERNEL_UART_H
#define KERNEL_UART_H

#include <stdbool.h>
#include <stddef.h>

/** 115200 baud, 8 bits, no parity, one stop bit, FIFOs on. */
void uart_init(void);
/** Interrupt for each key, and where `room` when there is room for output. */
void uart_listen(bool room);
/** @return true where an interrupt of the UART's waits to be served. */
bool uart_pending(void);
/** Write one character; waits for room, but not for ever. */
void uart_put(char c);
/** Wait until the last character is on the line: what is not would be lost with the power. */
void uart_drain(void);
/** Write as many characters as there is room for at once. @return how many */
size_t uart_fill(const char *text, size_t size);
/** @return false where no key is waiting. */
bool uart_get(char *c);

#endif
