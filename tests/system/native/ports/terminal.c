/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The other end of a guest's serial line (guests/pv/serial.c): what is sent comes back in capitals, all of
 * it and in order, whatever the lengths of messages, and however slow one of the two is.
 * @verifies VMM-210
 */
#include "lib/hypike/program.h"
#include "lib/string.h"
#include "tests/system/native/check.h"

#define SIZE 64u
#define LOTS 1800u

static hypike_port_t out, in;
static uint8_t back[2 * LOTS];
static uint32_t count; /* of `back` */

static void take(uint64_t deadline)
{
	uint8_t message[SIZE];
	int64_t size = hypike_queuing_receive(in, message, SIZE, deadline, HYPIKE_FIFO);

	if (size <= 0 || count + (uint32_t)size > sizeof(back))
		return;
	memcpy(back + count, message, (size_t)size);
	count += (uint32_t)size;
}

/* Wait for as many bytes altogether. */
static bool wait_for_bytes(uint32_t number)
{
	uint64_t end = hypike_time() + 10000 * MS;

	while (count < number && hypike_time() < end)
		take(hypike_time() + 100 * MS);
	return count == number;
}

static void test_line(void)
{
	static const char text[] = "Hello over the line, for longer than a FIFO\n";

	hypike_queuing_send(out, text, sizeof(text) - 1, HYPIKE_FOREVER, HYPIKE_FIFO);
	check(wait_for_bytes(sizeof(text) - 1) &&
		      memcmp(back, "HELLO OVER THE LINE, FOR LONGER THAN A FIFO\n",
			     sizeof(text) - 1) == 0,
	      "a line comes back");
	count = 0;
	hypike_queuing_send(out, "ab", 2, HYPIKE_FOREVER, HYPIKE_FIFO);
	check(wait_for_bytes(2) && memcmp(back, "AB", 2) == 0, "so does a piece without an end");
}

static uint8_t byte_number(uint32_t i)
{
	return (uint8_t)('0' + i % 41 % 10 + i / 97 % 3);
}

/* Send without taking anything until nothing goes on any more, then take while sending. */
static void test_flow(void)
{
	uint32_t sent = 0, stuck = 0;
	bool same = true;

	count = 0;
	while (sent < LOTS) {
		uint8_t message[SIZE];
		uint32_t size = 1 + sent % SIZE;

		size = size < LOTS - sent ? size : LOTS - sent;
		for (uint32_t i = 0; i < size; i++)
			message[i] = byte_number(sent + i);
		if (hypike_queuing_send(out, message, size, hypike_time() + 2 * MS, HYPIKE_FIFO) ==
		    HV_OK) {
			sent += size;
			continue;
		}
		stuck++;
		take(0);
	}
	check(stuck > 0, "a line whose end nobody reads comes to a stop");
	same = wait_for_bytes(LOTS);
	for (uint32_t i = 0; i < LOTS; i++)
		same &= back[i] == byte_number(i);
	check(same, "of %u bytes each has come back, in order", LOTS);
}

int main(void)
{
	struct hypike_port_info info = {0};

	hypike_port_open("to-line", &info);
	out = info.port;
	hypike_port_open("from-line", &info);
	in = info.port;
	test_line();
	test_flow();
	count = 0;
	hypike_queuing_send(out, ".", 1, HYPIKE_FOREVER, HYPIKE_FIFO);
	check(wait_for_bytes(1) && back[0] == '.', "the last byte comes, too");
	return check_done();
}
