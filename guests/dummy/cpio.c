/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/dummy/cpio.h"

#include "lib/string.h"

#define HEADER_BYTES 110
#define FIELD_BYTES  8
#define MAGIC	     "070701"
#define TRAILER	     "TRAILER!!!"

/* Positions of the eight-digit fields after the magic */
enum field { FIELD_MODE = 1, FIELD_FILESIZE = 6, FIELD_NAMESIZE = 11 };

static bool hex_digit(uint8_t c, uint32_t *v)
{
	if (c >= '0' && c <= '9')
		*v = c - '0';
	else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		*v = (uint32_t)(c | 0x20) - 'a' + 10;
	else
		return false;
	return true;
}

static bool read_field(const uint8_t *header, enum field field, uint32_t *value)
{
	const uint8_t *p = header + sizeof(MAGIC) - 1 + FIELD_BYTES * (unsigned)field;
	uint32_t digit;

	*value = 0;
	for (unsigned i = 0; i < FIELD_BYTES; i++) {
		if (!hex_digit(p[i], &digit))
			return false;
		*value = *value << 4 | digit;
	}
	return true;
}

static size_t align4(size_t v)
{
	return (v + 3) & ~(size_t)3;
}

void cpio_begin(struct cpio_iter *it, const void *archive, size_t size)
{
	*it = (struct cpio_iter){archive, size, 0};
}

bool cpio_next(struct cpio_iter *it, struct cpio_file *file)
{
	const uint8_t *header = it->archive + it->offset;
	size_t left = it->size - it->offset;
	uint32_t namesize, filesize, mode;

	if (it->offset > it->size || left < HEADER_BYTES || memcmp(header, MAGIC, 6) != 0 ||
	    !read_field(header, FIELD_NAMESIZE, &namesize) ||
	    !read_field(header, FIELD_FILESIZE, &filesize) ||
	    !read_field(header, FIELD_MODE, &mode))
		return false;

	size_t data = align4(HEADER_BYTES + (size_t)namesize);

	if (namesize == 0 || data > left || filesize > left - data ||
	    header[HEADER_BYTES + namesize - 1] != '\0')
		return false;
	*file = (struct cpio_file){(const char *)header + HEADER_BYTES, header + data, filesize,
				   mode};
	it->offset += align4(data + filesize);
	return strcmp(file->name, TRAILER) != 0;
}

bool cpio_find(const void *archive, size_t size, const char *name, struct cpio_file *file)
{
	struct cpio_iter it;

	for (cpio_begin(&it, archive, size); cpio_next(&it, file);) {
		if (strcmp(file->name, name) == 0)
			return true;
	}
	return false;
}
