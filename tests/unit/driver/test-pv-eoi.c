/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file test-pv-eoi.c
 * KVM's paravirtual end of interrupt: who may have it, when it is offered, taken back, made use of.
 *
 * @verifies HV-075
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hypervisor/x86/arch.h"
#include "hypervisor/x86/lapic_internal.h"
#include "tests/unit/driver/env_driver.h"

#define WORD (ENV_DATA + 0x40u)
#define ON   (WORD | 1u)

static struct vcpu *cpu(void)
{
	return env.vcpu[0];
}

/** A VM whose APIC is on and whose guest has asked for it. */
static void make(void)
{
	env_make(1, 0);
	env_show_pv_eoi();
	assert_true(lapic_write(cpu(), LAPIC_SVR, 0x1ff));
	assert_true(msr_write(cpu(), KVM_PV_EOI_EN, ON));
}

static void take(uint32_t vector)
{
	lapic_request(cpu(), vector, false);
	lapic_collect(cpu());
	assert_int_equal(lapic_pending(cpu()), vector);
	lapic_accept(cpu(), vector);
}

/** What Linux does: test and clear. @return whether no EOI is needed */
static bool guest_ends(void)
{
	const bool offered = (env.ram[WORD] & 1) != 0;

	env.ram[WORD] &= 0xfe;
	return offered;
}

static bool in_service(uint32_t vector)
{
	uint64_t value;

	assert_true(lapic_read(cpu(), LAPIC_ISR + vector / 32 * 16, &value));
	return (value >> (vector % 32) & 1) != 0;
}

/* ---------------------------------------------------------------------------------------- the MSR */

static void test_msr(void **state)
{
	uint64_t value = 1;

	(void)state;
	env_make(1, 0);
	assert_false(msr_read(cpu(), KVM_PV_EOI_EN, &value)); /* not in CPUID: not there */
	assert_false(msr_write(cpu(), KVM_PV_EOI_EN, 0));
	env_show_pv_eoi();
	assert_true(msr_read(cpu(), KVM_PV_EOI_EN, &value));
	assert_int_equal(value, 0);
	assert_true(msr_write(cpu(), KVM_PV_EOI_EN, ON));
	assert_true(msr_read(cpu(), KVM_PV_EOI_EN, &value));
	assert_int_equal(value, ON);
	assert_int_equal(vcpu_reset(cpu()), HV_OK);
	assert_true(msr_read(cpu(), KVM_PV_EOI_EN, &value));
	assert_int_equal(value, 0);
	assert_true(msr_write(cpu(), KVM_PV_EOI_EN, ON));
	x86_init_signal(cpu());
	assert_true(msr_read(cpu(), KVM_PV_EOI_EN, &value));
	assert_int_equal(value, 0);
	env_end();
}

static void test_hostile_addresses(void **state)
{
	static const uint64_t wrong[] = {ENV_RAM_SIZE | 1, 0xfee00001, ON | 2, UINT64_C(1) << 48 | 1,
					 UINT64_C(0xfffffffffffffffd), UINT64_C(0x8000000000000001)};
	uint64_t done, value;

	(void)state;
	make();
	for (uint32_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_false(msr_write(cpu(), KVM_PV_EOI_EN, wrong[i]));
		assert_true(msr_read(cpu(), KVM_PV_EOI_EN, &value));
		assert_int_equal(value, ON);
	}
	assert_int_equal(vm_protect(env.vm, gpa(ENV_DATA), HV_PAGE_SIZE, HV_PROT_READ, &done), HV_OK);
	assert_false(msr_write(cpu(), KVM_PV_EOI_EN, ON));
	take(0x61); /* and the old one isn't written to any more */
	assert_int_equal(env.ram[WORD], 0);
	lapic_eoi(cpu());
	env_end();
}

/* ------------------------------------------------------------------------------------- the offer */

