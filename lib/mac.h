/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file mac.h
 * Ethernet addresses (IEEE 802) as numbers of 48 bits: the first byte is the highest.
 */
#ifndef LIB_MAC_H
#define LIB_MAC_H

#include <stdbool.h>
#include <stdint.h>

#define MAC_BROADCAST UINT64_C(0xffffffffffff)
#define MAC_GROUP     (UINT64_C(1) << 40) /**< of several stations: the first byte's lowest bit */

/** The address in a frame. */
static inline uint64_t mac_load(const uint8_t *at)
{
	uint64_t mac = 0;

	for (unsigned int i = 0; i < 6; i++)
		mac = mac << 8 | at[i];
	return mac;
}

static inline void mac_store(uint8_t *at, uint64_t mac)
{
	for (unsigned int i = 0; i < 6; i++)
		at[i] = (uint8_t)(mac >> (40 - 8 * i));
}

/** Value of a hexadecimal digit, or -1. */
static inline int mac_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/** Read an address like 02:00:00:00:00:01. @return false where it isn't one of a single station. */
static inline bool mac_parse(const char *text, uint64_t *mac)
{
	*mac = 0;
	for (unsigned int i = 0; i < 6; i++, text += 3) {
		const int high = mac_digit(text[0]);
		const int low = high < 0 ? -1 : mac_digit(text[1]);
		if (low < 0 || text[2] != (i < 5 ? ':' : '\0'))
			return false;
		*mac = *mac << 8 | (uint64_t)(high * 16 + low);
	}
	return *mac != 0 && !(*mac & MAC_GROUP);
}

#endif
