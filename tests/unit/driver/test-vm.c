/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file test-vm.c
 * The driver's entry points one by one: what they do, what they refuse, and that each allocation may fail.
 *
 * @verifies HV-001
 * @verifies HV-002
 * @verifies HV-003
 * @verifies HV-020
 * @verifies HV-021
 * @verifies HV-050
 * @verifies HV-051
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hypervisor/driver.h"
#include "lib/x86/regs.h"
#include "tests/unit/driver/env_driver.h"

static struct hv_exit *exit_of(void)
{
	return &env.page[0]->exit;
}

/* --------------------------------------------------------------------------------- the driver itself */

static void test_driver(void **state)
{
	struct hv_caps caps;
	const char *reason = NULL;

	(void)state;
	process_reset();
	model_features.broken = true;
	assert_int_equal(driver_init(&(struct driver_options){0}, &reason), HV_E_UNSUPPORTED);
	assert_string_equal(reason, "this model has no virtualization");
	model_features.broken = false;
	assert_int_equal(driver_init(&(struct driver_options){0}, &reason), HV_OK);
	assert_string_equal(driver_name(), "model");
	driver_query(&caps);
	assert_int_equal(caps.version, HV_VERSION);
	assert_int_equal(caps.vendor, HV_VENDOR_MODEL);
	assert_int_equal(caps.max_vcpus, HV_MAX_VCPUS);
	assert_int_equal(caps.tsc_khz, PROCESS_TSC_KHZ);
	assert_int_equal(caps.guest_phys_limit, NPT_LIMIT);
}

static void test_create_refused(void **state)
{
	static const struct hv_vm_params bad[] = {
		{.vcpus = 0}, {.vcpus = HV_MAX_VCPUS + 1}, {.vcpus = UINT32_MAX}, {.vcpus = 1, .flags = 1},
		{.vcpus = 1, .traps = UINT64_C(1) << HV_X86_INSNS}, {.vcpus = 1, .traps = UINT64_MAX},
	};
	struct hv_vcpu_page *page;
	struct vcpu *vcpu;
	struct vm *vm;

	(void)state;
	env_make(2, 0);
	for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(vm_create(env.pool, &bad[i], &vm), HV_E_INVALID);
	assert_int_equal(vcpu_create(env.vm, 2, &vcpu, &page), HV_E_INVALID);
	assert_int_equal(vcpu_create(env.vm, UINT32_MAX, &vcpu, &page), HV_E_INVALID);
	assert_int_equal(vcpu_create(env.vm, 1, &vcpu, &page), HV_E_EXISTS);
	env_end();
}

/** Everything that a VM needs, with the n-th allocation failing, for every n: an error, and nothing
 * is lost. */
static hv_status_t build_all(struct host_pool *pool, struct vm **vm)
{
	const struct hv_vm_params params = {.vcpus = 3};
	struct hv_vcpu_page *page;
	struct vcpu *vcpu;
	uint64_t done;
	hv_status_t status = vm_create(pool, &params, vm);

	for (uint32_t i = 0; i < 3 && status == HV_OK; i++)
		status = vcpu_create(*vm, i, &vcpu, &page);
	if (status == HV_OK)
		status = vm_map(*vm, gpa(0x1000), hpa(0), 0x1000, HV_PROT_ALL, &done);
	if (status == HV_OK)
		status = vm_map(*vm, gpa(0x40000000), hpa(0), 0x40000000, HV_PROT_ALL, &done);
	if (status == HV_OK)
		status = vm_unmap(*vm, gpa(0x40001000), 0x1000, &done);
	if (status == HV_OK)
		status = vm_protect(*vm, gpa(0x40202000), 0x1000, HV_PROT_READ, &done);
	return status;
}

static void test_no_memory(void **state)
{
	const char *reason;
	uint32_t n;

	(void)state;
	for (n = 0;; n++) {
		struct host_pool *pool;
		struct vm *vm = NULL;
		hv_status_t status;

		process_reset();
		assert_int_equal(driver_init(&(struct driver_options){0}, &reason), HV_OK);
		pool = process_pool(ENV_POOL_PAGES);
		process_pool_fail(pool, n);
		status = build_all(pool, &vm);
		if (vm != NULL)
			assert_int_equal(vm_destroy(vm), HV_OK);
		assert_int_equal(process_pool_used(pool), 0);
		if (!process_pool_failed(pool)) {
			assert_int_equal(status, HV_OK);
			break;
		}
		assert_int_equal(status, HV_E_NOMEM);
	}
	assert_true(n > 10);
}