static void test_used(void **state)
{
	(void)state;
	make();
	take(0x61);
	assert_int_equal(env.ram[WORD], 1);
	assert_true(guest_ends());
	assert_false(in_service(0x61));
	take(0x41); /* of a lower class: the other is done with */
	assert_true(guest_ends());
	assert_int_equal(lapic_eoi(cpu()), -1);
	env_end();
}

static void test_unused(void **state)
{
	(void)state;
	make();
	take(0x61);
	assert_int_equal(lapic_eoi(cpu()), 0x61); /* a guest that writes EOI all the same */
	assert_int_equal(env.ram[WORD], 0);
	take(0x61);
	assert_true(in_service(0x61)); /* somebody looked: from now on, EOI is needed */
	assert_false(guest_ends());
	assert_true(in_service(0x61));
	assert_int_equal(lapic_eoi(cpu()), 0x61);
	env_end();
}

/** One that waits for the end of another must not wait for the next exit. */
static void test_pending(void **state)
{
	(void)state;
	make();
	lapic_request(cpu(), 0x62, false);
	take(0x63);
	assert_int_equal(env.ram[WORD], 0);
	assert_int_equal(lapic_eoi(cpu()), 0x63);
	lapic_accept(cpu(), 0x62);
	assert_int_equal(env.ram[WORD], 1);
	lapic_request(cpu(), 0x61, false);
	lapic_collect(cpu());
	assert_int_equal(lapic_pending(cpu()), -1);
	assert_int_equal(env.ram[WORD], 0); /* taken back */
	assert_false(guest_ends());
	assert_int_equal(lapic_eoi(cpu()), 0x62);
	assert_int_equal(lapic_pending(cpu()), 0x61);
	env_end();
}

static void test_nested(void **state)
{
	(void)state;
	make();
	take(0x41);
	assert_int_equal(env.ram[WORD], 1);
	take(0x61); /* between: the outer one has to write EOI now */
	assert_int_equal(env.ram[WORD], 1);
	take(0x81);
	assert_true(guest_ends()); /* 81h */
	assert_false(guest_ends()); /* 61h: an EOI, which ends 61h, not 81h */
	assert_int_equal(lapic_eoi(cpu()), 0x61);
	assert_true(in_service(0x41));
	assert_int_equal(lapic_eoi(cpu()), 0x41);
	assert_int_equal(lapic_eoi(cpu()), -1);
	env_end();
}

/** An end that the VMM wants to hear of is never offered. */
static void test_trapped(void **state)
{
	(void)state;
	make();
	assert_int_equal(vm_trap_eoi(env.vm, 0x61, true), HV_OK);
	take(0x61);
	assert_int_equal(env.ram[WORD], 0);
	assert_int_equal(lapic_eoi(cpu()), 0x61);
	env_end();
}

/** The guest's word goes away, and comes back with something else in it. */
static void test_unmapped(void **state)
{
	uint64_t done;

	(void)state;
	make();
	take(0x61);
	assert_int_equal(vm_unmap(env.vm, gpa(ENV_DATA), HV_PAGE_SIZE, &done), HV_OK);
	env.ram[WORD] = 0xfe; /* the VMM's now */
	assert_true(in_service(0x61));
	assert_int_equal(lapic_eoi(cpu()), 0x61);
	take(0x62);
	assert_int_equal(env.ram[WORD], 0xfe);
	assert_int_equal(lapic_eoi(cpu()), 0x62);
	assert_int_equal(vm_map(env.vm, gpa(ENV_DATA), host_virt_to_phys(env.ram + ENV_DATA),
				HV_PAGE_SIZE, HV_PROT_ALL, &done), HV_OK);
	take(0x63);
	assert_int_equal(env.ram[WORD], 0xff); /* the bit alone */
	assert_true(guest_ends());
	assert_false(in_service(0x63));
	env_end();
}

