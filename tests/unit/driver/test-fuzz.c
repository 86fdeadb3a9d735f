/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file test-fuzz.c
 * A hostile VMM and a hostile guest at once: every entry point with garbage, every field of the shared
 * page with garbage, while the guest executes instructions at random. The host must stay whole: sanitizers,
 * the assertions of host_process.c, and at the end every page back in its pool.
 *
 * A failing seed can be run alone: test-driver-fuzz SEED; many: test-driver-fuzz FIRST LAST.
 *
 * @verifies HV-010
 * @verifies HV-020
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pthread.h>

#include <cmocka.h>

#include "hypervisor/driver.h"
#include "lib/x86/regs.h"
#include "tests/unit/driver/env_driver.h"

#define SEEDS 120u
#define STEPS 150u

static uint64_t seed; /* the VMM's dice */
static uint64_t guest_seed;

static uint64_t roll(void)
{
	return process_random(&seed);
}

/** Numbers that matter to somebody. */
static uint64_t number(uint64_t *dice)
{
	static const uint64_t interesting[] = {
		0, 1, 2, 7, 8, 15, 16, 31, 32, 63, 64, 255, 256, 0xfff, 0x1000, 0xffff, 0x10000, 0xfee00000,
		0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x7fffffffffff, 0x800000000000,
		0xffff800000000000, 0xfffffffffffff000, 0x7fffffffffffffff, 0x8000000000000000,
		UINT64_MAX, ENV_DATA, ENV_TABLES, ENV_CODE,
	};
	uint64_t r = process_random(dice);

	if (r % 3 == 0)
		return interesting[(r >> 8) % (sizeof(interesting) / sizeof(interesting[0]))];
	return process_random(dice) >> (r >> 8) % 64;
}

static uint64_t any(void)
{
	return number(&seed);
}

static void fill(void *memory, size_t size)
{
	uint8_t *at = memory;

	for (size_t i = 0; i < size; i++)
		at[i] = (uint8_t)roll();
}

/* ---------------------------------------------------------------------------------------- the guest */

static uint64_t guest_any(void)
{
	return number(&guest_seed);
}

static uint32_t guest_size(void)
{
	return 1u << process_random(&guest_seed) % 3;
}

static void op_msr(struct model_cpu *cpu)
{
	static const uint32_t msrs[] = {IA32_APIC_BASE, IA32_TSC_DEADLINE, IA32_EFER, IA32_PAT, IA32_LSTAR,
					IA32_TIME_STAMP_COUNTER, IA32_MISC_ENABLE, IA32_FS_BASE};
	uint64_t r = process_random(&guest_seed);
	uint32_t msr = r % 2 ? 0x800 + (uint32_t)(r >> 8) % 0x40 : msrs[(r >> 8) % 8];

	if (r % 7 == 0)
		msr = (uint32_t)guest_any();
	if (r % 16 == 3) /* its word is data like any other */
		model_wrmsr(cpu, KVM_PV_EOI_EN, (r >> 8) % 4 == 0 ? guest_any() : ENV_DATA + 1);
	else if (r & 0x40)
		model_rdmsr(cpu, msr);
	else
		model_wrmsr(cpu, msr, guest_any());
}

static void op_ports(struct model_cpu *cpu)
{
	uint16_t port = (uint16_t)guest_any();

	switch (process_random(&guest_seed) % 4) {
	case 0:
		model_in(cpu, port, guest_size());
		break;
	case 1:
		model_out(cpu, port, guest_size(), (uint32_t)guest_any());
		break;
	case 2:
		model_ins(cpu, port, guest_size(), guest_any(), guest_any() % 5000);
		break;
	default:
		model_outs(cpu, port, guest_size(), guest_any(), guest_any() % 5000);
		break;
	}
}

static void op_memory(struct model_cpu *cpu)
{
	uint64_t address = guest_any();

	if (process_random(&guest_seed) % 4 == 0)
		address = 0xfee00000 + 16 * (process_random(&guest_seed) % 64);
	if ((address & 0xfff) > 0xff8)
		address -= 8;
	if (address >= ENV_CODE && address < ENV_HANDLERS + 0x8000)
		address = ENV_DATA;
	if (process_random(&guest_seed) & 1)
		model_load(cpu, address, 4);
	else
		model_store(cpu, address, 4, guest_any());
}

static void op_control(struct model_cpu *cpu)
{
	static const uint8_t crs[] = {0, 3, 4, 8};
	uint64_t r = process_random(&guest_seed);

	switch (r % 5) {
	case 0:
		model_mov_to_cr(cpu, crs[(r >> 8) % 4], guest_any());
		break;
	case 1:
		model_mov_from_cr(cpu, crs[(r >> 8) % 4]);
		break;
	case 2:
		model_mov_to_dr(cpu, (uint8_t)((r >> 8) % 8), guest_any());
		break;
	case 3:
		model_mov_from_dr(cpu, (uint8_t)((r >> 8) % 8));
		break;
	default:
		model_xsetbv(cpu, (uint32_t)(r >> 8) % 2, (r >> 16) % 16);
		break;
	}
}

