/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SSE and SSE2: the real CPU computes on copies of the operands, with all exceptions masked; whether the guest gets
 * one is decided here. Moves are the emulator's. MMX is not modelled.
 */
#include "lib/x86/regs.h"
#include "vmm/model/fpu.h"

#include <string.h>

#define MXCSR_FLAGS  0x3fu
#define MXCSR_MASKS  0x1f80u
#define MXCSR_SHIFT  7u

#define ARITHMETIC (RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF)

/** Mandatory prefixes, numbered as in the stubs. */
enum prefix { PS, PD, SS, SD };

typedef uint64_t (*stub_t)(void *to, const void *from);
extern const char fpu_sse[], fpu_sse_compare[];

static enum prefix prefix_of(const struct insn *insn)
{
	if ((insn->prefixes & INSN_PREFIX_REPNE) != 0)
		return SD;
	if ((insn->prefixes & INSN_PREFIX_REP) != 0)
		return SS;
	return (insn->prefixes & INSN_PREFIX_OPSIZE) != 0 ? PD : PS;
}

/** Opcodes whose stubs may be called, in words of 32: two XMM operands, nothing else. */
static const uint32_t computes[4][8] = {
	[PS] = {0x00300000, 0x0000c000, 0xfffe0000, 0x00000000, 0, 0, 0, 0},
	[PD] = {0x00300000, 0x0000c000, 0xfff20000, 0x00703fff, 0, 0, 0, 0},
	[SS] = {0, 0, 0xff0e0000, 0, 0, 0, 0, 0},
	[SD] = {0, 0, 0xf7020000, 0, 0, 0, 0, 0},
};

/** D0h to FFh are integers' with 66, and conversions at E6. */
static bool computes_high(enum prefix prefix, uint8_t opcode)
{
	if (opcode == 0xe6)
		return prefix != PS;
	if (prefix != PD || opcode < 0xd1)
		return false;
	return opcode != 0xd6 && opcode != 0xd7 && opcode != 0xe7 && opcode != 0xf0 &&
	       opcode != 0xf7 && opcode != 0xff;
}

static bool has_stub(enum prefix prefix, uint8_t opcode)
{
	if (opcode >= 0x80)
		return computes_high(prefix, opcode);
	return (computes[prefix][opcode / 32] >> (opcode % 32) & 1) != 0;
}

/** Bytes of the second operand where it is in memory. */
static unsigned operand_size(enum prefix prefix, uint8_t opcode)
{
	switch (opcode) {
	case 0x2e:
	case 0x2f:
		return prefix == PD ? 8 : 4;
	case 0x5a:
		return prefix == PS || prefix == SD ? 8 : prefix == SS ? 4 : 16;
	case 0x5b:
		return 16;
	case 0xe6:
		return prefix == SS ? 8 : 16;
	default:
		return prefix == SS ? 4 : prefix == SD ? 8 : 16;
	}
}

static uint8_t *xmm(const struct exec *x, unsigned n)
{
	return fpu_area(x) + FX_XMM + 16u * (n & 15);
}

/** The second operand; in memory, one of 16 bytes has to be aligned. */
static enum emu_status load(struct exec *x, const struct insn *insn, unsigned size, uint8_t data[16])
{
	enum emu_status status;
	uint64_t linear;

	memset(data, 0, 16);
	if (!insn->has_mem) {
		memcpy(data, xmm(x, insn->rm), 16);
		return EMU_DONE;
	}
	status = emu_address(&x->ctx, insn, size, false, &linear);
	if (status != EMU_DONE)
		return status;
	if (size == 16 && (linear & 15) != 0)
		return exec_gp(x);
	return exec_read(x, linear, data, size, exec_view(x));
}

/* ------------------------------------------------------------------------------------- exceptions */

static uint32_t mxcsr_of(const struct exec *x)
{
	uint32_t value;

	memcpy(&value, fpu_area(x) + FX_MXCSR, sizeof(value));
	return value;
}

/** What one instruction has flagged; the guest's own MXCSR is loaded meanwhile, with nothing unmasked. */
static uint32_t mxcsr_swap(const struct exec *x)
{
	uint32_t mine, clean = (mxcsr_of(x) & ~MXCSR_FLAGS) | MXCSR_MASKS;

	__asm__ volatile("stmxcsr %0" : "=m"(mine));
	__asm__ volatile("ldmxcsr %0" : : "m"(clean));
	return mine;
}

