/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file sched.h
 * Threads, preempted by the tick, round robin on the CPU that each belongs to.
 *
 * The code that boots a CPU becomes its first thread and idles when it has nothing else to do. Only the
 * first thread of CPU 0 creates threads and waits for their end.
 *
 * @req DUM-010 Processes that never call the system share a CPU by preemption.
 */
#ifndef GUESTS_DUMMY_SCHED_H
#define GUESTS_DUMMY_SCHED_H

#include <stdbool.h>
#include <stdint.h>

#include "guests/dummy/trap.h"

enum thread_state { THREAD_FREE, THREAD_READY, THREAD_SLEEPING, THREAD_DEAD };

/** How a thread ended. */
struct thread_end {
	bool faulted;
	unsigned vector; /**< if it faulted */
	uint64_t error;
	uint64_t address; /**< CR2 */
	int64_t status;	  /**< what it passed to exit, if it did not fault */
	uint64_t preemptions; /**< how often the tick had taken the CPU away from it */
};

struct thread {
	uint64_t rsp;	      /**< kernel stack, while it does not run */
	uint64_t kernel_top;  /**< stack for entries from ring 3 */
	struct try_context *try;
	uint64_t root;	      /**< its PML4 */
	void *fpu;	      /**< FXSAVE or XSAVE area, a page */
	uint64_t fs_base;
	enum thread_state state;
	bool user;
	bool off_cpu;	      /**< dead, and its stack no longer in use */
	unsigned cpu;
	unsigned id;
	uint64_t wake_at;     /**< tick, while it sleeps */
	uint64_t switches;    /**< how often it was given the CPU */
	uint64_t preemptions; /**< how often the tick took it away */
	struct thread_end end;
};

/** Makes the calling context the first thread of this CPU; also when it is started again, idle. */
void sched_init_cpu(void);

/** @return the running thread, or NULL before sched_init_cpu(). */
struct thread *sched_current(void);

/** Makes a ring-0 thread. @return NULL if there are too many. */
struct thread *sched_create_kernel(void (*fn)(uint64_t arg), uint64_t arg, unsigned cpu);

/** Makes a ring-3 thread that starts at `rip` with these three arguments; it is not run yet. */
struct thread *sched_create_user(uint64_t root, uint64_t rip, uint64_t rsp,
				 const uint64_t args[3], unsigned cpu);

/** Lets it run. */
void sched_start(struct thread *t);

/** Waits for its end, at most that many ticks, and frees it and its address space. @return false: late. */
bool sched_join(struct thread *t, uint64_t ticks, struct thread_end *end);

/** Called by the tick. */
void sched_tick(void);
/** Lets another ready thread run. @return false if there is none. */
bool sched_yield(void);
/** Lets another thread run, or halts until the next interrupt. Interrupts are enabled afterwards. */
void sched_idle_once(void);
/** Sleeps; only for threads that aren't a CPU's first. */
void sched_sleep(uint64_t ticks);
/** Ends the running thread. */
_Noreturn void sched_exit(const struct thread_end *end);

/** @return how often this CPU changed threads. */
uint64_t sched_switches(void);

/** Called by switch.S only. */
void sched_after_switch(void);

#endif
