/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/uart.h"

#include <stdint.h>

#include "kernel/x86.h"

/* Registers, as offsets from the port of COM1 (PC16550D data sheet, table 2). */
#define COM1	 0x3f8u
#define UART_RBR (COM1 + 0) /* receiver buffer */
#define UART_THR (COM1 + 0) /* transmitter holding */
#define UART_DLL (COM1 + 0) /* divisor latch, DLAB=1 */
#define UART_DLM (COM1 + 1)
#define UART_IER (COM1 + 1) /* interrupt enable */
#define UART_IIR (COM1 + 2) /* interrupt identification, reading */
#define UART_FCR (COM1 + 2) /* FIFO control, writing */
#define UART_LCR (COM1 + 3) /* line control */
#define UART_MCR (COM1 + 4) /* modem control */
#define UART_LSR (COM1 + 5) /* line status */

#define IER_ERBFI 0x01u /* received data available */
#define IER_ETBEI 0x02u /* transmitter holding register empty */
#define IIR_NONE  0x01u /* no interrupt pending */
#define IIR_FIFO  0xc0u /* the FIFOs work */
#define FCR_ON	  0x07u /* enable and clear both FIFOs; interrupt at one byte */
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

static bool present;
static size_t room; /* characters that fit when the transmitter is empty */

void uart_init(void)
{
	x86_outb(UART_IER, 0);
	x86_outb(UART_LCR, LCR_8N1 | LCR_DLAB);
	x86_outb(UART_DLL, DIVISOR_115200);
	x86_outb(UART_DLM, 0);
	x86_outb(UART_LCR, LCR_8N1);
	x86_outb(UART_FCR, FCR_ON);
	x86_outb(UART_MCR, MCR_READY);
	/* Where there is none, the bus reads all ones. */
	present = x86_inb(UART_LSR) != 0xff;
	room = (x86_inb(UART_IIR) & IIR_FIFO) == IIR_FIFO ? FIFO_SIZE : 1;
}

void uart_listen(bool wait_for_room)
{
	x86_outb(UART_IER, wait_for_room ? IER_ERBFI | IER_ETBEI : IER_ERBFI);
}

bool uart_pending(void)
{
	return present && (x86_inb(UART_IIR) & IIR_NONE) == 0;
}

static bool is(uint8_t status)
{
	return (x86_inb(UART_LSR) & status) != 0;
}

static void wait_for(uint8_t status)
{
	for (unsigned int i = 0; i < PATIENCE && !is(status); i++)
		x86_pause();
}

void uart_put(char c)
{
	if (!present)
		return;
	wait_for(LSR_THRE);
	x86_outb(UART_THR, (uint8_t)c);
}

void uart_drain(void)
{
	if (present)
		wait_for(LSR_TEMT);
}

size_t uart_fill(const char *text, size_t size)
{
	size_t count = size < room ? size : room;

	if (!present)
		return size;
	if (!is(LSR_THRE))
		return 0;
	for (size_t i = 0; i < count; i++)
		x86_outb(UART_THR, (uint8_t)text[i]);
	return count;
}

bool uart_get(char *c)
{
	if (!present || !is(LSR_DR))
		return false;
	*c = (char)x86_inb(UART_RBR);
	return true;
}
