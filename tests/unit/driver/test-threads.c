/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file test-threads.c
 * Real threads: two vCPUs that run, send each other interrupts and halt, while other threads map and unmap
 * their memory, raise interrupts, kick, and change what traps. Built under ASan and under TSan.
 *
 * @verifies HV-002
 * @verifies HV-071
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <pthread.h>
#include <sched.h>

#include <cmocka.h>

#include "hypervisor/driver.h"
#include "lib/x86/regs.h"
#include "tests/unit/driver/env_driver.h"

#define ROUNDS	   1500u
#define WINDOW	   UINT64_C(0x400000) /* mapped and unmapped while the guests look at it */
#define WINDOW_END (WINDOW + 0x8000u)

static uint32_t stop;
static uint32_t taken[2];   /* interrupts that each vCPU's handlers have seen */
static uint32_t results[HOST_MAX_CPUS];
static uint8_t *window_ram;

static bool stopped(void)
{
	return __atomic_load_n(&stop, __ATOMIC_ACQUIRE) != 0;
}

/* ------------------------------------------------------------------------------------------- guests */

static void handler_count(struct model_cpu *cpu, struct model_frame *frame)
{
	(void)frame;
	__atomic_add_fetch(&taken[model_vcpu(cpu)->index], 1, __ATOMIC_RELAXED);
	model_wrmsr(cpu, 0x80b, 0);
}

/** Each has its own page of code. */
static void code_guest(struct model_cpu *cpu)
{
	uint32_t me = model_vcpu(cpu)->index;
	uint64_t start = ENV_CODE + 0x1000u * me;

	env_flat(cpu);
	model_state(cpu)->rip = start;
	model_state(cpu)->gpr[HV_RSP] = ENV_STACK + 0x1000u * me;
	model_wrmsr(cpu, IA32_APIC_BASE, 0xfee00c00 | (me == 0 ? 0x100 : 0));
	model_wrmsr(cpu, 0x80f, 0x1ff);
	model_sti(cpu);
	for (;;) {
		model_state(cpu)->rip = start;
		model_wrmsr(cpu, 0x830, (uint64_t)(1 - me) << 32 | 0x41); /* to the other one */
		model_wrmsr(cpu, 0x83f, 0x42);
		model_load(cpu, WINDOW + 0x1000u * (me * 3u), 4);
		model_out(cpu, 0x80, 1, 0);
		model_pause(cpu);
		model_hlt(cpu);
	}
}

/* ------------------------------------------------------------------------------------------ threads */

/** The thread of a vCPU on CPU index + 1: a VMM that completes whatever comes. */
static void *runner(void *arg)
{
	uint32_t index = (uint32_t)(uintptr_t)arg;

	process_be_cpu(index + 1);
	while (!stopped()) {
		if (vcpu_run(env.vcpu[index]) != HV_OK)
			return (void *)1;
		switch (env.page[index]->exit.kind) {
		case HV_EXIT_KICKED:
		case HV_EXIT_MEMORY:
		case HV_EXIT_PORT:
		case HV_EXIT_INSTRUCTION:
		case HV_EXIT_SYSREG:
		case HV_EXIT_EOI:
			results[index]++;
			break;
		default:
			return (void *)(uintptr_t)(0x100u + env.page[index]->exit.kind);
		}
	}
	return NULL;
}

/** What was unmapped may be given to somebody else at once: no guest may reach it. */
static void *mapper(void *arg)
{
	uint64_t done;

	(void)arg;
	process_be_cpu(3);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		if (vm_map(env.vm, gpa(WINDOW), host_virt_to_phys(window_ram), WINDOW_END - WINDOW,
			   HV_PROT_ALL, &done) != HV_OK)
			return (void *)1;
		sched_yield();
		if (vm_protect(env.vm, gpa(WINDOW), 0x2000, HV_PROT_READ, &done) != HV_OK)
			return (void *)2;
		if (vm_unmap(env.vm, gpa(WINDOW), WINDOW_END - WINDOW, &done) != HV_OK ||
		    done != WINDOW_END - WINDOW)
			return (void *)3;
		memset(window_ram, (int)i, WINDOW_END - WINDOW); /* TSan sees a guest that still looks */
	}
	return NULL;
}

