/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file virtio_net.h
 * Network card (VIRTIO 1.2, 5.1) with one pair of queues and no offloads. What it is plugged into is a
 * struct net_port.
 */
#ifndef VMM_DEV_VIRTIO_VIRTIO_NET_H
#define VMM_DEV_VIRTIO_VIRTIO_NET_H

#include "vmm/dev/virtio/virtio.h"

/** Ethernet frame without checksum, with a VLAN tag. */
#define NET_FRAME_MAX 1518u
#define NET_FRAME_MIN 14u

/* Queues (5.1.2). */
#define VIRTIO_NET_RECEIVE  0u
#define VIRTIO_NET_TRANSMIT 1u

/** Features (5.1.3), by bit. */
#define VIRTIO_NET_F_MAC    5u
#define VIRTIO_NET_F_STATUS 16u

/** 5.1.6: before each frame. */
struct virtio_net_header {
	uint8_t flags, gso_type;
	uint16_t header_length, gso_size;
	uint16_t checksum_start, checksum_offset;
	uint16_t buffers;
};

/** The other end of the cable; each function may be NULL. */
struct net_port {
	/** A frame of the guest's. @return false: it couldn't be taken, and is lost */
	bool (*send)(void *ctx, const void *frame, size_t size);
	/** No more frames come now: a good moment to tell the other side. */
	void (*sent)(void *ctx);
	/** The guest has room for frames, after virtio_net_receive() was refused or a reset. */
	void (*room)(void *ctx);
	/** @return frames for the guest that were lost before they came to the card */
	uint64_t (*lost)(void *ctx);
	void *ctx;
};

struct virtio_net {
	struct virtio_device dev;
	struct net_port port;
	uint8_t mac[6];
	uint64_t frames_out, frames_in, bytes_out, bytes_in;
	uint64_t dropped_out, dropped_in; /**< here; the port may have lost more */
	uint8_t frame[NET_FRAME_MAX];
};

void virtio_net_init(struct virtio_net *net, struct timer_queue *timers, const uint8_t mac[6]);
/** A frame for the guest. @return false where the guest has no room; port.room() tells when it has. */
bool virtio_net_receive(struct virtio_net *net, const void *frame, size_t size);
/** Plug the cable in or out; it is in at the start. */
void virtio_net_link(struct virtio_net *net, bool up);

#endif
