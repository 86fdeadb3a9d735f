/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/console.h"

#include "kernel/sched.h"
#include "kernel/uart.h"
#include "kernel/x86.h"
#include "lib/printf.h"
#include "lib/string.h"

#define LOG_LINE 256   /* bytes of a message of the kernel, at the most */
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

/* ---- the ring; the lock is held ---- */

#define RING  16384u /* a power of two */
#define PIECE 64u    /* characters that a writer hands to the UART itself */

static struct {
	bool in_use; /* the UART's interrupt comes in */
	bool waiting; /* for room in the UART */
	uint32_t head, tail;
	char text[RING];
} ring;

static uint32_t ring_count(void)
{
	return ring.head - ring.tail;
}

/* Characters from the tail that lie side by side. */
static size_t ring_piece(size_t max)
{
	size_t count = ring_count(), to_end = RING - ring.tail % RING;

	count = count < to_end ? count : to_end;
	return count < max ? count : max;
}

/* Hand over what the UART has room for at once. */
static void pump(void)
{
	size_t left = PIECE, done = 1;

	while (left > 0 && done > 0 && ring_count() > 0) {
		done = uart_fill(&ring.text[ring.tail % RING], ring_piece(left));
		ring.tail += (uint32_t)done;
		left -= done;
	}
	if (ring.waiting != (ring_count() > 0)) {
		ring.waiting = ring_count() > 0;
		uart_listen(ring.waiting);
	}
}

static void drain_one(void)
{
	uart_put(ring.text[ring.tail++ % RING]);
}

static void put_raw(char c)
{
	if (e9)
		x86_outb(PORT_E9, (uint8_t)c);
	if (!ring.in_use) {
		uart_put(c);
		return;
	}
	if (ring_count() == RING)
		drain_one();
	ring.text[ring.head++ % RING] = c;
}

static void flush(void)
{
	if (ring.in_use)
		pump();
}

/* ---- lines; the lock is held ---- */

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

/* Bytes that a line with its prefix and line end takes at the most. */
#define WHOLE_LINE (CONSOLE_LINE + 64u)

static size_t write_by_line(struct console_port *port, const char *text, size_t size)
{
	size_t i;

	for (i = 0; i < size && RING - ring_count() >= WHOLE_LINE; i++) {
		if (text[i] != '\n' && text[i] != '\r')
			port->line[port->length++] = text[i];
		if (text[i] == '\n' || port->length == CONSOLE_LINE)
			put_line(port);
	}
	return i;
}

/* As it is, byte by byte: a guest's terminal has its own ideas of line ends. */
static size_t write_through(const char *text, size_t size)
{
	size_t room = RING - ring_count(), count = size < room ? size : room;

	for (size_t i = 0; i < count; i++)
		put_raw(text[i]);
	if (count != 0)
		line_open = text[count - 1] != '\n';
	return count;
}

/* ---- setting up ---- */

void console_init(void)
{
	uart_init();
}

void console_use_interrupt(void)
{
	acquire();
	ring.in_use = true;
	uart_listen(false);
	release();
}

void console_use_e9(void)
{
	e9 = true;
}

/* ---- output ---- */

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
	flush();
	release();
}

size_t console_write(struct console_port *port, const char *text, size_t size)
{
	size_t done;

	acquire();
	done = port->prefix != NULL ? write_by_line(port, text, size) : write_through(text, size);
	flush();
	release();
	return done;
}

void console_flush(struct console_port *port)
{
	acquire();
	if (port->prefix != NULL && port->length != 0)
		put_line(port);
	flush();
	release();
}

void console_drain(void)
{
	acquire();
	while (ring_count() > 0)
		drain_one();
	ring.in_use = false;
	release();
}

/* ---- panic ---- */

void console_hold(void)
{
	acquire();
}

void console_seize(void)
{
	seized = true;
	console_drain();
}

void console_vpanic(unsigned int cpu, const char *format, va_list args)
{
	finish_line();
	lib_fprintf(put, NULL, "hypike: panic on CPU %u: ", cpu);
	lib_vprintf(put, NULL, format, args);
	put(NULL, '\n');
}

void console_print(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	acquire();
	finish_line();
	lib_vprintf(put, NULL, format, args);
	put(NULL, '\n');
	flush();
	release();
	va_end(args);
}

/* ---- input ---- */

void console_input_to(struct console_port *port)
{
	acquire();
	keys_to = port;
	release();
}

static void take_keys(void)
{
	char c;

	for (unsigned int i = 0; i < CONSOLE_INPUT && uart_get(&c); i++)
		if (keys_to != NULL && keys_to->head - keys_to->tail < CONSOLE_INPUT)
			keys_to->input[keys_to->head++ % CONSOLE_INPUT] = c;
}

#define MAX_CAUSES 64u /* a UART that always wants something must not hold the CPU */

/* Until nothing is pending: the line interrupts by its edge, which must not be missed. */
void console_interrupt(void)
{
	struct thread *listener = NULL;
	uint64_t bits = 0;

	acquire();
	for (unsigned int i = 0; i < MAX_CAUSES && uart_pending(); i++) {
		take_keys();
		pump();
	}
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
