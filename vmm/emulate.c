/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One instruction: operands are loaded as its form says, the operation is looked up by its identity,
 * the result is stored; flags and RIP change when nothing can fail any more.
 */
#include "vmm/emulate.h"

#include "lib/x86/regs.h"
#include "vmm/emulate_alu.h"
#include "vmm/emulate_state.h"

/* ---- Registers ------------------------------------------------------------------------------ */

/** Without a REX prefix, byte registers 4-7 are AH, CH, DH, BH (SDM 3.7.2.1 of volume 1). */
static bool is_high_byte(const struct emu *e, unsigned n, unsigned size)
{
	return size == 1 && e->insn->rex == 0 && n >= 4;
}

uint64_t emu_get_gpr(const struct emu *e, unsigned n, unsigned size)
{
	if (is_high_byte(e, n, size))
		return e->ctx->gpr[n - 4] >> 8 & 0xff;
	return e->ctx->gpr[n] & insn_size_mask(size);
}

static void merge(uint64_t *reg, uint64_t mask, uint64_t value)
{
	*reg = (*reg & ~mask) | (value & mask);
}

void emu_set_gpr(struct emu *e, unsigned n, unsigned size, uint64_t value)
{
	if (is_high_byte(e, n, size))
		merge(&e->ctx->gpr[n - 4], 0xff00, value << 8);
	else if (size == 4)
		e->ctx->gpr[n] = value & UINT32_MAX;
	else
		merge(&e->ctx->gpr[n], insn_size_mask(size), value);
}

void emu_add_gpr(struct emu *e, unsigned n, unsigned size, uint64_t delta)
{
	emu_set_gpr(e, n, size, e->ctx->gpr[n] + delta);
}

/* ---- Memory --------------------------------------------------------------------------------- */

enum emu_status emu_raise(struct emu *e, uint8_t vector, bool has_error_code)
{
	e->ctx->fault = (struct emu_fault){.vector = vector, .has_error_code = has_error_code};
	return EMU_FAULT;
}

static bool is_canonical(uint64_t address)
{
	return (uint64_t)((int64_t)(address << 16) >> 16) == address;
}

static enum emu_status linear_64(struct emu *e, enum insn_seg seg, uint64_t offset, unsigned size,
				 uint64_t *linear)
{
	*linear = offset + (seg >= INSN_FS ? e->ctx->ops->seg_base(e->ctx, seg) : 0);
	if (is_canonical(*linear) && is_canonical(*linear + size - 1))
		return EMU_DONE;
	return emu_raise(e, seg == INSN_SS ? X86_SS : X86_GP, true);
}

enum emu_status emu_linear(struct emu *e, enum insn_seg seg, uint64_t offset, unsigned size,
			   uint64_t *linear)
{
	if (e->insn->mode == INSN_MODE_64)
		return linear_64(e, seg, offset, size, linear);
	*linear = (offset + e->ctx->ops->seg_base(e->ctx, seg)) & UINT32_MAX;
	return EMU_DONE;
}

enum emu_status emu_read_at(struct emu *e, enum insn_seg seg, uint64_t offset, unsigned size,
			    uint64_t *value)
{
	uint64_t linear;
	const enum emu_status status = emu_linear(e, seg, offset, size, &linear);

	*value = 0;
	return status != EMU_DONE ? status
				  : e->ctx->ops->read(e->ctx, linear, size, EMU_READ, value);
}

enum emu_status emu_write_at(struct emu *e, enum insn_seg seg, uint64_t offset, unsigned size,
			     uint64_t value)
{
	uint64_t linear;
	const enum emu_status status = emu_linear(e, seg, offset, size, &linear);

	return status != EMU_DONE ? status : e->ctx->ops->write(e->ctx, linear, size, &value);
}

