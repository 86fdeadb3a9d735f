/* SPDX-License-Identifier: BSD-2-Clause */
/* hv.h over /dev/kvm: running a vCPU. An exit of KVM's becomes one of hv.h's, an access at a time. */
#define _GNU_SOURCE
#include "vmm/platform/linux/kvm.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "vmm/platform/linux/linux.h"

static void kicked(int signal)
{
	(void)signal;
}

static hv_status_t page_create(struct kvm_vcpu *vcpu)
{
	const int size = ioctl(kvm.system, KVM_GET_VCPU_MMAP_SIZE, NULL);
	void *run = size > 0 ? mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0)
			     : MAP_FAILED;
	void *page = mmap(NULL, HV_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	if (run == MAP_FAILED || page == MAP_FAILED)
		return HV_E_NOMEM;
	vcpu->run = run;
	vcpu->page = page;
	vcpu->page->nmi_ready = 1; /* KVM keeps one that has to wait */
	vcpu->changed = true;
	return HV_OK;
}

hv_status_t kvm_vcpu_open(struct kvm_vcpu *vcpu)
{
	const struct sigaction action = {.sa_handler = kicked};

	if (sigaction(LINUX_KICK, &action, NULL) != 0)
		return linux_status(errno);
	return page_create(vcpu);
}

/* ------------------------------------------------------------------------------------------- exits */

#define VECTOR_BP 3u
#define VECTOR_UD 6u
#define VECTOR_GP 13u

/** What the kind has beside that is the caller's to fill in, whole. */
static inline void exit_kind(struct kvm_vcpu *vcpu, enum hv_exit_kind kind, uint32_t reason)
{
	struct hv_exit *exit = &vcpu->page->exit;

	exit->kind = (uint16_t)kind;
	exit->hw_reason = reason;
}

static void exit_new(struct kvm_vcpu *vcpu, enum hv_exit_kind kind)
{
	memset(&vcpu->page->exit, 0, sizeof(vcpu->page->exit));
	exit_kind(vcpu, kind, vcpu->run->exit_reason);
}

static uint8_t *port_data(struct kvm_vcpu *vcpu)
{
	return (uint8_t *)vcpu->run + vcpu->run->io.data_offset;
}

static bool port_absent(uint16_t port)
{
	return kvm.absent[port / 8] >> (port % 8) & 1;
}

/** The items of a string access from `string_done` on, as many as the page has room for. */
static void string_hand(struct kvm_vcpu *vcpu)
{
	const uint8_t size = vcpu->run->io.size;
	const uint32_t left = vcpu->run->io.count - vcpu->string_done;
	const uint32_t room = (uint32_t)sizeof(vcpu->page->data) / size;
	const uint8_t *data = port_data(vcpu) + (size_t)vcpu->string_done * size;
	struct hv_exit_port *exit = &vcpu->page->exit.port;

	exit_kind(vcpu, HV_EXIT_PORT, KVM_EXIT_IO);
	*exit = (struct hv_exit_port){.port = vcpu->run->io.port,
				      .size = size,
				      .write = vcpu->run->io.direction == KVM_EXIT_IO_OUT,
				      .count = left < room ? left : room,
				      .string = true};
	if (exit->write)
		memcpy(vcpu->page->data, data, (size_t)exit->count * size);
	vcpu->pending = PENDING_STRING;
}

/** One item, as nearly all are; what is behind it in KVM's data area, up to four bytes, means nothing. */
static inline void port_hand(struct kvm_vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;
	struct hv_exit_port *exit = &vcpu->page->exit.port;
	const uint8_t size = run->io.size;

	exit_kind(vcpu, HV_EXIT_PORT, KVM_EXIT_IO);
	exit->port = run->io.port;
	exit->size = size;
	exit->count = 1;
	exit->string = 0;
	exit->write = run->io.direction == KVM_EXIT_IO_OUT;
	if (exit->write) {
		uint32_t value;
		memcpy(&value, port_data(vcpu), sizeof(value));
		exit->value = value & UINT32_MAX >> (32u - 8u * size);
	}
	vcpu->pending = PENDING_PORT;
}