/** @return EMU_DONE, or the guest's exception: then there is no result. */
static enum emu_status mxcsr_note(struct exec *x, uint32_t mine)
{
	uint32_t flagged, all = mxcsr_of(x);

	__asm__ volatile("stmxcsr %0" : "=m"(flagged));
	__asm__ volatile("ldmxcsr %0" : : "m"(mine));
	flagged &= MXCSR_FLAGS;
	all |= flagged;
	memcpy(fpu_area(x) + FX_MXCSR, &all, sizeof(all));
	if ((flagged & ~(all >> MXCSR_SHIFT)) == 0)
		return EMU_DONE;
	return exec_fault(x, (x->s->cr4 & CR4_OSXMMEXCPT) != 0 ? X86_XM : X86_UD);
}

/* ------------------------------------------------------------------------------------- computing */

static enum emu_status compute(struct exec *x, const struct insn *insn, const char *stub,
			       unsigned size)
{
	const bool compares = insn->opcode == 0x2e || insn->opcode == 0x2f;
	uint8_t to[16], from[16];
	enum emu_status status = load(x, insn, size, from);
	uint64_t flags;
	uint32_t mine;

	if (status != EMU_DONE)
		return status;
	memcpy(to, xmm(x, insn->reg), 16);
	mine = mxcsr_swap(x);
	flags = ((stub_t)(uintptr_t)stub)(to, from);
	status = mxcsr_note(x, mine);
	if (status != EMU_DONE)
		return status;
	if (compares)
		x->ctx.rflags = (x->ctx.rflags & ~ARITHMETIC) | (flags & ARITHMETIC);
	else
		memcpy(xmm(x, insn->reg), to, 16);
	return exec_done(x, insn);
}

static enum emu_status by_stub(struct exec *x, const struct insn *insn)
{
	const enum prefix prefix = prefix_of(insn);

	return compute(x, insn, fpu_sse + 32 * (256 * (unsigned)prefix + insn->opcode),
		       operand_size(prefix, insn->opcode));
}

static enum emu_status compare(struct exec *x, const struct insn *insn)
{
	const enum prefix prefix = prefix_of(insn);
	const unsigned predicate = (unsigned)insn->imm & 7u;

	return compute(x, insn, fpu_sse_compare + 32 * (8 * (unsigned)prefix + predicate),
		       operand_size(prefix, insn->opcode));
}

/** Shifts by a constant: those by a register, with the constant in one. */
static enum emu_status shift(struct exec *x, const struct insn *insn)
{
	static const uint8_t bases[8] = {[2] = 0xd0, [4] = 0xe0, [6] = 0xf0};
	const unsigned which = insn->reg & 7, count = (unsigned)insn->imm & 0xff;
	const uint8_t base = bases[which];
	uint8_t *const to = xmm(x, insn->rm);
	uint8_t from[16] = {(uint8_t)count}, bytes[48] = {0};

	if (prefix_of(insn) != PD || insn->has_mem || (insn->opcode == 0x73 && which == 4))
		return EMU_UNSUPPORTED;
	if (insn->opcode == 0x73 && (which & 3) == 3) { /* PSRLDQ, PSLLDQ: bytes */
		memcpy(bytes + 16, to, 16);
		const unsigned by = count < 16 ? count : 16;
		memcpy(to, which == 3 ? bytes + 16 + by : bytes + 16 - by, 16);
		return exec_done(x, insn);
	}
	if (base == 0)
		return exec_fault(x, X86_UD);
	((stub_t)(uintptr_t)(fpu_sse + 32 * (256u * PD + base + (insn->opcode & 3u))))(to, from);
	return exec_done(x, insn);
}

/** PSHUFD, PSHUFLW, PSHUFHW. */
static enum emu_status shuffle_integers(struct exec *x, const struct insn *insn)
{
	const enum prefix prefix = prefix_of(insn);
	const unsigned width = prefix == PD ? 4 : 2, base = prefix == SS ? 8 : 0;
	uint8_t from[16], to[16];
	enum emu_status status;