/** A bit instruction with a register operand reaches any bit from the address on, both ways. */
static uint64_t bit_displacement(const struct emu *e)
{
	const struct insn *insn = e->insn;
	int64_t bit;

	if (insn->id < INSN_BT || insn->id > INSN_BTC || insn->form != INSN_FORM_RM_R)
		return 0;
	bit = alu_sign_extend(emu_get_gpr(e, insn->reg, insn->opsize), insn->opsize);
	return (uint64_t)((bit >> (insn->opsize == 8 ? 6 : insn->opsize == 4 ? 5 : 4)) *
			  insn->opsize);
}

enum emu_status emu_operand_linear(struct emu *e, uint64_t *linear)
{
	const struct insn *insn = e->insn;
	uint64_t offset = insn_offset(insn, e->ctx->gpr, e->next_rip);

	offset = (offset + bit_displacement(e)) & insn_size_mask(insn->addrsize);
	return emu_linear(e, (enum insn_seg)insn->seg, offset, insn->mem.size, linear);
}

static enum emu_status read_operand(struct emu *e, uint64_t *value)
{
	const enum emu_intent intent = (e->insn->mem.access & INSN_WRITE) != 0 ? EMU_MODIFY
									       : EMU_READ;
	uint64_t linear;
	const enum emu_status status = emu_operand_linear(e, &linear);

	*value = 0;
	return status != EMU_DONE
		       ? status
		       : e->ctx->ops->read(e->ctx, linear, e->insn->mem.size, intent, value);
}

static enum emu_status write_operand(struct emu *e, uint64_t value)
{
	uint64_t linear;
	const enum emu_status status = emu_operand_linear(e, &linear);

	return status != EMU_DONE
		       ? status
		       : e->ctx->ops->write(e->ctx, linear, e->insn->mem.size, &value);
}

/* ---- Operands by form ----------------------------------------------------------------------- */

static bool destination_is_memory(const struct insn *insn)
{
	switch (insn->form) {
	case INSN_FORM_R_RM:
	case INSN_FORM_R_RM_I:
	case INSN_FORM_ACC_MOFFS:
		return false;
	default:
		return true;
	}
}

/** The register beside the memory operand. */
static unsigned other_register(const struct insn *insn)
{
	return insn->form == INSN_FORM_ACC_MOFFS || insn->form == INSN_FORM_MOFFS_ACC ? INSN_RAX
										      : insn->reg;
}

/** Value of the operand that is not in memory. */
static uint64_t other_operand(const struct emu *e)
{
	const unsigned size = e->insn->opsize;

	switch (e->insn->form) {
	case INSN_FORM_RM:
		return 0;
	case INSN_FORM_RM_I:
		return (uint64_t)e->insn->imm & insn_size_mask(size);
	case INSN_FORM_RM_1:
		return 1;
	case INSN_FORM_RM_CL:
		return e->ctx->gpr[INSN_RCX] & 0xff;
	default:
		return emu_get_gpr(e, other_register(e->insn), size);
	}
}

/** Loads both operands; a memory operand that is only written isn't read. */
static enum emu_status load_operands(struct emu *e)
{
	const bool to_memory = destination_is_memory(e->insn);

	*(to_memory ? &e->src : &e->dst) = other_operand(e);
	if ((e->insn->mem.access & INSN_READ) == 0)
		return EMU_DONE;
	return read_operand(e, to_memory ? &e->dst : &e->src);
}

static enum emu_status store_result(struct emu *e, uint64_t value)
{
	if (destination_is_memory(e->insn))
		return write_operand(e, value);
	emu_set_gpr(e, other_register(e->insn), e->insn->opsize, value);
	return EMU_DONE;
}

/* ---- Operations: a value from emu::dst and emu::src, and flags ------------------------------ */

static bool carry(const struct emu *e)
{
	return (e->flags & RFLAGS_CF) != 0;
}

static uint64_t op_move(struct emu *e)
{
	return e->src;
}

