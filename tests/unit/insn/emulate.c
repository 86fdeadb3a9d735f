/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The emulator where the CPU of the test machine can't be asked: devices, segments, 16-bit code,
 * branches, ports, faults in the middle.
 *
 * @verifies VMM-201 VMM-202 VMM-203
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "lib/x86/regs.h"
#include "vmm/emulate.h"

/* A small machine: memory from 0, an unmapped hole, a log of what was accessed. */
#define MEMORY_SIZE 0x20000u
#define HOLE	    0x1f000u
#define MAX_LOG	    16u

struct access {
	char kind; /* r, m (read to modify), w, i, o */
	uint64_t address;
	unsigned size;
};

static struct machine {
	struct emu_ctx ctx;
	uint8_t memory[MEMORY_SIZE];
	uint64_t base[6];
	struct access log[MAX_LOG];
	unsigned accesses;
	uint32_t port_value;
} machine;

static void note(char kind, uint64_t address, unsigned size)
{
	assert_true(machine.accesses < MAX_LOG);
	machine.log[machine.accesses++] = (struct access){kind, address, size};
}

static uint64_t seg_base(struct emu_ctx *ctx, enum insn_seg seg)
{
	return ((struct machine *)ctx->owner)->base[seg];
}

static enum emu_status page_fault(struct emu_ctx *ctx, uint64_t linear)
{
	ctx->fault = (struct emu_fault){.vector = X86_PF, .has_error_code = true, .cr2 = linear};
	return EMU_FAULT;
}

static enum emu_status read_memory(struct emu_ctx *ctx, uint64_t linear, unsigned size,
				   enum emu_intent intent, void *data)
{
	if (linear + size > HOLE)
		return page_fault(ctx, linear);
	note(intent == EMU_MODIFY ? 'm' : 'r', linear, size);
	memcpy(data, machine.memory + linear, size);
	return EMU_DONE;
}

static enum emu_status write_memory(struct emu_ctx *ctx, uint64_t linear, unsigned size,
				    const void *data)
{
	if (linear + size > HOLE)
		return page_fault(ctx, linear);
	note('w', linear, size);
	memcpy(machine.memory + linear, data, size);
	return EMU_DONE;
}

static enum emu_status read_port(struct emu_ctx *ctx, uint16_t port, unsigned size, uint32_t *value)
{
	(void)ctx;
	note('i', port, size);
	*value = machine.port_value++;
	return EMU_DONE;
}

static enum emu_status write_port(struct emu_ctx *ctx, uint16_t port, unsigned size, uint32_t value)
{
	(void)ctx;
	note('o', port, size);
	machine.port_value = value;
	return EMU_DONE;
}

static const struct emu_ops ops = {
	.seg_base = seg_base,
	.read = read_memory,
	.write = write_memory,
	.port_read = read_port,
	.port_write = write_port,
};

static const struct emu_ops ops_without_ports = {
	.seg_base = seg_base,
	.read = read_memory,
	.write = write_memory,
};

#define GPR(name_) (machine.ctx.gpr[INSN_##name_])

static int setup(void **state)
{
	(void)state;
	memset(&machine, 0, sizeof(machine));
	machine.ctx.ops = &ops;
	machine.ctx.owner = &machine;
	machine.ctx.rip = 0x1000;
	machine.ctx.rflags = RFLAGS_FIXED1 | RFLAGS_IF;
	machine.ctx.stack_size = 8;
	machine.ctx.max_iterations = 100;
	return 0;
}

static enum emu_status run(enum insn_mode mode, const uint8_t *bytes)
{
	struct insn insn;

	assert_int_equal(insn_decode(bytes, INSN_MAX_LENGTH, mode, &insn), 0);
	return emu_execute(&machine.ctx, &insn);
}

#define RUN(mode_, ...) run(INSN_MODE_##mode_, (const uint8_t[INSN_MAX_LENGTH]){__VA_ARGS__})

static void expect_access(unsigned index, char kind, uint64_t address, unsigned size)
{
	assert_true(index < machine.accesses);
	assert_int_equal(machine.log[index].kind, kind);
	assert_int_equal(machine.log[index].address, address);
	assert_int_equal(machine.log[index].size, size);
}

static uint64_t memory_at(uint64_t address, unsigned size)
{
	uint64_t value = 0;

	memcpy(&value, machine.memory + address, size);
	return value;
}

static void put_memory(uint64_t address, unsigned size, uint64_t value)
{
	memcpy(machine.memory + address, &value, size);
}

