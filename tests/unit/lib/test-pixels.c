/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows of pixels in few bytes: what was coded comes back, whatever it is; what is no code is refused.
 *
 * @verifies LIB-051
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/pixels.h"

#define MOST 1280u

/** Blocks of their own, so that a byte too many is seen by ASan. @return bytes of the code */
static size_t there_and_back(const uint32_t *pixels, size_t count)
{
	uint8_t *code = malloc(PIXELS_CODE(count));
	uint32_t *back = malloc(count * sizeof(*back));

	assert_non_null(code);
	assert_non_null(back);
	const size_t size = pixels_encode(pixels, count, code);
	assert_true(size <= PIXELS_CODE(count));
	assert_true(pixels_decode(code, size, back, count));
	assert_memory_equal(back, pixels, count * sizeof(*back));
	/* Neither more pixels nor fewer, nor a piece of it. */
	assert_false(pixels_decode(code, size, back, count - 1));
	assert_false(pixels_decode(code, size - 1, back, count));
	free(back);
	free(code);
	return size;
}

static void test_one_colour(void **state)
{
	uint32_t pixels[MOST];

	(void)state;
	for (size_t i = 0; i < MOST; i++)
		pixels[i] = 0x123456;
	for (size_t count = 1; count <= MOST; count++)
		there_and_back(pixels, count);
	assert_true(there_and_back(pixels, MOST) <= 40);
}

static void test_all_differ(void **state)
{
	uint32_t pixels[MOST];

	(void)state;
	for (size_t i = 0; i < MOST; i++)
		pixels[i] = (uint32_t)i * 77;
	for (size_t count = 1; count <= MOST; count++)
		assert_int_equal(there_and_back(pixels, count), PIXELS_CODE(count));
}

/** Runs of all lengths, in every order that a fixed sequence of numbers makes. */
static void test_mixed(void **state)
{
	uint32_t pixels[MOST], seed = 1;

	(void)state;
	for (int round = 0; round < 500; round++) {
		const uint32_t most = 1u << round % 9;
		for (size_t i = 0; i < MOST;) {
			seed = seed * 1664525 + 1013904223;
			for (uint32_t n = 1 + (seed >> 8) % most; n > 0 && i < MOST; n--)
				pixels[i++] = seed >> 29;
		}
		there_and_back(pixels, MOST - seed % 1000);
	}
}

static void test_no_code(void **state)
{
	static const uint8_t short_of_pixel[] = {0x80, 1, 2}, too_many[] = {0xff, 1, 2, 3}, none[1] = {0};
	static const uint8_t lone[] = {1, 1, 2, 3};
	uint32_t pixels[4];

	(void)state;
	assert_false(pixels_decode(short_of_pixel, sizeof(short_of_pixel), pixels, 2));
	assert_false(pixels_decode(too_many, sizeof(too_many), pixels, 4));
	assert_false(pixels_decode(lone, sizeof(lone), pixels, 2));
	assert_false(pixels_decode(none, 0, pixels, 1));
	assert_true(pixels_decode(none, 0, pixels, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_colour),
		cmocka_unit_test(test_all_differ),
		cmocka_unit_test(test_mixed),
		cmocka_unit_test(test_no_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
