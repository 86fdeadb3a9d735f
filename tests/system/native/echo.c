/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Console input: what is typed comes back in capitals, until a line says `end`.
 * @verifies KRN-050
 */
#include "lib/hypike/program.h"
#include "tests/system/native/check.h"

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* @return true at the end of a line that says `end`. */
static bool take(char c)
{
	static char last[4];

	__builtin_memmove(last, last + 1, 3);
	last[3] = c;
	c = upper(c);
	hypike_console_write(&c, 1);
	if (c != '\r' && c != '\n')
		return false;
	say("\n");
	return __builtin_memcmp(last, "end", 3) == 0;
}

int main(void)
{
	char text[8];
	uint64_t bits;

	hypike_console_bind(0, 1);
	say("ready\n");
	for (;;) {
		int64_t count = hypike_console_read(text, sizeof(text));

		for (int64_t i = 0; i < count; i++)
			if (take(text[i]))
				return 7;
		if (count == 0)
			hypike_wait(1, HYPIKE_FOREVER, &bits);
	}
}
