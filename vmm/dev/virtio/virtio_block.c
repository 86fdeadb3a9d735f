/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * @req VMM-510 A disk serves reads, writes, flush and get-id within its capacity, whatever the split of a
 *              request into segments; everything else ends with an error status, and a read-only disk
 *              refuses writes. The image itself is never changed.
 * @req VMM-513 A flush that takes its time is answered when it is done; the VMM's other events don't wait for it, and
 *              what the guest asks of the disk meanwhile is served behind it.
 */
#include "vmm/dev/virtio/virtio_block.h"

#include "lib/string.h"

/* 5.2.4: struct virtio_blk_config. */
#define CONFIG_CAPACITY 0u
#define CONFIG_SEG_MAX	12u
#define CONFIG_BLK_SIZE 20u
#define CONFIG_SIZE	60u

/** Segments of data in a request: beside them there are a header and a status. */
#define SEG_MAX (VIRTQ_MAX_SIZE - 2u)

static const uint8_t zeros[VIRTIO_BLOCK_SECTOR];

static bool is_written(const struct virtio_block *block, uint64_t sector)
{
	return block->overlay && (block->written[sector / 8] >> sector % 8 & 1);
}

/** Sectors from `sector` on, at most `count`, that are all in the overlay or all not. */
static uint64_t run(const struct virtio_block *block, uint64_t sector, uint64_t count)
{
	bool first = is_written(block, sector);
	uint64_t n = 1;

	if (!block->overlay)
		return count;
	while (n < count && is_written(block, sector + n) == first)
		n++;
	return n;
}

/** Out of the image, with zeros behind its end. */
static void image_read(const struct virtio_block *block, struct virtio_chain *chain, uint64_t offset,
		       uint64_t size)
{
	uint64_t there = offset < block->size ? block->size - offset : 0;

	if (there > size)
		there = size;
	if (there > 0)
		virtio_write(chain, block->image + offset, there);
	virtio_write(chain, zeros, size - there); /* less than a sector: the disk ends there */
}

static void data_read(const struct virtio_block *block, struct virtio_chain *chain, uint64_t sector,
		      uint64_t count)
{
	while (count > 0) {
		uint64_t n = run(block, sector, count);
		uint64_t offset = sector * VIRTIO_BLOCK_SECTOR, size = n * VIRTIO_BLOCK_SECTOR;
		if (is_written(block, sector))
			virtio_write(chain, block->overlay + offset, size);
		else
			image_read(block, chain, offset, size);
		sector += n;
		count -= n;
	}
}

static void data_write(struct virtio_block *block, struct virtio_chain *chain, uint64_t sector,
		       uint64_t count)
{
	virtio_read(chain, block->overlay + sector * VIRTIO_BLOCK_SECTOR,
		    count * VIRTIO_BLOCK_SECTOR);
	for (uint64_t i = sector; i < sector + count; i++)
		block->written[i / 8] |= (uint8_t)(1u << i % 8);
}

/* ---------------------------------------------------------------------------------- not in memory */

static bool store_read(struct virtio_block *block, struct virtio_chain *chain, uint64_t where,
		       uint64_t size)
{
	const struct virtio_block_store *store = &block->store;

	while (size > 0) {
		const size_t n = size < store->buffer_size ? (size_t)size : store->buffer_size;
		if (!store->read(store->ctx, where, store->buffer, n))
			return false;
		virtio_write(chain, store->buffer, n);
		where += n;
		size -= n;
	}
	return true;
}

static bool store_write(struct virtio_block *block, struct virtio_chain *chain, uint64_t where,
			uint64_t size)
{
	const struct virtio_block_store *store = &block->store;

	while (size > 0) {
		const size_t n = size < store->buffer_size ? (size_t)size : store->buffer_size;
		virtio_read(chain, store->buffer, n);
		if (!store->write(store->ctx, where, store->buffer, n))
			return false;
		where += n;
		size -= n;
	}
	return true;
}

/* ---------------------------------------------------------------------------------------- requests */

static bool is_writable(const struct virtio_block *block)
{
	return block->overlay || block->store.write;
}

