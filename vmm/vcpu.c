/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vCPU's thread: run the guest, handle the exit, again. What stands between two runs is on the path
 * of every exit, so it is short: interrupts and stops show in one word that is looked at in passing.
 */
#include "vmm/check.h"
#include "vmm/machine/machine.h"
#include "vmm/status.h"
#include "vmm/vm.h"

/** May the guest get an interrupt now: acknowledge it at the controller and inject it. */
static void interrupt_inject(struct vcpu *vcpu)
{
	struct hv_vcpu_page *page = vcpu->page;
	struct vm *vm = vcpu->vm;

	platform_mutex_lock(&vm->lock);
	if (__atomic_load_n(&vcpu->attention, __ATOMIC_RELAXED) & VCPU_INTR) {
		page->inject = (struct hv_event){.kind = HV_EVENT_INTERRUPT,
						 .vector = vm->machine->acknowledge(vm)};
		page->intr_ready = 0; /* one at a time: the next run says anew */
	}
	platform_mutex_unlock(&vm->lock);
}

/**
 * @req VMM-003 An interrupt of the legacy controller is acknowledged when the guest takes it, not
 *              before; one that the guest can't take is given to it as soon as it can.
 */
static void interrupt_offer(struct vcpu *vcpu)
{
	struct hv_vcpu_page *page = vcpu->page;
	uint32_t attention = __atomic_load_n(&vcpu->attention, __ATOMIC_ACQUIRE);

	if ((attention & VCPU_INTR) && page->intr_ready && page->inject.kind == HV_EVENT_NONE) {
		interrupt_inject(vcpu);
		attention = __atomic_load_n(&vcpu->attention, __ATOMIC_ACQUIRE);
	}
	if (attention & VCPU_INTR)
		page->request |= HV_REQUEST_INTR_WINDOW;
	else
		page->request &= (uint8_t)~HV_REQUEST_INTR_WINDOW;
}

/**
 * Announce that the vCPU is about to run.
 * @return false where something came up since `seen` was looked at: look again. Whoever sets a bit of
 * `attention` kicks the vCPU if it sees `in_run`; whoever sets `in_run` looks at `attention` after it.
 */
static inline bool enter_run(struct vcpu *vcpu, uint32_t seen)
{
	__atomic_store_n(&vcpu->in_run, 1, __ATOMIC_SEQ_CST);
	if (__builtin_expect(__atomic_load_n(&vcpu->attention, __ATOMIC_SEQ_CST) == seen, 1))
		return true;
	__atomic_store_n(&vcpu->in_run, 0, __ATOMIC_RELAXED);
	return false;
}

void vcpu_attend(struct vcpu *vcpu, uint32_t what)
{
	__atomic_or_fetch(&vcpu->attention, what, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&vcpu->in_run, __ATOMIC_SEQ_CST))
		hv_vcpu_kick(vcpu->handle);
}

static __attribute__((noinline, cold)) void run_failed(struct vcpu *vcpu, hv_status_t status)
{
	struct vm *vm = vcpu->vm;

	if (status == HV_E_INVALID && debug_refused(vcpu))
		return;
	platform_mutex_lock(&vm->lock);
	vm_stop(vm, VMM_STATUS_HYPERVISOR, "vCPU %u: the hypervisor refuses to run it: error %d",
		vcpu->index, status);
	platform_mutex_unlock(&vm->lock);
}

static void show(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;

	__atomic_and_fetch(&vcpu->attention, ~VCPU_SHOW, __ATOMIC_SEQ_CST);
	platform_mutex_lock(&vm->lock);
	vm_log(vm, "vCPU %u:", vcpu->index);
	vcpu_print(vcpu);
	platform_mutex_unlock(&vm->lock);
}

/**
 * The debugger wants the vCPU, or steps it.
 * @return what of `attention` may be left when the guest is run: it only finishes its last exit, or takes
 * no interrupt.
 */
static uint32_t attend_debug(struct vcpu *vcpu, uint32_t what)
{
	if (what & VCPU_DEBUG) {
		hv_vcpu_kick(vcpu->handle);
		return what & (VCPU_DEBUG | VCPU_INTR);
	}
	vcpu->page->request &= (uint8_t)~HV_REQUEST_INTR_WINDOW;
	return what & VCPU_INTR;
}

/**
 * Something wants this thread's attention before the guest runs.
 * @return what of `attention` may be left when it does.
 */
static __attribute__((noinline)) uint32_t attend(struct vcpu *vcpu, uint32_t what)
{
	if (what & VCPU_ASK) {
		__atomic_and_fetch(&vcpu->attention, ~VCPU_ASK, __ATOMIC_SEQ_CST);
		vcpu_answer(vcpu);
		what &= ~VCPU_ASK;
	}
	if (what & VCPU_SHOW)
		show(vcpu);
	what &= ~VCPU_SHOW;
	if ((what & VCPU_DEBUG) && debug_settled(vcpu->page)) {
		debug_park(vcpu);
		what = __atomic_load_n(&vcpu->attention, __ATOMIC_ACQUIRE);
	}
	if ((what & VCPU_DEBUG) || (vcpu->page->request & HV_REQUEST_STEP))
		return attend_debug(vcpu, what);
	interrupt_offer(vcpu);
	return vcpu->page->request & HV_REQUEST_INTR_WINDOW ? VCPU_INTR : 0;
}