/* ---- Devices: exactly the accesses that the instruction says --------------------------------- */

static void a_store_does_not_read(void **state)
{
	(void)state;
	GPR(RBX) = 0x4000;
	GPR(RAX) = 0x11223344;
	assert_int_equal(RUN(64, 0x89, 0x43, 0x10), EMU_DONE); /* mov [rbx+0x10], eax */
	assert_int_equal(machine.accesses, 1);
	expect_access(0, 'w', 0x4010, 4);
	assert_int_equal(memory_at(0x4010, 8), 0x11223344);
	assert_int_equal(machine.ctx.rip, 0x1003);
}

static void a_modification_is_one_read_and_one_write(void **state)
{
	(void)state;
	put_memory(0x4000, 2, 0x7fff);
	assert_int_equal(RUN(64, 0xf0, 0x66, 0x83, 0x04, 0x25, 0, 0x40, 0, 0, 1), EMU_DONE);
	assert_int_equal(machine.accesses, 2);
	expect_access(0, 'm', 0x4000, 2);
	expect_access(1, 'w', 0x4000, 2);
	assert_int_equal(memory_at(0x4000, 2), 0x8000);
	assert_int_equal(machine.ctx.rflags,
			 RFLAGS_FIXED1 | RFLAGS_IF | RFLAGS_OF | RFLAGS_SF | RFLAGS_AF | RFLAGS_PF);
}

static void a_test_does_not_write(void **state)
{
	(void)state;
	assert_int_equal(RUN(64, 0xf6, 0x04, 0x25, 0, 0x40, 0, 0, 0x80), EMU_DONE);
	assert_int_equal(machine.accesses, 1);
	expect_access(0, 'r', 0x4000, 1);
	assert_true((machine.ctx.rflags & RFLAGS_ZF) != 0);
}

static void a_conditional_move_always_reads(void **state)
{
	(void)state;
	GPR(RAX) = UINT64_MAX;
	assert_int_equal(RUN(64, 0x0f, 0x44, 0x04, 0x25, 0, 0x40, 0, 0), EMU_DONE); /* cmovz */
	expect_access(0, 'r', 0x4000, 4);
	assert_int_equal(GPR(RAX), UINT32_MAX);
}

static void high_byte_registers(void **state)
{
	(void)state;
	GPR(RAX) = 0x1122334455667788;
	put_memory(0x4000, 1, 0xab);
	assert_int_equal(RUN(64, 0x8a, 0x24, 0x25, 0, 0x40, 0, 0), EMU_DONE); /* mov ah, [..] */
	assert_int_equal(GPR(RAX), 0x112233445566ab88);
	GPR(RSP) = 0x55;
	assert_int_equal(RUN(64, 0x40, 0x88, 0x24, 0x25, 0, 0x40, 0, 0), EMU_DONE); /* spl */
	assert_int_equal(memory_at(0x4000, 1), 0x55);
}

static void byte_swapping_move(void **state)
{
	(void)state;
	GPR(RAX) = 0x11223344;
	assert_int_equal(RUN(64, 0x0f, 0x38, 0xf1, 0x04, 0x25, 0, 0x40, 0, 0), EMU_DONE);
	assert_int_equal(memory_at(0x4000, 4), 0x44332211);
}

/* ---- Addresses ------------------------------------------------------------------------------- */

static void segments_in_16_bit_code(void **state)
{
	(void)state;
	machine.base[INSN_DS] = 0x8000;
	machine.base[INSN_SS] = 0x10000;
	machine.base[INSN_ES] = 0x2000;
	GPR(RBX) = 0xdead0000fff0;
	GPR(RBP) = 0x100;
	assert_int_equal(RUN(16, 0x8b, 0x47, 0x20), EMU_DONE);	     /* mov ax, [bx+0x20] wraps */
	assert_int_equal(RUN(16, 0x8b, 0x46, 0x04), EMU_DONE);	     /* mov ax, [bp+4] */
	assert_int_equal(RUN(16, 0x26, 0x8b, 0x46, 0x04), EMU_DONE); /* mov ax, es:[bp+4] */
	assert_int_equal(RUN(16, 0x66, 0xa1, 0x10, 0x00), EMU_DONE); /* mov eax, [0x10] */
	expect_access(0, 'r', 0x8010, 2);
	expect_access(1, 'r', 0x10104, 2);
	expect_access(2, 'r', 0x2104, 2);
	expect_access(3, 'r', 0x8010, 4);
}

