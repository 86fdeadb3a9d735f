/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The decoder proper: prefixes, opcode, ModRM and SIB, displacement, immediate, in the order in
 * which they stand in the instruction. Each take_...() step consumes its bytes and returns false,
 * with decoder::error set, where the instruction ends there.
 */
#include "lib/x86/insn.h"
#include "lib/x86/insn_tables.h"

struct decoder {
	const uint8_t *bytes;
	unsigned pos;
	unsigned end; /* at most 15 */
	int error;
	const struct insn_op *op;
	uint8_t op_size;  /* enum insn_size, inherited down the decision tree */
	uint8_t op_imm;	  /* enum insn_imm, likewise */
	uint8_t op_flags; /* enum insn_op_flag, collected */
	uint8_t seg;	  /* override, or NO_SEGMENT */
	struct insn *insn;
};

#define NO_SEGMENT 0xffu

static bool fail(struct decoder *d, int error)
{
	d->error = error;
	return false;
}

/** @return true where `size` more bytes are there. */
static bool has_bytes(struct decoder *d, unsigned size)
{
	if (size <= d->end - d->pos)
		return true;
	return fail(d, size > INSN_MAX_LENGTH - d->pos ? INSN_E_TOO_LONG : INSN_E_TRUNCATED);
}

static bool take_byte(struct decoder *d, uint8_t *out)
{
	if (!has_bytes(d, 1))
		return false;
	*out = d->bytes[d->pos++];
	return true;
}

/** @return the little-endian number of 1, 2, 4 or 8 bytes at `at`, sign-extended. */
static int64_t number_at(const uint8_t *at, unsigned size)
{
	int8_t byte;
	int16_t word;
	int32_t dword;
	int64_t qword;

	switch (size) {
	case 1:
		__builtin_memcpy(&byte, at, sizeof(byte));
		return byte;
	case 2:
		__builtin_memcpy(&word, at, sizeof(word));
		return word;
	case 4:
		__builtin_memcpy(&dword, at, sizeof(dword));
		return dword;
	default:
		__builtin_memcpy(&qword, at, sizeof(qword));
		return qword;
	}
}

static bool take_number(struct decoder *d, unsigned size, int64_t *out)
{
	if (!has_bytes(d, size))
		return false;
	*out = number_at(d->bytes + d->pos, size);
	d->pos += size;
	return true;
}

/* ---- Prefixes ------------------------------------------------------------------------------ */

/* Prefix bytes (SDM 2.1.1): what they set. Segment overrides are kept in seg_of_prefix(). */
static uint8_t prefix_bits(uint8_t byte)
{
	switch (byte) {
	case 0xf0:
		return INSN_PREFIX_LOCK;
	case 0xf2:
		return INSN_PREFIX_REPNE;
	case 0xf3:
		return INSN_PREFIX_REP;
	case 0x66:
		return INSN_PREFIX_OPSIZE;
	case 0x67:
		return INSN_PREFIX_ADDRSIZE;
	case 0x26:
	case 0x2e:
	case 0x36:
	case 0x3e:
	case 0x64:
	case 0x65:
		return INSN_PREFIX_SEGMENT;
	default:
		return 0;
	}
}

static uint8_t seg_of_prefix(uint8_t byte)
{
	return byte >= 0x64 ? (uint8_t)(byte - 0x64 + INSN_FS) : (byte >> 3) & 3;
}

/** ES, CS, SS and DS overrides have no effect in 64-bit mode (SDM 3.3.7.1 of volume 1). */
static void note_segment(struct decoder *d, uint8_t byte)
{
	const uint8_t seg = seg_of_prefix(byte);

	if (d->insn->mode == INSN_MODE_64 && seg < INSN_FS)
		return;
	d->seg = seg;
	d->insn->prefixes |= INSN_PREFIX_SEGMENT;
}

static void note_prefix(struct decoder *d, uint8_t byte, uint8_t bits)
{
	const uint8_t repeats = INSN_PREFIX_REP | INSN_PREFIX_REPNE;

	if (bits == INSN_PREFIX_SEGMENT) {
		note_segment(d, byte);
		return;
	}
	if ((bits & repeats) != 0)
		d->insn->prefixes &= (uint8_t)~repeats;
	d->insn->prefixes |= bits;
}

