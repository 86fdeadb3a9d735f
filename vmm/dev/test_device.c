/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/dev/test_device.h"

#include "lib/string.h"

/** `where` of the counter; below are the scratch bytes. */
#define COUNT_BASE 0x100u

static uint64_t size_mask(unsigned int size)
{
	return UINT64_MAX >> (64 - 8 * size);
}

static uint64_t read(struct device *dev, uint64_t where, unsigned int size)
{
	struct test_device *device = (struct test_device *)dev;
	uint64_t value;

	if (where >= COUNT_BASE)
		return device->accesses >> (8 * (where - COUNT_BASE)) & size_mask(size);
	device->accesses++;
	__builtin_memcpy(&value, device->scratch + where, sizeof(value));
	return value & size_mask(size);
}

static void write(struct device *dev, uint64_t where, unsigned int size, uint64_t value)
{
	struct test_device *device = (struct test_device *)dev;
	uint64_t mask = size_mask(size), old;

	if (where >= COUNT_BASE) {
		const unsigned int shift = 8 * (unsigned int)(where - COUNT_BASE);

		device->accesses &= ~(mask << shift);
		device->accesses |= (value & mask) << shift;
		return;
	}
	device->accesses++;
	__builtin_memcpy(&old, device->scratch + where, sizeof(old));
	value = (old & ~mask) | (value & mask);
	__builtin_memcpy(device->scratch + where, &value, sizeof(value));
}

static void reset(struct device *dev)
{
	struct test_device *device = (struct test_device *)dev;

	memset(device->scratch, 0, sizeof(device->scratch));
	device->accesses = 0;
}

static const struct device_field fields[] = {
	DEVICE_FIELD(struct test_device, accesses),
	DEVICE_ARRAY(struct test_device, scratch),
};

static const struct device_range ranges[] = {
	{.space = DEVICE_PORTS, .first = TEST_DEVICE_PORT, .size = 4, .width = 4},
	{.space = DEVICE_MEMORY,
	 .first = TEST_DEVICE_MEMORY,
	 .size = TEST_DEVICE_SCRATCH,
	 .width = 8},
	{.space = DEVICE_MEMORY,
	 .first = TEST_DEVICE_COUNT,
	 .size = 8,
	 .base = COUNT_BASE,
	 .width = 8},
};

static const struct device_class class = {
	.name = "test_device",
	.read = read,
	.write = write,
	.reset = reset,
	.ranges = ranges,
	.fields = fields,
	.range_count = sizeof(ranges) / sizeof(ranges[0]),
	.field_count = sizeof(fields) / sizeof(fields[0]),
};

void test_device_init(struct test_device *device)
{
	*device = (struct test_device){.dev = {.class = &class}};
}
