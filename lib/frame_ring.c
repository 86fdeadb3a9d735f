/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * @req LIB-040 A ring of frames in shared memory is safe against a peer that writes anything to it at any
 *              time: no access outside of it, no frame of an impossible size, no endless loop.
 */
#include "lib/frame_ring.h"

#include "lib/string.h"

#define PAGE 4096u

_Static_assert(sizeof(struct frame_ring_head) == 128, "layout");
_Static_assert(sizeof(struct frame_slot) == FRAME_SLOT, "layout");

static uint32_t load(const uint32_t *at)
{
	return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}

static void store(uint32_t *at, uint32_t value)
{
	__atomic_store_n(at, value, __ATOMIC_RELEASE);
}

/** The head takes the place of a first slot. */
static bool init(struct frame_ring *ring, void *memory, size_t size)
{
	if (size / FRAME_SLOT < 2 || size / FRAME_SLOT > UINT32_MAX / 4)
		return false;
	*ring = (struct frame_ring){.shared = memory,
				    .slot = (struct frame_slot *)memory + 1,
				    .slots = (uint32_t)(size / FRAME_SLOT) - 1};
	return true;
}

/** Where this side was, if it says so sensibly. */
static uint32_t resume(const struct frame_ring *ring, uint32_t index)
{
	return index < 2 * ring->slots ? index : 0;
}

bool frame_producer_init(struct frame_ring *ring, void *memory, size_t size)
{
	if (!init(ring, memory, size))
		return false;
	ring->own = resume(ring, load(&ring->shared->head));
	store(&ring->shared->head, ring->own);
	return true;
}

bool frame_consumer_init(struct frame_ring *ring, void *memory, size_t size)
{
	if (!init(ring, memory, size))
		return false;
	ring->own = resume(ring, load(&ring->shared->tail));
	store(&ring->shared->tail, ring->own);
	store(&ring->shared->asleep, 1);
	return true;
}

bool frame_cable(struct frame_ring *out, struct frame_ring *in, void *memory, size_t size,
		 enum frame_side side)
{
	const size_t half = size / 2 / PAGE * PAGE;
	uint8_t *first = memory, *second = first + half;

	return frame_producer_init(out, side == FRAME_SIDE_A ? first : second, half) &&
	       frame_consumer_init(in, side == FRAME_SIDE_A ? second : first, half);
}

/** Slots between the consumer's index and the producer's, of which one is the peer's word.
 *  @return more than ring->slots where that makes no sense. */
static uint32_t filled(const struct frame_ring *ring, uint32_t head, uint32_t tail)
{
	const uint32_t round = 2 * ring->slots;

	if (head >= round || tail >= round)
		return UINT32_MAX;
	return head >= tail ? head - tail : head + round - tail;
}

static struct frame_slot *slot_at(const struct frame_ring *ring)
{
	return &ring->slot[ring->own % ring->slots];
}

static void advance(struct frame_ring *ring, uint32_t *shared)
{
	ring->own = ring->own + 1 == 2 * ring->slots ? 0 : ring->own + 1;
	store(shared, ring->own);
}

static bool put(struct frame_ring *ring, const void *frame, size_t size)
{
	const uint32_t used = filled(ring, ring->own, load(&ring->shared->tail));

	if (size < FRAME_MIN || size > FRAME_MAX || used == ring->slots)
		return false;
	if (used > ring->slots) {
		ring->broken++;
		return false;
	}
	memcpy(slot_at(ring)->data, frame, size);
	slot_at(ring)->size = (uint32_t)size;
	advance(ring, &ring->shared->head);
	return true;
}

bool frame_put(struct frame_ring *ring, const void *frame, size_t size)
{
	const bool done = put(ring, frame, size);

	if (!done)
		store(&ring->shared->lost, load(&ring->shared->lost) + 1);
	return done;
}

uint32_t frame_lost(const struct frame_ring *ring)
{
	return load(&ring->shared->lost);
}

bool frame_tell(struct frame_ring *ring)
{
	/* Whether the consumer looked before or after the frame was there, is settled here. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (load(&ring->shared->asleep) == 0)
		return false;
	store(&ring->shared->asleep, 0);
	return true;
}

size_t frame_get(struct frame_ring *ring, void *frame)
{
	/* Bounded: the producer adds no more than what was there at the first look. */
	uint32_t there = filled(ring, load(&ring->shared->head), ring->own);

	if (there > ring->slots) {
		ring->broken++;
		return 0;
	}
	for (; there > 0; there--) {
		const uint32_t size = load(&slot_at(ring)->size);
		const bool good = size >= FRAME_MIN && size <= FRAME_MAX;
		if (good)
			memcpy(frame, slot_at(ring)->data, size);
		else
			ring->broken++;
		advance(ring, &ring->shared->tail);
		if (good)
			return size;
	}
	return 0;
}

bool frame_sleep(struct frame_ring *ring)
{
	store(&ring->shared->asleep, 1);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	const uint32_t there = filled(ring, load(&ring->shared->head), ring->own);
	return there == 0 || there > ring->slots;
}
