/* SPDX-License-Identifier: BSD-2-Clause */
/* Making a VM, serving its events, ending it. */
#include "vmm/vm.h"

#include <stdarg.h>

#include "lib/printf.h"
#include "lib/string.h"
#include "vmm/boot/boot.h"
#include "vmm/check.h"
#include "vmm/escape.h"
#include "vmm/machine/machine.h"
#include "vmm/options.h"
#include "vmm/pv.h"
#include "vmm/status.h"

/* -------------------------------------------------------------------------------- messages and end */

static void vlog(struct vm *vm, const char *format, va_list ap)
	__attribute__((format(printf, 2, 0)));

static void vlog(struct vm *vm, const char *format, va_list ap)
{
	const struct text_sink console = {console_putc, &vm->console};
	const struct text_sink *to = vm->log.put ? &vm->log : &console;

	if (to == &console && vm->console.length > 0 &&
	    vm->console.line[vm->console.length - 1] != '\n')
		console_put(&vm->console, '\n');
	lib_fprintf(to->put, to->ctx, "vmm: ");
	lib_vprintf(to->put, to->ctx, format, ap);
	to->put(to->ctx, '\n');
}

void vm_log(struct vm *vm, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vlog(vm, format, ap);
	va_end(ap);
}

void vm_stop(struct vm *vm, int status, const char *format, ...)
{
	va_list ap;

	VMM_CHECK(vm->lock.state != 0);
	if (vm->stopped)
		return;
	vm->stopped = 1;
	vm->status = status;
	__atomic_store_n(&vm->restarting,
			 status == VMM_STATUS_RESET &&
				 vm->restarts < vm->options->reboots + vm->resets,
			 __ATOMIC_RELEASE);
	if (format) {
		va_start(ap, format);
		vlog(vm, format, ap);
		va_end(ap);
	}
	for (uint32_t i = 0; i < vm->vcpu_count; i++)
		vcpu_attend(&vm->vcpu[i], VCPU_STOP);
	debug_release(vm);
}

/* -------------------------------------------------------------------------------------- interrupts */

void vm_intr(void *ctx, unsigned int pin, bool level)
{
	struct vcpu *first = &((struct vm *)ctx)->vcpu[0];

	(void)pin;
	if (level)
		vcpu_attend(first, VCPU_INTR);
	else
		__atomic_and_fetch(&first->attention, ~VCPU_INTR, __ATOMIC_SEQ_CST);
}

/* ------------------------------------------------------------------------------------------ making */

hv_status_t vm_map(struct vm *vm, uint64_t where, uint8_t *host, uint64_t size, uint32_t prot)
{
	if (vm->pieces == VM_MEMORY_PIECES)
		return HV_E_FULL;
	vm->memory[vm->pieces++] = (struct vm_memory){where, size, host, prot};
	return hv_map(vm->handle, gpa(where), host, size, prot);
}

hv_status_t vm_protect(struct vm *vm, uint64_t where, uint32_t prot)
{
	for (uint32_t i = 0; i < vm->pieces; i++) {
		struct vm_memory *piece = &vm->memory[i];
		if (piece->where != where)
			continue;
		piece->prot = prot;
		return hv_protect(vm->handle, gpa(where), piece->size, prot);
	}
	return HV_E_INVALID;
}

/** Where a piece ends another may go on, in the host's view as in the guest's. */
static bool ram_goes_on(const struct vm *vm, const struct vm_memory *piece, uint64_t size,
			uint32_t prot)
{
	const uint64_t end = piece->where + piece->size;
	const uint8_t *host = piece->host + piece->size;

	for (uint32_t i = 0; i < vm->pieces; i++) {
		const struct vm_memory *next = &vm->memory[i];
		if (next->where == end && next->host == host)
			return (next->prot & prot) == prot &&
			       (size <= next->size ||
				ram_goes_on(vm, next, size - next->size, prot));
	}
	return false;
}