static void linear_addresses_wrap_at_4_gib(void **state)
{
	(void)state;
	machine.base[INSN_DS] = 0xfffff000;
	GPR(RBX) = 0x5000;
	assert_int_equal(RUN(32, 0x8b, 0x03), EMU_DONE);
	expect_access(0, 'r', 0x4000, 4);
}

static void only_fs_and_gs_have_bases_in_64_bit_code(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 6; i++)
		machine.base[i] = 0x1000;
	GPR(RBX) = 0x4000;
	assert_int_equal(RUN(64, 0x8b, 0x03), EMU_DONE);
	assert_int_equal(RUN(64, 0x65, 0x8b, 0x03), EMU_DONE);
	expect_access(0, 'r', 0x4000, 4);
	expect_access(1, 'r', 0x5000, 4);
}

static void addresses_that_are_not_canonical(void **state)
{
	(void)state;
	GPR(RBX) = GPR(RBP) = UINT64_C(0x0000800000000000);
	assert_int_equal(RUN(64, 0x8b, 0x03), EMU_FAULT);
	assert_int_equal(machine.ctx.fault.vector, X86_GP);
	assert_int_equal(RUN(64, 0x8b, 0x45, 0), EMU_FAULT);
	assert_int_equal(machine.ctx.fault.vector, X86_SS);
	assert_true(machine.ctx.fault.has_error_code);
	assert_int_equal(machine.ctx.fault.error_code, 0);
	assert_int_equal(machine.ctx.rip, 0x1000);
	assert_int_equal(machine.accesses, 0);
}

static void bits_beside_the_operand(void **state)
{
	(void)state;
	GPR(RBX) = 0x4000;
	GPR(RCX) = (uint64_t)-1;
	assert_int_equal(RUN(64, 0x0f, 0xab, 0x0b), EMU_DONE); /* bts [rbx], ecx */
	expect_access(0, 'm', 0x3ffc, 4);
	assert_int_equal(memory_at(0x3ffc, 4), 0x80000000);
	GPR(RCX) = 100;
	assert_int_equal(RUN(64, 0x48, 0x0f, 0xa3, 0x0b), EMU_DONE); /* bt [rbx], rcx */
	expect_access(2, 'r', 0x4008, 8);
}

/* ---- Stack and branches ---------------------------------------------------------------------- */

static void push_and_pop(void **state)
{
	(void)state;
	GPR(RSP) = 0x8000;
	put_memory(0x4000, 8, 0x1122334455667788);
	assert_int_equal(RUN(64, 0xff, 0x34, 0x25, 0, 0x40, 0, 0), EMU_DONE); /* push [..] */
	assert_int_equal(GPR(RSP), 0x7ff8);
	assert_int_equal(memory_at(0x7ff8, 8), 0x1122334455667788);
	assert_int_equal(RUN(64, 0x8f, 0x44, 0x24, 0x08), EMU_DONE); /* pop [rsp+8] */
	assert_int_equal(GPR(RSP), 0x8000);
	/* The address is formed after RSP has moved. */
	assert_int_equal(memory_at(0x8008, 8), 0x1122334455667788);
}

static void a_16_bit_stack_wraps(void **state)
{
	(void)state;
	machine.ctx.stack_size = 2;
	machine.base[INSN_SS] = 0x1000;
	GPR(RSP) = 0xabcd0000;
	put_memory(0x40, 2, 0x1234);
	assert_int_equal(RUN(16, 0xff, 0x36, 0x40, 0x00), EMU_DONE); /* push [0x40] */
	assert_int_equal(GPR(RSP), 0xabcdfffe);
	assert_int_equal(memory_at(0x10ffe, 2), 0x1234);
}

static void branches(void **state)
{
	(void)state;
	GPR(RSP) = 0x8000;
	put_memory(0x4000, 8, 0x5678);
	assert_int_equal(RUN(64, 0xff, 0x14, 0x25, 0, 0x40, 0, 0), EMU_DONE); /* call [..] */
	assert_int_equal(machine.ctx.rip, 0x5678);
	assert_int_equal(memory_at(0x7ff8, 8), 0x1007);
	assert_int_equal(RUN(64, 0xc2, 0x10, 0x00), EMU_DONE); /* ret 16 */
	assert_int_equal(machine.ctx.rip, 0x1007);
	assert_int_equal(GPR(RSP), 0x8010);
	assert_int_equal(RUN(64, 0xff, 0x24, 0x25, 0, 0x40, 0, 0), EMU_DONE); /* jmp [..] */
	assert_int_equal(machine.ctx.rip, 0x5678);
}

