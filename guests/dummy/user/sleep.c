/* SPDX-License-Identifier: BSD-2-Clause */
/* Sleeps that many ticks; exits with how many it took. */
#include "guests/dummy/user/sys.h"

int64_t main(uint64_t ticks, uint64_t b, uint64_t c)
{
	int64_t start = sys_fast(SYS_TICKS, 0, 0, 0);

	(void)b;
	(void)c;
	sys_int(SYS_SLEEP, ticks, 0, 0);
	return sys_int(SYS_TICKS, 0, 0, 0) - start;
}
