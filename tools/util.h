/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file util.h
 * What every part of the `hypike` command uses: messages, memory, files, lists of strings.
 */
#ifndef TOOLS_UTIL_H
#define TOOLS_UTIL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** How the command ends. A person reads the message; a script reads this. */
enum exit_code {
	EXIT_OK = 0,	   /**< done; for `boot`: the system ended with status 0, or a key did it */
	EXIT_SYSTEM = 1,   /**< the system ran and ended with another status than 0 */
	EXIT_USAGE = 2,	   /**< the command line is wrong */
	EXIT_INPUT = 3,	   /**< a file is missing or refused: nothing was booted */
	EXIT_EMULATOR = 4, /**< the emulator is missing, failed, or ended without HyPike's word */
	EXIT_TIMEOUT = 124,
};

/** Print `hypike: <message>` and a newline to stderr. @return false, for `return report(...)`. */
bool report(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Write all of it, as far as anybody takes it: the rest is lost. */
void write_all(int fd, const char *text, size_t size);

/** As malloc() and friends, but zeroed, and the command ends when there is no memory. */
void *memory_new(size_t size);
void *memory_grow(void *old, size_t count, size_t entry_size);
char *string_copy(const char *text);
char *string_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *string_vformat(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

/** A list of strings, NULL-terminated: an argument vector. */
struct strings {
	char **item; /**< `count` strings and a NULL */
	size_t count;
};

void strings_add(struct strings *list, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** Bytes of a file, or on their way into one. */
struct bytes {
	uint8_t *data;
	size_t size;
};

/** Read a whole regular file. @return NULL, or the reason why not. */
const char *file_try_read(const char *path, struct bytes *bytes);
/** Read a whole regular file. @return false after report() of the reason. */
bool file_read(const char *path, struct bytes *bytes);
/** Write a whole file. @return false after report() of the reason. */
bool file_write(const char *path, const void *data, size_t size);

/** @return the part of a path behind the last slash. */
const char *path_base(const char *path);
/** @return the path of a part of HyPike, such as `kernel/hypike.elf`, as it was built or installed
 *          beside this command, or below HYPIKE_DIR where that is set. */
char *path_of_part(const char *part);

/** Parse `64M`, `4096`, `0x1000`, `1G`: a size in bytes. @return false where it is none. */
bool parse_size(const char *text, uint64_t *size);
/** Parse a decimal number in [min, max]. @return false where it is none. */
bool parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *number);

#endif
