/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file test-run.c
 * The run loop over the model: exits settled in the driver, exits handed to the VMM and completed by it.
 *
 * @verifies HV-010
 * @verifies HV-015
 * @verifies HV-017
 * @verifies HV-018
 * @verifies HV-019
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/x86/regs.h"
#include "tests/unit/driver/env_driver.h"

#include <hypike/pv.h>

static struct hv_exit *exit_of(void)
{
	return &env.page[0]->exit;
}

/** Handler that notes the event and steps over the instruction. */
static void skip2(struct model_cpu *cpu, struct model_frame *frame)
{
	(void)cpu;
	env_add_note(frame->vector);
	frame->rip += 2;
}

static void note(struct model_cpu *cpu, struct model_frame *frame)
{
	(void)cpu;
	env_add_note(frame->vector);
}

/* ------------------------------------------------------------------------------------------ cpuid */

static void code_cpuid(struct model_cpu *cpu)
{
	struct model_cpuid id = model_cpuid(cpu, 0x40000000, 0);

	env_add_note(id.ebx);
	env_add_note(model_cpuid(cpu, 1, 0).ecx);
}

static void test_cpuid(void **state)
{
	(void)state;
	env_make(1, 0);
	env_code(0, code_cpuid);
	env_run_to_end();
	assert_int_equal(env_note[0], 0x69507948);
	assert_true(env_note[1] >> 31 & 1);
	env_end();
}

static void test_cpuid_trapped(void **state)
{
	static struct hv_x86_cpuid rows[HV_X86_CPUID_ROWS];
	uint32_t count = HV_X86_CPUID_ROWS;

	(void)state;
	env_make(1, 0);
	env_code(0, code_cpuid);
	assert_int_equal(vm_cpuid_get(env.vm, rows, &count), HV_OK);
	for (uint32_t i = 0; i < count; i++)
		if (rows[i].leaf == 0x40000000)
			rows[i].flags |= HV_X86_CPUID_TRAP;
	assert_int_equal(vm_cpuid_set(env.vm, rows, count), HV_OK);
	assert_int_equal(env_run(), HV_EXIT_ID);
	assert_int_equal(exit_of()->id.leaf, 0x40000000);
	assert_int_equal(exit_of()->id.out[1], 0x69507948);
	exit_of()->id.out[1] = 0x12345678;
	env_expect_done();
	assert_int_equal(env_note[0], 0x12345678);
	env_end();
}

/* -------------------------------------------------------------------------------------------- ports */

static void code_ports(struct model_cpu *cpu)
{
	env_flat(cpu);
	for (uint32_t size = 1; size <= 4; size *= 2) {
		*model_gpr(cpu, HV_RAX) = UINT64_C(0x1122334455667788);
		model_in(cpu, (uint16_t)(0x60 + size), size);
		env_add_note(*model_gpr(cpu, HV_RAX));
		model_out(cpu, 0x3f8, size, 0xdeadbeef);
	}
	model_out(cpu, 0x80, 1, 1);
	env_add_note(model_in(cpu, 0x80, 2));
}

static void test_ports(void **state)
{
	static const uint64_t rax[3] = {UINT64_C(0x11223344556677e1), UINT64_C(0x112233445566c3e1),
					0xa5b4c3e1};

	for (uint32_t lengths = 0; lengths < 2; lengths++) {
		model_features.lengths = lengths;
		env_make(1, 0);
		env_code(0, code_ports);
		assert_int_equal(vm_trap_ports(env.vm, 0x80, 2, HV_PORT_ABSENT), HV_OK);
		for (uint32_t size = 1; size <= 4; size *= 2) {
			assert_int_equal(env_run(), HV_EXIT_PORT);
			assert_int_equal(exit_of()->port.port, 0x60 + size);
			assert_int_equal(exit_of()->port.size, size);
			assert_int_equal(exit_of()->port.write, 0);
			assert_int_equal(exit_of()->port.count, 1);
			exit_of()->port.value = 0xa5b4c3e1;
			assert_int_equal(env_run(), HV_EXIT_PORT);
			assert_int_equal(exit_of()->port.port, 0x3f8);
			assert_int_equal(exit_of()->port.write, 1);
			assert_int_equal(exit_of()->port.value,
					 0xdeadbeef & (size == 4 ? 0xffffffff : (1u << 8 * size) - 1));
		}
		env_expect_done();
		assert_memory_equal(env_note, rax, sizeof(rax));
		assert_int_equal(env_note[3], 0xffff);
		env_end();
	}
	model_features.lengths = false;
	(void)state;
}

