/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One pass collects the tables and gives every file its place, a second lays the bytes out.
 * Files with the same bytes (one guest in two partitions) are stored once.
 */
#include "tools/image.h"

#include <hypike/link.h>
#include <stdlib.h>
#include <string.h>

#include "lib/crc32c.h"
#include "lib/system_image.h"

/* A table on its way into the image. */
struct table {
	uint8_t *entries;
	uint32_t count;
};

#define TABLE_TYPES (SYSTEM_TABLE_TRACE + 1u)

struct builder {
	struct table tables[TABLE_TYPES]; /* by type; those without an entry are left out */
	const struct model_file **sources; /* of each entry of the file table */
	uint64_t data_size; /* file bytes so far, whole pages */
};

static const size_t entry_sizes[TABLE_TYPES] = {
	[SYSTEM_TABLE_STRINGS] = 1,
	[SYSTEM_TABLE_FILES] = sizeof(struct system_file),
	[SYSTEM_TABLE_PARTITIONS] = sizeof(struct system_partition),
	[SYSTEM_TABLE_PLANS] = sizeof(struct system_plan),
	[SYSTEM_TABLE_WINDOWS] = sizeof(struct system_window),
	[SYSTEM_TABLE_CHANNELS] = sizeof(struct system_channel),
	[SYSTEM_TABLE_PORTS] = sizeof(struct system_port),
	[SYSTEM_TABLE_REGIONS] = sizeof(struct system_region),
	[SYSTEM_TABLE_SHARES] = sizeof(struct system_share),
	[SYSTEM_TABLE_DEVICES] = sizeof(struct system_device),
	[SYSTEM_TABLE_HEALTH] = sizeof(struct system_health),
	[SYSTEM_TABLE_TRACE] = sizeof(struct system_trace),
};

/* @return the index of the first of the new entries. */
static uint32_t put(struct builder *builder, enum system_table_type type, const void *entries,
		    size_t count)
{
	struct table *table = &builder->tables[type];
	const size_t size = entry_sizes[type];
	const uint32_t at = table->count;

	table->entries = memory_grow(table->entries, at + count, size);
	memcpy(table->entries + at * size, entries, count * size);
	table->count = at + (uint32_t)count;
	return at;
}

static uint64_t pages_up(uint64_t size)
{
	return (size + SYSTEM_PAGE - 1) / SYSTEM_PAGE * SYSTEM_PAGE;
}

static uint32_t string_put(struct builder *builder, const char *text)
{
	return put(builder, SYSTEM_TABLE_STRINGS, text, strlen(text) + 1);
}

static struct system_file *files_of(const struct builder *builder)
{
	return (void *)builder->tables[SYSTEM_TABLE_FILES].entries;
}

