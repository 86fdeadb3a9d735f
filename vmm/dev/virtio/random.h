/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file random.h
 * Random bytes: ChaCha20 (RFC 8439, 2.3) over a key that every block replaces, so that what was given out
 * can't be found from the state. The key comes from RDRAND, and takes more of it with every block;
 * where the CPU hasn't that, or a seed was given, from the seed alone: then the bytes repeat with it.
 */
#ifndef VMM_DEV_VIRTIO_RANDOM_H
#define VMM_DEV_VIRTIO_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct random {
	uint32_t key[8];
	bool hardware; /**< RDRAND is there and in use */
};

/** @param seed 0: as unpredictable as the machine can; else the bytes are always the same. */
void random_init(struct random *random, uint64_t seed);
void random_fill(struct random *random, void *to, size_t size);
/** The block function (2.3), for tests: 64 bytes of key stream. */
void random_chacha20(const uint32_t key[8], uint32_t counter, const uint32_t nonce[3],
		     uint32_t block[16]);

#endif