static void op_event(struct model_cpu *cpu)
{
	uint64_t r = process_random(&guest_seed);

	switch (r % 7) {
	case 0:
		model_int(cpu, (uint8_t)(r >> 8));
		break;
	case 1:
		model_int3(cpu);
		break;
	case 2:
		model_fault(cpu, (uint8_t)((r >> 8) % 18 == 2 ? 0 : (r >> 8) % 18), 0, guest_any());
		break;
	case 3:
		model_sti(cpu);
		break;
	case 4:
		model_cli(cpu);
		break;
	case 5:
		model_mov_ss(cpu);
		break;
	default:
		model_hlt(cpu);
		break;
	}
}

static void op_odd(struct model_cpu *cpu)
{
	static void (*const ops[])(struct model_cpu *cpu) = {
		model_wbinvd, model_invd, model_rdpmc, model_monitor, model_mwait, model_vmrun, model_clts,
		model_sgdt, model_pause, model_external_nmi, model_smi, model_init_signal, model_nonsense,
	};
	uint64_t r = process_random(&guest_seed);

	if (r % 32 == 0)
		model_triple_fault(cpu);
	else if (r % 32 == 1)
		model_task_switch(cpu, (uint16_t)(r >> 8));
	else if (r % 8 == 2)
		model_lmsw(cpu, (uint16_t)(r >> 8));
	else
		ops[(r >> 8) % (sizeof(ops) / sizeof(ops[0]))](cpu);
}

static void guest_step(struct model_cpu *cpu)
{
	static void (*const ops[])(struct model_cpu *cpu) = {op_msr,	 op_ports, op_memory,
							     op_control, op_event, op_odd};
	uint64_t r = process_random(&guest_seed);

	if (r % 8 == 0)
		model_cpuid(cpu, (uint32_t)guest_any(), (uint32_t)guest_any());
	else if (r % 8 == 1)
		model_hypercall(cpu, guest_any(), guest_any());
	else
		ops[(r >> 8) % 6](cpu);
}

static void code_fuzz(struct model_cpu *cpu)
{
	for (;;) {
		uint64_t r = process_random(&guest_seed);

		model_state(cpu)->rip = ENV_CODE; /* JMP */
		if (r % 16 == 0)
			env_flat(cpu);
		else if (r % 16 == 1)
			env_long(cpu);
		for (uint32_t i = 0; i < 16; i++)
			guest_step(cpu);
	}
}

/** Back to the beginning, whatever it was. */
static void handler_fuzz(struct model_cpu *cpu, struct model_frame *frame)
{
	(void)cpu;
	if (process_random(&guest_seed) & 3)
		frame->rip = ENV_CODE - 1;
}

/* ------------------------------------------------------------------------------------------ the VMM */

static void garbage_page(uint32_t index)
{
	struct hv_vcpu_page *page = env.page[index];
	struct hv_x86_regs *regs = hv_x86_regs(page);
	uint8_t *bytes = (uint8_t *)regs;

	switch (roll() % 8) {
	case 0:
		fill(page, sizeof(*page));
		break;
	case 1: /* a good state with a few bits turned */
		(void)vcpu_get(env.vcpu[index], HV_X86_REGS_ALL);
		for (uint64_t i = roll() % 4; i > 0; i--)
			bytes[roll() % sizeof(*regs)] ^= (uint8_t)(1u << roll() % 8);
		page->dirty = (uint32_t)roll() & HV_X86_REGS_ALL;
		break;
	case 2:
		page->inject = (struct hv_event){.kind = (uint8_t)(roll() % 5), .vector = (uint8_t)roll(),
						 .has_code = (uint8_t)(roll() & 1), .code = (uint32_t)any(),
						 .address = any()};
		break;
	case 3:
		page->request = (uint8_t)(roll() % 10);
		break;
	case 4:
		page->action = (uint8_t)(roll() % 5);
		break;
	case 5:
		fill(&page->exit, sizeof(page->exit));
		break;
	default:
		break;
	}
}