/** The same with a pool of every size. */
static void test_small_pools(void **state)
{
	const char *reason;
	hv_status_t status = HV_E_NOMEM;

	(void)state;
	for (uint32_t pages = 0; status != HV_OK; pages++) {
		struct host_pool *pool;
		struct vm *vm = NULL;

		assert_true(pages < 200);
		process_reset();
		assert_int_equal(driver_init(&(struct driver_options){0}, &reason), HV_OK);
		pool = process_pool(pages);
		status = build_all(pool, &vm);
		if (vm != NULL)
			assert_int_equal(vm_destroy(vm), HV_OK);
		assert_int_equal(process_pool_used(pool), 0);
	}
}

/* ------------------------------------------------------------------------------------------- memory */

static void test_map_arguments(void **state)
{
	static const struct {
		uint64_t where, from, size;
		uint32_t prot;
		hv_status_t status;
	} cases[] = {
		{0x200000, 0, 0x1000, HV_PROT_WRITE, HV_E_INVALID},
		{0x200000, 0, 0x1000, HV_PROT_EXEC, HV_E_INVALID},
		{0x200000, 0, 0x1000, 0x100, HV_E_INVALID},
		{0x200001, 0, 0x1000, HV_PROT_ALL, HV_E_INVALID},
		{0x200000, 1, 0x1000, HV_PROT_ALL, HV_E_INVALID},
		{0x200000, 0, 1, HV_PROT_ALL, HV_E_INVALID},
		{UINT64_MAX - 0xfff, 0, 0x2000, HV_PROT_ALL, HV_E_INVALID},
		{NPT_LIMIT, 0, 0x1000, HV_PROT_ALL, HV_E_INVALID},
		{0x200000, UINT64_MAX - 0xfff, 0x1000, HV_PROT_ALL, HV_E_INVALID},
		{0, 0, 0x1000, HV_PROT_ALL, HV_E_EXISTS},
	};
	uint8_t byte;
	uint64_t done;

	(void)state;
	env_make(1, 0);
	for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		done = 77;
		assert_int_equal(vm_map(env.vm, gpa(cases[i].where), hpa(cases[i].from), cases[i].size,
					cases[i].prot, &done),
				 cases[i].status);
		assert_int_equal(done, 0);
	}
	assert_int_equal(vm_protect(env.vm, gpa(0x200000), 0x1000, HV_PROT_READ, &done), HV_E_FAULT);
	assert_int_equal(vm_read(env.vm, gpa(0x200000), &byte, 1), HV_E_FAULT);
	assert_int_equal(vm_read(env.vm, gpa(0), &byte, HV_PAGE_SIZE + 1), HV_E_INVALID);
	assert_int_equal(vm_write(env.vm, gpa(UINT64_MAX), &byte, 1), HV_E_FAULT);
	assert_int_equal(vm_write(env.vm, gpa(ENV_RAM_SIZE - 1), "ab", 2), HV_E_FAULT);
	assert_int_equal(vm_write(env.vm, gpa(0xfff), "ab", 2), HV_OK);
	assert_memory_equal(env.ram + 0xfff, "ab", 2);
	env_end();
}

static void code_load(struct model_cpu *cpu)
{
	env_flat(cpu);
	env_add_note(model_load(cpu, ENV_DATA, 4));
	model_hypercall(cpu, 0x1000, 0);
	env_add_note(model_load(cpu, ENV_DATA, 4));
}

/** Unmapping makes the vCPU forget. */
static void test_unmap_flushes(void **state)
{
	uint64_t before, done;

	(void)state;
	env_make(1, 0);
	env_code(0, code_load);
	assert_int_equal(env_run(), HV_EXIT_HYPERCALL);
	before = model_flushes(env.vcpu[0]);
	assert_int_equal(vm_unmap(env.vm, gpa(ENV_DATA), 0x1000, &done), HV_OK);
	assert_int_equal(env_run(), HV_EXIT_MEMORY);
	assert_true(model_flushes(env.vcpu[0]) > before);
	assert_int_equal(exit_of()->memory.mapped, 0);
	env_end();
}

