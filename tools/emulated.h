/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file emulated.h
 * The one virtual machine that runs on HyPike in QEMU, as its console's loop (console.c) has to do with it: who
 * controls it from other threads, and where its console is.
 */
#ifndef TOOLS_EMULATED_H
#define TOOLS_EMULATED_H

#include <poll.h>
#include <stddef.h>

#include "tools/operations.h"

extern const struct operations emulated_operations;

/* ---- before it starts ---- */

/** What it has. */
void emulated_describe(unsigned int vcpus, uint64_t memory);
/** Make a connection with QEMU's monitor (QMP). @return the descriptor that QEMU is to get, -1 after report() */
int emulated_monitor(void);

/* ---- while it runs; the loop's thread ---- */

/** QEMU has its end of that by now. */
void emulated_started(void);
/** The VM is there, or there again. */
void emulated_present(void);
/** Its console isn't in this terminal. */
bool emulated_elsewhere(void);
/** Its console says that: for those who aren't in this terminal. */
void emulated_output(const char *text, size_t size);
/** Where its keys come from; -1: from nowhere. */
int emulated_input(void);

/** What is to be looked at, besides. */
#define EMULATED_POLLS 2
void emulated_poll(struct pollfd look[EMULATED_POLLS]);
/**
 * Something came there.
 * @param room bytes that fit into `keys`
 * @return keys of somebody who is attached to its console
 */
size_t emulated_serve(const struct pollfd look[EMULATED_POLLS], char *keys, size_t room);
/** @return whether somebody wants it ended */
bool emulated_ends(void);
/** Nanoseconds that it has stood still. @param stands whether it still does */
uint64_t emulated_stood(bool *stands);
/** It has ended. */
void emulated_ended(void);

#endif
