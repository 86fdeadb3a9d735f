/* SPDX-License-Identifier: BSD-2-Clause */
/* Formatting against the C library's. @verifies LIB-001 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/printf.h"

/* Both must agree on text and length. */
#define SAME(...)                                                            \
	do {                                                                 \
		char want_[200], got_[200];                                  \
		int w_ = snprintf(want_, sizeof(want_), __VA_ARGS__);        \
		int g_ = lib_snprintf(got_, sizeof(got_), __VA_ARGS__);      \
                                                                             \
		assert_string_equal(got_, want_);                            \
		assert_int_equal(g_, w_);                                    \
	} while (0)

static void integers(void **state)
{
	static const int values[] = {0, 1, -1, 9, 10, 255, -256, INT_MAX, INT_MIN};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		int v = values[i];
		unsigned u = (unsigned)v;

		SAME("%d|%5d|%-5d|%05d|%+d|% d|%.3d|%8.3d|%-8.3d|", v, v, v, v, v, v, v, v, v);
		SAME("%u|%x|%X|%o|%#x|%#X|%#o|%08x|%-9x|%.0x|", u, u, u, u, u, u, u, u, u, u);
		SAME("%*d|%-*d|%.*d|%*x", 7, v, 7, v, 4, v, -7, u);
	}
}

static void lengths(void **state)
{
	(void)state;
	SAME("%ld %lld %lu %llx", LONG_MIN, LLONG_MAX, ULONG_MAX, 0x123456789abcdefull);
	SAME("%zu %zx %td %jd", (size_t)-1, (size_t)77, (ptrdiff_t)-5, (intmax_t)-6);
	SAME("%hd %hhd %hu %hhu", (short)-3, (signed char)-4, (unsigned short)65535,
	     (unsigned char)200);
	SAME("%lo", ULONG_MAX);
	SAME("%p", (void *)(uintptr_t)0x1234abcd);
}

static void texts(void **state)
{
	(void)state;
	SAME("%s|%10s|%-10s|%.2s|%10.2s|%.0s|", "hypike", "hypike", "hypike", "hypike", "hypike",
	     "hypike");
	SAME("%c%c%3c|%-3c|%%", 'a', 'b', 'c', 'd');
	SAME("plain text");
	char three[3] = {'a', 'b', 'c'}; /* no final zero: a precision must be enough */

	SAME("%.3s", three);
}

static void null_text(void **state)
{
	char buf[20];
	const char *volatile null = NULL;

	(void)state;
	lib_snprintf(buf, sizeof(buf), "%s", null);
	assert_string_equal(buf, "(null)");
}

/* Shows what the compiler would refuse in a literal. */
__attribute__((noinline)) static int format(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	int n = lib_vsnprintf(buf, size, fmt, ap);
#pragma GCC diagnostic pop
	va_end(ap);
	return n;
}

static void unknown_conversions_stay(void **state)
{
	char buf[40];

	(void)state;
	format(buf, sizeof(buf), "%q %d", 5);
	assert_string_equal(buf, "%q 5");
	format(buf, sizeof(buf), "100%");
	assert_string_equal(buf, "100%");
	format(buf, sizeof(buf), "%5");
	assert_string_equal(buf, "%5");
	format(buf, sizeof(buf), "%99999999999999999y");
	assert_string_equal(buf, "%99999999999999999y");
}

static void short_buffers(void **state)
{
	char buf[8];

	(void)state;
	for (size_t size = 0; size <= sizeof(buf); size++) {
		memset(buf, '#', sizeof(buf));
		assert_int_equal(lib_snprintf(buf, size, "%s", "abcdefghij"), 10);
		if (size > 0)
			assert_int_equal(strlen(buf), size - 1);
		for (size_t i = size; i < sizeof(buf); i++)
			assert_int_equal(buf[i], '#');
	}
}

static void count_callback(void *ctx, char c)
{
	unsigned *counts = ctx;

	counts[(unsigned char)c]++;
}

static void callback_gets_each_character(void **state)
{
	unsigned counts[256] = {0};

	(void)state;
	assert_int_equal(lib_fprintf(count_callback, counts, "%d-%s", -77, "a-a"), 7);
	assert_int_equal(counts['7'], 2);
	assert_int_equal(counts['-'], 3);
	assert_int_equal(counts['a'], 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers),
		cmocka_unit_test(lengths),
		cmocka_unit_test(texts),
		cmocka_unit_test(null_text),
		cmocka_unit_test(unknown_conversions_stay),
		cmocka_unit_test(short_buffers),
		cmocka_unit_test(callback_gets_each_character),
	};

	return cmocka_run_group_tests_name("lib-printf", tests, NULL, NULL);
}