/* On a busy machine a runner may be long in coming. */
static bool both_have_taken_some(void)
{
	return __atomic_load_n(&taken[0], __ATOMIC_RELAXED) > 10 &&
	       __atomic_load_n(&taken[1], __ATOMIC_RELAXED) > 10;
}

static void *interrupter(void *arg)
{
	(void)arg;
	process_be_cpu(4);
	for (uint32_t i = 0; i < ROUNDS * 2 || !both_have_taken_some(); i++) {
		lapic_request(env.vcpu[i & 1], 0x43, false);
		vm_msi(env.vm, 0xfee00000 | (i & 1) << 12, 0xc044);
		if (i % 16 == 0)
			vcpu_kick(env.vcpu[i / 16 & 1]);
		sched_yield();
	}
	return NULL;
}

static void *policies(void *arg)
{
	const struct hv_doorbell bell = {.space = HV_DOORBELL_PORT, .address = 0x80, .signal = 7};
	struct hv_stats stats;

	(void)arg;
	process_be_cpu(5);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		vm_trap(env.vm, i & 1 ? HV_X86_TRAP(HV_X86_INSN_PAUSE) : 0);
		vm_trap_ports(env.vm, 0x80, 1, i & 2 ? HV_PORT_ABSENT : HV_PORT_EXIT);
		vm_trap_eoi(env.vm, 0x44, i & 4);
		vm_trap_sysreg(env.vm, IA32_PAT, 1, i & 1 ? HV_SYSREG_EXIT : HV_SYSREG_DEFAULT);
		if (vm_doorbell_add(env.vm, &bell) != HV_OK || vm_doorbell_remove(env.vm, &bell) != HV_OK)
			return (void *)1;
		vcpu_stats(env.vcpu[0], &stats);
		sched_yield();
	}
	return NULL;
}

static void give_guests(void)
{
	for (uint32_t i = 0; i < 2; i++) {
		struct hv_x86_regs *regs = hv_x86_regs(env.page[i]);

		env_code(i, code_guest);
		for (uint8_t vector = 0x41; vector <= 0x44; vector++)
			env_handler(i, vector, handler_count);
		regs->activity = HV_ACTIVITY_RUN;
		env.page[i]->dirty |= HV_X86_REGS_EVENT;
		env.guest[i].handlers_at = ENV_HANDLERS + 0x8000u * i;
	}
}

static void test_all_at_once(void **state)
{
	void *(*const other[])(void *) = {mapper, interrupter, policies};
	pthread_t runners[2], others[3];
	void *result;

	(void)state;
	env_make(2, 0);
	process_cpu_count(6);
	process_threaded();
	window_ram = process_ram(WINDOW_END - WINDOW, HV_PAGE_SIZE);
	give_guests();
	for (uintptr_t i = 0; i < 2; i++)
		pthread_create(&runners[i], NULL, runner, (void *)i);
	for (uint32_t i = 0; i < 3; i++)
		pthread_create(&others[i], NULL, other[i], NULL);
	for (uint32_t i = 0; i < 3; i++) {
		pthread_join(others[i], &result);
		assert_null(result);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
	for (uint32_t i = 0; i < 2; i++)
		vcpu_kick(env.vcpu[i]);
	for (uint32_t i = 0; i < 2; i++) {
		pthread_join(runners[i], &result);
		assert_null(result);
		assert_true(taken[i] > 10);
	}
	assert_int_equal(vm_destroy(env.vm), HV_OK);
	assert_int_equal(process_pool_used(env.pool), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_at_once)};

	return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