static bool is_rex(const struct insn *insn, uint8_t byte)
{
	return insn->mode == INSN_MODE_64 && (byte & 0xf0) == 0x40;
}

/** Most bytes are in the one-byte map, and then they are an opcode, or REX in 64-bit mode. */
static bool is_plain_opcode(const struct insn *insn, uint8_t byte)
{
	return insn_map_1b[byte].form != INSN_FORM_INVALID && !is_rex(insn, byte);
}

/** A REX prefix counts only directly before the opcode (SDM 2.2.1). */
static bool take_prefixes(struct decoder *d, uint8_t *opcode)
{
	uint8_t bits;

	while (take_byte(d, opcode)) {
		if (is_plain_opcode(d->insn, *opcode))
			return true;
		if (is_rex(d->insn, *opcode)) {
			d->insn->rex = *opcode;
			continue;
		}
		bits = prefix_bits(*opcode);
		if (bits == 0)
			return true;
		d->insn->rex = 0;
		note_prefix(d, *opcode, bits);
	}
	return false;
}

/* ---- VEX, EVEX, XOP (SDM 2.3, 2.7; APM volume 3, 1.6) --------------------------------------- */

/** @return true where the byte after C4, C5, 62 or 8F makes it a prefix. */
static bool begins_vector(const struct insn *insn, uint8_t opcode, uint8_t next)
{
	switch (opcode) {
	case 0xc4:
	case 0xc5:
	case 0x62: /* in other modes LES, LDS, BOUND, which have no register form */
		return insn->mode == INSN_MODE_64 || (next & 0xc0) == 0xc0;
	case 0x8f: /* POP has only reg = 0, which is a map below 8 */
		return (next & 0x1f) >= 8;
	default:
		return false;
	}
}

/** These prefixes before VEX, EVEX or XOP are #UD. */
static bool vector_prefixes_ok(const struct decoder *d)
{
	const uint8_t forbidden =
		INSN_PREFIX_LOCK | INSN_PREFIX_REP | INSN_PREFIX_REPNE | INSN_PREFIX_OPSIZE;

	return (d->insn->prefixes & forbidden) == 0 && d->insn->rex == 0;
}

/** R, X and B are stored inverted in bits 7:5. */
static uint8_t rex_of_vector(const struct insn *insn, uint8_t byte)
{
	return insn->mode == INSN_MODE_64 ? (uint8_t)(0x40 | ((byte >> 5) ^ 7)) : 0;
}

static bool take_two_byte_vex(struct decoder *d)
{
	uint8_t byte;

	if (!take_byte(d, &byte))
		return false;
	d->insn->encoding = INSN_ENC_VEX;
	d->insn->map = INSN_MAP_0F;
	d->insn->rex = rex_of_vector(d->insn, byte | 0x60);
	return true;
}

/** Three-byte VEX, and XOP, which has the same layout. */
static bool take_three_byte_vex(struct decoder *d, enum insn_encoding encoding)
{
	uint8_t map, byte;

	if (!take_byte(d, &map) || !take_byte(d, &byte))
		return false;
	d->insn->encoding = (uint8_t)encoding;
	d->insn->map = map & 0x1f;
	d->insn->rex = rex_of_vector(d->insn, map);
	if (d->insn->mode == INSN_MODE_64 && (byte & 0x80) != 0)
		d->insn->rex |= INSN_REX_W;
	return true;
}

static bool take_evex(struct decoder *d)
{
	uint8_t p0, p1, p2;

	if (!take_byte(d, &p0) || !take_byte(d, &p1) || !take_byte(d, &p2))
		return false;
	if ((p0 & 0x08) != 0 || (p1 & 0x04) == 0)
		return fail(d, INSN_E_INVALID);
	d->insn->encoding = INSN_ENC_EVEX;
	d->insn->map = p0 & 0x07;
	d->insn->rex = rex_of_vector(d->insn, p0);
	if (d->insn->mode == INSN_MODE_64 && (p1 & 0x80) != 0)
		d->insn->rex |= INSN_REX_W;
	return true;
}

