/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file system-image-sample.h
 * A well-formed system image, small enough to be spelled out, for tests to damage.
 */
#ifndef TESTS_UNIT_LIB_SYSTEM_IMAGE_SAMPLE_H
#define TESTS_UNIT_LIB_SYSTEM_IMAGE_SAMPLE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <hypike/system.h>

#include "lib/crc32c.h"

enum { TABLES = 3, FILES = 4, PARTITIONS = 2, PAGES = 4 };

#define STRINGS_TEXT "\0vmm\0dummy\0module\0--memory 64M"

enum { AT_VMM = 1, AT_DUMMY = 5, AT_MODULE = 11, AT_ARGS = 18 };

/* Laid out as the format asks for; what follows `files` is the bytes of three files. */
struct sample {
	struct system_header header;
	struct system_table tables[TABLES];
	struct system_file files[FILES];
	struct system_partition partitions[PARTITIONS];
	char strings[sizeof(STRINGS_TEXT)];
	uint8_t pad[SYSTEM_PAGE];
};

union page_image {
	uint8_t bytes[PAGES * SYSTEM_PAGE];
	struct sample sample;
	uint64_t align;
};

static const struct sample sample_template = {
	.header =
		{
			.version = SYSTEM_VERSION,
			.total_size = PAGES * SYSTEM_PAGE,
			.meta_size = offsetof(struct sample, pad),
			.table_count = TABLES,
		},
	.tables =
		{
			{SYSTEM_TABLE_FILES, sizeof(struct system_file),
			 offsetof(struct sample, files), FILES, 0},
			{SYSTEM_TABLE_PARTITIONS, sizeof(struct system_partition),
			 offsetof(struct sample, partitions), PARTITIONS, 0},
			{SYSTEM_TABLE_STRINGS, 1, offsetof(struct sample, strings),
			 sizeof(STRINGS_TEXT), 0},
		},
	.files =
		{
			{.name = AT_VMM, .offset = SYSTEM_PAGE, .size = 100},
			{.name = AT_DUMMY, .offset = 2 * SYSTEM_PAGE, .size = SYSTEM_PAGE},
			{.name = AT_MODULE, .offset = 3 * SYSTEM_PAGE, .size = SYSTEM_PAGE - 1},
			{.name = AT_DUMMY, .offset = 2 * SYSTEM_PAGE, .size = SYSTEM_PAGE},
		},
	.partitions =
		{
			{
				.name = "first",
				.ram_size = 64 << 20,
				.cpus = 1,
				.kind = SYSTEM_PARTITION_VMM,
				.flags = SYSTEM_PARTITION_INPUT,
				.program = 0,
				.args = AT_ARGS,
				.first_file = 1,
				.file_count = 2,
				.thread_limit = 2,
				.vcpu_limit = 1,
				.priority = 10,
			},
			{
				.name = "second",
				.ram_size = 4096,
				.cpus = 3,
				.kind = SYSTEM_PARTITION_NATIVE,
				.program = 0,
				.first_file = 2,
				.file_count = 2,
				.thread_limit = 1,
				.priority = 63,
			},
		},
	.strings = STRINGS_TEXT,
};

/* Make the checksum of the tables right again. */
static inline void seal_tables(union page_image *image)
{
	const size_t from = offsetof(struct system_header, version);
	uint64_t end = image->sample.header.meta_size;

	if (end >= from && end <= sizeof(image->bytes))
		image->sample.header.checksum = crc32c(0, image->bytes + from, end - from);
}

/* Make all checksums right again. */
static inline void seal(union page_image *image)
{
	for (unsigned i = 0; i < FILES; i++) {
		struct system_file *file = &image->sample.files[i];

		if (file->offset <= sizeof(image->bytes) &&
		    file->size <= sizeof(image->bytes) - file->offset)
			file->checksum = crc32c(0, image->bytes + file->offset, file->size);
	}
	seal_tables(image);
}

/* Write the sample over an empty image. */
static inline void sample_fill(union page_image *image)
{
	memcpy(&image->sample, &sample_template, offsetof(struct sample, pad));
	memcpy(image->sample.header.magic, SYSTEM_MAGIC, SYSTEM_MAGIC_SIZE);
	for (unsigned i = 0; i < 3; i++)
		memset(image->bytes + (i + 1) * SYSTEM_PAGE, (int)(i + 1),
		       (size_t)image->sample.files[i].size);
	seal(image);
}

#endif
