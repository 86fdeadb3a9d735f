/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/link_reader.h"

#include "lib/string.h"

#define HEADER sizeof(struct link_header)

_Static_assert(HEADER == 4, "as it comes on the line");

/** Up to `end` bytes of the message. @return how many were taken. */
static size_t fill(struct link_reader *reader, void *to, size_t from, size_t end, const uint8_t *bytes, size_t size)
{
	const size_t wanted = end - reader->have, count = size < wanted ? size : wanted;

	memcpy((uint8_t *)to + (reader->have - from), bytes, count);
	reader->have += count;
	return count;
}

size_t link_reader_take(struct link_reader *reader, const void *bytes, size_t size)
{
	const uint8_t *const from = bytes;
	size_t done = 0;

	if (reader->broken)
		return 0;
	if (reader->whole)
		reader->have = 0;
	reader->whole = false;
	if (reader->have < HEADER)
		done = fill(reader, &reader->header, 0, HEADER, from, size);
	if (reader->have < HEADER)
		return done;
	reader->broken = reader->header.size > LINK_MAX || reader->header.number >= LINK_NUMBERS;
	if (reader->broken)
		return done;
	const size_t end = HEADER + reader->header.size;
	done += fill(reader, reader->payload, HEADER, end, from + done, size - done);
	reader->whole = reader->have == end;
	return done;
}
