/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE
#include "tools/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <hypike/vmm.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tools/signals.h"

/* More than a frame of a network, too. */
#define FRAME 4096
/* So long a frame waits for a reader who hasn't had its turn. */
#define PATIENCE_MS 100

ssize_t relay_frame(int to, const void *frame, size_t size)
{
	struct pollfd look = {.fd = to, .events = POLLOUT};
	ssize_t done = write(to, frame, size);

	if (done < 0 && errno == EAGAIN && poll(&look, 1, PATIENCE_MS) == 1)
		done = write(to, frame, size);
	return done;
}

/* A console's text doesn't wait. */
static ssize_t pass(const struct relay *r, int to, const void *text, size_t size)
{
	return r->frames ? relay_frame(to, text, size) : write(to, text, size);
}

static void pass_out(struct relay *r)
{
	char text[FRAME];
	const ssize_t size = read(r->machine, text, sizeof(text));

	if (size > 0 && r->peer >= 0 && pass(r, r->peer, text, (size_t)size) < 0 && errno == EPIPE) {
		close(r->peer);
		r->peer = -1;
	}
}

static void pass_in(struct relay *r)
{
	char text[FRAME];
	const ssize_t size = read(r->peer, text, sizeof(text));

	if (size > 0) {
		if (pass(r, r->machine, text, (size_t)size) < 0)
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

	hypike_vmm_confine(HYPIKE_VMM_CABLE);
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

void relay_finish(struct relay *r)
{
	char text[FRAME];
	ssize_t size;

	while ((size = recv(r->machine, text, sizeof(text), MSG_DONTWAIT)) > 0)
		if (r->peer >= 0 && write(r->peer, text, (size_t)size) < 0)
			return;
}

bool thread_start(void *(*entry)(void *arg), void *arg)
{
	sigset_t before;
	pthread_t thread;

	signals_block(&before);
	errno = pthread_create(&thread, NULL, entry, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return errno == 0 && pthread_detach(thread) == 0;
}

int relay_start(struct relay *r, int type)
{
	int ends[2];

	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) != 0)
		return -1;
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	r->machine = ends[0];
	r->frames = type == SOCK_SEQPACKET;
	return thread_start(relay_main, r) ? ends[1] : -1;
}

int socket_listen(const char *path, int type)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int listener = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path));
	const mode_t before = umask(0177);
	const bool bound = listener >= 0 &&
			   bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0 &&
			   listen(listener, 1) == 0;
	umask(before);
	return bound ? listener : -1;
}