static void random_memory(void)
{
	uint64_t where = roll() % 3 ? (roll() % 0x140) << 12 : any();
	uint64_t size = roll() % 3 ? (1 + roll() % 8) << 12 : any();
	uint64_t done;
	uint8_t buffer[64];

	switch (roll() % 5) {
	case 0:
		vm_map(env.vm, gpa(where), hpa(any()), size, (uint32_t)roll() & 15, &done);
		(void)vm_unmap(env.vm, gpa(where), size,
			       &done); /* memory that isn't there must not stay mapped */
		break;
	case 1:
		if (where >= ENV_RAM_SIZE)
			vm_unmap(env.vm, gpa(where), size, &done);
		break;
	case 2:
		vm_protect(env.vm, gpa(where), size, (uint32_t)roll() & 7, &done);
		break;
	case 3:
		vm_read(env.vm, gpa(where), buffer, roll() % (sizeof(buffer) + 1));
		break;
	default:
		fill(buffer, sizeof(buffer));
		vm_write(env.vm, gpa(where), buffer, roll() % (sizeof(buffer) + 1));
		break;
	}
}

static void random_policy(void)
{
	const struct hv_doorbell bell = {.address = any(), .value = any(), .space = (uint8_t)(roll() % 3),
					 .size = (uint8_t)(roll() % 10), .match = (uint8_t)(roll() % 3),
					 .signal = (uint8_t)(roll() % 70)};

	switch (roll() % 8) {
	case 0:
		vm_trap_ports(env.vm, (uint32_t)any(), (uint32_t)any(), (enum hv_port_policy)(roll() % 3));
		break;
	case 1:
		vm_trap_sysreg(env.vm, (uint32_t)any(), (uint32_t)any(), (enum hv_sysreg_policy)(roll() % 4));
		break;
	case 2:
		vm_trap(env.vm, any());
		break;
	case 3:
		vm_trap_exceptions(env.vm, (uint32_t)any());
		break;
	case 4:
		vm_trap_eoi(env.vm, (uint32_t)any(), roll() & 1);
		break;
	case 5:
		vm_doorbell_add(env.vm, &bell);
		break;
	case 6:
		vm_doorbell_remove(env.vm, &bell);
		break;
	default:
		vm_msi(env.vm, roll() & 1 ? 0xfee00000 | (roll() & 0xffffc) : any(), (uint32_t)any());
		break;
	}
}

static void random_transfer(uint32_t index)
{
	static uint32_t regs[256];
	static uint8_t area[4096];
	static struct hv_x86_cpuid rows[HV_X86_CPUID_ROWS];
	struct vcpu *vcpu = env.vcpu[index];
	uint32_t count = (uint32_t)(roll() % (HV_X86_CPUID_ROWS + 1)), fault;
	gpa_t to;

	switch (roll() % 9) {
	case 0:
		fill(regs, sizeof(regs));
		vcpu_apic_set(vcpu, regs);
		break;
	case 1:
		vcpu_apic_get(vcpu, regs);
		break;
	case 2:
		vcpu_fpu_get(vcpu, area, (uint32_t)(roll() % sizeof(area)));
		break;
	case 3:
		fill(area, roll() % sizeof(area));
		vcpu_fpu_set(vcpu, area, (uint32_t)(roll() % sizeof(area)));
		break;
	case 4:
		vm_cpuid_get(env.vm, rows, &count);
		break;
	case 5:
		rows[roll() % HV_X86_CPUID_ROWS].flags ^= (uint32_t)(1u << roll() % 4);
		((uint32_t *)&rows[roll() % HV_X86_CPUID_ROWS])[roll() % 8] ^= 1u << roll() % 32;
		vm_cpuid_set(env.vm, rows, count);
		break;
	case 6:
		vcpu_get(vcpu, (uint32_t)any());
		break;
	case 7:
		vcpu_translate(vcpu, gva(any()), (uint32_t)any(), &to, &fault);
		break;
	default:
		vcpu_kick(vcpu);
		break;
	}
}

/** After the end of the guest's world: a new one. */
static void revive(uint32_t index)
{
	struct hv_x86_regs *regs = hv_x86_regs(env.page[index]);

	assert_int_equal(vcpu_reset(env.vcpu[index]), HV_OK);
	assert_int_equal(vcpu_get(env.vcpu[index], HV_X86_REGS_ALL), HV_OK);
	regs->rip = ENV_CODE;
	regs->seg[HV_CS].base = 0;
	regs->seg[HV_CS].selector = 0;
	env.page[index]->dirty = HV_X86_REGS_GPR | HV_X86_REGS_SEG;
	env.page[index]->inject.kind = HV_EVENT_NONE;
	env.page[index]->request = 0;
	env.page[index]->action = HV_ACTION_RETRY;
	memset(env.ram + ENV_IDT, 0, 0x1000);
}

