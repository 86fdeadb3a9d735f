/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * More text than the kernel has room for: none of it may be lost.
 * @verifies KRN-051
 */
#include "lib/hypike/program.h"
#include "tests/system/native/check.h"

#define LINES 1200u

int main(void)
{
	for (unsigned int i = 0; i < LINES; i++)
		say("line %u of %u\n", i, LINES);
	return 0;
}