static void a_branch_out_of_the_address_space(void **state)
{
	(void)state;
	GPR(RSP) = 0x8000;
	put_memory(0x4000, 8, UINT64_C(0x8000000000000000));
	assert_int_equal(RUN(64, 0xff, 0x14, 0x25, 0, 0x40, 0, 0), EMU_FAULT);
	assert_int_equal(machine.ctx.fault.vector, X86_GP);
	assert_int_equal(machine.ctx.rip, 0x1000);
	assert_int_equal(GPR(RSP), 0x8000);
	assert_int_equal(machine.accesses, 1); /* nothing pushed */
}

static void a_16_bit_branch_keeps_16_bits(void **state)
{
	(void)state;
	put_memory(0x40, 4, 0xaaaa1234);
	assert_int_equal(RUN(16, 0xff, 0x26, 0x40, 0x00), EMU_DONE);
	assert_int_equal(machine.ctx.rip, 0x1234);
}

static void eip_wraps(void **state)
{
	(void)state;
	machine.ctx.rip = 0xffffffff;
	GPR(RBX) = 0x4000;
	assert_int_equal(RUN(32, 0x8b, 0x03), EMU_DONE);
	assert_int_equal(machine.ctx.rip, 1);
}

/* ---- Strings and ports ----------------------------------------------------------------------- */

static void a_repeated_string_in_pieces(void **state)
{
	(void)state;
	machine.ctx.max_iterations = 2;
	GPR(RSI) = 0x4000;
	GPR(RDI) = 0x5000;
	GPR(RCX) = 5;
	put_memory(0x4000, 8, 0x8877665544332211);
	assert_int_equal(RUN(64, 0xf3, 0xa4), EMU_AGAIN); /* rep movsb */
	assert_int_equal(machine.ctx.rip, 0x1000);
	assert_int_equal(GPR(RCX), 3);
	assert_int_equal(GPR(RSI), 0x4002);
	assert_int_equal(RUN(64, 0xf3, 0xa4), EMU_AGAIN);
	assert_int_equal(RUN(64, 0xf3, 0xa4), EMU_DONE);
	assert_int_equal(machine.ctx.rip, 0x1002);
	assert_int_equal(GPR(RCX), 0);
	assert_int_equal(memory_at(0x5000, 8), 0x5544332211);
}

static void a_string_with_count_zero_does_nothing(void **state)
{
	(void)state;
	GPR(RCX) = UINT64_C(0x100000000);
	assert_int_equal(RUN(64, 0x67, 0xf3, 0xaa), EMU_DONE); /* ECX counts */
	assert_int_equal(machine.accesses, 0);
	assert_int_equal(machine.ctx.rip, 0x1003);
}

static void a_string_backwards_across_64_kib(void **state)
{
	(void)state;
	machine.ctx.rflags |= RFLAGS_DF;
	machine.base[INSN_ES] = 0x100;
	GPR(RDI) = 0xffff0001;
	GPR(RCX) = 2;
	GPR(RAX) = 0x55;
	assert_int_equal(RUN(16, 0xf3, 0xaa), EMU_DONE); /* rep stosb */
	expect_access(0, 'w', 0x101, 1);
	expect_access(1, 'w', 0x100, 1);
	assert_int_equal(GPR(RDI), 0xffffffff);
	assert_int_equal(GPR(RCX), 0);
}

static void a_fault_in_the_middle_of_a_string(void **state)
{
	(void)state;
	GPR(RDI) = HOLE - 8;
	GPR(RCX) = 4;
	GPR(RAX) = UINT64_MAX;
	assert_int_equal(RUN(64, 0xf3, 0xab), EMU_FAULT); /* rep stosd */
	assert_int_equal(machine.ctx.fault.vector, X86_PF);
	assert_int_equal(machine.ctx.fault.cr2, HOLE);
	assert_int_equal(GPR(RCX), 2);
	assert_int_equal(GPR(RDI), HOLE);
	assert_int_equal(machine.ctx.rip, 0x1000);
}

static void a_comparison_ends_early(void **state)
{
	(void)state;
	GPR(RDI) = 0x4000;
	GPR(RCX) = 10;
	GPR(RAX) = 0x33;
	put_memory(0x4000, 4, 0x44332211);
	assert_int_equal(RUN(64, 0xf2, 0xae), EMU_DONE); /* repne scasb */
	assert_int_equal(GPR(RCX), 7);
	assert_int_equal(GPR(RDI), 0x4003);
	assert_true((machine.ctx.rflags & RFLAGS_ZF) != 0);
	assert_int_equal(machine.ctx.rip, 0x1002);
}

