/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * x87, SSE, and what else the decoder knows by its length alone: fences, prefetches, FXSAVE.
 */
#include "lib/x86/regs.h"
#include "vmm/model/fpu.h"

#include <string.h>

#define MXCSR_RESERVED 0xffff0000u

/** x87: #NM where a task's state isn't there, or there is no unit. */
enum emu_status fpu_check_x87(struct exec *x)
{
	return (x->s->cr0 & (CR0_EM | CR0_TS)) != 0 ? exec_fault(x, X86_NM) : EMU_DONE;
}

enum emu_status fpu_check_sse(struct exec *x)
{
	if ((x->s->cr0 & CR0_EM) != 0 || (x->s->cr4 & CR4_OSFXSR) == 0)
		return exec_fault(x, X86_UD);
	return (x->s->cr0 & CR0_TS) != 0 ? exec_fault(x, X86_NM) : EMU_DONE;
}

enum emu_status exec_sse_move(struct exec *x, const struct insn *insn)
{
	const enum emu_status status = fpu_check_sse(x);

	return status == EMU_DONE ? emu_execute(&x->ctx, insn) : status;
}

/* --------------------------------------------------------------------------------------- 0F AE */

static enum emu_status fxsave(struct exec *x, const struct insn *insn, uint64_t linear)
{
	const enum emu_status status = exec_write(x, linear, fpu_area(x), FX_SIZE - FX_UNUSED, exec_view(x));

	return status == EMU_DONE ? exec_done(x, insn) : status;
}

static enum emu_status fxrstor(struct exec *x, const struct insn *insn, uint64_t linear)
{
	uint8_t image[FX_SIZE];
	uint32_t mxcsr;
	const enum emu_status status = exec_read(x, linear, image, FX_SIZE, exec_view(x));

	if (status != EMU_DONE)
		return status;
	memcpy(&mxcsr, image + FX_MXCSR, sizeof(mxcsr));
	if ((mxcsr & MXCSR_RESERVED) != 0)
		return exec_gp(x);
	memcpy(fpu_area(x), image, FX_SIZE - FX_UNUSED);
	return exec_done(x, insn);
}

/** FXSAVE and FXRSTOR; REX.W only concerns pointers of x87 instructions, which are not kept. */
static enum emu_status fx(struct exec *x, const struct insn *insn)
{
	const bool save = (insn->reg & 7) == 0;
	enum emu_status status = fpu_check_x87(x);
	uint64_t linear;

	if (status == EMU_DONE)
		status = emu_address(&x->ctx, insn, FX_SIZE, save, &linear);
	if (status != EMU_DONE)
		return status;
	if ((linear & 15) != 0)
		return exec_gp(x);
	return save ? fxsave(x, insn, linear) : fxrstor(x, insn, linear);
}

/** LDMXCSR and STMXCSR. */
static enum emu_status mxcsr_move(struct exec *x, const struct insn *insn)
{
	const bool store = (insn->reg & 7) == 3;
	enum emu_status status = fpu_check_sse(x);
	uint64_t linear;
	uint32_t value;

	if (status == EMU_DONE)
		status = emu_address(&x->ctx, insn, sizeof(value), store, &linear);
	if (status != EMU_DONE)
		return status;
	memcpy(&value, fpu_area(x) + FX_MXCSR, sizeof(value));
	status = store ? exec_write(x, linear, &value, sizeof(value), exec_view(x))
		       : exec_read(x, linear, &value, sizeof(value), exec_view(x));
	if (status != EMU_DONE)
		return status;
	if ((value & MXCSR_RESERVED) != 0)
		return exec_gp(x);
	memcpy(fpu_area(x) + FX_MXCSR, &value, sizeof(value));
	return exec_done(x, insn);
}

/** RDFSBASE, RDGSBASE, WRFSBASE, WRGSBASE. */
static enum emu_status base_move(struct exec *x, const struct insn *insn)
{
	struct hv_x86_segment *seg = &x->s->seg[(insn->reg & 1) != 0 ? HV_GS : HV_FS];
	const bool wide = (insn->rex & INSN_REX_W) != 0;
	const uint64_t mask = wide ? UINT64_MAX : UINT32_MAX;
	const uint64_t value = x->ctx.gpr[insn->rm] & mask;

	if (x->mode != INSN_MODE_64 || (x->s->cr4 & CR4_FSGSBASE) == 0 || (insn->reg & 7) > 3)
		return exec_fault(x, X86_UD);
	if ((insn->reg & 2) == 0) {
		x->ctx.gpr[insn->rm] = seg->base & mask;
	} else {
		if ((uint64_t)((int64_t)(value << 16) >> 16) != value)
			return exec_gp(x);
		seg->base = value;
	}
	return exec_done(x, insn);
}

static enum emu_status group15(struct exec *x, const struct insn *insn)
{
	const unsigned which = insn->reg & 7;

	if (!insn->has_mem) {
		if ((insn->prefixes & INSN_PREFIX_REP) != 0)
			return base_move(x, insn);
		return which >= 5 ? exec_done(x, insn) : exec_fault(x, X86_UD); /* fences */
	}
	if (which <= 1)
		return fx(x, insn);
	if (which <= 3)
		return mxcsr_move(x, insn);
	return which == 7 ? exec_done(x, insn) /* CLFLUSH */ : exec_fault(x, X86_UD);
}

/* ----------------------------------------------------------------------------------------- dispatch */

/** Two-byte opcodes. */
static enum emu_status escaped(struct exec *x, const struct insn *insn)
{
	switch (insn->opcode) {
	case 0x0d: /* PREFETCH, and others that need not be anything */
	case 0x18 ... 0x1f:
		return exec_done(x, insn);
	case 0xae:
		return group15(x, insn);
	case 0x12:
	case 0x14:
	case 0x15:
	case 0x16:
	case 0x2a ... 0x2f:
	case 0x50 ... 0x76:
	case 0xc2:
	case 0xc4 ... 0xc6:
	case 0xd1 ... 0xfe:
		return fpu_sse_op(x, insn);
	default:
		return EMU_UNSUPPORTED;
	}
}

enum emu_status exec_fpu(struct exec *x, const struct insn *insn)
{
	if (insn->encoding != INSN_ENC_LEGACY)
		return exec_fault(x, X86_UD); /* CPUID shows no AVX */
	if (insn->map == INSN_MAP_0F)
		return escaped(x, insn);
	if (insn->map == INSN_MAP_1B && ((insn->opcode & 0xf8) == 0xd8 || insn->opcode == 0x9b))
		return fpu_x87(x, insn);
	return EMU_UNSUPPORTED;
}
