/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IBM PC/AT Technical Reference (1984), "Keyboard Controller". The A20 gate is kept as a bit but has
 * no effect: address line 20 is always there, as on today's machines.
 *
 * @req VMM-060 The keyboard controller answers its self-tests, keeps its command byte, identifies a
 *              keyboard, and resets the machine when its output 0 is pulsed or cleared.
 */
#include "vmm/dev/i8042.h"

#define STATUS_OUTPUT_FULL 0x01u
#define STATUS_SYSTEM	   0x04u /* self-test passed */
#define STATUS_COMMAND	   0x08u /* the last write was to 64h */
#define STATUS_UNLOCKED	   0x10u

#define CONFIG_IRQ1	0x01u
#define CONFIG_SYSTEM	0x04u
#define CONFIG_KEY_OFF	0x10u
#define CONFIG_AUX_OFF	0x20u
#define CONFIG_TRANSLATE 0x40u

#define OUTPUT_RUN 0x01u /* low: reset */
#define OUTPUT_A20 0x02u
#define OUTPUT_KEY_CLOCK 0xc0u

#define INPUT_UNLOCKED 0x80u

enum kbc_command {
	CMD_READ_CONFIG = 0x20,
	CMD_WRITE_CONFIG = 0x60,
	CMD_AUX_OFF = 0xa7,
	CMD_AUX_ON = 0xa8,
	CMD_AUX_TEST = 0xa9,
	CMD_SELF_TEST = 0xaa,
	CMD_KEY_TEST = 0xab,
	CMD_KEY_OFF = 0xad,
	CMD_KEY_ON = 0xae,
	CMD_READ_INPUT = 0xc0,
	CMD_READ_OUTPUT = 0xd0,
	CMD_WRITE_OUTPUT = 0xd1,
	CMD_WRITE_KEY_BUFFER = 0xd2,
	CMD_WRITE_AUX = 0xd4,
	CMD_PULSE = 0xf0, /* to FFh: pulse the outputs whose bits are 0 */
};

enum key_command {
	KEY_LEDS = 0xed,
	KEY_ECHO = 0xee,
	KEY_SCAN_SET = 0xf0,
	KEY_IDENTIFY = 0xf2,
	KEY_RATE = 0xf3,
	KEY_ENABLE = 0xf4,
	KEY_DISABLE = 0xf5,
	KEY_DEFAULTS = 0xf6,
	KEY_RESET = 0xff,
};

#define KEY_ACK	     0xfau
#define KEY_RESEND   0xfeu
#define KEY_PASSED   0xaau
#define SELF_TEST_OK 0x55u
#define TEST_OK	     0x00u
#define TEST_STUCK   0x01u

static void update(struct i8042 *kbc)
{
	wire_set(&kbc->irq, kbc->count > 0 && (kbc->config & CONFIG_IRQ1));
}

static void put(struct i8042 *kbc, uint8_t byte)
{
	if (kbc->count < I8042_QUEUE) {
		kbc->queue[(kbc->head + kbc->count) % I8042_QUEUE] = byte;
		kbc->count++;
	}
	update(kbc);
}

/** The next byte is a new interrupt. */
static uint8_t get(struct i8042 *kbc)
{
	uint8_t byte = kbc->queue[kbc->head];

	if (kbc->count == 0)
		return byte; /* the output register keeps its last byte */
	kbc->count--;
	if (kbc->count > 0)
		kbc->head = (uint8_t)((kbc->head + 1u) % I8042_QUEUE);
	wire_set(&kbc->irq, false);
	update(kbc);
	return byte;
}

static void write_output_port(struct i8042 *kbc, uint8_t value)
{
	kbc->output_port = value;
	if (!(value & OUTPUT_RUN))
		command_give(&kbc->reset, 0);
}

/** Commands that are answered with one fixed or stored byte. */
static bool answer(struct i8042 *kbc, uint8_t command)
{
	switch (command) {
	case CMD_READ_CONFIG:
		put(kbc, kbc->config);
		return true;
	case CMD_AUX_TEST: /* no mouse */
		put(kbc, TEST_STUCK);
		return true;
	case CMD_SELF_TEST:
		kbc->config |= CONFIG_SYSTEM;
		put(kbc, SELF_TEST_OK);
		return true;
	case CMD_KEY_TEST:
		put(kbc, TEST_OK);
		return true;
	case CMD_READ_INPUT:
		put(kbc, INPUT_UNLOCKED);
		return true;
	case CMD_READ_OUTPUT:
		put(kbc, kbc->output_port);
		return true;
	default:
		return false;
	}
}

static void write_command(struct i8042 *kbc, uint8_t command)
{
	kbc->last_was_command = 1;
	kbc->command = 0;
	if (answer(kbc, command))
		return;
	if (command >= CMD_PULSE) {
		if (!(command & OUTPUT_RUN))
			command_give(&kbc->reset, 0);
		return;
	}
	switch (command) {
	case CMD_AUX_OFF:
		kbc->config |= CONFIG_AUX_OFF;
		break;
	case CMD_AUX_ON:
		kbc->config &= (uint8_t)~CONFIG_AUX_OFF;
		break;
	case CMD_KEY_OFF:
		kbc->config |= CONFIG_KEY_OFF;
		break;
	case CMD_KEY_ON:
		kbc->config &= (uint8_t)~CONFIG_KEY_OFF;
		break;
	case CMD_WRITE_CONFIG:
	case CMD_WRITE_OUTPUT:
	case CMD_WRITE_KEY_BUFFER:
	case CMD_WRITE_AUX:
		kbc->command = command;
		break;
	default:
		break;
	}
}