/** Whole sectors, on the disk? */
static bool range_ok(const struct virtio_block *block, uint64_t sector, uint64_t bytes)
{
	uint64_t count = bytes / VIRTIO_BLOCK_SECTOR;

	return bytes % VIRTIO_BLOCK_SECTOR == 0 && sector <= block->sectors &&
	       count <= block->sectors - sector;
}

static enum virtio_block_status serve_in(struct virtio_block *block, struct virtio_chain *chain,
					 uint64_t sector)
{
	uint64_t bytes = virtio_room(chain) - 1; /* the status */

	if (!range_ok(block, sector, bytes))
		return VIRTIO_BLOCK_IOERR;
	if (block->store.read)
		return store_read(block, chain, sector * VIRTIO_BLOCK_SECTOR, bytes)
			       ? VIRTIO_BLOCK_OK
			       : VIRTIO_BLOCK_IOERR;
	data_read(block, chain, sector, bytes / VIRTIO_BLOCK_SECTOR);
	return VIRTIO_BLOCK_OK;
}

static enum virtio_block_status serve_out(struct virtio_block *block, struct virtio_chain *chain,
					  uint64_t sector)
{
	uint64_t bytes = virtio_left(chain);

	if (!is_writable(block) || !range_ok(block, sector, bytes))
		return VIRTIO_BLOCK_IOERR;
	if (block->store.write)
		return store_write(block, chain, sector * VIRTIO_BLOCK_SECTOR, bytes)
			       ? VIRTIO_BLOCK_OK
			       : VIRTIO_BLOCK_IOERR;
	data_write(block, chain, sector, bytes / VIRTIO_BLOCK_SECTOR);
	return VIRTIO_BLOCK_OK;
}

/** In memory, a write is complete when it is used: nothing is behind it. */
static enum virtio_block_status serve_flush(const struct virtio_block *block)
{
	return block->store.flush ? block->store.flush(block->store.ctx) : VIRTIO_BLOCK_OK;
}

static enum virtio_block_status serve_id(const struct virtio_block *block, struct virtio_chain *chain)
{
	if (virtio_room(chain) <= VIRTIO_BLOCK_ID)
		return VIRTIO_BLOCK_IOERR;
	virtio_write(chain, block->id, VIRTIO_BLOCK_ID);
	return VIRTIO_BLOCK_OK;
}

static void count(struct virtio_block_counters *count, uint32_t type, uint64_t in, uint64_t out)
{
	switch (type) {
	case VIRTIO_BLOCK_IN:
		count->reads++;
		count->bytes_read += in;
		break;
	case VIRTIO_BLOCK_OUT:
		count->writes++;
		count->bytes_written += out;
		break;
	case VIRTIO_BLOCK_FLUSH:
		count->flushes++;
		break;
	default:
		count->others++;
	}
}

static enum virtio_block_status serve_type(struct virtio_block *block, struct virtio_chain *chain,
					   const struct virtio_block_header *header)
{
	switch (header->type) {
	case VIRTIO_BLOCK_IN:
		return serve_in(block, chain, header->sector);
	case VIRTIO_BLOCK_OUT:
		return serve_out(block, chain, header->sector);
	case VIRTIO_BLOCK_FLUSH:
		return serve_flush(block);
	case VIRTIO_BLOCK_GET_ID:
		return serve_id(block, chain);
	default:
		return VIRTIO_BLOCK_UNSUPP;
	}
}

static enum virtio_block_status serve(struct virtio_block *block, struct virtio_chain *chain)
{
	enum virtio_block_status status = VIRTIO_BLOCK_IOERR;
	struct virtio_block_header header;

	if (virtio_read(chain, &header, sizeof(header)) == sizeof(header)) {
		const uint64_t in = virtio_room(chain) - 1, out = virtio_left(chain);
		status = serve_type(block, chain, &header);
		if (status == VIRTIO_BLOCK_OK || status == VIRTIO_BLOCK_LATER)
			count(&block->count, header.type, in, out);
	}
	block->count.failed += status == VIRTIO_BLOCK_IOERR || status == VIRTIO_BLOCK_UNSUPP;
	return status;
}

