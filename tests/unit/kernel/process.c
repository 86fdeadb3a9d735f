/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/kernel/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "kernel/address.h"
#include "kernel/apic.h"
#include "kernel/cpu.h"
#include "kernel/end.h"
#include "kernel/paranoid.h"
#include "kernel/smp.h"
#include "kernel/window.h"

/* Symbols that the kernel's linker script defines. */
extern const char image_start[], rodata_start[], data_start[], image_end[];
const char image_start[1], rodata_start[1], data_start[1], image_end[1];

uint8_t *process_memory;
struct cpu cpus[HOST_MAX_CPUS];
unsigned int cpu_count = 1, process_current;
struct cpu_features cpu_features;
uint64_t process_tsc;
uint64_t process_armed = UINT64_MAX;

void process_memory_reset(void)
{
	if (process_memory != NULL)
		munmap(process_memory, PROCESS_MEMORY_SIZE);
	process_memory = mmap(NULL, PROCESS_MEMORY_SIZE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_true(process_memory != MAP_FAILED);
}

static uint64_t state = 1;

void random_seed(uint64_t seed)
{
	state = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
}

/* xorshift64* */
uint64_t random64(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * UINT64_C(0x2545f4914f6cdd1d);
}

/* ---- what the kernel's other parts would do ---- */

void host_lock(struct host_lock *lock)
{
	assert_int_equal(lock->value, 0);
	lock->value = 1;
}

void host_unlock(struct host_lock *lock)
{
	assert_int_equal(lock->value, 1);
	lock->value = 0;
}

uint64_t host_tsc(void)
{
	return process_tsc;
}

void apic_timer_arm(uint64_t deadline)
{
	process_armed = deadline;
}

void smp_call(struct cpu *cpu, void (*fn)(void *arg), void *arg)
{
	(void)cpu;
	fn(arg);
}

__attribute__((weak)) void window_advance(void)
{
	abort();
}

__attribute__((weak)) void sched_check_turn(void)
{
}

#ifdef PARANOID
void paranoid_mark_stack(uint64_t top)
{
	(void)top;
}
#endif

void host_log(const char *format, ...)
{
	(void)format;
}

void host_panic(const char *format, ...)
{
	fprintf(stderr, "panic: %s\n", format);
	abort();
}

void end_refuse(const char *format, ...)
{
	fprintf(stderr, "refused: %s\n", format);
	abort();
}
