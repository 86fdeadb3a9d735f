/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stack and near branches. The memory operand of PUSH, CALL and JMP may be a device, the stack too.
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