/** @return false where it is settled: nobody is there. */
static bool exit_port(struct kvm_vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;

	if (!port_absent(run->io.port)) {
		if (__builtin_expect(run->io.count != 1, 0)) {
			vcpu->string_done = 0;
			string_hand(vcpu);
		} else {
			port_hand(vcpu);
		}
		return true;
	}
	if (run->io.direction == KVM_EXIT_IO_IN)
		memset(port_data(vcpu), 0xff, (size_t)run->io.size * run->io.count);
	vcpu->stats.settled[HV_EXIT_PORT]++;
	return false;
}

/** @return true where there is more of a string access for the VMM. */
static bool string_take(struct kvm_vcpu *vcpu)
{
	const uint8_t size = vcpu->run->io.size;
	uint8_t *data = port_data(vcpu) + (size_t)vcpu->string_done * size;
	const uint32_t left = vcpu->run->io.count - vcpu->string_done;
	const uint32_t room = (uint32_t)sizeof(vcpu->page->data) / size;
	const uint32_t count = left < room ? left : room;

	if (vcpu->run->io.direction == KVM_EXIT_IO_IN)
		memcpy(data, vcpu->page->data, (size_t)count * size);
	vcpu->string_done += count;
	if (vcpu->string_done == vcpu->run->io.count)
		return false;
	string_hand(vcpu);
	return true;
}

/** A decoded access has no use for what the exit says about the instruction. */
static bool exit_memory(struct kvm_vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;
	struct hv_exit_memory *exit = &vcpu->page->exit.memory;

	exit_kind(vcpu, HV_EXIT_MEMORY, KVM_EXIT_MMIO);
	exit->address = run->mmio.phys_addr;
	exit->size = (uint8_t)(run->mmio.len <= 8 ? run->mmio.len : 8);
	exit->access = run->mmio.is_write ? HV_PROT_WRITE : HV_PROT_READ;
	exit->decoded = 1;
	/* All eight bytes: those behind the size mean nothing. */
	memcpy(&exit->value, run->mmio.data, sizeof(exit->value));
	vcpu->pending = PENDING_MEMORY;
	return true;
}

static bool exit_sysreg(struct kvm_vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;
	struct hv_exit_sysreg *exit = &vcpu->page->exit.sysreg;

	exit_new(vcpu, HV_EXIT_SYSREG);
	exit->index = run->msr.index;
	exit->write = run->exit_reason == KVM_EXIT_X86_WRMSR;
	exit->value = exit->write ? run->msr.data : 0;
	vcpu->pending = PENDING_SYSREG;
	return true;
}

static bool exit_eoi(struct kvm_vcpu *vcpu)
{
	exit_new(vcpu, HV_EXIT_EOI);
	vcpu->page->exit.eoi_vector = vcpu->run->eoi.vector;
	return true;
}

static bool exit_window(struct kvm_vcpu *vcpu)
{
	exit_new(vcpu, HV_EXIT_INTR_WINDOW);
	return true;
}

static bool exit_shutdown(struct kvm_vcpu *vcpu)
{
	exit_new(vcpu, HV_EXIT_SHUTDOWN);
	return true;
}

static bool exit_invalid(struct kvm_vcpu *vcpu)
{
	exit_new(vcpu, HV_EXIT_INVALID);
	vcpu->page->exit.hw_reason = (uint32_t)vcpu->run->fail_entry.hardware_entry_failure_reason;
	return true;
}

/* A guest that had its invalid opcodes would have done something else by then. */
#define REFUSALS_MAX 1000u

