/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a VMM says over its link of its statistics and its screen, and what it doesn't get away with.
 *
 * @verifies TOOL-148
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <hypike/link_control.h>

#include "lib/pixels.h"
#include "tests/unit/tools/link_fake.h"
#include "tools/remote.h"

/** A message of two pieces. */
static bool say(uint8_t kind, const void *head, size_t head_size, const void *data, size_t size)
{
	uint8_t payload[LINK_MAX];

	if (head_size > 0)
		memcpy(payload, head, head_size);
	if (size > 0)
		memcpy(payload + head_size, data, size);
	return fake.take[kind](fake.ctx[kind], 0, payload, head_size + size);
}

static bool say_named(uint8_t kind, const void *head, size_t head_size, const char *name)
{
	return say(kind, head, head_size, name, strlen(name));
}

/* ---- statistics ---- */

static const struct link_exits exits = {1, 2};
static const struct link_stats whole = {3, 4, 5, 6, 7};
static const uint64_t value = 8;

static void *answer(void *arg)
{
	while (__atomic_load_n(&fake.count, __ATOMIC_ACQUIRE) == 0)
		;
	say_named(LINK_EXITS, &exits, sizeof(exits), "port");
	say_named(LINK_DEVICE, NULL, 0, "i8254");
	say_named(LINK_COUNTER, &value, sizeof(value), "reads");
	say(LINK_STATS, &whole, sizeof(whole), NULL, 0);
	return arg;
}

static void test_stats(void **state)
{
	struct hypike_vmm_stats stats;
	pthread_t thread;

	(void)state;
	fake.count = 0;
	assert_int_equal(pthread_create(&thread, NULL, answer, NULL), 0);
	assert_null(remote_stats(&stats));
	pthread_join(thread, NULL);
	assert_int_equal(fake.told[0], LINK_ASK_STATS);
	assert_int_equal(stats.kinds, 1);
	assert_string_equal(stats.exits[0].name, "port");
	assert_int_equal(stats.exits[0].driver, 1);
	assert_int_equal(stats.exits[0].vmm, 2);
	assert_int_equal(stats.devices, 1);
	assert_string_equal(stats.device[0].name, "i8254");
	assert_int_equal(stats.device[0].counters, 1);
	assert_string_equal(stats.device[0].counter[0].name, "reads");
	assert_int_equal(stats.device[0].counter[0].value, 8);
	assert_int_equal(stats.entries, 3);
	assert_int_equal(stats.first_ns, 7);
}

static void test_too_many(void **state)
{
	struct hypike_vmm_stats stats;
	char name[LINK_NAME_MAX + 1];

	(void)state;
	for (unsigned int i = 0; i < HYPIKE_VMM_EXIT_KINDS; i++)
		assert_true(say_named(LINK_EXITS, &exits, sizeof(exits), "port"));
	assert_false(say_named(LINK_EXITS, &exits, sizeof(exits), "port"));
	for (unsigned int i = 0; i < HYPIKE_VMM_DEVICES; i++)
		assert_true(say_named(LINK_DEVICE, NULL, 0, "i8254"));
	assert_false(say_named(LINK_DEVICE, NULL, 0, "i8254"));
	for (unsigned int i = 0; i < HYPIKE_VMM_COUNTERS; i++)
		assert_true(say_named(LINK_COUNTER, &value, sizeof(value), "reads"));
	assert_false(say_named(LINK_COUNTER, &value, sizeof(value), "reads"));
	/* The end of the answer is a new beginning. */
	assert_true(say(LINK_STATS, &whole, sizeof(whole), NULL, 0));
	remote_stats_before(&stats);
	assert_int_equal(stats.devices, HYPIKE_VMM_DEVICES);
	assert_false(say_named(LINK_COUNTER, &value, sizeof(value), "reads"));
	/* Names are kept: there is an end to that. */
	bool more = true;
	for (unsigned int i = 0; more && i < 1000; i++) {
		snprintf(name, sizeof(name), "name %u", i);
		more = say_named(LINK_DEVICE, NULL, 0, name) && say(LINK_STATS, &whole, sizeof(whole), NULL, 0);
	}
	assert_false(more);
}

static void test_no_names(void **state)
{
	const char *const wrong[] = {"", "a\n", "\xff", "a name of thirty-two characters!"};

	(void)state;
	for (unsigned int i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_false(say_named(LINK_DEVICE, NULL, 0, wrong[i]));
		assert_false(say_named(LINK_EXITS, &exits, sizeof(exits), wrong[i]));
	}
	assert_false(say(LINK_EXITS, &exits, sizeof(exits) - 1, NULL, 0));
	assert_false(say(LINK_STATS, &whole, sizeof(whole) - 1, NULL, 0));
	assert_false(say(LINK_STATS, &whole, sizeof(whole), "x", 1));
}