static void string_source_segment(void **state)
{
	(void)state;
	machine.base[INSN_FS] = 0x100;
	machine.base[INSN_ES] = 0x7000; /* without effect in 64-bit code */
	GPR(RSI) = 0x4000;
	GPR(RDI) = 0x5000;
	assert_int_equal(RUN(64, 0x64, 0xa5), EMU_DONE);
	expect_access(0, 'r', 0x4100, 4);
	expect_access(1, 'w', 0x5000, 4);
}

static void ports(void **state)
{
	(void)state;
	GPR(RAX) = 0x1122334455667788;
	GPR(RDX) = 0x3f8;
	assert_int_equal(RUN(64, 0xee), EMU_DONE); /* out dx, al */
	expect_access(0, 'o', 0x3f8, 1);
	assert_int_equal(machine.port_value, 0x88);
	assert_int_equal(RUN(64, 0xe5, 0x80), EMU_DONE); /* in eax, 0x80 */
	expect_access(1, 'i', 0x80, 4);
	assert_int_equal(GPR(RAX), 0x88);
	GPR(RDI) = 0x4000;
	GPR(RCX) = 2;
	assert_int_equal(RUN(64, 0xf3, 0x6c), EMU_DONE); /* rep insb */
	assert_int_equal(memory_at(0x4000, 2), 0x8a89);
	GPR(RSI) = 0x4000;
	assert_int_equal(RUN(64, 0x66, 0x6f), EMU_DONE); /* outsw */
	assert_int_equal(machine.port_value, 0x8a89);
}

/* ---- Faults and refusals --------------------------------------------------------------------- */

static void a_fault_changes_nothing(void **state)
{
	struct emu_ctx before;

	(void)state;
	GPR(RBX) = HOLE - 2;
	GPR(RCX) = 5;
	machine.ctx.rflags |= RFLAGS_CF | RFLAGS_RF;
	before = machine.ctx;
	assert_int_equal(RUN(64, 0x0f, 0xc1, 0x0b), EMU_FAULT); /* xadd [rbx], ecx */
	assert_int_equal(machine.ctx.fault.cr2, HOLE - 2);
	assert_memory_equal(machine.ctx.gpr, before.gpr, sizeof(before.gpr));
	assert_int_equal(machine.ctx.rip, before.rip);
	assert_int_equal(machine.ctx.rflags, before.rflags);
}

static void division_errors(void **state)
{
	(void)state;
	GPR(RAX) = 10;
	assert_int_equal(RUN(64, 0xf7, 0x34, 0x25, 0, 0x40, 0, 0), EMU_FAULT); /* by zero */
	assert_int_equal(machine.ctx.fault.vector, X86_DE);
	assert_false(machine.ctx.fault.has_error_code);
	put_memory(0x4000, 8, (uint64_t)-1);
	GPR(RAX) = UINT64_C(1) << 63;
	GPR(RDX) = UINT64_MAX;
	assert_int_equal(RUN(64, 0x48, 0xf7, 0x3c, 0x25, 0, 0x40, 0, 0), EMU_FAULT);
	assert_int_equal(GPR(RAX), UINT64_C(1) << 63);
}

static void rf_is_cleared_at_the_end(void **state)
{
	(void)state;
	machine.ctx.rflags |= RFLAGS_RF;
	GPR(RBX) = 0x4000;
	assert_int_equal(RUN(64, 0x8b, 0x03), EMU_DONE);
	assert_int_equal(machine.ctx.rflags & RFLAGS_RF, 0);
}

static void what_is_not_emulated(void **state)
{
	const struct emu_ctx before = machine.ctx;

	(void)state;
	machine.ctx.ops = &ops_without_ports;
	assert_int_equal(RUN(64, 0x0f, 0xa2), EMU_UNSUPPORTED);		    /* cpuid */
	assert_int_equal(RUN(64, 0xff, 0x2c, 0x24), EMU_UNSUPPORTED);	    /* jmp far */
	assert_int_equal(RUN(64, 0x0f, 0x10, 0x00), EMU_UNSUPPORTED);	    /* no XMM registers */
	assert_int_equal(RUN(64, 0xc5, 0xf8, 0x10, 0x00), EMU_UNSUPPORTED); /* AVX */
	assert_int_equal(RUN(64, 0xd8, 0x00), EMU_UNSUPPORTED);		    /* x87 */
	assert_int_equal(RUN(64, 0xec), EMU_UNSUPPORTED);		    /* no ports */
	assert_int_equal(RUN(64, 0x6d), EMU_UNSUPPORTED);
	assert_int_equal(machine.accesses, 0);
	assert_memory_equal(machine.ctx.gpr, before.gpr, sizeof(before.gpr));
	assert_int_equal(machine.ctx.rip, before.rip);
}