/** @return whether KVM didn't emulate an instruction, but gets on. */
static bool is_refusal(struct kvm_vcpu *vcpu)
{
	if (vcpu->run->exit_reason != KVM_EXIT_INTERNAL_ERROR ||
	    vcpu->run->internal.suberror != KVM_INTERNAL_ERROR_EMULATION)
		return false;
	vcpu->refusals = vcpu->stats.entries == vcpu->refused_at + 1 ? vcpu->refusals + 1 : 1;
	vcpu->refused_at = vcpu->stats.entries;
	return vcpu->refusals < REFUSALS_MAX;
}

/**
 * KVM cannot go on. Where it is for an instruction that KVM doesn't emulate, an invalid opcode is on its way to the
 * guest already, as on HyPike: run again. (Not all KVMs have sent it.)
 */
static bool exit_error(struct kvm_vcpu *vcpu)
{
	if (is_refusal(vcpu))
		return false;
	exit_new(vcpu, HV_EXIT_ERROR);
	vcpu->page->exit.error = HV_E_UNSUPPORTED;
	if (vcpu->run->exit_reason == KVM_EXIT_INTERNAL_ERROR)
		vcpu->page->exit.hw_reason = vcpu->run->internal.suberror;
	return true;
}

/** An exit that a debugger asked for. */
static bool exit_debug(struct kvm_vcpu *vcpu)
{
	exit_new(vcpu, HV_EXIT_EXCEPTION);
	vcpu->page->exit.exception.vector = (uint8_t)vcpu->run->debug.arch.exception;
	vcpu->page->exit.exception.address = vcpu->run->debug.arch.dr6;
	if (vcpu->page->exit.exception.vector == VECTOR_BP) {
		vcpu->pending = PENDING_BREAKPOINT;
		__atomic_store_n(&vcpu->changed, true, __ATOMIC_RELAXED);
	}
	return true;
}

static bool (*const exits[])(struct kvm_vcpu *vcpu) = {
	[KVM_EXIT_IO] = exit_port,
	[KVM_EXIT_MMIO] = exit_memory,
	[KVM_EXIT_X86_RDMSR] = exit_sysreg,
	[KVM_EXIT_X86_WRMSR] = exit_sysreg,
	[KVM_EXIT_IOAPIC_EOI] = exit_eoi,
	[KVM_EXIT_IRQ_WINDOW_OPEN] = exit_window,
	[KVM_EXIT_SHUTDOWN] = exit_shutdown,
	[KVM_EXIT_FAIL_ENTRY] = exit_invalid,
	[KVM_EXIT_DEBUG] = exit_debug,
};

/** @return false where the exit is settled here. */
static inline bool exit_hand(struct kvm_vcpu *vcpu)
{
	const uint32_t reason = vcpu->run->exit_reason;

	if (reason == KVM_EXIT_IO)
		return exit_port(vcpu);
	if (reason < sizeof(exits) / sizeof(exits[0]) && exits[reason])
		return exits[reason](vcpu);
	return exit_error(vcpu);
}

/* ------------------------------------------------------------------------------------- before a run */

/**
 * Give KVM the results of the access that it has handed over; where it was a write, it doesn't look at them.
 * @return true: there is more of it.
 */
static inline bool results_take(struct kvm_vcpu *vcpu)
{
	const struct hv_exit *exit = &vcpu->page->exit;

	if (vcpu->pending == PENDING_PORT)
		memcpy(port_data(vcpu), &exit->port.value, sizeof(exit->port.value));
	else if (vcpu->pending == PENDING_MEMORY)
		memcpy(vcpu->run->mmio.data, &exit->memory.value, sizeof(exit->memory.value));
	else if (vcpu->pending == PENDING_STRING && string_take(vcpu))
		return true;
	else if (vcpu->pending == PENDING_SYSREG)
		vcpu->run->msr.data = exit->sysreg.value;
	vcpu->pending = PENDING_NOTHING;
	return false;
}

