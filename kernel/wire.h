/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file wire.h
 * The way of text from the ports' rings to the UART: one queue of pieces in the order in which they
 * were written. Only for console.c, which holds its lock in all of these.
 */
#ifndef KERNEL_WIRE_H
#define KERNEL_WIRE_H

#include "kernel/console.h"

extern bool wire_e9;	  /**< also to port E9h */
extern bool wire_streams; /**< see <hypike/wire.h> */

/** Bytes that still fit into the ring; 0 also where no further piece does. */
size_t wire_room(const struct console_ring *ring);
/** Append text to the port's unfinished piece. @return how much found room */
size_t wire_append(struct console_port *port, const char *text, size_t size);
/** The unfinished piece is finished: it is queued for the line. */
void wire_commit(struct console_port *port);
/** @return whether anything waits for the line. */
bool wire_waiting(void);
/** Fill the UART's FIFO once, if it is empty. */
void wire_pump(void);
/** Write out everything, by polling. */
void wire_drain(void);

#endif
