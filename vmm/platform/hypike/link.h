/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file link.h
 * The VMM's end of the link to the command that has booted the machine (<hypike/link.h>). A thread of its own sends
 * and receives, so that a line that is full keeps neither the guest nor its devices waiting. Whoever has something to
 * say has a pump in link.c's table, which that thread calls; it is told with link_kick() that there is something. Who
 * takes a kind of message stands in the table beside it.
 */
#ifndef VMM_PLATFORM_HYPIKE_LINK_H
#define VMM_PLATFORM_HYPIKE_LINK_H

#include <hypike/link.h>
#include <hypike/sys.h>
#include <stdbool.h>
#include <stddef.h>

/** The thread that waits for events (platform_wait()). */
#define EVENT_THREAD 0u

/** Be there, if the configuration grants a link and the command answers; once is enough.
 *  @return false: there is none */
bool link_open(void);
/** Is it there, and has nothing ended it? */
bool link_up(void);
/** From any thread: a pump has something to send. */
void link_kick(void);
/** Send a message in two pieces; waits for room on the line. Only from the link's thread. */
void link_send(uint8_t kind, uint8_t number, const void *head, size_t head_size, const void *data,
	       size_t size);
/** The number in a name that begins with LINK_NAME. @return false: it is another name */
bool link_number(const char *name, uint8_t *number);

#endif
