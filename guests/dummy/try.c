/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/dummy/try.h"

#include "guests/dummy/cpu.h"
#include "guests/dummy/exit.h"
#include "guests/dummy/pages.h"
#include "guests/dummy/paging.h"
#include "lib/x86/cpu.h"

/* Where ring 3 sees the image's text, and its stack. */
#define ALIAS_BASE   X86_U64(0x8000000000)
#define ALIAS_STACK  X86_U64(0x8040000000)

/* in try.S */
uint64_t try_enter(void (*fn)(uint64_t), uint64_t arg, struct try_context *try);
uint64_t try_enter_user(uint64_t fn, uint64_t arg, struct try_context *try, uint64_t user_rsp,
			struct cpu *cpu);
void try_landing(void);
void try_user_return(void);

static uint64_t alias_of(uintptr_t text)
{
	return ALIAS_BASE + text;
}

static void leave(struct trap_frame *f, const struct try_context *try)
{
	f->rip = (uintptr_t)try_landing;
	f->cs = KERNEL_CS;
	f->ss = KERNEL_DS;
	f->rsp = try->rsp;
	f->rflags = try->rflags;
}

bool try_land(struct trap_frame *f)
{
	struct try_context *try = this_cpu()->try;

	if (try == NULL)
		return false;
	if (try->fault != NULL) {
		*try->fault = (struct fault){
			.vector = (unsigned)f->vector,
			.error = f->error,
			.rip = f->rip,
			.cr2 = read_cr2(),
			.rflags = f->rflags,
			.cs = f->cs,
		};
	}
	f->rax = 1;
	leave(f, try);
	return true;
}

bool try_call(void (*fn)(uint64_t arg), uint64_t arg, struct fault *fault)
{
	struct cpu *cpu = this_cpu();
	struct try_context try = {.outer = cpu->try, .fault = fault};

	cpu->try = &try;
	uint64_t faulted = try_enter(fn, arg, &try);
	this_cpu()->try = try.outer;
	return faulted != 0;
}

/* The function returned: its result is in RAX, and there was no fault. */
static bool user_returned(struct trap_frame *f, void *result)
{
	struct try_context *try = this_cpu()->try;

	if (try == NULL || !trap_from_user(f))
		return false;
	*(uint64_t *)result = f->rax;
	f->rax = 0;
	leave(f, try);
	return true;
}

static void map_text_for_user(void)
{
	uint64_t root = paging_kernel_root();

	for (uint64_t pa = paging_text_start(); pa < paging_text_end(); pa += PAGE_SIZE) {
		if (!paging_map(root, alias_of(pa), pa, PAGE_SIZE, PTE_US))
			panic("no memory for the user alias");
	}
	if (!paging_map(root, ALIAS_STACK, page_alloc(), PAGE_SIZE, PTE_US | PTE_RW | PTE_XD))
		panic("no memory for the user stack");
}

/* Puts the return address on the user's stack, through the page's kernel address. */
static uint64_t prepare_user_stack(void)
{
	uint64_t pa = 0;

	if (!paging_translate(paging_kernel_root(), ALIAS_STACK, &pa, NULL)) {
		map_text_for_user();
		paging_translate(paging_kernel_root(), ALIAS_STACK, &pa, NULL);
	}
	*(uint64_t *)(pa + PAGE_SIZE - 16) = alias_of((uintptr_t)try_user_return);
	return ALIAS_STACK + PAGE_SIZE - 16;
}

bool try_call_user(uint64_t (*fn)(uint64_t arg), uint64_t arg, uint64_t *result,
		   struct fault *fault)
{
	struct cpu *cpu = this_cpu();
	struct try_context try = {.outer = cpu->try, .fault = fault};
	uint64_t returned = 0, kernel_rsp = cpu->kernel_rsp;

	trap_register(TRAP_USER_RETURN, user_returned, &returned);
	cpu->try = &try;
	uint64_t faulted =
		try_enter_user(alias_of((uintptr_t)fn), arg, &try, prepare_user_stack(), cpu);
	cpu->try = try.outer;
	cpu_set_kernel_stack(kernel_rsp);
	trap_register(TRAP_USER_RETURN, NULL, NULL);
	if (result != NULL)
		*result = returned;
	return faulted != 0;
}
