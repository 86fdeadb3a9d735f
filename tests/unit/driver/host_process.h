/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file host_process.h
 * What tests do with the host that they run on: host.h for an ordinary process.
 *
 * Memory comes out of one arena. A host-physical address is its offset there plus PROCESS_PHYS_BASE:
 * taken for a pointer, it faults. Time stands still unless a test moves it.
 */
#ifndef TESTS_UNIT_DRIVER_HOST_PROCESS_H
#define TESTS_UNIT_DRIVER_HOST_PROCESS_H

#include <hypike/host.h>

#define PROCESS_PHYS_BASE UINT64_C(0x3400000000)
#define PROCESS_ARENA	  (UINT64_C(64) << 20)
#define PROCESS_TSC_KHZ	  UINT64_C(2500000)

/** Forget everything: arena, time, timers, CPUs. At the start of every test. */
void process_reset(void);

/** A pool of `pages` pages. */
struct host_pool *process_pool(uint32_t pages);
/** Pages handed out and not given back. */
uint32_t process_pool_used(const struct host_pool *pool);
/** Let the n-th allocation from now fail (0: the next one); UINT32_MAX: none. */
void process_pool_fail(struct host_pool *pool, uint32_t n);
/** Did that happen? */
bool process_pool_failed(const struct host_pool *pool);

/** Memory of a partition: `size` bytes at a multiple of `align`, filled with a pattern. */
void *process_ram(uint64_t size, uint64_t align);

/** This thread is CPU `cpu` from now on; `thread` (may be NULL: one per CPU) is its host thread. */
void process_be_cpu(unsigned int cpu);
void process_cpu_count(unsigned int count);

/** Each CPU is a thread of its own from now on: host_block() really waits, and time passes in it. */
void process_threaded(void);

/** Let time pass; due timers of this CPU fire. */
void process_advance(uint64_t ticks);
/** The clock moves by so many ticks with every look at it. */
void process_tick_per_read(uint64_t ticks);
/** Something like a device interrupt: the next host_poll_pending() of `cpu` says true. */
void process_interrupt(unsigned int cpu);

/** Called where host_block() finds no token and no timer could end it; false: fail the test. */
extern bool (*process_on_idle)(void);
/** Called in every host_poll() and host_block(). */
extern void (*process_on_poll)(void);

/** What host_tsc_khz() says: PROCESS_TSC_KHZ unless a test changes it. */
extern uint64_t process_tsc_khz;
/** What happened since process_reset(). Atomic. */
struct process_counts {
	uint32_t kicks, polls, yields, blocks, unblocks, notifies, arms, cancels, logs, fpu_loads, fpu_saves;
	uint32_t nmis, machine_checks;
};
extern struct process_counts process_counts;
/** Last host_notify(): bits of this CPU's thread. */
uint64_t process_notified(void);
/** How many timers of this CPU are armed. */
unsigned int process_armed(void);

/** A simple generator whose seed is printed by the tests that use it. */
uint64_t process_random(uint64_t *state);

#endif
