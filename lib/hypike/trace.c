/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trace. The kernel copies a few records a call.
 */
#include <hypike/sys.h>
#include <hypike/trace.h>

#include "lib/hypike/syscall.h"

void hypike_trace(uint64_t value)
{
	syscall1(SYS_TRACE, value);
}

/* Records that follow the others without a gap are one answer with them. */
static bool follows(uint64_t before, uint64_t after, int64_t count)
{
	return after - before == (uint64_t)count;
}

int64_t hypike_trace_read(uint32_t cpu, uint64_t *position, void *records, size_t size)
{
	const size_t wanted = size / sizeof(struct trace_record);
	struct trace_record *to = records;
	size_t done = 0;

	while (done < wanted) {
		uint64_t next = *position;
		int64_t count = syscall6(SYS_TRACE_READ, cpu, word(&next), word(&to[done]),
					 (wanted - done) * sizeof(*to), 0, 0);

		if (count < 0 && done == 0)
			return count;
		if (count <= 0 || (done != 0 && !follows(*position, next, count)))
			break;
		*position = next;
		done += (size_t)count;
	}
	return (int64_t)done;
}