static uint64_t op_sign_extend(struct emu *e)
{
	return (uint64_t)alu_sign_extend(e->src, e->insn->mem.size);
}

static uint64_t op_swap_bytes(struct emu *e)
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

static uint64_t op_cmov(struct emu *e)
{
	return emu_condition(e) ? e->src : e->dst;
}

static uint64_t op_set(struct emu *e)
{
	return emu_condition(e) ? 1 : 0;
}

static uint64_t op_add(struct emu *e)
{
	return alu_add(e->dst, e->src, false, e->insn->opsize, &e->flags);
}

static uint64_t op_adc(struct emu *e)
{
	return alu_add(e->dst, e->src, carry(e), e->insn->opsize, &e->flags);
}

static uint64_t op_sub(struct emu *e)
{
	return alu_sub(e->dst, e->src, false, e->insn->opsize, &e->flags);
}

static uint64_t op_sbb(struct emu *e)
{
	return alu_sub(e->dst, e->src, carry(e), e->insn->opsize, &e->flags);
}

static uint64_t op_and(struct emu *e)
{
	return alu_logic(e->dst & e->src, e->insn->opsize, &e->flags);
}

static uint64_t op_or(struct emu *e)
{
	return alu_logic(e->dst | e->src, e->insn->opsize, &e->flags);
}

static uint64_t op_xor(struct emu *e)
{
	return alu_logic(e->dst ^ e->src, e->insn->opsize, &e->flags);
}

static uint64_t op_inc(struct emu *e)
{
	return alu_inc(e->dst, e->insn->opsize, &e->flags);
}

static uint64_t op_dec(struct emu *e)
{
	return alu_dec(e->dst, e->insn->opsize, &e->flags);
}

static uint64_t op_not(struct emu *e)
{
	return ~e->dst & insn_size_mask(e->insn->opsize);
}

static uint64_t op_neg(struct emu *e)
{
	return alu_sub(0, e->dst, false, e->insn->opsize, &e->flags);
}

static uint64_t op_rol(struct emu *e)
{
	return alu_rol(e->dst, e->src, e->insn->opsize, &e->flags);
}

static uint64_t op_ror(struct emu *e)
{
	return alu_ror(e->dst, e->src, e->insn->opsize, &e->flags);
}

static uint64_t op_rcl(struct emu *e)
{
	return alu_rcl(e->dst, e->src, e->insn->opsize, &e->flags);
}

static uint64_t op_rcr(struct emu *e)
{
	return alu_rcr(e->dst, e->src, e->insn->opsize, &e->flags);
}

static uint64_t op_shl(struct emu *e)
{
	return alu_shl(e->dst, e->src, e->insn->opsize, &e->flags);
}

static uint64_t op_shr(struct emu *e)
{
	return alu_shr(e->dst, e->src, e->insn->opsize, &e->flags);
}

static uint64_t op_sar(struct emu *e)
{
	return alu_sar(e->dst, e->src, e->insn->opsize, &e->flags);
}

/** The count of SHLD and SHRD is the third operand: an immediate or CL. */
static uint64_t double_shift_count(const struct emu *e)
{
	return e->insn->form == INSN_FORM_RM_R_I ? (uint64_t)e->insn->imm & 0xff
						 : e->ctx->gpr[INSN_RCX] & 0xff;
}

static uint64_t op_shld(struct emu *e)
{
	return alu_shld(e->dst, e->src, double_shift_count(e), e->insn->opsize, &e->flags);
}

static uint64_t op_shrd(struct emu *e)
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

static uint64_t op_bt(struct emu *e)
{
	selected_bit(e);
	return e->dst;
}

static uint64_t op_bts(struct emu *e)
{
	return e->dst | selected_bit(e);
}

static uint64_t op_btr(struct emu *e)
{
	return e->dst & ~selected_bit(e);
}

static uint64_t op_btc(struct emu *e)
{
	return e->dst ^ selected_bit(e);
}

