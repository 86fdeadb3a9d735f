/* SPDX-License-Identifier: BSD-2-Clause */
/* Split virtqueues (VIRTIO 1.2, 2.7). */
#include "vmm/dev/virtio/queue.h"

/* 2.7.6: struct virtq_avail at queue->driver; 2.7.8: struct virtq_used at queue->device. */
#define RING_FLAGS 0u
#define RING_INDEX 2u
#define RING_FIRST 4u

#define AVAIL_NO_INTERRUPT 1u
#define USED_NO_NOTIFY	   1u

static void store32(uint8_t *at, uint32_t value)
{
	__atomic_store_n((uint32_t *)(void *)at, value, __ATOMIC_RELAXED);
}

static struct virtq_desc desc_read(const uint8_t *table, uint32_t index)
{
	struct virtq_desc desc;

	virtq_desc_read(table, index, &desc);
	return desc;
}

/** Follow the descriptors of one table. @return false where they break a rule. */
static bool table_walk(const struct virtq *queue, const uint8_t *table, uint32_t count,
		       struct virtq_desc desc, struct virtio_chain *chain)
{
	for (uint32_t n = 1;; n++) {
		if ((desc.flags & VIRTQ_DESC_INDIRECT) ||
		    !virtio_chain_add(chain, &queue->memory, desc.address, desc.size,
				      desc.flags & VIRTQ_DESC_WRITE))
			return false;
		if (!(desc.flags & VIRTQ_DESC_NEXT))
			return true;
		if (desc.next >= count || n == count) /* outside, or a loop */
			return false;
		desc = desc_read(table, desc.next);
	}
}

/** 2.7.5.3: a chain is all direct, or one descriptor that names a table. */
static bool chain_walk(const struct virtq *queue, uint16_t head, struct virtio_chain *chain)
{
	struct virtq_desc desc = desc_read(queue->desc, head);
	const uint8_t *table = NULL;

	if (!(desc.flags & VIRTQ_DESC_INDIRECT))
		return table_walk(queue, queue->desc, queue->size, desc, chain);
	uint32_t count = virtq_table(queue, desc.address, desc.size, &table);
	if (count == 0 || (desc.flags & VIRTQ_DESC_NEXT))
		return false;
	return table_walk(queue, table, count, desc_read(table, 0), chain);
}

static int take(struct virtq *queue, struct virtio_chain *chain)
{
	uint16_t there = (uint16_t)(virtq_load16(queue->driver + RING_INDEX) - queue->avail);
	uint32_t slot = queue->avail & (queue->size - 1u);

	if (there == 0)
		return 0;
	uint16_t head = virtq_load16(queue->driver + RING_FIRST + 2 * slot);
	if (there > queue->size || head >= queue->size || !chain_walk(queue, head, chain))
		return -1;
	chain->id = head;
	queue->avail++;
	return 1;
}

static void put(struct virtq *queue, const struct virtio_chain *chain, uint32_t written)
{
	uint8_t *slot = queue->device + RING_FIRST + 8u * (queue->used & (queue->size - 1u));

	store32(slot, chain->id);
	store32(slot + 4, written);
	queue->used++;
	queue->fresh++;
	virtq_store16(queue->device + RING_INDEX, queue->used);
}

/** 2.7.7, 2.7.10: with event index a number behind the ring says when, without it a flag whether. */
static void notify(struct virtq *queue, bool on)
{
	if (!queue->event_index)
		virtq_store16(queue->device + RING_FLAGS, on ? 0 : USED_NO_NOTIFY);
	else if (on)
		virtq_store16(queue->device + RING_FIRST + 8u * queue->size, queue->avail);
}

static bool pending(const struct virtq *queue)
{
	return virtq_load16(queue->driver + RING_INDEX) != queue->avail;
}

static bool wants_interrupt(const struct virtq *queue)
{
	if (!queue->event_index)
		return !(virtq_load16(queue->driver + RING_FLAGS) & AVAIL_NO_INTERRUPT);
	return virtq_passed(virtq_load16(queue->driver + RING_FIRST + 2u * queue->size), queue->used,
			    queue->fresh);
}

const struct virtq_ops virtq_split = {
	.take = take,
	.put = put,
	.notify = notify,
	.pending = pending,
	.wants_interrupt = wants_interrupt,
};
