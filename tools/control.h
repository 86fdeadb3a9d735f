/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file control.h
 * Control of running machines over UNIX sockets (docs/control.md): where the sockets are, what is said there, who
 * serves them, and who asks.
 */
#ifndef TOOLS_CONTROL_H
#define TOOLS_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tools/operations.h"

#define CONTROL_PROTOCOL 1
/** Characters of a machine's name: letters, digits, `.`, `_`, `-`, the first one a letter or digit. */
#define CONTROL_NAME 48u
/** Bytes of a request, with its end of line. */
#define CONTROL_LINE 4096u

/* ---- control_place.c: the folder of the sockets ---- */

bool control_name_ok(const char *name);
/** Open the folder, which nobody else may write to; made where it isn't there. @return -1 after report() */
int control_folder(void);
/**
 * Listen as `name`, or, where that is NULL, as one that is free and begins as the file name `from` does.
 * @param[out] taken the name, CONTROL_NAME + 1 bytes
 * @return a listening, non-blocking socket, or -1 after report()
 */
int control_listen(const char *name, const char *from, char *taken);
/** Remove the socket of that name. */
void control_remove(const char *name);
/** Connect to the machine of that name. A socket that nobody listens at is removed. @return -1, in errno */
int control_connect(const char *name);
/** The names that there are sockets of, sorted; to be freed with their strings. @return how many */
size_t control_names(char ***names);

/* ---- control_request.c: what is said ---- */

/** Who is controlled. */
struct control_machine {
	const char *name, *kernel;
	pid_t pid;
	uint64_t (*uptime_ms)(void);
	const struct operations *operations; /**< all but keys and mouse */
};

/** What is to be said, and done behind that. */
struct control_reply {
	char *data; /**< to be freed; NULL: there was no memory */
	size_t size;
	bool large;   /**< has a picture in it */
	bool console; /**< the connection is the console's from now on */
};

/**
 * Make the answer to a request.
 * @param busy there is a large answer on its way already: no second one
 */
void control_request(const struct control_machine *machine, const char *line, size_t size, bool busy,
		     struct control_reply *reply);
/** The answer to a line that has no end. */
void control_too_long(struct control_reply *reply);

/* ---- control_server.c ---- */

/** Serve a listening socket in a thread of its own. @return false after report() */
bool control_serve(int listener, const struct control_machine *machine);

#endif