static void answer(struct virtio_chain *chain, enum virtio_block_status status)
{
	virtio_write_last(chain, (uint8_t)status);
	chain->written++;
}

void virtio_block_flushed(struct virtio_block *block, bool ok)
{
	if (!block->dev.later)
		return;
	block->count.failed += !ok;
	answer(&block->dev.chain, ok ? VIRTIO_BLOCK_OK : VIRTIO_BLOCK_IOERR);
	virtio_done(&block->dev);
}

static void request(struct virtio_device *dev, unsigned int queue, struct virtio_chain *chain)
{
	struct virtio_block *block = (struct virtio_block *)dev;

	if (chain->in_size == 0) { /* nowhere to put a status (5.2.6) */
		virtio_broken(dev);
		return;
	}
	const enum virtio_block_status status = serve(block, chain);
	if (status == VIRTIO_BLOCK_LATER)
		virtio_later(dev, queue);
	else
		answer(chain, status);
}

static void counters(const struct virtio_device *dev, const struct counter_sink *to)
{
	const struct virtio_block_counters *count = &((const struct virtio_block *)dev)->count;

	counter_tell(to, "read requests", count->reads);
	counter_tell(to, "bytes read", count->bytes_read);
	counter_tell(to, "write requests", count->writes);
	counter_tell(to, "bytes written", count->bytes_written);
	counter_tell(to, "flushes", count->flushes);
	counter_tell(to, "other requests", count->others);
	counter_tell(to, "failed requests", count->failed);
}

static const struct virtio_class class = {
	.name = "virtio-block",
	.type = VIRTIO_BLOCK,
	.features = VIRTIO_BIT(VIRTIO_BLOCK_F_SEG_MAX) | VIRTIO_BIT(VIRTIO_BLOCK_F_RO) |
		    VIRTIO_BIT(VIRTIO_BLOCK_F_BLK_SIZE) | VIRTIO_BIT(VIRTIO_BLOCK_F_FLUSH),
	.queues = 1,
	.config_size = CONFIG_SIZE,
	.request = request,
	.counters = counters,
};

static uint64_t sectors_of(uint64_t image)
{
	return image / VIRTIO_BLOCK_SECTOR + (image % VIRTIO_BLOCK_SECTOR != 0);
}

uint64_t virtio_block_overlay_size(uint64_t image)
{
	uint64_t sectors = sectors_of(image);

	return sectors * VIRTIO_BLOCK_SECTOR + (sectors + 7) / 8;
}

static void config32(struct virtio_block *block, unsigned int where, uint32_t value)
{
	memcpy(block->dev.config + where, &value, sizeof(value));
}

static void init_common(struct virtio_block *block, struct timer_queue *timers, uint64_t size,
			const char *id)
{
	block->size = size;
	block->sectors = sectors_of(size);
	virtio_init(&block->dev, &class, timers);
	if (is_writable(block))
		block->dev.own_features &= ~VIRTIO_BIT(VIRTIO_BLOCK_F_RO);
	memcpy(block->id, id, strnlen(id, VIRTIO_BLOCK_ID));
	memcpy(block->dev.config + CONFIG_CAPACITY, &block->sectors, sizeof(block->sectors));
	config32(block, CONFIG_SEG_MAX, SEG_MAX);
	config32(block, CONFIG_BLK_SIZE, VIRTIO_BLOCK_SECTOR);
}

void virtio_block_init(struct virtio_block *block, struct timer_queue *timers, const void *image,
		       uint64_t size, const char *id, void *overlay)
{
	*block = (struct virtio_block){.image = image, .overlay = overlay};
	init_common(block, timers, size, id);
	if (overlay) {
		block->written = block->overlay + block->sectors * VIRTIO_BLOCK_SECTOR;
		memset(block->written, 0, (block->sectors + 7) / 8);
	}
}

void virtio_block_init_store(struct virtio_block *block, struct timer_queue *timers,
			     const struct virtio_block_store *store, uint64_t size, const char *id)
{
	*block = (struct virtio_block){.store = *store};
	init_common(block, timers, size, id);
}
