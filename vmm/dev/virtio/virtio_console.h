/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file virtio_console.h
 * Console with one port (VIRTIO 1.2, 5.3): a stream of bytes each way, as a serial line.
 */
#ifndef VMM_DEV_VIRTIO_VIRTIO_CONSOLE_H
#define VMM_DEV_VIRTIO_VIRTIO_CONSOLE_H

#include "vmm/dev/virtio/virtio.h"

#define VIRTIO_CONSOLE_KEYS 64u

/* Queues (5.3.2). */
#define VIRTIO_CONSOLE_RECEIVE	0u
#define VIRTIO_CONSOLE_TRANSMIT 1u

/** Features (5.3.3), by bit. */
#define VIRTIO_CONSOLE_F_EMERG_WRITE 2u

struct virtio_console {
	struct virtio_device dev;
	struct byte_sink out;
	struct command room; /**< given when bytes have been taken: more may come */
	uint64_t sent, received; /**< bytes by the guest, and for it */
	uint8_t first, count;
	uint8_t key[VIRTIO_CONSOLE_KEYS]; /**< that the driver has no buffer for yet */
};

void virtio_console_init(struct virtio_console *console, struct timer_queue *timers);
/** Is a driver there? */
bool virtio_console_open(const struct virtio_console *console);
/** Bytes that virtio_console_receive() would take now. */
unsigned int virtio_console_room(const struct virtio_console *console);
/** A byte for the guest. One for which there is no room is lost. */
void virtio_console_receive(struct virtio_console *console, uint8_t byte);

#endif
