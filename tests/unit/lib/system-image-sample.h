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

enum { TABLES = 12, FILES = 4, PARTITIONS = 2, PAGES = 4 };
enum { PLANS = 2, WINDOWS = 4, CHANNELS = 2, PORTS = 5, REGIONS = 2, SHARES = 3 };
enum { DEVICES = 4, HEALTH = 3 };

#define MS UINT64_C(1000000) /* in nanoseconds */

#define STRINGS_TEXT "\0vmm\0dummy\0module\0--memory 64M"

enum { AT_VMM = 1, AT_DUMMY = 5, AT_MODULE = 11, AT_ARGS = 18 };

#define TABLE_OF(type, member, count)                                                              \
	{                                                                                          \
		type, sizeof(((struct sample *)NULL)->member[0]), offsetof(struct sample, member), \
			count, 0                                                                   \
	}

/* Laid out as the format asks for; what follows `files` is the bytes of three files. */
struct sample {
	struct system_header header;
	struct system_table tables[TABLES];
	struct system_file files[FILES];
	struct system_partition partitions[PARTITIONS];
	struct system_plan plans[PLANS];
	struct system_window windows[WINDOWS];
	struct system_channel channels[CHANNELS];
	struct system_port ports[PORTS];
	struct system_region regions[REGIONS];
	struct system_share shares[SHARES];
	struct system_device devices[DEVICES];
	struct system_health health[HEALTH];
	struct system_trace trace[1];
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
			TABLE_OF(SYSTEM_TABLE_FILES, files, FILES),
			TABLE_OF(SYSTEM_TABLE_PARTITIONS, partitions, PARTITIONS),
			TABLE_OF(SYSTEM_TABLE_STRINGS, strings, sizeof(STRINGS_TEXT)),
			TABLE_OF(SYSTEM_TABLE_PLANS, plans, PLANS),
			TABLE_OF(SYSTEM_TABLE_WINDOWS, windows, WINDOWS),
			TABLE_OF(SYSTEM_TABLE_CHANNELS, channels, CHANNELS),
			TABLE_OF(SYSTEM_TABLE_PORTS, ports, PORTS),
			TABLE_OF(SYSTEM_TABLE_REGIONS, regions, REGIONS),
			TABLE_OF(SYSTEM_TABLE_SHARES, shares, SHARES),
			TABLE_OF(SYSTEM_TABLE_DEVICES, devices, DEVICES),
			TABLE_OF(SYSTEM_TABLE_HEALTH, health, HEALTH),
			TABLE_OF(SYSTEM_TABLE_TRACE, trace, 1),
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
	.plans =
		{
			{.name = "normal", .frame = 20 * MS, .first_window = 0, .window_count = 3},
			{.name = "other", .frame = 10 * MS, .first_window = 3, .window_count = 1},
		},
	.windows =
		{
			{.offset = 0, .duration = 5 * MS, .flags = SYSTEM_WINDOW_RELEASE},
			{.offset = 5 * MS, .duration = 15 * MS, .partition = 1},
			{.offset = 0, .duration = 20 * MS, .cpu = 1, .partition = 1},
			{.offset = 1 * MS, .duration = 9 * MS},
		},
	.channels =
		{
			{.name = "state", .kind = SYSTEM_CHANNEL_SAMPLING, .max_message = 64},
			{.name = "orders", .kind = SYSTEM_CHANNEL_QUEUING, .max_message = 8192},
		},
	.ports =
		{
			{.name = "out", .direction = SYSTEM_PORT_SOURCE},
			{.name = "in",
			 .partition = 1,
			 .direction = SYSTEM_PORT_DESTINATION,
			 .refresh = MS},
			{.name = "send", .partition = 1, .channel = 1, .direction = SYSTEM_PORT_SOURCE},
			{.name = "in", .channel = 1, .direction = SYSTEM_PORT_DESTINATION, .depth = 1024},
			{.name = "loop",
			 .partition = 1,
			 .channel = 1,
			 .direction = SYSTEM_PORT_DESTINATION,
			 .depth = 1},
		},
	.regions =
		{
			{.name = "big", .size = 2 << 20},
			{.name = "small", .size = SYSTEM_PAGE},
		},
	.shares =
		{
			{.region = 0, .partition = 0, .flags = SYSTEM_SHARE_WRITE},
			{.region = 0, .partition = 1},
			{.region = 1, .partition = 1},
		},
	.devices =
		{
			{.partition = 0, .kind = SYSTEM_DEVICE_PORTS, .base = 0x2f8, .size = 8},
			{.partition = 0, .kind = SYSTEM_DEVICE_IRQ, .base = 3, .size = 1},
			{.partition = 1,
			 .kind = SYSTEM_DEVICE_MEMORY,
			 .base = 0xfeb00000,
			 .size = 2 * SYSTEM_PAGE},
			{.partition = 1, .kind = SYSTEM_DEVICE_PORTS, .base = 0xffff, .size = 1},
		},
	.health =
		{
			{.partition = 0,
			 .error = SYSTEM_ERROR_HANG,
			 .action = SYSTEM_ACTION_RESTART_COLD,
			 .argument = 3},
			{.partition = SYSTEM_NONE,
			 .error = SYSTEM_ERROR_HANG,
			 .action = SYSTEM_ACTION_SWITCH_PLAN,
			 .argument = 1},
			{.partition = 1, .error = SYSTEM_ERROR_EXIT, .action = SYSTEM_ACTION_LOG},
		},
	.trace = {{.records = 4096}},
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
