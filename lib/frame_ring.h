/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file frame_ring.h
 * Frames of a network from one program to another through memory that both can write: a ring of slots
 * with one producer and one consumer, neither of whom trusts the other. What counts is kept by each
 * side for itself; what stands in the memory is the other's word for it, read once and checked.
 *
 * A cable is two rings in one region: frame_cable() divides it.
 */
#ifndef LIB_FRAME_RING_H
#define LIB_FRAME_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_MIN 14u	/**< Ethernet header */
#define FRAME_MAX 1518u /**< with a VLAN tag, without checksum */

/** At the start of a ring; the indices are in cache lines of their own, and count modulo 2 * slots. */
struct frame_ring_head {
	uint32_t head; /**< the producer's: slots filled so far */
	uint32_t lost; /**< the producer's: frames that were not put in */
	uint8_t pad1[56];
	uint32_t tail;	 /**< the consumer's: slots emptied so far */
	uint32_t asleep; /**< the consumer's: 1: wants to be told of the next frame */
	uint8_t pad2[56];
};

#define FRAME_SLOT 2048u

struct frame_slot {
	uint32_t size;
	uint8_t data[FRAME_SLOT - 4];
};

/** One side's view of a ring. */
struct frame_ring {
	struct frame_ring_head *shared;
	struct frame_slot *slot;
	uint32_t slots;
	uint32_t own;	 /**< this side's index */
	uint64_t broken; /**< times that the other side's index made no sense */
};

enum frame_side { FRAME_SIDE_A = 0, FRAME_SIDE_B = 1 };

/** Become the producer or the consumer of the ring in [memory, +size), page-aligned. It goes on where
 *  the memory says (zeroed at first). @return false: too small. */
bool frame_producer_init(struct frame_ring *ring, void *memory, size_t size);
bool frame_consumer_init(struct frame_ring *ring, void *memory, size_t size);
/** Both rings of a cable's end; side A sends in the first half. @return false: too small. */
bool frame_cable(struct frame_ring *out, struct frame_ring *in, void *memory, size_t size,
		 enum frame_side side);

/** Put a frame of FRAME_MIN to FRAME_MAX bytes in. @return false: no room, or another size. */
bool frame_put(struct frame_ring *ring, const void *frame, size_t size);
/** What the other side says of frames that it had no room for; modulo 2^32. */
uint32_t frame_lost(const struct frame_ring *ring);
/** Does the consumer want to be told? Asked once after frames were put. */
bool frame_tell(struct frame_ring *ring);

/** Copy the oldest frame out. @return its size; 0: there is none. One that makes no sense is dropped. */
size_t frame_get(struct frame_ring *ring, void *frame);
/** The consumer wants to be told of the next frame. @return false: there is one already. */
bool frame_sleep(struct frame_ring *ring);

#endif
