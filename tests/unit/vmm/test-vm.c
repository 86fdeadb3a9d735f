/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The run loop, exits, interrupts, events and boot of a whole VM, over a hypervisor whose guest is a
 * C function.
 *
 * @verifies VMM-119 VMM-002 VMM-003 VMM-004 VMM-005 VMM-006 VMM-007 VMM-062 VMM-081
 * @verifies BOOT-001 BOOT-002 BOOT-003
 */
#include "tests/unit/vmm/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/x86/regs.h"
#include "tests/unit/vmm/kernel.h"
#include "vmm/boot/boot.h"
#include "vmm/main.h"
#include "vmm/options.h"
#include "vmm/status.h"
#include "vmm/vm.h"

static struct vm vm;
static struct options options;
static struct kernel32 kernel;

static int setup(void **state)
{
	(void)state;
	mock_reset();
	kernel32_make(&kernel);
	mock_file("kernel", &kernel, sizeof(kernel));
	return 0;
}

static int create(const char *args)
{
	assert_null(options_parse(args, &options));
	return vm_create(&vm, &options);
}

/** Run vCPU 0 in this thread until the VM ends. @return its status. */
static int run_here(mock_guest_t guest)
{
	mock_guest = guest;
	vm.running = 1;
	vcpu_thread(&vm.vcpu[0]);
	assert_true(vm.stopped);
	console_flush(&vm.console);
	return vm.status;
}

static void said(const char *text)
{
	if (!strstr(mock_console, text))
		fail_msg("\"%s\" isn't in \"%s\"", text, mock_console);
}

/* ----------------------------------------------------------------------- exits that a guest makes */

static hv_status_t out(struct hv_vcpu_page *page, uint16_t port, unsigned int size, uint32_t value)
{
	page->exit = (struct hv_exit){.kind = HV_EXIT_PORT,
				      .port = {.port = port,
					       .size = (uint8_t)size,
					       .write = 1,
					       .count = 1,
					       .value = value}};
	return HV_OK;
}

static hv_status_t in(struct hv_vcpu_page *page, uint16_t port, unsigned int size)
{
	page->exit = (struct hv_exit){
		.kind = HV_EXIT_PORT,
		.port = {.port = port, .size = (uint8_t)size, .count = 1, .value = 0x5a5a5a5a}};
	return HV_OK;
}

static hv_status_t leave(struct hv_vcpu_page *page, unsigned int status)
{
	return out(page, 0xf4, 1, status);
}

static hv_status_t give_kind(struct hv_vcpu_page *page, unsigned int kind)
{
	memset(&page->exit, 0, sizeof(page->exit));
	page->exit.kind = (uint16_t)kind;
	return HV_OK;
}

/* ------------------------------------------------------------------------------------------- ports */

static hv_status_t guest_hello(uint32_t vcpu, unsigned int step, struct hv_vcpu_page *page)
{
	static const char text[] = "Hello\n";

	(void)vcpu;
	if (step < 6)
		return out(page, 0x3f8, 1, (uint8_t)text[step]);
	return leave(page, 42);
}

static void a_guest_prints_and_ends(void **state)
{
	(void)state;
	assert_int_equal(create(""), 0);
	bus_port_write(&vm.bus, 0x3fb, 1, 3);
	assert_int_equal(run_here(guest_hello), 42);
	assert_string_equal(mock_console, "Hello\n");
}

static hv_status_t guest_statuses(uint32_t vcpu, unsigned int step, struct hv_vcpu_page *page)
{
	(void)vcpu;
	(void)step;
	return out(page, 0xf4, 4, 200);
}

static void large_statuses_are_limited(void **state)
{
	(void)state;
	assert_int_equal(create(""), 0);
	assert_int_equal(run_here(guest_statuses), VMM_STATUS_GUEST_MAX);
	said("vmm: ended by the guest with value 200\n");
}

/** Its device says what it takes; what is no panic doesn't end it. */
static hv_status_t guest_panics(uint32_t vcpu, unsigned int step, struct hv_vcpu_page *page)
{
	(void)vcpu;
	switch (step) {
	case 0:
		return in(page, 0x505, 1);
	case 1:
		assert_int_equal(page->exit.port.value, 3);
		return out(page, 0x505, 1, 0xfc);
	case 2:
		return out(page, 0x505, 1, 2);
	case 3:
		return out(page, 0x505, 1, 1);
	default:
		return leave(page, 0);
	}
}

static void a_panic_ends_the_vm(void **state)
{
	(void)state;
	assert_int_equal(create(""), 0);
	assert_int_equal(run_here(guest_panics), VMM_STATUS_PANIC);
	said("vmm: the guest has panicked; its crash kernel goes on\nvmm: the guest has panicked\n");
}

static hv_status_t guest_panics_in_vain(uint32_t vcpu, unsigned int step, struct hv_vcpu_page *page)
{
	(void)vcpu;
	if (step == 0)
		return in(page, 0x505, 1);
	if (step > 1)
		return leave(page, 5);
	assert_int_equal(page->exit.port.value, 0xff);
	return out(page, 0x505, 1, 1);
}

static void a_machine_without_pvpanic(void **state)
{
	(void)state;
	assert_int_equal(create("--no-pvpanic"), 0);
	assert_int_equal(run_here(guest_panics_in_vain), 5);
}

static hv_status_t guest_reads(uint32_t vcpu, unsigned int step, struct hv_vcpu_page *page)
{
	(void)vcpu;
	switch (step) {
	case 0:
		return out(page, 0x3ff, 1, 0xa5);
	case 1:
		return in(page, 0x3ff, 1);
	case 2:
		assert_int_equal(page->exit.port.value, 0xa5);
		return in(page, 0x1234, 1);
	case 3:
		assert_int_equal(page->exit.port.value, 0xff);
		return in(page, 0x1234, 4);
	case 4:
		assert_int_equal(page->exit.port.value, 0xffffffff);
		return in(page, 0x1234, 2);
	case 5:
		assert_int_equal(page->exit.port.value, 0xffff);
		return in(page, 0x92, 1);
	default:
		assert_int_equal(page->exit.port.value, 0x02);
		return leave(page, 0);
	}
}

static void ports_are_read(void **state)
{
	(void)state;
	assert_int_equal(create(""), 0);
	assert_int_equal(run_here(guest_reads), 0);
}

static hv_status_t guest_strings(uint32_t vcpu, unsigned int step, struct hv_vcpu_page *page)
{
	(void)vcpu;
	if (step == 0) {
		out(page, 0xe9, 1, 0);
		page->exit.port.string = 1;
		page->exit.port.count = 7;
		memcpy(page->data, "string\n", 7);
	} else if (step == 1) {
		in(page, 0x3ff, 2);
		page->exit.port.string = 1;
		page->exit.port.count = 100000; /* more than there is room for */
	} else if (step == 2) {
		assert_int_equal(page->data[0], 0x77);
		assert_int_equal(page->data[sizeof(page->data) - 1], 0xff);
		in(page, 0x3ff, 0);
		page->exit.port.string = 1;
		page->exit.port.count = 2;
	} else {
		return leave(page, 3);
	}
	return HV_OK;
}

