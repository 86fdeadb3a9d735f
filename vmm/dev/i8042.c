/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IBM PC/AT Technical Reference (1984), "Keyboard Controller". The A20 gate is kept as a bit but has
 * no effect: address line 20 is always there, as on today's machines.
 *
 * @req VMM-060 The keyboard controller answers its self-tests, keeps its command byte, identifies a
 *              keyboard, and resets the machine when its output 0 is pulsed or cleared.
 * @req VMM-066 Keys come as scan codes of set 2, or of set 1 by the controller's translation, with IRQ 1; a
 *              mouse's movements as reports of three bytes, or four to those who know of its wheel, with IRQ
 *              12. Bytes come one at a time, each with its interrupt, and none while its port is off.
 */
#include "vmm/dev/i8042.h"

#define STATUS_OUTPUT_FULL 0x01u
#define STATUS_SYSTEM	   0x04u /* self-test passed */
#define STATUS_COMMAND	   0x08u /* the last write was to 64h */
#define STATUS_UNLOCKED	   0x10u
#define STATUS_AUX	   0x20u /* the byte is the mouse's */

#define CONFIG_IRQ1	0x01u
#define CONFIG_IRQ12	0x02u
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
	CMD_WRITE_AUX_BUFFER = 0xd3,
	CMD_WRITE_AUX = 0xd4,
	CMD_PULSE = 0xf0, /* to FFh: pulse the outputs whose bits are 0 */
};

/** Whose byte is in the output register. */
enum i8042_from { FROM_NOBODY, FROM_KEYBOARD, FROM_MOUSE };

#define SELF_TEST_OK 0x55u
#define TEST_OK	     0x00u
#define TEST_STUCK   0x01u

static void update(struct i8042 *kbc)
{
	if (kbc->full == FROM_NOBODY) {
		struct ps2_queue *from = NULL;
		if (kbc->answers.count > 0)
			from = &kbc->answers;
		else if (kbc->keys.count > 0 && !(kbc->config & CONFIG_KEY_OFF))
			from = &kbc->keys;
		else if (kbc->aux.count > 0 && !(kbc->config & CONFIG_AUX_OFF))
			from = &kbc->aux;
		if (from != NULL) {
			kbc->output = ps2_get(from);
			kbc->full = from == &kbc->aux ? FROM_MOUSE : FROM_KEYBOARD;
		}
	}
	wire_set(&kbc->irq, kbc->full == FROM_KEYBOARD && (kbc->config & CONFIG_IRQ1));
	wire_set(&kbc->aux_irq, kbc->full == FROM_MOUSE && (kbc->config & CONFIG_IRQ12));
}

static void put(struct i8042 *kbc, uint8_t byte)
{
	ps2_put(&kbc->answers, byte);
	update(kbc);
}

/** The next byte is a new interrupt. The register keeps its last byte. */
static uint8_t get(struct i8042 *kbc)
{
	const uint8_t byte = kbc->output;

	kbc->full = FROM_NOBODY;
	wire_set(&kbc->irq, false);
	wire_set(&kbc->aux_irq, false);
	update(kbc);
	return byte;
}

static bool translated(const struct i8042 *kbc)
{
	return (kbc->config & CONFIG_TRANSLATE) != 0;
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
	case CMD_AUX_TEST:
		put(kbc, (uint8_t)(kbc->has_mouse ? TEST_OK : TEST_STUCK));
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
	case CMD_WRITE_AUX_BUFFER:
	case CMD_WRITE_AUX:
		kbc->command = command;
		break;
	default:
		return;
	}
	update(kbc); /* a port may be on now */
}

static void write_data(struct i8042 *kbc, uint8_t byte)
{
	uint8_t command = kbc->command;

	kbc->last_was_command = 0;
	kbc->command = 0;
	switch (command) {
	case CMD_WRITE_CONFIG:
		kbc->config = byte;
		break;
	case CMD_WRITE_OUTPUT:
		write_output_port(kbc, byte);
		break;
	case CMD_WRITE_KEY_BUFFER:
		put(kbc, byte);
		break;
	case CMD_WRITE_AUX_BUFFER:
		ps2_put(&kbc->aux, byte);
		break;
	case CMD_WRITE_AUX:
		if (kbc->has_mouse)
			ps2_mouse_write(&kbc->mouse, &kbc->aux, byte);
		break;
	default:
		ps2_keyboard_write(&kbc->keyboard, &kbc->answers, byte, translated(kbc));
		break;
	}
	update(kbc);
}

static uint8_t status(const struct i8042 *kbc)
{
	uint8_t value = STATUS_UNLOCKED;

	if (kbc->full != FROM_NOBODY)
		value |= STATUS_OUTPUT_FULL;
	if (kbc->full == FROM_MOUSE)
		value |= STATUS_AUX;
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
	kbc->last_was_command = 0;
	kbc->output = 0;
	kbc->full = FROM_NOBODY;
	kbc->answers = kbc->keys = kbc->aux = (struct ps2_queue){.count = 0};
	ps2_keyboard_reset(&kbc->keyboard);
	ps2_mouse_reset(&kbc->mouse);
	update(kbc);
}

static bool queue_ok(const struct ps2_queue *queue)
{
	return queue->head < PS2_QUEUE && queue->count <= PS2_QUEUE;
}

static bool loaded(struct device *dev)
{
	struct i8042 *kbc = (struct i8042 *)dev;

	if (!queue_ok(&kbc->answers) || !queue_ok(&kbc->keys) || !queue_ok(&kbc->aux) ||
	    kbc->full > FROM_MOUSE || kbc->mouse.knock > 2)
		return false;
	update(kbc);
	return true;
}

#define FIELD(member) DEVICE_FIELD(struct i8042, member)
#define QUEUE(name) FIELD(name.head), FIELD(name.count), DEVICE_ARRAY(struct i8042, name.byte)

static void counters(const struct device *dev, const struct counter_sink *to)
{
	const struct i8042 *kbc = (const struct i8042 *)dev;

	counter_tell(to, "interrupts", kbc->irq.raised);
	counter_tell(to, "mouse interrupts", kbc->aux_irq.raised);
}

static const struct device_field fields[] = {
	FIELD(config),		FIELD(output_port),	  FIELD(command),      FIELD(last_was_command),
	FIELD(output),		FIELD(full),		  FIELD(keyboard.set), FIELD(keyboard.command),
	FIELD(keyboard.off),	FIELD(keyboard.leds),	  FIELD(mouse.on),     FIELD(mouse.command),
	FIELD(mouse.remote),	FIELD(mouse.scaling),	  FIELD(mouse.rate),   FIELD(mouse.resolution),
	FIELD(mouse.knock),	FIELD(mouse.id),	  FIELD(mouse.buttons), QUEUE(answers),
	QUEUE(keys),		QUEUE(aux),
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
	.counters = counters,
	.ranges = ranges,
	.fields = fields,
	.range_count = sizeof(ranges) / sizeof(ranges[0]),
	.field_count = sizeof(fields) / sizeof(fields[0]),
};

void i8042_init(struct i8042 *kbc)
{
	*kbc = (struct i8042){.dev = {.class = &class}};
}

void i8042_key(struct i8042 *kbc, uint8_t key, bool pressed)
{
	ps2_keyboard_key(&kbc->keyboard, &kbc->keys, key, pressed, translated(kbc));
	update(kbc);
}

void i8042_mouse(struct i8042 *kbc, const struct ps2_motion *motion)
{
	if (!kbc->has_mouse)
		return;
	ps2_mouse_move(&kbc->mouse, &kbc->aux, motion);
	update(kbc);
}
