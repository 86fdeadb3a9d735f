/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Networks of a VM: a cable (lib/frame_ring.h) whose other end is a descriptor that takes and gives a frame at a
 * time, a TAP interface or a socket that keeps messages apart. A thread for each passes frames on. What the
 * guest sends waits in the cable until the descriptor takes it; what the guest has no room for is lost, as on
 * a real cable.
 *
 * @req VMM-607 A card's frames go to the descriptor that it was given, and those from there to the guest. A
 *              descriptor that takes no more for now loses none.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <hypike/vmm.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/frame_ring.h"
#include "vmm/platform.h"
#include "vmm/platform/linux/events.h"
#include "vmm/platform/linux/linux.h"

#define NETS	    4u
#define CABLE_BYTES (UINT64_C(2) << 20)
/** Frames in one direction before the other has its turn. */
#define BATCH 64u

struct net {
	char *name;
	int fd;	    /**< the world's end */
	int kicked; /**< written where the guest has sent */
	int signal; /**< to be written where there is something for the guest */
	void *memory;
	struct frame_ring out, in; /**< to the guest, from it */
	bool started;
	uint8_t frame[FRAME_MAX]; /**< of the guest's, that the descriptor doesn't take yet */
	size_t size;		  /**< 0: there is none */
};

static struct net nets[NETS];
static uint32_t net_count;

const char *hypike_vmm_net(const char *name, int fd)
{
	struct net *net = &nets[net_count];

	if (net_count == NETS)
		return "too many networks";
	*net = (struct net){.fd = fd, .signal = -1};
	net->kicked = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	net->memory = mmap(NULL, CABLE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);
	net->name = strdup(name);
	if (net->kicked < 0 || net->memory == MAP_FAILED || !net->name)
		return strerror(ENOMEM);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	frame_cable(&net->out, &net->in, net->memory, CABLE_BYTES, FRAME_SIDE_B);
	net_count++;
	return NULL;
}

static void tell(int fd)
{
	const uint64_t one = 1;

	while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

/** @return true where there may be more. */
static bool from_world(struct net *net, bool *open)
{
	uint8_t frame[FRAME_SLOT];
	unsigned int n = 0;

	while (n < BATCH) {
		const ssize_t size = read(net->fd, frame, sizeof(frame));
		if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR))
			*open = false; /* nobody will ever be there again */
		if (size <= 0)
			break;
		frame_put(&net->out, frame, (size_t)size);
		n++;
	}
	if (n > 0 && frame_tell(&net->out))
		tell(net->signal);
	return n == BATCH;
}

/** @return false where the frame has to wait. One that the descriptor refuses for good is lost. */
static bool to_world(struct net *net)
{
	ssize_t done;

	do
		done = write(net->fd, net->frame, net->size);
	while (done < 0 && errno == EINTR);
	if (done < 0 && errno == EAGAIN)
		return false;
	net->size = 0;
	return true;
}

/** @return true where there may be more, and nothing waits. */
static bool from_guest(struct net *net)
{
	for (unsigned int n = 0; n < BATCH; n++) {
		if (net->size == 0)
			net->size = frame_get(&net->in, net->frame);
		if (net->size == 0)
			return !frame_sleep(&net->in);
		if (!to_world(net))
			return false;
	}
	return true;
}

static short world_events(const struct net *net)
{
	return net->size > 0 ? POLLIN | POLLOUT : POLLIN;
}

static __attribute__((noreturn)) void *net_main(void *arg)
{
	struct net *net = arg;
	bool open = true, more = true;
	uint64_t count;

	hypike_vmm_confine(HYPIKE_VMM_CABLE);
	for (;;) {
		struct pollfd look[] = {{.fd = net->kicked, .events = POLLIN},
					{.fd = open ? net->fd : -1, .events = world_events(net)}};
		if (poll(look, 2, more ? 0 : -1) < 0)
			continue;
		if (look[0].revents && read(net->kicked, &count, sizeof(count)) < 0)
			continue;
		more = from_guest(net);
		if (look[1].revents & ~POLLOUT)
			more |= from_world(net, &open);
	}
}

/* ------------------------------------------------------------------------------------- for the VMM */

bool platform_region(const char *name, struct platform_region *region)
{
	for (uint32_t i = 0; i < net_count; i++) {
		if (strcmp(nets[i].name, name) == 0) {
			*region = (struct platform_region){nets[i].memory, CABLE_BYTES, i};
			return true;
		}
	}
	return false;
}

hv_status_t platform_region_bind(const struct platform_region *region, uint8_t signal)
{
	struct net *net = &nets[region->number];

	if (region->number >= net_count)
		return HV_E_NOENT;
	net->signal = events_signal_fd(signal);
	if (net->signal < 0)
		return HV_E_NOMEM;
	if (net->started)
		return HV_OK;
	net->started = linux_thread("net", net_main, net) == 0;
	return net->started ? HV_OK : HV_E_NOMEM;
}

void platform_region_notify(const struct platform_region *region)
{
	if (region->number < net_count)
		tell(nets[region->number].kicked);
}
