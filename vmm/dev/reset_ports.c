/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * @req VMM-061 A rising bit 0 of port 92h or bit 2 of port CF9h resets the machine.
 */
#include "vmm/dev/reset_ports.h"

/* IBM PS/2 Hardware Interface Technical Reference, "System Control Port A". */
#define PORT_A_RESET 0x01u
#define PORT_A_A20   0x02u /* kept, without effect: see i8042.c */
#define PORT_A_MASK  0x03u
/* 82371AB, 4.2.7: reset control register. */
#define RCR_SYSTEM   0x02u
#define RCR_CPU	     0x04u
#define RCR_MASK     0x06u

enum reg { REG_PORT_A, REG_RCR };

static void write(struct device *dev, uint64_t where, unsigned int size, uint64_t value)
{
	struct reset_ports *ports = (struct reset_ports *)dev;
	bool port_a = where == REG_PORT_A;
	uint8_t *reg = port_a ? &ports->port_a : &ports->control;
	uint8_t rises = (uint8_t)value & (uint8_t)~*reg;

	(void)size;
	*reg = (uint8_t)value & (port_a ? PORT_A_MASK : RCR_MASK);
	if (rises & (port_a ? PORT_A_RESET : RCR_CPU))
		command_give(&ports->reset, 0);
}

static uint64_t read(struct device *dev, uint64_t where, unsigned int size)
{
	const struct reset_ports *ports = (struct reset_ports *)dev;

	(void)size;
	return where == REG_PORT_A ? ports->port_a : ports->control;
}

static void reset(struct device *dev)
{
	struct reset_ports *ports = (struct reset_ports *)dev;

	ports->port_a = PORT_A_A20;
	ports->control = 0;
}

static const struct device_field fields[] = {
	DEVICE_FIELD(struct reset_ports, port_a),
	DEVICE_FIELD(struct reset_ports, control),
};

static const struct device_range ranges[] = {
	{.space = DEVICE_PORTS, .first = 0x92, .size = 1, .width = 1, .base = REG_PORT_A},
	{.space = DEVICE_PORTS, .first = 0xcf9, .size = 1, .width = 1, .over = 1, .base = REG_RCR},
};

static const struct device_class class = {
	.name = "reset_ports",
	.read = read,
	.write = write,
	.reset = reset,
	.ranges = ranges,
	.fields = fields,
	.range_count = sizeof(ranges) / sizeof(ranges[0]),
	.field_count = sizeof(fields) / sizeof(fields[0]),
};

void reset_ports_init(struct reset_ports *ports)
{
	*ports = (struct reset_ports){.dev = {.class = &class}};
}
