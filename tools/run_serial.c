/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the console of `hypike run` is. A pseudo-terminal or a socket, on which somebody is or isn't, has a
 * thread of its own that passes bytes on: what nobody takes is lost, so that the machine never waits.
 *
 * @req TOOL-131 The machine's console is where --serial says; nobody being there doesn't stop the machine.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <hypike/vmm.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "tools/run.h"
#include "tools/terminal.h"

/* A console's other end. */
struct relay {
	int machine; /* our end of a socket pair; the VMM has the other */
	int listener; /* where somebody may connect; -1: nobody */
	int peer;     /* who is there; -1: nobody */
};

static struct relay relay = {-1, -1, -1};

static void pass_out(struct relay *r)
{
	char text[4096];
	const ssize_t size = read(r->machine, text, sizeof(text));

	if (size > 0 && r->peer >= 0 && write(r->peer, text, (size_t)size) < 0 && errno == EPIPE) {
		close(r->peer);
		r->peer = -1;
	}
}

static void pass_in(struct relay *r)
{
	char text[4096];
	const ssize_t size = read(r->peer, text, sizeof(text));

	if (size > 0) {
		if (write(r->machine, text, (size_t)size) < 0)
			return; /* the machine doesn't take keys: they are lost */
	} else if (r->listener >= 0 && !(size < 0 && errno == EAGAIN)) {
		close(r->peer);
		r->peer = -1;
	} else {
		usleep(100000); /* a terminal that nobody has open reads as an error */
	}
}

static void accept_peer(struct relay *r)
{
	const int peer = accept4(r->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (r->peer >= 0)
		close(r->peer); /* the last one who comes has it */
	r->peer = peer;
}

static void *relay_main(void *arg)
{
	struct relay *r = arg;

	for (;;) {
		struct pollfd look[] = {{.fd = r->machine, .events = POLLIN},
					{.fd = r->peer, .events = POLLIN},
					{.fd = r->listener, .events = POLLIN}};
		if (poll(look, 3, -1) < 0)
			continue;
		if (look[0].revents & POLLIN)
			pass_out(r);
		else if (look[0].revents)
			return NULL;
		if (look[2].revents & POLLIN)
			accept_peer(r);
		else if (look[1].revents)
			pass_in(r);
	}
}

/* Before exit: what the machine has said is to arrive. */
static void relay_finish(void)
{
	char text[4096];
	ssize_t size;

	while ((size = recv(relay.machine, text, sizeof(text), MSG_DONTWAIT)) > 0)
		if (relay.peer >= 0 && write(relay.peer, text, (size_t)size) < 0)
			return;
}

static bool relay_start(void)
{
	sigset_t all, before;
	pthread_t thread;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return report("--serial: %s", strerror(errno));
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	relay.machine = ends[0];
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	const int error = pthread_create(&thread, NULL, relay_main, &relay);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error != 0)
		return report("--serial: %s", strerror(error));
	pthread_detach(thread);
	atexit(relay_finish);
	hypike_vmm_console(ends[1], ends[1]);
	return true;
}

static bool open_pty(void)
{
	struct termios raw;
	const int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);

	if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0 || tcgetattr(master, &raw) != 0)
		return report("--serial pty: %s", strerror(errno));
	cfmakeraw(&raw);
	tcsetattr(master, TCSANOW, &raw);
	fprintf(stderr, "hypike: the console is %s\n", ptsname(master));
	relay.peer = master;
	return relay_start();
}

/* For nobody but the user. */
static bool open_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		return report("--serial unix=%s: this name is too long", path);
	memcpy(address.sun_path, path, strlen(path));
	const mode_t before = umask(0177);
	const bool bound = listener >= 0 &&
			   bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0 &&
			   listen(listener, 1) == 0;
	umask(before);
	if (!bound)
		return report("--serial unix=%s: %s", path, strerror(errno));
	signal(SIGPIPE, SIG_IGN);
	relay.listener = listener;
	return relay_start();
}

static bool open_file(const char *path)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (fd < 0)
		return report("--serial file=%s: %s", path, strerror(errno));
	hypike_vmm_console(-1, fd);
	return true;
}

bool run_serial(const struct run *run)
{
	const char *where = run->serial;

	if (strcmp(where, "none") == 0)
		return true;
	if (strcmp(where, "pty") == 0)
		return open_pty();
	if (strncmp(where, "file=", 5) == 0)
		return open_file(where + 5);
	if (strncmp(where, "unix=", 5) == 0)
		return open_socket(where + 5);
	if (strcmp(where, "stdio") != 0)
		return report("--serial %s: there are stdio, none, pty, file=FILE and unix=PATH", where);
	if (terminal_is_ours())
		terminal_raw();
	hypike_vmm_console(STDIN_FILENO, run->json ? STDERR_FILENO : STDOUT_FILENO);
	return true;
}
