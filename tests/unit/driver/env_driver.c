/* SPDX-License-Identifier: BSD-2-Clause */
/** @file env_driver.c The whole driver over the model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "hypervisor/driver.h"
#include "lib/x86/cpuid.h"
#include "lib/x86/regs.h"
#include "tests/unit/driver/env_driver.h"

extern const struct vendor_ops *const driver_vendors[];
const struct vendor_ops *const driver_vendors[] = {&model_ops, NULL};

struct env env;
uint64_t env_note[64];
uint32_t env_notes;

void env_add_note(uint64_t value)
{
	if (env_notes < 64)
		env_note[env_notes++] = value;
}

static void set_reset_rip(uint32_t index)
{
	struct hv_x86_regs *regs = hv_x86_regs(env.page[index]);

	assert_int_equal(vcpu_get(env.vcpu[index], HV_X86_REGS_ALL), HV_OK);
	regs->rip = ENV_CODE;
	regs->seg[HV_CS].base = 0;
	regs->seg[HV_CS].selector = 0;
	env.page[index]->dirty = HV_X86_REGS_GPR | HV_X86_REGS_SEG;
}

static void make_vcpu(uint32_t index)
{
	assert_int_equal(vcpu_create(env.vm, index, &env.vcpu[index], &env.page[index]), HV_OK);
	env.guest[index].handlers_at = ENV_HANDLERS;
	model_set_guest(env.vcpu[index], &env.guest[index]);
	set_reset_rip(index);
}

void env_make(uint32_t vcpus, uint64_t traps)
{
	const struct hv_vm_params params = {.vcpus = vcpus, .traps = traps};
	const char *reason;
	uint64_t done;

	process_reset();
	memset(&env, 0, sizeof(env));
	env_notes = 0;
	assert_int_equal(driver_init(&(struct driver_options){0}, &reason), HV_OK);
	assert_int_equal(driver_cpu_init(&reason), HV_OK);
	env.pool = process_pool(ENV_POOL_PAGES);
	assert_int_equal(vm_create(env.pool, &params, &env.vm), HV_OK);
	vm_set_signal(env.vm, host_thread_self());
	env.ram = process_ram(ENV_RAM_SIZE, HV_PAGE_SIZE);
	memset(env.ram, 0, ENV_RAM_SIZE);
	for (uint64_t at = 0; at < ENV_RAM_SIZE; at += done) {
		assert_int_equal(vm_map(env.vm, gpa(at), host_virt_to_phys(env.ram + at),
					ENV_RAM_SIZE - at, HV_PROT_ALL, &done),
				 HV_OK);
		assert_true(done != 0);
	}
	for (uint32_t i = 0; i < vcpus; i++)
		make_vcpu(i);
}

void env_end(void)
{
	assert_int_equal(vm_destroy(env.vm), HV_OK);
	assert_int_equal(process_pool_used(env.pool), 0);
	assert_int_equal(process_armed(), 0);
	driver_cpu_exit();
}

void env_show_pv_eoi(void)
{
	static struct hv_x86_cpuid rows[HV_X86_CPUID_ROWS];
	uint32_t count = HV_X86_CPUID_ROWS - 1, at = 0;

	assert_int_equal(vm_cpuid_get(env.vm, rows, &count), HV_OK);
	while (at < count && rows[at].leaf < CPUID_KVM_FEATURES)
		at++;
	memmove(&rows[at + 1], &rows[at], (count - at) * sizeof(rows[0]));
	rows[at] = (struct hv_x86_cpuid){.leaf = CPUID_KVM_FEATURES,
					 .eax = CPUID_KVM_FEATURES_EAX_PV_EOI};
	assert_int_equal(vm_cpuid_set(env.vm, rows, count + 1), HV_OK);
}

void env_code(uint32_t index, model_code_t start)
{
	env.guest[index].start = start;
}

void env_handler(uint32_t index, uint8_t vector, model_handler_t handler)
{
	env.guest[index].handler[vector] = handler;
}

/* --------------------------------------------------------------------------------- guest code */

static void common(struct model_cpu *cpu)
{
	struct hv_x86_regs *s = model_state(cpu);

	s->idtr.base = ENV_IDT;
	s->idtr.limit = 0xfff;
	s->gpr[HV_RSP] = ENV_STACK;
}

void env_flat(struct model_cpu *cpu)
{
	model_protected_mode(cpu);
	common(cpu);
}

void env_long(struct model_cpu *cpu)
{
	const uint64_t tables[3] = {ENV_TABLES + 0x1007, ENV_TABLES + 0x2007, 0x87};

	memcpy(env.ram + ENV_TABLES, &tables[0], 8);
	memcpy(env.ram + ENV_TABLES + 0x1000, &tables[1], 8);
	for (uint64_t i = 0; i < 512; i++) {
		uint64_t entry = tables[2] | i << 21;

		memcpy(env.ram + ENV_TABLES + 0x2000 + 8 * i, &entry, 8);
	}
	model_long_mode(cpu, ENV_TABLES);
	common(cpu);
}

void env_ring(struct model_cpu *cpu, uint32_t ring)
{
	struct hv_x86_regs *s = model_state(cpu);

	for (uint32_t i = HV_ES; i <= HV_GS; i++)
		s->seg[i].attr = (s->seg[i].attr & ~(3u << HV_SEG_DPL_SHIFT)) | ring << HV_SEG_DPL_SHIFT;
}

/* ------------------------------------------------------------------------------------------- running */

enum hv_exit_kind env_run_on(uint32_t index)
{
	hv_status_t status = vcpu_run(env.vcpu[index]);

	if (status != HV_OK)
		fail_msg("vcpu_run() returned %d", (int)status);
	return (enum hv_exit_kind)env.page[index]->exit.kind;
}

enum hv_exit_kind env_run(void)
{
	return env_run_on(0);
}

static void check_done(enum hv_exit_kind kind)
{
	if (kind == HV_EXIT_INVALID)
		fail_msg("entry refused: %s", model_refused(env.vcpu[0]));
	assert_int_equal(kind, HV_EXIT_HYPERCALL);
	assert_int_equal(env.page[0]->exit.hypercall, MODEL_DONE);
}

void env_expect_done(void)
{
	check_done(env_run());
}

void env_run_to_end(void)
{
	env_expect_done();
}