static uint64_t op_imul(struct emu *e)
{
	const uint64_t factor = e->insn->form == INSN_FORM_R_RM_I
					? (uint64_t)e->insn->imm & insn_size_mask(e->insn->opsize)
					: e->dst;

	return alu_imul(e->src, factor, e->insn->opsize, &e->flags);
}

static void set_zero_flag(struct emu *e, bool value)
{
	e->flags = value ? e->flags | RFLAGS_ZF : e->flags & ~RFLAGS_ZF;
}

/** Of zero, the destination stays as it was (APM; all known CPUs). */
static uint64_t op_bsf(struct emu *e)
{
	set_zero_flag(e, e->src == 0);
	return e->src == 0 ? e->dst : (uint64_t)__builtin_ctzll(e->src);
}

static uint64_t op_bsr(struct emu *e)
{
	set_zero_flag(e, e->src == 0);
	return e->src == 0 ? e->dst : 63 - (uint64_t)__builtin_clzll(e->src);
}

/** CF tells of an operand that is zero, ZF of a result that is. */
static uint64_t count_zeros(struct emu *e, uint64_t result)
{
	e->flags = e->src == 0 ? e->flags | RFLAGS_CF : e->flags & ~RFLAGS_CF;
	set_zero_flag(e, result == 0);
	return result;
}

static uint64_t op_tzcnt(struct emu *e)
{
	return count_zeros(e, e->src == 0 ? e->insn->opsize * 8u
					  : (uint64_t)__builtin_ctzll(e->src));
}

static uint64_t op_lzcnt(struct emu *e)
{
	const uint64_t bits = e->insn->opsize * 8u;

	return count_zeros(e, e->src == 0 ? bits : (uint64_t)__builtin_clzll(e->src) + bits - 64);
}

/** Not __builtin_popcountll(): without the instruction, that is a call into a library. */
static uint64_t op_popcnt(struct emu *e)
{
	uint64_t count = 0;

	for (uint64_t rest = e->src; rest != 0; rest &= rest - 1)
		count++;
	e->flags &= ~(RFLAGS_CF | RFLAGS_OF | RFLAGS_SF | RFLAGS_AF | RFLAGS_PF);
	set_zero_flag(e, e->src == 0);
	return count;
}

/* ---- Shapes: how an operation uses its operands --------------------------------------------- */

static enum emu_status run_store(struct emu *e)
{
	const enum emu_status status = load_operands(e);

	return status == EMU_DONE ? store_result(e, e->op(e)) : status;
}

/** Flags only. */
static enum emu_status run_compare(struct emu *e)
{
	const enum emu_status status = load_operands(e);

	if (status == EMU_DONE)
		(void)e->op(e);
	return status;
}

/** XCHG and XADD: the register gets what was in memory. */
static enum emu_status run_exchange(struct emu *e)
{
	enum emu_status status = load_operands(e);

	if (status == EMU_DONE)
		status = write_operand(e, e->op(e));
	if (status == EMU_DONE)
		emu_set_gpr(e, e->insn->reg, e->insn->opsize, e->dst);
	return status;
}

/** Memory is written in either case (SDM, CMPXCHG). */
static enum emu_status run_cmpxchg(struct emu *e)
{
	const unsigned size = e->insn->opsize;
	const uint64_t rax = e->ctx->gpr[INSN_RAX] & insn_size_mask(size);
	enum emu_status status = load_operands(e);

	if (status == EMU_DONE)
		status = write_operand(e, e->dst == rax ? e->src : e->dst);
	if (status != EMU_DONE)
		return status;
	alu_sub(rax, e->dst, false, size, &e->flags);
	if (e->dst != rax)
		emu_set_gpr(e, INSN_RAX, size, e->dst);
	return EMU_DONE;
}