static bool take_vector(struct decoder *d, uint8_t escape)
{
	bool ok;

	if (!vector_prefixes_ok(d))
		return fail(d, INSN_E_INVALID);
	if (escape == 0x62)
		ok = take_evex(d);
	else if (escape == 0xc5)
		ok = take_two_byte_vex(d);
	else
		ok = take_three_byte_vex(d, escape == 0xc4 ? INSN_ENC_VEX : INSN_ENC_XOP);
	if (!ok || !take_byte(d, &d->insn->opcode))
		return false;
	d->op = insn_op_vector((enum insn_encoding)d->insn->encoding, d->insn->map,
			       d->insn->opcode);
	return true;
}

/** C4, C5, 62 or 8F: which of the two, only the next byte tells. */
static bool take_ambiguous(struct decoder *d, uint8_t opcode)
{
	uint8_t next;

	if (!take_byte(d, &next))
		return false;
	d->pos--;
	if (begins_vector(d->insn, opcode, next))
		return take_vector(d, opcode);
	d->insn->opcode = opcode;
	d->op = insn_op_not_vector(opcode);
	return true;
}

/* ---- Opcode -------------------------------------------------------------------------------- */

/** The bytes after 0F. */
static bool take_escaped(struct decoder *d)
{
	struct insn *insn = d->insn;

	if (!take_byte(d, &insn->opcode))
		return false;
	insn->map = INSN_MAP_0F;
	d->op = &insn_map_0f[insn->opcode];
	if (insn->opcode != 0x38 && insn->opcode != 0x3a)
		return true;
	insn->map = insn->opcode == 0x38 ? INSN_MAP_0F38 : INSN_MAP_0F3A;
	if (!take_byte(d, &insn->opcode))
		return false;
	d->op = insn->map == INSN_MAP_0F38 ? insn_op_0f38(insn->opcode)
					   : insn_op_0f3a(insn->opcode);
	return true;
}

static bool take_opcode(struct decoder *d, uint8_t opcode)
{
	d->insn->opcode = opcode;
	d->op = &insn_map_1b[opcode];
	if (d->op->form != INSN_FORM_INVALID)
		return true;
	switch (opcode) {
	case 0x0f:
		return take_escaped(d);
	case 0x62:
	case 0x8f:
	case 0xc4:
	case 0xc5:
		return take_ambiguous(d, opcode);
	default:
		return fail(d, INSN_E_INVALID);
	}
}

static bool take_modrm(struct decoder *d)
{
	struct insn *insn = d->insn;

	if (insn->has_modrm)
		return true;
	if (!take_byte(d, &insn->modrm))
		return false;
	insn->has_modrm = true;
	insn->reg = ((insn->modrm >> 3) & 7) | ((insn->rex & INSN_REX_R) != 0 ? 8 : 0);
	insn->rm = (insn->modrm & 7) | ((insn->rex & INSN_REX_B) != 0 ? 8 : 0);
	return true;
}

/** Which mandatory prefix counts: F2 and F3 before 66 (SDM 2.1.2). */
static unsigned mandatory_prefix(const struct insn *insn)
{
	if ((insn->prefixes & INSN_PREFIX_REPNE) != 0)
		return 3;
	if ((insn->prefixes & INSN_PREFIX_REP) != 0)
		return 2;
	return (insn->prefixes & INSN_PREFIX_OPSIZE) != 0 ? 1 : 0;
}

static unsigned branch_index(const struct insn *insn, uint8_t select)
{
	switch (select) {
	case INSN_SELECT_REG:
		return (insn->modrm >> 3) & 7;
	case INSN_SELECT_RM:
		return insn->modrm & 7;
	case INSN_SELECT_MOD:
		return insn->modrm >= 0xc0 ? 1 : 0;
	case INSN_SELECT_PREFIX:
		return mandatory_prefix(insn);
	default:
		return insn->mode == INSN_MODE_64 ? 1 : 0;
	}
}

static bool branch_needs_modrm(uint8_t select)
{
	return select == INSN_SELECT_REG || select == INSN_SELECT_RM || select == INSN_SELECT_MOD;
}

/** Notes what an entry says; a sub-table's entry leaves to its branch what it doesn't say. */
static void note_op(struct decoder *d, const struct insn_op *op)
{
	d->op = op;
	d->op_flags |= op->flags;
	if (op->size != INSN_SIZE_OUTER)
		d->op_size = op->size;
	if (op->imm != INSN_IMM_NONE)
		d->op_imm = op->imm;
}

