/* SPDX-License-Identifier: BSD-2-Clause */
/** @file fpu.h What the interpreter's floating-point files share. */
#ifndef VMM_MODEL_FPU_H
#define VMM_MODEL_FPU_H

#include "vmm/model/exec.h"

/* FXSAVE's area (SDM vol. 1, Table 10-2). */
#define FX_SIZE	  512u
#define FX_FCW	  0u
#define FX_FSW	  2u
#define FX_MXCSR  24u
#define FX_XMM	  160u
/** What FXSAVE doesn't write. */
#define FX_UNUSED 48u

static inline uint8_t *fpu_area(const struct exec *x)
{
	return x->cpu->vcpu->fpu.area;
}

/** May x87, or SSE, be used now? */
enum emu_status fpu_check_x87(struct exec *x);
enum emu_status fpu_check_sse(struct exec *x);
/** Opcodes D8 to DF, and FWAIT. */
enum emu_status fpu_x87(struct exec *x, const struct insn *insn);
/** Two-byte opcodes that compute. */
enum emu_status fpu_sse_op(struct exec *x, const struct insn *insn);

#endif
