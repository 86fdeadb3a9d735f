/* SPDX-License-Identifier: BSD-2-Clause */
/** @file fiber.h A second stack in the same thread, for guests of the model. Hosted. */
#ifndef HYPERVISOR_MODEL_FIBER_H
#define HYPERVISOR_MODEL_FIBER_H

struct fiber;

/** A fiber that runs `fn(arg)` when it is switched to first; `fn` must not return. NULL: no memory. */
struct fiber *fiber_new(void (*fn)(void *arg), void *arg);
/** It isn't running. */
void fiber_free(struct fiber *fiber);
/** From outside: run it until it calls fiber_leave(). */
void fiber_enter(struct fiber *fiber);
/** From inside: back to who entered it. */
void fiber_leave(struct fiber *fiber);

#endif
