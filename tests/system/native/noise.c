/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bad neighbour: keeps the kernel as busy as a program can, without end. Its argument string chooses
 * how: one of `kinds` below, or all of them in turn. Ports: it floods those called `flood` (queuing) and
 * `sample` (sampling), if it has them.
 * @verifies KRN-090
 */
#include "lib/hypike/program.h"
#include "lib/string.h"
#include "tests/system/native/check.h"

#define SLICE 200u
#define LINE  64u

static hypike_port_t flood, sample;
static bool has_flood, has_sample;

static void calls(void)
{
	for (unsigned int i = 0; i < SLICE; i++)
		hypike_yield();
}

static void console(void)
{
	static const char text[] = "noise noise noise noise noise noise noise noise noise noise noise\n";

	for (unsigned int i = 0; i < SLICE / 10; i++)
		hypike_console_write(text, sizeof(text) - 1);
}

static void timers(void)
{
	uint64_t bits;

	for (unsigned int i = 0; i < SLICE; i++)
		hypike_wait(1, hypike_time() + 1000, &bits);
}

static uint32_t begun;

static void end_at_once(void *arg)
{
	(void)arg;
	store(&begun, load(&begun) + 1);
	hypike_thread_exit();
}

/* Each has its stack only until the next: it must have come to its end. */
static void threads(void)
{
	static char stacks[2][4096] __attribute__((aligned(16)));
	hypike_thread_t thread;

	for (unsigned int i = 0; i < SLICE / 8; i++) {
		const uint32_t before = load(&begun);

		if (hypike_thread_create(end_at_once, NULL, stacks[i % 2], sizeof(stacks[0]),
					 hypike_info()->priority,
					 (uint32_t)__builtin_ctzll(hypike_info()->cpu_mask),
					 &thread) != HV_OK)
			continue;
		while (load(&begun) == before)
			hypike_yield();
		hypike_yield();
	}
}

static void ports(void)
{
	static char message[8192];

	for (unsigned int i = 0; i < SLICE; i++) {
		if (has_flood)
			hypike_queuing_send(flood, message, sizeof(message), 0, HYPIKE_FIFO);
		if (has_sample)
			hypike_sampling_write(sample, message, sizeof(message));
	}
}

/* Calls that are refused, with bad addresses. */
static void refused(void)
{
	for (unsigned int i = 0; i < SLICE; i++) {
		hypike_console_write((const void *)(uintptr_t)0xffffffff80000000, 100);
		hypike_notify(99, 1);
		hypike_plan_set(99);
		hypike_futex_wait((const uint32_t *)8, 0, 0);
	}
}

static void cache(void)
{
	static uint64_t at;
	volatile uint8_t *ram = hypike_info()->ram;
	const uint64_t size = hypike_info()->ram_size;

	for (unsigned int i = 0; i < 20 * SLICE && size != 0; i++) {
		ram[at] += 1;
		at = (at + 67 * LINE) % size;
	}
}

static const struct {
	const char *name;
	void (*make)(void);
} kinds[] = {
	{"calls", calls}, {"console", console}, {"timers", timers}, {"threads", threads},
	{"ports", ports}, {"refused", refused}, {"cache", cache},
};

int main(void)
{
	struct hypike_port_info info;
	const char *kind = hypike_info()->args;

	has_flood = hypike_port_open("flood", &info) == HV_OK;
	flood = info.port;
	has_sample = hypike_port_open("sample", &info) == HV_OK;
	sample = info.port;
	say("noise: %s\n", kind);
	for (;;)
		for (unsigned int i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
			if (*kind == '\0' || strcmp(kind, kinds[i].name) == 0)
				kinds[i].make();
}
