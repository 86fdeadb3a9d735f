/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file test-inject.c
 * Events in the hard cases: faults during delivery, software interrupts delivered again, shadows, NMI
 * blocking, windows. The model refuses an entry that hardware would refuse, so every wrong injection shows.
 *
 * @verifies HV-030
 * @verifies HV-031
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/x86/regs.h"
#include "tests/unit/driver/env_driver.h"

static struct hv_exit *exit_of(void)
{
	return &env.page[0]->exit;
}

static struct hv_x86_regs *page_regs(void)
{
	return hv_x86_regs(env.page[0]);
}

static void note(struct model_cpu *cpu, struct model_frame *frame)
{
	(void)cpu;
	env_add_note(frame->vector | (uint64_t)frame->has_code << 16 | (uint64_t)frame->code << 32);
	env_add_note(frame->rip);
}

static void skip_ud2(struct model_cpu *cpu, struct model_frame *frame)
{
	note(cpu, frame);
	frame->rip += 2;
}

static void inject(uint8_t kind, uint8_t vector, bool has_code, uint32_t code, uint64_t address)
{
	env.page[0]->inject = (struct hv_event){.kind = kind, .vector = vector, .has_code = has_code,
						.code = code, .address = address};
}

/** Take away a page of the guest's, or give it back. */
static void unmap(uint64_t where)
{
	uint64_t done;

	assert_int_equal(vm_unmap(env.vm, gpa(where), HV_PAGE_SIZE, &done), HV_OK);
}

static void remap(uint64_t where)
{
	uint64_t done;

	assert_int_equal(vm_map(env.vm, gpa(where), host_virt_to_phys(env.ram + where),
				HV_PAGE_SIZE, HV_PROT_ALL, &done),
			 HV_OK);
}

/** The guest's own page tables: take a 2 MiB page away from one linear address. */
#define FAR 0x10000000u /* linear, not mapped by env_long()'s PDE once cleared */

static void guest_unmap_far(void)
{
	memset(env.ram + ENV_TABLES + 0x2000 + 8 * (FAR >> 21), 0, 8);
}

/* ---------------------------------------------------------------------------- exceptions by the VMM */

static void code_nops(struct model_cpu *cpu)
{
	env_long(cpu);
	model_hypercall(cpu, 0x1000, 0);
	model_nop(cpu);
	model_nop(cpu);
}

static void test_vmm_exceptions(void **state)
{
	static const struct {
		uint8_t vector;
		bool has_code;
	} cases[] = {{X86_DE, false}, {X86_DB, false}, {X86_UD, false}, {X86_NM, false}, {X86_TS, true},
		     {X86_NP, true},  {X86_SS, true},  {X86_GP, true},  {X86_PF, true},  {X86_AC, true},
		     {X86_MF, false}, {X86_XM, false}, {X86_DF, true}};

	(void)state;
	for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		env_make(1, 0);
		env_code(0, code_nops);
		env_handler(0, cases[i].vector, note);
		assert_int_equal(env_run(), HV_EXIT_HYPERCALL);
		inject(HV_EVENT_EXCEPTION, cases[i].vector, cases[i].has_code,
		       cases[i].has_code ? 0x10 : 0, 0x123456);
		env_expect_done();
		assert_int_equal(env_notes, 2);
		assert_int_equal(env_note[0], cases[i].vector |
						  (cases[i].has_code ? UINT64_C(0x1000010000) : 0));
		assert_int_equal(env_note[1], ENV_CODE + 3); /* behind the hypercall */
		if (cases[i].vector == X86_PF) {
			assert_int_equal(vcpu_get(env.vcpu[0], HV_X86_REGS_CR), HV_OK);
			assert_int_equal(page_regs()->cr2, 0x123456);
		}
		env_end();
	}
}

