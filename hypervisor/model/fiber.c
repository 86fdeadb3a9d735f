/* SPDX-License-Identifier: BSD-2-Clause */
/** @file fiber.c Fibers on ucontext, announced to the sanitizers. */
#include "hypervisor/model/fiber.h"

#include <stdint.h>
#include <stdlib.h>
#include <ucontext.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#else
#define __sanitizer_start_switch_fiber(save, bottom, size)  ((void)(save), (void)(bottom), (void)(size))
#define __sanitizer_finish_switch_fiber(save, bottom, size) ((void)(save), (void)(bottom), (void)(size))
#endif
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#else
#define __tsan_create_fiber(flags)	  NULL
#define __tsan_destroy_fiber(fiber)	  ((void)(fiber))
#define __tsan_get_current_fiber()	  NULL
#define __tsan_switch_to_fiber(to, flags) ((void)(to))
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

	__sanitizer_finish_switch_fiber(NULL, &fiber->outside_stack, &fiber->outside_size);
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
	fiber->inside_tsan = __tsan_create_fiber(0);
	return fiber;
}

void fiber_free(struct fiber *fiber)
{
	if (fiber == NULL)
		return;
	__tsan_destroy_fiber(fiber->inside_tsan);
	free(fiber);
}

void fiber_enter(struct fiber *fiber)
{
	void *fake = NULL;

	fiber->outside_tsan = __tsan_get_current_fiber();
	__sanitizer_start_switch_fiber(&fake, fiber->stack, sizeof(fiber->stack));
	__tsan_switch_to_fiber(fiber->inside_tsan, 0);
	swapcontext(&fiber->outside, &fiber->inside);
	__sanitizer_finish_switch_fiber(fake, NULL, NULL);
}

void fiber_leave(struct fiber *fiber)
{
	void *fake = NULL;

	__sanitizer_start_switch_fiber(&fake, fiber->outside_stack, fiber->outside_size);
	__tsan_switch_to_fiber(fiber->outside_tsan, 0);
	swapcontext(&fiber->inside, &fiber->outside);
	__sanitizer_finish_switch_fiber(fake, &fiber->outside_stack, &fiber->outside_size);
}
