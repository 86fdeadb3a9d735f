/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/console.h"

#include <hypike/wire.h>

#include "kernel/partition.h"
#include "kernel/sched.h"
#include "kernel/uart.h"
#include "kernel/wire.h"
#include "lib/printf.h"
#include "lib/string.h"

#define LOG_LINE  256u	/* bytes of a message of the kernel, at the most */
#define LOG_ROOM  32768u /* bytes of the kernel's ring */
#define LOG_LINES 1000u

static struct host_lock lock;
static bool seized;
static bool interrupts; /* the UART's interrupt comes in */
static bool listening;	/* to it, for room */
static struct console_port *keys_to;
static uint32_t lost; /* lines of the kernel's */

static char log_text[LOG_ROOM];
static struct console_port log_port = {
	.ring = {.text = log_text, .size = LOG_ROOM, .max_pieces = LOG_LINES},
};

static void acquire(void)
{
	if (!seized)
		host_lock(&lock);
}

/* Give the UART something to do. The lock is held. */
static void push(void)
{
	if (!interrupts) {
		wire_drain();
		return;
	}
	wire_pump();
	if (listening != wire_waiting()) {
		listening = wire_waiting();
		uart_listen(&uart_console, listening);
	}
}

static void release(void)
{
	push();
	if (!seized)
		host_unlock(&lock);
}

/* ---- setting up ---- */

void console_init(void)
{
	uart_init(&uart_console);
}

void console_use_interrupt(void)
{
	acquire();
	interrupts = true;
	uart_listen(&uart_console, false);
	release();
}

void console_use_e9(void)
{
	wire_e9 = true;
}

void console_use_streams(void)
{
	wire_streams = true;
}

void console_attach(struct console_port *port, unsigned int index, const char *prefix)
{
	port->prefix = prefix;
	port->stream = index + 1;
	port->ring = (struct console_ring){
		.text = port->output,
		.size = CONSOLE_OUTPUT,
		.max_pieces = CONSOLE_PIECES,
	};
}

/* ---- the kernel's text; the lock is held ---- */

static void log_put(void *ctx, char c)
{
	(void)ctx;
	wire_append(&log_port, c);
}

static bool log_fits(void)
{
	return wire_room(&log_port.ring) >= 2 * LOG_LINE;
}

/* There is room again: say what is missing. */
static void log_losses(void)
{
	if (lost == 0 || !log_fits())
		return;
	lib_fprintf(log_put, NULL, "hypike: %u lines were lost here\n", lost);
	wire_commit(&log_port);
	lost = 0;
}

static void log_line(const char *prefix, const char *line, size_t size)
{
	log_losses();
	if (!log_fits()) {
		lost++;
		return;
	}
	while (*prefix != '\0')
		wire_append(&log_port, *prefix++);
	for (size_t i = 0; i < size; i++)
		wire_append(&log_port, line[i]);
	wire_append(&log_port, '\n');
	wire_commit(&log_port);
}

static void log_formatted(const char *prefix, const char *format, va_list args)
{
	char line[LOG_LINE];
	int length = lib_vsnprintf(line, sizeof(line), format, args);
	size_t size = length < (int)LOG_LINE ? (size_t)length : LOG_LINE - 1;

	/* A final newline is optional. */
	if (size != 0 && line[size - 1] == '\n')
		size--;
	acquire();
	log_line(prefix, line, size);
	release();
}

void console_vlog(const char *format, va_list args)
{
	log_formatted("hypike: ", format, args);
}

void console_print(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_formatted("", format, args);
	va_end(args);
}

/* ---- partitions' text ---- */

/* On a line of streams each write is a piece; else each line is. */
static bool by_line(const struct console_port *port)
{
	return port->prefix != NULL && !wire_streams;
}

size_t console_write(struct console_port *port, const char *text, size_t size)
{
	const bool lines = by_line(port);
	size_t done = 0;

	acquire();
	while (done < size && wire_room(&port->ring) > 0) {
		char c = text[done++];

		if (c != '\r' || !lines)
			wire_append(port, c);
		if (port->ring.open >= CONSOLE_LINE || (lines && c == '\n'))
			wire_commit(port);
	}
	if (!lines)
		wire_commit(port);
	release();
	return done;
}

void console_flush(struct console_port *port)
{
	acquire();
	wire_commit(port);
	release();
}

void console_drain(void)
{
	acquire();
	log_losses();
	interrupts = false;
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
	char line[LOG_LINE];
	int length = lib_snprintf(line, sizeof(line), "hypike: panic on CPU %u: ", cpu);

	lib_vsnprintf(line + length, sizeof(line) - (size_t)length, format, args);
	console_print("%s", line);
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
	if (keys_to != NULL && keys_to->head - keys_to->tail < CONSOLE_INPUT)
		keys_to->input[keys_to->head++ % CONSOLE_INPUT] = c;
}

/* Behind an escape: that byte itself, or who gets the keys from now on. */
static void take_escaped(uint8_t c)
{
	if (c == WIRE_ESCAPE)
		take_key((char)c);
	else if (c > WIRE_STREAM && c - WIRE_STREAM - 1u < partition_count)
		keys_to = &partitions[c - WIRE_STREAM - 1u].console;
}

/* Until they go to somebody else: who has some must be told first. */
static void take_keys(void)
{
	static bool escaped;
	const struct console_port *port = keys_to;
	char c;

	for (unsigned int i = 0;
	     i < CONSOLE_INPUT && keys_to == port && uart_get(&uart_console, &c); i++) {
		if (wire_streams && !escaped && (uint8_t)c == WIRE_ESCAPE) {
			escaped = true;
			continue;
		}
		if (escaped)
			take_escaped((uint8_t)c);
		else
			take_key(c);
		escaped = false;
	}
}

/* @return false when the UART wants nothing more. */
static bool serve(void)
{
	struct thread *listener = NULL;
	uint64_t bits = 0;
	bool pending;

	acquire();
	pending = uart_pending(&uart_console);
	if (pending && keys_to != NULL) {
		listener = keys_to->listener;
		bits = keys_to->bits;
	}
	if (pending)
		take_keys();
	release();
	if (listener != NULL)
		thread_notify(listener, bits);
	return pending;
}

#define MAX_CAUSES 64u /* a UART that always wants something must not hold the CPU */

/* Until nothing is pending: the line interrupts by its edge, which must not be missed. */
void console_interrupt(void)
{
	for (unsigned int i = 0; i < MAX_CAUSES && serve(); i++)
		;
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
