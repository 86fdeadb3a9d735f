/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file relay.h
 * A wire between a virtual machine and whoever is there: a thread passes on what comes from either. What nobody
 * takes is lost, so that the machine never waits; frames of a network get a little time.
 */
#ifndef TOOLS_RELAY_H
#define TOOLS_RELAY_H

#include <stdbool.h>
#include <sys/types.h>

struct relay {
	int machine;  /**< our end of a socket pair */
	int listener; /**< where somebody may connect; -1: nowhere */
	int peer;     /**< who is there; -1: nobody */
	bool frames;  /**< a network's */
};

/**
 * Start passing on; never ends. `listener` or `peer` are set.
 * @param type of socket: SOCK_STREAM, or SOCK_SEQPACKET to keep messages apart
 * @return the machine's end, -1: an error, in errno
 */
int relay_start(struct relay *relay, int type);
/** Pass on what the machine has said by now: before the command ends. */
void relay_finish(struct relay *relay);
/** Write a frame of a network, which may wait a little. @return as write() */
ssize_t relay_frame(int to, const void *frame, size_t size);
/** Start a thread that gets no signals. @return false: an error, in errno. */
bool thread_start(void *(*entry)(void *arg), void *arg);
/** Listen at a path, for nobody but the user. @return -1: an error, in errno. */
int socket_listen(const char *path, int type);

#endif
