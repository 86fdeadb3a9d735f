/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file printf.h
 * Formatted output without a C library.
 *
 * @req LIB-001 Formatting supports %c %s %d %i %u %x %X %o %p %%, the flags - 0 + space #, width and
 * precision (also by *), and the lengths hh h l ll z t j; an unknown conversion is printed as it
 * stands and consumes no argument.
 */
#ifndef LIB_PRINTF_H
#define LIB_PRINTF_H

#include <stdarg.h>
#include <stddef.h>

/** Takes one character of the output. */
typedef void (*lib_putc_fn)(void *ctx, char c);

/**
 * Formats into a callback.
 * @return the number of characters put.
 */
__attribute__((format(printf, 3, 0))) int lib_vprintf(lib_putc_fn put, void *ctx, const char *fmt,
						      va_list ap);

/** As lib_vprintf, with the arguments given here. */
__attribute__((format(printf, 3, 4))) int lib_fprintf(lib_putc_fn put, void *ctx, const char *fmt,
						      ...);

/**
 * Formats into a buffer, which always ends with a zero if size > 0.
 * @return the length of the complete text, even where the buffer was too short for it.
 */
__attribute__((format(printf, 3, 0))) int lib_vsnprintf(char *buf, size_t size, const char *fmt,
							va_list ap);

/** As lib_vsnprintf, with the arguments given here. */
__attribute__((format(printf, 3, 4))) int lib_snprintf(char *buf, size_t size, const char *fmt,
						       ...);

#endif
