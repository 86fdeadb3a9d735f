/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file trap.h
 * Exceptions and interrupts, as entry.S hands them over.
 */
#ifndef KERNEL_TRAP_H
#define KERNEL_TRAP_H

#include <stdbool.h>
#include <stdint.h>

/** Registers of what was interrupted, in the order in which entry.S and the CPU push them. */
struct trap_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
	uint64_t rdi, rsi, rbp, rbx, rdx, rcx, rax;
	uint64_t vector, error;
	uint64_t rip, cs, rflags, rsp, ss;
};

extern const char vector_stubs[];

/** The one way in for all vectors; interrupts are off. */
void trap_dispatch(struct trap_frame *frame);
/** Leave the kernel through a frame that was put on the stack by hand. */
void trap_return(void);

static inline bool trap_from_user(const struct trap_frame *frame)
{
	return (frame->cs & 3) != 0;
}

/** @return "page fault" and the like. */
const char *trap_name(uint64_t vector);

#endif