/* ---- the picture ---- */

static const struct link_rows sane = {.width = 4, .height = 3, .row = 1, .rows = 2, .columns = 4};
/* Four pixels of one colour. */
static const uint8_t code[] = {0x82, 1, 2, 3};

static void test_picture(void **state)
{
	const struct link_screen all = {4, 3, 1};
	uint32_t pixels[12] = {0};
	unsigned int width, height, first, end;

	(void)state;
	assert_false(remote_screen_size(&width, &height));
	assert_false(remote_screen_ready());
	assert_true(say(LINK_ROWS, &sane, sizeof(sane), code, sizeof(code)));
	assert_true(remote_screen_size(&width, &height));
	assert_int_equal(width, 4);
	assert_int_equal(height, 3);
	assert_false(remote_screen_ready());
	assert_true(say(LINK_SCREEN, &all, sizeof(all), NULL, 0));
	assert_true(remote_screen_ready());
	assert_true(remote_screen_draw(pixels, 4, 3, &first, &end));
	assert_int_equal(first, 1);
	assert_int_equal(end, 3);
	assert_int_equal(pixels[0], 0);
	assert_int_equal(pixels[4], 0x030201);
	assert_int_equal(pixels[11], 0x030201);
	assert_true(remote_screen_draw(pixels, 4, 3, &first, &end));
	assert_int_equal(first, end);
	assert_false(remote_screen_draw(pixels, 3, 4, &first, &end));
}

/** A change of the size in between: black, and not ready. */
static void test_new_size(void **state)
{
	const struct link_screen other = {8, 2, 0};
	uint32_t pixels[16];
	unsigned int width, height, first, end;

	(void)state;
	assert_true(say(LINK_SCREEN, &other, sizeof(other), NULL, 0));
	assert_true(remote_screen_size(&width, &height));
	assert_int_equal(width, 8);
	assert_false(remote_screen_ready());
	memset(pixels, 0xff, sizeof(pixels));
	assert_true(remote_screen_draw(pixels, 8, 2, &first, &end));
	assert_int_equal(pixels[0] | pixels[15], 0);
}

static void refused(struct link_rows rows)
{
	assert_false(say(LINK_ROWS, &rows, sizeof(rows), code, sizeof(code)));
}

static void test_no_rows(void **state)
{
	const struct link_screen huge = {2561, 1600, 1}, none = {0, 1, 1};
	struct link_rows rows = sane;

	(void)state;
	assert_false(say(LINK_ROWS, &sane, sizeof(sane) - 1, NULL, 0));
	assert_false(say(LINK_ROWS, &sane, sizeof(sane), code, sizeof(code) - 1));
	assert_false(say(LINK_SCREEN, &huge, sizeof(huge), NULL, 0));
	assert_false(say(LINK_SCREEN, &none, sizeof(none), NULL, 0));
	refused((rows = sane, rows.width = 0, rows));
	refused((rows = sane, rows.width = 2561, rows));
	refused((rows = sane, rows.height = 1601, rows));
	refused((rows = sane, rows.rows = 3, rows));
	refused((rows = sane, rows.rows = 0, rows));
	refused((rows = sane, rows.rows = UINT16_MAX, rows));
	refused((rows = sane, rows.row = UINT16_MAX, rows));
	refused((rows = sane, rows.column = 1, rows));
	refused((rows = sane, rows.column = UINT16_MAX, rows));
	refused((rows = sane, rows.columns = 0, rows));
	refused((rows = sane, rows.columns = 3, rows));
	refused((rows = sane, rows.width = 2560, rows.columns = LINK_ROW_PIXELS + 1, rows));
}

static void test_told(void **state)
{
	(void)state;
	fake.count = 0;
	remote_key(0x1c, true);
	remote_mouse(1 << 20, -(1 << 20), 0, 1);
	assert_null(remote_command('p'));
	assert_int_equal(fake.told[0], LINK_KEY);
	assert_int_equal(fake.told[1], LINK_MOTION);
	assert_int_equal(fake.told[2], LINK_COMMAND);
	remote_ended();
	assert_non_null(remote_command('p'));
	assert_int_equal(fake.count, 3);
}

static int begin(void **state)
{
	(void)state;
	remote_open(NULL, true);
	if (remote_command('p') == NULL)
		return -1; /* it isn't there yet */
	remote_present();
	return fake.told[0] == LINK_LAST && fake.count == 1 ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stats),	  cmocka_unit_test(test_too_many), cmocka_unit_test(test_no_names),
		cmocka_unit_test(test_picture),	  cmocka_unit_test(test_new_size), cmocka_unit_test(test_no_rows),
		cmocka_unit_test(test_told),
	};

	return cmocka_run_group_tests(tests, begin, NULL);
}
