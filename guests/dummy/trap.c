/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/dummy/trap.h"

#include "guests/dummy/assert.h"
#include "guests/dummy/console.h"
#include "guests/dummy/cpu.h"
#include "guests/dummy/exit.h"
#include "guests/dummy/try.h"
#include "lib/x86/cpu.h"

#define STUB_BYTES 16

/** 256 entries of STUB_BYTES each, in trap.S. */
extern const uint8_t trap_stubs[];

static struct {
	trap_fn fn;
	void *ctx;
	unsigned unexpected;
} callbacks[TRAP_VECTORS];

static struct idt_gate idt[TRAP_VECTORS] __attribute__((aligned(16)));
static void (*exit_hook)(struct trap_frame *frame);

static const uint8_t ist_of_exception[TRAP_EXCEPTIONS] = {
	[X86_DF] = IST_DF,
	[X86_NMI] = IST_NMI,
	[X86_MC] = IST_MC,
};

static const char *const exception_names[TRAP_EXCEPTIONS] = {
	[X86_DE] = "#DE", [X86_DB] = "#DB", [X86_NMI] = "NMI", [X86_BP] = "#BP", [X86_OF] = "#OF",
	[X86_BR] = "#BR", [X86_UD] = "#UD", [X86_NM] = "#NM",  [X86_DF] = "#DF", [X86_TS] = "#TS",
	[X86_NP] = "#NP", [X86_SS] = "#SS", [X86_GP] = "#GP",  [X86_PF] = "#PF", [X86_MF] = "#MF",
	[X86_AC] = "#AC", [X86_MC] = "#MC", [X86_XM] = "#XM",  [X86_VE] = "#VE", [X86_CP] = "#CP",
};

/* The vectors that ring 3 may use with INT n: #BP, #OF, and the two of system calls. */
static unsigned dpl_of(unsigned vector)
{
	return vector == X86_BP || vector == X86_OF || vector == TRAP_SYSCALL ||
			       vector == TRAP_USER_RETURN
		       ? 3
		       : 0;
}

void trap_init(void)
{
	for (unsigned v = 0; v < TRAP_VECTORS; v++) {
		unsigned ist = v < TRAP_EXCEPTIONS ? ist_of_exception[v] : 0;

		idt[v] = idt_gate((uintptr_t)trap_stubs + v * STUB_BYTES, KERNEL_CS,
				  SYS_TYPE_INTERRUPT_GATE, dpl_of(v), ist);
	}
}

void trap_load_idt(void)
{
	struct desc_ptr p = {sizeof(idt) - 1, (uintptr_t)idt};

	lidt(&p);
}

void trap_register(unsigned vector, trap_fn fn, void *ctx)
{
	uint64_t flags = irq_save();

	callbacks[vector % TRAP_VECTORS].fn = fn;
	callbacks[vector % TRAP_VECTORS].ctx = ctx;
	irq_restore(flags);
}

void trap_get(unsigned vector, trap_fn *fn, void **ctx)
{
	*fn = callbacks[vector % TRAP_VECTORS].fn;
	*ctx = callbacks[vector % TRAP_VECTORS].ctx;
}

void trap_set_exit_hook(void (*hook)(struct trap_frame *frame))
{
	exit_hook = hook;
}

unsigned trap_unexpected(unsigned vector)
{
	return callbacks[vector % TRAP_VECTORS].unexpected;
}

void trap_print(const struct trap_frame *f)
{
	const char *name = f->vector < TRAP_EXCEPTIONS ? exception_names[f->vector] : NULL;

	print("# trap %lu %s error %lx at %lx:%016lx flags %lx cr2 %lx\n", f->vector,
	      name != NULL ? name : "", f->error, f->cs, f->rip, f->rflags, read_cr2());
	print("# rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", f->rax, f->rbx, f->rcx, f->rdx);
	print("# rsi %016lx rdi %016lx rbp %016lx rsp %016lx\n", f->rsi, f->rdi, f->rbp, f->rsp);
	print("# r8  %016lx r9  %016lx r10 %016lx r11 %016lx\n", f->r8, f->r9, f->r10, f->r11);
	print("# r12 %016lx r13 %016lx r14 %016lx r15 %016lx\n", f->r12, f->r13, f->r14, f->r15);
}

static void unhandled(struct trap_frame *f)
{
	if (f->vector >= TRAP_EXCEPTIONS) {
		callbacks[f->vector].unexpected++;
		return;
	}
	if (try_land(f))
		return;
	console_break_lock();
	trap_print(f);
	panic("unhandled exception %lu", f->vector);
}

void trap_dispatch(struct trap_frame *f)
{
	trap_fn fn = callbacks[f->vector].fn;

	PARANOID_CHECK(f->cs == KERNEL_CS || f->cs == USER_CS);
	PARANOID_CHECK((read_rflags() & RFLAGS_IF) == 0);
	if (cpu_features.smap)
		clac();
	if (fn == NULL || !fn(f, callbacks[f->vector].ctx))
		unhandled(f);
	if (exit_hook != NULL)
		exit_hook(f);
}