static void code_port_fault(struct model_cpu *cpu)
{
	env_flat(cpu);
	model_out(cpu, 0x10, 2, 0);
	env_add_note(model_in(cpu, 0x12, 2));
}

/** The VMM's answer may be a fault, or: leave it, execute it again. */
static void test_port_actions(void **state)
{
	(void)state;
	env_make(1, 0);
	env_code(0, code_port_fault);
	env_handler(0, X86_GP, skip2);
	assert_int_equal(env_run(), HV_EXIT_PORT);
	env.page[0]->action = HV_ACTION_RETRY;
	assert_int_equal(env_run(), HV_EXIT_PORT);
	assert_int_equal(env.page[0]->action, HV_ACTION_DONE);
	assert_int_equal(exit_of()->port.port, 0x10);
	env.page[0]->action = HV_ACTION_FAULT;
	assert_int_equal(env_run(), HV_EXIT_PORT);
	assert_int_equal(exit_of()->port.port, 0x12);
	exit_of()->port.value = 0x77;
	env_expect_done();
	assert_int_equal(env_note[0], X86_GP);
	assert_int_equal(env_note[1], 0x77);
	env_end();
}

static void code_strings(struct model_cpu *cpu)
{
	env_long(cpu);
	for (uint32_t i = 0; i < 5000; i++)
		env.ram[ENV_DATA + 0xff0 + i] = (uint8_t)(i * 3);
	model_outs(cpu, 0x40, 1, ENV_DATA + 0xff0, 5000);
	env_add_note(*model_gpr(cpu, HV_RCX));
	env_add_note(*model_gpr(cpu, HV_RSI));
	model_ins(cpu, 0x50, 4, ENV_DATA + 0x5ffa, 700);
	env_add_note(*model_gpr(cpu, HV_RDI));
	model_outs(cpu, 0x40, 2, ENV_DATA, 0);
}

static void test_strings(void **state)
{
	static uint8_t got[8192];

	for (uint32_t details = 0; details < 2; details++) {
		uint32_t total = 0, at = 0;

		model_features.io_details = details;
		env_make(1, 0);
		env_code(0, code_strings);
		while (env_run() == HV_EXIT_PORT && exit_of()->port.write) {
			assert_int_equal(exit_of()->port.string, 1);
			assert_int_equal(exit_of()->port.size, 1);
			memcpy(got + total, env.page[0]->data, exit_of()->port.count);
			total += exit_of()->port.count;
		}
		assert_int_equal(total, 5000);
		for (uint32_t i = 0; i < 5000; i++)
			assert_int_equal(got[i], (uint8_t)(i * 3));
		do {
			assert_int_equal(exit_of()->port.port, 0x50);
			for (uint32_t i = 0; i < exit_of()->port.count * 4; i++)
				env.page[0]->data[i] = (uint8_t)(at++ * 5);
		} while (env_run() == HV_EXIT_PORT);
		assert_int_equal(exit_of()->kind, HV_EXIT_HYPERCALL);
		assert_int_equal(at, 2800);
		for (uint32_t i = 0; i < 2800; i++)
			assert_int_equal(env.ram[ENV_DATA + 0x5ffa + i], (uint8_t)(i * 5));
		assert_int_equal(env_note[0], 0);
		assert_int_equal(env_note[1], ENV_DATA + 0xff0 + 5000);
		assert_int_equal(env_note[2], ENV_DATA + 0x5ffa + 2800);
		env_end();
	}
	model_features.io_details = false;
	(void)state;
}