void *vm_ram(const struct vm *vm, uint64_t address, uint64_t size, uint32_t prot)
{
	for (uint32_t i = 0; i < vm->pieces; i++) {
		const struct vm_memory *piece = &vm->memory[i];
		const uint64_t offset = address - piece->where;
		if (address < piece->where || offset >= piece->size)
			continue;
		if ((piece->prot & prot) != prot ||
		    (size > piece->size - offset &&
		     !ram_goes_on(vm, piece, size - (piece->size - offset), prot)))
			return NULL;
		return piece->host + offset;
	}
	return NULL;
}

hv_status_t vm_set_handler(struct vm *vm, enum hv_exit_kind kind,
			   enum vcpu_verdict (*handle)(void *ctx, struct vcpu *vcpu,
						       struct hv_vcpu_page *page),
			   void *ctx)
{
	if ((uint32_t)kind >= HV_EXIT_KINDS)
		return HV_E_INVALID;
	vm->custom[kind] = (struct vm_custom){handle, ctx};
	return HV_OK;
}

bool vm_signal(struct vm *vm, const struct command *ring, uint8_t *signal)
{
	if (vm->doorbells == PLATFORM_SIGNALS)
		return false;
	*signal = (uint8_t)vm->doorbells;
	vm->doorbell[vm->doorbells++] = *ring;
	return true;
}

hv_status_t vm_doorbell(struct vm *vm, const struct hv_doorbell *bell, const struct command *ring)
{
	struct hv_doorbell numbered = *bell;

	if (!vm_signal(vm, ring, &numbered.signal))
		return HV_E_FULL;
	hv_status_t status = hv_doorbell_add(vm->handle, &numbered);
	if (status != HV_OK)
		vm->doorbells--;
	return status;
}

static int memory_create(struct vm *vm, uint64_t size)
{
	if (size < UINT64_C(1) << 20 || size % HV_PAGE_SIZE != 0) {
		vm_log(vm, "--memory: at least 1M and whole pages");
		return VMM_STATUS_OPTIONS;
	}
	vm->ram = platform_guest_memory(size);
	vm->ram_size = size;
	if (!vm->ram) {
		vm_log(vm, "too little memory: the VM is to have %llu KiB, there are %llu KiB",
		       (unsigned long long)size >> 10,
		       (unsigned long long)platform_guest_memory_limit() >> 10);
		return VMM_STATUS_MEMORY;
	}
	return 0;
}

static int vcpus_create(struct vm *vm, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct vcpu *vcpu = &vm->vcpu[i];
		vcpu->vm = vm;
		vcpu->index = i;
		hv_status_t status = hv_vcpu_create(vm->handle, i, &vcpu->handle, &vcpu->page);
		if (status != HV_OK) {
			vm_log(vm, "cannot create vCPU %u: error %d", i, status);
			return VMM_STATUS_HYPERVISOR;
		}
		vm->vcpu_count++;
	}
	return 0;
}

static int hypervisor_create(struct vm *vm, const struct options *options)
{
	const struct hv_vm_params params = {.vcpus = options->vcpus};
	struct hv_caps caps;
	hv_status_t status = hv_query(&caps);

	if (status == HV_OK && caps.version != HV_VERSION) {
		vm_log(vm, "the hypervisor speaks version %u of the contract, this VMM %u",
		       caps.version, HV_VERSION);
		return VMM_STATUS_HYPERVISOR;
	}
	if (status == HV_OK && options->vcpus > caps.max_vcpus) {
		vm_log(vm, "--vcpus: at most %u", caps.max_vcpus);
		return VMM_STATUS_OPTIONS;
	}
	if (status == HV_OK)
		status = hv_vm_create(&params, &vm->handle);
	if (status != HV_OK) {
		vm_log(vm, "cannot create a VM: error %d", status);
		return VMM_STATUS_HYPERVISOR;
	}
	return vcpus_create(vm, options->vcpus);
}