/** A kick that comes meanwhile is one for the next run. */
hv_status_t kvm_flush(struct kvm_vcpu *vcpu)
{
	__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	const int result = ioctl(vcpu->fd, KVM_RUN, NULL);
	__atomic_store_n(&vcpu->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&vcpu->kicked, __ATOMIC_SEQ_CST))
		__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	return result < 0 && errno == EINTR ? HV_OK : HV_E_STATE;
}

/**
 * The guest is to stay where it is: KVM cannot be told, so let it complete the access, and put the registers
 * back. (A write has been gone over already where KVM had to decode it.)
 */
static hv_status_t retry(struct kvm_vcpu *vcpu)
{
	struct kvm_regs regs;

	vcpu->pending = PENDING_NOTHING;
	hv_status_t status = kvm_call(vcpu->fd, KVM_GET_REGS, &regs);
	if (status == HV_OK)
		status = kvm_flush(vcpu);
	return status == HV_OK ? kvm_call(vcpu->fd, KVM_SET_REGS, &regs) : status;
}

/** The fault of an access that the VMM refuses. KVM injects that of an MSR by itself. */
static hv_status_t refuse(struct kvm_vcpu *vcpu)
{
	const bool decoded = vcpu->pending == PENDING_PORT || vcpu->pending == PENDING_STRING ||
			     vcpu->pending == PENDING_MEMORY;

	if (vcpu->pending == PENDING_SYSREG) {
		vcpu->run->msr.error = 1;
		return HV_OK;
	}
	vcpu->page->inject = (struct hv_event){.kind = HV_EVENT_EXCEPTION,
					       .vector = decoded ? VECTOR_GP : VECTOR_UD,
					       .has_code = decoded};
	return decoded ? retry(vcpu) : HV_OK;
}

static hv_status_t exception_inject(struct kvm_vcpu *vcpu, const struct hv_event *event)
{
	struct kvm_vcpu_events events;
	hv_status_t status = kvm_call(vcpu->fd, KVM_GET_VCPU_EVENTS, &events);

	if (status != HV_OK)
		return status;
	if (event->vector == 14) {
		struct kvm_sregs sregs;
		status = kvm_call(vcpu->fd, KVM_GET_SREGS, &sregs);
		sregs.cr2 = event->address;
		if (status == HV_OK)
			status = kvm_call(vcpu->fd, KVM_SET_SREGS, &sregs);
	}
	events.exception.injected = 1;
	events.exception.nr = event->vector;
	events.exception.has_error_code = event->has_code;
	events.exception.error_code = event->code;
	return status == HV_OK ? kvm_call(vcpu->fd, KVM_SET_VCPU_EVENTS, &events) : status;
}

static hv_status_t inject(struct kvm_vcpu *vcpu)
{
	const struct hv_event event = vcpu->page->inject;
	struct kvm_interrupt interrupt = {.irq = event.vector};

	vcpu->page->inject.kind = HV_EVENT_NONE;
	vcpu->stats.injected++;
	switch (event.kind) {
	case HV_EVENT_INTERRUPT:
		return kvm_call(vcpu->fd, KVM_INTERRUPT, &interrupt);
	case HV_EVENT_NMI:
		return kvm_call(vcpu->fd, KVM_NMI, NULL);
	case HV_EVENT_EXCEPTION:
		return event.vector < 32 ? exception_inject(vcpu, &event) : HV_E_INVALID;
	default:
		return HV_E_INVALID;
	}
}

/** An INT3: the guest's own, if the VMM doesn't keep it. */
static void breakpoint_take(struct kvm_vcpu *vcpu, uint8_t action)
{
	vcpu->pending = PENDING_NOTHING;
	if (action == HV_ACTION_DONE)
		vcpu->page->inject = (struct hv_event){.kind = HV_EVENT_EXCEPTION, .vector = VECTOR_BP};
}

