/* SPDX-License-Identifier: BSD-2-Clause */
/* Packed virtqueues (VIRTIO 1.2, 2.8). */
#include "lib/string.h"
#include "vmm/dev/virtio/queue.h"

/* 2.8.14: event suppression structures, the driver's at queue->driver, ours at queue->device. */
#define EVENT_PLACE 0u
#define EVENT_FLAGS 2u

#define EVENT_ENABLE  0u
#define EVENT_DISABLE 1u
#define EVENT_DESC    2u
#define EVENT_MASK    3u
#define EVENT_WRAP    (1u << 15)

static uint8_t *slot_flags(const struct virtq *queue, uint32_t slot)
{
	return queue->desc + 16u * slot + offsetof(struct virtq_packed_desc, flags);
}

static struct virtq_packed_desc desc_read(const uint8_t *table, uint32_t index)
{
	struct virtq_packed_desc desc;

	virtq_desc_read(table, index, &desc);
	return desc;
}

/** 2.8.1: available when AVAIL is the driver's wrap counter and USED isn't. */
static bool pending(const struct virtq *queue)
{
	uint16_t flags = virtq_load16(slot_flags(queue, queue->avail));
	bool avail = flags & VIRTQ_DESC_AVAIL, used = flags & VIRTQ_DESC_USED;

	return avail == queue->avail_wrap && used != queue->avail_wrap;
}

static bool add(const struct virtq *queue, struct virtio_chain *chain, struct virtq_packed_desc desc)
{
	return virtio_chain_add(chain, &queue->memory, desc.address, desc.size,
				desc.flags & VIRTQ_DESC_WRITE);
}

/** 2.8.8: in a table the descriptors follow each other, and WRITE alone counts of the flags. */
static bool table_walk(const struct virtq *queue, struct virtq_packed_desc desc,
		       struct virtio_chain *chain)
{
	const uint8_t *table = NULL;
	uint32_t count = virtq_table(queue, desc.address, desc.size, &table);

	if (count == 0 || (desc.flags & VIRTQ_DESC_NEXT))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		if (!add(queue, chain, desc_read(table, i)))
			return false;
	}
	return true;
}

/** The chain's identity is in its last descriptor (2.8.6). */
static bool chain_walk(const struct virtq *queue, struct virtio_chain *chain)
{
	uint32_t slot = queue->avail;
	struct virtq_packed_desc desc = desc_read(queue->desc, slot);

	chain->slots = 1;
	chain->id = desc.id;
	if (desc.flags & VIRTQ_DESC_INDIRECT)
		return table_walk(queue, desc, chain);
	while (add(queue, chain, desc)) {
		chain->id = desc.id;
		if (!(desc.flags & VIRTQ_DESC_NEXT))
			return true;
		if (chain->slots == queue->size)
			return false;
		chain->slots++;
		slot = slot + 1 == queue->size ? 0 : slot + 1;
		desc = desc_read(queue->desc, slot);
		if (desc.flags & VIRTQ_DESC_INDIRECT)
			return false;
	}
	return false;
}

/** Go on by `slots`, and round. */
static void advance(const struct virtq *queue, uint16_t *place, bool *wrap, uint16_t slots)
{
	*place = (uint16_t)(*place + slots);
	if (*place >= queue->size) {
		*place = (uint16_t)(*place - queue->size);
		*wrap = !*wrap;
	}
}

static int take(struct virtq *queue, struct virtio_chain *chain)
{
	if (!pending(queue))
		return 0;
	if (!chain_walk(queue, chain))
		return -1;
	advance(queue, &queue->avail, &queue->avail_wrap, chain->slots);
	return 1;
}

/** 2.8.6: one used descriptor for the whole chain; the flags, last, make it valid. */
static void put(struct virtq *queue, const struct virtio_chain *chain, uint32_t written)
{
	uint8_t *slot = queue->desc + 16u * queue->used;
	uint32_t flags = queue->used_wrap ? VIRTQ_DESC_AVAIL | VIRTQ_DESC_USED : 0;

	memcpy(slot + offsetof(struct virtq_packed_desc, size), &written, sizeof(written));
	memcpy(slot + offsetof(struct virtq_packed_desc, id), &chain->id, sizeof(chain->id));
	virtq_store16(slot_flags(queue, queue->used), flags | (written ? VIRTQ_DESC_WRITE : 0));
	advance(queue, &queue->used, &queue->used_wrap, chain->slots);
	queue->fresh = (uint16_t)(queue->fresh + chain->slots);
}

static void notify(struct virtq *queue, bool on)
{
	uint32_t place = queue->avail | (queue->avail_wrap ? EVENT_WRAP : 0);

	if (on && queue->event_index)
		virtq_store16(queue->device + EVENT_PLACE, place);
	virtq_store16(queue->device + EVENT_FLAGS,
		!on ? EVENT_DISABLE : queue->event_index ? EVENT_DESC : EVENT_ENABLE);
}

static bool wants_interrupt(const struct virtq *queue)
{
	uint16_t what = virtq_load16(queue->driver + EVENT_FLAGS) & EVENT_MASK;
	uint16_t place = virtq_load16(queue->driver + EVENT_PLACE);
	bool wrap = place & EVENT_WRAP;

	if (what != EVENT_DESC || !queue->event_index)
		return what != EVENT_DISABLE;
	place &= (uint16_t)~EVENT_WRAP;
	if (wrap != queue->used_wrap) /* of the last time round */
		place = (uint16_t)(place - queue->size);
	return virtq_passed(place, queue->used, queue->fresh);
}

const struct virtq_ops virtq_packed = {
	.take = take,
	.put = put,
	.notify = notify,
	.pending = pending,
	.wants_interrupt = wants_interrupt,
};
