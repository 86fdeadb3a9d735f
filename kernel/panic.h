/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file panic.h
 * The end of everything: registers and call chain to the console, the other CPUs stopped.
 *
 * @req KRN-060 A panic reaches the console with registers and call chain, whatever locks are held and
 *              whatever is left of the stack; all other CPUs stop.
 */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include <stdbool.h>

struct trap_frame;

/** An exception in ring 0. */
void panic_exception(struct trap_frame *frame);
/** The registers of a frame, on the console. */
void panic_print_registers(const struct trap_frame *frame);
/** @return true where another CPU panics and this one is to stop. */
bool panic_elsewhere(void);

#endif
