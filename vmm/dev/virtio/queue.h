/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file queue.h
 * A virtqueue seen from the device: split (VIRTIO 1.2, 2.7) or packed (2.8), which the device behind it
 * can't tell. The rings are in guest memory, and everything in them is the guest's to change.
 *
 * How a device serves one:
 *
 *     do {
 *             virtq_quiet(q);
 *             while (virtq_take(q, &chain)) { … virtq_put(q, &chain, chain.written); }
 *     } while (virtq_listen(q));
 *     if (virtq_wants_interrupt(q)) …
 */
#ifndef VMM_DEV_VIRTIO_QUEUE_H
#define VMM_DEV_VIRTIO_QUEUE_H

#include "vmm/dev/virtio/chain.h"

#define VIRTQ_MAX_SIZE 256u

/* Descriptor flags (2.7.5, 2.8.1). */
#define VIRTQ_DESC_NEXT	    1u
#define VIRTQ_DESC_WRITE    2u
#define VIRTQ_DESC_INDIRECT 4u
#define VIRTQ_DESC_AVAIL    (1u << 7)  /**< packed */
#define VIRTQ_DESC_USED	    (1u << 15) /**< packed */

/** A descriptor of a split ring, and of an indirect table of one. */
struct virtq_desc {
	uint64_t address;
	uint32_t size;
	uint16_t flags;
	uint16_t next;
};

/** A descriptor of a packed ring, and of an indirect table of one. */
struct virtq_packed_desc {
	uint64_t address;
	uint32_t size;
	uint16_t id;
	uint16_t flags;
};

struct virtq;

/** What differs between the two kinds of ring. */
struct virtq_ops {
	/** Take the next chain. @return 1, 0: there is none, -1: the ring is broken. */
	int (*take)(struct virtq *queue, struct virtio_chain *chain);
	void (*put)(struct virtq *queue, const struct virtio_chain *chain, uint32_t written);
	/** Publish whether the driver is to notify; `on`: of the next chain. */
	void (*notify)(struct virtq *queue, bool on);
	bool (*pending)(const struct virtq *queue);
	bool (*wants_interrupt)(const struct virtq *queue);
};

extern const struct virtq_ops virtq_split, virtq_packed;

/** Where the driver put a queue, and how it is to be understood. */
struct virtq_setup {
	uint64_t desc, driver, device; /**< 4.1.4.3: the three areas */
	uint16_t size;
	bool packed, event_index, indirect;
};

struct virtq {
	const struct virtq_ops *ops; /**< NULL: not enabled */
	struct virtio_memory memory;
	uint8_t *desc, *driver, *device;
	uint16_t size;
	uint16_t avail; /**< next to take: of a split ring a free-running count, else a place */
	uint16_t used;	/**< next to put, likewise */
	uint16_t fresh; /**< put since the driver was last asked whether it wants an interrupt */
	bool avail_wrap, used_wrap; /**< packed: wrap counters (2.8.1) */
	bool event_index, indirect;
	bool broken; /**< the driver broke a rule: nothing is taken any more */
};

/** Not enabled. */
void virtq_reset(struct virtq *queue);
/** @return false, and it is broken, where size or addresses make no sense. */
bool virtq_enable(struct virtq *queue, const struct virtio_memory *memory,
		  const struct virtq_setup *setup);
/** Take the next chain. @return false where there is none, or the queue is broken or not enabled. */
bool virtq_take(struct virtq *queue, struct virtio_chain *chain);
/** Give it back, with so many bytes written. */
void virtq_put(struct virtq *queue, const struct virtio_chain *chain, uint32_t written);
/** Notifications aren't needed now. A hint: they may come. */
void virtq_quiet(struct virtq *queue);
/** Notifications are needed. @return true where chains came meanwhile: look again. */
bool virtq_listen(struct virtq *queue);
/** Does the driver want an interrupt for what was put since the last question? */
bool virtq_wants_interrupt(struct virtq *queue);

/* For the two kinds. */

/** An indirect table: its descriptors' number, or 0 where it isn't one. */
uint32_t virtq_table(const struct virtq *queue, uint64_t address, uint32_t size,
		     const uint8_t **table);

/** Numbers in guest memory are read and written whole, once. */
static inline uint16_t virtq_load16(const uint8_t *at)
{
	return __atomic_load_n((const uint16_t *)(const void *)at, __ATOMIC_ACQUIRE);
}

static inline void virtq_store16(uint8_t *at, uint32_t value)
{
	__atomic_store_n((uint16_t *)(void *)at, (uint16_t)value, __ATOMIC_RELEASE);
}

typedef uint64_t virtq_word __attribute__((aligned(1), may_alias));

/** Copy a descriptor (of 16 bytes, either kind): one look, after which the guest can't change it. */
static inline void virtq_desc_read(const uint8_t *table, uint32_t index, void *desc)
{
	const volatile virtq_word *from = (const volatile virtq_word *)(const void *)(table + 16u * index);
	virtq_word *to = desc;

	to[0] = from[0];
	to[1] = from[1];
}

/** 2.7.10: is `event` among the `fresh` places behind which `place` now is? */
static inline bool virtq_passed(uint16_t event, uint16_t place, uint16_t fresh)
{
	return (uint16_t)(place - event - 1u) < fresh;
}

#endif
