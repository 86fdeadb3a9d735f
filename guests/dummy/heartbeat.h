/* SPDX-License-Identifier: BSD-2-Clause */
/** @file heartbeat.h What this kernel does as another virtual machine's neighbour. */
#ifndef GUESTS_DUMMY_HEARTBEAT_H
#define GUESTS_DUMMY_HEARTBEAT_H

#include <stdint.h>

/**
 * Every that many ticks checks a page of memory, registers and the order of time, and prints
 * "heartbeat N ok", or "heartbeat N BAD" and what was wrong.
 */
_Noreturn void heartbeat_forever(uint64_t ticks);

#endif
