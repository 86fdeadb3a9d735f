/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/trap.h"

#include "kernel/cpu.h"
#include "kernel/device.h"
#include "kernel/fpu.h"
#include "kernel/hardware.h"
#include "kernel/health.h"
#include "kernel/irq.h"
#include "kernel/panic.h"
#include "kernel/paranoid.h"
#include "kernel/partition.h"
#include "kernel/x86.h"
#include "lib/string.h"

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

/* Which error a processor exception is; the others are SYSTEM_ERROR_INSTRUCTION. */
static const uint8_t errors[VECTOR_EXCEPTIONS] = {
	[VECTOR_DE] = SYSTEM_ERROR_NUMERIC,
	[VECTOR_OF] = SYSTEM_ERROR_NUMERIC,
	[VECTOR_MF] = SYSTEM_ERROR_NUMERIC,
	[VECTOR_XM] = SYSTEM_ERROR_NUMERIC,
	[VECTOR_BR] = SYSTEM_ERROR_MEMORY_VIOLATION,
	[VECTOR_SS] = SYSTEM_ERROR_MEMORY_VIOLATION,
	[VECTOR_AC] = SYSTEM_ERROR_MEMORY_VIOLATION,
	[VECTOR_PF] = SYSTEM_ERROR_MEMORY_VIOLATION,
};

#define NEAR_STACK 0x10000u /* a function's frame is hardly larger */
#define RED_ZONE   256u	    /* below RSP; CALL and PUSH write there, too */

/* Below the first thread's stack; or of another, where nothing is mapped beside what RSP points to. */
static bool is_stack(const struct trap_frame *frame, uint64_t address)
{
	const uint64_t bottom = USER_STACK_TOP - USER_STACK_SIZE;

	if (frame->vector != VECTOR_PF || (frame->error & (PF_P | PF_I)) != 0)
		return false;
	return (address < bottom && address >= bottom - NEAR_STACK) ||
	       (address + RED_ZONE >= frame->rsp && address < frame->rsp + NEAR_STACK);
}

static uint32_t error_of(const struct partition *partition, const struct trap_frame *frame,
			 uint64_t address)
{
	uint32_t error = errors[frame->vector];

	if (partition->config->kind == SYSTEM_PARTITION_VMM)
		return SYSTEM_ERROR_VMM_FAULT;
	if (is_stack(frame, address))
		return SYSTEM_ERROR_STACK_OVERFLOW;
	return error != 0 ? error : SYSTEM_ERROR_INSTRUCTION;
}

static void tell(const struct partition *partition, const struct trap_frame *frame, uint64_t address)
{
	if (frame->vector == VECTOR_PF)
		host_log("partition %s: page fault in its program at %lx, %s %lx", partition->name,
			 frame->rip, access_of(frame), address);
	else
		host_log("partition %s: %s in its program at %lx, error code %lx", partition->name,
			 trap_name(frame->vector), frame->rip, frame->error);
}

/*
 * The program's fault is the program's; nobody else's.
 * @req KRN-040 A fault of a ring-3 program gives a message that names partition, fault, instruction and
 *              address, and goes to the health monitor, which ends the partition unless configured
 *              otherwise; all others go on undisturbed.
 */
static void user_fault(struct trap_frame *frame)
{
	struct partition *partition = partition_self();
	uint64_t address = frame->vector == VECTOR_PF ? x86_read_cr2() : 0;
	const struct health_event event = {
		.partition = partition->index,
		.error = error_of(partition, frame, address),
		.thread = cpu_self()->current->index,
		.status = FAULT_STATUS + (int)frame->vector,
		.address = frame->rip,
		.detail = address != 0 ? address : frame->vector,
		.message = trap_name(frame->vector),
		.size = (uint32_t)strlen(trap_name(frame->vector)),
		.fault = true,
	};

	tell(partition, frame, address);
	panic_print_registers(frame);
	health_event(&event);
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
	[VECTOR_MC] = hardware_machine_check,
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