/** What few runs need. */
static __attribute__((noinline)) hv_status_t prepare_more(struct kvm_vcpu *vcpu, uint8_t action)
{
	struct hv_vcpu_page *page = vcpu->page;
	const bool changed = __atomic_exchange_n(&vcpu->changed, false, __ATOMIC_ACQ_REL);
	hv_status_t status = HV_OK;

	if (!vcpu->identified)
		status = kvm_cpuid_load(vcpu);
	if (vcpu->pending == PENDING_BREAKPOINT)
		breakpoint_take(vcpu, action);
	if (status == HV_OK && action == HV_ACTION_RETRY && vcpu->pending != PENDING_NOTHING)
		status = retry(vcpu);
	if (status == HV_OK && action == HV_ACTION_FAULT)
		status = refuse(vcpu);
	if (status == HV_OK && page->dirty != 0)
		status = kvm_regs_load(vcpu, page->dirty);
	if (status == HV_OK && page->inject.kind != HV_EVENT_NONE)
		status = inject(vcpu);
	if (status == HV_OK)
		status = kvm_debug_load(vcpu, changed);
	page->action = HV_ACTION_DONE;
	page->dirty = 0;
	return status;
}

static inline bool is_simple(const struct kvm_vcpu *vcpu)
{
	const struct hv_vcpu_page *page = vcpu->page;

	return ((uint32_t)(page->request & HV_REQUEST_STEP) | page->action | page->dirty |
		page->inject.kind | __atomic_load_n(&vcpu->changed, __ATOMIC_RELAXED)) == 0;
}

/* --------------------------------------------------------------------------------------------- run */

/** It was kicked, perhaps by kvm_watch(). */
static void exit_kicked(struct kvm_vcpu *vcpu)
{
	const struct hv_x86_regs *regs = hv_x86_regs(vcpu->page);
	const uint64_t interrupts = UINT64_C(1) << 9; /* RFLAGS.IF */

	__atomic_store_n(&vcpu->kicked, false, __ATOMIC_SEQ_CST);
	__atomic_store_n(&vcpu->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
	exit_new(vcpu, HV_EXIT_KICKED);
	if (!__atomic_exchange_n(&vcpu->asked, false, __ATOMIC_ACQ_REL))
		return;
	if (kvm_regs_get(vcpu, HV_X86_REGS_GPR | HV_X86_REGS_EVENT) == HV_OK &&
	    regs->activity == HV_ACTIVITY_HALT && !(regs->rflags & interrupts)) {
		vcpu->page->exit.kind = HV_EXIT_HALT;
		vcpu->page->halted = 1;
	}
}

/** One entry of the guest. @return true where the exit is the VMM's */
static inline bool enter(struct kvm_vcpu *vcpu, hv_status_t *status)
{
	__atomic_store_n(&vcpu->stats.entries, vcpu->stats.entries + 1, __ATOMIC_RELAXED);
	if (__builtin_expect(ioctl(vcpu->fd, KVM_RUN, NULL) < 0, 0)) {
		if (errno == EAGAIN) /* it was started */
			return false;
		if (errno == EINTR) {
			exit_kicked(vcpu);
			return true;
		}
		*status = linux_status(errno);
		/* With an exit that says what was wrong, or not. */
		if (vcpu->run->exit_reason != KVM_EXIT_INTERNAL_ERROR)
			return true;
		*status = HV_OK;
	}
	return exit_hand(vcpu);
}

/* Not inline: the compiler would find the vCPU by its number again and again. */
static __attribute__((noinline)) hv_status_t vcpu_run(struct kvm_vcpu *vcpu)
{
	struct hv_vcpu_page *const page = vcpu->page;
	hv_status_t status = HV_OK;

	if (__builtin_expect(!vcpu->started, 0)) {
		vcpu->thread = pthread_self();
		__atomic_store_n(&vcpu->started, 1, __ATOMIC_RELEASE);
	}
	if (__builtin_expect(!is_simple(vcpu), 0))
		status = prepare_more(vcpu, page->action);
	const bool more = status == HV_OK && results_take(vcpu);
	page->valid = 0;
	page->halted = 0;
	vcpu->run->request_interrupt_window = page->request & HV_REQUEST_INTR_WINDOW;
	if (!more)
		while (status == HV_OK && !enter(vcpu, &status))
			;
	page->intr_ready = vcpu->run->ready_for_interrupt_injection;
	vcpu->stats.handed[page->exit.kind]++;
	return status;
}

hv_status_t hv_vcpu_run(hv_vcpu_t handle)
{
	return vcpu_run(&kvm.vcpu[handle]);
}

hv_status_t hv_vcpu_kick(hv_vcpu_t handle)
{
	struct kvm_vcpu *vcpu = kvm_vcpu(handle);

	if (!vcpu)
		return HV_E_INVALID;
	__atomic_store_n(&vcpu->kicked, true, __ATOMIC_SEQ_CST);
	__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&vcpu->started, __ATOMIC_ACQUIRE))
		pthread_kill(vcpu->thread, LINUX_KICK);
	return HV_OK;
}

