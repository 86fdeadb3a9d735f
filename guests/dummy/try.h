/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file try.h
 * Does something that may fault, and tells what happened.
 */
#ifndef GUESTS_DUMMY_TRY_H
#define GUESTS_DUMMY_TRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guests/dummy/trap.h"

/** What stopped a try. */
struct fault {
	unsigned vector;
	uint64_t error;
	uint64_t rip;
	uint64_t cr2;	 /**< of any exception; means something with a page fault */
	uint64_t rflags; /**< pushed by the exception */
	uint64_t cs;	 /**< tells the ring in which it happened */
};

/** State of one try_call() (try.S knows the order of the first fields). */
struct try_context {
	uint64_t rsp;
	uint64_t rflags;
	struct try_context *outer;
	struct fault *fault;
};

/**
 * Calls fn(arg) in ring 0. An exception that no registered callback settles, whatever has become of
 * the stack, ends the call. Callee-saved registers, stack and flags are as before in both cases.
 * @param fault filled in if it did fault; may be NULL
 * @return true if it faulted
 */
bool try_call(void (*fn)(uint64_t arg), uint64_t arg, struct fault *fault);

/**
 * As try_call, in ring 3 on a page of stack. The function is run at an alias of the image's text,
 * user-readable; it must be position independent and touch nothing but its stack and registers.
 * @param result what the function returned, if it did not fault; may be NULL
 */
bool try_call_user(uint64_t (*fn)(uint64_t arg), uint64_t arg, uint64_t *result,
		   struct fault *fault);

/** Ends the innermost try with this frame as the reason. @return false if there is none. */
bool try_land(struct trap_frame *frame);

#endif
