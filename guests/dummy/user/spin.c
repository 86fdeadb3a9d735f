/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Number `me` of `count` programs: counts up in the shared page until each has seen all others count
 * `goal` times while it ran itself. Never calls the system: only preemption lets the others run.
 */
#include "guests/dummy/user/sys.h"

int64_t main(uint64_t me, uint64_t count, uint64_t goal)
{
	for (uint64_t peer = 0; peer < count; peer++) {
		if (peer == me)
			continue;
		for (uint64_t changes = 0; changes < goal;) {
			uint64_t before = SHARED[peer];

			while (SHARED[peer] == before)
				SHARED[me]++;
			changes++;
		}
	}
	SHARED[count + me] = 1;
	/* go on counting for those that still look */
	for (uint64_t peer = 0; peer < count;) {
		SHARED[me]++;
		peer += SHARED[count + peer] != 0;
	}
	return 0;
}
