/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory and string functions against the C library's, at all small lengths and alignments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* the functions under test, as the build renames them */
void *lib_memcpy(void *restrict dst, const void *restrict src, size_t n);
void *lib_memmove(void *dst, const void *src, size_t n);
void *lib_memset(void *dst, int c, size_t n);
int lib_memcmp(const void *a, const void *b, size_t n);
void *lib_memchr(const void *s, int c, size_t n);
size_t lib_strlen(const char *s);
size_t lib_strnlen(const char *s, size_t max);
int lib_strcmp(const char *a, const char *b);
int lib_strncmp(const char *a, const char *b, size_t n);
char *lib_strchr(const char *s, int c);
char *lib_strrchr(const char *s, int c);
char *lib_strstr(const char *hay, const char *needle);

#define AREA 128u

static void fill(uint8_t area[AREA])
{
	for (unsigned i = 0; i < AREA; i++)
		area[i] = (uint8_t)(i * 7 + 1);
}

static int sign(int v)
{
	return (v > 0) - (v < 0);
}

static void copies_exactly(void **state)
{
	uint8_t src[AREA], got[AREA], want[AREA];

	(void)state;
	fill(src);
	for (size_t from = 0; from < 9; from++) {
		for (size_t to = 0; to < 9; to++) {
			for (size_t n = 0; n < 40; n++) {
				memset(got, 0xee, AREA);
				memset(want, 0xee, AREA);
				memcpy(want + to, src + from, n);
				assert_ptr_equal(lib_memcpy(got + to, src + from, n), got + to);
				assert_memory_equal(got, want, AREA);
			}
		}
	}
}

static void moves_overlapping(void **state)
{
	uint8_t got[AREA], want[AREA];

	(void)state;
	for (size_t from = 0; from < 20; from++) {
		for (size_t to = 0; to < 20; to++) {
			for (size_t n = 0; n < 40; n++) {
				fill(got);
				fill(want);
				memmove(want + to, want + from, n);
				assert_ptr_equal(lib_memmove(got + to, got + from, n), got + to);
				assert_memory_equal(got, want, AREA);
			}
		}
	}
}

static void sets_exactly(void **state)
{
	uint8_t got[AREA], want[AREA];

	(void)state;
	for (size_t to = 0; to < 9; to++) {
		for (size_t n = 0; n < 40; n++) {
			fill(got);
			fill(want);
			memset(want + to, 0x1a5, n);
			assert_ptr_equal(lib_memset(got + to, 0x1a5, n), got + to);
			assert_memory_equal(got, want, AREA);
		}
	}
}

static void compares_as_unsigned(void **state)
{
	static const char *const words[] = {"", "a", "ab", "abc", "abd", "\x80", "a\xff", "b"};

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		for (size_t j = 0; j < 8; j++) {
			const char *a = words[i], *b = words[j];
			size_t n = strlen(a) < strlen(b) ? strlen(a) : strlen(b);

			assert_int_equal(sign(lib_strcmp(a, b)), sign(strcmp(a, b)));
			assert_int_equal(sign(lib_strncmp(a, b, 2)), sign(strncmp(a, b, 2)));
			assert_int_equal(sign(lib_memcmp(a, b, n)), sign(memcmp(a, b, n)));
		}
	}
	assert_int_equal(lib_strncmp("abc", "abd", 2), 0);
	assert_int_equal(lib_strncmp("a", "b", 0), 0);
}

static void measures(void **state)
{
	(void)state;
	assert_int_equal(lib_strlen(""), 0);
	assert_int_equal(lib_strlen("hypike"), 6);
	assert_int_equal(lib_strnlen("hypike", 3), 3);
	assert_int_equal(lib_strnlen("hypike", 9), 6);
	/* exactly as much memory as may be read: the sanitizer sees one more */
	char *three = malloc(3);

	assert_non_null(three);
	memset(three, 'x', 3);
	assert_int_equal(lib_strnlen(three, 3), 3);
	free(three);
}

static void finds(void **state)
{
	const char *text = "one two one";

	(void)state;
	assert_ptr_equal(lib_strchr(text, 'o'), text);
	assert_ptr_equal(lib_strrchr(text, 'o'), text + 8);
	assert_null(lib_strchr(text, 'x'));
	assert_null(lib_strrchr(text, 'x'));
	assert_ptr_equal(lib_strchr(text, 0), text + 11);
	assert_ptr_equal(lib_strrchr(text, 0), text + 11);
	assert_ptr_equal(lib_strstr(text, "two"), text + 4);
	assert_ptr_equal(lib_strstr(text, ""), text);
	assert_null(lib_strstr(text, "onex"));
	assert_ptr_equal(lib_memchr(text, 't', 11), text + 4);
	assert_null(lib_memchr(text, 't', 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_exactly),	cmocka_unit_test(moves_overlapping),
		cmocka_unit_test(sets_exactly),		cmocka_unit_test(compares_as_unsigned),
		cmocka_unit_test(measures),		cmocka_unit_test(finds),
	};

	return cmocka_run_group_tests_name("lib-string", tests, NULL, NULL);
}