/** What no CPU has is refused, by the driver or by the CPU; nothing else happens. */
static void test_vmm_exceptions_malformed(void **state)
{
	(void)state;
	for (uint32_t vector = 0; vector < 256; vector++)
		for (uint32_t has_code = 0; has_code < 3; has_code++) {
			static const uint32_t codes = 0x00227d00; /* SDM 6.13 */
			bool right = vector < 32 && vector != 2 && has_code == (codes >> vector & 1);
			hv_status_t status;

			env_make(1, 0);
			env_code(0, code_nops);
			for (uint32_t i = 0; i < 32; i++)
				env_handler(0, (uint8_t)i, note);
			assert_int_equal(env_run(), HV_EXIT_HYPERCALL);
			env.page[0]->inject = (struct hv_event){.kind = HV_EVENT_EXCEPTION,
								.vector = (uint8_t)vector,
								.has_code = (uint8_t)has_code};
			status = vcpu_run(env.vcpu[0]);
			if (right && vector != 9 && vector != 15 && vector < 20) {
				assert_int_equal(status, HV_OK);
				assert_int_equal(exit_of()->kind, HV_EXIT_HYPERCALL);
				assert_int_equal(env_notes, 2);
			} else {
				assert_true(status == HV_E_INVALID ||
					    (status == HV_OK && (exit_of()->kind == HV_EXIT_INVALID ||
								 exit_of()->kind == HV_EXIT_HYPERCALL)));
			}
			env_end();
		}
}

/** Real mode pushes no error codes. */
static void code_real(struct model_cpu *cpu)
{
	model_state(cpu)->idtr.limit = 0x3ff;
	model_hypercall(cpu, 0x1000, 0);
	model_nop(cpu);
}

static void test_real_mode(void **state)
{
	(void)state;
	env_make(1, 0);
	env_code(0, code_real);
	env_handler(0, X86_GP, note);
	assert_int_equal(env_run(), HV_EXIT_HYPERCALL);
	inject(HV_EVENT_EXCEPTION, X86_GP, true, 0, 0);
	env_expect_done();
	assert_int_equal(env_note[0], X86_GP);
	env_end();
}

/* --------------------------------------------------------------------- faults during delivery (6.15) */

static void code_fault(struct model_cpu *cpu)
{
	env_long(cpu);
	model_hypercall(cpu, 0x1000, 0);
	model_fault(cpu, (uint8_t)*model_gpr(cpu, HV_RSI), 0, FAR);
}

/** Which exception an exit-free CPU would see is the model's; with every one intercepted, it is the
 * driver's. */
static uint64_t outcome(uint8_t first, bool stack_fault, uint32_t exceptions, uint64_t *rip)
{
	enum hv_exit_kind kind;

	env_make(1, 0);
	env_code(0, code_fault);
	for (uint32_t i = 0; i < 32; i++)
		if (i != first && !(stack_fault && i == X86_DF))
			env_handler(0, (uint8_t)i, skip_ud2);
	if (stack_fault)
		env_handler(0, first, skip_ud2);
	assert_int_equal(vm_trap_exceptions(env.vm, exceptions), HV_OK);
	assert_int_equal(env_run(), HV_EXIT_HYPERCALL);
	assert_int_equal(vcpu_get(env.vcpu[0], HV_X86_REGS_GPR), HV_OK);
	page_regs()->gpr[HV_RSI] = first;
	env.page[0]->dirty = HV_X86_REGS_GPR;
	if (stack_fault) { /* the stack is where the guest's tables have nothing: #PF upon the fault */
		guest_unmap_far();
		page_regs()->gpr[HV_RSP] = FAR + 0x100;
	}
	do {
		kind = env_run(); /* every exception is handed back to the guest */
	} while (kind == HV_EXIT_EXCEPTION);
	*rip = env_notes != 0 ? env_note[1] : 0;
	if (kind == HV_EXIT_SHUTDOWN) {
		env_end();
		return UINT64_MAX;
	}
	assert_int_equal(kind, HV_EXIT_HYPERCALL);
	assert_int_equal(exit_of()->hypercall, MODEL_DONE);
	env_end();
	return env_note[0];
}

