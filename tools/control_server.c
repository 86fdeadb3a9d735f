/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server of a machine's control socket: one thread for all who connect, which waits for nobody.
 *
 * @req TOOL-142 A client of the control socket that sends anything, sends half a request, never reads or comes with
 *               many others holds up neither the machine nor other clients: buffers and clients are limited, the one
 *               that has been silent for the longest time goes for a new one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tools/control.h"
#include "tools/relay.h"
#include "tools/util.h"

#define CLIENTS 8
/** Who takes nothing of his answer for so long is let go. */
#define PATIENCE_MS 5000

struct client {
	int fd; /**< -1: nobody */
	bool skipping; /**< the rest of a line that was too long */
	uint64_t active_ms; /**< when something came or went */
	size_t have;	    /**< bytes in `line` */
	char line[CONTROL_LINE];
	struct control_reply reply; /**< on its way; data NULL: none */
	size_t sent;
};

static struct {
	int listener;
	const struct control_machine *machine;
	struct client client[CLIENTS];
} server;

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void forget(struct client *client)
{
	free(client->reply.data);
	client->reply = (struct control_reply){.data = NULL};
	client->fd = -1;
	client->have = 0;
	client->skipping = false;
}

static void let_go(struct client *client)
{
	close(client->fd);
	forget(client);
}

/* ---- answers ---- */

/** All has been said that stands before it: what he types from now on is for the console. */
static void to_console(struct client *client)
{
	if (server.machine->operations->console_attach(client->fd) == NULL)
		forget(client);
	else
		let_go(client);
}

static void reply_send(struct client *client)
{
	struct control_reply *reply = &client->reply;
	const ssize_t n = send(client->fd, reply->data + client->sent, reply->size - client->sent,
			       MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		let_go(client);
		return;
	}
	if (n <= 0)
		return;
	client->active_ms = now_ms();
	client->sent += (size_t)n;
	if (client->sent < reply->size)
		return;
	free(reply->data);
	reply->data = NULL;
	if (reply->console)
		to_console(client);
}

static bool busy(void)
{
	for (int i = 0; i < CLIENTS; i++)
		if (server.client[i].reply.data != NULL && server.client[i].reply.large)
			return true;
	return false;
}

static void answer(struct client *client)
{
	client->sent = 0;
	if (client->reply.data != NULL)
		reply_send(client);
	else
		let_go(client); /* no memory for an answer */
}

/* ---- requests ---- */

/** The next whole line, while nothing is on its way to him. @return false: there is none */
static bool take_line(struct client *client)
{
	const char *end = memchr(client->line, '\n', client->have);

	if (end == NULL)
		return false;
	const size_t size = (size_t)(end - client->line);
	if (client->skipping)
		control_too_long(&client->reply);
	else
		control_request(server.machine, client->line, size, busy(), &client->reply);
	client->skipping = false;
	client->have -= size + 1;
	memmove(client->line, end + 1, client->have);
	answer(client);
	return true;
}

static void take_lines(struct client *client)
{
	while (client->fd >= 0 && client->reply.data == NULL && take_line(client))
		;
	if (client->fd < 0 || client->have < sizeof(client->line) || client->reply.data != NULL)
		return;
	client->skipping = true;
	client->have = 0;
}

static void read_from(struct client *client)
{
	const ssize_t n = recv(client->fd, client->line + client->have, sizeof(client->line) - client->have,
			       MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		let_go(client);
		return;
	}
	if (n < 0)
		return;
	client->active_ms = now_ms();
	client->have += (size_t)n;
	take_lines(client);
}

/* ---- clients ---- */

static struct client *place_for_one(void)
{
	struct client *oldest = &server.client[0];

	for (int i = 0; i < CLIENTS; i++) {
		struct client *client = &server.client[i];
		if (client->fd < 0)
			return client;
		if (client->active_ms < oldest->active_ms)
			oldest = client;
	}
	let_go(oldest);
	return oldest;
}

static void accept_one(void)
{
	const int fd = accept4(server.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	struct client *client = place_for_one();
	client->fd = fd;
	client->active_ms = now_ms();
}

/** @return how long to wait at most, in ms: -1 for ever */
static int look_at(struct pollfd look[CLIENTS + 1])
{
	int limit = -1;

	look[CLIENTS] = (struct pollfd){.fd = server.listener, .events = POLLIN};
	for (int i = 0; i < CLIENTS; i++) {
		const struct client *client = &server.client[i];
		const bool sending = client->reply.data != NULL;
		look[i] = (struct pollfd){.fd = client->fd, .events = sending ? POLLOUT : POLLIN};
		if (client->fd >= 0 && sending)
			limit = PATIENCE_MS / 5;
	}
	return limit;
}

static void serve_one(struct client *client, short events)
{
	if (client->reply.data != NULL) {
		if (events != 0)
			reply_send(client);
		else if (now_ms() - client->active_ms > PATIENCE_MS)
			let_go(client);
		if (client->fd >= 0)
			take_lines(client);
	} else if (events != 0) {
		read_from(client);
	}
}

static void *serve(void *arg)
{
	struct pollfd look[CLIENTS + 1];

	(void)arg;
	if (!hypike_vmm_confine(HYPIKE_VMM_CONTROL))
		return NULL; /* then there is no control */
	for (;;) {
		const int limit = look_at(look);
		if (poll(look, CLIENTS + 1, limit) < 0)
			continue;
		for (int i = 0; i < CLIENTS; i++)
			if (server.client[i].fd >= 0)
				serve_one(&server.client[i], look[i].revents);
		if (look[CLIENTS].revents != 0)
			accept_one();
	}
}

bool control_serve(int listener, const struct control_machine *machine)
{
	server.listener = listener;
	server.machine = machine;
	for (int i = 0; i < CLIENTS; i++)
		forget(&server.client[i]);
	json_object_seed(0); /* which reads /dev/urandom: the thread may not */
	return thread_start(serve, NULL) || report("the control socket: %s", strerror(errno));
}