/** One run of the guest and what follows. */
static inline enum vcpu_verdict turn(struct vcpu *vcpu)
{
	uint32_t seen = __atomic_load_n(&vcpu->attention, __ATOMIC_RELAXED);

	if (__builtin_expect((seen | vcpu->page->request) != 0, 0)) {
		if (seen & VCPU_STOP)
			return VCPU_END;
		seen = attend(vcpu, seen);
	}
	if (__builtin_expect(!enter_run(vcpu, seen), 0))
		return VCPU_RUN;
	VMM_CHECK(vcpu->page->action <= HV_ACTION_FAULT);
	hv_status_t status = hv_vcpu_run(vcpu->handle);
	/* All that was in the page has been taken. */
	VMM_CHECK(status != HV_OK || (vcpu->page->dirty == 0 &&
				      vcpu->page->action == HV_ACTION_DONE &&
				      vcpu->page->inject.kind == HV_EVENT_NONE));
	__atomic_store_n(&vcpu->in_run, 0, __ATOMIC_RELEASE);
	if (__builtin_expect(status != HV_OK, 0)) {
		run_failed(vcpu, status);
		return VCPU_RUN; /* and finds that it is to stop */
	}
	return exit_dispatch(vcpu);
}

/** The vCPU runs until the VM stops. @return true where the VM is to be booted anew. */
static bool life(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;

	while (turn(vcpu) != VCPU_END)
		;
	const bool again = __atomic_load_n(&vm->restarting, __ATOMIC_ACQUIRE);
	if (__atomic_sub_fetch(&vm->running, 1, __ATOMIC_ACQ_REL) == 0)
		platform_wake();
	return again;
}

void vcpu_thread(void *arg)
{
	struct vcpu *vcpu = arg;
	struct vm *vm = vcpu->vm;

	if (vcpu->index == 0)
		vm->entered = platform_time();
	for (uint32_t n = 0; life(vcpu); n++) {
		platform_mutex_lock(&vm->gate[n & 1]);
		platform_mutex_unlock(&vm->gate[n & 1]);
	}
}

bool vcpu_need(struct vcpu *vcpu, uint32_t groups)
{
	uint32_t missing = groups & ~vcpu->page->valid;

	if (missing == 0)
		return true;
	hv_status_t status = hv_vcpu_get(vcpu->handle, missing);
	if (status == HV_OK)
		return true;
	run_failed(vcpu, status);
	return false;
}

/* --------------------------------------------------------------------------------------- printing */

static void print_segments(struct vm *vm, const struct hv_x86_regs *regs)
{
	static const char names[HV_SEGS][5] = {"es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr"};

	for (unsigned int i = 0; i < HV_SEGS; i++)
		vm_log(vm, "  %-4s %04x base %016llx limit %08x attributes %05x", names[i],
		       regs->seg[i].selector, (unsigned long long)regs->seg[i].base,
		       regs->seg[i].limit, regs->seg[i].attr);
	vm_log(vm, "  gdtr %016llx %04x  idtr %016llx %04x", (unsigned long long)regs->gdtr.base,
	       regs->gdtr.limit, (unsigned long long)regs->idtr.base, regs->idtr.limit);
}

void vcpu_print(struct vcpu *vcpu)
{
	static const char names[HV_GPRS][4] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp",
					       "rsi", "rdi", "r8",  "r9",  "r10", "r11",
					       "r12", "r13", "r14", "r15"};
	const struct hv_x86_regs *regs = hv_x86_regs(vcpu->page);
	struct vm *vm = vcpu->vm;
	uint32_t groups = HV_X86_REGS_GPR | HV_X86_REGS_SEG | HV_X86_REGS_CR;

	hv_vcpu_get(vcpu->handle, groups & ~vcpu->page->valid);
	vm_log(vm, "  rip %016llx  rflags %016llx  exit %u (%x)", (unsigned long long)regs->rip,
	       (unsigned long long)regs->rflags, vcpu->page->exit.kind,
	       vcpu->page->exit.hw_reason);
	for (unsigned int i = 0; i < HV_GPRS; i += 2)
		vm_log(vm, "  %-3s %016llx  %-3s %016llx", names[i],
		       (unsigned long long)regs->gpr[i], names[i + 1],
		       (unsigned long long)regs->gpr[i + 1]);
	vm_log(vm, "  cr0 %llx cr2 %llx cr3 %llx cr4 %llx efer %llx", (unsigned long long)regs->cr0,
	       (unsigned long long)regs->cr2, (unsigned long long)regs->cr3,
	       (unsigned long long)regs->cr4, (unsigned long long)regs->efer);
	print_segments(vm, regs);
}