	if (prefix == PS)
		return EMU_UNSUPPORTED;
	status = load(x, insn, 16, from);
	if (status != EMU_DONE)
		return status;
	memcpy(to, from, 16);
	for (unsigned i = 0; i < 4; i++)
		memcpy(to + base + i * width,
		       from + base + ((uint64_t)insn->imm >> (2 * i) & 3) * width, width);
	memcpy(xmm(x, insn->reg), to, 16);
	return exec_done(x, insn);
}

/** SHUFPS and SHUFPD: the lower half out of the destination. */
static enum emu_status shuffle_floats(struct exec *x, const struct insn *insn)
{
	const unsigned width = prefix_of(insn) == PD ? 8 : 4, count = 16 / width;
	const unsigned bits = width == 8 ? 1 : 2;
	uint8_t from[2][16], to[16];
	const enum emu_status status = load(x, insn, 16, from[1]);

	if (status != EMU_DONE)
		return status;
	memcpy(from[0], xmm(x, insn->reg), 16);
	for (unsigned i = 0; i < count; i++) {
		const uint64_t which = (uint64_t)insn->imm >> (bits * i) & (count - 1);

		memcpy(to + i * width, from[i >= count / 2] + which * width, width);
	}
	memcpy(xmm(x, insn->reg), to, 16);
	return exec_done(x, insn);
}

/* --------------------------------------------------------------------------- with general registers */

static void set_gpr(struct exec *x, unsigned n, unsigned size, uint64_t value)
{
	x->ctx.gpr[n] = size == 8 ? value : value & UINT32_MAX;
}

/** CVTSI2SS and CVTSI2SD. */
static enum emu_status from_integer(struct exec *x, const struct insn *insn)
{
	const unsigned size = (insn->rex & INSN_REX_W) != 0 ? 8 : 4;
	const enum prefix prefix = prefix_of(insn);
	uint64_t raw = x->ctx.gpr[insn->rm & 15], linear;
	enum emu_status status = EMU_DONE;
	float single = 0;
	double wide = 0;

	if (prefix != SS && prefix != SD)
		return EMU_UNSUPPORTED;
	if (insn->has_mem) {
		raw = 0;
		status = emu_address(&x->ctx, insn, size, false, &linear);
		if (status == EMU_DONE)
			status = exec_read(x, linear, &raw, size, exec_view(x));
		if (status != EMU_DONE)
			return status;
	}
	const int64_t value = size == 8 ? (int64_t)raw : (int64_t)(int32_t)raw;
	const uint32_t mine = mxcsr_swap(x);
	if (prefix == SD)
		__asm__ volatile("cvtsi2sdq %1, %0" : "=x"(wide) : "r"(value));
	else
		__asm__ volatile("cvtsi2ssq %1, %0" : "=x"(single) : "r"(value));
	status = mxcsr_note(x, mine);
	if (status != EMU_DONE)
		return status;
	if (prefix == SD)
		memcpy(xmm(x, insn->reg), &wide, sizeof(wide));
	else
		memcpy(xmm(x, insn->reg), &single, sizeof(single));
	return exec_done(x, insn);
}

/** One of eight: from single or double, cut or rounded, to 4 or 8 bytes. */
static uint64_t convert(bool twice, bool cut, unsigned size, const uint8_t from[16])
{
	uint64_t wide = 0;
	uint32_t narrow = 0;
	double d;
	float f;

	memcpy(&d, from, sizeof(d));
	memcpy(&f, from, sizeof(f));
	if (size == 8) {
		if (twice && cut)
			__asm__ volatile("cvttsd2siq %1, %0" : "=r"(wide) : "x"(d));
		else if (twice)
			__asm__ volatile("cvtsd2siq %1, %0" : "=r"(wide) : "x"(d));
		else if (cut)
			__asm__ volatile("cvttss2siq %1, %0" : "=r"(wide) : "x"(f));
		else
			__asm__ volatile("cvtss2siq %1, %0" : "=r"(wide) : "x"(f));
		return wide;
	}
	if (twice && cut)
		__asm__ volatile("cvttsd2si %1, %0" : "=r"(narrow) : "x"(d));
	else if (twice)
		__asm__ volatile("cvtsd2si %1, %0" : "=r"(narrow) : "x"(d));
	else if (cut)
		__asm__ volatile("cvttss2si %1, %0" : "=r"(narrow) : "x"(f));
	else
		__asm__ volatile("cvtss2si %1, %0" : "=r"(narrow) : "x"(f));
	return narrow;
}

