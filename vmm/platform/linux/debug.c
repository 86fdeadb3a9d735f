/* SPDX-License-Identifier: BSD-2-Clause */
/* The debugger's channel: a listening socket, and who has connected to it, one at a time. */
#define _GNU_SOURCE
#include <errno.h>
#include <hypike/vmm.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vmm/platform.h"
#include "vmm/platform/linux/events.h"
#include "vmm/platform/linux/linux.h"

/** What a debugger says that lets go of its target, said for one that has gone; an end before it. */
static const char detach[] = "#$D#44";

static struct {
	int listener, client;
	size_t owed; /**< of `detach`, bytes that are still to be read */
} channel = {.listener = -1, .client = -1};

void hypike_vmm_debugger(int listener)
{
	channel.listener = listener;
}

int linux_debug_listener(void)
{
	return channel.listener;
}

static void end_client(void)
{
	close(channel.client);
	channel.client = -1;
	channel.owed = sizeof(detach) - 1;
}

static bool accept_client(void)
{
	const int on = 1;

	if (channel.listener < 0)
		return false;
	channel.client = accept4(channel.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (channel.client < 0)
		return false;
	/* Of no use to a UNIX socket, where it fails. */
	setsockopt(channel.client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	events_debug_watch(channel.client);
	return true;
}

static size_t take_owed(void *bytes, size_t size)
{
	const size_t n = size < channel.owed ? size : channel.owed;

	memcpy(bytes, detach + sizeof(detach) - 1 - channel.owed, n);
	channel.owed -= n;
	return n;
}

size_t platform_debug_read(void *bytes, size_t size)
{
	for (;;) {
		if (channel.owed > 0)
			return take_owed(bytes, size);
		if (channel.client < 0 && !accept_client())
			return 0;
		const ssize_t n = recv(channel.client, bytes, size, 0);
		if (n > 0)
			return (size_t)n;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return 0;
		end_client();
	}
}

/** It asks for one thing after the other: who doesn't read for a second is gone. */
#define PATIENCE_MS 1000

void platform_debug_write(const void *bytes, size_t size)
{
	const char *from = bytes;

	while (size > 0 && channel.client >= 0) {
		struct pollfd room = {.fd = channel.client, .events = POLLOUT};
		const ssize_t n = send(channel.client, from, size, MSG_NOSIGNAL);
		if (n > 0) {
			from += n;
			size -= (size_t)n;
		} else if (errno != EINTR &&
			   (errno != EAGAIN || poll(&room, 1, PATIENCE_MS) <= 0)) {
			shutdown(channel.client, SHUT_RDWR); /* read finds its end */
			return;
		}
	}
}
