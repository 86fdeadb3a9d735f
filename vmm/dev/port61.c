/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * @req VMM-021 Port 61h gates PIT channel 2 with bit 0, shows its output in bit 5, and toggles bit 4
 *              with the memory refresh, every 15.085 us.
 */
#include "vmm/dev/port61.h"

#include "vmm/platform.h"

/* 82371AB, 4.2.4. */
#define NMISC_GATE2    0x01u
#define NMISC_WRITABLE 0x0fu
#define NMISC_REFRESH  0x10u
#define NMISC_OUT2     0x20u

/** PIT channel 1 counts 18 ticks of 1.193182 MHz. */
#define REFRESH_NS 15085u

static uint64_t read(struct device *dev, uint64_t where, unsigned int size)
{
	struct port61 *port = (struct port61 *)dev;
	uint8_t value = port->control;

	(void)where;
	(void)size;
	if (platform_time() / REFRESH_NS & 1)
		value |= NMISC_REFRESH;
	if (probe_get(&port->out2))
		value |= NMISC_OUT2;
	return value;
}

static void write(struct device *dev, uint64_t where, unsigned int size, uint64_t value)
{
	struct port61 *port = (struct port61 *)dev;

	(void)where;
	(void)size;
	port->control = value & NMISC_WRITABLE;
	wire_set(&port->gate2, port->control & NMISC_GATE2);
}

static void reset(struct device *dev)
{
	write(dev, 0, 1, 0);
}

static bool loaded(struct device *dev)
{
	write(dev, 0, 1, ((struct port61 *)dev)->control);
	return true;
}

static const struct device_field fields[] = {DEVICE_FIELD(struct port61, control)};

static const struct device_range ranges[] = {
	{.space = DEVICE_PORTS, .first = 0x61, .size = 1, .width = 1},
};

static const struct device_class class = {
	.name = "port61",
	.read = read,
	.write = write,
	.reset = reset,
	.loaded = loaded,
	.ranges = ranges,
	.fields = fields,
	.range_count = 1,
	.field_count = 1,
};

void port61_init(struct port61 *port)
{
	*port = (struct port61){.dev = {.class = &class}};
}