/** The fault's gate is missing: #NP on top of it. */
static void test_missing_gate(void **state)
{
	static const struct {
		uint8_t first;
		uint64_t expected;
	} cases[] = {
		{X86_UD, X86_NP | UINT64_C(0x10000) | UINT64_C(0x33) << 32},
		{X86_AC, X86_NP | UINT64_C(0x10000) | UINT64_C(0x8b) << 32},
		{X86_DE, X86_DF | UINT64_C(0x10000)},
		{X86_GP, X86_DF | UINT64_C(0x10000)},
		{X86_SS, X86_DF | UINT64_C(0x10000)},
		{X86_TS, X86_DF | UINT64_C(0x10000)},
		{X86_NP, X86_DF | UINT64_C(0x10000)},
		{X86_PF, X86_DF | UINT64_C(0x10000)},
		{X86_DF, UINT64_MAX},
	};

	(void)state;
	for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (uint32_t exceptions = 0; exceptions < 2; exceptions++) {
			uint64_t rip;

			assert_int_equal(outcome(cases[i].first, false, exceptions ? 0xfffffffbu : 0, &rip),
					 cases[i].expected);
			if (cases[i].expected != UINT64_MAX)
				assert_int_equal(rip, ENV_CODE + 3);
		}
}

/** The stack is not mapped: a page fault on top of it, then nobody's stack is there: shutdown. */
static void test_missing_stack(void **state)
{
	static const uint8_t first[] = {X86_UD, X86_GP, X86_PF, X86_DE};

	(void)state;
	for (uint32_t i = 0; i < sizeof(first); i++)
		for (uint32_t exceptions = 0; exceptions < 2; exceptions++) {
			uint64_t rip;

			assert_int_equal(
			    outcome(first[i], true, exceptions ? 0xfffffffbu : 0, &rip),
			    UINT64_MAX);
		}
}

/* ------------------------------------------------------ deliveries that an exit cut short, done again */

static void code_int(struct model_cpu *cpu)
{
	env_flat(cpu);
	model_hypercall(cpu, 0x1000, 0);
	model_int(cpu, 0x80);
	model_int3(cpu);
	model_int1(cpu);
	model_nop(cpu);
}

static const uint64_t int_notes[] = {0x80, ENV_CODE + 5, X86_BP, ENV_CODE + 6, X86_DB, ENV_CODE + 7};

static void make_int(void)
{
	env_make(1, 0);
	env_code(0, code_int);
	env_handler(0, 0x80, note);
	env_handler(0, X86_BP, note);
	env_handler(0, X86_DB, note);
	assert_int_equal(env_run(), HV_EXIT_HYPERCALL);
}

/** The IDT lies in memory that the VMM gives back late: each delivery starts anew, the return
 * addresses hold. */
static void test_redelivery(void **state)
{
	uint32_t exits = 0;

	(void)state;
	make_int();
	unmap(ENV_IDT);
	while (env_run() == HV_EXIT_MEMORY) {
		assert_int_equal(exit_of()->memory.address & ~0xfffull, ENV_IDT);
		exits++;
		assert_int_equal(vcpu_get(env.vcpu[0], HV_X86_REGS_EVENT), HV_OK);
		assert_int_not_equal(page_regs()->pending.kind, HV_EVENT_NONE);
		assert_int_equal(page_regs()->pending.vector, exits == 1 ? 0x80 : exits);
		remap(ENV_IDT);
		env.page[0]->action = HV_ACTION_RETRY;
		if (exits > 1)
			break;
		assert_int_equal(env_run(), HV_EXIT_HYPERCALL);
		break;
	}
	assert_int_equal(exits, 1);
	assert_int_equal(env_notes, 6);
	assert_memory_equal(env_note, int_notes, sizeof(int_notes));
	env_end();
}

/** All three, each with its own exit during delivery. */
static void code_int_unmapped(struct model_cpu *cpu)
{
	env_flat(cpu);
	for (uint32_t i = 0; i < 3; i++) {
		model_hypercall(cpu, 0x1000, 0);
		if (i == 0)
			model_int(cpu, 0x80);
		else if (i == 1)
			model_int3(cpu);
		else
			model_int1(cpu);
	}
}

