/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/trap.h"

#include "kernel/cpu.h"
#include "kernel/device.h"
#include "kernel/fpu.h"
#include "kernel/irq.h"
#include "kernel/panic.h"
#include "kernel/paranoid.h"
#include "kernel/partition.h"
#include "kernel/x86.h"

#define FAULT_STATUS 128 /* a faulted program's status is this plus the vector */

static const char *const names[VECTOR_EXCEPTIONS] = {
	[VECTOR_DE] = "divide error",
	[VECTOR_DB] = "debug exception",
	[VECTOR_NMI] = "NMI",
	[VECTOR_BP] = "breakpoint",
	[VECTOR_OF] = "overflow",
	[VECTOR_BR] = "bound range exceeded",
	[VECTOR_UD] = "invalid opcode",
	[VECTOR_NM] = "device not available",
	[VECTOR_DF] = "double fault",
	[VECTOR_TS] = "invalid TSS",
	[VECTOR_NP] = "segment not present",
	[VECTOR_SS] = "stack-segment fault",
	[VECTOR_GP] = "general protection",
	[VECTOR_PF] = "page fault",
	[VECTOR_MF] = "x87 floating-point error",
	[VECTOR_AC] = "alignment check",
	[VECTOR_MC] = "machine check",
	[VECTOR_XM] = "SIMD floating-point exception",
};

const char *trap_name(uint64_t vector)
{
	return vector < VECTOR_EXCEPTIONS && names[vector] != NULL ? names[vector]
								    : "unknown exception";
}

/* ---- ring 3 ---- */

static const char *access_of(const struct trap_frame *frame)
{
	if (frame->error & PF_I)
		return "executing";
	return (frame->error & PF_W) != 0 ? "writing" : "reading";
}

/*
 * The program's fault is the program's end; nobody else's.
 * @req KRN-040 A fault of a ring-3 program ends its partition with a message that names partition,
 *              fault, instruction and address; all others go on undisturbed.
 */
static void user_fault(struct trap_frame *frame)
{
	struct partition *partition = partition_self();
	int status = FAULT_STATUS + (int)frame->vector;

	if (frame->vector == VECTOR_PF)
		host_log("partition %s: page fault in its program at %lx, %s %lx", partition->name,
			 frame->rip, access_of(frame), x86_read_cr2());
	else
		host_log("partition %s: %s in its program at %lx, error code %lx", partition->name,
			 trap_name(frame->vector), frame->rip, frame->error);
	panic_print_registers(frame);
	partition_stop(partition, status);
}

/* ---- ring 0 ---- */

/* Instructions that may fault on a program's memory or values, and where to go then (entry.S). */
struct fixup {
	int32_t from, to; /* relative to the member itself */
};

static bool fix_up(struct trap_frame *frame)
{
	extern const struct fixup exception_table_start[], exception_table_end[];

	for (const struct fixup *f = exception_table_start; f < exception_table_end; f++)
		if ((uintptr_t)&f->from + (uintptr_t)(intptr_t)f->from == frame->rip) {
			frame->rip = (uintptr_t)&f->to + (uintptr_t)(intptr_t)f->to;
			return true;
		}
	return false;
}

static void exception(struct trap_frame *frame)
{
	if (trap_from_user(frame))
		user_fault(frame);
	else if ((frame->vector != VECTOR_PF && frame->vector != VECTOR_GP) || !fix_up(frame))
		panic_exception(frame);
}

/* An FPU instruction while another context is in the FPU: #NM, or #UD where XCR0 is too narrow. */
static void fpu_exception(struct trap_frame *frame)
{
	if (!trap_from_user(frame) || !fpu_take())
		exception(frame);
}

/* An I/O instruction of a partition that has that port. */
static void general_protection(struct trap_frame *frame)
{
	if (!trap_from_user(frame) || !device_ports_fault(frame))
		exception(frame);
}

/* The vectors that are not just a fault of whoever runs. */
static void (*const exceptions[VECTOR_EXCEPTIONS])(struct trap_frame *) = {
	[VECTOR_UD] = fpu_exception,
	[VECTOR_NM] = fpu_exception,
	[VECTOR_GP] = general_protection,
	[VECTOR_NMI] = irq_nmi,
	[VECTOR_DF] = panic_exception,
	[VECTOR_MC] = panic_exception,
};

void trap_dispatch(struct trap_frame *frame)
{
	if (frame->vector != VECTOR_NMI && frame->vector != VECTOR_DF)
		paranoid_check();
	if (frame->vector >= VECTOR_EXCEPTIONS)
		irq_dispatch((uint8_t)frame->vector);
	else if (exceptions[frame->vector] != NULL)
		exceptions[frame->vector](frame);
	else
		exception(frame);
}