static bool same_bytes(const struct bytes *a, const struct bytes *b)
{
	return a->size == b->size &&
	       (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

/* Offsets count from the first file here; image_make() adds where that lies. */
static uint64_t file_place(struct builder *builder, const struct model_file *source)
{
	uint64_t offset = builder->data_size;

	for (uint32_t i = 0; i < builder->tables[SYSTEM_TABLE_FILES].count; i++)
		if (same_bytes(&builder->sources[i]->bytes, &source->bytes))
			return files_of(builder)[i].offset;
	builder->data_size += pages_up(source->bytes.size);
	return offset;
}

static uint32_t file_put(struct builder *builder, const struct model_file *source)
{
	const uint32_t index = builder->tables[SYSTEM_TABLE_FILES].count;
	const struct system_file file = {
		.offset = file_place(builder, source),
		.name = string_put(builder, source->name),
		.checksum = crc32c(0, source->bytes.data, source->bytes.size),
		.size = source->bytes.size,
	};

	builder->sources = memory_grow(builder->sources, index + 1, sizeof(*builder->sources));
	builder->sources[index] = source;
	return put(builder, SYSTEM_TABLE_FILES, &file, 1);
}

/* ---- partitions ---- */

static void set_limits(struct system_partition *partition, const struct model_partition *source)
{
	const bool native = source->kind == SYSTEM_PARTITION_NATIVE;
	const bool link = (source->flags & SYSTEM_PARTITION_LINK) != 0;
	uint64_t threads = native ? MODEL_NATIVE_THREADS : source->vcpus + 1 + (link ? LINK_THREADS : 0);

	if (source->threads != 0)
		threads = source->threads;
	partition->thread_limit = (uint32_t)threads;
	partition->vcpu_limit = native ? 0 : (uint32_t)source->vcpus;
}

static void partition_put(struct builder *builder, const struct model_partition *source,
			  uint32_t vmm)
{
	const bool native = source->kind == SYSTEM_PARTITION_NATIVE;
	struct system_partition partition = {
		.ram_size = source->memory + source->vmm_memory,
		.kernel_size = source->kernel_memory,
		.cpus = source->cpus ? source->cpus : UINT64_MAX,
		.kind = source->kind,
		.flags = source->flags,
		.program = native ? file_put(builder, &source->own_program) : vmm,
		.file_count = (uint32_t)source->file_count,
		.priority = (uint32_t)source->priority,
		.watchdog = source->watchdog,
	};

	set_limits(&partition, source);
	memcpy(partition.name, source->name, sizeof(partition.name));
	partition.first_file = builder->tables[SYSTEM_TABLE_FILES].count;
	for (size_t i = 0; i < source->file_count; i++)
		file_put(builder, &source->files[i]);
	partition.args = string_put(builder, source->args);
	put(builder, SYSTEM_TABLE_PARTITIONS, &partition, 1);
}

static void devices_put(struct builder *builder, const struct model_partition *source,
			uint32_t index)
{
	for (size_t i = 0; i < source->device_count; i++) {
		const struct system_device device = {
			.partition = index,
			.kind = source->devices[i].kind,
			.base = source->devices[i].base,
			.size = source->devices[i].size,
		};

		put(builder, SYSTEM_TABLE_DEVICES, &device, 1);
	}
}

/* ---- time ---- */

static void plan_put(struct builder *builder, const struct model_plan *source)
{
	struct system_plan plan = {
		.frame = source->frame,
		.first_window = builder->tables[SYSTEM_TABLE_WINDOWS].count,
		.window_count = (uint32_t)source->window_count,
	};

	memcpy(plan.name, source->name, sizeof(plan.name));
	for (size_t i = 0; i < source->window_count; i++) {
		const struct model_window *window = &source->windows[i];
		const struct system_window entry = {
			.offset = window->offset,
			.duration = window->duration,
			.cpu = window->cpu,
			.partition = window->partition,
			.flags = window->release > 0 ? SYSTEM_WINDOW_RELEASE : 0,
		};

		put(builder, SYSTEM_TABLE_WINDOWS, &entry, 1);
	}
	put(builder, SYSTEM_TABLE_PLANS, &plan, 1);
}

/* ---- communication ---- */

static void port_put(struct builder *builder, const struct model_port *source, uint32_t channel,
		     uint32_t direction)
{
	struct system_port port = {
		.partition = source->partition,
		.channel = channel,
		.direction = direction,
		.depth = (uint32_t)source->depth,
		.refresh = source->refresh,
	};

	memcpy(port.name, source->name, strlen(source->name));
	put(builder, SYSTEM_TABLE_PORTS, &port, 1);
}

static void channel_put(struct builder *builder, const struct model_channel *source)
{
	struct system_channel channel = {
		.kind = source->kind,
		.max_message = (uint32_t)source->max_message,
	};
	uint32_t index;

	memcpy(channel.name, source->name, sizeof(channel.name));
	index = put(builder, SYSTEM_TABLE_CHANNELS, &channel, 1);
	port_put(builder, &source->source, index, SYSTEM_PORT_SOURCE);
	for (size_t i = 0; i < source->destination_count; i++)
		port_put(builder, &source->destinations[i], index, SYSTEM_PORT_DESTINATION);
}

static void region_put(struct builder *builder, const struct model_region *source)
{
	struct system_region region = {.size = source->size};
	uint32_t index;

	memcpy(region.name, source->name, sizeof(region.name));
	index = put(builder, SYSTEM_TABLE_REGIONS, &region, 1);
	for (size_t i = 0; i < source->share_count; i++) {
		const struct system_share share = {
			.region = index,
			.partition = source->shares[i].partition,
			.flags = source->shares[i].flags,
		};

		put(builder, SYSTEM_TABLE_SHARES, &share, 1);
	}
}

/* ---- health and trace ---- */

static void health_put(struct builder *builder, const struct model_health_table *table,
		       uint32_t partition)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct model_health *source = &table->entries[i];
		const struct system_health entry = {
			.partition = partition,
			.error = source->error,
			.action = source->action,
			.argument = source->action == SYSTEM_ACTION_SWITCH_PLAN
					    ? source->plan
					    : (uint32_t)source->limit,
		};

		put(builder, SYSTEM_TABLE_HEALTH, &entry, 1);
	}
}

static bool has_error(const struct model_health_table *table, uint32_t error)
{
	for (size_t i = 0; i < table->count; i++)
		if (table->entries[i].error == error)
			return true;
	return false;
}