static void test_redelivery_each(void **state)
{
	static const uint64_t notes[] = {0x80, ENV_CODE + 5, X86_BP, ENV_CODE + 9, X86_DB, ENV_CODE + 13};

	(void)state;
	env_make(1, 0);
	env_code(0, code_int_unmapped);
	env_handler(0, 0x80, note);
	env_handler(0, X86_BP, note);
	env_handler(0, X86_DB, note);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(env_run(), HV_EXIT_HYPERCALL);
		unmap(ENV_IDT);
		assert_int_equal(env_run(), HV_EXIT_MEMORY);
		env.page[0]->action = HV_ACTION_RETRY;
		assert_int_equal(env_run(), HV_EXIT_MEMORY); /* again, as nothing has changed */
		remap(ENV_IDT);
		env.page[0]->action = HV_ACTION_RETRY;
	}
	env_expect_done();
	assert_int_equal(env_notes, 6);
	assert_memory_equal(env_note, notes, sizeof(notes));
	env_end();
}

/** External interrupts and NMIs come again too. */
static void code_enabled(struct model_cpu *cpu)
{
	env_flat(cpu);
	model_sti(cpu);
	model_nop(cpu);
	model_hypercall(cpu, 0x1000, 0);
	model_nop(cpu);
	model_nop(cpu);
}

static void test_redelivery_async(void **state)
{
	(void)state;
	for (uint32_t nmi = 0; nmi < 2; nmi++) {
		env_make(1, 0);
		env_code(0, code_enabled);
		env_handler(0, 0x55, note);
		env_handler(0, X86_NMI, note);
		assert_int_equal(env_run(), HV_EXIT_HYPERCALL);
		unmap(ENV_IDT);
		inject(nmi ? HV_EVENT_NMI : HV_EVENT_INTERRUPT, 0x55, false, 0, 0);
		assert_int_equal(env_run(), HV_EXIT_MEMORY);
		remap(ENV_IDT);
		env.page[0]->action = HV_ACTION_RETRY;
		env_expect_done();
		assert_int_equal(env_notes, 2);
		assert_int_equal(env_note[0], nmi ? X86_NMI : 0x55);
		assert_int_equal(env_note[1], ENV_CODE + 5);
		env_end();
	}
}

/* ------------------------------------------------------------------------------- trapped exceptions */

static void test_trapped(void **state)
{
	(void)state;
	make_int();
	assert_int_equal(vm_trap_exceptions(env.vm, 1u << X86_BP | 1u << X86_DB), HV_OK);
	assert_int_equal(env_run(), HV_EXIT_EXCEPTION);
	assert_int_equal(exit_of()->exception.vector, X86_BP);
	assert_int_equal(env_run(), HV_EXIT_EXCEPTION);
	assert_int_equal(exit_of()->exception.vector, X86_DB);
	env_expect_done();
	assert_int_equal(env_notes, 6);
	assert_memory_equal(env_note, int_notes, sizeof(int_notes));
	env_end();
}

static void code_page_fault(struct model_cpu *cpu)
{
	env_long(cpu);
	guest_unmap_far();
	model_hypercall(cpu, 0x1000, 0);
	env_add_note(model_load(cpu, FAR + 8, 4));
	env_add_note(model_state(cpu)->cr2);
}

static void test_trapped_page_fault(void **state)
{
	(void)state;
	env_make(1, 0);
	env_code(0, code_page_fault);
	env_handler(0, X86_PF, skip_ud2);
	assert_int_equal(vm_trap_exceptions(env.vm, 1u << X86_PF), HV_OK);
	assert_int_equal(env_run(), HV_EXIT_HYPERCALL);
	assert_int_equal(env_run(), HV_EXIT_EXCEPTION);
	assert_int_equal(exit_of()->exception.vector, X86_PF);
	assert_int_equal(exit_of()->exception.has_code, 1);
	assert_int_equal(exit_of()->exception.address, FAR + 8);
	env_expect_done();
	assert_int_equal(env_note[0], X86_PF | UINT64_C(0x10000));
	assert_int_equal(env_note[3], FAR + 8);
	env_end();
}

