/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the VMM does about each kind of exit: a table, bounds-checked, with custom handlers before it.
 *
 * @req VMM-002 Every exit kind has a handler; one that the VMM doesn't expect becomes a fault in the
 *              guest or ends the VM with a message, never the VMM.
 */
#include "lib/string.h"
#include "lib/x86/regs.h"
#include "vmm/machine/machine.h"
#include "vmm/pv.h"
#include "vmm/status.h"
#include "vmm/vm.h"

/** Something that the VMM doesn't provide: the architecture's fault. */
static enum vcpu_verdict exit_fault(struct vcpu *vcpu, struct hv_vcpu_page *page)
{
	(void)vcpu;
	page->action = HV_ACTION_FAULT;
	return VCPU_RUN;
}

/* ------------------------------------------------------------------------------------------- ports */

static void string_item(struct bus *bus, const struct hv_exit_port *exit, uint8_t *data)
{
	uint32_t value = 0;

	if (exit->write) {
		memcpy(&value, data, exit->size);
		bus_port_write(bus, exit->port, exit->size, value);
	} else {
		value = bus_port_read(bus, exit->port, exit->size);
		memcpy(data, &value, exit->size);
	}
}

/** String I/O: the items are in the page's data area. */
static __attribute__((noinline)) enum vcpu_verdict port_string(struct vcpu *vcpu,
							       struct hv_vcpu_page *page)
{
	const struct hv_exit_port exit = page->exit.port;

	if (exit.size != 1 && exit.size != 2 && exit.size != 4)
		return exit_fault(vcpu, page);
	uint32_t room = (uint32_t)sizeof(page->data) / exit.size;
	uint32_t count = exit.count < room ? exit.count : room;
	platform_mutex_lock(&vcpu->vm->lock);
	for (uint32_t i = 0; i < count; i++)
		string_item(&vcpu->vm->bus, &exit, page->data + (size_t)i * exit.size);
	platform_mutex_unlock(&vcpu->vm->lock);
	return VCPU_RUN;
}

static enum vcpu_verdict exit_port(struct vcpu *vcpu, struct hv_vcpu_page *page)
{
	struct hv_exit_port *exit = &page->exit.port;
	struct vm *vm = vcpu->vm;

	if (__builtin_expect(exit->string || exit->count > 1, 0))
		return port_string(vcpu, page);
	platform_mutex_lock(&vm->lock);
	if (exit->write)
		bus_port_write(&vm->bus, exit->port, exit->size, exit->value);
	else
		exit->value = bus_port_read(&vm->bus, exit->port, exit->size);
	platform_mutex_unlock(&vm->lock);
	return VCPU_RUN;
}

/* ------------------------------------------------------------------------------- nothing to be done */

/** Kicks and windows only bring the thread to its loop, which looks what there is. */
static enum vcpu_verdict exit_nothing(struct vcpu *vcpu, struct hv_vcpu_page *page)
{
	(void)vcpu;
	(void)page;
	return VCPU_RUN;
}

static enum vcpu_verdict exit_sysreg(struct vcpu *vcpu, struct hv_vcpu_page *page)
{
	struct hv_exit_sysreg *exit = &page->exit.sysreg;
	struct vm *vm = vcpu->vm;
	uint64_t value = exit->value;

	platform_mutex_lock(&vm->lock);
	const bool done = vm->machine->sysreg(vcpu, exit->index, exit->write, &value);
	platform_mutex_unlock(&vm->lock);
	if (!done)
		return exit_fault(vcpu, page);
	exit->value = value;
	return VCPU_RUN;
}

/** The end of a level-triggered interrupt: its line may still be active. */
static enum vcpu_verdict exit_eoi(struct vcpu *vcpu, struct hv_vcpu_page *page)
{
	struct vm *vm = vcpu->vm;

	platform_mutex_lock(&vm->lock);
	vm->machine->eoi(vm, page->exit.eoi_vector);
	platform_mutex_unlock(&vm->lock);
	return VCPU_RUN;
}

static enum vcpu_verdict exit_hypercall(struct vcpu *vcpu, struct hv_vcpu_page *page)
{
	uint64_t *gpr = hv_x86_regs(page)->gpr;

	if (!vcpu_need(vcpu, HV_X86_REGS_GPR))
		return VCPU_END;
	const uint64_t args[PV_ARGS] = {gpr[HV_RBX], gpr[HV_RCX], gpr[HV_RDX], gpr[HV_RSI]};
	platform_mutex_lock(&vcpu->vm->lock);
	gpr[HV_RAX] = (uint64_t)pv_hypercall(vcpu, page->exit.hypercall, args);
	platform_mutex_unlock(&vcpu->vm->lock);
	page->dirty |= HV_X86_REGS_GPR;
	return VCPU_RUN;
}

/** An exception that was asked for and that nobody wanted after all: the guest's own. */
static enum vcpu_verdict exit_exception(struct vcpu *vcpu, struct hv_vcpu_page *page)
{
	const struct hv_exit_exception exit = page->exit.exception;

	if (debug_exception(vcpu))
		return VCPU_RUN;
	page->inject = (struct hv_event){.kind = HV_EVENT_EXCEPTION,
					 .vector = exit.vector,
					 .has_code = exit.has_code,
					 .code = exit.code,
					 .address = exit.address};
	page->action = HV_ACTION_RETRY;
	return VCPU_RUN;
}

/* ------------------------------------------------------------------------------------------ the end */

static enum vcpu_verdict end(struct vcpu *vcpu, int status, const char *what, bool registers)
{
	struct vm *vm = vcpu->vm;

