/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The order matters: each step trusts only what the steps before it have checked. Checksums come
 * first because a damaged image is better named as such than by what the damage happens to look
 * like; but they are no defence, so every other check assumes that they were forged.
 */
#include "lib/system_image.h"

#include <hypike/types.h>

#include "lib/crc32c.h"
#include "lib/system_check.h"

static bool refuse(struct system_check *check, const char *table, uint32_t entry, const char *reason)
{
	return system_check_refuse(check, table, entry, reason);
}

static bool same_string(const char *a, const char *b)
{
	for (; *a == *b; a++, b++)
		if (*a == '\0')
			return true;
	return false;
}

/* ---- header ---- */

static const struct system_header *header_of(const struct system_check *check)
{
	return (const struct system_header *)(const void *)check->image.base;
}

static bool magic_matches(const struct system_header *header)
{
	static const char magic[] = SYSTEM_MAGIC;

	for (unsigned i = 0; i < SYSTEM_MAGIC_SIZE; i++)
		if (header->magic[i] != (uint8_t)magic[i])
			return false;
	return true;
}

static bool check_header(struct system_check *check, uint64_t available)
{
	const struct system_header *header = header_of(check);
	const size_t covered = offsetof(struct system_header, version);

	if ((uintptr_t)header % 8 != 0)
		return refuse(check, "header", 0, "the image is not aligned to 8 bytes");
	if (available < sizeof(*header))
		return refuse(check, "header", 0, "the image is shorter than its header");
	if (!magic_matches(header))
		return refuse(check, "header", 0, "this is not a system image (wrong magic)");
	if (header->version != SYSTEM_VERSION)
		return refuse(check, "header", 0, "unknown version");
	if (header->total_size > available)
		return refuse(check, "header", 0, "the image is truncated");
	if (header->total_size % SYSTEM_PAGE != 0)
		return refuse(check, "header", 0, "the total size is not whole pages");
	if (header->meta_size > header->total_size || header->meta_size < sizeof(*header))
		return refuse(check, "header", 0, "the tables do not fit in the image");
	if (crc32c(0, check->image.base + covered, header->meta_size - covered) !=
	    header->checksum)
		return refuse(check, "header", 0, "the checksum of the tables is wrong");
	if (header->reserved != 0)
		return refuse(check, "header", 0, "a reserved field is not zero");
	check->image.size = header->total_size;
	return true;
}

/* ---- directory ---- */

struct table_type {
	uint32_t type;
	uint32_t entry_size;
	uint32_t min;
	uint32_t max;
};

static const struct table_type table_types[] = {
	{SYSTEM_TABLE_STRINGS, 1, 1, SYSTEM_MAX_STRINGS},
	{SYSTEM_TABLE_FILES, sizeof(struct system_file), 1, SYSTEM_MAX_FILE},
	{SYSTEM_TABLE_PARTITIONS, sizeof(struct system_partition), 1, SYSTEM_MAX_PARTITION},
	{SYSTEM_TABLE_PLANS, sizeof(struct system_plan), 1, SYSTEM_MAX_PLAN},
	{SYSTEM_TABLE_WINDOWS, sizeof(struct system_window), 1, SYSTEM_MAX_WINDOW},
	{SYSTEM_TABLE_CHANNELS, sizeof(struct system_channel), 1, SYSTEM_MAX_CHANNEL},
	{SYSTEM_TABLE_PORTS, sizeof(struct system_port), 1, SYSTEM_MAX_PORT},
	{SYSTEM_TABLE_REGIONS, sizeof(struct system_region), 1, SYSTEM_MAX_REGION},
	{SYSTEM_TABLE_SHARES, sizeof(struct system_share), 1, SYSTEM_MAX_SHARE},
	{SYSTEM_TABLE_DEVICES, sizeof(struct system_device), 1, SYSTEM_MAX_DEVICE},
	{SYSTEM_TABLE_HEALTH, sizeof(struct system_health), 1, SYSTEM_MAX_HEALTH},
	{SYSTEM_TABLE_TRACE, sizeof(struct system_trace), 1, 1},
};
#define TABLE_TYPES (sizeof(table_types) / sizeof(table_types[0]))