/* -------------------------------------------------------------------------------------------- memory */

static void code_memory(struct model_cpu *cpu)
{
	env_long(cpu);
	env_add_note(model_load(cpu, 0x200000 + 0x123, 4));
	model_store(cpu, 0x200000 + 0x456, 2, 0xbeef);
	model_store(cpu, ENV_DATA, 8, UINT64_C(0x1122334455667788));
	env_add_note(model_load(cpu, ENV_DATA + 2, 4));
}

/** A plain move comes decoded; the driver loads the register. */
static void test_memory(void **state)
{
	(void)state;
	env_make(1, 0);
	env_code(0, code_memory);
	assert_int_equal(env_run(), HV_EXIT_MEMORY);
	assert_int_equal(exit_of()->memory.address, 0x200123);
	assert_int_equal(exit_of()->memory.access, HV_PROT_READ);
	assert_int_equal(exit_of()->memory.mapped, 0);
	assert_int_equal(exit_of()->memory.decoded, 1);
	assert_int_equal(exit_of()->memory.size, 4);
	exit_of()->memory.value = UINT64_C(0xffffffff0000cafe);
	assert_int_equal(env_run(), HV_EXIT_MEMORY);
	assert_int_equal(exit_of()->memory.access, HV_PROT_WRITE);
	assert_int_equal(exit_of()->memory.decoded, 1);
	assert_int_equal(exit_of()->memory.size, 2);
	assert_int_equal(exit_of()->memory.value, 0xbeef);
	env_expect_done();
	assert_int_equal(env_note[0], 0xcafe);
	assert_int_equal(env_note[1], 0x33445566);
	env_end();
}

static void code_memory_16(struct model_cpu *cpu)
{
	env_add_note(model_load(cpu, 0x200123, 4));
}

/** In 16-bit code the VMM emulates the instruction. */
static void test_memory_undecoded(void **state)
{
	struct hv_x86_regs *regs;

	(void)state;
	env_make(1, 0);
	env_code(0, code_memory_16);
	assert_int_equal(env_run(), HV_EXIT_MEMORY);
	assert_int_equal(exit_of()->memory.decoded, 0);
	assert_int_equal(exit_of()->memory.mode, 16);
	assert_true(exit_of()->memory.insn_length >= 4);
	assert_memory_equal(exit_of()->memory.insn, "\x67\x66\x8b\x07", 4);
	regs = hv_x86_regs(env.page[0]);
	assert_int_equal(vcpu_get(env.vcpu[0], HV_X86_REGS_GPR), HV_OK);
	assert_int_equal(regs->gpr[HV_RDI], 0x200123);
	regs->gpr[HV_RAX] = 0xcafe;
	regs->rip += 4;
	env.page[0]->dirty = HV_X86_REGS_GPR;
	env.page[0]->action = HV_ACTION_RETRY;
	env_expect_done();
	assert_int_equal(env_note[0], 0xcafe);
	env_end();
}

static void code_protected_memory(struct model_cpu *cpu)
{
	env_flat(cpu);
	env_add_note(model_load(cpu, ENV_DATA, 4));
	model_store(cpu, ENV_DATA, 4, 0x55);
	env_add_note(model_load(cpu, ENV_DATA, 4));
}

static void test_protect(void **state)
{
	uint64_t done;

	(void)state;
	env_make(1, 0);
	env_code(0, code_protected_memory);
	assert_int_equal(vm_protect(env.vm, gpa(ENV_DATA), 0x1000, HV_PROT_READ, &done), HV_OK);
	assert_int_equal(env_run(), HV_EXIT_MEMORY);
	assert_int_equal(exit_of()->memory.address, ENV_DATA);
	assert_int_equal(exit_of()->memory.mapped, 1);
	assert_int_equal(exit_of()->memory.access, HV_PROT_WRITE);
	assert_int_equal(vm_protect(env.vm, gpa(ENV_DATA), 0x1000, HV_PROT_ALL, &done), HV_OK);
	env.page[0]->action = HV_ACTION_RETRY;
	env_expect_done();
	assert_int_equal(env_note[1], 0x55);
	env_end();
}

