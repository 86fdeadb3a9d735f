/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stopping and letting go of vCPUs.
 *
 * @req GDB-010 A debugger that attaches finds all vCPUs stopped between two instructions; while they are,
 *              they take no time from anybody.
 * @req GDB-011 A step executes one instruction of one vCPU and takes no interrupt meanwhile, but where the
 *              vCPU waits for one.
 * @req GDB-012 A debugger that detaches leaves nothing behind: memory, debug registers and what traps are
 *              the guest's again.
 * @req GDB-013 A VM that fails while it has a debugger stops there, and ends when it is let go; with other
 *              registers it goes on.
 * @req VMM-611 A VM that is paused executes nothing, with a debugger or without, until it is let go; its time
 *              stands still meanwhile: devices' timers, clocks, and time stamp counters.
 */
#include "vmm/debug/debug.h"

#include "lib/x86/regs.h"
#include "vmm/options.h"
#include "vmm/status.h"
#include "vmm/vm.h"

static struct debug_vcpu *debug_of(struct vcpu *vcpu)
{
	return &vcpu->vm->debug.vcpu[vcpu->index];
}

bool debug_attached(const struct vm *vm)
{
	return vm->debug.attached;
}

/* --------------------------------------------------------------------------------------- stopping */

static void hold(struct vcpu *vcpu, uint8_t who)
{
	struct debug_vcpu *v = debug_of(vcpu);
	const bool already = v->held != 0;

	v->held |= who;
	if (already)
		return;
	platform_mutex_lock(&v->gate);
	if (v->inside)
		v->parked = true; /* it hasn't left: its page is still complete */
	else
		vcpu_attend(vcpu, VCPU_DEBUG);
}

void debug_stop_all(struct vm *vm)
{
	for (uint32_t i = 0; i < vm->vcpu_count; i++)
		hold(&vm->vcpu[i], DEBUG_HOLD_DEBUGGER);
	vm->debug.state = DEBUG_STOPPING;
	if (debug_all_parked(vm)) /* none of them is going to tell */
		platform_wake();
}

bool debug_all_parked(const struct vm *vm)
{
	for (uint32_t i = 0; i < vm->vcpu_count; i++) {
		if (!vm->debug.vcpu[i].parked)
			return false;
	}
	return true;
}

static void let_go(struct vcpu *vcpu, uint8_t who)
{
	struct debug_vcpu *v = debug_of(vcpu);

	if (!(v->held & who))
		return;
	v->held &= (uint8_t)~who;
	if (v->held)
		return;
	v->parked = false;
	__atomic_and_fetch(&vcpu->attention, ~VCPU_DEBUG, __ATOMIC_SEQ_CST);
	platform_mutex_unlock(&v->gate);
}

void debug_start(struct vm *vm)
{
	vm->debug.catches = vm->options->gdb_wait;
	vm->debug.generation = 0;
	if (vm->options->gdb_wait)
		debug_stop_all(vm);
}

/* -------------------------------------------------------------------------------- a vCPU's thread */

bool debug_settled(const struct hv_vcpu_page *page)
{
	if (page->dirty != 0)
		return false;
	switch (page->exit.kind) {
	case HV_EXIT_PORT:
	case HV_EXIT_MEMORY:
	case HV_EXIT_HYPERCALL:
	case HV_EXIT_SYSREG:
	case HV_EXIT_ID:
	case HV_EXIT_INSTRUCTION:
	case HV_EXIT_EOI:
		return false;
	default:
		return true;
	}
}

static void collect(struct vcpu *vcpu, struct debug_vcpu *v)
{
	static const uint32_t sizes[] = {DEBUG_FPU, 512, 0};
	unsigned int i = 0;

	vcpu->page->request &= (uint8_t)~(HV_REQUEST_STEP | HV_REQUEST_INTR_WINDOW);
	hv_vcpu_get(vcpu->handle, HV_X86_REGS_ALL);
	while (sizes[i] != 0 && hv_x86_fpu_get(vcpu->handle, v->fpu, sizes[i]) != HV_OK)
		i++;
	v->fpu_size = sizes[i];
	v->fpu_dirty = v->edited = false;
}

static void give_back(struct vcpu *vcpu, struct debug_vcpu *v)
{
	struct debug *d = &vcpu->vm->debug;
	struct hv_x86_debug hardware;

	if (v->fpu_dirty)
		hv_x86_fpu_set(vcpu->handle, v->fpu, v->fpu_size);
	v->fpu_dirty = false;
	if (v->armed == d->generation)
		return;
	v->armed = d->generation;
	debug_hardware(d, &hardware);
	hv_x86_debug_set(vcpu->handle, &hardware);
}

