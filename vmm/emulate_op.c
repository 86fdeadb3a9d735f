/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Operations: a value from emu::dst and emu::src, and flags.
 */
#include "vmm/emulate_op.h"

#include "lib/x86/regs.h"
#include "vmm/emulate_alu.h"

static bool carry(const struct emu *e)
{
	return (e->flags & RFLAGS_CF) != 0;
}

uint64_t op_move(struct emu *e)
{
	return e->src;
}

uint64_t op_sign_extend(struct emu *e)
{
	return (uint64_t)alu_sign_extend(e->src, e->insn->mem.size);
}

uint64_t op_swap_bytes(struct emu *e)
{
	return __builtin_bswap64(e->src) >> (64 - e->insn->opsize * 8);
}

bool emu_condition(const struct emu *e)
{
	const bool less = ((e->flags & RFLAGS_SF) != 0) != ((e->flags & RFLAGS_OF) != 0);
	const bool values[8] = {
		(e->flags & RFLAGS_OF) != 0,
		(e->flags & RFLAGS_CF) != 0,
		(e->flags & RFLAGS_ZF) != 0,
		(e->flags & (RFLAGS_CF | RFLAGS_ZF)) != 0,
		(e->flags & RFLAGS_SF) != 0,
		(e->flags & RFLAGS_PF) != 0,
		less,
		less || (e->flags & RFLAGS_ZF) != 0,
	};

	return values[e->insn->opcode >> 1 & 7] != ((e->insn->opcode & 1) != 0);
}

uint64_t op_cmov(struct emu *e)
{
	return emu_condition(e) ? e->src : e->dst;
}

uint64_t op_set(struct emu *e)
{
	return emu_condition(e) ? 1 : 0;
}

uint64_t op_add(struct emu *e)
{
	return alu_add(e->dst, e->src, false, e->insn->opsize, &e->flags);
}

uint64_t op_adc(struct emu *e)
{
	return alu_add(e->dst, e->src, carry(e), e->insn->opsize, &e->flags);
}

uint64_t op_sub(struct emu *e)
{
	return alu_sub(e->dst, e->src, false, e->insn->opsize, &e->flags);
}

uint64_t op_sbb(struct emu *e)
{
	return alu_sub(e->dst, e->src, carry(e), e->insn->opsize, &e->flags);
}

uint64_t op_and(struct emu *e)
{
	return alu_logic(e->dst & e->src, e->insn->opsize, &e->flags);
}

uint64_t op_or(struct emu *e)
{
	return alu_logic(e->dst | e->src, e->insn->opsize, &e->flags);
}

uint64_t op_xor(struct emu *e)
{
	return alu_logic(e->dst ^ e->src, e->insn->opsize, &e->flags);
}

uint64_t op_inc(struct emu *e)
{
	return alu_inc(e->dst, e->insn->opsize, &e->flags);
}

uint64_t op_dec(struct emu *e)
{
	return alu_dec(e->dst, e->insn->opsize, &e->flags);
}

uint64_t op_not(struct emu *e)
{
	return ~e->dst & insn_size_mask(e->insn->opsize);
}

uint64_t op_neg(struct emu *e)
{
	return alu_sub(0, e->dst, false, e->insn->opsize, &e->flags);
}

uint64_t op_rol(struct emu *e)
{
	return alu_rol(e->dst, e->src, e->insn->opsize, &e->flags);
}

uint64_t op_ror(struct emu *e)
{
	return alu_ror(e->dst, e->src, e->insn->opsize, &e->flags);
}

uint64_t op_rcl(struct emu *e)
{
	return alu_rcl(e->dst, e->src, e->insn->opsize, &e->flags);
}

uint64_t op_rcr(struct emu *e)
{
	return alu_rcr(e->dst, e->src, e->insn->opsize, &e->flags);
}

uint64_t op_shl(struct emu *e)
{
	return alu_shl(e->dst, e->src, e->insn->opsize, &e->flags);
}

