/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs in ring 3. @verifies DUM-010 DUM-011 DUM-012 */
#include "guests/dummy/process.h"
#include "guests/dummy/rt.h"
#include "guests/dummy/test.h"
#include "guests/dummy/timer.h"
#include "guests/dummy/user/faults.h"
#include "lib/x86/cpu.h"

#define LIMIT (20 * TIMER_HZ)
#define MANY  8

static const char *without_initramfs(void)
{
	struct cpio_file file;

	return initramfs_find("hello", &file) ? NULL : "no initial RAM disk was loaded";
}

/* @return whether the program ran and exited with 0; programs exit with the line that failed. */
static bool passes(const char *program, uint64_t arg0, uint64_t arg1)
{
	struct thread_end end;

	CHECK(process_run(program, arg0, arg1, LIMIT, &end));
	if (end.faulted)
		tap_note("%s: vector %u error %lx address %lx", program, end.vector, end.error,
			 end.address);
	else if (end.status != 0)
		tap_note("%s: failed at line %ld", program, end.status);
	return !end.faulted && end.status == 0;
}

static bool program_runs(void)
{
	struct thread_end end;

	CHECK(process_run("hello", 40, 2, LIMIT, &end));
	CHECK(!end.faulted);
	CHECK(end.status == 42);
	CHECK(process_start("no such program", (const uint64_t[3]){0, 0, 0}, 0) == NULL);
	return true;
}

static bool by_syscall(void)
{
	return passes("calls", 0, 0);
}

static bool by_interrupt(void)
{
	return passes("calls", 1, 0);
}

/* Joins them all, whatever becomes of one. */
static bool join_all(struct thread *t[], unsigned count, int64_t status)
{
	bool good = true;

	for (unsigned i = 0; i < count; i++) {
		struct thread_end end = {0};

		good = t[i] != NULL && sched_join(t[i], LIMIT, &end) && !end.faulted &&
		       end.status == status && good;
	}
	return good;
}

/* Two that only count, each until it has seen the other count, never calling the system. */
static bool preemption(void)
{
	struct thread *t[2];
	struct thread_end end[2] = {{0}, {0}};

	process_clear_shared();
	for (unsigned i = 0; i < 2; i++)
		t[i] = process_start("spin", (const uint64_t[3]){i, 2, 3}, cpu_index());
	CHECK(t[0] != NULL && t[1] != NULL);
	CHECK(sched_join(t[0], LIMIT, &end[0]) && sched_join(t[1], LIMIT, &end[1]));
	CHECK(!end[0].faulted && end[0].status == 0 && end[0].preemptions >= 2);
	CHECK(!end[1].faulted && end[1].status == 0 && end[1].preemptions >= 2);
	return true;
}

/* Each keeps values of its own in all registers of x87, SSE and AVX while they take turns. */
static bool vector_state(void)
{
	struct thread *t[3];

	process_clear_shared();
	for (unsigned i = 0; i < 3; i++)
		t[i] = process_start("simd", (const uint64_t[3]){i + 1, cpu_features.avx, 4},
				     cpu_index());
	CHECK(join_all(t, 3, 0));
	return true;
}

static bool sleeping(void)
{
	uint64_t start = timer_ticks();
	struct thread_end end;

	CHECK(process_run("sleep", 3, 0, LIMIT, &end));
	CHECK(!end.faulted && end.status >= 3);
	CHECK(timer_ticks() - start >= 3);
	return true;
}

/* What the program does, and how it must end. */
static const struct {
	enum user_fault fault;
	unsigned vector;
	uint64_t error;
} faults[] = {
	{FAULT_DIVIDE, X86_DE, 0},
	{FAULT_INVALID_OPCODE, X86_UD, 0},
	{FAULT_PRIVILEGED, X86_GP, 0},
	{FAULT_READ_KERNEL, X86_PF, PFERR_P | PFERR_U},
	{FAULT_WRITE_TEXT, X86_PF, PFERR_P | PFERR_U | PFERR_W},
	{FAULT_WRITE_CONSTANT, X86_PF, PFERR_P | PFERR_U | PFERR_W},
	{FAULT_STACK_OVERFLOW, X86_PF, PFERR_U | PFERR_W},
	{FAULT_BREAKPOINT, X86_BP, 0},
	{FAULT_SINGLE_STEP, X86_DB, 0},
	{FAULT_NON_CANONICAL, X86_GP, 0},
};

static bool faults_end_processes(void)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct thread_end end = {0};

		CHECK(process_run("fault", faults[i].fault, 0, LIMIT, &end));
		if (end.faulted && end.vector == faults[i].vector && end.error == faults[i].error)
			continue;
		tap_note("fault %u: faulted %d, vector %u, error %lx", faults[i].fault,
			 end.faulted, end.vector, end.error);
		return false;
	}
	return true;
}

/* Many at once, and all memory comes back. */
static bool memory_comes_back(void)
{
	struct thread *t[MANY];
	uint64_t before = pages_in_use();

	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < MANY; i++)
			t[i] = process_start("hello", (const uint64_t[3]){i, MANY - i, 1},
					     cpu_index());
		CHECK(join_all(t, MANY, MANY));
	}
	CHECK(pages_in_use() == before);
	return true;
}

static void kernel_thread(uint64_t arg)
{
	for (unsigned i = 0; i < 5; i++) {
		__atomic_fetch_add((unsigned *)arg, 1, __ATOMIC_RELAXED);
		sched_sleep(1);
	}
}

static bool kernel_threads(void)
{
	unsigned count = 0;
	struct thread_end end;
	struct thread *a = sched_create_kernel(kernel_thread, (uintptr_t)&count, cpu_index());
	struct thread *b = sched_create_kernel(kernel_thread, (uintptr_t)&count, cpu_index());

	CHECK(a != NULL && b != NULL);
	sched_start(a);
	sched_start(b);
	CHECK(sched_join(a, LIMIT, &end) && sched_join(b, LIMIT, &end));
	CHECK(count == 10);
	return true;
}

const struct test tests_process[] = {
	{"kernel-threads", kernel_threads, NULL},
	{"program-runs", program_runs, without_initramfs},
	{"system-calls-by-SYSCALL", by_syscall, without_initramfs},
	{"system-calls-by-INT-80h", by_interrupt, without_initramfs},
	{"sleep", sleeping, without_initramfs},
	{"preemption", preemption, without_initramfs},
	{"vector-state-kept", vector_state, without_initramfs},
	{"faults-end-processes", faults_end_processes, without_initramfs},
	{"memory-comes-back", memory_comes_back, without_initramfs},
	{NULL, NULL, NULL},
};
