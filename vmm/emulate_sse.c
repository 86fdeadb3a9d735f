/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moves between memory and XMM registers. Compilers use them to copy structures, also into device
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

enum emu_status emu_run_sse(struct emu *e)
{
	const bool loads = e->insn->form == INSN_FORM_XMM_RM;
	enum emu_status status;
	uint64_t linear;

	if (!e->insn->has_mem || e->ctx->ops->read_xmm == NULL || e->ctx->ops->write_xmm == NULL ||
	    (!loads && e->insn->form != INSN_FORM_RM_XMM))
		return EMU_UNSUPPORTED;
	status = emu_operand_linear(e, &linear);
	if (status != EMU_DONE)
		return status;
	if (demands_alignment(e->insn) && (linear & 15) != 0)
		return emu_raise(e, X86_GP, true);
	return loads ? load(e, linear) : store(e, linear);
}
