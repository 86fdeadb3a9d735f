/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One instruction: operands are loaded as its form says, the operation is looked up by its
 * identity, the result is stored; flags and RIP change when nothing can fail any more.
 */
#include "vmm/emulate.h"

#include "lib/x86/regs.h"
#include "vmm/emulate_alu.h"
#include "vmm/emulate_op.h"
#include "vmm/emulate_state.h"

/* ---- Shapes: how an operation uses its operands --------------------------------------------- */

static enum emu_status run_store(struct emu *e)
{
	const enum emu_status status = emu_load_operands(e);

	return status == EMU_DONE ? emu_store_result(e, e->op(e)) : status;
}

/** Flags only. */
static enum emu_status run_compare(struct emu *e)
{
	const enum emu_status status = emu_load_operands(e);

	if (status == EMU_DONE)
		(void)e->op(e);
	return status;
}

/** XCHG and XADD: the register gets what was in memory. */
static enum emu_status run_exchange(struct emu *e)
{
	enum emu_status status = emu_load_operands(e);

	if (status == EMU_DONE)
		status = emu_write_operand(e, e->op(e));
	if (status == EMU_DONE)
		emu_set_gpr(e, e->insn->reg, e->insn->opsize, e->dst);
	return status;
}

/** Memory is written in either case (SDM, CMPXCHG). */
static enum emu_status run_cmpxchg(struct emu *e)
{
	const unsigned size = e->insn->opsize;
	const uint64_t rax = e->ctx->gpr[INSN_RAX] & insn_size_mask(size);
	enum emu_status status = emu_load_operands(e);

	if (status == EMU_DONE)
		status = emu_write_operand(e, e->dst == rax ? e->src : e->dst);
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
	emu_set_zero_flag(e, equal);
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
	const enum emu_status status = emu_load_operands(e);

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
	const enum emu_status status = emu_load_operands(e);

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
	[INSN_PUSH] = {emu_run_push, NULL, IMPLICIT},
	[INSN_POP] = {emu_run_pop, NULL, IMPLICIT},
	[INSN_CALL] = {emu_run_call, NULL, IMPLICIT},
	[INSN_JMP] = {emu_run_jump, NULL, NEEDS_MEMORY},
	[INSN_RET] = {emu_run_return, NULL, IMPLICIT},
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
