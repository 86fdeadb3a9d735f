/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nothing here waits for anybody: the console's lock is ignored, the UART polled with patience. The
 * first CPU to panic speaks; one that panics meanwhile, or is told to by NMI, stops.
 */
#include "kernel/panic.h"

#include "kernel/console.h"
#include "kernel/cpu.h"
#include "kernel/end.h"
#include "kernel/smp.h"
#include "kernel/symbols.h"
#include "kernel/trap.h"
#include "kernel/x86.h"

#define PANIC_STATUS 255
#define MAX_DEPTH    32u

static uint32_t panicking; /* number of the CPU, plus 1 */

bool panic_elsewhere(void)
{
	uint32_t who = __atomic_load_n(&panicking, __ATOMIC_SEQ_CST);

	return who != 0 && who != cpu_self()->index + 1;
}

/* @return false where this CPU panics already: in a panic nothing more can be done. */
static bool begin(void)
{
	uint32_t nobody = 0;

	if (!__atomic_compare_exchange_n(&panicking, &nobody, cpu_self()->index + 1, false,
					 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
		if (panic_elsewhere())
			x86_stop();
		return false;
	}
	smp_stop_others();
	console_seize();
	return true;
}

_Noreturn static void finish(void)
{
	end_panic(PANIC_STATUS);
}

void panic_print_registers(const struct trap_frame *f)
{
	console_print("  rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx", f->rax, f->rbx, f->rcx,
		      f->rdx);
	console_print("  rsi %016lx  rdi %016lx  rbp %016lx  rsp %016lx", f->rsi, f->rdi, f->rbp,
		      f->rsp);
	console_print("  r8  %016lx  r9  %016lx  r10 %016lx  r11 %016lx", f->r8, f->r9, f->r10,
		      f->r11);
	console_print("  r12 %016lx  r13 %016lx  r14 %016lx  r15 %016lx", f->r12, f->r13, f->r14,
		      f->r15);
	console_print("  rip %016lx  rflags %08lx  cs %04lx  ss %04lx  error %lx", f->rip,
		      f->rflags, f->cs, f->ss, f->error);
}

static void print_control_registers(void)
{
	console_print("  cr0 %08lx  cr2 %016lx  cr3 %012lx  cr4 %08lx  efer %lx", x86_read_cr0(),
		      x86_read_cr2(), x86_read_cr3(), x86_read_cr4(), x86_rdmsr(MSR_EFER));
}

/* A frame pointer to follow: on a kernel stack or in the image's data, aligned, above the last one. */
static bool frame_pointer_good(uint64_t rbp, uint64_t last)
{
	return rbp % 8 == 0 && rbp > last && rbp - last <= 2 * STACK_SIZE && rbp >= STACK_AREA;
}

static void print_call(uint64_t rip)
{
	uint64_t offset = 0;
	const char *name = symbol_find(rip, &offset);

	console_print("  %016lx %s+%#lx", rip, name != NULL ? name : "?", offset);
}

static void print_backtrace(uint64_t rip, uint64_t rbp)
{
	extern const char image_start[], rodata_start[];
	uint64_t last = rbp - 8;

	console_print("calls, the innermost first (addr2line -fe hypike-debug.elf ADDRESS):");
	for (unsigned int depth = 0; depth < MAX_DEPTH; depth++) {
		if (rip < (uintptr_t)image_start || rip >= (uintptr_t)rodata_start)
			break;
		print_call(rip);
		if (!frame_pointer_good(rbp, last))
			break;
		last = rbp;
		rip = ((const uint64_t *)rbp)[1];
		rbp = ((const uint64_t *)rbp)[0];
	}
}

void panic_exception(struct trap_frame *frame)
{
	if (begin()) {
		console_print("hypike: panic on CPU %u: %s", cpu_self()->index,
			      trap_name(frame->vector));
		panic_print_registers(frame);
		print_control_registers();
		print_backtrace(frame->rip, frame->rbp);
	}
	finish();
}

void host_panic(const char *format, ...)
{
	va_list args;

	if (begin()) {
		va_start(args, format);
		console_vpanic(cpu_self()->index, format, args);
		va_end(args);
		print_control_registers();
		print_backtrace((uintptr_t)__builtin_return_address(0),
				*(const uint64_t *)__builtin_frame_address(0));
	}
	finish();
}
