/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the console of `hypike run` is.
 *
 * @req TOOL-131 The machine's console is where --serial says; nobody being there doesn't stop the machine.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "tools/relay.h"
#include "tools/run.h"

static struct relay relay = {-1, -1, -1, false};

static void finish(void)
{
	relay_finish(&relay);
}

static bool start(const struct operations *operations)
{
	const int end = relay_start(&relay, SOCK_STREAM);

	if (end < 0)
		return report("--serial: %s", strerror(errno));
	atexit(finish);
	operations->console(end, end);
	return true;
}

static bool open_pty(const struct operations *operations)
{
	struct termios raw;
	const int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);

	if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0 || tcgetattr(master, &raw) != 0)
		return report("--serial pty: %s", strerror(errno));
	cfmakeraw(&raw);
	tcsetattr(master, TCSANOW, &raw);
	fprintf(stderr, "hypike: the console is %s\n", ptsname(master));
	relay.peer = master;
	return start(operations);
}

static bool open_socket(const char *path, const struct operations *operations)
{
	relay.listener = socket_listen(path, SOCK_STREAM);
	if (relay.listener < 0)
		return report("--serial unix=%s: %s", path, strerror(errno));
	signal(SIGPIPE, SIG_IGN);
	return start(operations);
}

static bool open_file(const char *path, const struct operations *operations)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (fd < 0)
		return report("--serial file=%s: %s", path, strerror(errno));
	operations->console(-1, fd);
	return true;
}

bool run_serial(const struct run *run, const struct operations *operations)
{
	const char *where = run->serial;

	if (strcmp(where, "none") == 0)
		return true;
	if (strcmp(where, "pty") == 0)
		return open_pty(operations);
	if (strncmp(where, "file=", 5) == 0)
		return open_file(where + 5, operations);
	if (strncmp(where, "unix=", 5) == 0)
		return open_socket(where + 5, operations);
	if (strcmp(where, "stdio") != 0)
		return report("--serial %s: there are stdio, none, pty, file=FILE and unix=PATH", where);
	operations->console(STDIN_FILENO, run->json ? STDERR_FILENO : STDOUT_FILENO);
	return true;
}
