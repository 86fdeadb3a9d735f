/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file trap.h
 * Interrupts and exceptions: one table of registered callbacks by vector.
 *
 * @req DUM-002 Any interrupt or exception vector can have a registered callback.
 */
#ifndef GUESTS_DUMMY_TRAP_H
#define GUESTS_DUMMY_TRAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guests/dummy/vectors.h"

/** Registers at a trap, in the order in which trap.S and the CPU push them. */
struct trap_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
	uint64_t rdi, rsi, rbp, rdx, rcx, rbx, rax;
	uint64_t vector;
	uint64_t error; /**< zero where the exception has none */
	uint64_t rip, cs, rflags, rsp, ss;
};

/**
 * Called with interrupts disabled. May change the frame, which is what is returned to.
 * @return true if that settles it; false: as if no callback had been registered.
 */
typedef bool (*trap_fn)(struct trap_frame *frame, void *ctx);

/** Registers the callback of a vector; NULL takes it away. */
void trap_register(unsigned vector, trap_fn fn, void *ctx);

/** @return what is registered, for putting it back. */
void trap_get(unsigned vector, trap_fn *fn, void **ctx);

/** Sets what is called after each trap that returns, with interrupts disabled. */
void trap_set_exit_hook(void (*hook)(struct trap_frame *frame));

/** @return how many interrupts without a callback came by this vector. */
unsigned trap_unexpected(unsigned vector);

/** Prints the registers. */
void trap_print(const struct trap_frame *frame);

static inline bool trap_from_user(const struct trap_frame *frame)
{
	return (frame->cs & 3) == 3;
}

/** Fills the IDT, once. */
void trap_init(void);
/** Makes the CPU that calls it use the IDT. */
void trap_load_idt(void);

/** Called by trap.S only. */
void trap_dispatch(struct trap_frame *frame);

#endif
