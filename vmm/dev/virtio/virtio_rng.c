/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/dev/virtio/virtio_rng.h"

static void request(struct virtio_device *dev, unsigned int queue, struct virtio_chain *chain)
{
	struct virtio_rng *rng = (struct virtio_rng *)dev;
	uint8_t bytes[64];

	(void)queue;
	while (chain->written < VIRTIO_RNG_MOST && virtio_room(chain) > 0) {
		random_fill(&rng->random, bytes, sizeof(bytes));
		rng->given += virtio_write(chain, bytes, sizeof(bytes));
	}
}

static void counters(const struct virtio_device *dev, const struct counter_sink *to)
{
	counter_tell(to, "bytes received", ((const struct virtio_rng *)dev)->given);
}

static const struct virtio_class class = {
	.name = "virtio-rng",
	.type = VIRTIO_RNG,
	.queues = 1,
	.request = request,
	.counters = counters,
};

void virtio_rng_init(struct virtio_rng *rng, struct timer_queue *timers, uint64_t seed)
{
	*rng = (struct virtio_rng){.dev = {.class = &class}};
	virtio_init(&rng->dev, &class, timers);
	random_init(&rng->random, seed);
}