/** Off, disabled, moved, saved: no offer stays behind. */
static void test_ends(void **state)
{
	uint32_t regs[256];

	(void)state;
	make();
	take(0x61);
	assert_true(msr_write(cpu(), KVM_PV_EOI_EN, 0));
	assert_int_equal(env.ram[WORD], 0);
	assert_int_equal(lapic_eoi(cpu()), 0x61);
	take(0x61);
	assert_int_equal(env.ram[WORD], 0);
	assert_int_equal(lapic_eoi(cpu()), 0x61);
	assert_true(msr_write(cpu(), KVM_PV_EOI_EN, ON));
	take(0x61);
	assert_true(guest_ends());
	lapic_save(cpu(), regs);
	assert_int_equal(regs[(LAPIC_ISR + 0x30) / 4], 0);
	take(0x61);
	assert_true(lapic_set_base(cpu(), 0xfee00100)); /* off */
	assert_int_equal(env.ram[WORD], 0);
	env_end();
}

/* ---------------------------------------------------------------------------------- a whole guest */

#define ROUNDS 20u

static void handler(struct model_cpu *cpu_, struct model_frame *frame)
{
	env_add_note(frame->vector);
	if (!guest_ends())
		model_wrmsr(cpu_, IA32_X2APIC_FIRST + LAPIC_EOI / 16, 0);
}

static void code(struct model_cpu *cpu_)
{
	env_flat(cpu_);
	model_wrmsr(cpu_, IA32_APIC_BASE, 0xfee00d00);
	model_wrmsr(cpu_, IA32_X2APIC_FIRST + LAPIC_SVR / 16, 0x1ff);
	model_wrmsr(cpu_, KVM_PV_EOI_EN, ON);
	model_sti(cpu_);
	model_nop(cpu_);
	for (uint32_t i = 0; i < ROUNDS; i++)
		model_wrmsr(cpu_, IA32_X2APIC_FIRST + LAPIC_SELF_IPI / 16, 0x40 + i);
	model_nop(cpu_);
}

/** As many exits as there are requests, and none for their ends. */
static void test_guest(void **state)
{
	struct hv_stats stats;

	(void)state;
	env_make(1, 0);
	env_show_pv_eoi();
	env_code(0, code);
	for (uint32_t i = 0; i < ROUNDS; i++)
		env_handler(0, (uint8_t)(0x40 + i), handler);
	env_run_to_end();
	assert_int_equal(env_notes, ROUNDS);
	for (uint32_t i = 0; i < ROUNDS; i++)
		assert_int_equal(env_note[i], 0x40 + i);
	vcpu_stats(cpu(), &stats);
	assert_int_equal(stats.settled[HV_EXIT_APIC], ROUNDS + 1); /* and SVR */
	env_end();
}

/** With virtual-interrupt delivery no end exits anyway: nothing is offered. */
static void test_assisted(void **state)
{
	(void)state;
	model_features.apic_assist = true;
	env_make(1, 0);
	env_show_pv_eoi();
	env_code(0, code);
	for (uint32_t i = 0; i < ROUNDS; i++)
		env_handler(0, (uint8_t)(0x40 + i), handler);
	env_run_to_end();
	assert_int_equal(env_notes, ROUNDS);
	assert_int_equal(env.ram[WORD], 0);
	env_end();
	model_features.apic_assist = false;
}

static void test_offered_where_it_helps(void **state)
{
	struct hv_caps caps;

	(void)state;
	for (uint32_t assist = 0; assist < 2; assist++) {
		model_features.apic_assist = assist != 0;
		env_make(1, 0);
		driver_query(&caps);
		assert_int_equal((caps.features & HV_CAP_PV_EOI) != 0, assist == 0);
		env_end();
	}
	model_features.apic_assist = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_msr),
		cmocka_unit_test(test_hostile_addresses),
		cmocka_unit_test(test_used),
		cmocka_unit_test(test_unused),
		cmocka_unit_test(test_pending),
		cmocka_unit_test(test_nested),
		cmocka_unit_test(test_trapped),
		cmocka_unit_test(test_unmapped),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_guest),
		cmocka_unit_test(test_assisted),
		cmocka_unit_test(test_offered_where_it_helps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