/** A byte for the keyboard. */
static void key_write(struct i8042 *kbc, uint8_t byte)
{
	if (kbc->key_command) { /* its data byte */
		kbc->key_command = 0;
		put(kbc, KEY_ACK);
		return;
	}
	switch (byte) {
	case KEY_ECHO:
		put(kbc, KEY_ECHO);
		break;
	case KEY_LEDS:
	case KEY_SCAN_SET:
	case KEY_RATE:
		kbc->key_command = byte;
		put(kbc, KEY_ACK);
		break;
	case KEY_IDENTIFY: /* an MF2 keyboard, as the controller's translation shows it */
		put(kbc, KEY_ACK);
		put(kbc, 0xab);
		put(kbc, kbc->config & CONFIG_TRANSLATE ? 0x41 : 0x83);
		break;
	case KEY_ENABLE:
	case KEY_DISABLE:
	case KEY_DEFAULTS:
		put(kbc, KEY_ACK);
		break;
	case KEY_RESET:
		put(kbc, KEY_ACK);
		put(kbc, KEY_PASSED);
		break;
	default:
		put(kbc, KEY_RESEND);
		break;
	}
}

static void write_data(struct i8042 *kbc, uint8_t byte)
{
	uint8_t command = kbc->command;

	kbc->last_was_command = 0;
	kbc->command = 0;
	switch (command) {
	case CMD_WRITE_CONFIG:
		kbc->config = byte;
		update(kbc);
		break;
	case CMD_WRITE_OUTPUT:
		write_output_port(kbc, byte);
		break;
	case CMD_WRITE_KEY_BUFFER:
		put(kbc, byte);
		break;
	case CMD_WRITE_AUX: /* nobody there */
		break;
	default:
		key_write(kbc, byte);
		break;
	}
}

static uint8_t status(const struct i8042 *kbc)
{
	uint8_t value = STATUS_UNLOCKED;

	if (kbc->count > 0)
		value |= STATUS_OUTPUT_FULL;
	if (kbc->config & CONFIG_SYSTEM)
		value |= STATUS_SYSTEM;
	if (kbc->last_was_command)
		value |= STATUS_COMMAND;
	return value;
}

static uint64_t read(struct device *dev, uint64_t where, unsigned int size)
{
	struct i8042 *kbc = (struct i8042 *)dev;

	(void)size;
	return where == 0 ? get(kbc) : status(kbc);
}

static void write(struct device *dev, uint64_t where, unsigned int size, uint64_t value)
{
	struct i8042 *kbc = (struct i8042 *)dev;

	(void)size;
	if (where == 0)
		write_data(kbc, (uint8_t)value);
	else
		write_command(kbc, (uint8_t)value);
}

static void reset(struct device *dev)
{
	struct i8042 *kbc = (struct i8042 *)dev;

	kbc->config = CONFIG_SYSTEM | CONFIG_TRANSLATE | CONFIG_AUX_OFF;
	kbc->output_port = OUTPUT_RUN | OUTPUT_A20 | OUTPUT_KEY_CLOCK;
	kbc->command = 0;
	kbc->key_command = 0;
	kbc->last_was_command = 0;
	kbc->head = 0;
	kbc->count = 0;
	kbc->queue[0] = 0;
	update(kbc);
}

static bool loaded(struct device *dev)
{
	struct i8042 *kbc = (struct i8042 *)dev;

	if (kbc->head >= I8042_QUEUE || kbc->count > I8042_QUEUE)
		return false;
	update(kbc);
	return true;
}

static const struct device_field fields[] = {
	DEVICE_FIELD(struct i8042, config),	DEVICE_FIELD(struct i8042, output_port),
	DEVICE_FIELD(struct i8042, command),	DEVICE_FIELD(struct i8042, key_command),
	DEVICE_FIELD(struct i8042, last_was_command), DEVICE_FIELD(struct i8042, head),
	DEVICE_FIELD(struct i8042, count),	DEVICE_ARRAY(struct i8042, queue),
};

static const struct device_range ranges[] = {
	{.space = DEVICE_PORTS, .first = 0x60, .size = 1, .width = 1, .base = 0},
	{.space = DEVICE_PORTS, .first = 0x64, .size = 1, .width = 1, .base = 4},
};

static const struct device_class class = {
	.name = "i8042",
	.read = read,
	.write = write,
	.reset = reset,
	.loaded = loaded,
	.ranges = ranges,
	.fields = fields,
	.range_count = sizeof(ranges) / sizeof(ranges[0]),
	.field_count = sizeof(fields) / sizeof(fields[0]),
};

void i8042_init(struct i8042 *kbc)
{
	*kbc = (struct i8042){.dev = {&class}};
}
