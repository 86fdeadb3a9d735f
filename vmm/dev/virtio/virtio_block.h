/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file virtio_block.h
 * Disk (VIRTIO 1.2, 5.2) over an image in memory, which is never written: what the guest writes goes
 * into an overlay, or is refused. Which sectors the overlay has is kept as a bit each.
 */
#ifndef VMM_DEV_VIRTIO_VIRTIO_BLOCK_H
#define VMM_DEV_VIRTIO_VIRTIO_BLOCK_H

#include "vmm/dev/virtio/virtio.h"

#define VIRTIO_BLOCK_SECTOR 512u
#define VIRTIO_BLOCK_ID	    20u

/** Features (5.2.3), by bit. */
#define VIRTIO_BLOCK_F_SEG_MAX	2u
#define VIRTIO_BLOCK_F_RO	5u
#define VIRTIO_BLOCK_F_BLK_SIZE 6u
#define VIRTIO_BLOCK_F_FLUSH	9u

/** Request types (5.2.6). */
enum virtio_block_type {
	VIRTIO_BLOCK_IN = 0,
	VIRTIO_BLOCK_OUT = 1,
	VIRTIO_BLOCK_FLUSH = 4,
	VIRTIO_BLOCK_GET_ID = 8,
	VIRTIO_BLOCK_DISCARD = 11,
	VIRTIO_BLOCK_WRITE_ZEROES = 13,
};

/** What the last byte of a request says; _LATER: nothing yet. */
enum virtio_block_status { VIRTIO_BLOCK_OK, VIRTIO_BLOCK_IOERR, VIRTIO_BLOCK_UNSUPP, VIRTIO_BLOCK_LATER };

struct virtio_block_header {
	uint32_t type, reserved;
	uint64_t sector;
};

/** A disk that isn't in memory: whole sectors come and go by calls. They return false where they failed. */
struct virtio_block_store {
	bool (*read)(void *ctx, uint64_t where, void *to, size_t size);
	bool (*write)(void *ctx, uint64_t where, const void *from, size_t size); /**< NULL: read-only */
	/** VIRTIO_BLOCK_LATER: virtio_block_flushed() will tell. */
	enum virtio_block_status (*flush)(void *ctx);
	void *ctx;
	uint8_t *buffer; /**< for data on their way, page-aligned */
	size_t buffer_size;
};

/** What it has done; those that failed are in `failed` alone. */
struct virtio_block_counters {
	uint64_t reads, writes, flushes, others, failed;
	uint64_t bytes_read, bytes_written;
};

struct virtio_block {
	struct virtio_device dev;
	struct virtio_block_store store; /**< read() is NULL: the image is in memory */
	const uint8_t *image;
	uint64_t size; /**< of the image; the disk's last sector is filled up with zeros */
	uint64_t sectors;
	uint8_t *overlay; /**< the disk's size; NULL: read-only */
	uint8_t *written; /**< bit n % 8 of byte n / 8: sector n is in the overlay */
	char id[VIRTIO_BLOCK_ID];
	struct virtio_block_counters count;
};

/** Bytes that an overlay for an image of this size needs. */
uint64_t virtio_block_overlay_size(uint64_t image);
/**
 * @param id serial number that the guest reads: its first 20 bytes count.
 * @param overlay memory of virtio_block_overlay_size(), whatever is in it; NULL: read-only.
 */
void virtio_block_init(struct virtio_block *block, struct timer_queue *timers, const void *image,
		       uint64_t size, const char *id, void *overlay);
/** The same with a disk that isn't in memory; its last sector is whole. */
void virtio_block_init_store(struct virtio_block *block, struct timer_queue *timers,
			     const struct virtio_block_store *store, uint64_t size, const char *id);

/** The flush that was to be done later is done, or has failed. Nothing where none is waited for. */
void virtio_block_flushed(struct virtio_block *block, bool ok);

#endif