void debug_park(struct vcpu *vcpu)
{
	struct debug_vcpu *v = debug_of(vcpu);
	struct vm *vm = vcpu->vm;

	collect(vcpu, v);
	platform_mutex_lock(&vm->lock);
	v->inside = true;
	v->parked = v->held != 0;
	if (v->parked && debug_all_parked(vm))
		platform_wake();
	while (v->parked) {
		platform_mutex_unlock(&vm->lock);
		platform_mutex_lock(&v->gate);
		platform_mutex_unlock(&v->gate);
		platform_mutex_lock(&vm->lock);
	}
	v->inside = false;
	__atomic_and_fetch(&vcpu->attention, ~VCPU_DEBUG, __ATOMIC_SEQ_CST);
	give_back(vcpu, v);
	platform_mutex_unlock(&vm->lock);
}

/* ------------------------------------------------------------------------------- reasons to stop */

static void stop_for(struct vcpu *vcpu, const struct debug_stop *stop)
{
	struct vm *vm = vcpu->vm;

	vcpu->page->action = HV_ACTION_RETRY;
	platform_mutex_lock(&vm->lock);
	debug_of(vcpu)->stop = *stop;
	debug_stop_all(vm);
	platform_mutex_unlock(&vm->lock);
}

/** @return the breakpoint in DR0 to DR3 that DR6 tells of, or NULL. */
static const struct debug_hard *hit(const struct debug *d, uint64_t dr6)
{
	for (unsigned int i = 0; i < DEBUG_HARDWARE; i++) {
		if ((dr6 >> i & 1) && d->hard[i].used)
			return &d->hard[i];
	}
	return NULL;
}

static bool debug_trap(struct vcpu *vcpu, uint64_t dr6)
{
	const struct debug_hard *hard = hit(&vcpu->vm->debug, dr6);
	struct debug_stop stop = {.signal = DEBUG_SIGTRAP};

	if (hard) {
		stop.at_breakpoint = true;
		stop.type = hard->type;
		stop.address = hard->linear;
	} else if (!(vcpu->page->request & HV_REQUEST_STEP)) {
		return false;
	}
	stop_for(vcpu, &stop);
	return true;
}

/** INT3: ours, or the guest's own, which it gets after all. */
static bool breakpoint(struct vcpu *vcpu)
{
	const struct hv_x86_regs *regs = hv_x86_regs(vcpu->page);
	uint64_t physical, linear;

	if (!vcpu_need(vcpu, HV_X86_REGS_GPR | HV_X86_REGS_SEG | HV_X86_REGS_CR))
		return true; /* the VM ends */
	linear = regs->seg[HV_CS].base + regs->rip;
	if (!(regs->efer & EFER_LMA) || !(regs->seg[HV_CS].attr & HV_SEG_L))
		linear = (uint32_t)linear;
	if (!debug_translate(vcpu->vm, vcpu, linear, &physical) ||
	    !debug_soft_at(vcpu->vm, physical)) {
		vcpu->page->action = HV_ACTION_DONE;
		return true;
	}
	stop_for(vcpu, &(struct debug_stop){.signal = DEBUG_SIGTRAP, .at_breakpoint = true});
	return true;
}

bool debug_exception(struct vcpu *vcpu)
{
	const struct hv_exit_exception *exit = &vcpu->page->exit.exception;

	if (exit->vector == X86_DB)
		return debug_trap(vcpu, exit->address);
	return exit->vector == X86_BP && breakpoint(vcpu);
}

bool debug_failed(struct vcpu *vcpu, int status, const char *what)
{
	struct debug *d = &vcpu->vm->debug;
	struct debug_vcpu *v = debug_of(vcpu);

	if ((!d->attached && !d->catches) || vcpu->vm->stopped || d->failure != 0)
		return d->failure != 0 && !vcpu->vm->stopped;
	vm_log(vcpu->vm, "vCPU %u: %s; its debugger has it", vcpu->index, what);
	d->failure = status;
	v->stop = (struct debug_stop){.signal = status == VMM_STATUS_TRIPLE_FAULT ? DEBUG_SIGSEGV
					       : status == VMM_STATUS_HALTED	 ? DEBUG_SIGABRT
										 : DEBUG_SIGILL};
	vcpu->page->action = HV_ACTION_RETRY;
	debug_stop_all(vcpu->vm);
	return true;
}

bool debug_refused(struct vcpu *vcpu)
{
	if (!debug_of(vcpu)->edited)
		return false;
	vcpu->page->dirty = 0;
	debug_of(vcpu)->edited = false;
	stop_for(vcpu, &(struct debug_stop){.signal = DEBUG_SIGILL});
	return true;
}

/* --------------------------------------------------------------------------------------- pausing */

void debug_pause(struct vm *vm, uint64_t (*over)(void))
{
	vm->debug.pause_over = over;
	for (uint32_t i = 0; i < vm->vcpu_count; i++)
		hold(&vm->vcpu[i], DEBUG_HOLD_PAUSE);
}

