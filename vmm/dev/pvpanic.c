/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * @req VMM-119 A guest whose kernel panics can say so (pvpanic): the machine ends with a status of its own, unless the
 *              guest goes on with a crash kernel.
 */
#include "vmm/dev/pvpanic.h"

#define EVENTS (PVPANIC_PANICKED | PVPANIC_CRASH_LOADED)

static uint64_t read(struct device *dev, uint64_t where, unsigned int size)
{
	(void)dev;
	(void)where;
	(void)size;
	return EVENTS;
}

static void write(struct device *dev, uint64_t where, unsigned int size, uint64_t value)
{
	(void)where;
	(void)size;
	if (value & EVENTS)
		command_give(&((struct pvpanic *)dev)->told, (uint32_t)value & EVENTS);
}

static void reset(struct device *dev)
{
	(void)dev;
}

static const struct device_range ranges[] = {
	{.space = DEVICE_PORTS, .first = PVPANIC_PORT, .size = 1, .width = 1},
};

static const struct device_class class = {
	.name = "pvpanic",
	.read = read,
	.write = write,
	.reset = reset,
	.ranges = ranges,
	.range_count = 1,
};

void pvpanic_init(struct pvpanic *pvpanic)
{
	*pvpanic = (struct pvpanic){.dev = {.class = &class}};
}
