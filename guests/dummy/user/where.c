/* SPDX-License-Identifier: BSD-2-Clause */
/* Asks that often, and in between lets others run, which CPU this is; exits with the answer. */
#include "guests/dummy/user/sys.h"

int64_t main(uint64_t times, uint64_t b, uint64_t c)
{
	int64_t cpu = sys_fast(SYS_CPU, 0, 0, 0);

	(void)b;
	(void)c;
	for (uint64_t i = 0; i < times; i++) {
		sys_fast(SYS_YIELD, 0, 0, 0);
		if (sys_int(SYS_CPU, 0, 0, 0) != cpu)
			return -1;
	}
	return cpu;
}
