/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file pixels.h
 * A row of pixels in few bytes. A control byte n below 80h: n + 1 pixels follow, blue, green, red each; from 80h
 * on: one pixel follows, and is there n - 80h + 2 times.
 *
 * @req LIB-051 Pixels that were coded come out as they were; whatever else comes for a code is refused, unless it is
 *              exactly as many pixels as were expected.
 */
#ifndef LIB_PIXELS_H
#define LIB_PIXELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Bytes that the code of so many pixels may take. */
#define PIXELS_CODE(count) (3 * (count) + ((count) + 127) / 128)

/** @param code PIXELS_CODE(count) bytes. @return how many were used */
size_t pixels_encode(const uint32_t *pixels, size_t count, uint8_t *code);
/** @return false: it isn't the code of `count` pixels */
bool pixels_decode(const uint8_t *code, size_t size, uint32_t *pixels, size_t count);

#endif