/** No table where CR3 points: the guest ends, nobody else notices. */
static void code_lost_tables(struct model_cpu *cpu)
{
	env_long(cpu);
	model_nop(cpu);
	model_state(cpu)->cr3 = UINT64_C(0x7ffffffff000);
	model_nop(cpu);
}

static void test_lost_tables(void **state)
{
	(void)state;
	env_make(1, 0);
	env_code(0, code_lost_tables);
	assert_int_equal(env_run(), HV_EXIT_SHUTDOWN);
	assert_int_equal(env_run(), HV_EXIT_SHUTDOWN);
	env_end();
}

/* -------------------------------------------------------------------------------------- hypercalls, MSRs */

static void code_hypercall(struct model_cpu *cpu)
{
	env_flat(cpu);
	env_add_note(model_hypercall(cpu, PV_CALL_VERSION, 0));
	env_add_note(model_hypercall(cpu, 0x55, 0));
	env_add_note(model_hypercall(cpu, PV_CALL_VMM + 3, 0x99));
}

static void test_hypercall(void **state)
{
	struct hv_x86_regs *regs;

	(void)state;
	env_make(1, 0);
	env_code(0, code_hypercall);
	assert_int_equal(env_run(), HV_EXIT_HYPERCALL);
	assert_int_equal(exit_of()->hypercall, PV_CALL_VMM + 3);
	assert_true(env.page[0]->valid & HV_X86_REGS_GPR);
	regs = hv_x86_regs(env.page[0]);
	assert_int_equal(regs->gpr[HV_RBX], 0x99);
	regs->gpr[HV_RAX] = 0x4242;
	env.page[0]->dirty = HV_X86_REGS_GPR;
	env_expect_done();
	assert_int_equal(env_note[0], PV_VERSION);
	assert_int_equal((int64_t)env_note[1], HV_E_UNSUPPORTED);
	assert_int_equal(env_note[2], 0x4242);
	env_end();
}

static void skip3(struct model_cpu *cpu, struct model_frame *frame)
{
	(void)cpu;
	env_add_note(frame->vector);
	frame->rip += 3;
}

static void code_hypercall_user(struct model_cpu *cpu)
{
	env_long(cpu);
	env_ring(cpu, 3);
	model_hypercall(cpu, PV_CALL_VMM, 0);
	env_ring(cpu, 0);
}

static void test_hypercall_user(void **state)
{
	(void)state;
	env_make(1, 0);
	env_code(0, code_hypercall_user);
	env_handler(0, X86_UD, skip3);
	env_run_to_end();
	assert_int_equal(env_notes, 1);
	assert_int_equal(env_note[0], X86_UD);
	env_end();
}

static void code_msr(struct model_cpu *cpu)
{
	env_flat(cpu);
	model_wrmsr(cpu, IA32_LSTAR, 0x1234);
	env_add_note(model_rdmsr(cpu, IA32_LSTAR));
	env_add_note(model_rdmsr(cpu, IA32_APIC_BASE));
	model_wrmsr(cpu, 0x12345, 0);
	env_add_note(model_rdmsr(cpu, 0x4d0));
	model_wrmsr(cpu, 0x4d1, 77);
	model_wrmsr(cpu, IA32_LSTAR, 0x5678);
}

