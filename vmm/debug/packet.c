/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * @req GDB-001 Whatever bytes come, a packet is taken only whole, in its size's bounds and with the right
 *              checksum; anything else changes nothing.
 */
#include "vmm/debug/packet.h"

#include "lib/string.h"

#define INTERRUPT 0x03u
#define ESCAPE	  '}'
#define ESCAPED	  0x20u

enum { OUTSIDE, INSIDE, FIRST_DIGIT, SECOND_DIGIT };

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* ---------------------------------------------------------------------------------------- coming */

static void begin(struct packet *packet)
{
	packet->state = INSIDE;
	packet->escaped = packet->too_long = false;
	packet->sum = 0;
	packet->length = 0;
}

static enum packet_event outside(struct packet *packet, uint8_t byte)
{
	if (byte == '$')
		begin(packet);
	else if (byte == INTERRUPT)
		return PACKET_INTERRUPT;
	else if (byte == '-')
		return PACKET_AGAIN;
	return PACKET_NOTHING;
}

static void inside(struct packet *packet, uint8_t byte)
{
	if (byte == '#') {
		packet->state = FIRST_DIGIT;
		return;
	}
	if (byte == '$') { /* never inside: the one before was cut off */
		begin(packet);
		return;
	}
	packet->sum = (uint8_t)(packet->sum + byte);
	if (!packet->escaped && byte == (uint8_t)ESCAPE) {
		packet->escaped = true;
		return;
	}
	if (packet->length == PACKET_IN)
		packet->too_long = true;
	else
		packet->text[packet->length++] = (char)(packet->escaped ? byte ^ ESCAPED : byte);
	packet->escaped = false;
}

static enum packet_event ended(struct packet *packet, int low)
{
	const bool right = packet->want != 0xff && low >= 0 &&
			   (uint8_t)(packet->want << 4 | low) == packet->sum;

	packet->state = OUTSIDE;
	if (!right || packet->too_long || packet->escaped)
		return PACKET_DAMAGED;
	packet->text[packet->length] = '\0';
	return PACKET_WHOLE;
}

enum packet_event packet_take(struct packet *packet, uint8_t byte)
{
	switch (packet->state) {
	case OUTSIDE:
		return outside(packet, byte);
	case INSIDE:
		inside(packet, byte);
		return PACKET_NOTHING;
	case FIRST_DIGIT:
		packet->want = (uint8_t)digit((char)byte);
		packet->state = SECOND_DIGIT;
		return PACKET_NOTHING;
	default:
		return ended(packet, digit((char)byte));
	}
}

bool packet_number(const char **at, uint64_t *value)
{
	const char *p = *at;

	*value = 0;
	for (; digit(*p) >= 0; p++) {
		if (*value >> 60 != 0)
			return false;
		*value = *value << 4 | (unsigned int)digit(*p);
	}
	if (p == *at)
		return false;
	*at = p;
	return true;
}

bool packet_char(const char **at, char c)
{
	if (**at != c)
		return false;
	(*at)++;
	return true;
}

bool packet_word(const char **at, const char *word)
{
	const size_t length = strlen(word);

	if (strncmp(*at, word, length) != 0)
		return false;
	*at += length;
	return true;
}

bool packet_bytes(const char **at, void *bytes, size_t size)
{
	uint8_t *to = bytes;
	const char *p = *at;

	for (size_t i = 0; i < size; i++, p += 2) {
		const int high = digit(p[0]), low = high < 0 ? -1 : digit(p[1]);
		if (low < 0)
			return false;
		to[i] = (uint8_t)(high << 4 | low);
	}
	*at = p;
	return true;
}

/* ----------------------------------------------------------------------------------------- going */

static const char digits[] = "0123456789abcdef";

void answer_clear(struct answer *answer)
{
	answer->length = 1;
	answer->full = false;
}

void answer_begin(struct answer *answer)
{
	answer->text[0] = '$';
	answer_clear(answer);
}

size_t answer_room(const struct answer *answer)
{
	return PACKET_OUT + 1 - answer->length;
}

void answer_char(struct answer *answer, char c)
{
	if (answer_room(answer) == 0)
		answer->full = true;
	else
		answer->text[answer->length++] = c;
}

void answer_text(struct answer *answer, const char *text)
{
	while (*text != '\0')
		answer_char(answer, *text++);
}

void answer_byte(struct answer *answer, uint8_t byte)
{
	answer_char(answer, digits[byte >> 4]);
	answer_char(answer, digits[byte & 15]);
}

void answer_bytes(struct answer *answer, const void *bytes, size_t size)
{
	const uint8_t *from = bytes;

	for (size_t i = 0; i < size; i++)
		answer_byte(answer, from[i]);
}

void answer_number(struct answer *answer, uint64_t value)
{
	unsigned int shift = 60;

	while (shift > 0 && value >> shift == 0)
		shift -= 4;
	for (;; shift -= 4) {
		answer_char(answer, digits[value >> shift & 15]);
		if (shift == 0)
			return;
	}
}

void answer_binary(struct answer *answer, uint8_t byte)
{
	if (byte == '#' || byte == '$' || byte == '}' || byte == '*') {
		answer_char(answer, ESCAPE);
		byte ^= ESCAPED;
	}
	answer_char(answer, (char)byte);
}

void answer_end(struct answer *answer)
{
	uint8_t sum = 0;

	if (answer->full) {
		answer_clear(answer);
		answer_text(answer, "E07");
	}
	for (size_t i = 1; i < answer->length; i++)
		sum = (uint8_t)(sum + (uint8_t)answer->text[i]);
	answer->text[answer->length++] = '#';
	answer->text[answer->length++] = digits[sum >> 4];
	answer->text[answer->length++] = digits[sum & 15];
}
