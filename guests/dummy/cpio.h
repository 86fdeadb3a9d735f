/* SPDX-License-Identifier: BSD-2-Clause */
/** @file cpio.h Files in a "newc" cpio archive (cpio(5), new ASCII format). */
#ifndef GUESTS_DUMMY_CPIO_H
#define GUESTS_DUMMY_CPIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cpio_file {
	const char *name;
	const uint8_t *data;
	size_t size;
	uint32_t mode;
};

/** Where an iteration stands. */
struct cpio_iter {
	const uint8_t *archive;
	size_t size;
	size_t offset;
};

void cpio_begin(struct cpio_iter *it, const void *archive, size_t size);

/** @return false at the end, or where the archive is malformed. */
bool cpio_next(struct cpio_iter *it, struct cpio_file *file);

/** Looks a file up by its name. */
bool cpio_find(const void *archive, size_t size, const char *name, struct cpio_file *file);

#endif
