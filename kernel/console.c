/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/console.h"

#include <hypike/wire.h>

#include "kernel/cpu.h"
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
bool console_held;
static uint64_t next_fill; /* TSC before which no interrupt fills the FIFO in a partition's window */
static struct console_port *keys_to;
static uint32_t lost; /* lines of the kernel's */

static char log_text[LOG_ROOM];
static struct console_port log_port = {
	.stream = WIRE_STREAM,
	.ring = {.text = log_text, .size = LOG_ROOM, .max_pieces = LOG_LINES},
};

static void acquire(void)
{
	if (!seized)
		host_lock(&lock);
}

static void listen(bool wanted)
{
	if (listening == wanted)
		return;
	listening = wanted;
	uart_listen(&uart_console, wanted);
}

/* Give the UART something to do. The lock is held. */
static void push(void)
{
	if (!interrupts) {
		wire_drain();
		return;
	}
	wire_pump();
	listen(wire_waiting());
	console_held = false;
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

/* The code of the first partition's stream, and the writes that may wait for the line. */
static const struct {
	uint8_t first;
	uint32_t pieces;
} kinds[HYPIKE_CHANNELS] = {
	[HYPIKE_CHANNEL_CONSOLE] = {WIRE_STREAM + 1, CONSOLE_PIECES},
	[HYPIKE_CHANNEL_DEBUG] = {WIRE_DEBUG, CONSOLE_OTHER_PIECES},
	[HYPIKE_CHANNEL_LINK] = {WIRE_LINK, CONSOLE_OTHER_PIECES},
};

void console_expect_bulk(void)
{
	uart_expect_bulk(&uart_console);
}

void console_attach(struct console_port port[HYPIKE_CHANNELS], unsigned int index, const char *prefix)
{
	port[HYPIKE_CHANNEL_CONSOLE].prefix = prefix;
	for (unsigned int i = 0; i < HYPIKE_CHANNELS; i++) {
		port[i].stream = (uint8_t)(kinds[i].first + index);
		port[i].ring = (struct console_ring){
			.text = port[i].output,
			.size = CONSOLE_OUTPUT,
			.max_pieces = kinds[i].pieces,
		};
	}
}

/* ---- the kernel's text; the lock is held ---- */

static void log_put(void *ctx, char c)
{
	(void)ctx;
	wire_append(&log_port, &c, 1);
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
	wire_append(&log_port, prefix, strlen(prefix));
	wire_append(&log_port, line, size);
	wire_append(&log_port, "\n", 1);
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

/* Up to the end of a line, or as much of it as is allowed. */
static size_t take_line(struct console_port *port, const char *text, size_t size)
{
	const size_t allowed = CONSOLE_LINE - port->ring.open;
	const size_t most = size < allowed ? size : allowed;
	size_t count = 0, done;

	while (count < most && text[count] != '\n' && text[count] != '\r')
		count++;
	done = wire_append(port, text, count);
	if (done < most && done == count && text[done] == '\r')
		done++; /* the line's end will have one of its own */
	else if (done < most && done == count)
		done += wire_append(port, "\n", 1);
	if (done != 0 && (text[done - 1] == '\n' || port->ring.open == CONSOLE_LINE))
		wire_commit(port);
	return done;
}

/* Text that goes out whatever the line is like. */
static bool is_text(const struct console_port *port)
{
	return port->stream >= WIRE_STREAM && port->stream < WIRE_STREAM + WIRE_STREAMS;
}

size_t console_write(struct console_port *port, const char *text, size_t size)
{
	size_t done = 0, taken = 1;

	if (!is_text(port) && !wire_streams)
		return size;
	acquire();
	while (done < size && taken != 0 && by_line(port)) {
		taken = take_line(port, text + done, size - done);
		done += taken;
	}
	if (!by_line(port)) {
		done = wire_append(port, text, size < CONSOLE_LINE ? size : CONSOLE_LINE);
		wire_commit(port);
	}
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

#define KEYS 16u /* taken at an interrupt */

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
	for (unsigned int i = 0; i < HYPIKE_CHANNELS; i++) {
		const unsigned int index = c - (unsigned int)kinds[i].first;
		if (index < partition_count)
			keys_to = &partitions[index].channel[i];
	}
}

/* A FIFO of them, or until they go to somebody else: who has some must be told first. */
static void take_keys(void)
{
	static bool escaped;
	const struct console_port *port = keys_to;
	char c;

	for (unsigned int i = 0;
	     i < KEYS && keys_to == port && uart_get(&uart_console, &c); i++) {
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

/* At 115,200 bits a second a FIFO of 16 takes 1.4 ms: the line loses nothing by it. */
#define FILLS_PER_S 1000u

/*
 * Whose time is it? Text that waits belongs to others than the partition whose window this is: a FIFO
 * a millisecond is all that it gives them. The next who writes, or idles, lifts that.
 */
static void take_room(void)
{
	const struct window_slot *slot = cpu_self()->window.slot;
	const bool foreign = slot != NULL && slot->partition != SYSTEM_NONE;

	if (foreign && host_tsc() < next_fill) {
		listen(false);
		console_held = true;
		return;
	}
	next_fill = host_tsc() + host_tsc_khz() * 1000 / FILLS_PER_S;
	push();
}

/* The line interrupts by its edge: what is still pending must make a new one. */
static void leave_interrupt(void)
{
	if (uart_pending(&uart_console))
		uart_interrupt_again(&uart_console, listening);
}

void console_interrupt(void)
{
	struct thread *listener = NULL;
	uint64_t bits = 0;

	acquire();
	if (keys_to != NULL) {
		listener = keys_to->listener;
		bits = keys_to->bits;
	}
	take_keys();
	if (interrupts && wire_waiting())
		take_room();
	else
		listen(false);
	leave_interrupt();
	if (!seized)
		host_unlock(&lock);
	if (listener != NULL)
		thread_notify(listener, bits);
}

/* With a plan that leaves no gap, and nobody who writes, text is still not held for ever. */
#define HELD_MS 10u

void console_let_go(bool gap)
{
	if (!gap && host_tsc() < next_fill + HELD_MS * host_tsc_khz())
		return;
	acquire();
	release();
}

/* Not by the interrupt, which may be another CPU's, in somebody's window. */
void console_idle(void)
{
	acquire();
	wire_pump();
	console_held = wire_waiting();
	if (!seized)
		host_unlock(&lock);
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
