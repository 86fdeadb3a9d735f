/* SPDX-License-Identifier: BSD-2-Clause */
/** @file font.h The characters of a text screen: 8 by 16 pixels each, of code page 437 as far as drawn here. */
#ifndef VMM_FONT_H
#define VMM_FONT_H

#include <stdint.h>

#define FONT_WIDTH  8u
#define FONT_HEIGHT 16u

/** @return a row of a character; the highest bit is the leftmost pixel. */
uint8_t font_row(uint8_t code, unsigned int row);

#endif
