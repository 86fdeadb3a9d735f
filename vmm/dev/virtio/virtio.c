/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * @req VMM-503 A device serves nothing before DRIVER_OK, takes no features that it didn't offer and none
 *              without VERSION_1, and after a driver's mistake sets DEVICE_NEEDS_RESET.
 * @req VMM-504 A driver that never stops adding buffers doesn't keep the VMM's other events waiting.
 */
#include "vmm/dev/virtio/virtio.h"

#include "lib/string.h"
#include "vmm/platform.h"

/** Chains that are served before others get their turn. */
#define BUDGET	64u
#define PAUSE_NS UINT64_C(1000)

#define COMMON_FEATURES                                                                            \
	(VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC) | VIRTIO_BIT(VIRTIO_F_EVENT_IDX) |                     \
	 VIRTIO_BIT(VIRTIO_F_VERSION_1) | VIRTIO_BIT(VIRTIO_F_RING_PACKED))

/** What the driver can set; NEEDS_RESET is the device's. */
#define STATUS_OF_DRIVER                                                                           \
	(VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER | VIRTIO_STATUS_DRIVER_OK |              \
	 VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_FAILED)

/* ---------------------------------------------------------------------------------------- serving */

void virtio_broken(struct virtio_device *dev)
{
	if (dev->status & VIRTIO_STATUS_NEEDS_RESET)
		return;
	dev->status |= VIRTIO_STATUS_NEEDS_RESET;
	if (dev->status & VIRTIO_STATUS_DRIVER_OK)
		dev->transport.config_interrupt(dev->transport.ctx);
}

void virtio_flush(struct virtio_device *dev, unsigned int queue)
{
	if (!virtq_wants_interrupt(&dev->queue[queue].ring))
		return;
	dev->interrupts++;
	dev->transport.interrupt(dev->transport.ctx, queue);
}

/** @return false where there is none, or it is done later. */
static bool serve_one(struct virtio_device *dev, unsigned int queue)
{
	struct virtq *ring = &dev->queue[queue].ring;

	if (!virtq_take(ring, &dev->chain))
		return false;
	dev->class->request(dev, queue, &dev->chain);
	if (dev->later)
		return false;
	virtq_put(ring, &dev->chain, dev->chain.written);
	return true;
}

/** Serve requests, at most BUDGET of them. @return true where there are more. */
static bool serve(struct virtio_device *dev, unsigned int queue)
{
	struct virtq *ring = &dev->queue[queue].ring;
	unsigned int n = 0;

	virtq_quiet(ring);
	do {
		while (n < BUDGET && serve_one(dev, queue))
			n++;
	} while (n < BUDGET && !dev->later && virtq_listen(ring));
	dev->chains += n;
	if (n > 0 && dev->class->served)
		dev->class->served(dev, queue);
	virtio_flush(dev, queue);
	return n == BUDGET && !ring->broken;
}

void virtio_notify(struct virtio_device *dev, unsigned int queue)
{
	if (queue >= dev->class->queues || !virtio_alive(dev) || !dev->queue[queue].enabled || dev->later)
		return;
	if (dev->class->incoming & 1u << queue) {
		dev->class->ready(dev, queue);
	} else if (serve(dev, queue)) {
		dev->backlog |= 1u << queue;
		timer_arm(&dev->again, platform_time() + PAUSE_NS);
	}
	if (dev->queue[queue].ring.broken)
		virtio_broken(dev);
}

void virtio_later(struct virtio_device *dev, unsigned int queue)
{
	dev->later = (uint8_t)(1 + queue);
}

void virtio_done(struct virtio_device *dev)
{
	const unsigned int queue = dev->later - 1u;

	if (!dev->later)
		return;
	dev->later = 0;
	virtq_put(&dev->queue[queue].ring, &dev->chain, dev->chain.written);
	dev->chains++;
	virtio_flush(dev, queue);
	for (unsigned int i = 0; i < dev->class->queues; i++)
		virtio_notify(dev, i);
}

static void again_fire(struct timer *timer)
{
	struct virtio_device *dev =
		(struct virtio_device *)(void *)((char *)timer - offsetof(struct virtio_device, again));
	uint32_t backlog = dev->backlog;

	dev->backlog = 0;
	for (; backlog != 0; backlog &= backlog - 1)
		virtio_notify(dev, (unsigned int)__builtin_ctz(backlog));
}

struct virtio_chain *virtio_take(struct virtio_device *dev, unsigned int queue)
{
	struct virtq *ring = &dev->queue[queue].ring;

