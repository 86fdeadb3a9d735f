/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers, memory and operands: where an instruction's values come from and go to.
 */
#include "vmm/emulate_state.h"

#include "lib/x86/regs.h"
#include "vmm/emulate_alu.h"

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

bool emu_is_canonical(uint64_t address)
{
	return (uint64_t)((int64_t)(address << 16) >> 16) == address;
}

static enum emu_status linear_64(struct emu *e, enum insn_seg seg, uint64_t offset, unsigned size,
				 uint64_t *linear)
{
	*linear = offset + (seg >= INSN_FS ? e->ctx->ops->seg_base(e->ctx, seg) : 0);
	if (emu_is_canonical(*linear) && emu_is_canonical(*linear + size - 1))
		return EMU_DONE;
	return emu_raise(e, seg == INSN_SS ? X86_SS : X86_GP, true);
}

enum emu_status emu_linear(struct emu *e, enum insn_seg seg, uint64_t offset, unsigned size,
			   bool write, uint64_t *linear)
{
	const struct emu_ops *ops = e->ctx->ops;

	if (e->insn->mode == INSN_MODE_64)
		return linear_64(e, seg, offset, size, linear);
	if (ops->seg_check != NULL) {
		const enum emu_status status = ops->seg_check(e->ctx, seg, offset, size, write);

		if (status != EMU_DONE)
			return status;
	}
	*linear = (offset + e->ctx->ops->seg_base(e->ctx, seg)) & UINT32_MAX;
	return EMU_DONE;
}

enum emu_status emu_read_at(struct emu *e, enum insn_seg seg, uint64_t offset, unsigned size,
			    uint64_t *value)
{
	uint64_t linear;
	const enum emu_status status = emu_linear(e, seg, offset, size, false, &linear);

	*value = 0;
	return status != EMU_DONE ? status
				  : e->ctx->ops->read(e->ctx, linear, size, EMU_READ, value);
}

enum emu_status emu_write_at(struct emu *e, enum insn_seg seg, uint64_t offset, unsigned size,
			     uint64_t value)
{
	uint64_t linear;
	const enum emu_status status = emu_linear(e, seg, offset, size, true, &linear);

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
	return (uint64_t)((bit >> (insn->opsize == 8   ? 6
				   : insn->opsize == 4 ? 5
						       : 4)) *
			  insn->opsize);
}

enum emu_status emu_operand_linear(struct emu *e, uint64_t *linear)
{
	const struct insn *insn = e->insn;
	uint64_t offset = insn_offset(insn, e->ctx->gpr, e->next_rip);

	offset = (offset + bit_displacement(e)) & insn_size_mask(insn->addrsize);
	return emu_linear(e, (enum insn_seg)insn->seg, offset, insn->mem.size,
			  (insn->mem.access & INSN_WRITE) != 0, linear);
}

enum emu_status emu_address(struct emu_ctx *ctx, const struct insn *insn, unsigned size, bool write,
			    uint64_t *linear)
{
	struct emu e = {.ctx = ctx, .insn = insn, .next_rip = ctx->rip + insn->length};

	return emu_linear(&e, (enum insn_seg)insn->seg, insn_offset(insn, ctx->gpr, e.next_rip),
			  size, write, linear);
}

enum emu_status emu_read_operand(struct emu *e, uint64_t *value)
{
	const enum emu_intent intent =
		(e->insn->mem.access & INSN_WRITE) != 0 ? EMU_MODIFY : EMU_READ;
	uint64_t linear;
	enum emu_status status;

	if (!e->insn->has_mem) {
		*value = emu_get_gpr(e, e->insn->rm, e->insn->mem.size);
		return EMU_DONE;
	}
	status = emu_operand_linear(e, &linear);
	*value = 0;
	return status != EMU_DONE
		       ? status
		       : e->ctx->ops->read(e->ctx, linear, e->insn->mem.size, intent, value);
}

/** Segment and status registers are two bytes in memory, in a register as wide as it is named. */
static unsigned register_size(const struct insn *insn)
{
	return insn->mem.size < insn->opsize ? insn->opsize : insn->mem.size;
}

enum emu_status emu_write_operand(struct emu *e, uint64_t value)
{
	uint64_t linear;
	enum emu_status status;

	if (!e->insn->has_mem) {
		emu_set_gpr(e, e->insn->rm, register_size(e->insn), value);
		return EMU_DONE;
	}
	status = emu_operand_linear(e, &linear);
	return status != EMU_DONE ? status
				  : e->ctx->ops->write(e->ctx, linear, e->insn->mem.size, &value);
}

/* ---- Operands by form ----------------------------------------------------------------------- */

static bool destination_is_rm(const struct insn *insn)
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

/** The register beside the r/m operand. */
static unsigned other_register(const struct insn *insn)
{
	return insn->form == INSN_FORM_ACC_MOFFS || insn->form == INSN_FORM_MOFFS_ACC ? INSN_RAX
										      : insn->reg;
}

/** @return whether the instruction has neither a ModRM operand nor an absolute address. */
static bool has_registers_only(const struct insn *insn)
{
	return insn->form >= INSN_FORM_O && insn->form <= INSN_FORM_ACC_I;
}

/** The destination of such an instruction. */
static unsigned only_register(const struct insn *insn)
{
	return insn->form == INSN_FORM_ACC_I ? INSN_RAX : insn->rm;
}

static void load_registers(struct emu *e)
{
	const struct insn *insn = e->insn;

	e->dst = emu_get_gpr(e, only_register(insn), insn->opsize);
	if (insn->form == INSN_FORM_O)
		e->src = e->dst;
	else if (insn->form == INSN_FORM_O_ACC)
		e->src = emu_get_gpr(e, INSN_RAX, insn->opsize);
	else
		e->src = (uint64_t)insn->imm & insn_size_mask(insn->opsize);
}

/** Value of the operand that is not r/m. */
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
enum emu_status emu_load_operands(struct emu *e)
{
	const bool to_rm = destination_is_rm(e->insn);

	if (has_registers_only(e->insn)) {
		load_registers(e);
		return EMU_DONE;
	}
	*(to_rm ? &e->src : &e->dst) = other_operand(e);
	if ((e->insn->mem.access & INSN_READ) == 0)
		return EMU_DONE;
	return emu_read_operand(e, to_rm ? &e->dst : &e->src);
}

enum emu_status emu_store_result(struct emu *e, uint64_t value)
{
	if (has_registers_only(e->insn))
		emu_set_gpr(e, only_register(e->insn), e->insn->opsize, value);
	else if (destination_is_rm(e->insn))
		return emu_write_operand(e, value);
	else
		emu_set_gpr(e, other_register(e->insn), e->insn->opsize, value);
	return EMU_DONE;
}