/** Walks the decision tree to the instruction. */
static bool take_branches(struct decoder *d)
{
	const struct insn_op *op = d->op;

	note_op(d, op);
	for (unsigned depth = 0; depth < INSN_SELECT_DEPTH; depth++) {
		if (op->form < INSN_FORM_COUNT)
			break;
		if (branch_needs_modrm(op->form) && !take_modrm(d))
			return false;
		op = &insn_subtables[op->id][branch_index(d->insn, op->form)];
		note_op(d, op);
	}
	if (op->form == INSN_FORM_INVALID || op->form >= INSN_FORM_COUNT)
		return fail(d, INSN_E_INVALID);
	d->insn->id = op->id;
	d->insn->form = op->form;
	return op->form < INSN_FORM_MODRM || take_modrm(d);
}

/* ---- Sizes --------------------------------------------------------------------------------- */

static uint8_t address_size(const struct insn *insn)
{
	const bool other = (insn->prefixes & INSN_PREFIX_ADDRSIZE) != 0;

	if (insn->mode == INSN_MODE_64)
		return other ? 4 : 8;
	return (insn->mode == INSN_MODE_32) != other ? 4 : 2;
}

static uint8_t operand_size(const struct insn *insn, uint8_t rule)
{
	const bool long_mode = insn->mode == INSN_MODE_64;
	const bool wide = (insn->rex & INSN_REX_W) != 0;
	const bool other = (insn->prefixes & INSN_PREFIX_OPSIZE) != 0;
	const uint8_t z = (insn->mode == INSN_MODE_16) == other ? 4 : 2;

	switch (rule) {
	case INSN_SIZE_B:
		return 1;
	case INSN_SIZE_W:
		return 2;
	case INSN_SIZE_Z:
		return wide ? 4 : z;
	case INSN_SIZE_Y:
		return wide ? 8 : 4;
	case INSN_SIZE_NATIVE:
		return long_mode ? 8 : 4;
	case INSN_SIZE_F64:
		return long_mode ? 8 : z;
	case INSN_SIZE_D64:
		return long_mode && (wide || !other) ? 8 : z;
	default:
		return wide ? 8 : z;
	}
}

static uint8_t memory_size(const struct insn *insn, uint8_t rule)
{
	switch (rule) {
	case INSN_MEM_OPSIZE:
		return insn->opsize;
	case INSN_MEM_PAIR:
		return (uint8_t)(insn->opsize * 2);
	case INSN_MEM_FAR:
		return (uint8_t)(insn->opsize + 2);
	case INSN_MEM_TABLE:
		return insn->mode == INSN_MODE_64 ? 10 : 6;
	default:
		return rule;
	}
}

/** The moves to and from control and debug registers take every ModRM byte for a register. */
static bool has_memory_operand(const struct insn *insn)
{
	return insn->has_modrm && insn->modrm < 0xc0 && insn->form != INSN_FORM_R_CR &&
	       insn->form != INSN_FORM_CR_R;
}

static void note_sizes(struct decoder *d)
{
	struct insn *insn = d->insn;

	insn->has_mem = has_memory_operand(insn);
	insn->addrsize = address_size(insn);
	insn->opsize = operand_size(insn, d->op_size);
}

/* ---- Memory operand ------------------------------------------------------------------------ */

/** SDM table 2-1: base and index of the eight 16-bit addressing forms. */
static bool take_mem16(struct decoder *d)
{
	static const uint8_t base[8] = {INSN_RBX, INSN_RBX, INSN_RBP, INSN_RBP,
					INSN_RSI, INSN_RDI, INSN_RBP, INSN_RBX};
	static const uint8_t index[8] = {INSN_RSI,	INSN_RDI,      INSN_RSI,
					 INSN_RDI,	INSN_REG_NONE, INSN_REG_NONE,
					 INSN_REG_NONE, INSN_REG_NONE};
	struct insn_mem *mem = &d->insn->mem;
	const uint8_t mod = d->insn->modrm >> 6;
	const uint8_t rm = d->insn->modrm & 7;

	mem->base = base[rm];
	mem->index = index[rm];
	if (mod == 0 && rm == 6) {
		mem->base = INSN_REG_NONE;
		return take_number(d, 2, &mem->disp);
	}
	return mod == 0 || take_number(d, mod, &mem->disp);
}

