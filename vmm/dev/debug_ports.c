/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/dev/debug_ports.h"

#define FIRMWARE_LOG_PORT  0x402u
#define DEBUG_EXIT_PORT	   0xf4u
#define SHUTDOWN_PORT	   0x8900u

static void no_reset(struct device *dev)
{
	(void)dev;
}

/* --------------------------------------------------------------------------------- debug console */

static uint64_t console_read(struct device *dev, uint64_t where, unsigned int size)
{
	(void)dev;
	(void)where;
	(void)size;
	return DEBUG_CONSOLE_PORT;
}

static void console_write(struct device *dev, uint64_t where, unsigned int size, uint64_t value)
{
	(void)where;
	(void)size;
	byte_put(&((struct debug_console *)dev)->out, (uint8_t)value);
}

static const struct device_range console_ranges[] = {
	{.space = DEVICE_PORTS, .first = DEBUG_CONSOLE_PORT, .size = 1, .width = 1},
};

static const struct device_class console_class = {
	.name = "debug_console",
	.read = console_read,
	.write = console_write,
	.reset = no_reset,
	.ranges = console_ranges,
	.range_count = 1,
};

void debug_console_init(struct debug_console *console)
{
	*console = (struct debug_console){.dev = {.class = &console_class}};
}

static const struct device_range log_ranges[] = {
	{.space = DEVICE_PORTS, .first = FIRMWARE_LOG_PORT, .size = 1, .width = 1},
};

/** Read, it gives E9h, too. */
static const struct device_class log_class = {
	.name = "firmware_log",
	.read = console_read,
	.write = console_write,
	.reset = no_reset,
	.ranges = log_ranges,
	.range_count = 1,
};

void firmware_log_init(struct debug_console *log)
{
	*log = (struct debug_console){.dev = {.class = &log_class}};
}

/* ------------------------------------------------------------------------------------ debug exit */

static uint64_t exit_read(struct device *dev, uint64_t where, unsigned int size)
{
	(void)dev;
	(void)where;
	(void)size;
	return 0;
}

/** @req VMM-062 Writing v to port F4h ends the VM with status v. */
static void exit_write(struct device *dev, uint64_t where, unsigned int size, uint64_t value)
{
	(void)where;
	(void)size;
	command_give(&((struct debug_exit *)dev)->exit, (uint32_t)value);
}

/* Four ports, as wide as QEMU's isa-debug-exit: OUT of any size is one value. */
static const struct device_range exit_ranges[] = {
	{.space = DEVICE_PORTS, .first = DEBUG_EXIT_PORT, .size = 4, .width = 4},
};

static const struct device_class exit_class = {
	.name = "debug_exit",
	.read = exit_read,
	.write = exit_write,
	.reset = no_reset,
	.ranges = exit_ranges,
	.range_count = 1,
};

void debug_exit_init(struct debug_exit *exit)
{
	*exit = (struct debug_exit){.dev = {.class = &exit_class}};
}

/* ------------------------------------------------------------------------------- Bochs's shutdown */

static const char shutdown_word[] = "Shutdown";

static uint64_t shutdown_read(struct device *dev, uint64_t where, unsigned int size)
{
	(void)dev;
	(void)where;
	(void)size;
	return 0xff;
}

static void shutdown_write(struct device *dev, uint64_t where, unsigned int size, uint64_t value)
{
	struct bochs_shutdown *port = (struct bochs_shutdown *)dev;
	char c = (char)(uint8_t)value;

	(void)where;
	(void)size;
	if (c != shutdown_word[port->matched])
		port->matched = 0;
	if (c == shutdown_word[port->matched])
		port->matched++;
	if (port->matched == sizeof(shutdown_word) - 1) {
		port->matched = 0;
		command_give(&port->exit, 0);
	}
}

static void shutdown_reset(struct device *dev)
{
	((struct bochs_shutdown *)dev)->matched = 0;
}

static bool shutdown_loaded(struct device *dev)
{
	return ((struct bochs_shutdown *)dev)->matched < sizeof(shutdown_word) - 1;
}

static const struct device_field shutdown_fields[] = {
	DEVICE_FIELD(struct bochs_shutdown, matched),
};

static const struct device_range shutdown_ranges[] = {
	{.space = DEVICE_PORTS, .first = SHUTDOWN_PORT, .size = 1, .width = 1},
};

static const struct device_class shutdown_class = {
	.name = "bochs_shutdown",
	.read = shutdown_read,
	.write = shutdown_write,
	.reset = shutdown_reset,
	.loaded = shutdown_loaded,
	.ranges = shutdown_ranges,
	.fields = shutdown_fields,
	.range_count = 1,
	.field_count = 1,
};

void bochs_shutdown_init(struct bochs_shutdown *port)
{
	*port = (struct bochs_shutdown){.dev = {.class = &shutdown_class}};
}
