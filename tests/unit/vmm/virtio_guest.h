/* SPDX-License-Identifier: BSD-2-Clause */
/** @file virtio_guest.h A driver for one virtio device without a bus, for tests of kinds of devices. */
#ifndef TESTS_UNIT_VMM_VIRTIO_GUEST_H
#define TESTS_UNIT_VMM_VIRTIO_GUEST_H

#include "tests/unit/vmm/bench.h"
#include "tests/unit/vmm/virtio_driver.h"
#include "vmm/dev/virtio/virtio.h"

/** Guest memory for data: below are the queues. */
#define VGUEST_DATA 0x40000u

struct vguest {
	struct virtio_device *dev;
	struct bench *bench;
	struct vdriver queue[VIRTIO_QUEUES];
	unsigned int interrupts[VIRTIO_QUEUES];
	unsigned int config_interrupts;
	uint64_t at; /**< next free byte of data */
};

#define VGUEST_FEATURES                                                                            \
	(VIRTIO_BIT(VIRTIO_F_VERSION_1) | VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC) |                     \
	 VIRTIO_BIT(VIRTIO_F_EVENT_IDX))

/** Bring a device up, to DRIVER_OK, with these features and queues of 16. */
void vguest_start(struct vguest *guest, struct bench *bench, struct virtio_device *dev,
		  uint64_t features);
/** A buffer: `size` bytes of `out`, then room for `in`, in pieces of `piece` bytes. @return its id. */
int vguest_add(struct vguest *guest, unsigned int queue, const void *out, uint32_t size, uint32_t in,
	       uint32_t piece);
/** Publish, and notify where the device wants it. */
void vguest_kick(struct vguest *guest, unsigned int queue);
/** The next used buffer. @return bytes written, -1: there is none. */
int64_t vguest_used(struct vguest *guest, unsigned int queue);
/** Where the room of the buffer that was added last is. */
extern uint8_t *vguest_room;
/** All of it: add, kick, take back. */
int64_t vguest_request(struct vguest *guest, unsigned int queue, const void *out, uint32_t size,
		       uint32_t in, uint32_t piece);

#endif
