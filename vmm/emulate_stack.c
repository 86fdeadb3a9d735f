/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stack and near branches. The memory operand of PUSH, CALL and JMP may be a device, the stack too.
 *
 * A fault leaves rSP where it was: it moves when all that an instruction reads and writes is done.
 */
#include "vmm/emulate_state.h"

#include "lib/x86/regs.h"

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
	if (!emu_is_canonical(target))
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
			return emu_read_operand(e, value);
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

enum emu_status emu_run_push(struct emu *e)
{
	uint64_t value;
	const enum emu_status status = load_single(e, &value);

	return status == EMU_DONE ? push(e, value) : status;
}

/** A memory destination's address is formed after rSP has moved (SDM, POP). */
enum emu_status emu_run_pop(struct emu *e)
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
	status = emu_write_operand(e, value);
	if (status != EMU_DONE)
		e->ctx->gpr[INSN_RSP] = rsp;
	return status;
}

enum emu_status emu_run_jump(struct emu *e)
{
	uint64_t target;
	const enum emu_status status = load_single(e, &target);

	return status == EMU_DONE ? branch_to(e, target) : status;
}

enum emu_status emu_run_call(struct emu *e)
{
	const uint64_t return_to = e->next_rip;
	enum emu_status status = emu_run_jump(e);

	return status == EMU_DONE ? push(e, return_to) : status;
}

enum emu_status emu_run_return(struct emu *e)
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

/** The displacement counts from the next instruction. */
static enum emu_status branch_relative(struct emu *e)
{
	return branch_to(e, e->next_rip + (uint64_t)e->insn->imm);
}

enum emu_status emu_run_jcc(struct emu *e)
{
	return emu_condition(e) ? branch_relative(e) : EMU_DONE;
}

enum emu_status emu_run_loop(struct emu *e)
{
	const unsigned size = e->insn->addrsize;
	const bool zero = (e->flags & RFLAGS_ZF) != 0;
	const uint64_t count = (e->ctx->gpr[INSN_RCX] - (e->insn->opcode != 0xe3)) &
			       insn_size_mask(size);
	bool taken = count != 0;
	enum emu_status status = EMU_DONE;

	if (e->insn->opcode == 0xe0)
		taken = taken && !zero;
	else if (e->insn->opcode == 0xe1)
		taken = taken && zero;
	else if (e->insn->opcode == 0xe3)
		taken = !taken;
	if (taken)
		status = branch_relative(e);
	if (status == EMU_DONE && e->insn->opcode != 0xe3)
		emu_set_gpr(e, INSN_RCX, size, count);
	return status;
}

/* ---- Frames --------------------------------------------------------------------------------- */

/** Copies the frame pointers of the enclosing procedures (SDM, ENTER). */
static enum emu_status push_frames(struct emu *e, unsigned level, uint64_t frame)
{
	const unsigned width = e->ctx->stack_size, size = e->insn->opsize;
	enum emu_status status = EMU_DONE;
	uint64_t value;

	for (unsigned i = 1; i < level && status == EMU_DONE; i++) {
		const uint64_t at = e->ctx->gpr[INSN_RBP] - (uint64_t)i * size;

		status = emu_read_at(e, INSN_SS, at & insn_size_mask(width), size, &value);
		if (status == EMU_DONE)
			status = push(e, value);
	}
	return status == EMU_DONE && level > 0 ? push(e, frame) : status;
}

/** Room for local variables, whose end has to be writable (SDM, ENTER). */
static enum emu_status make_room(struct emu *e)
{
	const unsigned width = e->ctx->stack_size;
	enum emu_status status;
	uint64_t linear, old;

	emu_add_gpr(e, INSN_RSP, width, -((uint64_t)e->insn->imm & 0xffff));
	status = emu_linear(e, INSN_SS, e->ctx->gpr[INSN_RSP] & insn_size_mask(width),
			    e->insn->opsize, true, &linear);
	return status == EMU_DONE ? e->ctx->ops->read(e->ctx, linear, e->insn->opsize, EMU_MODIFY,
						      &old)
				  : status;
}

enum emu_status emu_run_enter(struct emu *e)
{
	const unsigned size = e->insn->opsize;
	const uint64_t rsp = e->ctx->gpr[INSN_RSP];
	uint64_t frame;
	enum emu_status status = push(e, e->ctx->gpr[INSN_RBP] & insn_size_mask(size));

	frame = e->ctx->gpr[INSN_RSP];
	if (status == EMU_DONE)
		status = push_frames(e, e->insn->imm2 & 31u, frame);
	if (status == EMU_DONE)
		status = make_room(e);
	if (status == EMU_DONE)
		emu_set_gpr(e, INSN_RBP, size, frame);
	else
		e->ctx->gpr[INSN_RSP] = rsp;
	return status;
}

enum emu_status emu_run_leave(struct emu *e)
{
	const uint64_t rsp = e->ctx->gpr[INSN_RSP];
	uint64_t frame;
	enum emu_status status;

	emu_set_gpr(e, INSN_RSP, e->ctx->stack_size, e->ctx->gpr[INSN_RBP]);
	status = pop(e, &frame);
	if (status == EMU_DONE)
		emu_set_gpr(e, INSN_RBP, e->insn->opsize, frame);
	else
		e->ctx->gpr[INSN_RSP] = rsp;
	return status;
}

enum emu_status emu_run_pusha(struct emu *e)
{
	const uint64_t rsp = e->ctx->gpr[INSN_RSP];
	enum emu_status status = EMU_DONE;

	for (unsigned n = INSN_RAX; n <= INSN_RDI && status == EMU_DONE; n++)
		status = push(e, (n == INSN_RSP ? rsp : e->ctx->gpr[n]) &
					 insn_size_mask(e->insn->opsize));
	if (status != EMU_DONE)
		e->ctx->gpr[INSN_RSP] = rsp;
	return status;
}

enum emu_status emu_run_popa(struct emu *e)
{
	const uint64_t rsp = e->ctx->gpr[INSN_RSP];
	uint64_t value[INSN_RDI + 1];
	enum emu_status status = EMU_DONE;

	for (unsigned n = INSN_RDI + 1; n-- > INSN_RAX && status == EMU_DONE;)
		status = pop(e, &value[n]);
	if (status != EMU_DONE) {
		e->ctx->gpr[INSN_RSP] = rsp;
		return status;
	}
	for (unsigned n = INSN_RAX; n <= INSN_RDI; n++)
		if (n != INSN_RSP)
			emu_set_gpr(e, n, e->insn->opsize, value[n]);
	return EMU_DONE;
}
