/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * String instructions and ports. One iteration reads, then writes, then moves the pointers, so that
 * a fault leaves the registers at the iteration that it belongs to.
 */
#include "vmm/emulate_state.h"

#include "lib/x86/regs.h"
#include "vmm/emulate_alu.h"

/** The source is DS:rSI, with another segment where a prefix says so. */
static enum emu_status read_source(struct emu *e, uint64_t *value)
{
	const uint64_t offset = emu_get_gpr(e, INSN_RSI, 8) & insn_size_mask(e->insn->addrsize);

	return emu_read_at(e, (enum insn_seg)e->insn->seg, offset, e->insn->opsize, value);
}

/** The destination is ES:rDI, always. */
static uint64_t destination(const struct emu *e)
{
	return e->ctx->gpr[INSN_RDI] & insn_size_mask(e->insn->addrsize);
}

static enum emu_status read_destination(struct emu *e, uint64_t *value)
{
	return emu_read_at(e, INSN_ES, destination(e), e->insn->opsize, value);
}

static enum emu_status write_destination(struct emu *e, uint64_t value)
{
	return emu_write_at(e, INSN_ES, destination(e), e->insn->opsize, value);
}

static void advance(struct emu *e, unsigned reg)
{
	const uint64_t step = e->insn->opsize;

	emu_add_gpr(e, reg, e->insn->addrsize, (e->flags & RFLAGS_DF) != 0 ? -step : step);
}

static enum emu_status step_movs(struct emu *e)
{
	uint64_t value;
	enum emu_status status = read_source(e, &value);

	if (status == EMU_DONE)
		status = write_destination(e, value);
	if (status != EMU_DONE)
		return status;
	advance(e, INSN_RSI);
	advance(e, INSN_RDI);
	return EMU_DONE;
}

static enum emu_status step_stos(struct emu *e)
{
	const uint64_t value = e->ctx->gpr[INSN_RAX] & insn_size_mask(e->insn->opsize);
	const enum emu_status status = write_destination(e, value);

	if (status == EMU_DONE)
		advance(e, INSN_RDI);
	return status;
}

static enum emu_status step_lods(struct emu *e)
{
	uint64_t value;
	const enum emu_status status = read_source(e, &value);

	if (status != EMU_DONE)
		return status;
	emu_set_gpr(e, INSN_RAX, e->insn->opsize, value);
	advance(e, INSN_RSI);
	return EMU_DONE;
}

static enum emu_status step_scas(struct emu *e)
{
	const uint64_t rax = e->ctx->gpr[INSN_RAX] & insn_size_mask(e->insn->opsize);
	uint64_t value;
	const enum emu_status status = read_destination(e, &value);

	if (status != EMU_DONE)
		return status;
	alu_sub(rax, value, false, e->insn->opsize, &e->flags);
	advance(e, INSN_RDI);
	return EMU_DONE;
}

static enum emu_status step_cmps(struct emu *e)
{
	uint64_t a, b;
	enum emu_status status = read_source(e, &a);

	if (status == EMU_DONE)
		status = read_destination(e, &b);
	if (status != EMU_DONE)
		return status;
	alu_sub(a, b, false, e->insn->opsize, &e->flags);
	advance(e, INSN_RSI);
	advance(e, INSN_RDI);
	return EMU_DONE;
}

/** The address is checked before the port is read: reading may change the device. */
static enum emu_status step_ins(struct emu *e)
{
	const uint16_t port = (uint16_t)e->ctx->gpr[INSN_RDX];
	uint64_t linear;
	uint32_t value = 0;
	enum emu_status status;

	if (e->ctx->ops->port_read == NULL)
		return EMU_UNSUPPORTED;
	status = emu_linear(e, INSN_ES, destination(e), e->insn->opsize, true, &linear);
	if (status == EMU_DONE)
		status = e->ctx->ops->port_read(e->ctx, port, e->insn->opsize, &value);
	if (status == EMU_DONE)
		status = e->ctx->ops->write(e->ctx, linear, e->insn->opsize, &value);
	if (status == EMU_DONE)
		advance(e, INSN_RDI);
	return status;
}

