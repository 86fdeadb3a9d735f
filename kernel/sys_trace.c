/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls of the trace. Reading is done in pieces, since interrupts are off: libhypike repeats.
 */
#include "kernel/cpu.h"
#include "kernel/health.h"
#include "kernel/partition.h"
#include "kernel/syscall.h"
#include "kernel/trace.h"
#include "kernel/user.h"

#define PIECE 8u /* records that a call copies at the most */

int64_t sys_trace(uint64_t value)
{
	trace(TRACE_USER, partition_self()->index, value, cpu_self()->current->index);
	return HV_OK;
}

/* Records that follow each other: a gap can only be before the first. @return how many */
static uint64_t take(const struct trace_ring *ring, uint64_t *position,
		     struct trace_record *records, uint64_t count)
{
	uint64_t done = 0, next = *position;

	while (done < count && trace_take(ring, &next, &records[done])) {
		if (done != 0 && next != *position + 1)
			break;
		*position = next;
		done++;
	}
	return done;
}

/*
 * @req KRN-202 A partition with SYSTEM_PARTITION_MAY_CONTROL reads each CPU's records once and in
 *              order, and sees how many were lost; no other partition reads any.
 */
int64_t sys_trace_read(uint64_t cpu, uint64_t position_at, uint64_t to, uint64_t size)
{
	struct trace_record records[PIECE];
	uint64_t count = size / sizeof(records[0]);
	uint64_t position;

	if ((partition_self()->config->flags & SYSTEM_PARTITION_MAY_CONTROL) == 0)
		return health_denied();
	if (cpu >= cpu_count)
		return HV_E_INVALID;
	if (!user_read(&position, position_at, sizeof(position)))
		return HV_E_FAULT;
	count = take(&cpus[cpu].trace, &position, records, count < PIECE ? count : PIECE);
	if (!user_write(to, records, count * sizeof(records[0])) ||
	    !user_write(position_at, &position, sizeof(position)))
		return HV_E_FAULT;
	return (int64_t)count;
}