/** A line of a device's memory: only its address counts. */
static void cache_lines_are_flushed(void **state)
{
	(void)state;
	GPR(RDI) = HOLE - 1;
	assert_int_equal(RUN(64, 0x0f, 0xae, 0x3f), EMU_DONE); /* clflush (%rdi) */
	assert_int_equal(machine.ctx.rip, 0x1003);
	assert_int_equal(RUN(64, 0x66, 0x0f, 0xae, 0x3f), EMU_DONE); /* clflushopt */
	assert_int_equal(RUN(64, 0x66, 0x0f, 0xae, 0x37), EMU_DONE); /* clwb */
	assert_int_equal(RUN(64, 0x0f, 0x18, 0x0f), EMU_DONE);	     /* prefetcht0 */
	assert_int_equal(RUN(64, 0x0f, 0x0d, 0x0f), EMU_DONE);	     /* prefetchw */
	assert_int_equal(RUN(64, 0x0f, 0x1c, 0x07), EMU_DONE);	     /* cldemote */
	assert_int_equal(RUN(32, 0x0f, 0xae, 0x3f), EMU_DONE);
	assert_int_equal(machine.ctx.rip, 0x1000 + 3 + 4 + 4 + 3 + 3 + 3 + 3);
	assert_int_equal(machine.accesses, 0);
	GPR(RDI) = UINT64_C(1) << 63;
	assert_int_equal(RUN(64, 0x0f, 0x18, 0x0f), EMU_DONE); /* a hint never faults */
	assert_int_equal(RUN(64, 0x0f, 0xae, 0x3f), EMU_FAULT);
	assert_int_equal(machine.ctx.fault.vector, X86_GP);
	/* What else is there: XSAVEOPT, CLRSSBSY, FXSAVE, a fence; CLWB and the like with other prefixes. */
	assert_int_equal(RUN(64, 0x0f, 0xae, 0x37), EMU_UNSUPPORTED);
	assert_int_equal(RUN(64, 0xf3, 0x0f, 0xae, 0x37), EMU_UNSUPPORTED);
	assert_int_equal(RUN(64, 0x0f, 0xae, 0x07), EMU_UNSUPPORTED);
	assert_int_equal(RUN(64, 0x0f, 0xae, 0xf8), EMU_UNSUPPORTED);
	assert_int_equal(RUN(64, 0xf3, 0x0f, 0xae, 0x3f), EMU_UNSUPPORTED);
	assert_int_equal(RUN(64, 0x66, 0xf3, 0x0f, 0xae, 0x37), EMU_UNSUPPORTED);
}

#define TEST(name_) cmocka_unit_test_setup(name_, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_store_does_not_read),
		TEST(cache_lines_are_flushed),
		TEST(a_modification_is_one_read_and_one_write),
		TEST(a_test_does_not_write),
		TEST(a_conditional_move_always_reads),
		TEST(high_byte_registers),
		TEST(byte_swapping_move),
		TEST(segments_in_16_bit_code),
		TEST(linear_addresses_wrap_at_4_gib),
		TEST(only_fs_and_gs_have_bases_in_64_bit_code),
		TEST(addresses_that_are_not_canonical),
		TEST(bits_beside_the_operand),
		TEST(push_and_pop),
		TEST(a_16_bit_stack_wraps),
		TEST(branches),
		TEST(a_branch_out_of_the_address_space),
		TEST(a_16_bit_branch_keeps_16_bits),
		TEST(eip_wraps),
		TEST(a_repeated_string_in_pieces),
		TEST(a_string_with_count_zero_does_nothing),
		TEST(a_string_backwards_across_64_kib),
		TEST(a_fault_in_the_middle_of_a_string),
		TEST(a_comparison_ends_early),
		TEST(string_source_segment),
		TEST(ports),
		TEST(a_fault_changes_nothing),
		TEST(division_errors),
		TEST(rf_is_cleared_at_the_end),
		TEST(what_is_not_emulated),
	};

	return cmocka_run_group_tests_name("emulate", tests, NULL, NULL);
}
