/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file chain.h
 * One buffer of a driver's: pieces of guest memory, first those that the device reads, then those that
 * it writes. Addresses are checked; the contents are the guest's, who may change them at any time:
 * whatever is decided on is copied out once, with virtio_read().
 */
#ifndef VMM_DEV_VIRTIO_CHAIN_H
#define VMM_DEV_VIRTIO_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VIRTIO_SEGMENTS 256u

/** Guest memory as a device sees it. */
struct virtio_memory {
	/** @return where [address, +size) is in the VMM, or NULL where it isn't all memory of the
	 *  guest's (`write`: that it may write itself) in one piece. */
	void *(*at)(void *ctx, uint64_t address, uint64_t size, bool write);
	void *ctx;
};

struct virtio_segment {
	uint8_t *data;
	uint32_t size;
};

/** A buffer taken from a queue, to be given back by virtq_put(). */
struct virtio_chain {
	uint16_t id;	/**< how the driver knows it */
	uint16_t slots; /**< packed ring: descriptors that it takes in the ring */
	uint16_t out;	/**< segments that the device reads: [0, out) */
	uint16_t count; /**< [out, count) are those that it writes */
	uint32_t out_size, in_size;
	/* How far virtio_read() and virtio_write() are. */
	uint16_t out_at, in_at;
	uint32_t out_offset, in_offset;
	uint32_t written;
	struct virtio_segment segment[VIRTIO_SEGMENTS];
};

/** An empty chain. */
void virtio_chain_start(struct virtio_chain *chain);
/** One more segment. @return false where it breaks a rule of 2.7.4 or isn't in guest memory. */
bool virtio_chain_add(struct virtio_chain *chain, const struct virtio_memory *memory,
		      uint64_t address, uint32_t size, bool write);
/** Copy the next bytes that the driver gave out of guest memory. @return how many there were. */
size_t virtio_read(struct virtio_chain *chain, void *to, size_t size);
/** Copy into the next bytes that the device may write. @return for how many there was room. */
size_t virtio_write(struct virtio_chain *chain, const void *from, size_t size);
/** Write the very last byte that the device may write, where a status is expected. */
void virtio_write_last(struct virtio_chain *chain, uint8_t value);

/** Bytes that virtio_read() has not read yet. */
uint32_t virtio_left(const struct virtio_chain *chain);
/** Bytes that virtio_write() could still write. */
uint32_t virtio_room(const struct virtio_chain *chain);

#endif