/** A nearer deadline than the one that the event thread sleeps for. */
static void deadline_sooner(void *ctx)
{
	struct vm *vm = ctx;

	if (vm->asleep)
		platform_wake();
}

/** @req VMM-083 A command key of the console ends the VM, presses its power button, or says what there is. */
int vm_create(struct vm *vm, const struct options *options)
{
	memset(vm, 0, sizeof(*vm));
	vm->options = options;
	vm->started = platform_time();
	pv_create();
	bus_init(&vm->bus);
	vm->timers.sooner = deadline_sooner;
	vm->timers.ctx = vm;
	console_init(&vm->console, &vm->timers);
	vm->console.escape = (struct command){escape_key, vm};
	vm->machine = machine_find(options->machine);
	if (!vm->machine) {
		vm_log(vm, "--machine %s: unknown", options->machine);
		return VMM_STATUS_OPTIONS;
	}
	int failed = memory_create(vm, options->memory);
	if (!failed)
		failed = hypervisor_create(vm, options);
	if (failed)
		return failed;
	hv_status_t status = vm->machine->init(vm);
	if (status == HV_OK)
		status = vm->machine->reset(vm);
	if (status != HV_OK) {
		vm_log(vm, "cannot set up machine %s: error %d", options->machine, status);
		return VMM_STATUS_HYPERVISOR;
	}
	return 0;
}

/* ------------------------------------------------------------------------------------------ events */

/** Hand over keys as far as the machine takes them; the rest stays with the platform. */
static void keys_take(struct vm *vm)
{
	while (vm->keys_waiting) {
		uint8_t keys[64];
		size_t room = vm->machine->room(vm);
		if (room == 0)
			return;
		size_t n = platform_console_read(keys, room < sizeof(keys) ? room : sizeof(keys));
		vm->keys_waiting = n > 0;
		for (size_t i = 0; i < n; i++)
			console_key(&vm->console, keys[i]);
	}
}

static void doorbells_serve(struct vm *vm, uint64_t events)
{
	uint64_t rung = events & ((UINT64_C(1) << vm->doorbells) - 1);

	for (; rung != 0; rung &= rung - 1)
		command_give(&vm->doorbell[__builtin_ctzll(rung)], 0);
}

/** What is due. @return when to be woken again. */
static uint64_t events_serve(struct vm *vm, uint64_t events)
{
	platform_mutex_lock(&vm->lock);
	VMM_CHECK(vm->lock.state != 0);
	vm->asleep = 0;
	if (events & PLATFORM_EVENT_CONSOLE)
		vm->keys_waiting = 1;
	doorbells_serve(vm, events);
	debug_serve(vm, events & PLATFORM_EVENT_DEBUG);
	timer_run(&vm->timers, platform_time());
	keys_take(vm);
	vm->asleep = 1;
	uint64_t next = timer_next(&vm->timers);
	platform_mutex_unlock(&vm->lock);
	return next;
}

/** Ten years at the most, so that no sum wraps. */
static uint64_t timeout_ns(uint64_t ms)
{
	const uint64_t most = UINT64_C(315360000000);

	return (ms < most ? ms : most) * 1000000;
}

static void timeout_fire(struct timer *timer)
{
	struct vm *vm = (struct vm *)(void *)((char *)timer - offsetof(struct vm, timeout));

	if (debug_attached(vm)) {
		timer_arm(timer, platform_time() + timeout_ns(vm->options->timeout_ms));
		return;
	}
	vm_stop(vm, VMM_STATUS_TIMEOUT, "stopped after %llu ms (--timeout-ms)",
		(unsigned long long)vm->options->timeout_ms);
}