static void run(uint32_t index)
{
	const struct hv_vcpu_page *page = env.page[index];
	hv_status_t status = vcpu_run(env.vcpu[index]);

	if (status != HV_OK) {
		assert_true(status == HV_E_INVALID || status == HV_E_STATE);
		revive(index);
		return;
	}
	assert_in_range(page->exit.kind, HV_EXIT_NONE + 1, HV_EXIT_KINDS - 1);
	if (page->exit.kind == HV_EXIT_SHUTDOWN || page->exit.kind == HV_EXIT_INVALID ||
	    page->exit.kind == HV_EXIT_ERROR || page->exit.kind == HV_EXIT_TASK_SWITCH ||
	    page->exit.kind == HV_EXIT_HALT)
		revive(index);
	else if (page->exit.kind == HV_EXIT_MEMORY && (page->exit.memory.access & HV_PROT_EXEC))
		revive(index);
}

/** Nothing will ever happen, or too much does: the VMM's watchdog. */
static void watchdog(void)
{
	for (uint32_t i = 0; i < 2; i++)
		vcpu_kick(env.vcpu[i]);
}

static bool watchdog_idle(void)
{
	watchdog();
	return true;
}

static void fuzz_begin(uint64_t number_of_seed)
{
	seed = number_of_seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	guest_seed = seed ^ UINT64_C(0x5555);
	model_features.lengths = roll() & 1;
	model_features.io_details = roll() & 1;
	model_features.cr_operands = roll() & 1;
	model_features.apic_assist = roll() & 1;
	env_make(2, roll() & 1 ? 0 : roll() & ((UINT64_C(1) << HV_X86_INSNS) - 1));
	env_show_pv_eoi();
	process_tick_per_read(1000);
	process_on_idle = watchdog_idle;
	process_on_poll = watchdog;
	for (uint32_t i = 0; i < 2; i++) {
		env_code(i, code_fuzz);
		for (uint32_t vector = 0; vector < 256; vector++)
			if (roll() % 32)
				env_handler(i, (uint8_t)vector, handler_fuzz);
	}
}

static void fuzz(uint64_t number_of_seed)
{
	fuzz_begin(number_of_seed);
	for (uint32_t step = 0; step < STEPS; step++) {
		uint32_t index = (uint32_t)roll() & 1;

		garbage_page(index);
		if (roll() & 1)
			random_memory();
		if (roll() % 3 == 0)
			random_policy();
		if (roll() % 3 == 0)
			random_transfer(index);
		run(index);
	}
	process_on_poll = NULL; /* the end polls, too, when vCPUs are gone */
	env_end();
	memset(&model_features, 0, sizeof(model_features));
}

static void test_seeds(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < SEEDS; i++) {
		if (getenv("HYPIKE_TEST_LOG") != NULL)
			fprintf(stderr, "# seed %u\n", i);
		fuzz(i);
	}
}

/* ------------------------------------------------------------------- the page changes while it is read */

static uint32_t scribbling;

static void *scribble(void *arg)
{
	uint64_t dice = (uint64_t)(uintptr_t)arg;

	while (__atomic_load_n(&scribbling, __ATOMIC_RELAXED) != 0) {
		uint64_t r = process_random(&dice);
		volatile uint8_t *page = (volatile uint8_t *)env.page[r & 1];

		page[(r >> 8) % (r >> 63 ? 64 : HV_PAGE_SIZE)] = (uint8_t)(r >> 40);
	}
	return NULL;
}

/** Another thread of the VMM writes into the shared pages all the time. */
static void test_scribbler(void **state)
{
	pthread_t thread;

	(void)state;
	for (uint32_t i = 1000; i < 1030; i++) {
		fuzz_begin(i);
		__atomic_store_n(&scribbling, 1, __ATOMIC_RELAXED);
		pthread_create(&thread, NULL, scribble, (void *)(uintptr_t)(i * 77777));
		for (uint32_t step = 0; step < STEPS; step++) {
			uint32_t index = (uint32_t)roll() & 1;
			hv_status_t status = vcpu_run(env.vcpu[index]);

			assert_true(status == HV_OK || status == HV_E_INVALID || status == HV_E_STATE);
			if (roll() % 4 == 0)
				revive(index);
		}
		__atomic_store_n(&scribbling, 0, __ATOMIC_RELAXED);
		pthread_join(thread, NULL);
		process_on_poll = NULL;
		env_end();
	}
	memset(&model_features, 0, sizeof(model_features));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_seeds), cmocka_unit_test(test_scribbler)};

	if (argc > 1) {
		const uint64_t first = strtoull(argv[1], NULL, 0);
		const uint64_t end = argc > 2 ? strtoull(argv[2], NULL, 0) : first;

		for (uint64_t i = first; i <= end; i++) {
			printf("# seed %llu\n", (unsigned long long)i);
			fuzz(i);
		}
		return 0;
	}
	return cmocka_run_group_tests_name("fuzz", tests, NULL, NULL);
}
