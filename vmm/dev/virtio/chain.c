/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * @req VMM-501 A device touches only memory that the guest has itself: each segment is checked as a
 *              whole (size 0, wrapping, past the end, read-only), those to be read come before those
 *              to be written, and there are no more of them than a chain holds.
 */
#include "vmm/dev/virtio/chain.h"

#include "lib/string.h"

void virtio_chain_start(struct virtio_chain *chain)
{
	memset(chain, 0, offsetof(struct virtio_chain, segment));
}

bool virtio_chain_add(struct virtio_chain *chain, const struct virtio_memory *memory,
		      uint64_t address, uint32_t size, bool write)
{
	uint32_t *sum = write ? &chain->in_size : &chain->out_size;
	bool order = write || chain->out == chain->count;

	if (!order || size == 0 || chain->count == VIRTIO_SEGMENTS ||
	    __builtin_add_overflow(*sum, size, sum))
		return false;
	void *data = memory->at(memory->ctx, address, size, write);
	if (!data)
		return false;
	chain->segment[chain->count++] = (struct virtio_segment){data, size};
	if (!write)
		chain->out = chain->in_at = chain->count;
	return true;
}

/** The next piece of what is left of segments [*at, end), of at most `size` bytes. */
static size_t piece(const struct virtio_chain *chain, uint16_t *at, uint32_t *offset, uint16_t end,
		    size_t size, uint8_t **data)
{
	if (*at >= end)
		return 0;
	const struct virtio_segment *segment = &chain->segment[*at];
	size_t n = segment->size - *offset;
	if (n > size)
		n = size;
	*data = segment->data + *offset;
	*offset += (uint32_t)n;
	if (*offset == segment->size) {
		*offset = 0;
		(*at)++;
	}
	return n;
}

size_t virtio_read(struct virtio_chain *chain, void *to, size_t size)
{
	size_t done = 0;
	uint8_t *data = NULL;

	while (done < size) {
		size_t n = piece(chain, &chain->out_at, &chain->out_offset, chain->out, size - done,
				 &data);
		if (n == 0)
			break;
		memcpy((uint8_t *)to + done, data, n);
		done += n;
	}
	return done;
}

size_t virtio_write(struct virtio_chain *chain, const void *from, size_t size)
{
	size_t done = 0;
	uint8_t *data = NULL;

	while (done < size) {
		size_t n = piece(chain, &chain->in_at, &chain->in_offset, chain->count, size - done,
				 &data);
		if (n == 0)
			break;
		memcpy(data, (const uint8_t *)from + done, n);
		done += n;
	}
	chain->written += (uint32_t)done;
	return done;
}

void virtio_write_last(struct virtio_chain *chain, uint8_t value)
{
	if (chain->in_size == 0)
		return;
	const struct virtio_segment *last = &chain->segment[chain->count - 1u];
	last->data[last->size - 1] = value;
}

static uint32_t segments_left(const struct virtio_chain *chain, uint16_t at, uint32_t offset,
			      uint16_t end)
{
	uint32_t sum = 0;

	for (; at < end; at++)
		sum += chain->segment[at].size;
	return sum - offset;
}

uint32_t virtio_left(const struct virtio_chain *chain)
{
	return segments_left(chain, chain->out_at, chain->out_offset, chain->out);
}

uint32_t virtio_room(const struct virtio_chain *chain)
{
	return segments_left(chain, chain->in_at, chain->in_offset, chain->count);
}