static void test_msr(void **state)
{
	(void)state;
	env_make(1, 0);
	env_code(0, code_msr);
	env_handler(0, X86_GP, skip2);
	assert_int_equal(vm_trap_sysreg(env.vm, 0x4d0, 2, HV_SYSREG_EXIT), HV_OK);
	assert_int_equal(env_run(), HV_EXIT_SYSREG);
	assert_int_equal(exit_of()->sysreg.index, 0x4d0);
	assert_int_equal(exit_of()->sysreg.write, 0);
	exit_of()->sysreg.value = UINT64_C(0xabcdef0123);
	assert_int_equal(env_run(), HV_EXIT_SYSREG);
	assert_int_equal(exit_of()->sysreg.index, 0x4d1);
	assert_int_equal(exit_of()->sysreg.write, 1);
	assert_int_equal(exit_of()->sysreg.value, 77);
	assert_int_equal(vm_trap_sysreg(env.vm, IA32_LSTAR, 1, HV_SYSREG_EXIT), HV_OK);
	assert_int_equal(env_run(), HV_EXIT_SYSREG);
	assert_int_equal(exit_of()->sysreg.index, IA32_LSTAR);
	env_expect_done();
	assert_int_equal(env_note[0], 0x1234);
	assert_int_equal(env_note[1], 0xfee00900);
	assert_int_equal(env_note[2], X86_GP);
	assert_int_equal(env_note[3], UINT64_C(0xabcdef0123));
	env_end();
}

/* ------------------------------------------------------------------------------------------- halting */

static void code_hlt_timer(struct model_cpu *cpu)
{
	env_flat(cpu);
	model_wrmsr(cpu, IA32_APIC_BASE, 0xfee00d00);
	model_wrmsr(cpu, 0x832, 0x40040);
	model_wrmsr(cpu, IA32_TSC_DEADLINE, model_rdtsc(cpu) + 1000000);
	model_sti(cpu);
	model_hlt(cpu);
	env_add_note(model_rdtsc(cpu));
	model_wrmsr(cpu, 0x80b, 0);
	model_cli(cpu);
	model_hlt(cpu);
}

static void test_hlt(void **state)
{
	uint64_t before;

	(void)state;
	for (uint32_t assist = 0; assist < 2; assist++) {
		model_features.apic_assist = assist;
		env_make(1, 0);
		env_code(0, code_hlt_timer);
		env_handler(0, 0x40, note);
		before = host_tsc();
		assert_int_equal(env_run(), HV_EXIT_HALT);
		assert_int_equal(env.page[0]->halted, 1);
		assert_int_equal(env_note[0], 0x40);
		assert_int_equal(host_tsc(), before + 1000000);
		assert_int_equal(process_counts.blocks, 1);
		env_end();
	}
	model_features.apic_assist = false;
}

static void code_tsc_set(struct model_cpu *cpu)
{
	env_flat(cpu);
	model_wrmsr(cpu, IA32_APIC_BASE, 0xfee00d00);
	model_wrmsr(cpu, 0x832, 0x40040);
	model_wrmsr(cpu, IA32_TIME_STAMP_COUNTER, 0);
	model_wrmsr(cpu, IA32_TSC_DEADLINE, 1000000);
	model_wrmsr(cpu, IA32_TIME_STAMP_COUNTER, 900000); /* a tenth of the way is left */
	model_sti(cpu);
	model_hlt(cpu);
	env_add_note(model_rdtsc(cpu));
	model_wrmsr(cpu, 0x80b, 0);
	model_cli(cpu);
	model_wrmsr(cpu, IA32_TSC_DEADLINE, 2000000);
	model_wrmsr(cpu, IA32_TIME_STAMP_COUNTER, 3000000); /* past it */
	model_sti(cpu);
	model_nop(cpu);
	model_nop(cpu);
	env_add_note(0xe0);
}

/** A deadline is a value of the guest's TSC, also when that is set. */
static void test_tsc_set(void **state)
{
	uint64_t before;

	(void)state;
	env_make(1, 0);
	env_code(0, code_tsc_set);
	env_handler(0, 0x40, note);
	before = host_tsc();
	env_run_to_end();
	assert_int_equal(host_tsc(), before + 100000);
	assert_int_equal(env_notes, 4);
	assert_int_equal(env_note[0], 0x40);
	assert_int_equal(env_note[1], 1000000);
	assert_int_equal(env_note[2], 0x40);
	env_end();
}

