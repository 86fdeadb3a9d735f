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

/** XCHG and XADD: the register gets what was in memory, or in another, which is written last (SDM, XADD). */
static enum emu_status run_exchange(struct emu *e)
{
	const unsigned other = e->insn->form == INSN_FORM_O_ACC ? INSN_RAX : e->insn->reg;
	enum emu_status status = emu_load_operands(e);
	uint64_t result;

	if (status != EMU_DONE)
		return status;
	result = e->op(e);
	if (!e->insn->has_mem)
		emu_set_gpr(e, other, e->insn->opsize, e->dst);
	status = emu_store_result(e, result);
	if (status == EMU_DONE && e->insn->has_mem)
		emu_set_gpr(e, other, e->insn->opsize, e->dst);
	return status;
}

static enum emu_status run_lea(struct emu *e)
{
	emu_set_gpr(e, e->insn->reg, e->insn->opsize,
		    insn_offset(e->insn, e->ctx->gpr, e->next_rip));
	return EMU_DONE;
}

/** CBW, CWDE, CDQE: rAX out of its own half. */
static enum emu_status run_cbw(struct emu *e)
{
	const unsigned size = e->insn->opsize;

	emu_set_gpr(e, INSN_RAX, size,
		    (uint64_t)alu_sign_extend(e->ctx->gpr[INSN_RAX], size / 2));
	return EMU_DONE;
}

/** CWD, CDQ, CQO: rDX is the sign of rAX. */
static enum emu_status run_cwd(struct emu *e)
{
	const unsigned size = e->insn->opsize;

	emu_set_gpr(e, INSN_RDX, size,
		    alu_sign_extend(e->ctx->gpr[INSN_RAX], size) < 0 ? UINT64_MAX : 0);
	return EMU_DONE;
}

/** What SAHF and LAHF move. */
#define AH_FLAGS (RFLAGS_SF | RFLAGS_ZF | RFLAGS_AF | RFLAGS_PF | RFLAGS_CF)

/** CMC, CLC, STC, CLD, STD, SAHF, LAHF, by their opcodes. */
static enum emu_status run_flags(struct emu *e)
{
	uint64_t *const rax = &e->ctx->gpr[INSN_RAX];

	switch (e->insn->opcode) {
	case 0x9e:
		e->flags = (e->flags & ~AH_FLAGS) | (*rax >> 8 & AH_FLAGS);
		break;
	case 0x9f:
		*rax = (*rax & ~UINT64_C(0xff00)) | ((e->flags & AH_FLAGS) | RFLAGS_FIXED1) << 8;
		break;
	case 0xf5:
		e->flags ^= RFLAGS_CF;
		break;
	case 0xf8:
		e->flags &= ~RFLAGS_CF;
		break;
	case 0xf9:
		e->flags |= RFLAGS_CF;
		break;
	case 0xfc:
		e->flags &= ~RFLAGS_DF;
		break;
	default:
		e->flags |= RFLAGS_DF;
		break;
	}
	return EMU_DONE;
}

static enum emu_status run_nop(struct emu *e)
{
	(void)e;
	return EMU_DONE;
}

/** Memory is written in either case (SDM, CMPXCHG), a register that differs isn't, not even its upper half. */
static enum emu_status run_cmpxchg(struct emu *e)
{
	const unsigned size = e->insn->opsize;
	const uint64_t rax = e->ctx->gpr[INSN_RAX] & insn_size_mask(size);
	enum emu_status status = emu_load_operands(e);

	if (status == EMU_DONE && (e->insn->has_mem || e->dst == rax))
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

/**
 * Cache lines: CLFLUSH, CLFLUSHOPT, CLWB (SDM vol. 2A), whose operand is checked as that of a load of a byte,
 * and hints, PREFETCH* and what of 0F1C to 0F1E is a NOP. A device's memory isn't cached: nothing is to be done.
 */
static enum emu_status run_cache_line(struct emu *e)
{
	const struct insn *insn = e->insn;
	const unsigned kind = insn->reg & 7;
	const unsigned mandatory =
		insn->prefixes & (INSN_PREFIX_OPSIZE | INSN_PREFIX_REP | INSN_PREFIX_REPNE);
	uint64_t linear;

