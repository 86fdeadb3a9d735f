/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file ps2.h
 * A keyboard and a mouse with PS/2 plugs (IBM PS/2 Hardware Interface Technical Reference, 1990): what they
 * answer to the commands of the controller (i8042.h), and what they send by themselves.
 */
#ifndef VMM_DEV_PS2_H
#define VMM_DEV_PS2_H

#include <stdbool.h>
#include <stdint.h>

#define PS2_QUEUE 64u

#define PS2_ACK	   0xfau
#define PS2_RESEND 0xfeu
#define PS2_PASSED 0xaau

/** Bytes on their way; what doesn't fit is lost. */
struct ps2_queue {
	uint8_t head, count;
	uint8_t byte[PS2_QUEUE];
};

static inline void ps2_put(struct ps2_queue *queue, uint8_t byte)
{
	if (queue->count < PS2_QUEUE)
		queue->byte[(queue->head + queue->count++) % PS2_QUEUE] = byte;
}

static inline uint8_t ps2_get(struct ps2_queue *queue)
{
	const uint8_t byte = queue->byte[queue->head];

	queue->head = (uint8_t)((queue->head + 1u) % PS2_QUEUE);
	queue->count--;
	return byte;
}

/** @return whether `n` bytes more fit. */
static inline bool ps2_room(const struct ps2_queue *queue, unsigned int n)
{
	return PS2_QUEUE - queue->count >= n;
}

struct ps2_keyboard {
	uint8_t command; /**< whose data byte comes next, or 0 */
	uint8_t set;	 /**< of scan codes: 1 or 2 */
	uint8_t off;	 /**< keys aren't sent */
	uint8_t leds;
};

void ps2_keyboard_reset(struct ps2_keyboard *keyboard);
/** A byte of the controller's; answers go to `to`. `translated`: the controller makes set 1 of set 2. */
void ps2_keyboard_write(struct ps2_keyboard *keyboard, struct ps2_queue *to, uint8_t byte,
			bool translated);
/**
 * A key is pressed (again) or released.
 * @param key number: its make code in set 1, + 80h where E0h comes before it
 */
void ps2_keyboard_key(const struct ps2_keyboard *keyboard, struct ps2_queue *to, uint8_t key,
		      bool pressed, bool translated);

struct ps2_mouse {
	uint8_t command; /**< whose data byte comes next, or 0 */
	uint8_t on;	 /**< it reports by itself */
	uint8_t remote;	 /**< it reports when asked */
	uint8_t scaling, resolution, rate;
	uint8_t knock; /**< how much of the sequence of rates 200, 100, 80 has come */
	uint8_t id;    /**< 0: three buttons; 3: and a wheel */
	uint8_t buttons;
};

void ps2_mouse_reset(struct ps2_mouse *mouse);
void ps2_mouse_write(struct ps2_mouse *mouse, struct ps2_queue *to, uint8_t byte);
/** How the mouse is moved, to the right and downwards, and its wheel, towards the user. */
struct ps2_motion {
	int x, y, z;
	uint8_t buttons; /**< 1 left, 2 right, 4 middle */
};
void ps2_mouse_move(struct ps2_mouse *mouse, struct ps2_queue *to, const struct ps2_motion *motion);

#endif
