/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trace, read by a partition that may: its own values, in order, once each, and what is lost. The
 * argument string is the role. The rings have 256 records (meson.build).
 * @verifies KRN-200
 * @verifies KRN-202
 */
#include <hypike/trace.h>

#include "lib/hypike/program.h"
#include "lib/string.h"
#include "tests/system/native/check.h"

#define RING   256u
#define FEW    40u
#define MANY   5000u
#define BASE   UINT64_C(0x5eed000000000000)

static struct trace_record records[2 * RING];

static uint32_t my_cpu(void)
{
	return (uint32_t)__builtin_ctzll(hypike_info()->cpu_mask);
}

/* ---- what there is ---- */

/* Skip what is there already. @return where the next record will be */
static uint64_t end_of_ring(uint32_t cpu)
{
	uint64_t position = 0;

	while (hypike_trace_read(cpu, &position, records, sizeof(records)) > 0)
		;
	return position;
}

static bool is_mine(const struct trace_record *record)
{
	return record->event == TRACE_USER && record->partition == hypike_info()->index;
}

/* @return how many of `count` records are this program's values, from `first` on, without a gap */
static uint32_t in_order(int64_t count, uint64_t first)
{
	uint32_t found = 0;

	for (int64_t i = 0; i < count; i++)
		if (is_mine(&records[i]) && records[i].a == first + found)
			found++;
	return found;
}

static bool time_rises(int64_t count)
{
	for (int64_t i = 1; i < count; i++)
		if (records[i].tsc < records[i - 1].tsc)
			return false;
	return count > 0;
}

static void check_values(void)
{
	uint64_t position = end_of_ring(my_cpu()), before = position;
	int64_t count;

	for (uint32_t i = 0; i < FEW; i++)
		hypike_trace(BASE + i);
	count = hypike_trace_read(my_cpu(), &position, records, sizeof(records));
	check(count >= (int64_t)FEW && in_order(count, BASE) == FEW,
	      "a program's values are in the trace, once each and in order");
	check(position == before + (uint64_t)count, "the position moves by what was read");
	check(time_rises(count), "their times rise");
	check(records[0].tsc > hypike_info()->tsc_boot, "and are this machine's");
	count = hypike_trace_read(my_cpu(), &position, records, sizeof(records[0]) * 2 - 1);
	check(count <= 1, "no more than there is room for");
}

static void check_loss(void)
{
	uint64_t before = end_of_ring(my_cpu()), position = before, lost;
	int64_t count;

	for (uint32_t i = 0; i < MANY; i++)
		hypike_trace(BASE + i);
	count = hypike_trace_read(my_cpu(), &position, records, sizeof(records));
	lost = position - before - (uint64_t)count;
	check(count > 0 && count < (int64_t)RING && lost >= MANY - RING,
	      "the ring has the newest; the position tells how many are lost");
	check(in_order(count, records[0].a) >= (uint32_t)count - 2 && time_rises(count),
	      "what follows a loss is whole");
	check(records[count - 1].a == BASE + MANY - 1, "to the last");
}

static void check_cpus(void)
{
	for (uint32_t cpu = 0; cpu < hypike_info()->cpu_count; cpu++) {
		uint64_t position = 0;

		check(hypike_trace_read(cpu, &position, records, sizeof(records)) > 0,
		      "CPU %u has records", cpu);
	}
}

static void check_refusals(void)
{
	uint64_t position = 0, far = UINT64_MAX;
	uint64_t *nowhere = (uint64_t *)(uintptr_t)UINT64_C(0xffff800000000000);

	check(hypike_trace_read(hypike_info()->cpu_count, &position, records, sizeof(records)) ==
		      HV_E_INVALID, "a CPU that isn't there");
	check(hypike_trace_read(0, &position, nowhere, sizeof(records)) == HV_E_FAULT,
	      "a buffer of the kernel's");
	check(position == 0, "moves no position");
	check(hypike_trace_read(0, &position, records, 0) == 0, "no room");
	check(hypike_trace_read(0, &far, records, sizeof(records)) == 0, "a position beyond all");
}

/* ---- roles ---- */

static void reader(void)
{
	check_values();
	check_loss();
	check_cpus();
	check_refusals();
}

static void stranger(void)
{
	uint64_t position = 0;

	hypike_trace(1);
	check(hypike_trace_read(0, &position, records, sizeof(records)) == HV_E_DENIED,
	      "a partition without the right reads nothing");
	check(position == 0 && records[0].tsc == 0, "and gets nothing");
}

int main(void)
{
	if (strcmp(hypike_info()->args, "reader") == 0)
		reader();
	else
		stranger();
	return check_done();
}