static void strings_are_moved(void **state)
{
	(void)state;
	assert_int_equal(create(""), 0);
	bus_port_write(&vm.bus, 0x3ff, 1, 0x77);
	assert_int_equal(run_here(guest_strings), 3);
	said("string\n");
}

static hv_status_t guest_hostile_ports(uint32_t vcpu, unsigned int step, struct hv_vcpu_page *page)
{
	static const uint8_t sizes[] = {1, 2, 4};
	uint16_t port = (uint16_t)(bench_random() % (step % 2 ? 0x500 : 0x10000));
	unsigned int size = sizes[bench_random() % 3];

	(void)vcpu;
	/* Not the ports that end the VM. */
	bool end = port + size > 0xf4 && port <= 0xf7;
	end |= port + size > 0x60 && port <= 0x64;
	end |= port + size > 0x92 && port <= 0x92;
	end |= port + size > 0xcf9 && port <= 0xcf9;
	end |= port + size > 0x505 && port <= 0x505;
	page->intr_ready = (bench_random() & 3) == 0;
	if (step > 200000)
		return leave(page, 9);
	if (end)
		return give_kind(page, HV_EXIT_KICKED);
	if (bench_random() & 1)
		return out(page, port, size, bench_random());
	return in(page, port, size);
}

static void hostile_ports(void **state)
{
	(void)state;
	assert_int_equal(create("--trace-absent"), 0);
	assert_int_equal(run_here(guest_hostile_ports), 9);
}

/* ------------------------------------------------------------------------------- other exit kinds */

static void every_kind_has_a_handler(void **state)
{
	(void)state;
	for (unsigned int kind = 0; kind < HV_EXIT_KINDS; kind++)
		assert_non_null(exit_handlers[kind]);
}

static hv_status_t guest_unwanted(uint32_t vcpu, unsigned int step, struct hv_vcpu_page *page)
{
	struct hv_x86_regs *regs = hv_x86_regs(page);

	(void)vcpu;
	switch (step) {
	case 0:
		return give_kind(page, HV_EXIT_SYSREG);
	case 1:
		assert_int_equal(page->action, HV_ACTION_FAULT);
		return give_kind(page, HV_EXIT_INSTRUCTION);
	case 2:
		assert_int_equal(page->action, HV_ACTION_FAULT);
		regs->gpr[HV_RAX] = 1;
		return give_kind(page, HV_EXIT_HYPERCALL);
	case 3:
		assert_int_equal(page->action, HV_ACTION_DONE);
		assert_int_equal(page->dirty, HV_X86_REGS_GPR);
		assert_int_equal((int64_t)regs->gpr[HV_RAX], HV_E_UNSUPPORTED);
		give_kind(page, HV_EXIT_EXCEPTION);
		page->exit.exception = (struct hv_exit_exception){14, 1, {0}, 6, 0x1234};
		return HV_OK;
	case 4:
		assert_int_equal(page->inject.kind, HV_EVENT_EXCEPTION);
		assert_int_equal(page->inject.vector, 14);
		assert_int_equal(page->inject.code, 6);
		assert_int_equal(page->inject.address, 0x1234);
		assert_int_equal(page->action, HV_ACTION_RETRY);
		return give_kind(page, HV_EXIT_EOI);
	case 5:
		return give_kind(page, HV_EXIT_ID);
	case 6:
		assert_int_equal(page->action, HV_ACTION_DONE);
		return give_kind(page, HV_EXIT_NMI_WINDOW);
	default:
		return leave(page, 1);
	}
}

/* hv_vcpu_run() of the mock forgets what it was given after the call: look before. */
static void unwanted_exits_fault(void **state)
{
	(void)state;
	assert_int_equal(create(""), 0);
	assert_int_equal(run_here(guest_unwanted), 1);
}

static unsigned int ending_kind;

static hv_status_t guest_ends(uint32_t vcpu, unsigned int step, struct hv_vcpu_page *page)
{
	(void)vcpu;
	assert_int_equal(step, 0);
	page->exit.hw_reason = 0x7f;
	return give_kind(page, ending_kind);
}

static void exits_that_end_the_vm(void **state)
{
	static const struct {
		unsigned int kind;
		int status;
		const char *text;
	} ends[] = {
		{HV_EXIT_SHUTDOWN, VMM_STATUS_TRIPLE_FAULT, "vCPU 0: triple fault"},
		{HV_EXIT_INVALID, VMM_STATUS_HYPERVISOR, "the CPU refuses the guest's state"},
		{HV_EXIT_ERROR, VMM_STATUS_HYPERVISOR, "the hypervisor cannot go on"},
		{HV_EXIT_OTHER, VMM_STATUS_HYPERVISOR, "exit of kind 21"},
		{HV_EXIT_TASK_SWITCH, VMM_STATUS_EMULATION, "task switches"},
		{999, VMM_STATUS_HYPERVISOR, "exit of kind 999"},
		{0xffff, VMM_STATUS_HYPERVISOR, "exit of kind 65535"},
	};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		setup(state);
		assert_int_equal(create(""), 0);
		ending_kind = ends[i].kind;
		assert_int_equal(run_here(guest_ends), ends[i].status);
		said(ends[i].text);
		said("rip 0000000000000000");
	}
}

static hv_status_t guest_refused(uint32_t vcpu, unsigned int step, struct hv_vcpu_page *page)
{
	(void)vcpu;
	(void)step;
	(void)page;
	return HV_E_INVALID;
}

static void a_refused_run_ends_the_vm(void **state)
{
	(void)state;
	assert_int_equal(create(""), 0);
	assert_int_equal(run_here(guest_refused), VMM_STATUS_HYPERVISOR);
	said("the hypervisor refuses to run it: error -1");
}

static hv_status_t guest_halts(uint32_t vcpu, unsigned int step, struct hv_vcpu_page *page)
{
	(void)vcpu;
	assert_int_equal(step, 0);
	return give_kind(page, HV_EXIT_HALT);
}

static void a_dead_guest_ends(void **state)
{
	(void)state;
	assert_int_equal(create(""), 0);
	assert_int_equal(run_here(guest_halts), VMM_STATUS_HALTED);
	said("halted with interrupts off");
}

static hv_status_t guest_resets(uint32_t vcpu, unsigned int step, struct hv_vcpu_page *page)
{
	(void)vcpu;
	assert_int_equal(step, 0);
	return out(page, 0x64, 1, 0xfe);
}

static void a_reset_ends(void **state)
{
	(void)state;
	assert_int_equal(create(""), 0);
	assert_int_equal(run_here(guest_resets), VMM_STATUS_RESET);
	said("reset by the guest");
}

static unsigned int custom_calls;

static enum vcpu_verdict custom(void *ctx, struct vcpu *vcpu, struct hv_vcpu_page *page)
{
	(void)vcpu;
	assert_ptr_equal(ctx, &custom_calls);
	custom_calls++;
	if (page->exit.kind != HV_EXIT_PORT || page->exit.port.port != 0x99)
		return VCPU_PASS;
	page->exit.port.value = 0x1234;
	return VCPU_RUN;
}

