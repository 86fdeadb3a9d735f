/* SPDX-License-Identifier: BSD-2-Clause */
/** @file control_client.h Who asks a running machine: a connection to its control socket (control.h). */
#ifndef TOOLS_CONTROL_CLIENT_H
#define TOOLS_CONTROL_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/** Bytes of an answer's line at the most. */
#define CLIENT_LINE 16384u

struct control_client {
	const char *name;
	int fd;
	size_t have; /**< bytes behind the last answer, in `line` */
	char line[CLIENT_LINE];
};

/** Connect to a machine. @return false: nobody of that name, after report() unless `quiet` */
bool client_open(struct control_client *client, const char *name, bool quiet);
void client_close(struct control_client *client);
/**
 * Ask for something: {"command": command}, with `more` in it, whose reference is taken; or NULL.
 * @return the answer, or NULL after report() where there was none, or it says that something is wrong
 */
json_t *client_ask(struct control_client *client, const char *command, json_t *more);
/** The same; where the machine is busy, again, for a minute and a half. */
json_t *client_ask_patiently(struct control_client *client, const char *command);
/** Read what follows an answer. @return false after report() */
bool client_read(struct control_client *client, void *to, size_t size);

#endif
