/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/dummy/console.h"

#include <stdarg.h>
#include <stddef.h>

#include "guests/dummy/spinlock.h"
#include "lib/printf.h"
#include "lib/x86/cpu.h"
#include "lib/x86/uart.h"

#define DEBUG_PORT 0xe9

static struct spinlock lock;
static bool use_lock = true;
static bool use_e9;
static unsigned fifo_room; /* bytes that fit without asking the UART again */

void console_init(void)
{
	outb(UART_COM1 + UART_IER, 0);
	outb(UART_COM1 + UART_LCR, UART_LCR_8N1 | UART_LCR_DLAB);
	outb(UART_COM1 + UART_DLL, 1);
	outb(UART_COM1 + UART_DLM, 0);
	outb(UART_COM1 + UART_LCR, UART_LCR_8N1);
	outb(UART_COM1 + UART_FCR, UART_FCR_ENABLE | UART_FCR_RX_RESET | UART_FCR_TX_RESET);
	outb(UART_COM1 + UART_MCR, UART_MCR_DTR | UART_MCR_RTS);
}

void console_use_e9(void)
{
	use_e9 = true;
}

void console_break_lock(void)
{
	use_lock = false;
}

/* An empty transmitter takes a whole FIFO: one look at the line status for 16 characters. */
static void put_uart(char c)
{
	if (fifo_room == 0) {
		while ((inb(UART_COM1 + UART_LSR) & UART_LSR_THRE) == 0)
			cpu_pause();
		fifo_room = UART_FIFO;
	}
	outb(UART_COM1 + UART_THR, (uint8_t)c);
	fifo_room--;
}

static void put(void *ctx, char c)
{
	(void)ctx;
	if (c == '\n')
		put(ctx, '\r');
	put_uart(c);
	if (use_e9)
		outb(DEBUG_PORT, (uint8_t)c);
}

void print(const char *fmt, ...)
{
	va_list ap;
	uint64_t flags = irq_save();
	bool locked = use_lock;

	if (locked)
		spin_lock(&lock);
	va_start(ap, fmt);
	lib_vprintf(put, NULL, fmt, ap);
	va_end(ap);
	if (locked)
		spin_unlock(&lock);
	irq_restore(flags);
}
