/* SPDX-License-Identifier: BSD-2-Clause */
/* Rings of frames, with a good and with a hostile peer. @verifies LIB-040 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/frame_ring.h"

#define REGION 0x8000u /* two rings of seven slots */
#define SLOTS  7u

static uint8_t *region;
static struct frame_ring a_out, a_in, b_out, b_in;

static int setup(void **state)
{
	(void)state;
	region = aligned_alloc(4096, REGION);
	memset(region, 0, REGION);
	assert_true(frame_cable(&a_out, &a_in, region, REGION, FRAME_SIDE_A));
	assert_true(frame_cable(&b_out, &b_in, region, REGION, FRAME_SIDE_B));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(region);
	return 0;
}

static uint32_t number(void)
{
	static uint32_t state = 1;

	state = state * 1664525u + 1013904223u;
	return state >> 8;
}

static void frames_arrive_in_order(void **state)
{
	uint8_t frame[FRAME_MAX], got[FRAME_MAX];
	uint32_t put = 0, taken = 0;

	(void)state;
	while (taken < 10000) {
		for (uint32_t n = number() % 10; n > 0; n--) {
			memset(frame, (int)put, sizeof(frame));
			bool ok = frame_put(&a_out, frame, FRAME_MIN + put % (FRAME_MAX - FRAME_MIN + 1));
			assert_int_equal(ok, put - taken < SLOTS);
			put += ok;
		}
		for (uint32_t n = number() % 10; n > 0; n--) {
			size_t size = frame_get(&b_in, got);
			if (put == taken) {
				assert_int_equal(size, 0);
				continue;
			}
			assert_int_equal(size, FRAME_MIN + taken % (FRAME_MAX - FRAME_MIN + 1));
			assert_int_equal(got[0], (uint8_t)taken);
			assert_int_equal(got[size - 1], (uint8_t)taken);
			taken++;
		}
	}
	assert_int_equal(frame_get(&a_in, got), 0); /* the other direction is another ring */
}

static void only_frames_are_taken(void **state)
{
	uint8_t frame[FRAME_MAX + 1] = {0};

	(void)state;
	assert_false(frame_put(&a_out, frame, FRAME_MIN - 1));
	assert_false(frame_put(&a_out, frame, FRAME_MAX + 1));
	assert_false(frame_put(&a_out, frame, SIZE_MAX));
	assert_false(frame_producer_init(&a_out, region, 4095));
	assert_false(frame_cable(&a_out, &a_in, region, 8191, FRAME_SIDE_A));
	assert_true(frame_cable(&a_out, &a_in, region, 8192, FRAME_SIDE_A));
	assert_int_equal(a_out.slots, 1);
}

/** Who sleeps is told once, and never sleeps over a frame. */
static void sleepers_are_told(void **state)
{
	uint8_t frame[FRAME_MAX] = {0};

	(void)state;
	assert_true(frame_put(&a_out, frame, 60));
	assert_true(frame_tell(&a_out)); /* at the start everybody sleeps */
	assert_true(frame_put(&a_out, frame, 60));
	assert_false(frame_tell(&a_out));
	assert_false(frame_sleep(&b_in));
	assert_int_equal(frame_get(&b_in, frame), 60);
	assert_int_equal(frame_get(&b_in, frame), 60);
	assert_int_equal(frame_get(&b_in, frame), 0);
	assert_true(frame_sleep(&b_in));
	assert_true(frame_put(&a_out, frame, 60));
	assert_true(frame_tell(&a_out));
}

/** A side that is started again goes on where it was. */
static void a_restart_loses_nothing(void **state)
{
	uint8_t frame[FRAME_MAX] = {0};

	(void)state;
	for (unsigned int i = 0; i < 40; i++) {
		frame[0] = (uint8_t)i;
		assert_true(frame_put(&a_out, frame, 60));
		if (i % 3 == 0)
			assert_true(frame_cable(&b_out, &b_in, region, REGION, FRAME_SIDE_B));
		if (i % 5 == 0)
			assert_true(frame_cable(&a_out, &a_in, region, REGION, FRAME_SIDE_A));
		assert_int_equal(frame_get(&b_in, frame), 60);
		assert_int_equal(frame[0], (uint8_t)i);
	}
}

static void nonsense_is_refused(void **state)
{
	uint8_t frame[FRAME_MAX] = {0};

	(void)state;
	a_out.shared->tail = 2 * SLOTS;
	assert_false(frame_put(&a_out, frame, 60));
	a_out.shared->tail = UINT32_MAX;
	assert_false(frame_put(&a_out, frame, 60));
	a_out.shared->tail = 1; /* more taken than were put */
	assert_false(frame_put(&a_out, frame, 60));
	assert_int_equal(a_out.broken, 3);
	assert_int_equal(frame_lost(&b_in), 3);
	b_in.shared->head = SLOTS + 1;
	assert_int_equal(frame_get(&b_in, frame), 0);
	b_in.shared->head = UINT32_MAX;
	assert_int_equal(frame_get(&b_in, frame), 0);
	assert_int_equal(b_in.broken, 2);
	b_in.shared->head = SLOTS;
	for (unsigned int i = 0; i < SLOTS; i++)
		b_in.slot[i].size = i % 2 ? FRAME_MAX + 1 : i == 2 ? UINT32_MAX : FRAME_MIN - 1;
	b_in.slot[SLOTS - 1].size = FRAME_MAX;
	assert_int_equal(frame_get(&b_in, frame), FRAME_MAX); /* the only one that is any */
	assert_int_equal(frame_get(&b_in, frame), 0);
}

static volatile bool stop;

/** A peer that writes anything anywhere, all the time. */
static void *scribble(void *arg)
{
	uint32_t seed = 7;

	(void)arg;
	while (!stop) {
		seed = seed * 1664525u + 1013904223u;
		uint32_t where = seed % 4 == 0 ? seed >> 8 & 0x7ffc : (seed >> 8 & 0x4040) | (seed >> 4 & 0x3c);
		__atomic_store_n((uint32_t *)(void *)(region + where), seed >> 28 ? seed >> 24 : seed,
				 __ATOMIC_RELAXED);
	}
	return NULL;
}

static void a_scribbler_is_survived(void **state)
{
	uint8_t frame[FRAME_MAX] = {0};
	pthread_t thread;

	(void)state;
	stop = false;
	assert_int_equal(pthread_create(&thread, NULL, scribble, NULL), 0);
	for (unsigned int i = 0; i < 100000; i++) {
		frame_put(&a_out, frame, 60 + i % 1000);
		frame_tell(&a_out);
		size_t size = frame_get(&a_in, frame);
		assert_true(size == 0 || (size >= FRAME_MIN && size <= FRAME_MAX));
		frame_sleep(&a_in);
		if (i % 1000 == 0)
			assert_true(frame_cable(&a_out, &a_in, region, REGION, FRAME_SIDE_A));
	}
	stop = true;
	pthread_join(thread, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(frames_arrive_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(only_frames_are_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(sleepers_are_told, setup, teardown),
		cmocka_unit_test_setup_teardown(a_restart_loses_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(nonsense_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(a_scribbler_is_survived, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
