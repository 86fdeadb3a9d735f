/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VMM of a few lines that injects events into a guest at awkward moments and writes down what
 * happens: letters are the guest's own, the rest is the VMM's. The same on every kind of CPU.
 *
 * With the argument "polite", the guest isn't made to keep the CPU.
 * @verifies HV-030
 * @verifies HV-031
 * @verifies HV-201
 * @verifies HV-202
 */
#include <hypike/hv_x86.h>

#include "lib/hypike/program.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "tests/system/native/check.h"
#include "tests/system/native/events.h"

#define LABEL(name) extern const uint8_t events_##name[]
LABEL(guest);
LABEL(guest_end);
LABEL(on_nmi);
LABEL(on_interrupt);
LABEL(on_software);
LABEL(on_bp);
LABEL(on_of);
LABEL(on_db);
LABEL(on_ud);
LABEL(on_gp);
LABEL(on_df);
LABEL(nmi);
LABEL(window);
LABEL(int_without_stack);
LABEL(interrupt_without_stack);
LABEL(ud_without_stack);
LABEL(int3_without_stack);
LABEL(int3_into);
LABEL(instructions);
LABEL(step);
LABEL(debug);
LABEL(step_over_exit);
LABEL(endless_debug);
LABEL(shutdown);
LABEL(memory);
LABEL(spin);
LABEL(alive);

#define BP (1u << 3)
#define OF (1u << 4)

static hv_vm_t vm;
static hv_vcpu_t vcpu;
static struct hv_vcpu_page *page;
static uint8_t *memory;

static char told[512];
static size_t length;
static uint32_t steps;

static void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void tell(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	const int n = lib_vsnprintf(told + length, sizeof(told) - length, format, args);

	va_end(args);
	if (n > 0 && (size_t)n < sizeof(told) - length)
		length += (size_t)n;
}

/* ------------------------------------------------------------------------------- the guest */

static uint32_t guest_address(const uint8_t *label)
{
	return (uint32_t)(label - events_guest) + EVENTS_CODE;
}

/** A 32-bit interrupt gate (SDM vol. 3, figure 6-2). */
static void set_gate(uint32_t vector, const uint8_t *handler)
{
	const uint32_t to = guest_address(handler);
	const uint32_t gate[2] = {8u << 16 | (to & 0xffff), (to & 0xffff0000) | 0x8e00};

	memcpy(memory + EVENTS_IDT + 8 * vector, gate, sizeof(gate));
}

static void set_gates(void)
{
	set_gate(1, events_on_db);
	set_gate(2, events_on_nmi);
	set_gate(3, events_on_bp);
	set_gate(4, events_on_of);
	set_gate(6, events_on_ud);
	set_gate(8, events_on_df);
	set_gate(13, events_on_gp);
	set_gate(EVENTS_INTERRUPT, events_on_interrupt);
	set_gate(EVENTS_SOFTWARE, events_on_software);
}

static void load_memory(void)
{
	static const uint64_t gdt[] = {0, 0x00cf9b000000ffff, 0x00cf93000000ffff};

	memset(memory, 0, EVENTS_MEMORY);
	memcpy(memory + EVENTS_CODE, events_guest, (size_t)(events_guest_end - events_guest));
	memcpy(memory + EVENTS_GDT, gdt, sizeof(gdt));
	set_gates();
}

static void load_registers(const uint8_t *entry)
{
	struct hv_x86_regs *const regs = hv_x86_regs(page);

	for (uint32_t i = HV_ES; i <= HV_GS; i++)
		regs->seg[i] = (struct hv_x86_segment){
			.limit = UINT32_MAX, .attr = 0xc093, .selector = 16};
	regs->seg[HV_CS].attr = 0xc09b;
	regs->seg[HV_CS].selector = 8;
	regs->seg[HV_TR] = (struct hv_x86_segment){
		.base = EVENTS_TSS, .limit = 0x67, .attr = 0x8b};
	regs->gdtr = (struct hv_x86_table){.base = EVENTS_GDT, .limit = 23};
	regs->idtr = (struct hv_x86_table){.base = EVENTS_IDT, .limit = 0x7ff};
	regs->cr0 = 0x31; /* PE, ET, NE */
	regs->rip = guest_address(entry);
	regs->gpr[HV_RSP] = EVENTS_STACK;
	page->dirty = HV_X86_REGS_GPR | HV_X86_REGS_SEG | HV_X86_REGS_CR;
}