static void code_hlt_breakpoint(struct model_cpu *cpu)
{
	env_flat(cpu);
	model_wrmsr(cpu, IA32_APIC_BASE, 0xfee00d00);
	model_wrmsr(cpu, 0x832, 0x40040);
	model_mov_to_dr(cpu, 0, 0x1234);
	model_mov_to_dr(cpu, 7, DR7_L(0));
	model_wrmsr(cpu, IA32_TSC_DEADLINE, model_rdtsc(cpu) + 1000000);
	model_sti(cpu);
	model_hlt(cpu);
	env_add_note(model_mov_from_dr(cpu, 0));
}

/** A guest that halts with a breakpoint armed sleeps like any other, and finds its registers again. */
static void test_hlt_breakpoint(void **state)
{
	(void)state;
	env_make(1, 0);
	env_code(0, code_hlt_breakpoint);
	env_handler(0, 0x40, note);
	env_run_to_end();
	assert_int_equal(env_note[0], 0x40);
	assert_int_equal(env_note[1], 0x1234);
	assert_in_range(process_counts.blocks, 1, 2);
	env_end();
}

static void test_kick(void **state)
{
	(void)state;
	env_make(1, 0);
	env_code(0, code_cpuid);
	assert_int_equal(vcpu_kick(env.vcpu[0]), HV_OK);
	assert_int_equal(env_run(), HV_EXIT_KICKED);
	assert_int_equal(model_entries(env.vcpu[0]), 0);
	env_expect_done();
	env_end();
}

/* ------------------------------------------------------------------------------------- the odd exits */

static void code_odd(struct model_cpu *cpu)
{
	env_flat(cpu);
	model_wbinvd(cpu);
	model_invd(cpu);
	model_pause(cpu);
	model_external_nmi(cpu);
	model_smi(cpu);
	model_init_signal(cpu);
	model_invlpg(cpu, 0);
	model_sgdt(cpu);
	env_add_note(model_mov_from_cr(cpu, 0));
	model_monitor(cpu);
	model_mwait(cpu);
	model_rdpmc(cpu);
	model_vmrun(cpu);
}

static void skip_by_vector(struct model_cpu *cpu, struct model_frame *frame)
{
	(void)cpu;
	env_add_note(frame->vector);
	frame->rip += frame->vector == X86_GP ? 2 : 3;
}

static void test_odd(void **state)
{
	static const uint64_t notes[] = {CR0_PE | CR0_ET | CR0_NE, X86_UD, X86_UD, X86_GP, X86_UD};

	(void)state;
	env_make(1, 0);
	env_code(0, code_odd);
	env_handler(0, X86_GP, skip_by_vector);
	env_handler(0, X86_UD, skip_by_vector);
	env_run_to_end();
	assert_int_equal(env_notes, 5);
	assert_memory_equal(env_note, notes, sizeof(notes));
	assert_int_equal(process_counts.nmis, 1);
	assert_int_equal(process_counts.yields, 1);
	env_end();
}

static void test_odd_trapped(void **state)
{
	static const uint32_t expected[] = {
	    HV_X86_INSN_WBINVD,	 HV_X86_INSN_INVD,   HV_X86_INSN_PAUSE, HV_X86_INSN_SMI,
	    HV_X86_INSN_INIT,	 HV_X86_INSN_INVLPG, HV_X86_INSN_DESC,	HV_X86_INSN_CR,
	    HV_X86_INSN_MONITOR, HV_X86_INSN_MWAIT,  HV_X86_INSN_RDPMC, HV_X86_INSN_VIRT,
	};

	(void)state;
	env_make(1, (UINT64_C(1) << HV_X86_INSNS) - 1);
	env_code(0, code_odd);
	for (uint32_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		assert_int_equal(env_run(), HV_EXIT_INSTRUCTION);
		assert_int_equal(exit_of()->insn.what, expected[i]);
		if (expected[i] == HV_X86_INSN_SMI || expected[i] == HV_X86_INSN_INIT)
			env.page[0]->action = HV_ACTION_RETRY;
	}
	env_expect_done();
	env_end();
}

