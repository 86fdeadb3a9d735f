/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two short cuts beside the full decoder: "is it this opcode" with prefixes before it, and
 * plain moves.
 */
#include "lib/x86/insn.h"

static bool is_ignorable_prefix(uint8_t byte, enum insn_mode mode)
{
	switch (byte) {
	case 0x26:
	case 0x2e:
	case 0x36:
	case 0x3e:
	case 0x64 ... 0x67:
	case 0xf2 ... 0xf3:
		return true;
	default:
		return mode == INSN_MODE_64 && (byte & 0xf0) == 0x40;
	}
}

unsigned insn_skip_prefixes(const uint8_t *bytes, size_t n, enum insn_mode mode)
{
	unsigned count = 0;

	while (count < n && count < INSN_MAX_LENGTH - 1 && is_ignorable_prefix(bytes[count], mode))
		count++;
	return count;
}

/** F3, and no F2 after it, among the prefixes. */
static bool has_rep(const uint8_t *bytes, unsigned count)
{
	bool rep = false;

	for (unsigned i = 0; i < count; i++)
		if (bytes[i] == 0xf2 || bytes[i] == 0xf3)
			rep = bytes[i] == 0xf3;
	return rep;
}

unsigned insn_match_prefixed(const uint8_t *bytes, size_t n, enum insn_mode mode,
			     uint32_t pattern)
{
	const unsigned prefixes = insn_skip_prefixes(bytes, n, mode);
	unsigned length = pattern >> 24;

	if ((pattern & 0xff) == 0xf3) { /* a mandatory prefix, which is counted already */
		if (!has_rep(bytes, prefixes))
			return 0;
		pattern >>= 8;
		length--;
	}
	if (prefixes + length > n || prefixes + length > INSN_MAX_LENGTH)
		return 0;
	for (unsigned i = 0; i < length; i++)
		if (bytes[prefixes + i] != (uint8_t)(pattern >> (i * 8)))
			return 0;
	return prefixes + length;
}

/* What the first opcode byte of a plain move says. */
enum {
	MOV_VALID = 1,
	MOV_STORE = 2,
	MOV_WIDE = 4, /* operand size, else one byte */
	MOV_IMM = 8,
	MOV_MOFFS = 16,
};

static uint8_t mov_kind(uint8_t opcode)
{
	static const uint8_t from_88[4] = {
		MOV_VALID | MOV_STORE,
		MOV_VALID | MOV_STORE | MOV_WIDE,
		MOV_VALID,
		MOV_VALID | MOV_WIDE,
	};

	switch (opcode) {
	case 0x88 ... 0x8b:
		return from_88[opcode - 0x88];
	case 0xa0 ... 0xa3:
		return MOV_VALID | MOV_MOFFS | ((opcode & 2) != 0 ? MOV_STORE : 0) |
		       ((opcode & 1) != 0 ? MOV_WIDE : 0);
	case 0xc6:
	case 0xc7:
		return MOV_VALID | MOV_STORE | MOV_IMM | ((opcode & 1) != 0 ? MOV_WIDE : 0);
	default:
		return 0;
	}
}

/** Bytes of ModRM, SIB and displacement; 0 where it is a register or the SIB byte is missing. */
static unsigned modrm_length(const uint8_t *bytes, unsigned left)
{
	static const uint8_t disp[4] = {0, 1, 4, 0};
	const uint8_t mod = bytes[0] >> 6;
	uint8_t base = bytes[0] & 7;
	unsigned length = 1;

	if (mod == 3)
		return 0;
	if (base == 4) {
		if (left < 2)
			return 0;
		base = bytes[1] & 7;
		length = 2;
	}
	return length + (mod == 0 && base == 5 ? 4 : disp[mod]);
}

static int32_t mov_immediate(const uint8_t *bytes, unsigned size)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < size; i++)
		value |= (uint32_t)bytes[i] << (i * 8);
	return (int32_t)(value << (32 - size * 8)) >> (32 - size * 8);
}

/** Finishes a move with ModRM byte, which stands at `pos`. */
static unsigned mov_modrm(const uint8_t *bytes, unsigned n, unsigned pos, uint8_t rex,
			  struct insn_mov *out)
{
	const unsigned operand = pos < n ? modrm_length(bytes + pos, n - pos) : 0;
	const unsigned imm = !out->has_imm ? 0 : out->size > 4 ? 4 : out->size;

	if (operand == 0 || pos + operand + imm > n)
		return 0;
	out->reg = (bytes[pos] >> 3) & 7;
	if (out->has_imm) {
		if (out->reg != 0) /* group 11 has MOV at /0 only */
			return 0;
		out->imm = mov_immediate(bytes + pos + operand, imm);
	} else if (rex != 0) {
		out->reg |= (rex & INSN_REX_R) != 0 ? 8 : 0;
	} else if (out->size == 1 && out->reg >= 4) {
		out->high_byte = true;
		out->reg -= 4;
	}
	out->length = (uint8_t)(pos + operand + imm);
	return out->length;
}

unsigned insn_mov_decode(const uint8_t *bytes, size_t n, enum insn_mode mode,
			 struct insn_mov *out)
{
	const unsigned end = n < INSN_MAX_LENGTH ? (unsigned)n : INSN_MAX_LENGTH;
	unsigned pos = 0, wide = 4;
	uint8_t rex = 0, kind;

	if (end < 2 || mode == INSN_MODE_16)
		return 0;
	if (bytes[pos] == 0x66) {
		wide = 2;
		pos++;
	}
	if (mode == INSN_MODE_64 && (bytes[pos] & 0xf0) == 0x40) {
		rex = bytes[pos++];
		wide = (rex & INSN_REX_W) != 0 ? 8 : wide;
	}
	kind = pos < end ? mov_kind(bytes[pos++]) : 0;
	if (kind == 0)
		return 0;
	*out = (struct insn_mov){.size = (uint8_t)((kind & MOV_WIDE) != 0 ? wide : 1),
				 .store = (kind & MOV_STORE) != 0,
				 .has_imm = (kind & MOV_IMM) != 0};
	if ((kind & MOV_MOFFS) == 0)
		return mov_modrm(bytes, end, pos, rex, out);
	pos += mode == INSN_MODE_64 ? 8 : 4;
	out->length = (uint8_t)(pos <= end ? pos : 0);
	return out->length;
}