static void code_translate(struct model_cpu *cpu)
{
	env_long(cpu);
	model_hypercall(cpu, 0x1000, 0);
}

static void test_translate(void **state)
{
	uint32_t fault = 99;
	gpa_t to;

	(void)state;
	env_make(1, 0);
	env_code(0, code_translate);
	assert_int_equal(vcpu_translate(env.vcpu[0], gva(0x1234), HV_PROT_READ, &to, NULL), HV_OK);
	assert_int_equal(to.raw, 0x1234); /* no paging yet */
	assert_int_equal(env_run(), HV_EXIT_HYPERCALL);
	assert_int_equal(vcpu_translate(env.vcpu[0], gva(0x12345678), HV_PROT_ALL, &to, &fault), HV_OK);
	assert_int_equal(to.raw, 0x12345678);
	assert_int_equal(vcpu_translate(env.vcpu[0], gva(0x40000000), HV_PROT_WRITE, &to, &fault),
			 HV_E_FAULT);
	assert_int_equal(fault, PFERR_W);
	assert_int_equal(vcpu_translate(env.vcpu[0], gva(0x40000000), HV_PROT_WRITE, &to, NULL), HV_E_FAULT);
	assert_true(vcpu_translate(env.vcpu[0], gva(UINT64_C(0x800000000000)), HV_PROT_READ, &to,
				   &fault) != HV_OK);
	assert_true(vcpu_translate(env.vcpu[0], gva(0), 0x100, &to, &fault) != HV_OK);
	env_end();
}

/* ----------------------------------------------------------------------------------------- doorbells */

static void code_doorbells(struct model_cpu *cpu)
{
	env_long(cpu);
	model_out(cpu, 0x500, 2, 0x1234);
	model_out(cpu, 0x500, 1, 0x34);
	model_out(cpu, 0x501, 4, 7);
	model_out(cpu, 0x501, 4, 8);
	model_store(cpu, 0x200010, 4, 99);
	model_store(cpu, 0x200010, 8, 99);
	model_store(cpu, 0x200020, 1, 1);
}

static void test_doorbells(void **state)
{
	static const struct hv_doorbell bells[] = {
		{.space = HV_DOORBELL_PORT, .address = 0x500, .size = 2, .signal = 3},
		{.space = HV_DOORBELL_PORT, .address = 0x501, .match = 1, .value = 7, .signal = 63},
		{.space = HV_DOORBELL_MEMORY, .address = 0x200010, .size = 4, .signal = 0},
		{.space = HV_DOORBELL_MEMORY, .address = 0x200020, .signal = 5},
	};

	(void)state;
	env_make(1, 0);
	env_code(0, code_doorbells);
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(vm_doorbell_add(env.vm, &bells[i]), HV_OK);
		assert_int_equal(vm_doorbell_add(env.vm, &bells[i]), HV_E_EXISTS);
	}
	assert_int_equal(env_run(), HV_EXIT_PORT);
	assert_int_equal(exit_of()->port.port, 0x500);
	assert_int_equal(exit_of()->port.size, 1);
	assert_int_equal(process_notified(), UINT64_C(1) << 3);
	assert_int_equal(env_run(), HV_EXIT_PORT);
	assert_int_equal(exit_of()->port.value, 8);
	assert_int_equal(process_notified(), UINT64_C(1) << 63);
	assert_int_equal(env_run(), HV_EXIT_MEMORY);
	assert_int_equal(exit_of()->memory.size, 8);
	assert_int_equal(process_notified(), 1);
	env_expect_done();
	assert_int_equal(process_notified(), UINT64_C(1) << 5);
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(vm_doorbell_remove(env.vm, &bells[i]), HV_OK);
		assert_int_equal(vm_doorbell_remove(env.vm, &bells[i]), HV_E_NOENT);
	}
	env_end();
}