/* -------------------------------------------------------------------------- shadows, interrupt windows */

static void handler_irq(struct model_cpu *cpu, struct model_frame *frame)
{
	note(cpu, frame);
	model_wrmsr(cpu, 0x80b, 0);
}

static void to_x2apic(struct model_cpu *cpu)
{
	env_flat(cpu);
	model_wrmsr(cpu, IA32_APIC_BASE, 0xfee00d00);
}

#define X2APIC_CODE (ENV_CODE + 2u) /* behind that WRMSR */

static void code_shadow_sti(struct model_cpu *cpu)
{
	to_x2apic(cpu);
	model_wrmsr(cpu, 0x83f, 0x61);
	model_sti(cpu);
	model_nop(cpu); /* the interrupt comes behind this one */
	model_nop(cpu);
}

static void code_shadow_exit(struct model_cpu *cpu)
{
	to_x2apic(cpu);
	model_wrmsr(cpu, 0x83f, 0x61);
	model_sti(cpu);
	model_cpuid(cpu, 0, 0); /* emulated in the shadow: it ends with it */
	model_nop(cpu);
}

static void code_shadow_ss(struct model_cpu *cpu)
{
	to_x2apic(cpu);
	model_sti(cpu);
	model_nop(cpu);
	model_mov_ss(cpu);
	model_wrmsr(cpu, 0x83f, 0x61); /* requested in the shadow, by the instruction that ends it */
	model_nop(cpu);
}

static void code_sti_hlt(struct model_cpu *cpu)
{
	to_x2apic(cpu);
	model_wrmsr(cpu, 0x83f, 0x61);
	model_sti(cpu);
	model_hlt(cpu); /* doesn't sleep: the interrupt is there already */
	model_nop(cpu);
}

static void test_shadows(void **state)
{
	static const struct {
		model_code_t code;
		uint32_t rip;
	} cases[] = {{code_shadow_sti, 4}, {code_shadow_exit, 5}, {code_shadow_ss, 6}, {code_sti_hlt, 4}};

	(void)state;
	for (uint32_t assist = 0; assist < 2; assist++)
		for (uint32_t lengths = 0; lengths < 2; lengths++)
			for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
				model_features.apic_assist = assist;
				model_features.lengths = lengths;
				env_make(1, 0);
				env_code(0, cases[i].code);
				env_handler(0, 0x61, handler_irq);
				env_run_to_end();
				assert_int_equal(env_notes, 2);
				assert_int_equal(env_note[0], 0x61);
				assert_int_equal(env_note[1], X2APIC_CODE + cases[i].rip);
				assert_int_equal(process_counts.blocks, 0);
				env_end();
			}
	model_features.apic_assist = false;
	model_features.lengths = false;
}

/** Several at once: by priority, nested where the handler lets them. */
static void handler_open(struct model_cpu *cpu, struct model_frame *frame)
{
	note(cpu, frame);
	model_sti(cpu);
	model_nop(cpu);
	model_nop(cpu);
	model_cli(cpu);
	model_wrmsr(cpu, 0x80b, 0);
	env_add_note(0x1000 + frame->vector);
}

static void code_many(struct model_cpu *cpu)
{
	to_x2apic(cpu);
	model_wrmsr(cpu, 0x808, 0x50); /* TPR: class 5 and below wait */
	model_wrmsr(cpu, 0x83f, 0x51);
	model_wrmsr(cpu, 0x83f, 0x61);
	model_wrmsr(cpu, 0x83f, 0x71);
	model_sti(cpu);
	model_nop(cpu);
	model_nop(cpu);
	env_add_note(0xaaaa);
	model_wrmsr(cpu, 0x808, 0);
	model_nop(cpu);
	env_add_note(0xbbbb);
}

