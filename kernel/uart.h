/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file uart.h
 * The PC's serial ports, 16550s (PC16550D data sheet).
 */
#ifndef KERNEL_UART_H
#define KERNEL_UART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A serial port. */
struct uart {
	uint16_t port;
	bool present;
	uint8_t room; /**< characters that fit when the transmitter is empty */
};

/** COM1: the console. COM2: the trace channel. */
extern struct uart uart_console, uart_trace;

/** 115200 baud, 8 bits, no parity, one stop bit, FIFOs on. */
void uart_init(struct uart *uart);
/** More than keys will come: take them by the FIFO, not byte by byte. */
void uart_expect_bulk(const struct uart *uart);
/** Interrupt for each key, and where `room` when there is room for output. */
void uart_listen(const struct uart *uart, bool room);
/** As uart_listen(), and what is pending interrupts once more. */
void uart_interrupt_again(const struct uart *uart, bool room);
/** @return true where an interrupt of the UART's waits to be served. */
bool uart_pending(const struct uart *uart);
/** Write one character; waits for room, but not for ever. */
void uart_put(const struct uart *uart, char c);
/** Wait until the last character is on the line: what is not would be lost with the power. */
void uart_drain(const struct uart *uart);
/** Write as many characters as there is room for at once. @return how many */
size_t uart_fill(const struct uart *uart, const char *text, size_t size);
/** @return false where no key is waiting. */
bool uart_get(const struct uart *uart, char *c);

#endif