static void test_doorbells_refused(void **state)
{
	static const struct hv_doorbell bad[] = {
		{.space = 2}, {.space = 255}, {.signal = 64}, {.signal = 255}, {.match = 2}, {.size = 3},
		{.size = 5}, {.size = 16}, {.size = 8}, {.address = 0x10000}, {.address = UINT64_MAX},
		{.space = HV_DOORBELL_MEMORY, .address = NPT_LIMIT},
		{.space = HV_DOORBELL_MEMORY, .address = UINT64_MAX},
	};

	(void)state;
	env_make(1, 0);
	for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(vm_doorbell_add(env.vm, &bad[i]), HV_E_INVALID);
		assert_true(vm_doorbell_remove(env.vm, &bad[i]) != HV_OK);
	}
	env_end();
}

/** Add and remove at random, against an array; the table never loses one or keeps a dead one. */
static void test_doorbells_random(void **state)
{
	static bool there[64];
	uint64_t seed = 99;
	uint32_t count = 0, full = 0;

	(void)state;
	env_make(1, 0);
	memset(there, 0, sizeof(there));
	for (uint32_t i = 0; i < 20000; i++) {
		uint32_t n = (uint32_t)(process_random(&seed) % 64);
		const struct hv_doorbell bell = {
		    .space = n & 1, .address = (n / 4) * 8, .size = n & 2 ? 4 : 0};
		hv_status_t status;

		if (process_random(&seed) & 1) {
			status = vm_doorbell_add(env.vm, &bell);
			if (status == HV_E_FULL) {
				assert_int_equal(count, 32);
				full++;
				continue;
			}
			assert_int_equal(status, there[n] ? HV_E_EXISTS : HV_OK);
			count += !there[n];
			there[n] = true;
		} else {
			assert_int_equal(vm_doorbell_remove(env.vm, &bell), there[n] ? HV_OK : HV_E_NOENT);
			count -= there[n];
			there[n] = false;
		}
	}
	assert_true(full > 0);
	env_end();
}

/* ------------------------------------------------------------------------------------ custom handlers */

static uint32_t handled;

static enum driver_verdict pass(void *arg, struct vcpu *vcpu, struct hv_vcpu_page *page)
{
	assert_ptr_equal(arg, &handled);
	assert_ptr_equal(vcpu, env.vcpu[0]);
	assert_ptr_equal(page, env.page[0]);
	handled++;
	return DRIVER_PASS;
}

static enum driver_verdict to_vmm(void *arg, struct vcpu *vcpu, struct hv_vcpu_page *page)
{
	(void)arg;
	(void)vcpu;
	handled++;
	page->exit.id.leaf = 0x7777;
	return DRIVER_TO_VMM;
}

static void code_two_cpuids(struct model_cpu *cpu)
{
	env_flat(cpu);
	model_cpuid(cpu, 0, 0);
	model_cpuid(cpu, 0, 0);
}

static void test_handlers(void **state)
{
	(void)state;
	env_make(1, 0);
	env_code(0, code_two_cpuids);
	handled = 0;
	assert_int_equal(vm_set_handler(env.vm, HV_EXIT_KINDS, pass, NULL), HV_E_INVALID);
	assert_int_equal(vm_set_handler(env.vm, (enum hv_exit_kind)UINT32_MAX, pass, NULL), HV_E_INVALID);
	assert_int_equal(vm_set_handler(env.vm, HV_EXIT_ID, pass, &handled), HV_OK);
	env_run_to_end();
	assert_int_equal(handled, 2);
	assert_int_equal(vm_set_handler(env.vm, HV_EXIT_ID, NULL, NULL), HV_OK);
	env_end();
	env_make(1, 0);
	env_code(0, code_two_cpuids);
	assert_int_equal(vm_set_handler(env.vm, HV_EXIT_ID, to_vmm, NULL), HV_OK);
	assert_int_equal(env_run(), HV_EXIT_ID);
	assert_int_equal(exit_of()->id.leaf, 0x7777);
	env_end();
}

/* -------------------------------------------------------------------------------------------- policies */

