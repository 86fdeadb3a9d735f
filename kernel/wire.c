/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/wire.h"

#include <hypike/system.h>
#include <hypike/wire.h>

#include "kernel/uart.h"
#include "kernel/x86.h"
#include "lib/string.h"

#define PORT_E9 0xe9u /* Bochs, QEMU: -debugcon stdio */
#define PUMP	64u   /* characters handed over at a time */
#define QUEUE	4096u /* pieces: those of all ports together fit; a power of two */
#define STAGE	640u  /* one piece, as it goes out */

_Static_assert(SYSTEM_MAX_PARTITION * CONSOLE_PIECES < QUEUE - 1024, "a place for each piece");
_Static_assert(SYSTEM_MAX_PARTITION < WIRE_STREAMS, "a stream for each partition");

bool wire_e9, wire_streams;

/* A piece of a port's ring. */
struct piece {
	struct console_port *port;
	uint32_t size;
};

static struct {
	uint32_t head, tail;
	struct piece piece[QUEUE];
} queue;

static struct {
	uint32_t size, done;
	char text[STAGE];
} stage;

static const struct console_port *last; /* whose text went out last */
static bool inside_line;		/* and left the line unfinished */

/* ---- into the rings ---- */

size_t wire_room(const struct console_ring *ring)
{
	return ring->pieces < ring->max_pieces ? ring->size - (ring->head - ring->tail) : 0;
}

void wire_append(struct console_port *port, char c)
{
	struct console_ring *ring = &port->ring;

	ring->text[ring->head++ % ring->size] = c;
	ring->open++;
}

void wire_commit(struct console_port *port)
{
	if (port->ring.open == 0)
		return;
	queue.piece[queue.head++ % QUEUE] = (struct piece){port, port->ring.open};
	port->ring.open = 0;
	port->ring.pieces++;
}

bool wire_waiting(void)
{
	return stage.done != stage.size || queue.head != queue.tail;
}

/* ---- from the rings to the stage ---- */

static void put(char c)
{
	if (wire_e9)
		x86_outb(PORT_E9, (uint8_t)c);
	if (stage.size < STAGE)
		stage.text[stage.size++] = c;
}

static void put_line_end(void)
{
	put('\r');
	put('\n');
	inside_line = false;
}

/* Who speaks, if it isn't the one before. */
static void put_speaker(const struct console_port *port)
{
	const char *prefix = port->prefix != NULL ? port->prefix : "";

	if (wire_streams && port != last) {
		put((char)WIRE_ESCAPE);
		put((char)(WIRE_STREAM + port->stream));
	}
	if (wire_streams || (inside_line && port == last))
		return;
	if (inside_line)
		put_line_end();
	while (*prefix != '\0')
		put(*prefix++);
	if (port->prefix != NULL) {
		put('|');
		put(' ');
	}
}

static void put_char(const struct console_port *port, char c)
{
	/* The kernel's and prefixed lines end as terminals want it; other text is as it is. */
	const bool cooked = port->prefix != NULL || port->stream == 0;

	if (wire_streams) {
		if (c == (char)WIRE_ESCAPE)
			put(c);
		put(c);
	} else if (c != '\n' || !cooked) {
		put(c);
		inside_line = c != '\n';
	} else {
		put_line_end();
	}
}

static void fill_stage(void)
{
	const struct piece *piece = &queue.piece[queue.tail++ % QUEUE];
	struct console_ring *ring = &piece->port->ring;

	stage.size = stage.done = 0;
	put_speaker(piece->port);
	last = piece->port;
	for (uint32_t i = 0; i < piece->size; i++)
		put_char(piece->port, ring->text[ring->tail++ % ring->size]);
	/* A line that was too long for its piece. */
	if (!wire_streams && inside_line && last->prefix != NULL && piece->size >= CONSOLE_LINE)
		put_line_end();
	ring->pieces--;
}

/* ---- from the stage to the UART ---- */

void wire_pump(void)
{
	size_t left = PUMP, done = 1;

	while (left > 0 && done > 0 && wire_waiting()) {
		if (stage.done == stage.size)
			fill_stage();
		done = stage.size - stage.done;
		done = uart_fill(&uart_console, &stage.text[stage.done], done < left ? done : left);
		stage.done += (uint32_t)done;
		left -= done;
	}
}

void wire_drain(void)
{
	while (wire_waiting()) {
		if (stage.done == stage.size)
			fill_stage();
		while (stage.done != stage.size)
			uart_put(&uart_console, stage.text[stage.done++]);
	}
}