/** From the state after reset. The page for EVENTS_NO_STACK isn't mapped. */
static void prepare(const uint8_t *entry, uint32_t exceptions)
{
	hv_vcpu_reset(vcpu);
	hv_trap_exceptions(vm, exceptions);
	hv_unmap(vm, gpa(EVENTS_NO_STACK & ~(uint64_t)HV_PAGE_MASK), HV_PAGE_SIZE);
	load_memory();
	hv_vcpu_get(vcpu, HV_X86_REGS_ALL);
	load_registers(entry);
	page->request = 0;
	page->action = HV_ACTION_DONE;
	page->inject.kind = HV_EVENT_NONE;
	told[0] = '\0';
	length = 0;
	steps = 0;
}

/* --------------------------------------------------------------------------- the VMM's part */

static void inject(uint8_t kind, uint8_t vector)
{
	page->inject = (struct hv_event){.kind = kind, .vector = vector};
}

static void answer(uint32_t what)
{
	switch (what) {
	case EVENTS_ASK_NMI:
		inject(HV_EVENT_NMI, 2);
		break;
	case EVENTS_ASK_WINDOW:
		page->request = HV_REQUEST_INTR_WINDOW;
		break;
	case EVENTS_ASK_INTERRUPT:
		inject(HV_EVENT_INTERRUPT, EVENTS_INTERRUPT);
		break;
	case EVENTS_ASK_STEP:
		page->request = HV_REQUEST_STEP;
		break;
	default:
		page->request = 0;
		break;
	}
}

/** @return false at the end of the part. */
static bool on_port(const struct hv_exit_port *port)
{
	if (port->port == EVENTS_PORT_SAY)
		tell("%c", (char)port->value);
	else if (port->port == EVENTS_PORT_ASK)
		answer(port->value);
	else if (port->port == EVENTS_PORT_SHOW)
		tell("=%x ", port->value);
	return port->port != EVENTS_PORT_END;
}

/** A missing stack is mapped, and the guest goes on where it was. */
static bool on_memory(const struct hv_exit_memory *access)
{
	const uint64_t stack = EVENTS_NO_STACK & ~(uint64_t)HV_PAGE_MASK;

	tell("[%x,%u]", (uint32_t)access->address, access->access);
	if ((access->address & ~(uint64_t)HV_PAGE_MASK) != stack)
		return access->access != HV_PROT_EXEC;
	page->action = HV_ACTION_RETRY;
	return hv_map(vm, gpa(stack), memory + EVENTS_MEMORY, HV_PAGE_SIZE, HV_PROT_ALL) == HV_OK;
}

static bool on_exception(const struct hv_exit_exception *exception)
{
	if (exception->vector == 1 && (page->request & HV_REQUEST_STEP) != 0) {
		hv_vcpu_get(vcpu, HV_X86_REGS_GPR);
		if ((hv_x86_regs(page)->rflags & 0x100) != 0)
			tell("{TF}");
		return ++steps < 100;
	}
	tell("x%u", exception->vector);
	return true;
}

static bool on_exit(const struct hv_exit *exit)
{
	switch (exit->kind) {
	case HV_EXIT_PORT:
		return on_port(&exit->port);
	case HV_EXIT_MEMORY:
		return on_memory(&exit->memory);
	case HV_EXIT_EXCEPTION:
		return on_exception(&exit->exception);
	case HV_EXIT_INTR_WINDOW:
		tell(page->intr_ready ? "w" : "!");
		page->request = 0;
		inject(HV_EVENT_INTERRUPT, EVENTS_INTERRUPT);
		return true;
	case HV_EXIT_SHUTDOWN:
		tell("shutdown");
		return false;
	case HV_EXIT_INVALID:
		tell("invalid");
		return false;
	case HV_EXIT_KICKED:
		tell("kicked");
		return false;
	default:
		tell("exit %u", exit->kind);
		return false;
	}
}

static void run(void)
{
	for (uint32_t exits = 0; exits < 500; exits++) {
		const hv_status_t status = hv_vcpu_run(vcpu);

		if (status != HV_OK) {
			tell("status %d", (int)status);
			return;
		}
		if (!on_exit(&page->exit))
			return;
	}
	tell("no end");
}