static void test_policies_refused(void **state)
{
	(void)state;
	env_make(1, 0);
	assert_int_equal(vm_trap_ports(env.vm, 0xffff, 2, HV_PORT_EXIT), HV_E_INVALID);
	assert_int_equal(vm_trap_ports(env.vm, 0x10000, 1, HV_PORT_EXIT), HV_E_INVALID);
	assert_int_equal(vm_trap_ports(env.vm, 1, UINT32_MAX, HV_PORT_EXIT), HV_E_INVALID);
	assert_int_equal(vm_trap_ports(env.vm, 0, 1, (enum hv_port_policy)2), HV_E_INVALID);
	assert_int_equal(vm_trap_ports(env.vm, 0, 1, (enum hv_port_policy)UINT32_MAX), HV_E_INVALID);
	assert_int_equal(vm_trap_ports(env.vm, 0, 65536, HV_PORT_ABSENT), HV_OK);
	assert_int_equal(vm_trap_sysreg(env.vm, 0, 0, HV_SYSREG_EXIT), HV_E_INVALID);
	assert_int_equal(vm_trap_sysreg(env.vm, UINT32_MAX, 2, HV_SYSREG_EXIT), HV_E_INVALID);
	assert_int_equal(vm_trap_sysreg(env.vm, 0, 1, (enum hv_sysreg_policy)3), HV_E_INVALID);
	assert_int_equal(vm_trap_sysreg(env.vm, UINT32_MAX, 1, HV_SYSREG_FAULT), HV_OK);
	for (uint32_t i = 1; i < 100; i++) {
		hv_status_t status = vm_trap_sysreg(env.vm, i * 16, 1, HV_SYSREG_EXIT);

		assert_true(status == HV_OK || status == HV_E_FULL);
	}
	assert_int_equal(vm_trap(env.vm, UINT64_MAX), HV_E_INVALID);
	assert_int_equal(vm_trap_eoi(env.vm, 15, true), HV_E_INVALID);
	assert_int_equal(vm_trap_eoi(env.vm, 256, true), HV_E_INVALID);
	assert_int_equal(vm_trap_exceptions(env.vm, UINT32_MAX), HV_OK);
	assert_int_equal(vm_msi(env.vm, UINT64_MAX, UINT32_MAX), HV_E_INVALID);
	assert_int_equal(vcpu_get(env.vcpu[0], UINT32_MAX), HV_E_INVALID);
	env_end();
}

/* ---------------------------------------------------------------------------------- end of interrupt */

static void code_eoi(struct model_cpu *cpu)
{
	env_flat(cpu);
	model_wrmsr(cpu, IA32_APIC_BASE, 0xfee00d00);
	model_sti(cpu);
	model_nop(cpu);
	model_hypercall(cpu, 0x1000, 0);
	model_nop(cpu);
}

static void handler_eoi(struct model_cpu *cpu, struct model_frame *frame)
{
	env_add_note(frame->vector);
	model_wrmsr(cpu, 0x80b, 0);
	env_add_note(0xe0);
}

static void test_eoi(void **state)
{
	(void)state;
	for (uint32_t assist = 0; assist < 2; assist++) {
		model_features.apic_assist = assist;
		env_make(1, 0);
		env_code(0, code_eoi);
		env_handler(0, 0x55, handler_eoi);
		env_handler(0, 0x66, handler_eoi);
		assert_int_equal(vm_trap_eoi(env.vm, 0x55, true), HV_OK);
		assert_int_equal(env_run(), HV_EXIT_HYPERCALL);
		assert_int_equal(vm_msi(env.vm, 0xfee00000, 0xc055), HV_OK);
		assert_int_equal(vm_msi(env.vm, 0xfee00000, 0x66), HV_OK);
		assert_int_equal(env_run(), HV_EXIT_EOI);
		assert_int_equal(exit_of()->eoi_vector, 0x55);
		assert_int_equal(env_notes, 3);
		assert_int_equal(env_note[0], 0x66);
		assert_int_equal(env_note[2], 0x55);
		env_expect_done();
		assert_int_equal(env_notes, 4);
		env_end();
	}
	model_features.apic_assist = false;
}

/* --------------------------------------------------------------------------------------------- CPUID */