static void test_priorities(void **state)
{
	static const uint64_t expected[] = {0x71, 0x1071, 0x61, 0x1061, 0xaaaa, 0x51, 0x1051, 0xbbbb};

	(void)state;
	for (uint32_t assist = 0; assist < 2; assist++) {
		uint32_t at = 0;

		model_features.apic_assist = assist;
		env_make(1, 0);
		env_code(0, code_many);
		env_handler(0, 0x51, handler_open);
		env_handler(0, 0x61, handler_open);
		env_handler(0, 0x71, handler_open);
		env_run_to_end();
		for (uint32_t i = 0; i < env_notes; i++)
			if (env_note[i] < ENV_CODE || env_note[i] >= 0xaaaa)
				assert_int_equal(env_note[i], expected[at++]);
		assert_int_equal(at, 8);
		env_end();
	}
	model_features.apic_assist = false;
}

/** A legacy controller's interrupt, by the VMM: only where it is taken at once. */
static void code_windows(struct model_cpu *cpu)
{
	env_flat(cpu);
	model_hypercall(cpu, 0x1000, 0);
	model_nop(cpu);
	model_sti(cpu);
	model_nop(cpu);
	model_nop(cpu);
	model_cli(cpu);
	model_nop(cpu);
}

static void test_interrupt_window(void **state)
{
	(void)state;
	env_make(1, 0);
	env_code(0, code_windows);
	env_handler(0, 0x20, note);
	assert_int_equal(env_run(), HV_EXIT_HYPERCALL);
	assert_int_equal(env.page[0]->intr_ready, 0);
	inject(HV_EVENT_INTERRUPT, 0x20, false, 0, 0);
	assert_int_equal(vcpu_run(env.vcpu[0]), HV_E_STATE);
	env.page[0]->inject.kind = HV_EVENT_NONE;
	env.page[0]->request = HV_REQUEST_INTR_WINDOW;
	assert_int_equal(env_run(), HV_EXIT_INTR_WINDOW);
	assert_int_equal(env.page[0]->intr_ready, 1);
	assert_int_equal(vcpu_get(env.vcpu[0], HV_X86_REGS_GPR), HV_OK);
	assert_int_equal(page_regs()->rip, ENV_CODE + 6);
	inject(HV_EVENT_INTERRUPT, 0x20, false, 0, 0);
	env.page[0]->request = 0;
	env_expect_done();
	assert_int_equal(env_notes, 2);
	assert_int_equal(env_note[0], 0x20);
	assert_int_equal(env_note[1], ENV_CODE + 6);
	env_end();
}

/** Where LINT0 is masked, the 8259's interrupts don't come through: no window ever. */
static void code_lint0(struct model_cpu *cpu)
{
	to_x2apic(cpu);
	model_wrmsr(cpu, 0x835, 0x10000);
	model_sti(cpu);
	model_nop(cpu);
	model_nop(cpu);
}

static void test_no_window(void **state)
{
	(void)state;
	env_make(1, 0);
	env_code(0, code_lint0);
	env.page[0]->request = HV_REQUEST_INTR_WINDOW;
	env_expect_done();
	assert_int_equal(env.page[0]->intr_ready, 0);
	env_end();
}

/* -------------------------------------------------------------------------------------------- NMIs */

static void handler_nmi(struct model_cpu *cpu, struct model_frame *frame)
{
	note(cpu, frame);
	model_wrmsr(cpu, 0x830, 0x400); /* an NMI to this CPU: waits for IRET */
	model_nop(cpu);
	if (env_notes > 2) /* the second time: enough */
		return;
	env_add_note(0xeeee);
}

static void handler_nmi_once(struct model_cpu *cpu, struct model_frame *frame)
{
	note(cpu, frame);
	if (env_notes == 2) {
		model_wrmsr(cpu, 0x830, 0x400);
		model_nop(cpu);
		env_add_note(0xeeee);
	}
}

static void code_nmi(struct model_cpu *cpu)
{
	to_x2apic(cpu);
	model_wrmsr(cpu, 0x830, 0x400);
	model_nop(cpu);
}