/** Splits a pair of operands as it lies in memory. */
static uint64_t half_of(const uint8_t *pair, unsigned which, unsigned size)
{
	uint64_t value = 0;

	__builtin_memcpy(&value, pair + which * size, size);
	return value;
}

static void fill_pair(const struct emu *e, uint8_t *pair, unsigned size)
{
	const uint64_t rbx = e->ctx->gpr[INSN_RBX], rcx = e->ctx->gpr[INSN_RCX];

	__builtin_memcpy(pair, &rbx, size);
	__builtin_memcpy(pair + size, &rcx, size);
}

/** CMPXCHG8B, and CMPXCHG16B, which demands alignment. */
static enum emu_status run_cmpxchg_pair(struct emu *e)
{
	const unsigned size = e->insn->opsize;
	const uint64_t mask = insn_size_mask(size);
	uint8_t pair[16] = {0};
	uint64_t linear, low, high;
	bool equal;
	enum emu_status status = emu_operand_linear(e, &linear);

	if (status == EMU_DONE && size == 8 && (linear & 15) != 0)
		return emu_raise(e, X86_GP, true);
	if (status == EMU_DONE)
		status = e->ctx->ops->read(e->ctx, linear, size * 2, EMU_MODIFY, pair);
	if (status != EMU_DONE)
		return status;
	low = half_of(pair, 0, size);
	high = half_of(pair, 1, size);
	equal = low == (e->ctx->gpr[INSN_RAX] & mask) && high == (e->ctx->gpr[INSN_RDX] & mask);
	if (equal)
		fill_pair(e, pair, size);
	status = e->ctx->ops->write(e->ctx, linear, size * 2, pair);
	if (status != EMU_DONE)
		return status;
	set_zero_flag(e, equal);
	if (!equal) {
		emu_set_gpr(e, INSN_RAX, size, low);
		emu_set_gpr(e, INSN_RDX, size, high);
	}
	return EMU_DONE;
}

/** MUL and one-operand IMUL: the product goes to AX, or to rDX and rAX. */
static enum emu_status run_multiply(struct emu *e)
{
	const unsigned size = e->insn->opsize;
	const bool is_signed = e->insn->id == INSN_IMUL;
	uint64_t rax, high;
	const enum emu_status status = load_operands(e);

	if (status != EMU_DONE)
		return status;
	rax = e->ctx->gpr[INSN_RAX] & insn_size_mask(size);
	high = alu_mul_high(rax, e->dst, is_signed, size, &e->flags);
	if (size == 1) {
		emu_set_gpr(e, INSN_RAX, 2, high << 8 | ((rax * e->dst) & 0xff));
		return EMU_DONE;
	}
	emu_set_gpr(e, INSN_RAX, size, rax * e->dst);
	emu_set_gpr(e, INSN_RDX, size, high);
	return EMU_DONE;
}

/** Two-operand IMUL is an operation like others, one-operand IMUL isn't. */
static enum emu_status run_imul(struct emu *e)
{
	return e->insn->form == INSN_FORM_RM ? run_multiply(e) : run_store(e);
}

static enum emu_status run_divide(struct emu *e)
{
	const unsigned size = e->insn->opsize;
	const uint64_t rax = e->ctx->gpr[INSN_RAX], rdx = e->ctx->gpr[INSN_RDX];
	const uint64_t mask = insn_size_mask(size);
	const uint64_t high = (size == 1 ? rax >> 8 : rdx) & mask;
	uint64_t quotient, remainder;
	const enum emu_status status = load_operands(e);

	if (status != EMU_DONE)
		return status;
	if (!alu_divide(high, rax & mask, e->dst, e->insn->id == INSN_IDIV, size, &quotient,
			&remainder))
		return emu_raise(e, X86_DE, false);
	if (size == 1) {
		emu_set_gpr(e, INSN_RAX, 2, remainder << 8 | quotient);
		return EMU_DONE;
	}
	emu_set_gpr(e, INSN_RAX, size, quotient);
	emu_set_gpr(e, INSN_RDX, size, remainder);
	return EMU_DONE;
}

