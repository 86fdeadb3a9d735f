/* SPDX-License-Identifier: BSD-2-Clause */
/** @file console.h Text output on COM1, and on port E9h if asked for. */
#ifndef GUESTS_DUMMY_CONSOLE_H
#define GUESTS_DUMMY_CONSOLE_H

#include <stdbool.h>

/** Sets COM1 to 115200 8N1 with its FIFOs on. */
void console_init(void);

/** Copies everything to the debug port E9h of Bochs and QEMU from now on. */
void console_use_e9(void);

/** Prints, in one piece also when other CPUs print. */
__attribute__((format(printf, 1, 2))) void print(const char *fmt, ...);

/** From now on print() takes no lock: for a CPU that is about to stop everything. */
void console_break_lock(void);

#endif