static hv_status_t guest_custom(uint32_t vcpu, unsigned int step, struct hv_vcpu_page *page)
{
	(void)vcpu;
	if (step == 0)
		return in(page, 0x99, 2);
	assert_int_equal(page->exit.port.value, 0x1234);
	return leave(page, 5);
}

static void custom_handlers_come_first(void **state)
{
	(void)state;
	assert_int_equal(create(""), 0);
	custom_calls = 0;
	assert_int_equal(vm_set_handler(&vm, HV_EXIT_PORT, custom, &custom_calls), HV_OK);
	assert_int_equal(vm_set_handler(&vm, (enum hv_exit_kind)999, custom, NULL), HV_E_INVALID);
	assert_int_equal(run_here(guest_custom), 5);
	assert_int_equal(custom_calls, 2);
}

/* -------------------------------------------------------------------------------------- interrupts */

static void pic_program(uint8_t mask)
{
	bus_port_write(&vm.bus, 0x20, 1, 0x11);
	bus_port_write(&vm.bus, 0x21, 1, 0x40);
	bus_port_write(&vm.bus, 0x21, 1, 0x04);
	bus_port_write(&vm.bus, 0x21, 1, 0x01);
	bus_port_write(&vm.bus, 0x21, 1, mask);
}

/** The UART's transmitter interrupt, IRQ 4. */
static void uart_interrupts(void)
{
	bus_port_write(&vm.bus, 0x3fc, 1, 0x0b);
	bus_port_write(&vm.bus, 0x3f9, 1, 0x02);
}

static hv_status_t guest_interrupted(uint32_t vcpu, unsigned int step, struct hv_vcpu_page *page)
{
	(void)vcpu;
	switch (step) {
	case 0: /* interrupts off: a window was asked for */
		assert_int_equal(page->inject.kind, HV_EVENT_NONE);
		assert_int_equal(page->request, HV_REQUEST_INTR_WINDOW);
		page->intr_ready = 1;
		return give_kind(page, HV_EXIT_INTR_WINDOW);
	case 1: /* now it is delivered */
		assert_int_equal(page->inject.kind, HV_EVENT_INTERRUPT);
		assert_int_equal(page->inject.vector, 0x44);
		assert_int_equal(page->request, 0);
		page->intr_ready = 1;
		return in(page, 0x3fa, 1);
	case 2: /* once */
		assert_int_equal(page->inject.kind, HV_EVENT_NONE);
		return leave(page, 7);
	default:
		return HV_E_STATE;
	}
}

static void an_interrupt_waits_for_its_window(void **state)
{
	(void)state;
	assert_int_equal(create(""), 0);
	pic_program(0xef);
	uart_interrupts();
	assert_int_equal(run_here(guest_interrupted), 7);
	assert_int_equal(mock_kicks, 0);
}

static hv_status_t guest_masks(uint32_t vcpu, unsigned int step, struct hv_vcpu_page *page)
{
	(void)vcpu;
	switch (step) {
	case 0:
		assert_int_equal(page->request, HV_REQUEST_INTR_WINDOW);
		page->intr_ready = 0;
		return in(page, 0x3fa, 1); /* the guest polls: the request goes away */
	case 1:
		assert_int_equal(page->request, 0);
		page->intr_ready = 1;
		return out(page, 0x3f8, 1, 'x'); /* raised by an exit of its own: injected at once */
	case 2:
		assert_int_equal(page->inject.kind, HV_EVENT_INTERRUPT);
		assert_int_equal(page->inject.vector, 0x44);
		return leave(page, 7);
	default:
		return HV_E_STATE;
	}
}

static void a_request_that_goes_takes_its_window_along(void **state)
{
	(void)state;
	assert_int_equal(create(""), 0);
	pic_program(0xef);
	uart_interrupts();
	assert_int_equal(run_here(guest_masks), 7);
}

static hv_status_t guest_kicked(uint32_t vcpu, unsigned int step, struct hv_vcpu_page *page)
{
	(void)vcpu;
	switch (step) {
	case 0:
		/* Another thread raises a line while the guest runs. */
		platform_mutex_lock(&vm.lock);
		vm_intr(&vm, 0, true);
		vm_intr(&vm, 0, false);
		uart_interrupts();
		platform_mutex_unlock(&vm.lock);
		assert_int_equal(mock_kicks, 2);
		page->intr_ready = 1;
		return give_kind(page, HV_EXIT_KICKED);
	case 1:
		assert_int_equal(page->inject.vector, 0x44);
		return leave(page, 7);
	default:
		return HV_E_STATE;
	}
}

static void a_line_from_another_thread_kicks(void **state)
{
	(void)state;
	assert_int_equal(create(""), 0);
	pic_program(0xef);
	assert_int_equal(run_here(guest_kicked), 7);
}

/* ------------------------------------------------------------------------------- memory-mapped I/O */

#define MMIO_BASE 0xfea00000u

static struct {
	struct device dev;
	uint64_t where, value;
	unsigned int size, reads, writes;
} mmio;

static uint64_t mmio_read(struct device *dev, uint64_t where, unsigned int size)
{
	(void)dev;
	mmio.where = where;
	mmio.size = size;
	mmio.reads++;
	return mmio.value;
}

static void mmio_write(struct device *dev, uint64_t where, unsigned int size, uint64_t value)
{
	(void)dev;
	mmio.where = where;
	mmio.size = size;
	mmio.value = value;
	mmio.writes++;
}

static void mmio_reset(struct device *dev)
{
	(void)dev;
}

static const struct device_range mmio_range = {
	.space = DEVICE_MEMORY, .first = MMIO_BASE, .size = 0x2000, .width = 8};
static const struct device_class mmio_class = {.name = "mmio",
					       .read = mmio_read,
					       .write = mmio_write,
					       .reset = mmio_reset,
					       .ranges = &mmio_range,
					       .range_count = 1};

static void mmio_create(void)
{
	assert_int_equal(create(""), 0);
	memset(&mmio, 0, sizeof(mmio));
	mmio.dev.class = &mmio_class;
	assert_int_equal(bus_attach(&vm.bus, &mmio.dev), HV_OK);
	memset(hv_x86_regs(vm.vcpu[0].page), 0, sizeof(struct hv_x86_regs));
}

/** One memory exit of vCPU 0 and its handling, without a run. */
static struct hv_vcpu_page *touch(uint64_t address, bool write, unsigned int mode, const char *insn,
				  size_t length)
{
	struct hv_vcpu_page *page = vm.vcpu[0].page;

	page->exit = (struct hv_exit){.kind = HV_EXIT_MEMORY,
				      .memory = {.address = address,
						 .access = write ? HV_PROT_WRITE : HV_PROT_READ,
						 .mode = (uint8_t)mode,
						 .insn_length = 15}};
	memset(page->exit.memory.insn, 0x90, 15);
	memcpy(page->exit.memory.insn, insn, length);
	page->action = HV_ACTION_DONE;
	page->dirty = 0;
	page->inject.kind = HV_EVENT_NONE;
	page->valid = HV_X86_REGS_GPR | HV_X86_REGS_SEG;
	hv_x86_regs(page)->rip = 0x1000;
	assert_int_equal(exit_dispatch(&vm.vcpu[0]), VCPU_RUN);
	return page;
}