	platform_mutex_lock(&vm->lock);
	if (debug_failed(vcpu, status, what)) {
		platform_mutex_unlock(&vm->lock);
		return VCPU_RUN;
	}
	if (registers && !vm->stopped) {
		vm_log(vm, "vCPU %u: %s", vcpu->index, what);
		vcpu_print(vcpu);
		vm_stop(vm, status, NULL);
	} else {
		vm_stop(vm, status, "vCPU %u: %s", vcpu->index, what);
	}
	platform_mutex_unlock(&vm->lock);
	return VCPU_END;
}

static enum vcpu_verdict exit_shutdown(struct vcpu *vcpu, struct hv_vcpu_page *page)
{
	(void)page;
	return end(vcpu, VMM_STATUS_TRIPLE_FAULT, "triple fault", true);
}

static enum vcpu_verdict exit_invalid(struct vcpu *vcpu, struct hv_vcpu_page *page)
{
	(void)page;
	return end(vcpu, VMM_STATUS_HYPERVISOR, "the CPU refuses the guest's state", true);
}

static enum vcpu_verdict exit_error(struct vcpu *vcpu, struct hv_vcpu_page *page)
{
	struct vm *vm = vcpu->vm;

	platform_mutex_lock(&vm->lock);
	vm_log(vm, "vCPU %u: exit of kind %u, error %lld", vcpu->index, page->exit.kind,
	       (long long)page->exit.error);
	platform_mutex_unlock(&vm->lock);
	if (page->exit.error == HV_E_UNSUPPORTED)
		return end(vcpu, VMM_STATUS_EMULATION, "what the guest does is not emulated", true);
	return end(vcpu, VMM_STATUS_HYPERVISOR, "the hypervisor cannot go on", true);
}

static enum vcpu_verdict exit_task_switch(struct vcpu *vcpu, struct hv_vcpu_page *page)
{
	(void)page;
	return end(vcpu, VMM_STATUS_EMULATION, "hardware task switches are not emulated", true);
}

/** @return true where nothing but another vCPU can make this one run: it waits, interrupts off. */
static bool dead(struct vcpu *vcpu)
{
	const struct hv_x86_regs *regs = hv_x86_regs(vcpu->page);

	if (!vcpu_need(vcpu, HV_X86_REGS_GPR | HV_X86_REGS_EVENT))
		return false;
	return regs->activity == HV_ACTIVITY_WAIT_SIPI ||
	       (regs->activity == HV_ACTIVITY_HALT && !(regs->rflags & RFLAGS_IF));
}

/** The VM is at its end when every vCPU is dead. Lock held. */
static void count_dead(struct vm *vm)
{
	for (uint32_t i = 0; i < vm->vcpu_count; i++) {
		if (!vm->vcpu[i].dead)
			return;
	}
	if (!debug_failed(&vm->vcpu[0], VMM_STATUS_HALTED, "halted with interrupts off"))
		vm_stop(vm, VMM_STATUS_HALTED, "halted with interrupts off");
}

void vcpu_answer(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	bool is_dead = dead(vcpu);

	platform_mutex_lock(&vm->lock);
	vcpu->dead = is_dead;
	count_dead(vm);
	platform_mutex_unlock(&vm->lock);
}

/**
 * Halted for ever: so the VM is at its end, unless another vCPU runs. Ask them.
 * @req VMM-007 A VM whose vCPUs have all halted for ever ends.
 */
static enum vcpu_verdict exit_halt(struct vcpu *vcpu, struct hv_vcpu_page *page)
{
	struct vm *vm = vcpu->vm;

	(void)page;
	platform_mutex_lock(&vm->lock);
	for (uint32_t i = 0; i < vm->vcpu_count; i++) {
		vm->vcpu[i].dead = i == vcpu->index;
		if (i != vcpu->index)
			vcpu_attend(&vm->vcpu[i], VCPU_ASK);
	}
	count_dead(vm);
	platform_mutex_unlock(&vm->lock);
	return VCPU_RUN;
}

/* ----------------------------------------------------------------------------------------- dispatch */

const exit_handler_t exit_handlers[HV_EXIT_KINDS] = {
	[HV_EXIT_NONE] = exit_nothing,
	[HV_EXIT_KICKED] = exit_nothing,
	[HV_EXIT_PORT] = exit_port,
	[HV_EXIT_MEMORY] = exit_memory,
	[HV_EXIT_HYPERCALL] = exit_hypercall,
	[HV_EXIT_SYSREG] = exit_sysreg,
	[HV_EXIT_ID] = exit_nothing,
	[HV_EXIT_INSTRUCTION] = exit_fault,
	[HV_EXIT_EXCEPTION] = exit_exception,
	[HV_EXIT_INTR_WINDOW] = exit_nothing,
	[HV_EXIT_NMI_WINDOW] = exit_nothing,
	[HV_EXIT_EOI] = exit_eoi,
	[HV_EXIT_HALT] = exit_halt,
	[HV_EXIT_TASK_SWITCH] = exit_task_switch,
	[HV_EXIT_SHUTDOWN] = exit_shutdown,
	[HV_EXIT_INVALID] = exit_invalid,
	[HV_EXIT_ERROR] = exit_error,
	[HV_EXIT_INTERRUPT] = exit_error, /* these five: the driver's, never handed over */
	[HV_EXIT_NMI] = exit_error,
	[HV_EXIT_APIC] = exit_error,
	[HV_EXIT_CONTROL] = exit_error,
	[HV_EXIT_OTHER] = exit_error,
};

enum vcpu_verdict exit_custom(struct vcpu *vcpu, uint32_t kind)
{
	const struct vm_custom *custom = &vcpu->vm->custom[kind];
	enum vcpu_verdict verdict = custom->handle(custom->ctx, vcpu, vcpu->page);

	return verdict == VCPU_PASS ? exit_handlers[kind](vcpu, vcpu->page) : verdict;
}