hv_status_t hv_vcpu_get(hv_vcpu_t handle, uint32_t groups)
{
	struct kvm_vcpu *vcpu = kvm_vcpu(handle);

	return vcpu && (groups & ~HV_X86_REGS_ALL) == 0 ? kvm_regs_get(vcpu, groups) : HV_E_INVALID;
}

hv_status_t hv_translate(hv_vcpu_t handle, gva_t from, uint32_t access, gpa_t *to, uint32_t *fault)
{
	struct kvm_vcpu *vcpu = kvm_vcpu(handle);
	struct kvm_translation translation = {.linear_address = from.raw};

	(void)access;
	if (!vcpu)
		return HV_E_INVALID;
	const hv_status_t status = kvm_call(vcpu->fd, KVM_TRANSLATE, &translation);
	to->raw = translation.physical_address;
	if (status == HV_OK && !translation.valid && fault)
		*fault = 0;
	return status == HV_OK && !translation.valid ? HV_E_FAULT : status;
}

hv_status_t hv_vcpu_stats(hv_vcpu_t handle, struct hv_stats *stats)
{
	const struct kvm_vcpu *vcpu = kvm_vcpu(handle);

	if (!vcpu)
		return HV_E_INVALID;
	*stats = vcpu->stats;
	return HV_OK;
}

/* ------------------------------------------------------------------------------------------- watch */

/*
 * @req VMM-601 A VM whose vCPUs have all halted for ever ends on KVM, too.
 */

/** After a quarter of a second without an exit, and the longer it goes on the more rarely. */
#define WATCH_NS UINT64_C(250000000)

static void ask(struct kvm_vcpu *vcpu)
{
	__atomic_store_n(&vcpu->asked, true, __ATOMIC_RELEASE);
	hv_vcpu_kick(vcpu->index);
}

uint64_t kvm_watch(uint64_t now)
{
	static struct {
		uint64_t entries;
		uint64_t since; /**< so many were seen then */
		uint64_t patience;
	} seen[HV_MAX_VCPUS];
	uint64_t next = now + WATCH_NS;

	for (uint32_t i = 0; i < kvm.vcpus; i++) {
		const uint64_t entries = __atomic_load_n(&kvm.vcpu[i].stats.entries, __ATOMIC_RELAXED);
		if (entries - seen[i].entries > 1 || seen[i].patience == 0)
			seen[i].patience = WATCH_NS;
		if (entries != seen[i].entries)
			seen[i].since = now;
		seen[i].entries = entries;
		if (now - seen[i].since < seen[i].patience)
			continue;
		seen[i].since = now;
		if (seen[i].patience < 16 * WATCH_NS)
			seen[i].patience *= 2;
		ask(&kvm.vcpu[i]);
	}
	return next;
}