#define TOUCH(address, write, mode, insn) touch(address, write, mode, insn, sizeof(insn) - 1)

static void moves(void **state)
{
	struct hv_x86_regs *regs;

	(void)state;
	mmio_create();
	regs = hv_x86_regs(vm.vcpu[0].page);
	regs->gpr[HV_RAX] = UINT64_C(0x1122334455667788);
	TOUCH(MMIO_BASE + 0x10, true, 64, "\x89\x03"); /* mov %eax, (%rbx) */
	assert_int_equal(mmio.value, 0x55667788);
	assert_int_equal(mmio.size, 4);
	assert_int_equal(mmio.where, 0x10);
	assert_int_equal(regs->rip, 0x1002);
	assert_int_equal(vm.vcpu[0].page->action, HV_ACTION_RETRY);
	assert_int_equal(vm.vcpu[0].page->dirty, HV_X86_REGS_GPR);
	TOUCH(MMIO_BASE + 0x18, true, 64, "\x48\x89\x03");
	assert_true(mmio.value == UINT64_C(0x1122334455667788));
	mmio.value = 0x99;
	TOUCH(MMIO_BASE + 0x11, false, 64, "\x8a\x23"); /* mov (%rbx), %ah */
	assert_true(regs->gpr[HV_RAX] == UINT64_C(0x1122334455669988));
	assert_int_equal(mmio.size, 1);
	TOUCH(MMIO_BASE + 0x14, false, 64, "\x8b\x03");
	assert_int_equal(regs->gpr[HV_RAX], 0x99);
	TOUCH(MMIO_BASE + 0x14, true, 32, "\xc7\x03\xef\xbe\xad\xde");
	assert_int_equal(mmio.value, 0xdeadbeef);
	regs->gpr[HV_RAX] = UINT64_MAX;
	mmio.value = 0x1234;
	TOUCH(MMIO_BASE + 0x14, false, 32, "\x66\x8b\x03");
	assert_true(regs->gpr[HV_RAX] == UINT64_C(0xffffffffffff1234));
}

static void rip_stays_in_its_mode(void **state)
{
	struct hv_vcpu_page *page;

	(void)state;
	mmio_create();
	page = vm.vcpu[0].page;
	TOUCH(MMIO_BASE + 4, true, 32, "\x89\x03");
	hv_x86_regs(page)->rip = 0xffffffff;
	exit_dispatch(&vm.vcpu[0]);
	assert_int_equal(hv_x86_regs(page)->rip, 1);
}

/** The hypervisor completes the instruction and raises the trap. */
static void single_steps_are_not_lost(void **state)
{
	struct hv_vcpu_page *page;

	(void)state;
	mmio_create();
	hv_x86_regs(vm.vcpu[0].page)->rflags = RFLAGS_TF | RFLAGS_FIXED1;
	page = TOUCH(MMIO_BASE + 0x10, true, 64, "\x89\x03");
	assert_int_equal(page->action, HV_ACTION_DONE);
	assert_int_equal(hv_x86_regs(page)->rip, 0x1000);
	assert_int_equal(mmio.writes, 1);
	page = TOUCH(MMIO_BASE + 0x10, true, 64, "\xfe\x03");
	assert_int_equal(page->action, HV_ACTION_DONE);
	assert_int_equal(hv_x86_regs(page)->rip, 0x1000);
}

static void other_instructions_are_emulated(void **state)
{
	struct hv_x86_regs *regs;

	(void)state;
	mmio_create();
	regs = hv_x86_regs(vm.vcpu[0].page);
	regs->gpr[HV_RBX] = MMIO_BASE + 0x20;
	regs->gpr[HV_RAX] = 0x0f;
	mmio.value = 0xf0;
	TOUCH(MMIO_BASE + 0x20, true, 64, "\x09\x03"); /* or %eax, (%rbx) */
	assert_int_equal(mmio.value, 0xff);
	assert_int_equal(mmio.reads, 1);
	assert_int_equal(mmio.writes, 1);
	assert_int_equal(regs->rip, 0x1002);
	TOUCH(MMIO_BASE + 0x20, false, 64, "\x0f\xb6\x0b"); /* movzbl (%rbx), %ecx */
	assert_int_equal(regs->gpr[HV_RCX], 0xff);
	assert_int_equal(regs->rip, 0x1003);
}

/** A move at the very start of a page takes the operand's address to be sure. */
static void the_first_byte_of_a_page(void **state)
{
	struct hv_x86_regs *regs;

	(void)state;
	mmio_create();
	regs = hv_x86_regs(vm.vcpu[0].page);
	regs->gpr[HV_RBX] = MMIO_BASE + 0x1000;
	mmio.value = 0x4321;
	TOUCH(MMIO_BASE + 0x1000, false, 64, "\x8b\x03");
	assert_int_equal(regs->gpr[HV_RAX], 0x4321);
	assert_int_equal(mmio.where, 0x1000);
	/* Reported as the second page of an access that began in RAM. */
	regs->gpr[HV_RBX] = 0x2ffe;
	memcpy(vm.ram + 0x2ffe, "\x11\x22", 2);
	vm.memory[0].size = 0x3000;
	TOUCH(0x3000, false, 64, "\x8b\x03");
	assert_int_equal(regs->gpr[HV_RAX], 0xffff2211);
}

static hv_status_t translate_fault(uint64_t from, uint32_t access, uint64_t *to, uint32_t *fault)
{
	(void)access;
	*to = from;
	*fault = 0x5;
	return from >= 0x7000 && from < 0x8000 ? HV_E_FAULT : HV_OK;
}

static void page_faults_go_to_the_guest(void **state)
{
	struct hv_vcpu_page *page;
	struct hv_x86_regs *regs;

	(void)state;
	mmio_create();
	mock_translate = translate_fault;
	regs = hv_x86_regs(vm.vcpu[0].page);
	regs->gpr[HV_RSI] = MMIO_BASE + 0x20;
	regs->gpr[HV_RDI] = 0x7010;
	page = TOUCH(MMIO_BASE + 0x20, false, 64, "\xa5"); /* movsl */
	assert_int_equal(page->inject.kind, HV_EVENT_EXCEPTION);
	assert_int_equal(page->inject.vector, 14);
	assert_int_equal(page->inject.code, 5);
	assert_int_equal(page->inject.address, 0x7010);
	assert_int_equal(regs->rip, 0x1000);
	assert_int_equal(regs->gpr[HV_RSI], MMIO_BASE + 0x20);
}

