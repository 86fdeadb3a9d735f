/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file sched.h
 * Threads and which of them runs.
 *
 * A thread belongs to one CPU for ever. A run queue holds the ready threads of one CPU that compete
 * with each other, and their timers: those of one partition that has time windows, or those of all that
 * run in the background. Threads of higher priority first, of equal priority in the order in which
 * they became ready. In its window a partition's run queue comes first; the background has the time that
 * it leaves, and that of no window.
 *
 * @req KRN-030 The most urgent ready thread of a CPU runs; one that becomes ready preempts a less
 *              urgent one at once, on whatever CPU it was woken.
 * @req KRN-036 A thread can be stopped, suspended and resumed from any CPU, whatever it is doing; when the
 *              call returns, it executes nothing of its program any more.
 * @req KRN-031 Threads of equal priority run first come, first served; a program can make threads
 *              only within its configured number, CPUs and priority.
 * @req KRN-037 A thread with a time slice goes behind its equals when it has run for so long; the time in
 *              which it was preempted doesn't count. One without a slice runs on until it waits.
 */
#ifndef KERNEL_SCHED_H
#define KERNEL_SCHED_H

#include <hypike/host.h>
#include <hypike/sys.h>

#include "kernel/list.h"
#include "kernel/timer.h"

struct cpu;
struct partition;

enum thread_state {
	THREAD_FREE,	/**< the slot is unused */
	THREAD_READY,	/**< in the run queue unless suspended; the one that runs is there too */
	THREAD_BLOCKED, /**< waits for thread_unpark() or its timer */
	THREAD_DYING,	/**< has ended; its stack is still in use */
};

struct thread {
	uint64_t rsp;	    /**< where its stack stands while it doesn't run */
	uint64_t stack_top; /**< where it begins */
	struct list node;   /**< in runq->ready[priority] */
	struct runq *runq;
	struct cpu *cpu;
	struct partition *partition; /**< NULL: an idle thread */
	uint64_t root;		     /**< page tables; 0: any will do */
	uint32_t index;		     /**< in the partition */
	uint32_t priority;
	enum thread_state state;
	bool token; /**< thread_unpark() came before thread_park() */
	bool stop;  /**< is to end as soon as it is in no driver code */
	bool suspended; /**< ready or not, it isn't in the run queue; under the scheduler's lock */
	uint64_t slice; /**< ticks after which it is its equals' turn; 0: it runs on. The same lock */
	uint64_t left;	/**< of its turn, while it doesn't run */
	/* Notification word (sys.h): set from any CPU, atomically. */
	uint64_t notified;
	uint64_t wait_mask; /**< bits that it waits for now */
	uint64_t futex;	    /**< address that it sleeps on; 0: none. Under the partition's lock */
	struct host_timer timer;
	struct host_fpu fpu;
};

/** Ready threads by priority, and timers. */
struct runq {
	uint64_t bitmap; /**< bit n: ready[n] isn't empty */
	struct list ready[HYPIKE_PRIORITIES];
	struct timer_queue timers;
	struct hide *hide; /**< time outside its windows is hidden from its VM; else NULL */
};

/** A CPU's scheduler. */
struct sched {
	struct host_lock lock;	 /**< guards run queues and states of this CPU's threads */
	struct runq *runq;	 /**< whose window it is; `common` where it is nobody's */
	struct runq common;	 /**< the background: partitions that share the CPU by priority */
	bool background;	 /**< the timers of `common` count */
	uint64_t turn_end;	 /**< when the current thread's turn is over; UINT64_MAX: no slice */
	struct thread *finished; /**< ended, but was on its stack when the CPU left it */
};

/** Leave the present stack for good (entry.S). */
_Noreturn void run_on_stack(void (*fn)(void), uint64_t stack);
/** Prepare the scheduler of a CPU; the caller becomes its idle thread. */
void sched_init(struct cpu *cpu, uint64_t idle_stack);
/** Make an empty run queue of a CPU. */
void runq_init(struct runq *runq, struct cpu *cpu, struct timer_slot *heap, uint32_t timers);
/** It is this run queue's time, on this CPU. */
void sched_set_window(struct runq *runq);
/** Run others as long as there are some; else sleep. Where idle threads live. */
_Noreturn void sched_idle(void);
/** Run the thread that should. Returns when it is the caller again. */
void sched_switch(void);
/** Prepare the stack of a new thread so that it begins in ring 3; thread_unpark() starts it. */
void thread_prepare(struct thread *thread, uint64_t entry, uint64_t stack, uint64_t arg);
/** The same for one that begins in the kernel; `fn` doesn't return. */
void thread_prepare_kernel(struct thread *thread, void (*fn)(void));
/** The calling thread leaves the kernel for good where it was, and begins in ring 3. */
_Noreturn void thread_enter_user(uint64_t entry, uint64_t stack, uint64_t arg);
/** Behind threads of the same priority. */
void thread_yield(void);
/** It takes turns with its equals, of so many ticks; 0: it doesn't, as in the beginning. From any CPU. */
void thread_set_slice(struct thread *thread, uint64_t ticks);
/** A timer has fired: is the current thread's turn over? Else see to it that a timer fires then. */
void sched_check_turn(void);
/**
 * Sleep until thread_unpark(), or the deadline (TSC; UINT64_MAX: none). May wake for no reason: look
 * again at what you wait for. Doesn't return where the thread is to stop.
 */
void thread_park(uint64_t deadline);
/** From any CPU. One that came before leaves a token: the next thread_park() returns at once. */
void thread_unpark(struct thread *thread);
/** Behind its new equals if it is raised, before them if it is lowered: lent urgency costs no turn. */
void thread_set_priority(struct thread *thread, uint32_t priority);
/** Set notification bits and wake the thread if it waits for one of them. From any CPU. */
void thread_notify(struct thread *thread, uint64_t bits);
/** Make the thread end at its next return to ring 3, host_poll() or sleep. From any CPU. */
void thread_stop(struct thread *thread);
/** Keep a thread from running on, until thread_resume(). Not one that is to stop. From any CPU, which
 *  waits until it has left its program; hold no lock. */
void thread_suspend(struct thread *thread);
/** From any CPU. */
void thread_resume(struct thread *thread);
/** End a thread of this CPU at once where it doesn't run, else on its way to ring 3. */
void thread_abandon(struct thread *thread);
/** End the calling thread: it leaves the CPU for good. */
_Noreturn void thread_finish(void);
/** What is left to be done before ring 3 goes on (cpu.work). */
void thread_exit_work(void);

static inline bool runq_empty(const struct runq *runq)
{
	return runq->bitmap == 0;
}

#endif
