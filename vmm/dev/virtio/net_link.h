/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file net_link.h
 * The cable of a virtio network card: two rings of frames in memory shared with a switch, or with
 * another card.
 */
#ifndef VMM_DEV_VIRTIO_NET_LINK_H
#define VMM_DEV_VIRTIO_NET_LINK_H

#include "lib/frame_ring.h"
#include "vmm/dev/virtio/virtio_net.h"

struct net_link {
	struct virtio_net *net;
	struct frame_ring out, in;
	struct timer again; /**< to go on with what was too much at once */
	void (*notify)(void *ctx); /**< tell the other end */
	void *ctx;
	size_t size;	   /**< of a frame that the guest has no room for yet; 0: none */
	uint8_t frame[FRAME_MAX];
};

/** Plug a card into an end of a cable. @return false where the memory is too small for one. */
bool net_link_init(struct net_link *link, struct virtio_net *net, struct timer_queue *timers,
		   void *memory, size_t size, enum frame_side side);
/** The other end has notified this one. */
void net_link_ring(struct net_link *link);

#endif
