/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A custom handler for each kind of exit that calls the usual one and then prints what there was: who doesn't
 * trace pays nothing.
 *
 * @req VMM-009 With --trace-exits the VMM prints each exit that it settles with its values, the same for the
 *              same access on every back end.
 */
#include "vmm/exit_trace.h"

#include <stdarg.h>

#include "lib/printf.h"
#include "vmm/dev/debug_ports.h"

static void put_line(struct vm *vm, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** With the lock held. */
static void put_line(struct vm *vm, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	lib_vprintf(console_putc, &vm->console, format, ap);
	va_end(ap);
	console_putc(&vm->console, '\n');
}

static uint64_t cut(uint64_t value, unsigned int size)
{
	return size < 8 ? value & ((UINT64_C(1) << (8 * size)) - 1) : value;
}

static void put_access(struct vm *vm, const char *space, bool write, unsigned int size, uint64_t where,
		       uint64_t value)
{
	put_line(vm, "exit %s %c%u %llx %llx", space, write ? 'w' : 'r', size,
		 (unsigned long long)where, (unsigned long long)cut(value, size));
}

/** What reaches the bus. Lock held. */
static void memory_access(void *ctx, bool write, uint64_t address, unsigned int size, uint64_t value)
{
	put_access(ctx, "memory", write, size, address, value);
}

static uint32_t kind_of(const struct hv_vcpu_page *page)
{
	return page->exit.kind < HV_EXIT_KINDS ? page->exit.kind : HV_EXIT_ERROR;
}

static enum vcpu_verdict usual(struct vcpu *vcpu, struct hv_vcpu_page *page)
{
	return exit_handlers[kind_of(page)](vcpu, page);
}

/** String I/O: the items are in the page's data area. Lock held. */
static void put_items(struct vm *vm, const struct hv_vcpu_page *page)
{
	const struct hv_exit_port *exit = &page->exit.port;

	for (uint32_t i = 0; i < exit->count && (i + 1) * exit->size <= sizeof(page->data); i++) {
		uint32_t value = 0;

		__builtin_memcpy(&value, page->data + (size_t)i * exit->size, exit->size);
		put_access(vm, "port", exit->write, exit->size, exit->port, value);
	}
}

static enum vcpu_verdict trace_port(void *ctx, struct vcpu *vcpu, struct hv_vcpu_page *page)
{
	const enum vcpu_verdict verdict = usual(vcpu, page);
	const struct hv_exit_port *exit = &page->exit.port;
	struct vm *vm = ctx;

	if ((exit->port == DEBUG_CONSOLE_PORT && exit->write) || exit->size > sizeof(exit->value))
		return verdict;
	platform_mutex_lock(&vm->lock);
	if (exit->string || exit->count > 1)
		put_items(vm, page);
	else
		put_access(vm, "port", exit->write, exit->size, exit->port, exit->value);
	platform_mutex_unlock(&vm->lock);
	return verdict;
}

static enum vcpu_verdict trace_sysreg(void *ctx, struct vcpu *vcpu, struct hv_vcpu_page *page)
{
	const enum vcpu_verdict verdict = usual(vcpu, page);
	struct vm *vm = ctx;

	platform_mutex_lock(&vm->lock);
	put_access(vm, page->action == HV_ACTION_FAULT ? "msr-fault" : "msr", page->exit.sysreg.write, 8,
		   page->exit.sysreg.index, page->exit.sysreg.value);
	platform_mutex_unlock(&vm->lock);
	return verdict;
}

/** The others: their kind, and a number where they have one. */
static enum vcpu_verdict trace_other(void *ctx, struct vcpu *vcpu, struct hv_vcpu_page *page)
{
	static const char *const names[HV_EXIT_KINDS] = {
		[HV_EXIT_HYPERCALL] = "hypercall",	 [HV_EXIT_ID] = "id",
		[HV_EXIT_INSTRUCTION] = "instruction", [HV_EXIT_EXCEPTION] = "exception",
		[HV_EXIT_HALT] = "halt",		 [HV_EXIT_TASK_SWITCH] = "task-switch",
		[HV_EXIT_SHUTDOWN] = "shutdown",	 [HV_EXIT_INVALID] = "invalid",
		[HV_EXIT_ERROR] = "error",
	};
	const uint32_t kind = kind_of(page);
	struct vm *vm = ctx;

	platform_mutex_lock(&vm->lock);
	if (kind == HV_EXIT_HYPERCALL)
		put_line(vm, "exit %s %llx", names[kind], (unsigned long long)page->exit.hypercall);
	else if (kind == HV_EXIT_EXCEPTION)
		put_line(vm, "exit %s %u", names[kind], page->exit.exception.vector);
	else
		put_line(vm, "exit %s", names[kind]);
	platform_mutex_unlock(&vm->lock);
	return usual(vcpu, page);
}

void exit_trace_start(struct vm *vm)
{
	static const enum hv_exit_kind others[] = {
		HV_EXIT_HYPERCALL,   HV_EXIT_ID,       HV_EXIT_INSTRUCTION, HV_EXIT_EXCEPTION, HV_EXIT_HALT,
		HV_EXIT_TASK_SWITCH, HV_EXIT_SHUTDOWN, HV_EXIT_INVALID,	    HV_EXIT_ERROR,
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		vm_set_handler(vm, others[i], trace_other, vm);
	vm_set_handler(vm, HV_EXIT_PORT, trace_port, vm);
	vm_set_handler(vm, HV_EXIT_SYSREG, trace_sysreg, vm);
	vm->bus.tap = (struct bus_tap){memory_access, vm};
	for (uint32_t i = 0; i < vm->vcpu_count; i++)
		vm->vcpu[i].hit = BUS_NO_REGION;
}
