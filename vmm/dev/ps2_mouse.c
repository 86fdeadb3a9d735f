/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/dev/ps2.h"

enum command {
	SCALE_1 = 0xe6,
	SCALE_2 = 0xe7,
	SET_RESOLUTION = 0xe8,
	STATUS = 0xe9,
	STREAM = 0xea,
	READ_DATA = 0xeb,
	REMOTE = 0xf0,
	IDENTIFY = 0xf2,
	SET_RATE = 0xf3,
	ENABLE = 0xf4,
	DISABLE = 0xf5,
	DEFAULTS = 0xf6,
	RESET = 0xff,
};

#define ID_WHEEL 3u

/* First byte of a report. */
#define BUTTONS	   0x07u
#define ALWAYS	   0x08u
#define NEGATIVE_X 0x10u
#define NEGATIVE_Y 0x20u

#define FARTHEST 255 /* that a report can say */
#define REPORTS	 8u  /* for one movement, at the most */

static void defaults(struct ps2_mouse *mouse)
{
	mouse->on = mouse->remote = mouse->scaling = 0;
	mouse->rate = 100;
	mouse->resolution = 2;
}

void ps2_mouse_reset(struct ps2_mouse *mouse)
{
	*mouse = (struct ps2_mouse){.id = 0};
	defaults(mouse);
}

/** Microsoft's IntelliMouse: who sets these three rates one after the other knows of the wheel. */
static void set_rate(struct ps2_mouse *mouse, uint8_t rate)
{
	static const uint8_t knock[] = {200, 100, 80};

	mouse->rate = rate;
	if (rate != knock[mouse->knock]) {
		mouse->knock = rate == knock[0];
		return;
	}
	mouse->knock++;
	if (mouse->knock == sizeof(knock)) {
		mouse->knock = 0;
		mouse->id = ID_WHEEL;
	}
}

static int limited(int value, int most)
{
	return value > most ? most : value < -most ? -most : value;
}

/** y is upwards here. */
static void report(const struct ps2_mouse *mouse, struct ps2_queue *to, int x, int y, int z)
{
	ps2_put(to, (uint8_t)(ALWAYS | (mouse->buttons & BUTTONS) | (x < 0 ? NEGATIVE_X : 0) |
			      (y < 0 ? NEGATIVE_Y : 0)));
	ps2_put(to, (uint8_t)x);
	ps2_put(to, (uint8_t)y);
	if (mouse->id == ID_WHEEL)
		ps2_put(to, (uint8_t)z);
}

static void status(const struct ps2_mouse *mouse, struct ps2_queue *to)
{
	ps2_put(to, (uint8_t)((mouse->remote ? 0x40 : 0) | (mouse->on ? 0x20 : 0) |
			      (mouse->scaling ? 0x10 : 0) | (mouse->buttons & BUTTONS)));
	ps2_put(to, mouse->resolution);
	ps2_put(to, mouse->rate);
}

/** Commands that are acknowledged and change something. @return false where there is no such command. */
static bool change(struct ps2_mouse *mouse, uint8_t byte)
{
	switch (byte) {
	case SCALE_1:
	case SCALE_2:
		mouse->scaling = byte == SCALE_2;
		return true;
	case STREAM:
	case REMOTE:
		mouse->remote = byte == REMOTE;
		return true;
	case ENABLE:
	case DISABLE:
		mouse->on = byte == ENABLE;
		return true;
	case DEFAULTS:
		defaults(mouse);
		return true;
	case RESET:
		ps2_mouse_reset(mouse);
		return true;
	case SET_RESOLUTION:
	case SET_RATE:
		mouse->command = byte;
		return true;
	default:
		return byte == STATUS || byte == READ_DATA || byte == IDENTIFY;
	}
}

void ps2_mouse_write(struct ps2_mouse *mouse, struct ps2_queue *to, uint8_t byte)
{
	const uint8_t command = mouse->command;

	mouse->command = 0;
	if (command == SET_RATE)
		set_rate(mouse, byte);
	else if (command == SET_RESOLUTION)
		mouse->resolution = byte & 3;
	const bool known = command != 0 || change(mouse, byte);

	ps2_put(to, known ? PS2_ACK : PS2_RESEND);
	if (command != 0)
		return;
	if (byte == STATUS)
		status(mouse, to);
	else if (byte == READ_DATA)
		report(mouse, to, 0, 0, 0);
	else if (byte == RESET)
		ps2_put(to, PS2_PASSED);
	if (byte == RESET || byte == IDENTIFY)
		ps2_put(to, mouse->id);
}

void ps2_mouse_move(struct ps2_mouse *mouse, struct ps2_queue *to, const struct ps2_motion *motion)
{
	int x = limited(motion->x, FARTHEST * (int)REPORTS), y = -limited(motion->y, FARTHEST * (int)REPORTS);
	int z = limited(motion->z, 7);

	if (x == 0 && y == 0 && z == 0 && motion->buttons == mouse->buttons)
		return;
	mouse->buttons = motion->buttons & BUTTONS;
	if (!mouse->on || mouse->remote)
		return;
	do {
		const int step_x = limited(x, FARTHEST), step_y = limited(y, FARTHEST);
		if (!ps2_room(to, 4))
			return;
		report(mouse, to, step_x, step_y, z);
		x -= step_x;
		y -= step_y;
		z = 0;
	} while (x != 0 || y != 0);
}