static void strings_from_devices_to_memory(void **state)
{
	struct hv_x86_regs *regs;

	(void)state;
	mmio_create();
	regs = hv_x86_regs(vm.vcpu[0].page);
	regs->gpr[HV_RSI] = MMIO_BASE + 0x20;
	regs->gpr[HV_RDI] = 0x5000;
	regs->gpr[HV_RCX] = 3;
	mmio.value = 0x41424344;
	TOUCH(MMIO_BASE + 0x20, false, 64, "\xf3\xa5"); /* rep movsl */
	assert_int_equal(regs->gpr[HV_RCX], 0);
	assert_int_equal(mmio.reads, 3);
	assert_memory_equal(vm.ram + 0x5000, "DCBADCBADCBA", 12);
	assert_int_equal(regs->rip, 0x1002);
}

static void rom_stays_as_it_is(void **state)
{
	(void)state;
	mmio_create();
	vm.ram[0xf0010] = 0x77;
	TOUCH(0xf0010, true, 64, "\x88\x03");
	assert_int_equal(vm.ram[0xf0010], 0x77);
	hv_x86_regs(vm.vcpu[0].page)->gpr[HV_RBX] = 0xf0010;
	TOUCH(0xf0010, true, 64, "\xfe\x03"); /* incb (%rbx) */
	assert_int_equal(vm.ram[0xf0010], 0x77);
	assert_int_equal(hv_x86_regs(vm.vcpu[0].page)->rip, 0x1002);
}

/** Between low memory and the text buffer nobody answers, whichever way the access takes. */
static void the_hole_is_empty(void **state)
{
	struct hv_x86_regs *regs;

	(void)state;
	mmio_create();
	regs = hv_x86_regs(vm.vcpu[0].page);
	memset(vm.ram + 0xa0000, 0x33, 0x18000);
	regs->gpr[HV_RBX] = 0xa0010;
	TOUCH(0xa0010, false, 64, "\x0f\xb6\x03"); /* movzbl (%rbx), %eax */
	assert_int_equal(regs->gpr[HV_RAX], 0xff);
	TOUCH(0xa0010, false, 64, "\x8a\x03");
	assert_int_equal(regs->gpr[HV_RAX], 0xff);
	TOUCH(0xa0010, true, 64, "\xc6\x03\x00");
	TOUCH(0xa0010, true, 64, "\x80\x23\x00"); /* andb $0, (%rbx) */
	assert_int_equal(vm.ram[0xa0010], 0x33);
}

static void xmm_registers_move(void **state)
{
	struct hv_x86_regs *regs;

	(void)state;
	for (unsigned int xsave = 0; xsave < 2; xsave++) {
		mock_reset();
		mmio_create();
		mock_fpu_size = xsave ? 576 : 512;
		regs = hv_x86_regs(vm.vcpu[0].page);
		regs->gpr[HV_RBX] = MMIO_BASE + 0x20;
		mmio.value = UINT64_C(0x1122334455667788);
		TOUCH(MMIO_BASE + 0x20, false, 64, "\x0f\x10\x03"); /* movups (%rbx), %xmm0 */
		assert_memory_equal(mock_fpu + 160, "\x88\x77\x66\x55\x44\x33\x22\x11", 8);
		assert_int_equal(mmio.reads, 2);
		assert_int_equal(mock_fpu[512], xsave ? 2 : 0);
		mmio.value = 0;
		TOUCH(MMIO_BASE + 0x20, true, 64, "\x0f\x11\x03");
		assert_true(mmio.value == UINT64_C(0x1122334455667788));
	}
}

static void what_cannot_be_emulated_is_invalid(void **state)
{
	struct hv_vcpu_page *page;

	(void)state;
	mmio_create();
	page = TOUCH(MMIO_BASE + 0x20, true, 64, "\x0f\xc7\x23"); /* xsavec (%rbx) */
	assert_int_equal(page->inject.vector, 6);
	assert_int_equal(page->action, HV_ACTION_RETRY);
	page = TOUCH(MMIO_BASE + 0x20, true, 64, "\x0f\x04"); /* nothing */
	assert_int_equal(page->inject.vector, 6);
	page->exit.memory.insn_length = 0;
	page->inject.kind = HV_EVENT_NONE;
	exit_dispatch(&vm.vcpu[0]);
	assert_int_equal(page->inject.vector, 13);
	mock_translate = translate_fault;
	hv_x86_regs(page)->rip = 0x7123;
	exit_dispatch(&vm.vcpu[0]);
	assert_int_equal(page->inject.vector, 14);
	assert_int_equal(page->inject.address, 0x7123);
	page->exit.memory.access = HV_PROT_EXEC;
	page->inject.kind = HV_EVENT_NONE;
	exit_dispatch(&vm.vcpu[0]);
	assert_int_equal(page->inject.kind, HV_EVENT_EXCEPTION);
	assert_int_equal(page->inject.vector, 6);
}

static void decoded_accesses_are_answered(void **state)
{
	struct hv_vcpu_page *page;

	(void)state;
	mmio_create();
	page = vm.vcpu[0].page;
	page->exit = (struct hv_exit){.kind = HV_EXIT_MEMORY,
				      .memory = {.address = MMIO_BASE + 8,
						 .access = HV_PROT_WRITE,
						 .decoded = 1,
						 .size = 4,
						 /* KVM leaves there what another access wrote. */
						 .value = UINT64_C(0xffffffff00001234)}};
	exit_dispatch(&vm.vcpu[0]);
	assert_int_equal(mmio.value, 0x1234);
	page->exit.memory.access = HV_PROT_READ;
	page->exit.memory.size = 200;
	exit_dispatch(&vm.vcpu[0]);
	assert_int_equal(page->exit.memory.value, 0x1234);
	assert_int_equal(page->action, HV_ACTION_DONE);
}

static void hostile_memory(void **state)
{
	static const uint8_t modes[] = {16, 32, 64};
	struct hv_x86_regs *regs;

	(void)state;
	mmio_create();
	regs = hv_x86_regs(vm.vcpu[0].page);
	for (unsigned int n = 0; n < 100000; n++) {
		char insn[15];
		for (unsigned int i = 0; i < sizeof(insn); i++)
			insn[i] = (char)bench_random();
		for (unsigned int i = 0; i < HV_GPRS; i++)
			regs->gpr[i] = bench_random() % 3 ? bench_random()
							  : MMIO_BASE + bench_random() % 0x2000;
		touch(bench_random() & 1 ? MMIO_BASE + bench_random() % 0x2000 : bench_random(),
		      bench_random() & 1, modes[bench_random() % 3], insn, sizeof(insn));
	}
}

/* ------------------------------------------------------------------------------------------- boot */

static uint32_t at32(uint32_t address)
{
	uint32_t value;

	memcpy(&value, vm.ram + address, 4);
	return value;
}

