/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moves between memory, general and XMM registers. Compilers use them to copy structures, also into device
 * memory; nothing else of SSE makes sense there.
 */
#include "vmm/emulate_state.h"

#include "lib/x86/regs.h"

/* These two leave half of the register alone (SDM, MOVHPS and MOVLPS). */
static bool moves_high_half(const struct insn *insn)
{
	return insn->map == INSN_MAP_0F && (insn->opcode == 0x16 || insn->opcode == 0x17);
}

static bool merges_low_half(const struct insn *insn)
{
	return insn->map == INSN_MAP_0F && insn->opcode == 0x12;
}

/** MOVAPS, MOVDQA and the non-temporal forms demand alignment. */
static bool demands_alignment(const struct insn *insn)
{
	if (insn->mem.size != 16)
		return false;
	if (insn->map == INSN_MAP_0F38) /* MOVNTDQA */
		return true;
	switch (insn->opcode) {
	case 0x28:
	case 0x29:
	case 0x2b:
	case 0xe7:
		return true;
	case 0x6f:
	case 0x7f:
		return (insn->prefixes & INSN_PREFIX_REP) == 0;
	default:
		return false;
	}
}

/** MOVD and MOVQ: the other register is a general one. */
static bool has_general(const struct insn *insn)
{
	return insn->map == INSN_MAP_0F &&
	       (insn->opcode == 0x6e || (insn->opcode == 0x7e && insn->form == INSN_FORM_RM_XMM));
}

/** Between registers, MOVSS and MOVSD leave the rest of the destination alone (SDM). */
static bool merges_between_registers(const struct insn *insn)
{
	return (insn->opcode == 0x10 || insn->opcode == 0x11) && insn->mem.size < 16;
}

static enum emu_status load(struct emu *e, uint64_t linear)
{
	const unsigned offset = moves_high_half(e->insn) ? 8 : 0;
	uint8_t data[16] = {0};
	enum emu_status status;

	if (offset != 0 || merges_low_half(e->insn))
		e->ctx->ops->read_xmm(e->ctx, e->insn->reg, data);
	status = e->ctx->ops->read(e->ctx, linear, e->insn->mem.size, EMU_READ, data + offset);
	if (status == EMU_DONE)
		e->ctx->ops->write_xmm(e->ctx, e->insn->reg, data);
	return status;
}

static enum emu_status store(struct emu *e, uint64_t linear)
{
	const unsigned offset = moves_high_half(e->insn) ? 8 : 0;
	uint8_t data[16];

	e->ctx->ops->read_xmm(e->ctx, e->insn->reg, data);
	return e->ctx->ops->write(e->ctx, linear, e->insn->mem.size, data + offset);
}

static void move_general(struct emu *e, bool loads)
{
	const unsigned size = e->insn->mem.size;
	uint8_t data[16] = {0};
	uint64_t value = emu_get_gpr(e, e->insn->rm, size);

	if (loads) {
		__builtin_memcpy(data, &value, sizeof(value));
		e->ctx->ops->write_xmm(e->ctx, e->insn->reg, data);
		return;
	}
	e->ctx->ops->read_xmm(e->ctx, e->insn->reg, data);
	__builtin_memcpy(&value, data, sizeof(value));
	emu_set_gpr(e, e->insn->rm, size, value & insn_size_mask(size));
}

static void move_register(struct emu *e, bool loads)
{
	const unsigned to = loads ? e->insn->reg : e->insn->rm;
	uint8_t data[16] = {0}, from[16];

	e->ctx->ops->read_xmm(e->ctx, loads ? e->insn->rm : e->insn->reg, from);
	if (merges_between_registers(e->insn))
		e->ctx->ops->read_xmm(e->ctx, to, data);
	__builtin_memcpy(data, from, e->insn->mem.size);
	e->ctx->ops->write_xmm(e->ctx, to, data);
}

enum emu_status emu_run_sse(struct emu *e)
{
	const bool loads = e->insn->form == INSN_FORM_XMM_RM;
	enum emu_status status;
	uint64_t linear;

	if (e->ctx->ops->read_xmm == NULL || e->ctx->ops->write_xmm == NULL ||
	    (!loads && e->insn->form != INSN_FORM_RM_XMM))
		return EMU_UNSUPPORTED;
	if (!e->insn->has_mem) {
		if (has_general(e->insn))
			move_general(e, loads);
		else
			move_register(e, loads);
		return EMU_DONE;
	}
	status = emu_operand_linear(e, &linear);
	if (status != EMU_DONE)
		return status;
	if (demands_alignment(e->insn) && (linear & 15) != 0)
		return emu_raise(e, X86_GP, true);
	return loads ? load(e, linear) : store(e, linear);
}
