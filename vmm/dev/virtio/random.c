/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/dev/virtio/random.h"

#include "lib/string.h"
#include "vmm/platform.h"

#define ROUNDS 10u /* double rounds */

static uint32_t rotate(uint32_t value, unsigned int by)
{
	return value << by | value >> (32 - by);
}

/** RFC 8439, 2.1. */
static void quarter(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
	*a += *b;
	*d = rotate(*d ^ *a, 16);
	*c += *d;
	*b = rotate(*b ^ *c, 12);
	*a += *b;
	*d = rotate(*d ^ *a, 8);
	*c += *d;
	*b = rotate(*b ^ *c, 7);
}

void random_chacha20(const uint32_t key[8], uint32_t counter, const uint32_t nonce[3],
		     uint32_t block[16])
{
	static const uint32_t constants[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
	uint32_t start[16], x[16];

	memcpy(start, constants, sizeof(constants));
	memcpy(start + 4, key, 32);
	start[12] = counter;
	memcpy(start + 13, nonce, 12);
	memcpy(x, start, sizeof(x));
	for (unsigned int i = 0; i < ROUNDS; i++) {
		for (unsigned int n = 0; n < 4; n++)
			quarter(&x[n], &x[4 + n], &x[8 + n], &x[12 + n]);
		for (unsigned int n = 0; n < 4; n++)
			quarter(&x[n], &x[4 + (n + 1) % 4], &x[8 + (n + 2) % 4],
				&x[12 + (n + 3) % 4]);
	}
	for (unsigned int i = 0; i < 16; i++)
		block[i] = x[i] + start[i];
}

/** SDM volume 1, 7.3.17: CPUID.01H:ECX.RDRAND. */
static bool has_rdrand(void)
{
	uint32_t eax = 1, ebx, ecx = 0, edx;

	__asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	return ecx >> 30 & 1;
}

static bool rdrand(uint64_t *value)
{
	bool ok = false;

	for (unsigned int i = 0; i < 10 && !ok; i++)
		__asm__ volatile("rdrand %0" : "=r"(*value), "=@ccc"(ok));
	return ok;
}

/** Mix what the CPU gives into the key. */
static void stir(struct random *random)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < 8; i += 2) {
		if (!rdrand(&value))
			continue;
		random->key[i] ^= (uint32_t)value;
		random->key[i + 1] ^= (uint32_t)(value >> 32);
	}
}

void random_init(struct random *random, uint64_t seed)
{
	uint64_t weak = platform_time() ^ __builtin_ia32_rdtsc();

	*random = (struct random){.hardware = seed == 0 && has_rdrand()};
	if (seed == 0)
		seed = weak;
	memcpy(random->key, &seed, sizeof(seed));
}

void random_fill(struct random *random, void *to, size_t size)
{
	static const uint32_t nonce[3];
	uint8_t *out = to;

	while (size > 0) {
		uint32_t block[16];
		size_t n = size < 32 ? size : 32;
		if (random->hardware)
			stir(random);
		random_chacha20(random->key, 0, nonce, block);
		memcpy(random->key, block, sizeof(random->key));
		memcpy(out, block + 8, n);
		out += n;
		size -= n;
	}
}
