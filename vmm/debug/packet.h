/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file packet.h
 * Packets of the GDB remote protocol (GDB manual, appendix E.1): `$text#checksum`, answered by + or -,
 * and the byte 03h, which interrupts. Knows nothing of what is in them.
 */
#ifndef VMM_DEBUG_PACKET_H
#define VMM_DEBUG_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKET_IN  2000u /**< bytes of a packet that we take; PacketSize of qSupported */
#define PACKET_OUT 4096u

/** What a byte has brought. */
enum packet_event {
	PACKET_NOTHING,
	PACKET_WHOLE,	  /**< packet.text, zero-terminated, escapes resolved; stays until the next byte */
	PACKET_DAMAGED,	  /**< the checksum is wrong, or it is too long: it is to be sent again */
	PACKET_INTERRUPT, /**< 03h outside a packet */
	PACKET_AGAIN,	  /**< -: send the last one again */
};

/** The incoming side. Zero-initialised is empty. */
struct packet {
	uint8_t state;
	bool escaped;
	bool too_long;
	uint8_t sum;  /**< of the bytes as they came */
	uint8_t want; /**< the checksum that came with it */
	size_t length;
	char text[PACKET_IN + 1];
};

enum packet_event packet_take(struct packet *packet, uint8_t byte);

/** An answer in the making. */
struct answer {
	size_t length;
	bool full;		    /**< something found no room */
	char text[PACKET_OUT + 4]; /**< $, what is in it, #, two digits */
};

void answer_begin(struct answer *answer);
void answer_char(struct answer *answer, char c);
void answer_text(struct answer *answer, const char *text);
/** Two digits. */
void answer_byte(struct answer *answer, uint8_t byte);
/** Bytes in memory's order, two digits each. */
void answer_bytes(struct answer *answer, const void *bytes, size_t size);
/** A number without leading zeroes, as in addresses and lengths. */
void answer_number(struct answer *answer, uint64_t value);
/** A byte of a binary answer: what means something in packets is escaped. */
void answer_binary(struct answer *answer, uint8_t byte);
/** Room that is left. */
size_t answer_room(const struct answer *answer);
/** Begin it anew, with nothing in it. */
void answer_clear(struct answer *answer);
/** Close it: text[0..length) goes out. What was too long is an error answer now. */
void answer_end(struct answer *answer);

/* Reading a packet: each moves *at on behind what it has taken, and returns false without. */

bool packet_number(const char **at, uint64_t *value);
bool packet_char(const char **at, char c);
bool packet_word(const char **at, const char *word);
/** `size` bytes as digits. */
bool packet_bytes(const char **at, void *bytes, size_t size);

#endif