static void test_nmi_blocking(void **state)
{
	(void)handler_nmi;
	(void)state;
	env_make(1, 0);
	env_code(0, code_nmi);
	env_handler(0, X86_NMI, handler_nmi_once);
	env_run_to_end();
	assert_int_equal(env_notes, 5);
	assert_int_equal(env_note[0], X86_NMI);
	assert_int_equal(env_note[1], X2APIC_CODE + 2);
	assert_int_equal(env_note[2], 0xeeee); /* not nested */
	assert_int_equal(env_note[3], X86_NMI);
	assert_int_equal(env_note[4], X2APIC_CODE + 2);
	env_end();
}

static void code_nmi_shadow(struct model_cpu *cpu)
{
	to_x2apic(cpu);
	model_mov_ss(cpu);
	model_wrmsr(cpu, 0x830, 0x400);
	model_nop(cpu);
}

static void test_nmi_shadow(void **state)
{
	(void)state;
	env_make(1, 0);
	env_code(0, code_nmi_shadow);
	env_handler(0, X86_NMI, note);
	env_run_to_end();
	assert_int_equal(env_notes, 2);
	assert_int_equal(env_note[1], X2APIC_CODE + 4);
	env_end();
}

static void code_nmi_window(struct model_cpu *cpu)
{
	to_x2apic(cpu);
	model_wrmsr(cpu, 0x830, 0x400);
	model_nop(cpu);
}

static void handler_ask(struct model_cpu *cpu, struct model_frame *frame)
{
	note(cpu, frame);
	model_hypercall(cpu, 0x1000, 0);
	model_nop(cpu);
}

static void test_nmi_window(void **state)
{
	(void)state;
	env_make(1, 0);
	env_code(0, code_nmi_window);
	env_handler(0, X86_NMI, handler_ask);
	assert_int_equal(env_run(), HV_EXIT_HYPERCALL); /* inside the handler */
	assert_int_equal(env.page[0]->nmi_ready, 0);
	env.page[0]->request = HV_REQUEST_NMI_WINDOW;
	assert_int_equal(env_run(), HV_EXIT_NMI_WINDOW);
	assert_int_equal(env.page[0]->nmi_ready, 1);
	env.page[0]->request = 0;
	env_expect_done();
	env_end();
}

/** An NMI and an interrupt at once: NMI first. */
static void code_both(struct model_cpu *cpu)
{
	to_x2apic(cpu);
	model_wrmsr(cpu, 0x83f, 0x61);
	model_sti(cpu);
	model_wrmsr(cpu, 0x830, 0x400);
	model_nop(cpu);
}

static void test_nmi_first(void **state)
{
	(void)state;
	env_make(1, 0);
	env_code(0, code_both);
	env_handler(0, X86_NMI, note);
	env_handler(0, 0x61, handler_irq);
	env_run_to_end();
	assert_int_equal(env_notes, 4);
	assert_int_equal(env_note[0], X86_NMI);
	assert_int_equal(env_note[2], 0x61);
	env_end();
}

/** NMIs, SIPIs and INITs between vCPUs. */
static void code_sender(struct model_cpu *cpu)
{
	to_x2apic(cpu);
	model_wrmsr(cpu, 0x830, UINT64_C(1) << 32 | 0x4500);
	model_wrmsr(cpu, 0x830, UINT64_C(1) << 32 | 0x4608);
}

static void code_started(struct model_cpu *cpu)
{
	env_add_note(model_state(cpu)->seg[HV_CS].selector);
	env_add_note(model_state(cpu)->rip);
	model_hypercall(cpu, 0x2000, 0);
}

static void test_startup(void **state)
{
	(void)state;
	env_make(2, 0);
	env_code(0, code_sender);
	env.guest[1].at[0].linear = 0x8000;
	env.guest[1].at[0].code = code_started;
	env.page[1]->dirty = 0;
	env_run_to_end();
	process_be_cpu(1);
	assert_int_equal(env_run_on(1), HV_EXIT_HYPERCALL);
	assert_int_equal(env.page[1]->exit.hypercall, 0x2000);
	assert_int_equal(env_note[0], 0x800);
	assert_int_equal(env_note[1], 0);
	process_be_cpu(0);
	env_end();
}