static void code_shutdown(struct model_cpu *cpu)
{
	env_flat(cpu);
	model_triple_fault(cpu);
}

static void test_shutdown_reset(void **state)
{
	(void)state;
	env_make(1, 0);
	env_code(0, code_shutdown);
	assert_int_equal(env_run(), HV_EXIT_SHUTDOWN);
	assert_int_equal(env.page[0]->valid, HV_X86_REGS_ALL);
	assert_int_equal(vcpu_reset(env.vcpu[0]), HV_OK);
	env.guest[0].at[0].linear = 0xfffffff0;
	env.guest[0].at[0].code = code_cpuid;
	assert_int_equal(env_run(), HV_EXIT_MEMORY); /* nothing at the reset vector */
	assert_int_equal(exit_of()->memory.address, 0xfffffff0);
	assert_int_equal(exit_of()->memory.access, HV_PROT_EXEC);
	env_end();
}

static void code_nonsense(struct model_cpu *cpu)
{
	model_nonsense(cpu);
}

static void test_nonsense(void **state)
{
	(void)state;
	env_make(1, 0);
	env_code(0, code_nonsense);
	assert_true(env_run() < HV_EXIT_KINDS);
	env_end();
}

static void code_task_switch(struct model_cpu *cpu)
{
	env_flat(cpu);
	model_task_switch(cpu, 0x28);
}

static void test_task_switch(void **state)
{
	(void)state;
	env_make(1, 0);
	env_code(0, code_task_switch);
	assert_int_equal(env_run(), HV_EXIT_TASK_SWITCH);
	assert_int_equal(exit_of()->task_switch.selector, 0x28);
	assert_int_equal(exit_of()->task_switch.source, 2);
	hv_x86_regs(env.page[0])->rip += 2;
	env.page[0]->dirty = HV_X86_REGS_GPR;
	env_expect_done();
	env_end();
}

/* ------------------------------------------------------------------------------------- entry failure */

static void test_entry_refused(void **state)
{
	struct hv_x86_regs *regs;

	(void)state;
	env_make(1, 0);
	env_code(0, code_cpuid);
	regs = hv_x86_regs(env.page[0]);
	regs->seg[HV_TR].attr = HV_SEG_UNUSABLE;
	env.page[0]->dirty |= HV_X86_REGS_SEG;
	assert_int_equal(env_run(), HV_EXIT_INVALID);
	assert_string_equal(model_refused(env.vcpu[0]), "TR isn't a busy TSS");
	regs->seg[HV_TR].attr = HV_SEG_P | 0xb;
	env.page[0]->dirty = HV_X86_REGS_SEG;
	env_expect_done();
	env_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cpuid),
		cmocka_unit_test(test_cpuid_trapped),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_port_actions),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_memory_undecoded),
		cmocka_unit_test(test_protect),
		cmocka_unit_test(test_lost_tables),
		cmocka_unit_test(test_hypercall),
		cmocka_unit_test(test_hypercall_user),
		cmocka_unit_test(test_msr),
		cmocka_unit_test(test_hlt),
		cmocka_unit_test(test_tsc_set),
		cmocka_unit_test(test_hlt_breakpoint),
		cmocka_unit_test(test_kick),
		cmocka_unit_test(test_odd),
		cmocka_unit_test(test_odd_trapped),
		cmocka_unit_test(test_shutdown_reset),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_task_switch),
		cmocka_unit_test(test_entry_refused),
	};

	return cmocka_run_group_tests_name("run", tests, NULL, NULL);
}
