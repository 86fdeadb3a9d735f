/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decimal arithmetic on AL and AX, which 64-bit mode doesn't have (SDM, AAA to AAS, DAA, DAS).
 */
#include "vmm/emulate_state.h"

#include "lib/x86/regs.h"
#include "vmm/emulate_alu.h"

static void set(struct emu *e, uint64_t flag, bool value)
{
	e->flags = value ? e->flags | flag : e->flags & ~flag;
}

static void set_al(struct emu *e, uint64_t value)
{
	uint64_t *const rax = &e->ctx->gpr[INSN_RAX];

	*rax = (*rax & ~UINT64_C(0xff)) | (value & 0xff);
}

static void set_ax(struct emu *e, uint64_t value)
{
	uint64_t *const rax = &e->ctx->gpr[INSN_RAX];

	*rax = (*rax & ~UINT64_C(0xffff)) | (value & 0xffff);
}

/** DAA and DAS; SF, ZF and PF as of AL. */
static void adjust_decimal(struct emu *e, bool subtract)
{
	const uint64_t old = e->ctx->gpr[INSN_RAX] & 0xff;
	const bool carry = (e->flags & RFLAGS_CF) != 0;
	const bool low = (old & 15) > 9 || (e->flags & RFLAGS_AF) != 0;
	const bool high = old > 0x99 || carry;
	const uint64_t by = (low ? 6u : 0u) + (high ? 0x60u : 0u);
	const bool borrows = subtract && low && (carry || old < 6);

	set_al(e, subtract ? old - by : old + by);
	alu_logic(e->ctx->gpr[INSN_RAX] & 0xff, 1, &e->flags);
	set(e, RFLAGS_AF, low);
	set(e, RFLAGS_CF, high || borrows);
}

/** AAA and AAS. */
static void adjust_ascii(struct emu *e, bool subtract)
{
	const uint64_t ax = e->ctx->gpr[INSN_RAX] & 0xffff;
	const bool by = (ax & 15) > 9 || (e->flags & RFLAGS_AF) != 0;

	if (by)
		set_ax(e, subtract ? ax - 0x106 : ax + 0x106);
	set_al(e, e->ctx->gpr[INSN_RAX] & 15);
	set(e, RFLAGS_AF | RFLAGS_CF, by);
}

/** AAM: AL divided by the immediate. */
static enum emu_status divide_ascii(struct emu *e)
{
	const uint64_t base = (uint64_t)e->insn->imm & 0xff, al = e->ctx->gpr[INSN_RAX] & 0xff;

	if (base == 0)
		return emu_raise(e, X86_DE, false);
	set_ax(e, (al / base) << 8 | al % base);
	alu_logic(al % base, 1, &e->flags);
	return EMU_DONE;
}

/** AAD: the other way round. */
static void multiply_ascii(struct emu *e)
{
	const uint64_t base = (uint64_t)e->insn->imm & 0xff, ax = e->ctx->gpr[INSN_RAX];

	set_ax(e, ((ax & 0xff) + (ax >> 8 & 0xff) * base) & 0xff);
	alu_logic(e->ctx->gpr[INSN_RAX] & 0xff, 1, &e->flags);
}

enum emu_status emu_run_bcd(struct emu *e)
{
	switch (e->insn->opcode) {
	case 0x27:
	case 0x2f:
		adjust_decimal(e, e->insn->opcode == 0x2f);
		break;
	case 0x37:
	case 0x3f:
		adjust_ascii(e, e->insn->opcode == 0x3f);
		break;
	case 0xd4:
		return divide_ascii(e);
	case 0xd5:
		multiply_ascii(e);
		break;
	default: /* SALC */
		set_al(e, (e->flags & RFLAGS_CF) != 0 ? 0xff : 0);
		break;
	}
	return EMU_DONE;
}