static void test_cpuid_table(void **state)
{
	static struct hv_x86_cpuid rows[HV_X86_CPUID_ROWS], more[HV_X86_CPUID_ROWS];
	uint32_t count = HV_X86_CPUID_ROWS, few = 1, again = HV_X86_CPUID_ROWS;

	(void)state;
	env_make(1, 0);
	assert_int_equal(vm_cpuid_get(env.vm, rows, &count), HV_OK);
	assert_true(count > 5 && count <= HV_X86_CPUID_ROWS);
	assert_true(vm_cpuid_get(env.vm, more, &few) != HV_OK || few == 1);
	memcpy(more, rows, sizeof(rows));
	for (uint32_t i = 0; i < count; i++)
		if (rows[i].leaf == 1)
			more[i].ecx |= 1u << 5; /* VMX */
	assert_int_equal(vm_cpuid_set(env.vm, more, count), HV_E_UNSUPPORTED);
	assert_true(vm_cpuid_set(env.vm, rows, HV_X86_CPUID_ROWS + 1) != HV_OK);
	assert_true(vm_cpuid_set(env.vm, rows, UINT32_MAX) != HV_OK);
	for (uint32_t i = 0; i < count; i++)
		if (rows[i].leaf == 1)
			rows[i].edx &= ~(1u << 25);
	assert_int_equal(vm_cpuid_set(env.vm, rows, count), HV_OK);
	assert_int_equal(vm_cpuid_get(env.vm, more, &again), HV_OK);
	assert_int_equal(again, count);
	env_end();
}

/* ---------------------------------------------------------------------------------------- APIC, FPU */

static void test_apic_transfer(void **state)
{
	uint32_t regs[256], again[256];

	(void)state;
	env_make(1, 0);
	assert_int_equal(vcpu_apic_get(env.vcpu[0], regs), HV_OK);
	assert_int_equal(regs[LAPIC_VERSION / 4], 0x50014);
	regs[LAPIC_IRR / 4 + 8] = 1u << 3; /* 43h */
	regs[LAPIC_ISR / 4 + 4] = 1u << 1; /* 21h */
	regs[LAPIC_TPR / 4] = 0x10;
	assert_int_equal(vcpu_apic_set(env.vcpu[0], regs), HV_OK);
	assert_int_equal(vcpu_apic_get(env.vcpu[0], again), HV_OK);
	assert_int_equal(again[LAPIC_IRR / 4 + 8], 1u << 3);
	assert_int_equal(again[LAPIC_ISR / 4 + 4], 1u << 1);
	assert_int_equal(again[LAPIC_PPR / 4], 0x20);
	assert_int_equal(lapic_pending(env.vcpu[0]), 0x43);
	memset(regs, 0xff, sizeof(regs));
	assert_int_equal(vcpu_apic_set(env.vcpu[0], regs), HV_OK);
	assert_int_equal(vcpu_apic_get(env.vcpu[0], again), HV_OK);
	assert_int_equal(again[LAPIC_ID / 4], 0);
	env_end();
}

static void test_fpu_transfer(void **state)
{
	static uint8_t area[4096], again[4096];
	uint32_t size = host_fpu_size();

	(void)state;
	env_make(1, 0);
	assert_int_equal(vcpu_fpu_get(env.vcpu[0], area, size), HV_OK);
	assert_int_equal(area[24] | area[25] << 8, 0x1f80);
	assert_int_equal(vcpu_fpu_get(env.vcpu[0], area, size + 1), HV_E_INVALID);
	assert_int_equal(vcpu_fpu_set(env.vcpu[0], area, size + 1), HV_E_INVALID);
	assert_int_equal(vcpu_fpu_set(env.vcpu[0], area, UINT32_MAX), HV_E_INVALID);
	area[160] = 0x55;
	assert_int_equal(vcpu_fpu_set(env.vcpu[0], area, size), HV_OK);
	assert_int_equal(vcpu_fpu_get(env.vcpu[0], again, size), HV_OK);
	assert_memory_equal(area, again, size);
	area[27] = 0x80; /* reserved bits of MXCSR */
	assert_int_equal(vcpu_fpu_set(env.vcpu[0], area, size), HV_E_INVALID);
	area[27] = 0;
	area[513] = 0x10; /* a component that the host doesn't save */
	assert_int_equal(vcpu_fpu_set(env.vcpu[0], area, size), HV_E_INVALID);
	area[513] = 0;
	area[527] = 0x80; /* XCOMP_BV: compacted format */
	assert_int_equal(vcpu_fpu_set(env.vcpu[0], area, size), HV_E_INVALID);
	for (uint32_t i = 0; i < size; i++)
		assert_true(vcpu_fpu_set(env.vcpu[0], again, i) <= 0);
	env_end();
}

