/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file process_table.h
 * The partition's processes: a thread of the kernel each, all on one CPU. The kernel runs the most
 * urgent of those that it takes for ready; here is noted why the others aren't.
 *
 * Everything but process_self() is called under the guard.
 */
#ifndef LIB_ARINC653_PROCESS_TABLE_H
#define LIB_ARINC653_PROCESS_TABLE_H

#include <hypike/sys.h>

#include <arinc653/process.h>

#define NEVER HYPIKE_FOREVER

/** The error handler has the number behind those of the processes. */
#define HANDLER_NUMBER MAX_NUMBER_OF_PROCESSES

enum wait_for {
	WAIT_NOTHING, /**< ready, or running */
	WAIT_NORMAL,  /**< for the partition to be in mode NORMAL */
	WAIT_TIME,    /**< for `wake_time`: a delay, or the next release */
	WAIT_RESUME,  /**< SUSPEND_SELF */
	WAIT_QUEUE,   /**< a buffer, blackboard, semaphore or event */
	WAIT_PORT,    /**< in the kernel, for a queuing port */
};

struct process {
	PROCESS_ATTRIBUTE_TYPE attributes;
	uint32_t number; /**< in the table; PROCESS_ID_TYPE is one more */
	hypike_thread_t thread;
	uint8_t *stack;
	PRIORITY_TYPE priority; /**< the present one */
	bool dormant;
	bool suspended; /**< by SUSPEND: the kernel doesn't run it, whatever it waits for */
	bool faulted;	/**< the kernel has stopped it at an instruction that failed */
	enum wait_for wait;
	uint32_t order; /**< when it became ready or began to wait, for first come, first served */
	uint32_t go;	/**< futex: it sleeps while this is 0 */
	RETURN_CODE_TYPE result; /**< of the service that it waited in */
	uint64_t wake_time;	 /**< end of a delay or time-out; or NEVER */
	RETURN_CODE_TYPE late;	 /**< the result if that is what wakes it */
	uint32_t *queue;	 /**< WAIT_QUEUE: where its bit is */
	uint8_t *message;	 /**< WAIT_QUEUE: its message, or where it wants one */
	MESSAGE_SIZE_TYPE *length; /**< where it wants to know the length */
	MESSAGE_SIZE_TYPE size;	   /**< of its message */
	SYSTEM_TIME_TYPE delay;	   /**< WAIT_NORMAL: DELAYED_START's */
	uint64_t release;	   /**< periodic: the present period's beginning */
	uint64_t deadline;	   /**< or NEVER */
	uint64_t watch; /**< when the deadline, or that of a period after it, is missed; or NEVER */
};

/** The caller; NULL: the initialisation, or the monitor. */
struct process *process_self(void);
/** @return the process of that identifier, or NULL. */
struct process *process_of(PROCESS_ID_TYPE id);
/** By its number: 0 to HANDLER_NUMBER; NULL where there is none. */
struct process *process_number(uint32_t number);
/** @return the process of that kernel thread, or NULL. */
struct process *process_of_thread(hypike_thread_t thread);
PROCESS_ID_TYPE process_id(const struct process *process);
/** @return the process of that name, or NULL. */
struct process *process_named(const char *name);
static inline bool process_is_handler(const struct process *process)
{
	return process != NULL && process->number == HANDLER_NUMBER;
}
static inline bool process_is_periodic(const struct process *process)
{
	return process->attributes.PERIOD != INFINITE_TIME_VALUE;
}

/** @return the highest priority that a process may have: the partition's own, less three. */
PRIORITY_TYPE process_top_priority(void);

/** Make a process with its thread, dormant; *process is NULL where there is no place, stack or thread. */
void process_make(const PROCESS_ATTRIBUTE_TYPE *attributes, bool handler, struct process **process);
/** DORMANT to waiting for nothing: runs from its beginning when process_wake()d. */
void process_begin(struct process *process);
/** To DORMANT, out of every queue. The thread of another than the caller begins anew. */
void process_end(struct process *process);
/** The end of process_end() for the caller: give back the guard and wait for the next start. */
_Noreturn void process_restart(struct process *self);
/** Forget why it waits, and let it run, with that result. */
void process_wake(struct process *process, RETURN_CODE_TYPE result);
/**
 * The caller waits: `wait`, `wake_time` and what belongs to them are set. Gives back the guard.
 * @return the result that it was woken with
 */
RETURN_CODE_TYPE process_sleep(struct process *self);
/**
 * Report the caller's stack if it has overflowed. Not under the guard.
 *
 * @req LIB-612 A process that overflows its stack is reported when it next waits, or ends.
 */
void process_check_stack(struct process *self);
/** Give the kernel the priority that the process now has. */
void process_apply_priority(const struct process *process);

/* ---- preemption ---- */

/** @return whether the caller may wait: not in the initialisation, the handler, nor with preemption off. */
bool process_may_wait(const struct process *self);
/** The process that has preemption locked, or NULL; and how often. */
struct process *process_locker(void);
LOCK_LEVEL_TYPE process_lock_level(void);
/** `process` has preemption locked so often. Its priority isn't applied yet. */
void process_lock(struct process *process, LOCK_LEVEL_TYPE level);

/* ---- time-outs ---- */

/** @return false where TIME_OUT is out of range; else when it ends: now for 0, NEVER for infinite. */
bool time_out_end(SYSTEM_TIME_TYPE time_out, uint64_t now, uint64_t *end);
/** @return whether a time-out that begins now is in range. */
bool time_out_valid(SYSTEM_TIME_TYPE time_out);

/* ---- queues: bits of processes ---- */

/**
 * What `self` asked for isn't there: wait in `queue` for it. Under the guard, which it gives back.
 * @return NOT_AVAILABLE without a time-out, INVALID_MODE where the caller may not wait, else what
 *         the waiting ended with.
 */
RETURN_CODE_TYPE queue_wait(uint32_t *queue, struct process *self, SYSTEM_TIME_TYPE time_out);
/** @return the process of `queue` whose turn it is, or NULL. */
struct process *queue_first(uint32_t queue, QUEUING_DISCIPLINE_TYPE discipline);
WAITING_RANGE_TYPE queue_length(uint32_t queue);

#endif
