/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/uart.h"

#include <stdint.h>

#include "kernel/x86.h"

/* Registers, as offsets from the first port (PC16550D data sheet, table 2). */
#define UART_RBR 0u /* receiver buffer */
#define UART_THR 0u /* transmitter holding */
#define UART_DLL 0u /* divisor latch, DLAB=1 */
#define UART_DLM 1u
#define UART_IER 1u /* interrupt enable */
#define UART_IIR 2u /* interrupt identification, reading */
#define UART_FCR 2u /* FIFO control, writing */
#define UART_LCR 3u /* line control */
#define UART_MCR 4u /* modem control */
#define UART_LSR 5u /* line status */

#define IER_ERBFI 0x01u /* received data available */
#define IER_ETBEI 0x02u /* transmitter holding register empty */
#define IIR_NONE  0x01u /* no interrupt pending */
#define IIR_FIFO  0xc0u /* the FIFOs work */
#define FCR_ON	  0x07u /* enable and clear both FIFOs; interrupt at one byte */
#define FCR_BULK  0xc1u /* interrupt at 14 bytes, or when no more has come for a while */
#define LCR_8N1	  0x03u
#define LCR_DLAB  0x80u
#define MCR_READY 0x0bu /* DTR, RTS, and OUT2, which lets the PC's interrupt through */
#define LSR_DR	  0x01u
#define LSR_THRE  0x20u
#define LSR_TEMT  0x40u

#define DIVISOR_115200 1u
/*
 * Polls. A full FIFO takes 1.4 ms: where a poll is a microsecond on the bus, 1400 of them; on an
 * emulator that counts instructions, some ten thousand.
 */
#define PATIENCE 1000000u

#define FIFO_SIZE 16u

struct uart uart_console = {.port = 0x3f8}; /* COM1 */
struct uart uart_trace = {.port = 0x2f8};   /* COM2 */

static uint8_t get(const struct uart *uart, uint16_t reg)
{
	return x86_inb((uint16_t)(uart->port + reg));
}

static void set(const struct uart *uart, uint16_t reg, uint8_t value)
{
	x86_outb((uint16_t)(uart->port + reg), value);
}

void uart_init(struct uart *uart)
{
	set(uart, UART_IER, 0);
	set(uart, UART_LCR, LCR_8N1 | LCR_DLAB);
	set(uart, UART_DLL, DIVISOR_115200);
	set(uart, UART_DLM, 0);
	set(uart, UART_LCR, LCR_8N1);
	set(uart, UART_FCR, FCR_ON);
	set(uart, UART_MCR, MCR_READY);
	/* Where there is none, the bus reads all ones. */
	uart->present = get(uart, UART_LSR) != 0xff;
	uart->room = (get(uart, UART_IIR) & IIR_FIFO) == IIR_FIFO ? FIFO_SIZE : 1;
}

void uart_expect_bulk(const struct uart *uart)
{
	set(uart, UART_FCR, FCR_BULK);
}

void uart_listen(const struct uart *uart, bool wait_for_room)
{
	set(uart, UART_IER, wait_for_room ? IER_ERBFI | IER_ETBEI : IER_ERBFI);
}

void uart_interrupt_again(const struct uart *uart, bool wait_for_room)
{
	set(uart, UART_IER, 0);
	uart_listen(uart, wait_for_room);
}

bool uart_pending(const struct uart *uart)
{
	return uart->present && (get(uart, UART_IIR) & IIR_NONE) == 0;
}

static bool is(const struct uart *uart, uint8_t status)
{
	return (get(uart, UART_LSR) & status) != 0;
}

static void wait_for(const struct uart *uart, uint8_t status)
{
	for (unsigned int i = 0; i < PATIENCE && !is(uart, status); i++)
		x86_pause();
}

void uart_put(const struct uart *uart, char c)
{
	if (!uart->present)
		return;
	wait_for(uart, LSR_THRE);
	set(uart, UART_THR, (uint8_t)c);
}

void uart_drain(const struct uart *uart)
{
	if (uart->present)
		wait_for(uart, LSR_TEMT);
}

size_t uart_fill(const struct uart *uart, const char *text, size_t size)
{
	size_t count = size < uart->room ? size : uart->room;

	if (!uart->present)
		return size;
	if (!is(uart, LSR_THRE))
		return 0;
	for (size_t i = 0; i < count; i++)
		set(uart, UART_THR, (uint8_t)text[i]);
	return count;
}

bool uart_get(const struct uart *uart, char *c)
{
	if (!uart->present || !is(uart, LSR_DR))
		return false;
	*c = (char)get(uart, UART_RBR);
	return true;
}
