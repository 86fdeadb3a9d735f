/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file random.h
 * A reproducible stream of numbers (SplitMix64) and the options that the seeded tests share.
 */
#ifndef TESTS_UNIT_INSN_RANDOM_H
#define TESTS_UNIT_INSN_RANDOM_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct random {
	uint64_t state;
};

static inline uint64_t random_u64(struct random *r)
{
	uint64_t z = (r->state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/** @return a number below `limit`, which is small. */
static inline unsigned random_below(struct random *r, unsigned limit)
{
	return (unsigned)((random_u64(r) >> 32) * limit >> 32);
}

static inline uint8_t random_u8(struct random *r)
{
	return (uint8_t)(random_u64(r) >> 56);
}

/** What `--seed N --count N` on the command line say. */
struct random_options {
	uint64_t seed;
	uint64_t count;
};

/** Reads the options into `*o`, which holds the defaults; exits on any other argument. */
static inline void random_parse(int argc, char **argv, struct random_options *o)
{
	for (int i = 1; i < argc; i += 2) {
		uint64_t *target = NULL;
		char *end = NULL;

		if (strcmp(argv[i], "--seed") == 0)
			target = &o->seed;
		else if (strcmp(argv[i], "--count") == 0)
			target = &o->count;
		if (target != NULL && i + 1 < argc)
			*target = strtoull(argv[i + 1], &end, 0);
		if (end == NULL || *end != '\0') {
			fprintf(stderr, "usage: %s [--seed N] [--count N]\n", argv[0]);
			exit(2);
		}
	}
}

#endif