static void a_kernel_is_loaded(void **state)
{
	struct hv_x86_regs *regs;
	struct multiboot_info info;

	(void)state;
	assert_int_equal(create("--memory 32M --kernel kernel --cmdline \"a=b c\""), 0);
	memset(vm.ram + 0x200000, 0x55, 0x3000);
	assert_int_equal(boot_multiboot(&vm, &options), 0);
	assert_memory_equal(vm.ram + 0x100000, (uint8_t *)&kernel + 0x1000, 0x2000);
	assert_memory_equal(vm.ram + 0x200000, (uint8_t *)&kernel + 0x3000, 0x100);
	for (unsigned int i = 0x100; i < 0x3000; i++)
		assert_int_equal(vm.ram[0x200000 + i], 0);

	regs = hv_x86_regs(vm.vcpu[0].page);
	assert_int_equal(vm.vcpu[0].page->dirty,
			 HV_X86_REGS_GPR | HV_X86_REGS_SEG | HV_X86_REGS_CR);
	assert_int_equal(regs->rip, 0x100010);
	assert_int_equal(regs->gpr[HV_RAX], MULTIBOOT_BOOTLOADER_MAGIC);
	assert_int_equal(regs->rflags, 2);
	assert_int_equal(regs->cr0 & (CR0_PE | CR0_PG), CR0_PE);
	assert_int_equal(regs->seg[HV_CS].selector, 8);
	assert_int_equal(regs->seg[HV_CS].attr, 0xc09b);
	assert_int_equal(regs->seg[HV_SS].selector, 0x10);
	assert_int_equal(regs->seg[HV_SS].attr, 0xc093);
	assert_int_equal(regs->seg[HV_DS].limit, UINT32_MAX);
	assert_int_equal(at32((uint32_t)regs->gdtr.base + 8), 0x0000ffff);
	assert_int_equal(at32((uint32_t)regs->gdtr.base + 12), 0x00cf9b00);

	memcpy(&info, vm.ram + regs->gpr[HV_RBX], sizeof(info));
	assert_int_equal(info.flags, 0x1 | 0x4 | 0x8 | 0x40 | 0x200);
	assert_int_equal(info.mem_lower, 639);
	assert_int_equal(info.mem_upper, 31 * 1024);
	assert_string_equal((char *)vm.ram + info.cmdline, "kernel a=b c");
	assert_string_equal((char *)vm.ram + info.boot_loader_name, "HyPike");
	assert_int_equal(info.mods_count, 0);
}

static void the_memory_map_is_true(void **state)
{
	const struct multiboot_mmap_entry *row;
	struct multiboot_info info;
	uint64_t available = 0, last = 0, last_ram = 0;

	(void)state;
	assert_int_equal(create("--memory 32M --kernel kernel"), 0);
	assert_int_equal(boot_multiboot(&vm, &options), 0);
	memcpy(&info, vm.ram + hv_x86_regs(vm.vcpu[0].page)->gpr[HV_RBX], sizeof(info));
	row = (const void *)(vm.ram + info.mmap_addr);
	for (uint32_t i = 0; i < info.mmap_length / sizeof(*row); i++) {
		assert_int_equal(row[i].size, 20);
		assert_true(row[i].addr >= last);
		last = row[i].addr + row[i].len;
		if (row[i].type == MULTIBOOT_MEMORY_AVAILABLE) {
			assert_non_null(vm_ram(&vm, row[i].addr, row[i].len, HV_PROT_ALL));
			available += row[i].len;
			last_ram = last;
		}
	}
	assert_int_equal(available, 31 * 1024 * 1024 + 639 * 1024);
	assert_int_equal(last_ram, 32 << 20);
	assert_int_equal(last, 0xe0100000); /* PCI configuration space */
}

static void memory_above_the_hole(void **state)
{
	const struct multiboot_mmap_entry *row;
	struct multiboot_info info;
	const struct mock_map *high;

	(void)state;
	mock_memory_limit = UINT64_C(8) << 30;
	assert_int_equal(create("--memory 5G --kernel kernel"), 0);
	assert_int_equal(boot_multiboot(&vm, &options), 0);
	memcpy(&info, vm.ram + hv_x86_regs(vm.vcpu[0].page)->gpr[HV_RBX], sizeof(info));
	row = (const void *)(vm.ram + info.mmap_addr);
	assert_int_equal(info.mmap_length / sizeof(*row), 6);
	assert_true(row[3].addr + row[3].len == VM_LOW_LIMIT);
	assert_true(row[5].addr == UINT64_C(1) << 32);
	assert_true(row[5].len == UINT64_C(2) << 30);
	high = &mock_maps[mock_map_count - 3]; /* the ROM comes last, twice */
	assert_true(high->where == UINT64_C(1) << 32 && high->size == UINT64_C(2) << 30);
	assert_ptr_equal(high->host, vm.ram + VM_LOW_LIMIT);
	bus_port_write(&vm.bus, 0x70, 1, 0x5c);
	assert_int_equal(bus_port_read(&vm.bus, 0x71, 1), 0x80); /* 8000h times 64 KiB */
	assert_int_equal(info.mem_upper, 3071 * 1024);
}

static void modules_are_loaded(void **state)
{
	static uint8_t one[5000], two[1] = {7};
	struct multiboot_mod_list mods[2];
	struct multiboot_info info;

	(void)state;
	memset(one, 0x31, sizeof(one));
	mock_file("one", one, sizeof(one));
	mock_file("two", two, sizeof(two));
	assert_int_equal(create("--memory 16M --kernel kernel --module \"one x y\" --module two"),
			 0);
	assert_int_equal(boot_multiboot(&vm, &options), 0);
	memcpy(&info, vm.ram + hv_x86_regs(vm.vcpu[0].page)->gpr[HV_RBX], sizeof(info));
	assert_int_equal(info.mods_count, 2);
	memcpy(mods, vm.ram + info.mods_addr, sizeof(mods));
	assert_int_equal(mods[0].mod_start, 0x203000);
	assert_int_equal(mods[0].mod_end, 0x203000 + 5000);
	assert_string_equal((char *)vm.ram + mods[0].cmdline, "one x y");
	assert_memory_equal(vm.ram + mods[0].mod_start, one, sizeof(one));
	assert_int_equal(mods[1].mod_start, 0x205000);
	assert_int_equal(mods[1].mod_end, 0x205001);
	assert_string_equal((char *)vm.ram + mods[1].cmdline, "two");
}

static void low_memory_that_the_kernel_uses(void **state)
{
	struct hv_x86_regs *regs;

	(void)state;
	kernel.p[1].p_paddr = 0x1000;
	kernel.p[1].p_memsz = 0x9d000;
	assert_int_equal(create("--memory 4M --kernel kernel"), 0);
	assert_int_equal(boot_multiboot(&vm, &options), 0);
	regs = hv_x86_regs(vm.vcpu[0].page);
	assert_true(regs->gpr[HV_RBX] == 0x9e000 || regs->gpr[HV_RBX] >= 0x102000);
	kernel.p[1].p_memsz = 0x9f000;
	assert_int_equal(boot_multiboot(&vm, &options), 0);
	assert_true(regs->gpr[HV_RBX] >= 0x102000);
	assert_true(regs->gpr[HV_RBX] + 4096 <= 4 << 20);
}

