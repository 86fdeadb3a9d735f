/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ring of a CPU: what a reader gets of it, and how many instructions a record costs, counted by
 * stepping through them one by one.
 * @verifies KRN-200
 */
#define _GNU_SOURCE
#include "tests/unit/kernel/process.h"

#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/trace.h"
#include "tests/unit/kernel/trace_one.h"

#define RECORDS 16u

static struct trace_record records[RECORDS];

static struct trace_ring *fresh_ring(void)
{
	process_cpu.trace = (struct trace_ring){.records = records, .mask = RECORDS - 1};
	return &process_cpu.trace;
}

static void write_values(uint64_t first, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		trace(TRACE_USER, 3, first + i, (uint32_t)i);
}

static void without_ring_nothing_happens(void **state)
{
	(void)state;
	process_cpu.trace = (struct trace_ring){0};
	trace(TRACE_USER, 1, 2, 3);
	assert_int_equal(process_cpu.trace.next, 0);
}

static void what_is_written_is_read(void **state)
{
	struct trace_ring *ring = fresh_ring();
	struct trace_record record;
	uint64_t position = 0, last = 0;

	(void)state;
	write_values(100, 10);
	for (uint32_t i = 0; i < 10; i++) {
		assert_true(trace_take(ring, &position, &record));
		assert_int_equal(record.event, TRACE_USER);
		assert_int_equal(record.partition, 3);
		assert_int_equal(record.a, 100 + i);
		assert_int_equal(record.b, i);
		assert_true(record.tsc >= last);
		last = record.tsc;
	}
	assert_false(trace_take(ring, &position, &record));
	assert_int_equal(position, 10);
}

/* The slot that could be in the making is no reader's any more. */
static void what_is_overwritten_is_skipped(void **state)
{
	struct trace_ring *ring = fresh_ring();
	struct trace_record record;
	uint64_t position = 0;

	(void)state;
	write_values(0, 1000);
	for (uint64_t expected = 1000 - (RECORDS - 1); expected < 1000; expected++) {
		assert_true(trace_take(ring, &position, &record));
		assert_int_equal(record.a, expected);
		assert_int_equal(position, expected + 1);
	}
	assert_false(trace_take(ring, &position, &record));
}

static void any_position_is_safe(void **state)
{
	static const uint64_t positions[] = {11, 1000, UINT64_MAX, UINT64_MAX - 1, UINT64_C(1) << 63};
	struct trace_ring *ring = fresh_ring();
	struct trace_record record;

	(void)state;
	write_values(0, 10);
	for (size_t i = 0; i < sizeof(positions) / sizeof(positions[0]); i++) {
		uint64_t position = positions[i];

		assert_false(trace_take(ring, &position, &record));
		assert_int_equal(position, positions[i]);
	}
}

/* ---- the cost ---- */

#define LIMIT 40 /* the requirement's */

static void child(void)
{
	fresh_ring();
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	trace_between_traps(TRACE_EXIT, 1, 2, 3);
	_exit(0);
}

/* @return instructions up to the next trap; negative: the child has ended or can't be traced. */
static long steps_to_trap(pid_t pid)
{
	for (long steps = 0; steps < 100000; steps++) {
		siginfo_t info;
		int status;

		if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) != 0 || waitpid(pid, &status, 0) != pid ||
		    !WIFSTOPPED(status) || ptrace(PTRACE_GETSIGINFO, pid, NULL, &info) != 0)
			return -1;
		if (info.si_code != TRAP_TRACE)
			return steps;
	}
	return -1;
}

static void a_record_costs_few_instructions(void **state)
{
	pid_t pid = fork();
	long empty, one;
	int status;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0)
		child();
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		skip(); /* no tracing here */
	empty = steps_to_trap(pid);
	one = steps_to_trap(pid);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	assert_true(empty >= 0 && one > empty);
	printf("# a record costs %ld instructions\n", one - empty);
	assert_true(one - empty < LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_ring_nothing_happens),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(what_is_overwritten_is_skipped),
		cmocka_unit_test(any_position_is_safe),
		cmocka_unit_test(a_record_costs_few_instructions),
	};

	return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
