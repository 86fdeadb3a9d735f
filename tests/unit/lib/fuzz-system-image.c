/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libFuzzer: the input is a list of changes to a well-formed system image, whose checksums are
 * then made right. What the check accepts must be usable to the last byte.
 *
 * sources: lib/crc32c.c lib/system_image.c lib/system_tables.c
 * @verifies LIB-302
 */
#include <stdlib.h>

#include "lib/system_image.h"
#include "tests/unit/lib/system-image-sample.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A change: where, how many bytes, and the bytes. */
static void apply_changes(union page_image *image, const uint8_t *data, size_t size)
{
	while (size >= 3) {
		size_t at = (data[0] | (size_t)data[1] << 8) % offsetof(struct sample, pad);
		size_t count = data[2] % 9u;

		data += 3;
		size -= 3;
		for (; count > 0 && size > 0; count--, at++, data++, size--)
			image->bytes[at] = *data;
	}
}

static uint8_t touch(const uint8_t *bytes, uint64_t size)
{
	uint8_t sum = 0;

	for (uint64_t i = 0; i < size; i++)
		sum = (uint8_t)(sum + bytes[i]);
	return sum;
}

static uint8_t use_partition(const struct system_image *image, const struct system_partition *p)
{
	uint8_t sum = touch((const uint8_t *)p->name, strlen(p->name));

	sum ^= touch(system_image_data(image, &image->files[p->program]),
		     image->files[p->program].size);
	sum ^= (uint8_t)strlen(system_image_string(image, p->args));
	for (uint32_t i = 0; i < p->file_count; i++) {
		const struct system_file *file = &image->files[p->first_file + i];
		const char *name = system_image_string(image, file->name);

		if (system_image_find(image, p, name) != file)
			abort();
		sum ^= touch(system_image_data(image, file), file->size);
	}
	return sum;
}

static void must(bool condition)
{
	if (!condition)
		abort();
}

/* Windows of each CPU follow one another and end within the frame, whatever the numbers. */
static void use_plan(const struct system_image *image, const struct system_plan *plan)
{
	uint64_t end[SYSTEM_MAX_CPU] = {0};

	for (uint32_t i = 0; i < plan->window_count; i++) {
		const struct system_window *window = &image->windows[plan->first_window + i];

		must(window->cpu < SYSTEM_MAX_CPU && window->partition < image->partition_count);
		must(window->offset >= end[window->cpu]);
		end[window->cpu] = window->offset + window->duration;
		must(end[window->cpu] > window->offset && end[window->cpu] <= plan->frame);
	}
}

static void use_tables(const struct system_image *image)
{
	for (uint32_t i = 0; i < image->plan_count; i++)
		use_plan(image, &image->plans[i]);
	for (uint32_t i = 0; i < image->port_count; i++)
		must(image->ports[i].channel < image->channel_count &&
		     image->ports[i].partition < image->partition_count &&
		     image->ports[i].depth <= SYSTEM_MAX_DEPTH);
	for (uint32_t i = 0; i < image->share_count; i++)
		must(image->shares[i].region < image->region_count &&
		     image->shares[i].partition < image->partition_count);
	for (uint32_t i = 0; i < image->device_count; i++)
		must(image->devices[i].base + image->devices[i].size > image->devices[i].base);
	for (uint32_t i = 0; i < image->health_count; i++)
		must(image->health[i].action != SYSTEM_ACTION_SWITCH_PLAN ||
		     image->health[i].argument < image->plan_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	union page_image *bytes = calloc(1, sizeof(*bytes));
	struct system_image image;
	struct system_image_error error = {0};
	volatile uint8_t sum = 0;

	sample_fill(bytes);
	apply_changes(bytes, data, size);
	seal(bytes);
	if (system_image_open(bytes, sizeof(*bytes), &image, &error)) {
		for (uint32_t i = 0; i < image.partition_count; i++)
			sum ^= use_partition(&image, &image.partitions[i]);
		use_tables(&image);
	} else if (error.reason == NULL || error.table == NULL) {
		abort();
	}
	free(bytes);
	return 0;
}
