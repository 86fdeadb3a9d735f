/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/wire.h"

#include <hypike/system.h>
#include <hypike/wire.h>

#include "kernel/uart.h"
#include "kernel/x86.h"
#include "lib/string.h"

#define PORT_E9 0xe9u /* Bochs, QEMU: -debugcon stdio */
#define QUEUE	 4096u /* pieces: those of all ports together fit; a power of two */
#define PREAMBLE 48u   /* what stands before a piece: a line end, the partition's name */
#define CHUNK	 16u   /* bytes prepared for the UART at a time: its FIFO */

_Static_assert(SYSTEM_MAX_PARTITION * (CONSOLE_PIECES + 2 * CONSOLE_OTHER_PIECES) <= QUEUE - 1024,
	       "a place for each piece, and the kernel's");
_Static_assert(SYSTEM_MAX_PARTITION < WIRE_STREAMS && SYSTEM_MAX_PARTITION <= WIRE_DEBUGS &&
		       SYSTEM_MAX_PARTITION <= WIRE_LINKS,
	       "streams for each partition");
_Static_assert(WIRE_ESCAPE < WIRE_DEBUG && WIRE_DEBUG + WIRE_DEBUGS <= WIRE_STREAM &&
		       WIRE_STREAM + WIRE_STREAMS <= WIRE_LINK && WIRE_LINK + WIRE_LINKS <= 256,
	       "a code is one stream's");

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

/* The piece that goes out now, and where in it we are. */
static struct {
	struct piece piece; /* .size: bytes of it that are still to go */
	uint32_t preamble_size, preamble_done;
	char preamble[PREAMBLE];
	bool cut; /* it is a line that was too long: end it */
} out;

/* Ready for the UART. A byte may become two. */
static struct {
	uint32_t size, done;
	char text[CHUNK + 1];
} chunk;

static const struct console_port *last; /* whose text went out last */
static bool inside_line;		/* and left the line unfinished */

/* ---- into the rings ---- */

size_t wire_room(const struct console_ring *ring)
{
	return ring->pieces < ring->max_pieces ? ring->size - (ring->head - ring->tail) : 0;
}

size_t wire_append(struct console_port *port, const char *text, size_t size)
{
	struct console_ring *ring = &port->ring;
	const uint32_t mask = ring->size - 1;
	const size_t room = wire_room(ring), count = size < room ? size : room;
	uint32_t head = ring->head;

	for (size_t i = 0; i < count; i++)
		ring->text[head++ & mask] = text[i];
	ring->head = head;
	ring->open += (uint32_t)count;
	return count;
}

/* Where streams are kept apart anyhow, what follows in the same stream is one piece with what waits already. */
static bool goes_on(const struct console_port *port)
{
	return wire_streams && queue.head != queue.tail &&
	       queue.piece[(queue.head - 1) % QUEUE].port == port;
}

void wire_commit(struct console_port *port)
{
	if (port->ring.open == 0)
		return;
	if (goes_on(port)) {
		queue.piece[(queue.head - 1) % QUEUE].size += port->ring.open;
	} else {
		queue.piece[queue.head++ % QUEUE] = (struct piece){port, port->ring.open};
		port->ring.pieces++;
	}
	port->ring.open = 0;
}

bool wire_waiting(void)
{
	return chunk.done != chunk.size || out.piece.port != NULL || queue.head != queue.tail;
}

/* ---- from the rings to the chunk ---- */

static void before(const char *text)
{
	while (*text != '\0' && out.preamble_size < PREAMBLE)
		out.preamble[out.preamble_size++] = *text++;
}

/* Who speaks, if it isn't the one before. */
static void name_speaker(const struct console_port *port)
{
	const char stream[] = {(char)WIRE_ESCAPE, (char)port->stream, '\0'};

	if (wire_streams) {
		if (port != last)
			before(stream);
		return;
	}
	if (inside_line && port == last)
		return;
	if (inside_line)
		before("\r\n");
	if (port->prefix != NULL) {
		before(port->prefix);
		before("| ");
	}
	inside_line = false;
}

static void next_piece(void)
{
	out.piece = queue.piece[queue.tail++ % QUEUE];
	out.preamble_size = out.preamble_done = 0;
	name_speaker(out.piece.port);
	last = out.piece.port;
	out.cut = !wire_streams && last->prefix != NULL && out.piece.size >= CONSOLE_LINE;
}

static void put(char c)
{
	if (wire_e9)
		x86_outb(PORT_E9, (uint8_t)c);
	chunk.text[chunk.size++] = c;
}

static void put_line_end(void)
{
	put('\r');
	put('\n');
	inside_line = false;
}

static void put_char(char c)
{
	/* The kernel's and prefixed lines end as terminals want it; other text is as it is. */
	const bool cooked = last->prefix != NULL || last->stream == WIRE_STREAM;

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

static void end_piece(void)
{
	if (out.cut && inside_line)
		put_line_end();
	out.piece.port->ring.pieces--;
	out.piece.port = NULL;
}

/* As much as there is room for; a byte may become two. */
static void produce(void)
{
	struct console_ring *ring = &out.piece.port->ring;
	const uint32_t mask = ring->size - 1;

	while (out.preamble_done != out.preamble_size && chunk.size < CHUNK)
		put(out.preamble[out.preamble_done++]);
	while (out.piece.size != 0 && chunk.size < CHUNK) {
		out.piece.size--;
		put_char(ring->text[ring->tail++ & mask]);
	}
	if (out.piece.size == 0 && chunk.size < CHUNK)
		end_piece();
}

static void fill_chunk(void)
{
	chunk.size = chunk.done = 0;
	while (chunk.size < CHUNK && (out.piece.port != NULL || queue.head != queue.tail)) {
		if (out.piece.port == NULL)
			next_piece();
		produce();
	}
}

/* ---- from the chunk to the UART ---- */

void wire_pump(void)
{
	if (chunk.done == chunk.size)
		fill_chunk();
	if (chunk.done != chunk.size)
		chunk.done += (uint32_t)uart_fill(&uart_console, &chunk.text[chunk.done],
						  chunk.size - chunk.done);
}

void wire_drain(void)
{
	while (wire_waiting()) {
		if (chunk.done == chunk.size)
			fill_chunk();
		while (chunk.done != chunk.size)
			uart_put(&uart_console, chunk.text[chunk.done++]);
	}
}
