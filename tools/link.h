/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file link.h
 * This command's end of the link to the VMM of a machine that it has booted (<hypike/link.h>). Who takes a kind of
 * message, or has a descriptor that messages come from, says so before the machine starts; all of that is done by the
 * thread that has the machine's console. Messages can be sent by any.
 *
 * @req TOOL-150 What comes on a link is checked: what is no message, or makes no sense, ends the link with a report,
 *               and what was sent to nobody is not kept.
 */
#ifndef TOOLS_LINK_H
#define TOOLS_LINK_H

#include <hypike/link.h>
#include <poll.h>

#include "tools/util.h"

struct link;

/** A message came. @return false: it makes no sense, which ends the link. */
typedef bool (*link_take_t)(void *ctx, uint8_t number, const uint8_t *payload, size_t size);

/** Make an end of a link; the other end isn't there yet. */
struct link *link_new(void);
void link_free(struct link *link);
/** Who takes messages of a kind. */
void link_on(struct link *link, uint8_t kind, link_take_t take, void *ctx);
/** Have `ready` called when there is something to read at a descriptor, and room to send what came. */
void link_watch(struct link *link, int fd, void (*ready)(void *ctx), void *ctx);
/** Has the VMM said hello, and nothing ended it? */
bool link_up(struct link *link);
/**
 * Send a message in two pieces, from any thread.
 * @return false: there is no room for it now (LINK_QUEUE bytes wait already), or no link
 */
bool link_send(struct link *link, uint8_t kind, uint8_t number, const void *head, size_t head_size,
	       const void *data, size_t size);
#define LINK_QUEUE (256u << 10)

/* ---- for who has the machine's serial line ---- */

/** Bytes from the VMM. */
void link_take(struct link *link, const uint8_t *bytes, size_t size);
#define LINK_POLLS 9u
/** What is to be polled. @return how many, LINK_POLLS at the most */
size_t link_poll(struct link *link, struct pollfd *polls);
/** That was found. */
void link_serve(struct link *link, const struct pollfd *polls);
/**
 * What waits for the VMM and may be sent now, ready for the line.
 * @param room bytes that fit into `out`
 * @return bytes in `out`; then the keys' stream is to be chosen again
 */
size_t link_fill(struct link *link, char *out, size_t room);

#endif