static enum emu_status step_outs(struct emu *e)
{
	const uint16_t port = (uint16_t)e->ctx->gpr[INSN_RDX];
	uint64_t value;
	enum emu_status status;

	if (e->ctx->ops->port_write == NULL)
		return EMU_UNSUPPORTED;
	status = read_source(e, &value);
	if (status == EMU_DONE)
		status = e->ctx->ops->port_write(e->ctx, port, e->insn->opsize, (uint32_t)value);
	if (status == EMU_DONE)
		advance(e, INSN_RSI);
	return status;
}

typedef enum emu_status (*step_fn)(struct emu *e);

static step_fn step_of(const struct insn *insn)
{
	static const step_fn steps[] = {
		[INSN_MOVS - INSN_MOVS] = step_movs, [INSN_CMPS - INSN_MOVS] = step_cmps,
		[INSN_STOS - INSN_MOVS] = step_stos, [INSN_LODS - INSN_MOVS] = step_lods,
		[INSN_SCAS - INSN_MOVS] = step_scas, [INSN_INS - INSN_MOVS] = step_ins,
		[INSN_OUTS - INSN_MOVS] = step_outs,
	};

	return steps[insn->id - INSN_MOVS];
}

/** REPE and REPNE also end at a comparison's result; F2 and F3 mean the same to the others. */
static bool ends_by_comparison(const struct emu *e)
{
	const bool equal = (e->flags & RFLAGS_ZF) != 0;

	if (e->insn->id != INSN_CMPS && e->insn->id != INSN_SCAS)
		return false;
	return (e->insn->prefixes & INSN_PREFIX_REP) != 0 ? !equal : equal;
}

/** @return the value of the counter: CX, ECX or RCX. */
static uint64_t counter(const struct emu *e)
{
	return e->ctx->gpr[INSN_RCX] & insn_size_mask(e->insn->addrsize);
}

static enum emu_status run_repeated(struct emu *e)
{
	const step_fn step = step_of(e->insn);
	const uint32_t limit = e->ctx->max_iterations == 0 ? 1 : e->ctx->max_iterations;
	enum emu_status status;

	for (uint32_t i = 0; i < limit && counter(e) != 0; i++) {
		status = step(e);
		if (status != EMU_DONE)
			return status;
		emu_add_gpr(e, INSN_RCX, e->insn->addrsize, UINT64_MAX);
		e->ctx->rflags = e->flags; /* each iteration counts by itself */
		if (ends_by_comparison(e))
			return EMU_DONE;
	}
	return counter(e) == 0 ? EMU_DONE : EMU_AGAIN;
}

enum emu_status emu_run_string(struct emu *e)
{
	if ((e->insn->prefixes & (INSN_PREFIX_REP | INSN_PREFIX_REPNE)) != 0)
		return run_repeated(e);
	return step_of(e->insn)(e);
}

enum emu_status emu_run_port(struct emu *e)
{
	const struct emu_ops *ops = e->ctx->ops;
	const bool immediate = e->insn->imm_size != 0;
	const uint16_t port = (uint16_t)(immediate ? (uint64_t)e->insn->imm & 0xff
						   : e->ctx->gpr[INSN_RDX] & 0xffff);
	const unsigned size = e->insn->opsize;
	uint32_t value = 0;
	enum emu_status status;

	if (e->insn->id == INSN_OUT)
		return ops->port_write == NULL
			       ? EMU_UNSUPPORTED
			       : ops->port_write(e->ctx, port, size,
						 (uint32_t)emu_get_gpr(e, INSN_RAX, size));
	if (ops->port_read == NULL)
		return EMU_UNSUPPORTED;
	status = ops->port_read(e->ctx, port, size, &value);
	if (status == EMU_DONE)
		emu_set_gpr(e, INSN_RAX, size, value);
	return status;
}
