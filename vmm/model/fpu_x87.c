/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * x87: the real CPU executes one instruction on the guest's state, with all exceptions masked; whether the guest
 * gets one is decided here.
 */
#include "lib/x86/regs.h"
#include "vmm/model/fpu.h"

#include <string.h>

#define EXCEPTIONS 0x3fu
#define FSW_ES	   0x80u
#define FSW_BUSY   0x8000u
/** Room for what FNSAVE writes. */
#define BIGGEST 108u

#define ARITHMETIC (RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF)

typedef uint64_t (*stub_t)(void *area, void *memory, uint64_t flags);
extern const char fpu_x87_registers[], fpu_x87_memory[];

/** Memory operands by opcode and reg: bytes, negative where they are written; 0: no instruction. */
static const int8_t operands[8][8] = {
	{4, 4, 4, 4, 4, 4, 4, 4},      {4, 0, -4, -4, 28, 2, -28, -2},
	{4, 4, 4, 4, 4, 4, 4, 4},      {4, -4, -4, -4, 0, 10, 0, -10},
	{8, 8, 8, 8, 8, 8, 8, 8},      {8, -8, -8, -8, 108, 0, -108, -2},
	{2, 2, 2, 2, 2, 2, 2, 2},      {2, -2, -2, -2, 10, 8, -10, -8},
};

/** Register forms by opcode: bit n is ModRM C0h + n. Undocumented aliases aren't there. */
static const uint64_t registers[8] = {
	UINT64_C(0xffffffffffffffff), UINT64_C(0xffff7f330001ffff), UINT64_C(0x00000200ffffffff),
	UINT64_C(0x00ffff0cffffffff), UINT64_C(0xffffffff0000ffff), UINT64_C(0x0000ffffffff00ff),
	UINT64_C(0xffffffff0200ffff), UINT64_C(0x00ffff0100000000),
};

static uint16_t word_at(const uint8_t *area, unsigned offset)
{
	uint16_t value;

	memcpy(&value, area + offset, sizeof(value));
	return value;
}

static void set_word(uint8_t *area, unsigned offset, unsigned value)
{
	const uint16_t word = (uint16_t)value;

	memcpy(area + offset, &word, sizeof(word));
}

/** Loads, stores and clears state: the control word counts as it is, and nothing is computed. */
static bool is_control(const struct insn *insn)
{
	const unsigned reg = insn->reg & 7;

	if (!insn->has_mem)
		return insn->opcode == 0xdb && (insn->modrm == 0xe2 || insn->modrm == 0xe3);
	return (insn->opcode == 0xd9 && reg >= 4) || (insn->opcode == 0xdd && (reg & 4) != 0);
}

/** FNxxx: doesn't look whether an exception waits. */
static bool does_not_wait(const struct insn *insn)
{
	const unsigned reg = insn->reg & 7;

	if (!insn->has_mem)
		return is_control(insn) || (insn->opcode == 0xdf && insn->modrm == 0xe0);
	return (insn->opcode == 0xd9 && reg >= 6) || (insn->opcode == 0xdd && reg >= 6);
}

/** ES and B say whether an exception waits that isn't masked. */
static void note_pending(uint8_t *area)
{
	const unsigned fcw = word_at(area, FX_FCW), fsw = word_at(area, FX_FSW);
	const bool waits = (fsw & ~fcw & EXCEPTIONS) != 0;

	set_word(area, FX_FSW, waits ? fsw | FSW_ES | FSW_BUSY : fsw & ~(FSW_ES | FSW_BUSY));
}

/** The VMM's own state, too, is what it was. */
static void run_stub(struct exec *x, const struct insn *insn, void *memory)
{
	static __thread uint8_t mine[FX_SIZE] __attribute__((aligned(16)));
	const unsigned opcode = insn->opcode & 7u;
	const char *stub = insn->has_mem
				   ? fpu_x87_memory + 16 * (8 * opcode + (insn->reg & 7u))
				   : fpu_x87_registers + 16 * (64 * opcode + (insn->modrm & 63u));
	uint8_t *const area = fpu_area(x);
	const unsigned fcw = word_at(area, FX_FCW);
	uint64_t flags;

	if (!is_control(insn))
		set_word(area, FX_FCW, fcw | EXCEPTIONS);
	__asm__ volatile("fxsave64 %0" : "=m"(mine));
	flags = ((stub_t)(uintptr_t)stub)(area, memory, x->ctx.rflags & ARITHMETIC);
	__asm__ volatile("fxrstor64 %0" : : "m"(mine));
	if (!is_control(insn))
		set_word(area, FX_FCW, fcw);
	note_pending(area);
	x->ctx.rflags = (x->ctx.rflags & ~ARITHMETIC) | (flags & ARITHMETIC);
}

static enum emu_status with_memory(struct exec *x, const struct insn *insn)
{
	const int operand = operands[insn->opcode & 7][insn->reg & 7];
	const unsigned size = (unsigned)(operand < 0 ? -operand : operand);
	uint8_t memory[BIGGEST] __attribute__((aligned(16))) = {0};
	uint8_t before[FX_SIZE];
	enum emu_status status;
	uint64_t linear;

	if (size == 0)
		return exec_fault(x, X86_UD);
	if (size >= 28 && insn->opsize == 2)
		return EMU_UNSUPPORTED; /* the 16-bit format */
	status = emu_address(&x->ctx, insn, size, operand < 0, &linear);
	if (status == EMU_DONE)
		status = operand < 0 ? exec_writable(x, linear, size, exec_view(x))
				     : exec_read(x, linear, memory, size, exec_view(x));
	if (status != EMU_DONE)
		return status;
	memcpy(before, fpu_area(x), FX_SIZE);
	run_stub(x, insn, memory);
	if (operand < 0)
		status = exec_write(x, linear, memory, size, exec_view(x));
	if (status != EMU_DONE) {
		memcpy(fpu_area(x), before, FX_SIZE);
		return status;
	}
	return exec_done(x, insn);
}

static enum emu_status with_registers(struct exec *x, const struct insn *insn)
{
	if ((registers[insn->opcode & 7] >> (insn->modrm & 63) & 1) == 0)
		return exec_fault(x, X86_UD);
	if (insn->opcode == 0xdf && insn->modrm == 0xe0) /* FNSTSW AX */
		x->ctx.gpr[INSN_RAX] = (x->ctx.gpr[INSN_RAX] & ~UINT64_C(0xffff)) |
				       word_at(fpu_area(x), FX_FSW);
	else
		run_stub(x, insn, NULL);
	return exec_done(x, insn);
}

/** FWAIT has its own rule for CR0.TS. */
static enum emu_status wait(struct exec *x, const struct insn *insn)
{
	if ((x->s->cr0 & (CR0_MP | CR0_TS)) == (CR0_MP | CR0_TS))
		return exec_fault(x, X86_NM);
	if ((word_at(fpu_area(x), FX_FSW) & FSW_ES) != 0)
		return exec_fault(x, X86_MF);
	return exec_done(x, insn);
}

enum emu_status fpu_x87(struct exec *x, const struct insn *insn)
{
	if (insn->opcode == 0x9b)
		return wait(x, insn);
	if (fpu_check_x87(x) != EMU_DONE)
		return EMU_FAULT;
	if (!does_not_wait(insn) && (word_at(fpu_area(x), FX_FSW) & FSW_ES) != 0)
		return exec_fault(x, X86_MF);
	return insn->has_mem ? with_memory(x, insn) : with_registers(x, insn);
}
