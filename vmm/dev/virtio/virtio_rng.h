/* SPDX-License-Identifier: BSD-2-Clause */
/** @file virtio_rng.h Entropy device (VIRTIO 1.2, 5.4). */
#ifndef VMM_DEV_VIRTIO_VIRTIO_RNG_H
#define VMM_DEV_VIRTIO_VIRTIO_RNG_H

#include "vmm/dev/virtio/random.h"
#include "vmm/dev/virtio/virtio.h"

/** Bytes of a buffer that are filled at once; a driver asks again. */
#define VIRTIO_RNG_MOST 4096u

struct virtio_rng {
	struct virtio_device dev;
	struct random random;
	uint64_t given; /**< bytes */
};

/** @param seed as random_init()'s. */
void virtio_rng_init(struct virtio_rng *rng, struct timer_queue *timers, uint64_t seed);

#endif
