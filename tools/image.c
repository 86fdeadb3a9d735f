/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One pass collects the tables and gives every file its place, a second lays the bytes out.
 * Files with the same bytes (one guest in two partitions) are stored once.
 */
#include "tools/image.h"

#include <stdlib.h>
#include <string.h>

#include "lib/crc32c.h"
#include "lib/system_image.h"

struct builder {
	char *strings;
	size_t strings_size;
	struct system_file *files;
	const struct model_file **sources; /* of each entry of `files` */
	uint32_t file_count;
	struct system_partition *partitions;
	uint32_t partition_count;
	uint64_t data_size; /* file bytes so far, whole pages */
};

static uint64_t pages_up(uint64_t size)
{
	return (size + SYSTEM_PAGE - 1) / SYSTEM_PAGE * SYSTEM_PAGE;
}

static uint32_t string_put(struct builder *builder, const char *text)
{
	const size_t at = builder->strings_size;
	const size_t size = strlen(text) + 1;

	builder->strings = memory_grow(builder->strings, at + size, 1);
	memcpy(builder->strings + at, text, size);
	builder->strings_size = at + size;
	return (uint32_t)at;
}

static bool same_bytes(const struct bytes *a, const struct bytes *b)
{
	return a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
}

/* Offsets count from the first file here; image_make() adds where that lies. */
static uint64_t file_place(struct builder *builder, const struct model_file *source)
{
	uint64_t offset = builder->data_size;

	for (uint32_t i = 0; i < builder->file_count; i++)
		if (same_bytes(&builder->sources[i]->bytes, &source->bytes))
			return builder->files[i].offset;
	builder->data_size += pages_up(source->bytes.size);
	return offset;
}

static uint32_t file_put(struct builder *builder, const struct model_file *source)
{
	const uint32_t index = builder->file_count;
	const uint64_t offset = file_place(builder, source);

	builder->files = memory_grow(builder->files, index + 1, sizeof(*builder->files));
	builder->sources = memory_grow(builder->sources, index + 1, sizeof(*builder->sources));
	builder->sources[index] = source;
	builder->files[index] = (struct system_file){
		.name = string_put(builder, source->name),
		.checksum = crc32c(0, source->bytes.data, source->bytes.size),
		.offset = offset,
		.size = source->bytes.size,
	};
	builder->file_count++;
	return index;
}

static void partition_put(struct builder *builder, const struct model_partition *source,
			  uint32_t program)
{
	const uint32_t first_file = builder->file_count;
	struct system_partition partition = {
		.ram_size = source->memory,
		.cpus = source->cpus ? source->cpus : UINT64_MAX,
		.kind = SYSTEM_PARTITION_VMM,
		.flags = source->flags,
		.program = program,
		.first_file = first_file,
		.file_count = (uint32_t)source->file_count,
		.thread_limit = source->vcpus + 1,
		.vcpu_limit = source->vcpus,
		.priority = source->priority,
	};

	memcpy(partition.name, source->name, sizeof(partition.name));
	for (size_t i = 0; i < source->file_count; i++)
		file_put(builder, &source->files[i]);
	partition.args = string_put(builder, source->args);
	builder->partitions = memory_grow(builder->partitions, builder->partition_count + 1,
					  sizeof(*builder->partitions));
	builder->partitions[builder->partition_count++] = partition;
}

/* ---- layout ---- */

enum { TABLES = 3 };

struct layout {
	struct system_header header;
	struct system_table tables[TABLES];
};

static uint64_t table_place(struct system_table *table, uint32_t type, size_t entry_size,
			    size_t count, uint64_t offset)
{
	*table = (struct system_table){
		.type = type,
		.entry_size = (uint32_t)entry_size,
		.offset = offset,
		.count = (uint32_t)count,
	};
	return (offset + entry_size * count + 7) / 8 * 8;
}

static struct layout layout_make(const struct builder *builder)
{
	struct layout layout = {.header.version = SYSTEM_VERSION, .header.table_count = TABLES};
	uint64_t at = sizeof(layout);

	memcpy(layout.header.magic, SYSTEM_MAGIC, SYSTEM_MAGIC_SIZE);
	at = table_place(&layout.tables[0], SYSTEM_TABLE_PARTITIONS,
			 sizeof(struct system_partition), builder->partition_count, at);
	at = table_place(&layout.tables[1], SYSTEM_TABLE_FILES, sizeof(struct system_file),
			 builder->file_count, at);
	at = table_place(&layout.tables[2], SYSTEM_TABLE_STRINGS, 1, builder->strings_size, at);
	layout.header.meta_size = at;
	layout.header.total_size = pages_up(at) + builder->data_size;
	return layout;
}

static void table_copy(struct bytes *image, const struct system_table *table, const void *entries)
{
	memcpy(image->data + table->offset, entries, (size_t)table->count * table->entry_size);
}

static void image_fill(struct bytes *image, const struct builder *builder, struct layout *layout)
{
	const size_t covered = offsetof(struct system_header, version);

	image->size = (size_t)layout->header.total_size;
	image->data = memory_new(image->size);
	for (uint32_t i = 0; i < builder->file_count; i++) {
		builder->files[i].offset += pages_up(layout->header.meta_size);
		if (builder->files[i].size != 0)
			memcpy(image->data + builder->files[i].offset,
			       builder->sources[i]->bytes.data, builder->files[i].size);
	}
	memcpy(image->data, layout, sizeof(*layout));
	table_copy(image, &layout->tables[0], builder->partitions);
	table_copy(image, &layout->tables[1], builder->files);
	table_copy(image, &layout->tables[2], builder->strings);
	layout->header.checksum =
		crc32c(0, image->data + covered, layout->header.meta_size - covered);
	memcpy(image->data, &layout->header, sizeof(layout->header));
}

bool image_check(const char *path, const struct bytes *image)
{
	struct system_image opened;
	struct system_image_error error;

	return system_image_open(image->data, image->size, &opened, &error) ||
	       report("%s: %s[%u]: %s", path, error.table, error.entry, error.reason);
}

bool image_make(const struct model *model, struct bytes *image)
{
	struct builder builder = {0};
	struct layout layout;
	uint32_t program;

	string_put(&builder, "");
	program = file_put(&builder, &model->vmm);
	for (size_t i = 0; i < model->partition_count; i++)
		partition_put(&builder, &model->partitions[i], program);
	layout = layout_make(&builder);
	image_fill(image, &builder, &layout);
	free(builder.strings);
	free(builder.files);
	free(builder.sources);
	free(builder.partitions);
	return image_check("system image", image);
}

uint64_t image_memory(const struct bytes *image)
{
	struct system_image opened;
	struct system_image_error error;
	uint64_t total = 0;

	if (!system_image_open(image->data, image->size, &opened, &error))
		return 0;
	for (uint32_t i = 0; i < opened.partition_count; i++)
		total += opened.partitions[i].ram_size + opened.partitions[i].kernel_size;
	return total;
}