static enum emu_status to_integer(struct exec *x, const struct insn *insn)
{
	const enum prefix prefix = prefix_of(insn);
	const unsigned size = (insn->rex & INSN_REX_W) != 0 ? 8 : 4;
	uint8_t from[16];
	enum emu_status status;
	uint64_t value;

	if (prefix != SS && prefix != SD)
		return EMU_UNSUPPORTED;
	status = load(x, insn, prefix == SD ? 8 : 4, from);
	if (status != EMU_DONE)
		return status;
	const uint32_t mine = mxcsr_swap(x);
	value = convert(prefix == SD, insn->opcode == 0x2c, size, from);
	status = mxcsr_note(x, mine);
	if (status != EMU_DONE)
		return status;
	set_gpr(x, insn->reg, size, value);
	return exec_done(x, insn);
}

/** MOVMSKPS, MOVMSKPD, PMOVMSKB: sign bits. */
static enum emu_status mask(struct exec *x, const struct insn *insn)
{
	const enum prefix prefix = prefix_of(insn);
	const unsigned width = insn->opcode == 0xd7 ? 1 : prefix == PD ? 8 : 4;
	const uint8_t *from = xmm(x, insn->rm);
	uint64_t bits = 0;

	if (insn->has_mem)
		return exec_fault(x, X86_UD);
	if (prefix > PD || (insn->opcode == 0xd7 && prefix == PS))
		return EMU_UNSUPPORTED;
	for (unsigned i = 0; i < 16 / width; i++)
		bits |= (uint64_t)(from[i * width + width - 1] >> 7) << i;
	set_gpr(x, insn->reg, 8, bits);
	return exec_done(x, insn);
}

/** PINSRW and PEXTRW. */
static enum emu_status word(struct exec *x, const struct insn *insn)
{
	const unsigned at = 2 * ((unsigned)insn->imm & 7u);
	uint16_t value = (uint16_t)x->ctx.gpr[insn->rm & 15];
	enum emu_status status = EMU_DONE;
	uint64_t linear;

	if (prefix_of(insn) != PD)
		return EMU_UNSUPPORTED;
	if (insn->opcode == 0xc5) {
		memcpy(&value, xmm(x, insn->rm) + at, sizeof(value));
		set_gpr(x, insn->reg, 8, value);
		return exec_done(x, insn);
	}
	if (insn->has_mem) {
		status = emu_address(&x->ctx, insn, sizeof(value), false, &linear);
		if (status == EMU_DONE)
			status = exec_read(x, linear, &value, sizeof(value), exec_view(x));
	}
	if (status != EMU_DONE)
		return status;
	memcpy(xmm(x, insn->reg) + at, &value, sizeof(value));
	return exec_done(x, insn);
}

/** MOVHLPS and MOVLHPS. */
static enum emu_status halves(struct exec *x, const struct insn *insn)
{
	const bool up = insn->opcode == 0x16;

	if (insn->has_mem || prefix_of(insn) != PS)
		return exec_fault(x, X86_UD); /* SSE3 */
	memmove(xmm(x, insn->reg) + (up ? 8 : 0), xmm(x, insn->rm) + (up ? 0 : 8), 8);
	return exec_done(x, insn);
}

static enum emu_status dispatch(struct exec *x, const struct insn *insn)
{
	switch (insn->opcode) {
	case 0x12:
	case 0x16:
		return halves(x, insn);
	case 0x2a:
		return from_integer(x, insn);
	case 0x2c:
	case 0x2d:
		return to_integer(x, insn);
	case 0x50:
	case 0xd7:
		return mask(x, insn);
	case 0x70:
		return shuffle_integers(x, insn);
	case 0x71 ... 0x73:
		return shift(x, insn);
	case 0xc2:
		return compare(x, insn);
	case 0xc4:
	case 0xc5:
		return word(x, insn);
	case 0xc6:
		return shuffle_floats(x, insn);
	default:
		return has_stub(prefix_of(insn), insn->opcode) ? by_stub(x, insn) : EMU_UNSUPPORTED;
	}
}

enum emu_status fpu_sse_op(struct exec *x, const struct insn *insn)
{
	const enum emu_status status = fpu_check_sse(x);

	return status == EMU_DONE ? dispatch(x, insn) : status;
}
