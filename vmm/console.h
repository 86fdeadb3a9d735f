/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file console.h
 * The VM's console: guest output and the VMM's own messages on their way out, a line at a time, and
 * keys on their way in, with the escape sequence taken out. All calls with the device lock held.
 */
#ifndef VMM_CONSOLE_H
#define VMM_CONSOLE_H

#include "vmm/dev/device.h"
#include "vmm/timer.h"

#define CONSOLE_LINE 256u

/** Starts a command to the VMM: Ctrl-]. What follows is a command (escape.c); a second
 *  Ctrl-] sends one. */
#define CONSOLE_ESCAPE 0x1du

struct console {
	struct timer flush;	  /**< for text without an end of line */
	struct byte_sink input;	  /**< takes the keys */
	struct command escape;	  /**< takes the key behind CONSOLE_ESCAPE */
	uint32_t length;
	uint8_t escaped;
	char line[CONSOLE_LINE];
};

void console_init(struct console *console, struct timer_queue *queue);
/** A byte of output; a byte_sink's function. */
void console_put(void *console, uint8_t byte);
/** The same for lib_fprintf(). */
void console_putc(void *console, char c);
/** Write out what is still kept. */
void console_flush(struct console *console);
/** A key was typed. */
void console_key(struct console *console, uint8_t key);

#endif
