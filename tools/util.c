/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE
#include "tools/util.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

bool report(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("hypike: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	return false;
}

static void *must(void *memory)
{
	if (memory == NULL) {
		report("out of memory");
		exit(EXIT_INPUT);
	}
	return memory;
}

void *memory_new(size_t size)
{
	return must(calloc(1, size ? size : 1));
}

void *memory_grow(void *old, size_t count, size_t entry_size)
{
	return must(reallocarray(old, count ? count : 1, entry_size));
}

char *string_copy(const char *text)
{
	return must(strdup(text));
}

char *string_vformat(const char *format, va_list args)
{
	char *text = NULL;

	return vasprintf(&text, format, args) < 0 ? must(NULL) : text;
}

char *string_format(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = string_vformat(format, args);
	va_end(args);
	return text;
}

void strings_add(struct strings *list, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	list->item = memory_grow(list->item, list->count + 2, sizeof(*list->item));
	list->item[list->count++] = string_vformat(format, args);
	list->item[list->count] = NULL;
	va_end(args);
}

static const char *stream_read(FILE *stream, struct bytes *bytes)
{
	struct stat stat;

	if (fstat(fileno(stream), &stat) != 0)
		return strerror(errno);
	if (!S_ISREG(stat.st_mode))
		return "not a regular file";
	bytes->size = (size_t)stat.st_size;
	bytes->data = memory_new(bytes->size);
	if (fread(bytes->data, 1, bytes->size, stream) == bytes->size)
		return NULL;
	free(bytes->data);
	*bytes = (struct bytes){0};
	return "could not be read as a whole";
}

const char *file_try_read(const char *path, struct bytes *bytes)
{
	FILE *stream = fopen(path, "rb");
	const char *reason;

	if (stream == NULL)
		return strerror(errno);
	reason = stream_read(stream, bytes);
	fclose(stream);
	return reason;
}

bool file_read(const char *path, struct bytes *bytes)
{
	const char *reason = file_try_read(path, bytes);

	return reason == NULL || report("%s: %s", path, reason);
}

bool file_write(const char *path, const void *data, size_t size)
{
	FILE *stream = fopen(path, "wb");
	bool ok;

	if (stream == NULL)
		return report("%s: %s", path, strerror(errno));
	ok = fwrite(data, 1, size, stream) == size;
	/* A full disk may show only here. */
	ok = fclose(stream) == 0 && ok;
	return ok || report("%s: could not be written: %s", path, strerror(errno));
}

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* A build tree has the parts beside the command's folder, an installation has them in lib/hypike. */
static char *installed_or_built(const char *directory, const char *part)
{
	char *path = string_format("%s/../%s", directory, part);

	if (access(path, F_OK) == 0)
		return path;
	free(path);
	return string_format("%s/../lib/hypike/%s", directory, part);
}

/* Where this program's file is. There may be no /proc: then as it was called. */
static bool path_of_self(char self[PATH_MAX])
{
	return realpath("/proc/self/exe", self) != NULL ||
	       realpath((const char *)getauxval(AT_EXECFN), self) != NULL;
}

char *path_of_part(const char *part)
{
	const char *directory = getenv("HYPIKE_DIR");
	char self[PATH_MAX];

	if (directory != NULL && directory[0] != '\0')
		return string_format("%s/%s", directory, part);
	if (!path_of_self(self))
		return string_copy(part);
	*strrchr(self, '/') = '\0';
	return installed_or_built(self, part);
}

static bool parse_digits(const char *text, char **end, uint64_t *number)
{
	/* strtoull would take blanks and a minus sign. */
	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	*number = strtoull(text, end, strncasecmp(text, "0x", 2) == 0 ? 16 : 10);
	return errno == 0;
}

bool parse_size(const char *text, uint64_t *size)
{
	static const struct {
		const char *unit;
		uint64_t factor;
	} units[] = {
		{"", 1},
		{"K", UINT64_C(1) << 10},
		{"M", UINT64_C(1) << 20},
		{"G", UINT64_C(1) << 30},
	};
	uint64_t number;
	char *end;

	if (!parse_digits(text, &end, &number))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcasecmp(end, units[i].unit) == 0)
			return !__builtin_mul_overflow(number, units[i].factor, size);
	return false;
}

bool parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *number)
{
	char *end;

	return parse_digits(text, &end, number) && *end == '\0' && *number >= min &&
	       *number <= max;
}

void write_all(int fd, const char *text, size_t size)
{
	while (size > 0) {
		ssize_t done = write(fd, text, size);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return;
		text += done;
		size -= (size_t)done;
	}
}
