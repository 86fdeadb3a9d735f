/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/dev/virtio/net_link.h"

#include "vmm/platform.h"

/** Frames that are taken before others get their turn. */
#define BUDGET	 64u
#define PAUSE_NS UINT64_C(1000)

_Static_assert(FRAME_MAX == NET_FRAME_MAX && FRAME_MIN == NET_FRAME_MIN, "one idea of a frame");

static bool send(void *ctx, const void *frame, size_t size)
{
	return frame_put(&((struct net_link *)ctx)->out, frame, size);
}

static void sent(void *ctx)
{
	struct net_link *link = ctx;

	if (link->notify && frame_tell(&link->out))
		link->notify(link->ctx);
}

/** Frames to the guest while it has room. */
static void pump(struct net_link *link)
{
	for (unsigned int n = 0; n < BUDGET; n++) {
		if (link->size == 0)
			link->size = frame_get(&link->in, link->frame);
		if (link->size == 0 && frame_sleep(&link->in))
			return;
		if (link->size == 0)
			continue;
		if (!virtio_net_receive(link->net, link->frame, link->size))
			return; /* the guest's room() goes on */
		link->size = 0;
	}
	timer_arm(&link->again, platform_time() + PAUSE_NS);
}

static void again_fire(struct timer *timer)
{
	pump((struct net_link *)(void *)((char *)timer - offsetof(struct net_link, again)));
}

static void room(void *ctx)
{
	pump(ctx);
}

static uint64_t lost(void *ctx)
{
	return frame_lost(&((struct net_link *)ctx)->in);
}

void net_link_ring(struct net_link *link)
{
	pump(link);
}

bool net_link_init(struct net_link *link, struct virtio_net *net, struct timer_queue *timers,
		   void *memory, size_t size, enum frame_side side)
{
	*link = (struct net_link){.net = net};
	if (!frame_cable(&link->out, &link->in, memory, size, side))
		return false;
	timer_init(&link->again, timers, again_fire);
	net->port = (struct net_port){send, sent, room, lost, link};
	return true;
}