/* -------------------------------------------------------------------------------- the parts */

static const struct {
	const char *name;
	const uint8_t *entry;
	uint32_t exceptions;
	const char *expected;
} parts[] = {
	{"an NMI waits for the IRET of the one before", events_nmi, 0, "mnanae"},
	{"an interrupt window opens behind STI's shadow", events_window, 0, "bwic"},
	{"INT n with no memory for its frame", events_int_without_stack, 0, "[50fec,2]sd"},
	{"an interrupt with no memory for its frame", events_interrupt_without_stack, 0,
	 "[50fec,2]id"},
	{"#UD with no memory for its frame", events_ud_without_stack, 0, "[50fec,2]ud"},
	{"INT3 with no memory for its frame", events_int3_without_stack, 0, "[50fec,2]bd"},
	{"INT3, trapped, with no memory for its frame", events_int3_without_stack, BP,
	 "x3[50fec,2]bd"},
	{"INT3 and INTO", events_int3_into, 0, "bdoe"},
	{"INT3 and INTO, trapped", events_int3_into, BP | OF, "x3bdx4oe"},
	{"instructions that a guest doesn't have", events_instructions, 0, "guuuuuuuuud"},
	{"steps of the VMM's don't show", events_step, 0, "s=0 =0 "},
	{"breakpoint and steps of the guest's own", events_debug, 0, "Dd=ffff0ff1 DDDD=ffff4ff0 "},
	{"steps over instructions that exit", events_step_over_exit, 0, "DDDDD"},
	{"a shutdown ends the guest", events_shutdown, 0, "shutdown"},
	{"reads, writes and jumps to nowhere", events_memory, 0, "[40000,1][40010,2][40020,4]"},
};

static void test_parts(void)
{
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		prepare(parts[i].entry, parts[i].exceptions);
		run();
		if (!check(strcmp(told, parts[i].expected) == 0, "%s", parts[i].name))
			say("# told %s\n# not  %s\n", told, parts[i].expected);
	}
}

/** CS both 64-bit and 32-bit (SDM vol. 3, 27.3.1.2; APM vol. 2, 15.5.1). */
static void test_refused(void)
{
	struct hv_x86_regs *const regs = hv_x86_regs(page);

	prepare(events_alive, 0);
	regs->cr0 |= UINT64_C(1) << 31;
	regs->cr4 = 0x20;   /* PAE */
	regs->efer = 0x500; /* LME, LMA */
	regs->seg[HV_CS].attr |= HV_SEG_L;
	run();
	if (!check(strcmp(told, "invalid") == 0, "a state that no CPU enters is refused"))
		say("# told %s\n", told);
}

static void kick(void *arg)
{
	(void)arg;
	sleep_ms(50);
	hv_vcpu_kick(vcpu);
	hypike_thread_exit();
}

/** A thread of higher priority on the same CPU gets hold of a guest that never yields. */
static void test_kick(const uint8_t *entry, const char *name)
{
	prepare(entry, 0);
	spawn(kick, NULL, hypike_info()->priority, 0);
	run();
	if (!check(strcmp(told, "kicked") == 0, "%s", name))
		say("# told %s\n", told);
	prepare(events_alive, 0);
	run();
	check(strcmp(told, ".") == 0, "the guest runs again after that");
}

static bool create(void)
{
	const struct hv_vm_params params = {.vcpus = 1};

	memory = hypike_info()->ram;
	if (hv_vm_create(&params, &vm) != HV_OK || hv_vcpu_create(vm, 0, &vcpu, &page) != HV_OK)
		return check(false, "a VM can be made");
	return check(hv_map(vm, gpa(0), memory, EVENTS_MEMORY, HV_PROT_ALL) == HV_OK,
		     "a VM can be made");
}

int main(void)
{
	if (!create())
		return check_done();
	test_parts();
	test_refused();
	hypike_thread_priority(0, hypike_info()->priority - 1);
	if (strcmp(hypike_info()->args, "polite") != 0) {
		test_kick(events_spin, "a guest that spins with interrupts off is stopped");
		test_kick(events_endless_debug, "endless debug exceptions are stopped");
	}
	return check_done();
}