static const struct table_type *table_type_find(uint32_t type)
{
	for (size_t i = 0; i < TABLE_TYPES; i++)
		if (table_types[i].type == type)
			return &table_types[i];
	return NULL;
}

static const struct system_table *directory_of(const struct system_check *check)
{
	return (const struct system_table *)(const void *)(check->image.base +
							   sizeof(struct system_header));
}

static uint64_t directory_end(const struct system_check *check)
{
	return sizeof(struct system_header) +
	       (uint64_t)header_of(check)->table_count * sizeof(struct system_table);
}

static uint64_t table_size(const struct system_table *table)
{
	return (uint64_t)table->count * table->entry_size;
}

static bool tables_overlap(const struct system_table *a, const struct system_table *b)
{
	return a->offset < b->offset + table_size(b) && b->offset < a->offset + table_size(a);
}

static bool check_table(struct system_check *check, uint32_t index)
{
	const struct system_table *table = &directory_of(check)[index];
	const struct table_type *type = table_type_find(table->type);

	if (type == NULL)
		return refuse(check, "directory", index, "unknown type of table");
	if (table->entry_size != type->entry_size)
		return refuse(check, "directory", index, "wrong size of an entry");
	if (table->reserved != 0)
		return refuse(check, "directory", index, "a reserved field is not zero");
	if (table->count < type->min || table->count > type->max)
		return refuse(check, "directory", index, "too few or too many entries");
	if (table->offset % 8 != 0)
		return refuse(check, "directory", index, "the table is not aligned to 8 bytes");
	if (table->offset < directory_end(check) ||
	    !hv_range_ok(table->offset, table_size(table), header_of(check)->meta_size))
		return refuse(check, "directory", index, "the table lies outside the image");
	for (uint32_t other = 0; other < index; other++) {
		if (directory_of(check)[other].type == table->type)
			return refuse(check, "directory", index, "a second table of this type");
		if (tables_overlap(&directory_of(check)[other], table))
			return refuse(check, "directory", index, "the table overlaps another");
	}
	return true;
}

static const void *table_take(const struct system_check *check, uint32_t type, uint32_t *count)
{
	for (uint32_t i = 0; i < header_of(check)->table_count; i++)
		if (directory_of(check)[i].type == type) {
			*count = directory_of(check)[i].count;
			return check->image.base + directory_of(check)[i].offset;
		}
	return NULL;
}

static void take_optional(struct system_check *check)
{
	struct system_image *image = &check->image;

	image->plans = table_take(check, SYSTEM_TABLE_PLANS, &image->plan_count);
	image->windows = table_take(check, SYSTEM_TABLE_WINDOWS, &image->window_count);
	image->channels = table_take(check, SYSTEM_TABLE_CHANNELS, &image->channel_count);
	image->ports = table_take(check, SYSTEM_TABLE_PORTS, &image->port_count);
	image->regions = table_take(check, SYSTEM_TABLE_REGIONS, &image->region_count);
	image->shares = table_take(check, SYSTEM_TABLE_SHARES, &image->share_count);
	image->devices = table_take(check, SYSTEM_TABLE_DEVICES, &image->device_count);
	image->health = table_take(check, SYSTEM_TABLE_HEALTH, &image->health_count);
	image->trace = table_take(check, SYSTEM_TABLE_TRACE, &image->trace_count);
}

static bool check_directory(struct system_check *check)
{
	struct system_image *image = &check->image;

	/* No type appears twice, so this also bounds the loops. */
	if (header_of(check)->table_count > TABLE_TYPES)
		return refuse(check, "header", 0, "more tables than there are types");
	if (directory_end(check) > header_of(check)->meta_size)
		return refuse(check, "header", 0, "the directory does not fit in the image");
	for (uint32_t i = 0; i < header_of(check)->table_count; i++)
		if (!check_table(check, i))
			return false;
	image->strings = table_take(check, SYSTEM_TABLE_STRINGS, &image->strings_size);
	image->files = table_take(check, SYSTEM_TABLE_FILES, &image->file_count);
	image->partitions = table_take(check, SYSTEM_TABLE_PARTITIONS, &image->partition_count);
	if (image->strings == NULL || image->files == NULL || image->partitions == NULL)
		return refuse(check, "header", 0, "strings, files or partitions are missing");
	take_optional(check);
	return true;
}

