/* SPDX-License-Identifier: BSD-2-Clause */
/* Saving, loading and printing a device's state by its table of fields. */
#include "vmm/dev/device.h"

#include "lib/printf.h"
#include "lib/string.h"
#include "vmm/platform.h"

size_t device_state_size(const struct device *dev)
{
	size_t sum = 0;

	for (uint32_t i = 0; i < dev->class->field_count; i++)
		sum += (size_t)dev->class->fields[i].count * dev->class->fields[i].size;
	return sum;
}

/** Add `delta` to a row of moments; "never" stays never. */
static void shift_times(uint8_t *row, uint32_t count, uint64_t delta)
{
	for (uint32_t i = 0; i < count; i++) {
		uint64_t moment;
		memcpy(&moment, row + 8u * i, sizeof(moment));
		if (moment != PLATFORM_FOREVER)
			moment += delta;
		memcpy(row + 8u * i, &moment, sizeof(moment));
	}
}

void device_save(const struct device *dev, void *buffer)
{
	uint8_t *to = buffer;
	uint64_t now = platform_time();

	for (uint32_t i = 0; i < dev->class->field_count; i++) {
		const struct device_field *field = &dev->class->fields[i];
		size_t bytes = (size_t)field->count * field->size;
		memcpy(to, (const uint8_t *)dev + field->offset, bytes);
		if (field->kind == DEVICE_FIELD_TIME)
			shift_times(to, field->count, 0 - now);
		to += bytes;
	}
}

bool device_load(struct device *dev, const void *buffer, size_t size)
{
	const uint8_t *from = buffer;
	uint64_t now = platform_time();

	if (size != device_state_size(dev))
		return false;
	for (uint32_t i = 0; i < dev->class->field_count; i++) {
		const struct device_field *field = &dev->class->fields[i];
		size_t bytes = (size_t)field->count * field->size;
		uint8_t *to = (uint8_t *)dev + field->offset;
		memcpy(to, from, bytes);
		if (field->kind == DEVICE_FIELD_TIME)
			shift_times(to, field->count, now);
		from += bytes;
	}
	if (!dev->class->loaded || dev->class->loaded(dev))
		return true;
	dev->class->reset(dev);
	return false;
}

static uint64_t field_value(const uint8_t *at, unsigned int size)
{
	uint64_t value = 0;

	memcpy(&value, at, size); /* little-endian */
	return value;
}

void device_inspect(const struct device *dev, void (*put)(void *ctx, char c), void *ctx)
{
	for (uint32_t i = 0; i < dev->class->field_count; i++) {
		const struct device_field *field = &dev->class->fields[i];
		const uint8_t *at = (const uint8_t *)dev + field->offset;
		lib_fprintf(put, ctx, "%s.%s", dev->class->name, field->name);
		for (uint32_t n = 0; n < field->count; n++)
			lib_fprintf(put, ctx, " %llx",
				    (unsigned long long)field_value(at + n * field->size,
								    field->size));
		put(ctx, '\n');
	}
}