/* ---- Stack and branches --------------------------------------------------------------------- */

static enum emu_status push(struct emu *e, uint64_t value)
{
	const unsigned width = e->ctx->stack_size, size = e->insn->opsize;
	const uint64_t offset = (e->ctx->gpr[INSN_RSP] - size) & insn_size_mask(width);
	const enum emu_status status = emu_write_at(e, INSN_SS, offset, size, value);

	if (status == EMU_DONE)
		emu_add_gpr(e, INSN_RSP, width, -(uint64_t)size);
	return status;
}

static enum emu_status pop(struct emu *e, uint64_t *value)
{
	const unsigned width = e->ctx->stack_size, size = e->insn->opsize;
	const uint64_t offset = e->ctx->gpr[INSN_RSP] & insn_size_mask(width);
	const enum emu_status status = emu_read_at(e, INSN_SS, offset, size, value);

	if (status == EMU_DONE)
		emu_add_gpr(e, INSN_RSP, width, size);
	return status;
}

static enum emu_status branch_to(struct emu *e, uint64_t target)
{
	target &= insn_size_mask(e->insn->opsize);
	if (!is_canonical(target))
		return emu_raise(e, X86_GP, true);
	e->next_rip = target;
	return EMU_DONE;
}

/** Operand of PUSH, CALL and JMP: memory, a register, an immediate or a displacement. */
static enum emu_status load_single(struct emu *e, uint64_t *value)
{
	const struct insn *insn = e->insn;

	switch (insn->form) {
	case INSN_FORM_RM:
		if (insn->has_mem)
			return read_operand(e, value);
		*value = emu_get_gpr(e, insn->rm, insn->opsize);
		return EMU_DONE;
	case INSN_FORM_O:
		*value = emu_get_gpr(e, insn->rm, insn->opsize);
		return EMU_DONE;
	case INSN_FORM_I:
		*value = (uint64_t)insn->imm & insn_size_mask(insn->opsize);
		return EMU_DONE;
	case INSN_FORM_REL:
		*value = e->next_rip + (uint64_t)insn->imm;
		return EMU_DONE;
	default:
		return EMU_UNSUPPORTED;
	}
}

static enum emu_status run_push(struct emu *e)
{
	uint64_t value;
	const enum emu_status status = load_single(e, &value);

	return status == EMU_DONE ? push(e, value) : status;
}

/** A memory destination's address is formed after rSP has moved (SDM, POP). */
static enum emu_status run_pop(struct emu *e)
{
	const uint64_t rsp = e->ctx->gpr[INSN_RSP];
	uint64_t value;
	enum emu_status status;

	if (e->insn->form == INSN_FORM_SREG)
		return EMU_UNSUPPORTED;
	status = pop(e, &value);
	if (status != EMU_DONE)
		return status;
	if (!e->insn->has_mem) {
		emu_set_gpr(e, e->insn->rm, e->insn->opsize, value);
		return EMU_DONE;
	}
	status = write_operand(e, value);
	if (status != EMU_DONE)
		e->ctx->gpr[INSN_RSP] = rsp;
	return status;
}

static enum emu_status run_jump(struct emu *e)
{
	uint64_t target;
	const enum emu_status status = load_single(e, &target);

	return status == EMU_DONE ? branch_to(e, target) : status;
}

static enum emu_status run_call(struct emu *e)
{
	const uint64_t return_to = e->next_rip;
	enum emu_status status = run_jump(e);

	return status == EMU_DONE ? push(e, return_to) : status;
}

static enum emu_status run_return(struct emu *e)
{
	const uint64_t rsp = e->ctx->gpr[INSN_RSP];
	uint64_t target;
	enum emu_status status = pop(e, &target);

