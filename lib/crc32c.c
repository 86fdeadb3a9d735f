/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Eight bytes a step ("slicing by 8"): a system image holds tens of megabytes, and the machine
 * that checks it at boot may be an emulator.
 */
#include "lib/crc32c.h"

#include <stdbool.h>

#define POLYNOMIAL UINT32_C(0x82F63B78) /* 1EDC6F41h, bits reversed */
#define SLICES	   8

/* table[k][b]: the CRC of byte b followed by k zero bytes. */
static uint32_t table[SLICES][256];
static bool table_ready;

static void table_build(void)
{
	for (uint32_t byte = 0; byte < 256; byte++) {
		uint32_t crc = byte;

		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ ((crc & 1) ? POLYNOMIAL : 0);
		table[0][byte] = crc;
	}
	for (int slice = 1; slice < SLICES; slice++)
		for (uint32_t byte = 0; byte < 256; byte++) {
			uint32_t crc = table[slice - 1][byte];

			table[slice][byte] = (crc >> 8) ^ table[0][crc & 0xff];
		}
	table_ready = true;
}

static uint32_t load32(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	       (uint32_t)bytes[3] << 24;
}

static uint32_t step8(uint32_t crc, const uint8_t *bytes)
{
	uint32_t low = load32(bytes) ^ crc;
	uint32_t high = load32(bytes + 4);

	return table[7][low & 0xff] ^ table[6][low >> 8 & 0xff] ^ table[5][low >> 16 & 0xff] ^
	       table[4][low >> 24] ^ table[3][high & 0xff] ^ table[2][high >> 8 & 0xff] ^
	       table[1][high >> 16 & 0xff] ^ table[0][high >> 24];
}

uint32_t crc32c(uint32_t crc, const void *bytes, size_t size)
{
	const uint8_t *at = bytes;

	if (!table_ready)
		table_build();
	crc = ~crc;
	for (; size >= SLICES; size -= SLICES, at += SLICES)
		crc = step8(crc, at);
	for (; size > 0; size--, at++)
		crc = (crc >> 8) ^ table[0][(crc ^ *at) & 0xff];
	return ~crc;
}
