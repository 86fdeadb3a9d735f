/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What split and packed rings have in common. Chapters are of VIRTIO 1.2.
 *
 * @req VMM-500 Split and packed rings look alike to a device, with indirect descriptors and with
 *              notifications and interrupts suppressed by flags or by event index.
 * @req VMM-502 A ring is hostile: each descriptor is read once, its number and a chain's length are
 *              bounded by the ring's size, loops end; a queue whose rules were broken serves nothing
 *              until the device is reset.
 */
#include "vmm/dev/virtio/queue.h"

#include "lib/string.h"

void virtq_reset(struct virtq *queue)
{
	memset(queue, 0, sizeof(*queue));
}

/** Sizes and alignments of 2.7 and 2.8. */
static bool areas_map(struct virtq *queue, const struct virtq_setup *setup)
{
	const struct virtio_memory *memory = &queue->memory;
	uint64_t size = setup->size;
	uint64_t driver = setup->packed ? 4 : 6 + 2 * size;
	uint64_t device = setup->packed ? 4 : 6 + 8 * size;
	uint64_t driver_mask = setup->packed ? 3 : 1;

	if ((setup->desc & 15) || (setup->driver & driver_mask) || (setup->device & 3))
		return false;
	queue->desc = memory->at(memory->ctx, setup->desc, 16 * size, setup->packed);
	queue->driver = memory->at(memory->ctx, setup->driver, driver, false);
	queue->device = memory->at(memory->ctx, setup->device, device, true);
	return queue->desc && queue->driver && queue->device;
}

static bool size_ok(const struct virtq_setup *setup)
{
	bool power = (setup->size & (setup->size - 1)) == 0;

	return setup->size > 0 && setup->size <= VIRTQ_MAX_SIZE && (power || setup->packed);
}

bool virtq_enable(struct virtq *queue, const struct virtio_memory *memory,
		  const struct virtq_setup *setup)
{
	virtq_reset(queue);
	queue->memory = *memory;
	queue->ops = setup->packed ? &virtq_packed : &virtq_split;
	queue->size = setup->size;
	queue->event_index = setup->event_index;
	queue->indirect = setup->indirect;
	queue->avail_wrap = queue->used_wrap = true;
	queue->broken = !size_ok(setup) || !areas_map(queue, setup);
	return !queue->broken;
}

static bool alive(const struct virtq *queue)
{
	return queue->ops && !queue->broken;
}

bool virtq_take(struct virtq *queue, struct virtio_chain *chain)
{
	if (!alive(queue))
		return false;
	virtio_chain_start(chain);
	int found = queue->ops->take(queue, chain);
	queue->broken = found < 0;
	return found > 0;
}

void virtq_put(struct virtq *queue, const struct virtio_chain *chain, uint32_t written)
{
	if (!alive(queue))
		return;
	queue->ops->put(queue, chain, written);
}

void virtq_quiet(struct virtq *queue)
{
	if (alive(queue))
		queue->ops->notify(queue, false);
}

bool virtq_listen(struct virtq *queue)
{
	if (!alive(queue))
		return false;
	queue->ops->notify(queue, true);
	/* What the driver added before it saw this, it doesn't tell. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return queue->ops->pending(queue);
}

bool virtq_wants_interrupt(struct virtq *queue)
{
	if (!alive(queue) || queue->fresh == 0)
		return false;
	/* What the driver wrote before it saw the chains put, has to be seen. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	bool wanted = queue->ops->wants_interrupt(queue);
	queue->fresh = 0;
	return wanted;
}

uint32_t virtq_table(const struct virtq *queue, uint64_t address, uint32_t size,
		     const uint8_t **table)
{
	if (!queue->indirect || size == 0 || size % 16 != 0 || size / 16 > VIRTIO_SEGMENTS)
		return 0;
	*table = queue->memory.at(queue->memory.ctx, address, size, false);
	return *table ? size / 16 : 0;
}
