/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file link_control.h
 * Control of a machine, its statistics, screen, keyboard and mouse over the link (<hypike/link.h>): kinds 32 to 47
 * of its messages. The command says none of these before it has heard WIRE_DEBUG_HELLO (<hypike/wire.h>).
 */
#ifndef HYPIKE_LINK_CONTROL_H
#define HYPIKE_LINK_CONTROL_H

#include <stdint.h>

enum link_control_kind {
	LINK_COMMAND = 32, /**< to the VMM: what a key behind the console's escape stands for: its character */
	LINK_KEY = 33,	   /**< to the VMM: struct link_key. Keys and motions that there is no room for are lost. */
	LINK_MOTION = 34,  /**< to the VMM: struct link_motion */

	LINK_ASK_STATS = 36, /**< to the VMM. The answer is these, one behind the other: */
	LINK_EXITS = 37,     /**< struct link_exits, and their kind's name */
	LINK_DEVICE = 38,    /**< a device's name; its counters follow */
	LINK_COUNTER = 39,   /**< uint64_t, and its name */
	LINK_STATS = 40,     /**< struct link_stats: that was all */

	LINK_ASK_SCREEN = 44, /**< to the VMM. The answer is these, one behind the other: */
	LINK_ROWS = 45,	      /**< struct link_rows, and the pixels' code (lib/pixels.h) */
	LINK_SCREEN = 46,     /**< struct link_screen: that was all */
	LINK_LAST = 47,	      /**< to the VMM: at the machine's end that answer is wanted once more */
};

/** Bytes of a name in these messages, at the most; it isn't terminated. */
#define LINK_NAME_MAX 31u

struct link_key {
	uint8_t key; /**< make code in scan code set 1, + 80h where E0h comes before it */
	uint8_t pressed;
};

struct link_motion {
	int16_t x, y, wheel;
	uint16_t buttons;
};

struct link_exits {
	uint64_t driver, vmm;
};

struct link_stats {
	uint64_t entries, injected, resets, time_ns, first_ns;
};

/** Pixels of a row in a message, at the most: wider ones come in several. */
#define LINK_ROW_PIXELS 1280u

/** Rows that have changed since they were sent last, with the same pixels in all of them. */
struct link_rows {
	uint16_t width, height; /**< of the picture; another size is another picture, black at first */
	uint16_t row, rows;
	uint16_t column, columns;
};

struct link_screen {
	uint16_t width, height;
	uint32_t whole; /**< 0: the size changed meanwhile, ask again */
};

#endif