static bool threads_start(struct vm *vm)
{
	__atomic_store_n(&vm->running, vm->vcpu_count, __ATOMIC_RELEASE);
	for (uint32_t i = 0; i < vm->vcpu_count; i++) {
		hv_status_t status = platform_vcpu_thread(i, vcpu_thread, &vm->vcpu[i]);
		if (status == HV_OK)
			continue;
		platform_mutex_lock(&vm->lock);
		vm_stop(vm, VMM_STATUS_HYPERVISOR, "cannot start the thread of vCPU %u: error %d",
			i, status);
		platform_mutex_unlock(&vm->lock);
		__atomic_sub_fetch(&vm->running, vm->vcpu_count - i, __ATOMIC_ACQ_REL);
		return false;
	}
	return true;
}

/** All vCPUs have stopped: everything as after vm_create(), and the guest booted. Lock held. */
static int boot_again(struct vm *vm)
{
	hv_status_t status = HV_OK;

	for (uint32_t i = 0; i < vm->vcpu_count && status == HV_OK; i++) {
		struct vcpu *vcpu = &vm->vcpu[i];
		vcpu->attention = 0;
		vcpu->dead = 0;
		vcpu->page->request = 0;
		vcpu->page->dirty = 0;
		vcpu->page->inject.kind = HV_EVENT_NONE;
		vcpu->page->action = HV_ACTION_RETRY; /* what it was about is gone */
		status = hv_vcpu_reset(vcpu->handle);
	}
	if (status == HV_OK)
		status = vm->machine->reset(vm);
	if (status != HV_OK) {
		vm_log(vm, "cannot reset the machine: error %d", status);
		return VMM_STATUS_HYPERVISOR;
	}
	return boot_guest(vm, vm->options);
}

/**
 * @req VMM-008 With --reboots, a guest that resets the machine is booted anew in the same VM, so many times.
 */
static void restart(struct vm *vm)
{
	struct platform_mutex *closed = &vm->gate[vm->restarts & 1];

	vm->restarts++;
	platform_mutex_lock(&vm->gate[vm->restarts & 1]);
	platform_mutex_lock(&vm->lock);
	vm->stopped = 0;
	vm->status = 0;
	__atomic_store_n(&vm->restarting, 0, __ATOMIC_RELEASE);
	const int failed = boot_again(vm);
	debug_restarted(vm);
	__atomic_store_n(&vm->running, vm->vcpu_count, __ATOMIC_RELEASE);
	if (failed)
		vm_stop(vm, failed, NULL);
	platform_mutex_unlock(&vm->lock);
	platform_mutex_unlock(closed);
}

/**
 * @req VMM-005 The event thread sleeps until a timer is due, a key was typed or a doorbell was rung.
 * @req VMM-006 A VM that runs for longer than --timeout-ms is stopped, with a message.
 */
int vm_run(struct vm *vm)
{
	uint64_t next;
	hv_status_t status = platform_events_bind(vm->handle);

	if (status != HV_OK) {
		vm_log(vm, "cannot wait for events: error %d", status);
		return VMM_STATUS_HYPERVISOR;
	}
	timer_init(&vm->timeout, &vm->timers, timeout_fire);
	if (vm->options->timeout_ms)
		timer_arm(&vm->timeout, platform_time() + timeout_ns(vm->options->timeout_ms));
	platform_mutex_lock(&vm->gate[0]);
	platform_mutex_lock(&vm->lock);
	debug_start(vm);
	platform_mutex_unlock(&vm->lock);
	threads_start(vm);
	next = events_serve(vm, PLATFORM_EVENT_CONSOLE | PLATFORM_EVENT_DEBUG);
	for (;;) {
		while (__atomic_load_n(&vm->running, __ATOMIC_ACQUIRE) > 0)
			next = events_serve(vm, platform_wait(next));
		if (!vm->restarting)
			break;
		restart(vm);
	}
	platform_mutex_lock(&vm->lock);
	debug_ended(vm);
	platform_mutex_unlock(&vm->lock);
	return vm->status;
}