uint64_t op_shr(struct emu *e)
{
	return alu_shr(e->dst, e->src, e->insn->opsize, &e->flags);
}

uint64_t op_sar(struct emu *e)
{
	return alu_sar(e->dst, e->src, e->insn->opsize, &e->flags);
}

/** The count of SHLD and SHRD is the third operand: an immediate or CL. */
static uint64_t double_shift_count(const struct emu *e)
{
	return e->insn->form == INSN_FORM_RM_R_I ? (uint64_t)e->insn->imm & 0xff
						 : e->ctx->gpr[INSN_RCX] & 0xff;
}

uint64_t op_shld(struct emu *e)
{
	return alu_shld(e->dst, e->src, double_shift_count(e), e->insn->opsize, &e->flags);
}

uint64_t op_shrd(struct emu *e)
{
	return alu_shrd(e->dst, e->src, double_shift_count(e), e->insn->opsize, &e->flags);
}

/** CF gets the bit; the mask is for the three that change it. */
static uint64_t selected_bit(struct emu *e)
{
	const uint64_t mask = UINT64_C(1) << (e->src & (e->insn->opsize * 8u - 1));

	e->flags = (e->dst & mask) != 0 ? e->flags | RFLAGS_CF : e->flags & ~RFLAGS_CF;
	return mask;
}

uint64_t op_bt(struct emu *e)
{
	selected_bit(e);
	return e->dst;
}

uint64_t op_bts(struct emu *e)
{
	return e->dst | selected_bit(e);
}

uint64_t op_btr(struct emu *e)
{
	return e->dst & ~selected_bit(e);
}

uint64_t op_btc(struct emu *e)
{
	return e->dst ^ selected_bit(e);
}

uint64_t op_imul(struct emu *e)
{
	const uint64_t factor = e->insn->form == INSN_FORM_R_RM_I
					? (uint64_t)e->insn->imm & insn_size_mask(e->insn->opsize)
					: e->dst;

	return alu_imul(e->src, factor, e->insn->opsize, &e->flags);
}

void emu_set_zero_flag(struct emu *e, bool value)
{
	e->flags = value ? e->flags | RFLAGS_ZF : e->flags & ~RFLAGS_ZF;
}

/** Of zero, the destination stays as it was (APM; all known CPUs). */
uint64_t op_bsf(struct emu *e)
{
	emu_set_zero_flag(e, e->src == 0);
	return e->src == 0 ? e->dst : (uint64_t)__builtin_ctzll(e->src);
}

uint64_t op_bsr(struct emu *e)
{
	emu_set_zero_flag(e, e->src == 0);
	return e->src == 0 ? e->dst : 63 - (uint64_t)__builtin_clzll(e->src);
}

/** CF tells of an operand that is zero, ZF of a result that is. */
static uint64_t count_zeros(struct emu *e, uint64_t result)
{
	e->flags = e->src == 0 ? e->flags | RFLAGS_CF : e->flags & ~RFLAGS_CF;
	emu_set_zero_flag(e, result == 0);
	return result;
}

uint64_t op_tzcnt(struct emu *e)
{
	return count_zeros(e,
			   e->src == 0 ? e->insn->opsize * 8u : (uint64_t)__builtin_ctzll(e->src));
}

uint64_t op_lzcnt(struct emu *e)
{
	const uint64_t bits = e->insn->opsize * 8u;

	return count_zeros(e, e->src == 0 ? bits : (uint64_t)__builtin_clzll(e->src) + bits - 64);
}

/** Not __builtin_popcountll(): without the instruction, that is a call into a library. */
uint64_t op_popcnt(struct emu *e)
{
	uint64_t count = 0;

	for (uint64_t rest = e->src; rest != 0; rest &= rest - 1)
		count++;
	e->flags &= ~(RFLAGS_CF | RFLAGS_OF | RFLAGS_SF | RFLAGS_AF | RFLAGS_PF);
	emu_set_zero_flag(e, e->src == 0);
	return count;
}