/* -------------------------------------------------------------------------------------- ownership */

static void code_claim(struct model_cpu *cpu)
{
	env_flat(cpu);
	model_hypercall(cpu, 0x1000, 0);
}

/** Set up by one CPU, run by another; after that it stays there. */
static void test_binding(void **state)
{
	(void)state;
	env_make(1, 0);
	env_code(0, code_claim);
	process_be_cpu(3);
	assert_int_equal(env_run(), HV_EXIT_HYPERCALL);
	process_be_cpu(0);
	assert_int_equal(vcpu_run(env.vcpu[0]), HV_E_STATE);
	assert_int_equal(vcpu_get(env.vcpu[0], HV_X86_REGS_GPR), HV_E_STATE);
	process_be_cpu(3);
	env_expect_done();
	assert_int_equal(process_armed(), 0);
	env_end();
	process_be_cpu(0);
}

/** While it runs nobody else can touch it, and the VM can't be destroyed. */
static void in_the_middle(void)
{
	uint32_t regs[256];

	process_on_poll = NULL;
	env_add_note(1);
	assert_int_equal(vcpu_run(env.vcpu[0]), HV_E_BUSY);
	assert_int_equal(vcpu_get(env.vcpu[0], HV_X86_REGS_GPR), HV_E_BUSY);
	assert_int_equal(vcpu_reset(env.vcpu[0]), HV_E_BUSY);
	assert_int_equal(vcpu_apic_get(env.vcpu[0], regs), HV_E_BUSY);
	assert_int_equal(vcpu_fpu_get(env.vcpu[0], regs, 16), HV_E_BUSY);
	assert_int_equal(vm_destroy(env.vm), HV_E_BUSY);
	assert_int_equal(vm_set_handler(env.vm, HV_EXIT_ID, NULL, NULL), HV_E_BUSY);
}

static void test_busy(void **state)
{
	(void)state;
	env_make(1, 0);
	env_code(0, code_claim);
	process_on_poll = in_the_middle;
	process_interrupt(0);
	assert_int_equal(env_run(), HV_EXIT_HYPERCALL);
	assert_int_equal(env_notes, 1);
	env_end();
}

static void test_stats(void **state)
{
	struct hv_stats stats;

	(void)state;
	env_make(1, 0);
	env_code(0, code_two_cpuids);
	env_run_to_end();
	vcpu_stats(env.vcpu[0], &stats);
	assert_int_equal(stats.settled[HV_EXIT_ID], 2);
	assert_int_equal(stats.handed[HV_EXIT_HYPERCALL], 1);
	assert_int_equal(stats.entries, 3);
	assert_int_equal(stats.entries, model_entries(env.vcpu[0]));
	assert_true(stats.table_pages >= 4);
	env_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_driver),
		cmocka_unit_test(test_create_refused),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_small_pools),
		cmocka_unit_test(test_map_arguments),
		cmocka_unit_test(test_unmap_flushes),
		cmocka_unit_test(test_translate),
		cmocka_unit_test(test_doorbells),
		cmocka_unit_test(test_doorbells_refused),
		cmocka_unit_test(test_doorbells_random),
		cmocka_unit_test(test_handlers),
		cmocka_unit_test(test_policies_refused),
		cmocka_unit_test(test_eoi),
		cmocka_unit_test(test_cpuid_table),
		cmocka_unit_test(test_apic_transfer),
		cmocka_unit_test(test_fpu_transfer),
		cmocka_unit_test(test_binding),
		cmocka_unit_test(test_busy),
		cmocka_unit_test(test_stats),
	};

	return cmocka_run_group_tests_name("vm", tests, NULL, NULL);
}