	if (status != EMU_DONE)
		return status;
	status = branch_to(e, target);
	if (status != EMU_DONE)
		e->ctx->gpr[INSN_RSP] = rsp;
	else
		emu_add_gpr(e, INSN_RSP, e->ctx->stack_size, (uint64_t)e->insn->imm & 0xffff);
	return status;
}

/* ---- Others --------------------------------------------------------------------------------- */

/** AL from the table at DS:rBX, indexed by AL. */
static enum emu_status run_xlat(struct emu *e)
{
	const uint64_t offset = e->ctx->gpr[INSN_RBX] + (e->ctx->gpr[INSN_RAX] & 0xff);
	uint64_t value;
	const enum emu_status status =
		emu_read_at(e, (enum insn_seg)e->insn->seg,
			    offset & insn_size_mask(e->insn->addrsize), 1, &value);

	if (status == EMU_DONE)
		emu_set_gpr(e, INSN_RAX, 1, value);
	return status;
}

/* ---- Dispatch ------------------------------------------------------------------------------- */

/** What an instruction is without the memory operand that brought it here. */
enum shape {
	NEEDS_MEMORY, /* an explicit memory operand */
	IMPLICIT,     /* stack, string or port: memory is implied */
};

struct operation {
	enum emu_status (*run)(struct emu *e);
	emu_op op;
	enum shape shape;
};

