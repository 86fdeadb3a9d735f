/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a message of 64 bytes costs, in executed instructions from calling libhypike to its return:
 * `bench NAME VALUE` as guests/bench prints it. tools/bench.py runs this on machines whose time-stamp
 * counter counts instructions.
 */
#include "lib/hypike/program.h"
#include "tests/system/native/check.h"

#define SIZE   64u
#define DEPTH  16u
#define ROUNDS 64u

static hypike_port_t s_out, s_in, q_out, q_in, ping, pong;
static uint8_t message[SIZE];

static void nothing(void)
{
	__asm__ volatile("");
}

static void sampling_write(void)
{
	hypike_sampling_write(s_out, message, SIZE);
}

static void sampling_read(void)
{
	struct hypike_sample sample;

	hypike_sampling_read(s_in, message, SIZE, &sample);
}

static void queuing_send(void)
{
	hypike_queuing_send(q_out, message, SIZE, 0, HYPIKE_FIFO);
}

static void queuing_receive(void)
{
	hypike_queuing_receive(q_in, message, SIZE, 0, HYPIKE_FIFO);
}

static void round_trip(void)
{
	hypike_queuing_send(ping, message, SIZE, HYPIKE_FOREVER, HYPIKE_FIFO);
	hypike_queuing_receive(pong, message, SIZE, HYPIKE_FOREVER, HYPIKE_FIFO);
}

static uint64_t loop(void (*fn)(void))
{
	uint64_t start = __builtin_ia32_rdtsc();

	for (unsigned int i = 0; i < DEPTH; i++)
		fn();
	return __builtin_ia32_rdtsc() - start;
}

/* Each function as often as a queue is deep, so that none is ever full or empty; then again. */
static const struct {
	const char *name;
	void (*fn)(void);
} costs[] = {
	{"sampling-write", sampling_write}, {"sampling-read", sampling_read},
	{"queuing-send", queuing_send},	    {"queuing-receive", queuing_receive},
	{"queuing-round-trip", round_trip},
};
#define COSTS (sizeof(costs) / sizeof(costs[0]))

static hypike_port_t port(const char *name)
{
	struct hypike_port_info info = {0};

	if (hypike_port_open(name, &info) != HV_OK)
		hypike_exit(1);
	return info.port;
}

static void answer(void)
{
	ping = port("ping");
	pong = port("pong");
	for (;;) {
		hypike_queuing_receive(ping, message, SIZE, HYPIKE_FOREVER, HYPIKE_FIFO);
		hypike_queuing_send(pong, message, SIZE, HYPIKE_FOREVER, HYPIKE_FIFO);
	}
}

int main(void)
{
	uint64_t spent[COSTS] = {0}, empty = 0;

	if (hypike_info()->args[0] != '\0')
		answer();
	s_out = port("s.out");
	s_in = port("s.in");
	q_out = port("q.out");
	q_in = port("q.in");
	ping = port("ping");
	pong = port("pong");
	for (unsigned int round = 0; round < ROUNDS; round++) {
		empty += loop(nothing);
		for (unsigned int i = 0; i < COSTS; i++)
			spent[i] += loop(costs[i].fn);
	}
	for (unsigned int i = 0; i < COSTS; i++)
		say("bench %s %lu\n", costs[i].name, (spent[i] - empty) / (ROUNDS * DEPTH));
	hypike_shutdown(0);
	return 0;
}
