/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE
#include "tools/slirp.h"

#include <errno.h>
#include <fcntl.h>
#include <hypike/vmm.h>
#include <poll.h>
#include <slirp/libslirp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tools/relay.h"

#define FDS    256u
#define TIMERS 8u
#define FRAME  2048u

/* One network. libslirp is one thread's alone. */
static struct {
	Slirp *slirp;
	int machine;
	struct pollfd fd[FDS];
	unsigned count;
	struct timer {
		SlirpTimerCb fire;
		void *arg;
		int64_t at; /* in ms; -1: not armed */
		bool used;
	} timer[TIMERS];
} net;

static int64_t now_ns(void *ctx)
{
	struct timespec now;

	(void)ctx;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The machine's thread may not have had its turn: give it some time, before the frame is lost. */
static ssize_t to_machine(const void *frame, size_t size, void *ctx)
{
	(void)ctx;
	return relay_frame(net.machine, frame, size);
}

/* A guest's misbehaviour is its own affair. */
static void guest_error(const char *text, void *ctx)
{
	(void)text;
	(void)ctx;
}

static void *timer_new(SlirpTimerCb fire, void *arg, void *ctx)
{
	(void)ctx;
	for (unsigned i = 0; i < TIMERS; i++) {
		if (!net.timer[i].used) {
			net.timer[i] = (struct timer){fire, arg, -1, true};
			return &net.timer[i];
		}
	}
	abort();
}

static void timer_free(void *timer, void *ctx)
{
	(void)ctx;
	((struct timer *)timer)->used = false;
}

static void timer_mod(void *timer, int64_t ms, void *ctx)
{
	(void)ctx;
	((struct timer *)timer)->at = ms;
}

static void ignore_fd(int fd, void *ctx)
{
	(void)fd;
	(void)ctx;
}

/* Only ever called from where the loop goes on by itself. */
static void notify(void *ctx)
{
	(void)ctx;
}

static int add_fd(int fd, int events, void *ctx)
{
	short wanted = 0;

	(void)ctx;
	if (net.count == FDS)
		return -1;
	if (events & SLIRP_POLL_IN)
		wanted |= POLLIN;
	if (events & SLIRP_POLL_OUT)
		wanted |= POLLOUT;
	if (events & SLIRP_POLL_PRI)
		wanted |= POLLPRI;
	net.fd[net.count] = (struct pollfd){.fd = fd, .events = wanted};
	return (int)net.count++;
}

static int fd_events(int index, void *ctx)
{
	const short seen = index >= 0 ? net.fd[index].revents : 0;

	(void)ctx;
	return (seen & POLLIN ? SLIRP_POLL_IN : 0) | (seen & POLLOUT ? SLIRP_POLL_OUT : 0) |
	       (seen & POLLPRI ? SLIRP_POLL_PRI : 0) | (seen & POLLERR ? SLIRP_POLL_ERR : 0) |
	       (seen & POLLHUP ? SLIRP_POLL_HUP : 0);
}

static void run_timers(void)
{
	const int64_t now = now_ns(NULL) / 1000000;

	for (unsigned i = 0; i < TIMERS; i++) {
		if (net.timer[i].used && net.timer[i].at >= 0 && net.timer[i].at <= now) {
			net.timer[i].at = -1;
			net.timer[i].fire(net.timer[i].arg);
		}
	}
}

/* @return false: the machine is gone. */
static bool from_machine(void)
{
	uint8_t frame[FRAME];
	ssize_t size;

	while ((size = read(net.machine, frame, sizeof(frame))) > 0)
		slirp_input(net.slirp, frame, (int)size);
	return size < 0 && (errno == EAGAIN || errno == EINTR);
}

static void *slirp_main(void *arg)
{
	(void)arg;
	hypike_vmm_confine(HYPIKE_VMM_INTERNET);
	for (;;) {
		uint32_t timeout = 1000;

		net.fd[0] = (struct pollfd){.fd = net.machine, .events = POLLIN};
		net.count = 1;
		slirp_pollfds_fill(net.slirp, &timeout, add_fd, NULL);
		const int found = poll(net.fd, net.count, (int)timeout);
		slirp_pollfds_poll(net.slirp, found < 0, fd_events, NULL);
		run_timers();
		if (net.fd[0].revents && !from_machine())
			return NULL;
	}
}

static struct in_addr address(const char *text)
{
	struct in_addr number = {0};

	inet_pton(AF_INET, text, &number);
	return number;
}

static bool add_forward(const char *text)
{
	char kind[4];
	unsigned host, guest;
	int end = 0;

	if (sscanf(text, "%3[a-z]:%5u:%5u%n", kind, &host, &guest, &end) != 3 || text[end] != '\0' ||
	    (strcmp(kind, "tcp") != 0 && strcmp(kind, "udp") != 0) || host > 65535 || guest > 65535) {
		errno = EINVAL;
		return report("forward=%s: not tcp:PORT:PORT or udp:PORT:PORT", text);
	}
	if (slirp_add_hostfwd(net.slirp, kind[0] == 'u', address("127.0.0.1"), (int)host,
			      address("10.0.2.15"), (int)guest) == 0)
		return true;
	return report("forward=%s: port %u of this computer: %s", text, host, strerror(errno));
}

static bool make_slirp(void)
{
	static const SlirpCb callbacks = {
		.send_packet = to_machine,
		.guest_error = guest_error,
		.clock_get_ns = now_ns,
		.timer_new = timer_new,
		.timer_free = timer_free,
		.timer_mod = timer_mod,
		.register_poll_fd = ignore_fd,
		.unregister_poll_fd = ignore_fd,
		.notify = notify,
	};
	const SlirpConfig config = {
		.version = 1,
		.in_enabled = true,
		.vnetwork = address("10.0.2.0"),
		.vnetmask = address("255.255.255.0"),
		.vhost = address("10.0.2.2"),
		.vdhcp_start = address("10.0.2.15"),
		.vnameserver = address("10.0.2.3"),
	};

	net.slirp = slirp_new(&config, &callbacks, NULL);
	return net.slirp != NULL;
}

int slirp_start(const struct strings *forward)
{
	int ends[2];

	if (net.slirp != NULL) {
		errno = EBUSY; /* one is enough: it is the same network */
		return -1;
	}
	if (!make_slirp() || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
		return -1;
	net.machine = ends[0];
	for (size_t i = 0; i < forward->count; i++)
		if (!add_forward(forward->item[i]))
			return -1;
	return thread_start(slirp_main, NULL) ? ends[1] : -1;
}
