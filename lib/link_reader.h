/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file link_reader.h
 * Messages of a link (<hypike/link.h>) out of the bytes that come, in whatever pieces.
 *
 * @req LIB-050 Whatever bytes come on a link, a reader gives whole messages of the kinds that there may be, no longer
 *              than LINK_MAX, or says for good that the link is broken.
 */
#ifndef LIB_LINK_READER_H
#define LIB_LINK_READER_H

#include <hypike/link.h>
#include <stdbool.h>
#include <stddef.h>

struct link_reader {
	struct link_header header;
	uint8_t payload[LINK_MAX];
	size_t have; /**< bytes of header and payload */
	bool whole;  /**< there is a message in it */
	bool broken; /**< for good: nothing is taken any more */
};

/**
 * Take bytes up to the end of a message; the one before is forgotten. reader->whole tells whether there is one now.
 * @return how many were taken
 */
size_t link_reader_take(struct link_reader *reader, const void *bytes, size_t size);

#endif