static void a_video_mode_is_text(void **state)
{
	struct multiboot_info info;

	(void)state;
	kernel_flags(&kernel.header, MULTIBOOT_VIDEO_MODE);
	assert_int_equal(create("--kernel kernel"), 0);
	assert_int_equal(boot_multiboot(&vm, &options), 0);
	memcpy(&info, vm.ram + hv_x86_regs(vm.vcpu[0].page)->gpr[HV_RBX], sizeof(info));
	assert_true(info.flags & MULTIBOOT_INFO_FRAMEBUFFER_INFO);
	assert_int_equal(info.framebuffer_addr, 0xb8000);
	assert_int_equal(info.framebuffer_type, 2);
}

static void refused(const char *args, int status, const char *message)
{
	mock_console_length = 0;
	mock_console[0] = '\0';
	int result = create(args);
	if (result == 0)
		result = boot_multiboot(&vm, &options);
	console_flush(&vm.console);
	assert_int_equal(result, status);
	said(message);
}

static void bad_input_is_named(void **state)
{
	static uint8_t big[8 << 20];

	(void)state;
	mock_file("big", big, sizeof(big));
	refused("--memory 8M", VMM_STATUS_OPTIONS, "vmm: no kernel: --kernel NAME or --firmware NAME is missing\n");
	refused("--kernel nix", VMM_STATUS_LOAD, "vmm: nix: no such file in this partition\n");
	refused("--kernel big", VMM_STATUS_LOAD,
		"vmm: big: no Multiboot header in the first 8192 bytes\n");
	refused("--memory 2M --kernel kernel", VMM_STATUS_LOAD,
		"vmm: kernel: a segment lies outside the machine's memory\n");
	refused("--memory 8M --kernel kernel --module \"nix da\"", VMM_STATUS_LOAD,
		"vmm: nix: no such file in this partition\n");
	refused("--memory 8M --kernel kernel --module \"big x\"", VMM_STATUS_LOAD,
		"vmm: big: this module doesn't fit into the VM's memory\n");
	refused("--memory 65M --kernel kernel", VMM_STATUS_MEMORY,
		"vmm: too little memory: the VM is to have 66560 KiB, there are 65536 KiB\n");
	refused("--memory 1000 --kernel kernel", VMM_STATUS_OPTIONS, "vmm: --memory: at least 1M");
	refused("--machine cray", VMM_STATUS_OPTIONS, "vmm: --machine cray: unknown\n");
	refused("--vcpus 5", VMM_STATUS_OPTIONS, "vmm: --vcpus: at most 4\n");
}

static void failing_calls_are_reported(void **state)
{
	for (unsigned int n = 1; n < 30; n++) {
		setup(state);
		mock_fail_at = n;
		int status = create("--kernel kernel");
		if (status == 0)
			status = boot_multiboot(&vm, &options);
		console_flush(&vm.console);
		if (status == 0) {
			assert_true(n > 5);
			return;
		}
		assert_int_equal(status, VMM_STATUS_HYPERVISOR);
		said("error -3");
	}
	fail();
}

/* ------------------------------------------------------------------------------ the whole program */

static void whole_run(void **state)
{
	(void)state;
	mock_guest = guest_hello;
	assert_int_equal(vmm_main("--kernel kernel"), 42);
	said("vmm: exits");
	said("vmm:   port                        0            7\n");
	said("vmm: entries 7, injected 0\n");
	said("first instruction after 0.000000 s\nvmm: nested table pages 5, wall time 0.000000 s\n");
}

/** Every vCPU runs; the first resets the machine at each start. @verifies VMM-008 */
static hv_status_t guest_resets_always(uint32_t vcpu, unsigned int step, struct hv_vcpu_page *page)
{
	if (vcpu != 0) {
		mock_halt(vcpu, page);
		return HV_OK;
	}
	(void)step;
	return out(page, 0x64, 1, 0xfe);
}

static void a_reset_boots_anew(void **state)
{
	(void)state;
	mock_guest = guest_resets_always;
	assert_int_equal(vmm_main("--kernel kernel --vcpus 3 --reboots 4"), VMM_STATUS_RESET);
	said("vmm: reset by the guest\nvmm: reset by the guest\nvmm: reset by the guest\n"
	     "vmm: reset by the guest\nvmm: reset by the guest\nvmm: exits");
}

static hv_status_t guest_waits(uint32_t vcpu, unsigned int step, struct hv_vcpu_page *page)
{
	(void)step;
	mock_halt(vcpu, page);
	return HV_OK;
}

static void a_hanging_guest_is_stopped(void **state)
{
	(void)state;
	mock_guest = guest_waits;
	assert_int_equal(vmm_main("--kernel kernel --timeout-ms 1500 --vcpus 3"),
			 VMM_STATUS_TIMEOUT);
	said("vmm: stopped after 1500 ms (--timeout-ms)\n");
	said("wall time 1.500000 s");
}

static hv_status_t guest_ticks(uint32_t vcpu, unsigned int step, struct hv_vcpu_page *page)
{
	static unsigned int ticks;
	static const struct {
		uint16_t port;
		uint8_t value;
	} program[] = {{0x20, 0x11}, {0x21, 0x40}, {0x21, 0x04}, {0x21, 0x01}, {0x21, 0xfe},
		       {0x43, 0x34}, {0x40, 0x9c}, {0x40, 0x2e}};

	if (step == 0)
		ticks = 0;
	if (step < 8)
		return out(page, program[step].port, 1, program[step].value);
	page->intr_ready = 1;
	if (page->inject.kind == HV_EVENT_INTERRUPT) {
		assert_int_equal(page->inject.vector, 0x40);
		if (++ticks == 100)
			return leave(page, 100);
		return out(page, 0x20, 1, 0x20);
	}
	mock_halt(vcpu, page);
	return HV_OK;
}

static void the_timer_wakes_a_halted_guest(void **state)
{
	(void)state;
	mock_guest = guest_ticks;
	uint64_t before = mock_now;
	assert_int_equal(vmm_main("--kernel kernel --no-summary"), 100);
	/* 11932 ticks of 1.193182 MHz: 10 ms each */
	assert_in_range(mock_now - before, UINT64_C(990000000), UINT64_C(1010000000));
}

static hv_status_t guest_echo(uint32_t vcpu, unsigned int step, struct hv_vcpu_page *page)
{
	(void)vcpu;
	if (step == 0)
		return out(page, 0x3fb, 1, 3);
	if (page->exit.port.port == 0x3fd && !page->exit.port.write && page->exit.port.value & 1)
		return in(page, 0x3f8, 1);
	if (page->exit.port.port == 0x3f8 && !page->exit.port.write)
		return out(page, 0x3f8, 1, page->exit.port.value);
	return in(page, 0x3fd, 1);
}

static void keys_reach_the_serial_port(void **state)
{
	(void)state;
	mock_guest = guest_echo;
	mock_keys = "echo of more keys than there is room for in any FIFO\n\x1ds\x1dq";
	assert_int_equal(vmm_main("--kernel kernel --no-summary"), VMM_STATUS_QUIT);
	said("echo of more keys than there is room for in any FIFO\n");
	said("bytes sent 53, bytes received 53\n");
	said("vmm: ended by the user\n");
}

