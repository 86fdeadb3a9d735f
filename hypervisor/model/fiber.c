/* SPDX-License-Identifier: BSD-2-Clause */
/** @file fiber.c Fibers on ucontext, announced to the sanitizers. */
#include "hypervisor/model/fiber.h"

#include <stdint.h>
#include <stdlib.h>
#include <ucontext.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#define start_switch  __sanitizer_start_switch_fiber
#define finish_switch __sanitizer_finish_switch_fiber
#else
#define start_switch(save, bottom, size)  ((void)(save), (void)(bottom), (void)(size))
#define finish_switch(save, bottom, size) ((void)(save), (void)(bottom), (void)(size))
#endif
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#define race_fiber_new	   __tsan_create_fiber
#define race_fiber_free	   __tsan_destroy_fiber
#define race_fiber_current __tsan_get_current_fiber
#define race_fiber_switch  __tsan_switch_to_fiber
#else
#define race_fiber_new(flags)	      NULL
#define race_fiber_free(fiber)	      ((void)(fiber))
#define race_fiber_current()	      NULL
#define race_fiber_switch(to, flags)  ((void)(to))
#endif

#define STACK_SIZE ((size_t)256 * 1024)

struct fiber {
	ucontext_t inside, outside;
	void (*fn)(void *arg);
	void *arg;
	const void *outside_stack;
	size_t outside_size;
	void *inside_tsan, *outside_tsan;
	_Alignas(16) uint8_t stack[STACK_SIZE];
};

/** makecontext() passes int arguments: a pointer in two halves. */
static void start(unsigned int high, unsigned int low)
{
	struct fiber *fiber = (struct fiber *)((uintptr_t)high << 32 | low);

	finish_switch(NULL, &fiber->outside_stack, &fiber->outside_size);
	fiber->fn(fiber->arg);
	abort();
}

struct fiber *fiber_new(void (*fn)(void *arg), void *arg)
{
	struct fiber *fiber = calloc(1, sizeof(*fiber));

	if (fiber == NULL)
		return NULL;
	fiber->fn = fn;
	fiber->arg = arg;
	getcontext(&fiber->inside);
	fiber->inside.uc_stack.ss_sp = fiber->stack;
	fiber->inside.uc_stack.ss_size = sizeof(fiber->stack);
	makecontext(&fiber->inside, (void (*)(void))(uintptr_t)start, 2,
		    (unsigned int)((uintptr_t)fiber >> 32), (unsigned int)(uintptr_t)fiber);
	fiber->inside_tsan = race_fiber_new(0);
	return fiber;
}

void fiber_free(struct fiber *fiber)
{
	if (fiber == NULL)
		return;
	race_fiber_free(fiber->inside_tsan);
	free(fiber);
}

void fiber_enter(struct fiber *fiber)
{
	void *fake = NULL;

	fiber->outside_tsan = race_fiber_current();
	start_switch(&fake, fiber->stack, sizeof(fiber->stack));
	race_fiber_switch(fiber->inside_tsan, 0);
	swapcontext(&fiber->outside, &fiber->inside);
	finish_switch(fake, NULL, NULL);
}

void fiber_leave(struct fiber *fiber)
{
	void *fake = NULL;

	start_switch(&fake, fiber->outside_stack, fiber->outside_size);
	race_fiber_switch(fiber->outside_tsan, 0);
	swapcontext(&fiber->inside, &fiber->outside);
	finish_switch(fake, &fiber->outside_stack, &fiber->outside_size);
}