/** SDM table 2-3. Index 4 without REX.X is none. */
static bool take_sib(struct decoder *d)
{
	struct insn *insn = d->insn;
	struct insn_mem *mem = &insn->mem;
	uint8_t index;

	if (!take_byte(d, &insn->sib))
		return false;
	index = ((insn->sib >> 3) & 7) | ((insn->rex & INSN_REX_X) != 0 ? 8 : 0);
	mem->scale = (uint8_t)(1u << (insn->sib >> 6));
	mem->index = index == INSN_RSP ? INSN_REG_NONE : index;
	mem->base = (insn->sib & 7) | ((insn->rex & INSN_REX_B) != 0 ? 8 : 0);
	return true;
}

/** SDM tables 2-2 and 2-7. */
static bool take_mem32(struct decoder *d)
{
	struct insn *insn = d->insn;
	struct insn_mem *mem = &insn->mem;
	const uint8_t mod = insn->modrm >> 6;
	const bool has_sib = (insn->modrm & 7) == 4;

	mem->base = insn->rm;
	if (has_sib && !take_sib(d))
		return false;
	if (mod == 0 && (mem->base & 7) == 5) {
		mem->base = !has_sib && insn->mode == INSN_MODE_64 ? INSN_RIP : INSN_REG_NONE;
		return take_number(d, 4, &mem->disp);
	}
	return mod == 0 || take_number(d, mod == 1 ? 1 : 4, &mem->disp);
}

/** Stack addresses are in SS, others in DS, unless overridden. */
static uint8_t segment_of(const struct decoder *d)
{
	const uint8_t base = d->insn->mem.base;

	if (d->seg != NO_SEGMENT)
		return d->seg;
	return base == INSN_RSP || base == INSN_RBP ? INSN_SS : INSN_DS;
}

static bool take_memory(struct decoder *d)
{
	struct insn *insn = d->insn;

	if (!insn->has_modrm)
		return true;
	insn->mem.access = d->op_flags & (INSN_READ | INSN_WRITE);
	if (insn->mem.access != 0)
		insn->mem.size = memory_size(insn, d->op->mem_size);
	if (!insn->has_mem)
		return true;
	return insn->addrsize == 2 ? take_mem16(d) : take_mem32(d);
}

/* ---- Immediate ----------------------------------------------------------------------------- */

static bool take_moffs(struct decoder *d)
{
	struct insn *insn = d->insn;

	if (!take_number(d, insn->addrsize, &insn->mem.disp))
		return false;
	insn->mem.disp = (int64_t)((uint64_t)insn->mem.disp & insn_size_mask(insn->addrsize));
	insn->mem.size = insn->opsize;
	insn->mem.access = d->op_flags & (INSN_READ | INSN_WRITE);
	insn->has_mem = true;
	return true;
}

static bool take_imm(struct decoder *d, unsigned size)
{
	d->insn->imm_size = (uint8_t)size;
	return take_number(d, size, &d->insn->imm);
}

/** The second number of a far pointer or ENTER. */
static bool take_imm2(struct decoder *d, unsigned size)
{
	int64_t value;

	if (!take_number(d, size, &value))
		return false;
	d->insn->imm2 = (uint16_t)((uint64_t)value & insn_size_mask(size));
	return true;
}

static bool take_immediate(struct decoder *d)
{
	const unsigned opsize = d->insn->opsize;

	switch (d->op_imm) {
	case INSN_IMM_NONE:
		return true;
	case INSN_IMM_B:
		return take_imm(d, 1);
	case INSN_IMM_W:
		return take_imm(d, 2);
	case INSN_IMM_Z:
		return take_imm(d, opsize > 4 ? 4 : opsize);
	case INSN_IMM_V:
		return take_imm(d, opsize);
	case INSN_IMM_D:
		return take_imm(d, 4);
	case INSN_IMM_FAR:
		return take_imm(d, opsize > 4 ? 4 : opsize) && take_imm2(d, 2);
	case INSN_IMM_ENTER:
		return take_imm(d, 2) && take_imm2(d, 1);
	default:
		return take_moffs(d);
	}
}

/* ---- What is encodable but not legal ------------------------------------------------------- */