/** Boots anew, once, by the user's will; then ends itself. @verifies VMM-082 */
static hv_status_t guest_commanded(uint32_t vcpu, unsigned int step, struct hv_vcpu_page *page)
{
	(void)step;
	if (vcpu == 0 && page->action == HV_ACTION_RETRY) /* that was the reset */
		return leave(page, 12);
	mock_halt(vcpu, page);
	return HV_OK;
}

static void the_user_commands(void **state)
{
	(void)state;
	mock_guest = guest_commanded;
	mock_keys = "\x1dh\x1ds\x1dp\x1d?\x1dz";
	assert_int_equal(vmm_main("--kernel kernel --no-summary --vcpus 2"), 12);
	said("vmm: Ctrl-] and:\nvmm:   h       this list\n");
	said("vmm: exits ");
	said("vmm: power button pressed\n");
	said("vmm: reset by the user\n");
}

static hv_status_t guest_shown(uint32_t vcpu, unsigned int step, struct hv_vcpu_page *page)
{
	(void)vcpu;
	(void)step;
	if (strstr(mock_console, "vCPU 0:") && strstr(mock_console, "vCPU 1:"))
		return leave(page, 13);
	return in(page, 0x3fd, 1);
}

static void registers_are_shown(void **state)
{
	(void)state;
	mock_guest = guest_shown;
	mock_keys = "\x1dr";
	assert_int_equal(vmm_main("--kernel kernel --no-summary --vcpus 2"), 13);
	said("vmm: vCPU 0:\nvmm:   rip ");
	said("vmm: vCPU 1:\nvmm:   rip ");
}

static unsigned int rings;

static void count_ring(void *ctx, uint32_t value)
{
	(void)value;
	rings++;
	vm_stop(ctx, 11, NULL);
}

static hv_status_t guest_rings(uint32_t vcpu, unsigned int step, struct hv_vcpu_page *page)
{
	if (step == 0)
		mock_ring();
	mock_halt(vcpu, page);
	return HV_OK;
}

static void doorbells_are_heard(void **state)
{
	const struct hv_doorbell bell = {.address = 0x1000, .space = HV_DOORBELL_PORT};
	const struct command ring = {count_ring, &vm};

	(void)state;
	rings = 0;
	assert_int_equal(create("--kernel kernel --timeout-ms 1000"), 0);
	assert_int_equal(vm_doorbell(&vm, &bell, &ring), HV_OK);
	assert_int_equal(mock_bell.signal, 0);
	assert_int_equal(vm_doorbell(&vm, &bell, &ring), HV_OK);
	assert_int_equal(mock_bell.signal, 1);
	assert_int_equal(mock_bell.address, 0x1000);
	mock_guest = guest_rings;
	assert_int_equal(vm_run(&vm), 11);
	assert_int_equal(rings, 1);
	for (unsigned int i = 2; i < PLATFORM_SIGNALS; i++)
		assert_int_equal(vm_doorbell(&vm, &bell, &ring), HV_OK);
	assert_int_equal(vm_doorbell(&vm, &bell, &ring), HV_E_FULL);
}

static hv_status_t guest_all_die(uint32_t vcpu, unsigned int step, struct hv_vcpu_page *page)
{
	struct hv_x86_regs *regs = hv_x86_regs(page);

	regs->rflags = 2;
	regs->activity = vcpu == 2 ? HV_ACTIVITY_WAIT_SIPI : HV_ACTIVITY_HALT;
	if (vcpu == 2 || step > 0) {
		mock_halt(vcpu, page);
		return HV_OK;
	}
	return give_kind(page, HV_EXIT_HALT);
}

static void a_vm_of_dead_vcpus_ends(void **state)
{
	(void)state;
	mock_guest = guest_all_die;
	assert_int_equal(vmm_main("--kernel kernel --vcpus 3 --no-summary --timeout-ms 60000"),
			 VMM_STATUS_HALTED);
}

static hv_status_t guest_draws(uint32_t vcpu, unsigned int step, struct hv_vcpu_page *page)
{
	(void)vcpu;
	for (unsigned int i = 0; i < mock_map_count; i++) {
		if (mock_maps[i].where == 0xb8000)
			memcpy(mock_maps[i].host, "V\x07G\x07" "A\x07", 6);
	}
	return step == 0 ? in(page, 0x5555, 1) : leave(page, 0);
}

static void screen_and_absent_ports_are_shown(void **state)
{
	(void)state;
	mock_guest = guest_draws;
	assert_int_equal(vmm_main("--kernel kernel --screen --trace-absent --no-summary"), 0);
	said("screen: VGA\n");
	said("absent: port 5555: 1 reads, 0 writes\n");
	assert_null(strstr(mock_console, "vmm: exits"));
}

static void a_bad_command_line_is_refused(void **state)
{
	(void)state;
	assert_int_equal(vmm_main("--kernel kernel --colour red"), VMM_STATUS_OPTIONS);
	said("vmm: --colour: unknown option\n");
	assert_int_equal(vmm_main("--help"), 0);
	said("--kernel NAME");
}

#define T(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_guest_prints_and_ends),
		T(large_statuses_are_limited),
		T(a_panic_ends_the_vm),
		T(a_machine_without_pvpanic),
		T(ports_are_read),
		T(strings_are_moved),
		T(hostile_ports),
		T(every_kind_has_a_handler),
		T(unwanted_exits_fault),
		T(exits_that_end_the_vm),
		T(a_refused_run_ends_the_vm),
		T(a_dead_guest_ends),
		T(a_reset_ends),
		T(custom_handlers_come_first),
		T(an_interrupt_waits_for_its_window),
		T(a_request_that_goes_takes_its_window_along),
		T(a_line_from_another_thread_kicks),
		T(moves),
		T(rip_stays_in_its_mode),
		T(single_steps_are_not_lost),
		T(other_instructions_are_emulated),
		T(the_first_byte_of_a_page),
		T(page_faults_go_to_the_guest),
		T(strings_from_devices_to_memory),
		T(rom_stays_as_it_is),
		T(the_hole_is_empty),
		T(xmm_registers_move),
		T(what_cannot_be_emulated_is_invalid),
		T(decoded_accesses_are_answered),
		T(hostile_memory),
		T(a_kernel_is_loaded),
		T(the_memory_map_is_true),
		T(memory_above_the_hole),
		T(modules_are_loaded),
		T(low_memory_that_the_kernel_uses),
		T(a_video_mode_is_text),
		T(bad_input_is_named),
		T(failing_calls_are_reported),
		T(whole_run),
		T(a_reset_boots_anew),
		T(a_hanging_guest_is_stopped),
		T(the_timer_wakes_a_halted_guest),
		T(keys_reach_the_serial_port),
		T(the_user_commands),
		T(registers_are_shown),
		T(doorbells_are_heard),
		T(a_vm_of_dead_vcpus_ends),
		T(screen_and_absent_ports_are_shown),
		T(a_bad_command_line_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