/* ------------------------------------------------------------------------------------- single steps */

static void code_steps(struct model_cpu *cpu)
{
	env_flat(cpu);
	model_hypercall(cpu, 0x1000, 0);
	model_nop(cpu);
	model_cpuid(cpu, 0, 0);
	model_nop(cpu);
	model_nop(cpu);
}

/** The VMM's single steps see every instruction, also those that the driver emulates. */
static void test_vmm_steps(void **state)
{
	static const uint32_t rips[] = {3, 4, 6, 7, 8}; /* the first one ends the hypercall */

	(void)state;
	env_make(1, 0);
	env_code(0, code_steps);
	assert_int_equal(env_run(), HV_EXIT_HYPERCALL);
	env.page[0]->request = HV_REQUEST_STEP;
	for (uint32_t i = 0; i < 5; i++) {
		assert_int_equal(env_run(), HV_EXIT_EXCEPTION);
		assert_int_equal(exit_of()->exception.vector, X86_DB);
		assert_int_equal(vcpu_get(env.vcpu[0], HV_X86_REGS_GPR), HV_OK);
		assert_int_equal(page_regs()->rip, ENV_CODE + rips[i]);
	}
	env.page[0]->request = 0;
	env_expect_done();
	env_end();
}

static void handler_db(struct model_cpu *cpu, struct model_frame *frame)
{
	env_add_note(frame->rip - ENV_CODE);
	env_add_note(model_state(cpu)->dr6 & DR6_BS);
	model_state(cpu)->dr6 = DR6_FIXED1;
	if (frame->rip >= ENV_CODE + 7)
		frame->rflags &= ~RFLAGS_TF;
}

static void code_guest_steps(struct model_cpu *cpu)
{
	env_flat(cpu);
	model_hypercall(cpu, 0x1000, 0);
	model_state(cpu)->rflags |= RFLAGS_TF;
	model_nop(cpu);
	model_cpuid(cpu, 0, 0);
	model_nop(cpu);
	model_nop(cpu);
}

/** The guest's own single steps: the trap comes behind an emulated instruction too. */
static void test_guest_steps(void **state)
{
	static const uint64_t expected[] = {4, DR6_BS, 6, DR6_BS, 7, DR6_BS};

	(void)state;
	env_make(1, 0);
	env_code(0, code_guest_steps);
	env_handler(0, X86_DB, handler_db);
	assert_int_equal(env_run(), HV_EXIT_HYPERCALL);
	env_expect_done();
	assert_int_equal(env_notes, 6);
	assert_memory_equal(env_note, expected, sizeof(expected));
	env_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vmm_exceptions),
		cmocka_unit_test(test_vmm_exceptions_malformed),
		cmocka_unit_test(test_real_mode),
		cmocka_unit_test(test_missing_gate),
		cmocka_unit_test(test_missing_stack),
		cmocka_unit_test(test_redelivery),
		cmocka_unit_test(test_redelivery_each),
		cmocka_unit_test(test_redelivery_async),
		cmocka_unit_test(test_trapped),
		cmocka_unit_test(test_trapped_page_fault),
		cmocka_unit_test(test_shadows),
		cmocka_unit_test(test_priorities),
		cmocka_unit_test(test_interrupt_window),
		cmocka_unit_test(test_no_window),
		cmocka_unit_test(test_nmi_blocking),
		cmocka_unit_test(test_nmi_shadow),
		cmocka_unit_test(test_nmi_window),
		cmocka_unit_test(test_nmi_first),
		cmocka_unit_test(test_startup),
		cmocka_unit_test(test_vmm_steps),
		cmocka_unit_test(test_guest_steps),
	};

	return cmocka_run_group_tests_name("inject", tests, NULL, NULL);
}
