/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libFuzzer: both ends of a link against bytes that anybody may have sent: this command's (tools/link.c), in pieces
 * as the input says, and with an honest beginning where it says so. What it sends is no more than it may.
 *
 * sources: @tests/unit/tools/fuzz-link.sources
 * @verifies LIB-050 TOOL-150
 */
#include <hypike/wire.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/link_reader.h"
#include "tools/link.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WINDOW 300u

bool report(const char *format, ...)
{
	(void)format;
	return false;
}

void *memory_new(size_t size)
{
	return calloc(1, size);
}

static bool take_frame(void *ctx, uint8_t number, const uint8_t *payload, size_t size)
{
	volatile uint8_t sum = 0;

	(void)ctx;
	if (number >= LINK_NUMBERS || size > LINK_MAX)
		abort();
	for (size_t i = 0; i < size; i++)
		sum ^= payload[i];
	return size != 1;
}

static void honest_hello(struct link *link)
{
	struct {
		struct link_header header;
		struct link_hello hello;
	} message = {{sizeof(struct link_hello), LINK_HELLO, 0},
		     {.version = LINK_VERSION, .window = WINDOW}};

	memcpy(message.hello.magic, LINK_MAGIC, sizeof(LINK_MAGIC));
	link_take(link, (const uint8_t *)&message, sizeof(message));
	if (!link_up(link))
		abort();
}

/* Bytes of the link in what is for the line. */
static size_t payload_in(const char *out, size_t length)
{
	size_t count = 0;

	if (length == 0)
		return 0;
	if (out[0] != (char)WIRE_ESCAPE || out[1] != (char)WIRE_LINK)
		abort();
	for (size_t i = 2; i < length; i++, count++) {
		if (out[i] == (char)WIRE_ESCAPE && out[++i] != (char)WIRE_ESCAPE)
			abort();
	}
	return count;
}

/* Nothing is told to be taken: the window is all there is. */
static void check_sending(struct link *link)
{
	const uint8_t frame[200] = {WIRE_ESCAPE, WIRE_ESCAPE, 3};
	char out[64];
	size_t length, sent = 0;

	for (unsigned int i = 0; i < 4; i++)
		link_send(link, LINK_FRAME, 0, NULL, 0, frame, sizeof(frame));
	do {
		length = link_fill(link, out, sizeof(out));
		if (length > sizeof(out))
			abort();
		sent += payload_in(out, length);
	} while (length > 0);
	if (sent != WINDOW)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct link *link;

	if (size < 2)
		return 0;
	link = link_new();
	link_on(link, LINK_FRAME, take_frame, NULL);
	if (data[0] & 1) {
		honest_hello(link);
		if (data[0] & 2)
			check_sending(link);
	}
	const size_t piece = data[1] + 1u;
	for (size_t at = 2; at < size; at += piece)
		link_take(link, data + at, size - at < piece ? size - at : piece);
	link_free(link);
	return 0;
}
