/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file guard.h
 * Whoever reads or changes what processes share does it under the guard, one at a time.
 *
 * All threads of the partition are on one CPU, so a guard that is taken was taken by a thread that was
 * preempted: the one that needs it lends its urgency, and then waits. Uncontended, and that is nearly
 * always, the guard costs no system call.
 */
#ifndef LIB_ARINC653_GUARD_H
#define LIB_ARINC653_GUARD_H

#include <hypike/sys.h>

/**
 * Take the guard. Threads that are to be woken, but haven't been yet, are woken first.
 *
 * @req LIB-601 A process that needs a service's data while a less urgent one has them waits only for
 *              that one's few instructions, not for processes in between.
 */
void guard_take(void);
/** Give it back, then wake those whose turn came meanwhile: more urgent ones run before this returns. */
void guard_give(void);

/** @return whether that thread has it. */
bool guard_is_of(hypike_thread_t thread);

/** Bit of the monitor in guard_owe(). */
#define OWE_MONITOR 31u

/** Wake a process (by its number), or the monitor, when the guard is given back. */
void guard_owe(uint32_t number);

#endif