static bool legal_mode(const struct decoder *d)
{
	const uint8_t wrong = d->insn->mode == INSN_MODE_64 ? INSN_OP_NO64 : INSN_OP_ONLY64;

	return (d->op_flags & wrong) == 0;
}

static bool legal_operand(const struct decoder *d)
{
	const uint8_t wrong = d->insn->has_mem ? INSN_OP_REG : INSN_OP_MEM;

	return (d->op_flags & wrong) == 0;
}

/** LOCK needs a memory destination; with MOV CR it is AMD's way to CR8 (APM volume 3, MOV CRn). */
static bool legal_lock(const struct decoder *d)
{
	const struct insn *insn = d->insn;

	if ((insn->prefixes & INSN_PREFIX_LOCK) == 0)
		return true;
	if (insn->id == INSN_MOV_CR)
		return insn->reg == 0;
	return (d->op_flags & INSN_OP_LOCK) != 0 && insn->has_mem;
}

/** Control registers 0, 2, 3, 4, 8; debug registers 0-7; no MOV to CS or to a seventh segment. */
static bool legal_register(const struct insn *insn)
{
	const unsigned control_registers = 1u << 0 | 1u << 2 | 1u << 3 | 1u << 4 | 1u << 8;

	switch (insn->id) {
	case INSN_MOV_CR:
		return (control_registers >> insn->reg & 1) != 0;
	case INSN_MOV_DR:
		return insn->reg < 8;
	case INSN_MOV_SREG:
		return (insn->reg & 7) <= INSN_GS &&
		       (insn->form == INSN_FORM_RM_SREG || (insn->reg & 7) != INSN_CS);
	default:
		return true;
	}
}

/** What makes it another, undefined opcode: known before the operands are read. */
static bool check_opcode(struct decoder *d)
{
	return (legal_mode(d) && legal_operand(d)) || fail(d, INSN_E_INVALID);
}

/** What makes a defined opcode #UD. */
static bool check_operands(struct decoder *d)
{
	return (legal_lock(d) && legal_register(d->insn)) || fail(d, INSN_E_INVALID);
}

/** Registers that the opcode byte, not a ModRM byte, names; and 90h, which is NOP only for rAX. */
static void note_opcode_registers(struct insn *insn)
{
	if (insn->form == INSN_FORM_SREG) {
		insn->reg = (insn->opcode >> 3) & 7;
		return;
	}
	if (insn->has_modrm || insn->encoding != INSN_ENC_LEGACY)
		return;
	insn->rm = (insn->opcode & 7) | ((insn->rex & INSN_REX_B) != 0 ? 8 : 0);
	if (insn->id == INSN_NOP && insn->rm == INSN_R8) {
		insn->id = INSN_XCHG;
		insn->form = INSN_FORM_O_ACC;
	}
}

int insn_decode(const uint8_t *bytes, size_t n, enum insn_mode mode, struct insn *out)
{
	struct decoder d = {
		.bytes = bytes,
		.end = n < INSN_MAX_LENGTH ? (unsigned)n : INSN_MAX_LENGTH,
		.seg = NO_SEGMENT,
		.insn = out,
	};
	uint8_t opcode;

	*out = (struct insn){
		.mode = (uint8_t)mode,
		.mem = {.base = INSN_REG_NONE, .index = INSN_REG_NONE, .scale = 1},
	};
	if (!take_prefixes(&d, &opcode) || !take_opcode(&d, opcode) || !take_branches(&d))
		return d.error;
	note_sizes(&d);
	if (!check_opcode(&d) || !take_memory(&d) || !take_immediate(&d) || !check_operands(&d))
		return d.error;
	note_opcode_registers(out);
	out->seg = segment_of(&d);
	out->length = (uint8_t)d.pos;
	return 0;
}

uint64_t insn_offset(const struct insn *insn, const uint64_t gpr[16], uint64_t next_rip)
{
	const struct insn_mem *mem = &insn->mem;
	uint64_t offset = (uint64_t)mem->disp;

	if (mem->base == INSN_RIP)
		offset += next_rip;
	else if (mem->base <= INSN_R15)
		offset += gpr[mem->base];
	if (mem->index <= INSN_R15)
		offset += gpr[mem->index] * mem->scale;
	return offset & insn_size_mask(insn->addrsize);
}
