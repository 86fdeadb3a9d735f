/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libFuzzer: what a VMM says over its link of its statistics and its screen, a message behind the other: a kind, a
 * size, so many bytes. What is kept of it is whole, and can be looked at. The code of pixels comes back as it was.
 *
 * sources: tools/remote.c lib/pixels.c
 * runs: 6000
 * @verifies TOOL-148 LIB-051
 */
#include <hypike/link_control.h>
#include <stdlib.h>
#include <string.h>

#include "lib/pixels.h"
#include "tests/unit/tools/link_fake.h"
#include "tools/remote.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** In a block of its own, so that a byte too many is seen. */
static void say(uint8_t kind, const uint8_t *bytes, size_t size)
{
	uint8_t *payload = malloc(size);

	if (payload == NULL)
		abort();
	memcpy(payload, bytes, size);
	if (fake.take[kind] != NULL)
		fake.take[kind](fake.ctx[kind], 0, payload, size);
	free(payload);
}

static void look(void)
{
	unsigned int width, height, first, end;

	if (!remote_screen_size(&width, &height) || width > 2560 || height > 1600)
		return;
	uint32_t *pixels = calloc((size_t)width * height, sizeof(*pixels));
	if (pixels == NULL || !remote_screen_draw(pixels, width, height, &first, &end) || first > end || end > height)
		abort();
	free(pixels);
}

static void count(void)
{
	struct hypike_vmm_stats stats;

	remote_stats_before(&stats);
	if (stats.kinds > HYPIKE_VMM_EXIT_KINDS || stats.devices > HYPIKE_VMM_DEVICES)
		abort();
	for (unsigned int i = 0; i < stats.kinds; i++)
		if (strlen(stats.exits[i].name) > LINK_NAME_MAX)
			abort();
	for (unsigned int i = 0; i < stats.devices; i++)
		for (unsigned int j = 0; j < stats.device[i].counters; j++)
			if (strlen(stats.device[i].counter[j].name) > LINK_NAME_MAX)
				abort();
}

static void there_and_back(const uint8_t *data, size_t size)
{
	uint32_t pixels[LINK_ROW_PIXELS], back[LINK_ROW_PIXELS];
	uint8_t code[PIXELS_CODE(LINK_ROW_PIXELS)];
	const size_t number = size < LINK_ROW_PIXELS ? size : LINK_ROW_PIXELS;

	for (size_t i = 0; i < number; i++)
		pixels[i] = data[i] & 7;
	const size_t used = pixels_encode(pixels, number, code);
	if (used > PIXELS_CODE(number) || !pixels_decode(code, used, back, number) ||
	    memcmp(pixels, back, number * sizeof(*back)) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool opened;

	if (!opened)
		remote_open(NULL, false);
	if (!opened)
		remote_present();
	opened = true;
	there_and_back(data, size);
	for (size_t at = 0; at + 2 < size;) {
		const uint8_t kind = LINK_COMMAND + data[at] % 16;
		const size_t left = size - at - 2, length = data[at + 1] < left ? data[at + 1] : left;
		say(kind, data + at + 2, length);
		at += 2 + length;
	}
	look();
	count();
	return 0;
}
