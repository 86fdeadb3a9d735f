/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/console.h"

#include "kernel/sched.h"
#include "kernel/uart.h"
#include "kernel/x86.h"
#include "lib/printf.h"
#include "lib/string.h"

#define LOG_LINE 256 /* bytes of a message of the kernel, at the most */
#define PORT_E9	 0xe9u /* Bochs, QEMU: -debugcon stdio */

static struct host_lock lock;
static bool seized;
static bool e9;
static bool line_open; /* raw text of a partition has left the line unfinished */
static struct console_port *keys_to;

static void acquire(void)
{
	if (!seized)
		host_lock(&lock);
}

static void release(void)
{
	if (!seized)
		host_unlock(&lock);
}

/* ---- output; the lock is held ---- */

static void put_raw(char c)
{
	uart_put(c);
	if (e9)
		x86_outb(PORT_E9, (uint8_t)c);
}

static void put(void *ctx, char c)
{
	(void)ctx;
	if (c == '\n')
		put_raw('\r');
	put_raw(c);
}

static void put_text(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		put(NULL, text[i]);
}

/* The kernel's lines begin at the left margin. */
static void finish_line(void)
{
	if (line_open)
		put(NULL, '\n');
	line_open = false;
}

static void put_line(struct console_port *port)
{
	finish_line();
	put_text(port->prefix, strlen(port->prefix));
	put_text("| ", 2);
	put_text(port->line, port->length);
	put(NULL, '\n');
	port->length = 0;
}

static void write_by_line(struct console_port *port, const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (text[i] != '\n' && text[i] != '\r')
			port->line[port->length++] = text[i];
		if (text[i] == '\n' || port->length == CONSOLE_LINE)
			put_line(port);
	}
}

/* As it is, byte by byte: a guest's terminal has its own ideas of line ends. */
static void write_through(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		put_raw(text[i]);
	if (size != 0)
		line_open = text[size - 1] != '\n';
}

/* ---- public ---- */

void console_init(void)
{
	uart_init();
}

void console_use_e9(void)
{
	e9 = true;
}

void console_vlog(const char *format, va_list args)
{
	char line[LOG_LINE];
	int length = lib_vsnprintf(line, sizeof(line), format, args);
	size_t size = length < LOG_LINE ? (size_t)length : LOG_LINE - 1;

	/* A final newline is optional. */
	if (size != 0 && line[size - 1] == '\n')
		size--;
	acquire();
	finish_line();
	put_text("hypike: ", 8);
	put_text(line, size);
	put(NULL, '\n');
	release();
}

void console_vpanic(unsigned int cpu, const char *format, va_list args)
{
	acquire();
	finish_line();
	lib_fprintf(put, NULL, "hypike: panic on CPU %u: ", cpu);
	lib_vprintf(put, NULL, format, args);
	put(NULL, '\n');
	release();
}

void console_print(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	acquire();
	finish_line();
	lib_vprintf(put, NULL, format, args);
	put(NULL, '\n');
	release();
	va_end(args);
}

void console_write(struct console_port *port, const char *text, size_t size)
{
	acquire();
	if (port->prefix != NULL)
		write_by_line(port, text, size);
	else
		write_through(text, size);
	release();
}

void console_flush(struct console_port *port)
{
	acquire();
	if (port->prefix != NULL && port->length != 0)
		put_line(port);
	release();
}

void console_hold(void)
{
	acquire();
}

void console_seize(void)
{
	seized = true;
}

/* ---- input ---- */

void console_input_to(struct console_port *port)
{
	acquire();
	keys_to = port;
	release();
}

static void take_key(char c)
{
	struct console_port *port = keys_to;

	if (port != NULL && port->head - port->tail < CONSOLE_INPUT)
		port->input[port->head++ % CONSOLE_INPUT] = c;
}

void console_interrupt(void)
{
	struct thread *listener = NULL;
	uint64_t bits = 0;
	char c;

	acquire();
	for (unsigned int i = 0; i < CONSOLE_INPUT && uart_get(&c); i++)
		take_key(c);
	if (keys_to != NULL) {
		listener = keys_to->listener;
		bits = keys_to->bits;
	}
	release();
	if (listener != NULL)
		thread_notify(listener, bits);
}

void console_bind(struct console_port *port, struct thread *listener, uint64_t bits)
{
	acquire();
	port->listener = listener;
	port->bits = bits;
	release();
}

size_t console_read(struct console_port *port, char *text, size_t size)
{
	size_t taken = 0;

	acquire();
	while (taken < size && port->tail != port->head)
		text[taken++] = port->input[port->tail++ % CONSOLE_INPUT];
	release();
	return taken;
}