/* ---- strings ---- */

static bool check_strings(struct system_check *check)
{
	const struct system_image *image = &check->image;

	if (image->strings[0] != '\0')
		return refuse(check, "strings", 0, "the first string is not empty");
	if (image->strings[image->strings_size - 1] != '\0')
		return refuse(check, "strings", image->strings_size - 1,
			      "the last string does not end");
	return true;
}

/* ---- files ---- */

static uint64_t file_span(const struct system_file *file)
{
	return (file->size + SYSTEM_PAGE - 1) / SYSTEM_PAGE * SYSTEM_PAGE;
}

static bool files_clash(const struct system_file *a, const struct system_file *b)
{
	if (a->offset == b->offset && a->size == b->size)
		return false;
	return a->offset < b->offset + file_span(b) && b->offset < a->offset + file_span(a);
}

static bool padding_is_zero(const struct system_image *image, const struct system_file *file)
{
	const uint8_t *bytes = image->base + file->offset;

	for (uint64_t i = file->size; i < file_span(file); i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

static bool check_file_place(struct system_check *check, uint32_t index)
{
	const struct system_image *image = &check->image;
	const struct system_file *file = &image->files[index];

	if (file->name >= image->strings_size || image->strings[file->name] == '\0')
		return refuse(check, "files", index, "the name is missing");
	if (file->offset % SYSTEM_PAGE != 0)
		return refuse(check, "files", index, "the bytes do not start on a page");
	/* A multiple of the page size in all three: rounding the size up cannot leave the image. */
	if (file->offset < header_of(check)->meta_size ||
	    !hv_range_ok(file->offset, file->size, image->size))
		return refuse(check, "files", index, "the bytes lie outside the image");
	for (uint32_t other = 0; other < index; other++)
		if (files_clash(&image->files[other], file))
			return refuse(check, "files", index, "the bytes overlap another file's");
	return true;
}

static bool same_bytes_before(const struct system_image *image, uint32_t index)
{
	for (uint32_t other = 0; other < index; other++)
		if (image->files[other].offset == image->files[index].offset &&
		    image->files[other].size == image->files[index].size &&
		    image->files[other].checksum == image->files[index].checksum)
			return true;
	return false;
}

static bool check_file_bytes(struct system_check *check, uint32_t index)
{
	const struct system_image *image = &check->image;
	const struct system_file *file = &image->files[index];

	if (same_bytes_before(image, index))
		return true;
	if (crc32c(0, image->base + file->offset, file->size) != file->checksum)
		return refuse(check, "files", index, "the checksum of the bytes is wrong");
	if (!padding_is_zero(image, file))
		return refuse(check, "files", index, "the padding after the bytes is not zero");
	return true;
}

static bool check_files(struct system_check *check)
{
	for (uint32_t i = 0; i < check->image.file_count; i++)
		if (!check_file_place(check, i))
			return false;
	for (uint32_t i = 0; i < check->image.file_count; i++)
		if (!check_file_bytes(check, i))
			return false;
	return true;
}

/* ---- partitions ---- */

static bool file_names_unique(const struct system_image *image, const struct system_partition *p)
{
	const struct system_file *file = &image->files[p->first_file];

	for (uint32_t a = 1; a < p->file_count; a++)
		for (uint32_t b = 0; b < a; b++)
			if (same_string(image->strings + file[a].name,
					image->strings + file[b].name))
				return false;
	return true;
}

static bool check_partition_files(struct system_check *check, uint32_t index)
{
	const struct system_image *image = &check->image;
	const struct system_partition *partition = &image->partitions[index];

	if (partition->program >= image->file_count)
		return refuse(check, "partitions", index, "the program is no file of the image");
	if (partition->args >= image->strings_size)
		return refuse(check, "partitions", index, "the argument string is missing");
	if (!hv_range_ok(partition->first_file, partition->file_count, image->file_count))
		return refuse(check, "partitions", index, "the files are no files of the image");
	if (!file_names_unique(image, partition))
		return refuse(check, "partitions", index, "two of the files have one name");
	return true;
}

static bool check_partition_limits(struct system_check *check, uint32_t index)
{
	const struct system_partition *partition = &check->image.partitions[index];

	if (partition->kind != SYSTEM_PARTITION_VMM && partition->kind != SYSTEM_PARTITION_NATIVE)
		return refuse(check, "partitions", index, "unknown kind of partition");
	if ((partition->flags & ~SYSTEM_PARTITION_FLAGS) != 0)
		return refuse(check, "partitions", index, "unknown flags");
	if (partition->reserved != 0)
		return refuse(check, "partitions", index, "a reserved field is not zero");
	if (partition->cpus == 0)
		return refuse(check, "partitions", index, "no CPU to run on");
	if (partition->ram_size % SYSTEM_PAGE != 0 || partition->kernel_size % SYSTEM_PAGE != 0)
		return refuse(check, "partitions", index, "a memory size is not whole pages");
	if (partition->thread_limit == 0 || partition->thread_limit > SYSTEM_MAX_THREAD)
		return refuse(check, "partitions", index, "the thread limit is out of range");
	if (partition->vcpu_limit >= partition->thread_limit)
		return refuse(check, "partitions", index,
			      "the vCPU limit leaves no thread for the program");
	if (partition->vcpu_limit != 0 && partition->kind != SYSTEM_PARTITION_VMM)
		return refuse(check, "partitions", index, "only a VMM may have vCPUs");
	if (partition->priority > SYSTEM_MAX_PRIORITY)
		return refuse(check, "partitions", index, "the priority is out of range");
	return true;
}

static bool check_partition_against(struct system_check *check, uint32_t index, uint32_t other)
{
	const struct system_partition *a = &check->image.partitions[other];
	const struct system_partition *b = &check->image.partitions[index];

	if (same_string(a->name, b->name))
		return refuse(check, "partitions", index, "the name is used twice");
	if (a->console == b->console && (a->flags & b->flags & SYSTEM_PARTITION_INPUT) != 0)
		return refuse(check, "partitions", index,
			      "another partition has the keys of this console");
	return true;
}

static bool check_partitions(struct system_check *check)
{
	for (uint32_t i = 0; i < check->image.partition_count; i++) {
		if (!system_check_name(check->image.partitions[i].name))
			return refuse(check, "partitions", i, "the name is malformed");
		if (!check_partition_files(check, i) || !check_partition_limits(check, i))
			return false;
		for (uint32_t other = 0; other < i; other++)
			if (!check_partition_against(check, i, other))
				return false;
	}
	return true;
}

/* ---- public ---- */

bool system_image_open(const void *bytes, uint64_t size, struct system_image *image,
		       struct system_image_error *error)
{
	struct system_check check = {.image.base = bytes, .error = error};

	if (!check_header(&check, size) || !check_directory(&check) || !check_strings(&check) ||
	    !check_files(&check) || !check_partitions(&check) || !system_check_time(&check) ||
	    !system_check_communication(&check) || !system_check_devices(&check) ||
	    !system_check_health(&check))
		return false;
	*image = check.image;
	return true;
}

const char *system_image_string(const struct system_image *image, uint32_t offset)
{
	return image->strings + offset;
}

const void *system_image_data(const struct system_image *image, const struct system_file *file)
{
	return image->base + file->offset;
}

const struct system_file *system_image_find(const struct system_image *image,
					    const struct system_partition *partition,
					    const char *name)
{
	for (uint32_t i = 0; i < partition->file_count; i++) {
		const struct system_file *file = &image->files[partition->first_file + i];

		if (same_string(system_image_string(image, file->name), name))
			return file;
	}
	return NULL;
}