	if (!virtio_alive(dev))
		return NULL;
	if (virtq_take(ring, &dev->chain) ||
	    (virtq_listen(ring) && virtq_take(ring, &dev->chain))) {
		virtq_quiet(ring); /* there is one when it is needed: don't tell of more */
		return &dev->chain;
	}
	if (ring->broken)
		virtio_broken(dev);
	return NULL;
}

void virtio_give(struct virtio_device *dev, unsigned int queue, const struct virtio_chain *chain)
{
	virtq_put(&dev->queue[queue].ring, chain, chain->written);
	dev->chains++;
}

/* ------------------------------------------------------------------------------ features and status */

uint64_t virtio_offered(const struct virtio_device *dev)
{
	return (dev->own_features | COMMON_FEATURES) & ~dev->withheld;
}

void virtio_accept(struct virtio_device *dev, uint64_t features)
{
	if (!(dev->status & VIRTIO_STATUS_FEATURES_OK))
		dev->features = features;
}

static bool features_ok(const struct virtio_device *dev)
{
	return (dev->features & ~virtio_offered(dev)) == 0 && virtio_has(dev, VIRTIO_F_VERSION_1);
}

/** The driver is up: what waited for it goes on, and what it put into queues before is served. */
static void start(struct virtio_device *dev)
{
	for (unsigned int i = 0; i < dev->class->queues; i++)
		virtio_notify(dev, i);
}

void virtio_set_status(struct virtio_device *dev, uint8_t status)
{
	uint8_t old = dev->status;

	if (status == 0) {
		virtio_reset(dev);
		return;
	}
	if (!(old & VIRTIO_STATUS_FEATURES_OK) && !features_ok(dev))
		status &= (uint8_t)~VIRTIO_STATUS_FEATURES_OK;
	if (!(status & VIRTIO_STATUS_FEATURES_OK))
		status &= (uint8_t)~VIRTIO_STATUS_DRIVER_OK;
	/* Only a reset takes FEATURES_OK and NEEDS_RESET back. */
	dev->status = (uint8_t)((status & STATUS_OF_DRIVER) |
				(old & (VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_NEEDS_RESET)));
	if (virtio_alive(dev) && !(old & VIRTIO_STATUS_DRIVER_OK))
		start(dev);
}

/* ------------------------------------------------------------------------------------------ queues */

void virtio_queue_enable(struct virtio_device *dev, unsigned int queue)
{
	struct virtio_queue *q = &dev->queue[queue];

	if (q->enabled || !(dev->status & VIRTIO_STATUS_FEATURES_OK))
		return;
	q->setup.packed = virtio_has(dev, VIRTIO_F_RING_PACKED);
	q->setup.event_index = virtio_has(dev, VIRTIO_F_EVENT_IDX);
	q->setup.indirect = virtio_has(dev, VIRTIO_F_INDIRECT_DESC);
	q->enabled = true;
	if (!virtq_enable(&q->ring, &dev->memory, &q->setup))
		virtio_broken(dev);
	else
		virtq_listen(&q->ring);
}

/* ----------------------------------------------------------------------------------- configuration */

uint64_t virtio_config_read(const struct virtio_device *dev, unsigned int where, unsigned int size)
{
	uint64_t value = 0;

	if (where < VIRTIO_CONFIG_SIZE && size <= VIRTIO_CONFIG_SIZE - where)
		memcpy(&value, dev->config + where, size);
	return value;
}

void virtio_config_write(struct virtio_device *dev, unsigned int where, unsigned int size,
			 uint64_t value)
{
	if (!dev->class->configured || where >= dev->class->config_size ||
	    size > dev->class->config_size - where)
		return;
	memcpy(dev->config + where, &value, size);
	dev->class->configured(dev, where, size);
}

void virtio_config_changed(struct virtio_device *dev)
{
	dev->generation++;
	if (virtio_alive(dev))
		dev->transport.config_interrupt(dev->transport.ctx);
}

/* ------------------------------------------------------------------------------------------- making */

void virtio_reset(struct virtio_device *dev)
{
	dev->status = 0;
	dev->features = 0;
	dev->backlog = 0;
	dev->later = 0;
	timer_cancel(&dev->again);
	for (unsigned int i = 0; i < VIRTIO_QUEUES; i++) {
		virtq_reset(&dev->queue[i].ring);
		dev->queue[i].enabled = false;
		dev->queue[i].setup = (struct virtq_setup){.size = VIRTQ_MAX_SIZE};
	}
	if (dev->class->reset)
		dev->class->reset(dev);
}

void virtio_init(struct virtio_device *dev, const struct virtio_class *class,
		 struct timer_queue *timers)
{
	memset(dev, 0, sizeof(*dev));
	dev->class = class;
	dev->own_features = class->features;
	timer_init(&dev->again, timers, again_fire);
}
