/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lives among partitions that misbehave: its memory stays as it was and its time goes on, until the
 * others have had theirs.
 * @verifies KRN-040
 */
#include "lib/hypike/program.h"
#include "tests/system/native/check.h"

#define WORDS 4096u

int main(void)
{
	uint64_t *ram = hypike_info()->ram;
	bool zero = true, kept = true;

	for (unsigned int i = 0; i < hypike_info()->ram_size / 8; i++)
		zero &= ram[i] == 0;
	check(zero, "the RAM is zero at the start");
	for (unsigned int i = 0; i < WORDS; i++)
		ram[i] = i * UINT64_C(0x9e3779b97f4a7c15);
	for (unsigned int round = 0; round < 20; round++)
		sleep_ms(5);
	for (unsigned int i = 0; i < WORDS; i++)
		kept &= ram[i] == i * UINT64_C(0x9e3779b97f4a7c15);
	check(kept, "nobody has changed it");
	return check_done();
}
