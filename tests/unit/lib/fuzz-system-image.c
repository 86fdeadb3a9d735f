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
	} else if (error.reason == NULL || error.table == NULL) {
		abort();
	}
	free(bytes);
	return 0;
}
