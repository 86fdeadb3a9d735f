/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file string.h
 * Memory and string functions of the C standard for programs without a C library.
 *
 * The declarations equal those of a hosted <string.h>, so both may be included together; hosted
 * programs use their own C library and don't link string.c.
 */
#ifndef LIB_STRING_H
#define LIB_STRING_H

#include <stddef.h>

/** Copies n bytes; the ranges must not overlap. */
void *memcpy(void *restrict dst, const void *restrict src, size_t n);
/** Copies n bytes; the ranges may overlap. */
void *memmove(void *dst, const void *src, size_t n);
/** Sets n bytes to the low eight bits of c. */
void *memset(void *dst, int c, size_t n);
/** Compares as unsigned bytes. */
int memcmp(const void *a, const void *b, size_t n);
/** @return the first byte equal to c in the n bytes at s, or NULL. */
void *memchr(const void *s, int c, size_t n);

size_t strlen(const char *s);
/** @return the length of s, at most max; never reads s[max]. */
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
/** @return the first c in s (the final zero counts), or NULL. */
char *strchr(const char *s, int c);
/** @return the last c in s (the final zero counts), or NULL. */
char *strrchr(const char *s, int c);
/** @return the first place of `needle` in `hay`, or NULL. */
char *strstr(const char *hay, const char *needle);

#endif