/* `restart`: for each fault that stops a partition, where it has no entry of its own. */
static void restart_put(struct builder *builder, const struct model_partition *source,
			uint32_t partition)
{
	static const uint32_t faults[] = {
		SYSTEM_ERROR_NUMERIC,	       SYSTEM_ERROR_ILLEGAL_REQUEST,
		SYSTEM_ERROR_STACK_OVERFLOW,   SYSTEM_ERROR_MEMORY_VIOLATION,
		SYSTEM_ERROR_HARDWARE_FAULT,   SYSTEM_ERROR_INSTRUCTION,
		SYSTEM_ERROR_GUEST_FAULT,      SYSTEM_ERROR_VMM_FAULT,
		SYSTEM_ERROR_HANG,
	};

	for (size_t i = 0; source->restart != 0 && i < sizeof(faults) / sizeof(faults[0]); i++) {
		const struct system_health entry = {
			.partition = partition,
			.error = faults[i],
			.action = source->restart,
			.argument = (uint32_t)source->restart_limit,
		};

		if (!has_error(&source->health, faults[i]))
			put(builder, SYSTEM_TABLE_HEALTH, &entry, 1);
	}
}

/* ---- the whole ---- */

static void partitions_put(struct builder *builder, const struct model *model)
{
	uint32_t vmm = 0;

	if (model->vmm.name != NULL)
		vmm = file_put(builder, &model->vmm);
	for (size_t i = 0; i < model->partition_count; i++) {
		const struct model_partition *partition = &model->partitions[i];

		partition_put(builder, partition, vmm);
		devices_put(builder, partition, (uint32_t)i);
		health_put(builder, &partition->health, (uint32_t)i);
		restart_put(builder, partition, (uint32_t)i);
	}
}

static void model_put(struct builder *builder, const struct model *model)
{
	const struct system_trace trace = {.records = (uint32_t)model->trace_records};

	string_put(builder, "");
	partitions_put(builder, model);
	for (size_t i = 0; i < model->plan_count; i++)
		plan_put(builder, &model->plans[i]);
	for (size_t i = 0; i < model->channel_count; i++)
		channel_put(builder, &model->channels[i]);
	for (size_t i = 0; i < model->region_count; i++)
		region_put(builder, &model->regions[i]);
	health_put(builder, &model->health, SYSTEM_NONE);
	if (trace.records != 0)
		put(builder, SYSTEM_TABLE_TRACE, &trace, 1);
}

/* ---- layout ---- */

struct layout {
	struct system_header header;
	struct system_table tables[TABLE_TYPES];
};

static uint64_t table_place(struct layout *layout, uint32_t type, uint32_t count, uint64_t offset)
{
	layout->tables[layout->header.table_count++] = (struct system_table){
		.type = type,
		.entry_size = (uint32_t)entry_sizes[type],
		.offset = offset,
		.count = count,
	};
	return (offset + entry_sizes[type] * count + 7) / 8 * 8;
}

static uint64_t directory_size(const struct builder *builder)
{
	uint64_t size = sizeof(struct system_header);

	for (uint32_t type = 0; type < TABLE_TYPES; type++)
		if (builder->tables[type].count != 0)
			size += sizeof(struct system_table);
	return size;
}

static struct layout layout_make(const struct builder *builder)
{
	struct layout layout = {.header.version = SYSTEM_VERSION};
	uint64_t at = directory_size(builder);

	memcpy(layout.header.magic, SYSTEM_MAGIC, SYSTEM_MAGIC_SIZE);
	for (uint32_t type = 0; type < TABLE_TYPES; type++)
		if (builder->tables[type].count != 0)
			at = table_place(&layout, type, builder->tables[type].count, at);
	layout.header.meta_size = at;
	layout.header.total_size = pages_up(at) + builder->data_size;
	return layout;
}

static void copy_files(struct bytes *image, const struct builder *builder, uint64_t first)
{
	struct system_file *files = files_of(builder);

	for (uint32_t i = 0; i < builder->tables[SYSTEM_TABLE_FILES].count; i++) {
		files[i].offset += first;
		if (files[i].size != 0)
			memcpy(image->data + files[i].offset, builder->sources[i]->bytes.data,
			       files[i].size);
	}
}

static void copy_tables(struct bytes *image, const struct builder *builder,
			const struct layout *layout)
{
	for (uint32_t i = 0; i < layout->header.table_count; i++) {
		const struct system_table *table = &layout->tables[i];

		memcpy(image->data + table->offset, builder->tables[table->type].entries,
		       (size_t)table->count * table->entry_size);
	}
}

static void image_fill(struct bytes *image, const struct builder *builder, struct layout *layout)
{
	const size_t covered = offsetof(struct system_header, version);

	image->size = (size_t)layout->header.total_size;
	image->data = memory_new(image->size);
	copy_files(image, builder, pages_up(layout->header.meta_size));
	memcpy(image->data, layout, directory_size(builder));
	copy_tables(image, builder, layout);
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

	model_put(&builder, model);
	layout = layout_make(&builder);
	image_fill(image, &builder, &layout);
	for (uint32_t type = 0; type < TABLE_TYPES; type++)
		free(builder.tables[type].entries);
	free(builder.sources);
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
	for (uint32_t i = 0; i < opened.region_count; i++)
		total += opened.regions[i].size;
	return total;
}
