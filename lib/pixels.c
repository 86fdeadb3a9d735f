/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/pixels.h"

#define RUN	 0x80u
#define RUN_MIN	 2u
#define RUN_MAX	 (RUN_MIN + 0x7f)
#define LONE_MAX 0x80u
#define BYTES	 3u

static void put(uint8_t *code, uint32_t pixel)
{
	code[0] = (uint8_t)pixel;
	code[1] = (uint8_t)(pixel >> 8);
	code[2] = (uint8_t)(pixel >> 16);
}

static uint32_t get(const uint8_t *code)
{
	return code[0] | (uint32_t)code[1] << 8 | (uint32_t)code[2] << 16;
}

static size_t run_length(const uint32_t *pixels, size_t count)
{
	size_t length = 1;

	while (length < count && length < RUN_MAX && pixels[length] == pixels[0])
		length++;
	return length;
}

/** Pixels up to the next that is there twice. */
static size_t lone_length(const uint32_t *pixels, size_t count)
{
	size_t length = 1;

	while (length < count && length < LONE_MAX &&
	       (length + 1 == count || pixels[length] != pixels[length + 1]))
		length++;
	return length;
}

size_t pixels_encode(const uint32_t *pixels, size_t count, uint8_t *code)
{
	size_t size = 0;

	for (size_t done = 0; done < count;) {
		const size_t run = run_length(pixels + done, count - done);
		const size_t length = run >= RUN_MIN ? run : lone_length(pixels + done, count - done);

		code[size++] = (uint8_t)(run >= RUN_MIN ? RUN + run - RUN_MIN : length - 1);
		for (size_t i = 0; i < (run >= RUN_MIN ? 1 : length); i++, size += BYTES)
			put(code + size, pixels[done + i]);
		done += length;
	}
	return size;
}

bool pixels_decode(const uint8_t *code, size_t size, uint32_t *pixels, size_t count)
{
	size_t done = 0;

	for (size_t at = 0; at < size;) {
		const bool run = code[at] >= RUN;
		const size_t length = run ? code[at] - RUN + RUN_MIN : code[at] + 1u;
		const size_t bytes = run ? BYTES : length * BYTES;

		at++;
		if (length > count - done || bytes > size - at)
			return false;
		for (size_t i = 0; i < length; i++)
			pixels[done++] = get(code + at + (run ? 0 : i * BYTES));
		at += bytes;
	}
	return done == count;
}
