/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A native partition program: prints a line five times a second, as often as its argument `rounds=N`
 * says. It shows what every program does: read its arguments, wait for a point in time, write.
 */
#include <hypike/sys.h>

#include "lib/hypike/program.h"
#include "lib/printf.h"
#include "lib/string.h"

#define PERIOD UINT64_C(200000000) /* ns */

static unsigned int rounds_of(const char *args)
{
	const char *text = strstr(args, "rounds=");
	unsigned int rounds = 0;

	for (text = text ? text + strlen("rounds=") : "3"; *text >= '0' && *text <= '9'; text++)
		rounds = rounds * 10 + (unsigned int)(*text - '0');
	return rounds;
}

static void say_hello(unsigned int round, unsigned int rounds)
{
	char line[80];
	int size = lib_snprintf(line, sizeof(line), "hello from partition %s, %u of %u, at %lu ms\n",
			    hypike_info()->partition, round, rounds, hypike_time() / 1000000);

	hypike_console_write(line, (size_t)size);
}

int main(void)
{
	const unsigned int rounds = rounds_of(hypike_info()->args);
	uint64_t next = hypike_time();
	uint64_t bits;

	for (unsigned int round = 1; round <= rounds; round++) {
		say_hello(round, rounds);
		next += PERIOD;
		/* Nobody notifies us: this ends with the time. */
		hypike_wait(1, next, &bits);
	}
	return 0;
}
