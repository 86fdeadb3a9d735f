/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/dev/ps2.h"

enum command {
	SET_LEDS = 0xed,
	ECHO = 0xee,
	SCAN_SET = 0xf0,
	IDENTIFY = 0xf2,
	SET_RATE = 0xf3,
	ENABLE = 0xf4,
	DISABLE = 0xf5,
	DEFAULTS = 0xf6,
	RESET = 0xff,
};

#define EXTENDED 0xe0u
#define BREAK_1	 0x80u /* set 1: in the code */
#define BREAK_2	 0xf0u /* set 2: before the code */
#define KEY_EXT	 0x80u
#define CODES	 0x60u

/** Make codes of set 2 by those of set 1; 0: there is no such key. With E0h before it both are the same. */
static const uint8_t set2[CODES] = {
	0x00, 0x76, 0x16, 0x1e, 0x26, 0x25, 0x2e, 0x36, 0x3d, 0x3e, 0x46, 0x45, 0x4e, 0x55, 0x66, 0x0d,
	0x15, 0x1d, 0x24, 0x2d, 0x2c, 0x35, 0x3c, 0x43, 0x44, 0x4d, 0x54, 0x5b, 0x5a, 0x14, 0x1c, 0x1b,
	0x23, 0x2b, 0x34, 0x33, 0x3b, 0x42, 0x4b, 0x4c, 0x52, 0x0e, 0x12, 0x5d, 0x1a, 0x22, 0x21, 0x2a,
	0x32, 0x31, 0x3a, 0x41, 0x49, 0x4a, 0x59, 0x7c, 0x11, 0x29, 0x58, 0x05, 0x06, 0x04, 0x0c, 0x03,
	0x0b, 0x83, 0x0a, 0x01, 0x09, 0x77, 0x7e, 0x6c, 0x75, 0x7d, 0x7b, 0x6b, 0x73, 0x74, 0x79, 0x69,
	0x72, 0x7a, 0x70, 0x71, 0x84, 0x00, 0x61, 0x78, 0x07, 0x00, 0x00, 0x1f, 0x27, 0x2f, 0x00, 0x00,
};

void ps2_keyboard_reset(struct ps2_keyboard *keyboard)
{
	*keyboard = (struct ps2_keyboard){.set = 2};
}

static void data(struct ps2_keyboard *keyboard, struct ps2_queue *to, uint8_t command, uint8_t byte)
{
	const bool known = command != SCAN_SET || byte <= 2;

	ps2_put(to, known ? PS2_ACK : PS2_RESEND);
	if (command == SET_LEDS)
		keyboard->leds = byte & 7;
	else if (command == SCAN_SET && byte == 0)
		ps2_put(to, keyboard->set);
	else if (command == SCAN_SET && known)
		keyboard->set = byte;
}

void ps2_keyboard_write(struct ps2_keyboard *keyboard, struct ps2_queue *to, uint8_t byte,
			bool translated)
{
	const uint8_t command = keyboard->command;

	keyboard->command = 0;
	if (command != 0) {
		data(keyboard, to, command, byte);
		return;
	}
	switch (byte) {
	case ECHO:
		ps2_put(to, ECHO);
		return;
	case SET_LEDS:
	case SCAN_SET:
	case SET_RATE:
		keyboard->command = byte;
		break;
	case IDENTIFY: /* an MF2 keyboard, as the controller's translation shows it */
		ps2_put(to, PS2_ACK);
		ps2_put(to, 0xab);
		ps2_put(to, translated ? 0x41 : 0x83);
		return;
	case RESET:
		ps2_keyboard_reset(keyboard);
		ps2_put(to, PS2_ACK);
		ps2_put(to, PS2_PASSED);
		return;
	case ENABLE:
	case DISABLE:
		keyboard->off = byte == DISABLE;
		break;
	case DEFAULTS:
		ps2_keyboard_reset(keyboard);
		break;
	default:
		ps2_put(to, PS2_RESEND);
		return;
	}
	ps2_put(to, PS2_ACK);
}

void ps2_keyboard_key(const struct ps2_keyboard *keyboard, struct ps2_queue *to, uint8_t key,
		      bool pressed, bool translated)
{
	const uint8_t code = key & (uint8_t)~KEY_EXT;

	/* A code without its prefix, or a key that is never released, would be worse than none. */
	if (keyboard->off || code >= CODES || set2[code] == 0 || !ps2_room(to, 3))
		return;
	if (key & KEY_EXT)
		ps2_put(to, EXTENDED);
	if (translated || keyboard->set == 1) {
		ps2_put(to, (uint8_t)(code | (pressed ? 0 : BREAK_1)));
		return;
	}
	if (!pressed)
		ps2_put(to, BREAK_2);
	ps2_put(to, set2[code]);
}