	if (insn->map != INSN_MAP_0F || insn->encoding != INSN_ENC_LEGACY || !insn->has_mem)
		return EMU_UNSUPPORTED;
	if (insn->opcode == 0x0d || insn->opcode == 0x18 ||
	    (insn->opcode >= 0x1c && insn->opcode <= 0x1e))
		return EMU_DONE;
	if (insn->opcode != 0xae)
		return EMU_UNSUPPORTED;
	if ((kind == 7 && mandatory == 0) || (kind >= 6 && mandatory == INSN_PREFIX_OPSIZE))
		return emu_address(e->ctx, insn, 1, false, &linear);
	return EMU_UNSUPPORTED;
}

/* ---- Dispatch ------------------------------------------------------------------------------- */

struct operation {
	enum emu_status (*run)(struct emu *e);
	emu_op op;
};

static const struct operation operations[INSN_ID_COUNT] = {
	[INSN_MOV] = {run_store, op_move},
	[INSN_MOVZX] = {run_store, op_move},
	[INSN_MOVSX] = {run_store, op_sign_extend},
	[INSN_MOVBE] = {run_store, op_swap_bytes},
	[INSN_MOVNTI] = {run_store, op_move},
	[INSN_CMOVCC] = {run_store, op_cmov},
	[INSN_SETCC] = {run_store, op_set},
	[INSN_XCHG] = {run_exchange, op_move},
	[INSN_XADD] = {run_exchange, op_add},
	[INSN_CMPXCHG] = {run_cmpxchg, NULL},
	[INSN_CMPXCHG8B] = {run_cmpxchg_pair, NULL},
	[INSN_PUSH] = {emu_run_push, NULL},
	[INSN_POP] = {emu_run_pop, NULL},
	[INSN_CALL] = {emu_run_call, NULL},
	[INSN_JMP] = {emu_run_jump, NULL},
	[INSN_RET] = {emu_run_return, NULL},
	[INSN_JCC] = {emu_run_jcc, NULL},
	[INSN_LOOP] = {emu_run_loop, NULL},
	[INSN_ENTER] = {emu_run_enter, NULL},
	[INSN_LEAVE] = {emu_run_leave, NULL},
	[INSN_PUSHA] = {emu_run_pusha, NULL},
	[INSN_POPA] = {emu_run_popa, NULL},
	[INSN_LEA] = {run_lea, NULL},
	[INSN_BSWAP] = {run_store, op_swap_bytes},
	[INSN_CBW] = {run_cbw, NULL},
	[INSN_CWD] = {run_cwd, NULL},
	[INSN_BCD] = {emu_run_bcd, NULL},
	[INSN_FLAGS] = {run_flags, NULL},
	[INSN_NOP] = {run_nop, NULL},
	[INSN_OTHER] = {run_cache_line, NULL},
	[INSN_XLAT] = {run_xlat, NULL},
	[INSN_SSE_MOVE] = {emu_run_sse, NULL},
	[INSN_ADD] = {run_store, op_add},
	[INSN_OR] = {run_store, op_or},
	[INSN_ADC] = {run_store, op_adc},
	[INSN_SBB] = {run_store, op_sbb},
	[INSN_AND] = {run_store, op_and},
	[INSN_SUB] = {run_store, op_sub},
	[INSN_XOR] = {run_store, op_xor},
	[INSN_CMP] = {run_compare, op_sub},
	[INSN_TEST] = {run_compare, op_and},
	[INSN_INC] = {run_store, op_inc},
	[INSN_DEC] = {run_store, op_dec},
	[INSN_NOT] = {run_store, op_not},
	[INSN_NEG] = {run_store, op_neg},
	[INSN_MUL] = {run_multiply, NULL},
	[INSN_IMUL] = {run_imul, op_imul},
	[INSN_DIV] = {run_divide, NULL},
	[INSN_IDIV] = {run_divide, NULL},
	[INSN_ROL] = {run_store, op_rol},
	[INSN_ROR] = {run_store, op_ror},
	[INSN_RCL] = {run_store, op_rcl},
	[INSN_RCR] = {run_store, op_rcr},
	[INSN_SHL] = {run_store, op_shl},
	[INSN_SHR] = {run_store, op_shr},
	[INSN_SAR] = {run_store, op_sar},
	[INSN_SHLD] = {run_store, op_shld},
	[INSN_SHRD] = {run_store, op_shrd},
	[INSN_BT] = {run_compare, op_bt},
	[INSN_BTS] = {run_store, op_bts},
	[INSN_BTR] = {run_store, op_btr},
	[INSN_BTC] = {run_store, op_btc},
	[INSN_BSF] = {run_store, op_bsf},
	[INSN_BSR] = {run_store, op_bsr},
	[INSN_TZCNT] = {run_store, op_tzcnt},
	[INSN_LZCNT] = {run_store, op_lzcnt},
	[INSN_POPCNT] = {run_store, op_popcnt},
	[INSN_MOVS] = {emu_run_string, NULL},
	[INSN_CMPS] = {emu_run_string, NULL},
	[INSN_STOS] = {emu_run_string, NULL},
	[INSN_LODS] = {emu_run_string, NULL},
	[INSN_SCAS] = {emu_run_string, NULL},
	[INSN_INS] = {emu_run_string, NULL},
	[INSN_OUTS] = {emu_run_string, NULL},
	[INSN_IN] = {emu_run_port, NULL},
	[INSN_OUT] = {emu_run_port, NULL},
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

	if (operation->run == NULL)
		return EMU_UNSUPPORTED;
	status = operation->run(&e);
	if (status != EMU_DONE)
		return status;
	ctx->rip = e.next_rip;
	ctx->rflags = e.flags & ~RFLAGS_RF;
	return EMU_DONE;
}
