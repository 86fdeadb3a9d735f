/* SPDX-License-Identifier: BSD-2-Clause */
/** @file exit.h The end of a run. */
#ifndef GUESTS_DUMMY_EXIT_H
#define GUESTS_DUMMY_EXIT_H

#include <stdint.h>

#define DEBUG_EXIT_PORT	   0xf4	  /**< QEMU's isa-debug-exit: status (value << 1) | 1 */
#define BOCHS_SHUTDOWN_PORT 0x8900 /**< Bochs ends after "Shutdown" */

/** Ends the run: 0 is success. Stops this CPU if the machine has neither port. */
_Noreturn void guest_exit(uint8_t status);

/** Prints the message and ends the run with status 127. */
__attribute__((format(printf, 1, 2))) _Noreturn void panic(const char *fmt, ...);

#endif
