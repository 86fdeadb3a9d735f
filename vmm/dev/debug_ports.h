/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file debug_ports.h
 * Ports that emulators have for test programs: debug console E9h, debug exit F4h, Bochs's shutdown
 * port 8900h. A test kernel that uses them runs unchanged on the emulators and here.
 */
#ifndef VMM_DEV_DEBUG_PORTS_H
#define VMM_DEV_DEBUG_PORTS_H

#include "vmm/dev/device.h"

#define DEBUG_CONSOLE_PORT 0xe9u

/** Debug console: a byte written is printed; E9h reads back E9h, by which guests detect it. */
struct debug_console {
	struct device dev;
	struct byte_sink out;
};

void debug_console_init(struct debug_console *console);
/** The same at port 402h, where SeaBIOS and OVMF write their log. */
void firmware_log_init(struct debug_console *log);

/** Debug exit: a value v written to F4h ends the VM; its status is v, not QEMU's (v << 1) | 1. */
struct debug_exit {
	struct device dev;
	struct command exit;
};

void debug_exit_init(struct debug_exit *exit);

/** Bochs's shutdown: "Shutdown" written byte by byte to 8900h ends the VM with status 0. */
struct bochs_shutdown {
	struct device dev;
	struct command exit;
	uint8_t matched; /**< characters of the word so far */
};

void bochs_shutdown_init(struct bochs_shutdown *port);

#endif