bool debug_paused(const struct vm *vm)
{
	return vm->debug.pause_over && debug_all_parked(vm);
}

/** Its page is complete: what is written there is taken when it goes on. */
static void tsc_back(struct vcpu *vcpu, uint64_t tsc)
{
	if (!debug_of(vcpu)->parked || tsc == 0)
		return;
	hv_x86_regs(vcpu->page)->tsc_offset -= tsc;
	vcpu->page->dirty |= HV_X86_REGS_TIME;
}

void debug_unpause(struct vm *vm)
{
	if (!vm->debug.pause_over)
		return;
	const uint64_t tsc = vm->debug.pause_over();
	vm->debug.pause_over = NULL;
	for (uint32_t i = 0; i < vm->vcpu_count; i++) {
		tsc_back(&vm->vcpu[i], tsc);
		let_go(&vm->vcpu[i], DEBUG_HOLD_PAUSE);
	}
}

/* -------------------------------------------------------------------------------------- going on */

/** What keeps interrupts off for one instruction: as behind STI (SDM vol. 3, 6.8.3). */
static void no_interrupt(struct vcpu *vcpu)
{
	struct hv_x86_regs *regs = hv_x86_regs(vcpu->page);

	if (!(regs->rflags & RFLAGS_IF) || regs->activity != HV_ACTIVITY_RUN ||
	    regs->pending.kind != HV_EVENT_NONE || regs->shadow != 0)
		return;
	regs->shadow = HV_SHADOW_STI;
	vcpu->page->dirty |= HV_X86_REGS_EVENT;
}

static void go(struct vcpu *vcpu, enum debug_action action)
{
	struct debug_vcpu *v = debug_of(vcpu);

	vcpu->page->request &= (uint8_t)~HV_REQUEST_STEP;
	if (action == DEBUG_STEP) {
		vcpu->page->request |= HV_REQUEST_STEP;
		no_interrupt(vcpu);
	}
	v->stop = (struct debug_stop){.signal = 0};
	let_go(vcpu, DEBUG_HOLD_DEBUGGER);
}

static bool any_edited(const struct vm *vm)
{
	for (uint32_t i = 0; i < vm->vcpu_count; i++) {
		if (vm->debug.vcpu[i].edited)
			return true;
	}
	return false;
}

/** What ended the VM is to end it now, unless the debugger has done something about it. */
static bool end_at_last(struct vm *vm)
{
	const int status = vm->debug.failure;

	vm->debug.failure = 0;
	if (status == 0 || any_edited(vm))
		return false;
	vm_stop(vm, status, NULL);
	return true;
}

/** A watched access that came at the same time as what was reported: it won't come again. */
static bool another(const struct vm *vm)
{
	for (uint32_t i = 0; i < vm->vcpu_count; i++) {
		const struct debug_stop *stop = &vm->debug.vcpu[i].stop;
		if (stop->signal && stop->at_breakpoint && stop->type >= DEBUG_WRITE)
			return true;
	}
	return false;
}

void debug_resume(struct vm *vm, const uint8_t action[HV_MAX_VCPUS])
{
	vm->debug.awaiting = true;
	if (end_at_last(vm))
		return;
	if (another(vm)) {
		vm->debug.state = DEBUG_STOPPING;
		return;
	}
	vm->debug.state = DEBUG_RUNNING;
	for (uint32_t i = 0; i < vm->vcpu_count; i++) {
		if (action[i] != DEBUG_STAY)
			go(&vm->vcpu[i], action[i]);
	}
}

void debug_detach(struct vm *vm)
{
	struct debug *d = &vm->debug;
	const bool ends = d->failure != 0;

	debug_remove_all(vm);
	d->attached = d->catches = d->no_ack = d->awaiting = d->interrupted = d->physical = false;
	d->state = DEBUG_RUNNING;
	if (ends && end_at_last(vm))
		return;
	for (uint32_t i = 0; i < vm->vcpu_count; i++)
		go(&vm->vcpu[i], DEBUG_CONTINUE);
}

void debug_release(struct vm *vm)
{
	vm->debug.state = DEBUG_RUNNING;
	debug_unpause(vm);
	for (uint32_t i = 0; i < vm->vcpu_count; i++)
		let_go(&vm->vcpu[i], DEBUG_HOLD_DEBUGGER);
}

void debug_restarted(struct vm *vm)
{
	struct debug *d = &vm->debug;

	if (!d->attached)
		return;
	d->failure = 0;
	d->generation++; /* vCPUs have lost theirs */
	debug_insert_again(vm);
	if (d->resetting)
		debug_stop_all(vm);
	else
		for (uint32_t i = 0; i < vm->vcpu_count; i++)
			vcpu_attend(&vm->vcpu[i], VCPU_DEBUG); /* to arm its debug registers */
}
