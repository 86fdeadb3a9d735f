/* SPDX-License-Identifier: BSD-2-Clause */
/* The dummy kernel's reader of newc archives, on good and broken ones. @verifies DUM-011 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "guests/dummy/cpio.h"

#define ARCHIVE_MAX 1024

static size_t padded(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

static size_t add(uint8_t *archive, size_t at, const char *name, const char *data)
{
	char header[111];
	unsigned name_size = (unsigned)strlen(name) + 1, size = (unsigned)strlen(data);

	snprintf(header, sizeof(header),
		 "070701%08x%08x%08x%08x%08x%08x%08X%08x%08x%08x%08x%08x%08x", 1, 0100644, 0, 0,
		 1, 0, size, 0, 0, 0, 0, name_size, 0);
	memcpy(archive + at, header, 110);
	memcpy(archive + at + 110, name, name_size);
	at += padded(110 + name_size);
	memcpy(archive + at, data, size);
	return at + padded(size);
}

/* @return a copy in memory of exactly its size, for the sanitizer to guard. */
static uint8_t *archive_of(size_t *size)
{
	uint8_t buffer[ARCHIVE_MAX] = {0};

	*size = add(buffer, 0, "one", "first file's text");
	*size = add(buffer, *size, "dir/two", "");
	*size = add(buffer, *size, "three", "xyz");
	*size = add(buffer, *size, "TRAILER!!!", "");

	uint8_t *exact = malloc(*size);

	assert_non_null(exact);
	memcpy(exact, buffer, *size);
	return exact;
}

static void lists_files(void **state)
{
	size_t size;
	uint8_t *archive = archive_of(&size);
	struct cpio_iter it;
	struct cpio_file file;

	(void)state;
	cpio_begin(&it, archive, size);
	assert_true(cpio_next(&it, &file));
	assert_string_equal(file.name, "one");
	assert_int_equal(file.size, 17);
	assert_memory_equal(file.data, "first file's text", 17);
	assert_int_equal(file.mode, 0100644);
	assert_true(cpio_next(&it, &file));
	assert_string_equal(file.name, "dir/two");
	assert_int_equal(file.size, 0);
	assert_true(cpio_next(&it, &file));
	assert_string_equal(file.name, "three");
	assert_false(cpio_next(&it, &file));
	free(archive);
}

static void finds_by_name(void **state)
{
	size_t size;
	uint8_t *archive = archive_of(&size);
	struct cpio_file file;

	(void)state;
	assert_true(cpio_find(archive, size, "three", &file));
	assert_memory_equal(file.data, "xyz", 3);
	assert_false(cpio_find(archive, size, "thre", &file));
	assert_false(cpio_find(archive, size, "TRAILER!!!", &file));
	assert_false(cpio_find(archive, 0, "one", &file));
	free(archive);
}

/* Reads all of each file, so that the sanitizer sees any byte outside. */
static unsigned read_all(const uint8_t *archive, size_t size)
{
	struct cpio_iter it;
	struct cpio_file file;
	unsigned files = 0;
	volatile uint8_t sum = 0;

	for (cpio_begin(&it, archive, size); cpio_next(&it, &file); files++) {
		for (size_t i = 0; i < file.size; i++)
			sum = (uint8_t)(sum + file.data[i]);
		sum = (uint8_t)(sum + strlen(file.name));
	}
	return files;
}

static void survives_any_length(void **state)
{
	size_t size;
	uint8_t *archive = archive_of(&size);

	(void)state;
	assert_int_equal(read_all(archive, size), 3);
	for (size_t n = 0; n < size; n++) {
		uint8_t *cut = malloc(n + 1);

		assert_non_null(cut);
		memcpy(cut + 1, archive, n); /* its end is the block's end */
		assert_true(read_all(cut + 1, n) <= 3);
		free(cut);
	}
	free(archive);
}

static void survives_any_byte(void **state)
{
	static const uint8_t values[] = {0, '0', '7', '9', 'a', 'F', 'g', 0x7f, 0xff};
	size_t size;
	uint8_t *archive = archive_of(&size);

	(void)state;
	for (size_t i = 0; i < size; i++) {
		uint8_t kept = archive[i];

		for (size_t v = 0; v < sizeof(values); v++) {
			archive[i] = values[v];
			assert_true(read_all(archive, size) <= 4);
		}
		archive[i] = kept;
	}
	free(archive);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_files),
		cmocka_unit_test(finds_by_name),
		cmocka_unit_test(survives_any_length),
		cmocka_unit_test(survives_any_byte),
	};

	return cmocka_run_group_tests_name("dummy-cpio", tests, NULL, NULL);
}