static const struct operation operations[INSN_ID_COUNT] = {
	[INSN_MOV] = {run_store, op_move, NEEDS_MEMORY},
	[INSN_MOVZX] = {run_store, op_move, NEEDS_MEMORY},
	[INSN_MOVSX] = {run_store, op_sign_extend, NEEDS_MEMORY},
	[INSN_MOVBE] = {run_store, op_swap_bytes, NEEDS_MEMORY},
	[INSN_MOVNTI] = {run_store, op_move, NEEDS_MEMORY},
	[INSN_CMOVCC] = {run_store, op_cmov, NEEDS_MEMORY},
	[INSN_SETCC] = {run_store, op_set, NEEDS_MEMORY},
	[INSN_XCHG] = {run_exchange, op_move, NEEDS_MEMORY},
	[INSN_XADD] = {run_exchange, op_add, NEEDS_MEMORY},
	[INSN_CMPXCHG] = {run_cmpxchg, NULL, NEEDS_MEMORY},
	[INSN_CMPXCHG8B] = {run_cmpxchg_pair, NULL, NEEDS_MEMORY},
	[INSN_PUSH] = {run_push, NULL, IMPLICIT},
	[INSN_POP] = {run_pop, NULL, IMPLICIT},
	[INSN_CALL] = {run_call, NULL, IMPLICIT},
	[INSN_JMP] = {run_jump, NULL, NEEDS_MEMORY},
	[INSN_RET] = {run_return, NULL, IMPLICIT},
	[INSN_XLAT] = {run_xlat, NULL, IMPLICIT},
	[INSN_SSE_MOVE] = {emu_run_sse, NULL, NEEDS_MEMORY},
	[INSN_ADD] = {run_store, op_add, NEEDS_MEMORY},
	[INSN_OR] = {run_store, op_or, NEEDS_MEMORY},
	[INSN_ADC] = {run_store, op_adc, NEEDS_MEMORY},
	[INSN_SBB] = {run_store, op_sbb, NEEDS_MEMORY},
	[INSN_AND] = {run_store, op_and, NEEDS_MEMORY},
	[INSN_SUB] = {run_store, op_sub, NEEDS_MEMORY},
	[INSN_XOR] = {run_store, op_xor, NEEDS_MEMORY},
	[INSN_CMP] = {run_compare, op_sub, NEEDS_MEMORY},
	[INSN_TEST] = {run_compare, op_and, NEEDS_MEMORY},
	[INSN_INC] = {run_store, op_inc, NEEDS_MEMORY},
	[INSN_DEC] = {run_store, op_dec, NEEDS_MEMORY},
	[INSN_NOT] = {run_store, op_not, NEEDS_MEMORY},
	[INSN_NEG] = {run_store, op_neg, NEEDS_MEMORY},
	[INSN_MUL] = {run_multiply, NULL, NEEDS_MEMORY},
	[INSN_IMUL] = {run_imul, op_imul, NEEDS_MEMORY},
	[INSN_DIV] = {run_divide, NULL, NEEDS_MEMORY},
	[INSN_IDIV] = {run_divide, NULL, NEEDS_MEMORY},
	[INSN_ROL] = {run_store, op_rol, NEEDS_MEMORY},
	[INSN_ROR] = {run_store, op_ror, NEEDS_MEMORY},
	[INSN_RCL] = {run_store, op_rcl, NEEDS_MEMORY},
	[INSN_RCR] = {run_store, op_rcr, NEEDS_MEMORY},
	[INSN_SHL] = {run_store, op_shl, NEEDS_MEMORY},
	[INSN_SHR] = {run_store, op_shr, NEEDS_MEMORY},
	[INSN_SAR] = {run_store, op_sar, NEEDS_MEMORY},
	[INSN_SHLD] = {run_store, op_shld, NEEDS_MEMORY},
	[INSN_SHRD] = {run_store, op_shrd, NEEDS_MEMORY},
	[INSN_BT] = {run_compare, op_bt, NEEDS_MEMORY},
	[INSN_BTS] = {run_store, op_bts, NEEDS_MEMORY},
	[INSN_BTR] = {run_store, op_btr, NEEDS_MEMORY},
	[INSN_BTC] = {run_store, op_btc, NEEDS_MEMORY},
	[INSN_BSF] = {run_store, op_bsf, NEEDS_MEMORY},
	[INSN_BSR] = {run_store, op_bsr, NEEDS_MEMORY},
	[INSN_TZCNT] = {run_store, op_tzcnt, NEEDS_MEMORY},
	[INSN_LZCNT] = {run_store, op_lzcnt, NEEDS_MEMORY},
	[INSN_POPCNT] = {run_store, op_popcnt, NEEDS_MEMORY},
	[INSN_MOVS] = {emu_run_string, NULL, IMPLICIT},
	[INSN_CMPS] = {emu_run_string, NULL, IMPLICIT},
	[INSN_STOS] = {emu_run_string, NULL, IMPLICIT},
	[INSN_LODS] = {emu_run_string, NULL, IMPLICIT},
	[INSN_SCAS] = {emu_run_string, NULL, IMPLICIT},
	[INSN_INS] = {emu_run_string, NULL, IMPLICIT},
	[INSN_OUTS] = {emu_run_string, NULL, IMPLICIT},
	[INSN_IN] = {emu_run_port, NULL, IMPLICIT},
	[INSN_OUT] = {emu_run_port, NULL, IMPLICIT},
};

/** RIP wraps at 4 GiB outside 64-bit mode. */
static uint64_t following_rip(const struct emu_ctx *ctx, const struct insn *insn)
{
	const uint64_t rip = ctx->rip + insn->length;

	return insn->mode == INSN_MODE_64 ? rip : rip & UINT32_MAX;
}

enum emu_status emu_execute(struct emu_ctx *ctx, const struct insn *insn)
{
	const struct operation *operation = &operations[insn->id];
	struct emu e = {
		.ctx = ctx,
		.insn = insn,
		.op = operation->op,
		.next_rip = following_rip(ctx, insn),
		.flags = ctx->rflags,
	};
	enum emu_status status;

	if (operation->run == NULL || (operation->shape == NEEDS_MEMORY && !insn->has_mem))
		return EMU_UNSUPPORTED;
	status = operation->run(&e);
	if (status != EMU_DONE)
		return status;
	ctx->rip = e.next_rip;
	ctx->rflags = e.flags & ~RFLAGS_RF;
	return EMU_DONE;
}
