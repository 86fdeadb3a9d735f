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

unsigned insn_match_prefixed(const uint8_t *bytes, size_t n, enum insn_mode mode, uint32_t pattern)
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

/*
 * Plain moves. A device register is accessed by one almost always, so the way to its answer is
 * short: an opcode and an operand width select a ready-made answer, in which only the register, the
 * length and an immediate are filled in.
 */

/* By opcode byte: first answer of its row, and MOV_WIDE where the width counts. */
enum { MOV_STORE = 4, MOV_LOAD = 8, MOV_IMM = 12, MOV_MOFFS_LOAD = 16, MOV_MOFFS_STORE = 20 };

/* Operand widths select in a row; a byte move is at its begin. */
enum { MOV_8, MOV_32, MOV_16, MOV_64, MOV_WIDE = 3 };

/* clang-format off */
static const uint8_t mov_rows[256] = {
	[0x88] = MOV_STORE,       [0x89] = MOV_STORE | MOV_WIDE,
	[0x8a] = MOV_LOAD,        [0x8b] = MOV_LOAD | MOV_WIDE,
	[0xa0] = MOV_MOFFS_LOAD,  [0xa1] = MOV_MOFFS_LOAD | MOV_WIDE,
	[0xa2] = MOV_MOFFS_STORE, [0xa3] = MOV_MOFFS_STORE | MOV_WIDE,
	[0xc6] = MOV_IMM,         [0xc7] = MOV_IMM | MOV_WIDE,
};

#define MOV_ROW(row_, store_, imm_)                                                             \
	[(row_) + MOV_8] = {.size = 1, .store = (store_), .has_imm = (imm_)},                   \
	[(row_) + MOV_16] = {.size = 2, .store = (store_), .has_imm = (imm_)},                  \
	[(row_) + MOV_32] = {.size = 4, .store = (store_), .has_imm = (imm_)},                  \
	[(row_) + MOV_64] = {.size = 8, .store = (store_), .has_imm = (imm_)}

static const struct insn_mov mov_answers[] = {
	MOV_ROW(MOV_STORE, true, false),
	MOV_ROW(MOV_LOAD, false, false),
	MOV_ROW(MOV_IMM, true, true),
	MOV_ROW(MOV_MOFFS_LOAD, false, false),
	MOV_ROW(MOV_MOFFS_STORE, true, false),
};
/* clang-format on */

/* With fewer bytes than this at hand, the full decoder has to look. */
#define MOV_MIN_BYTES 10u

/* Length of ModRM, SIB and displacement by mod and r/m; of [SIB], the SIB byte tells. */
#define SIB_TELLS	    15
#define MODRM_ROW(n_, sib_) n_, n_, n_, n_, sib_, n_, n_, n_
#define MODRM_ROW_0	    1, 1, 1, 1, SIB_TELLS, 5, 1, 1
#define TIMES_8(...)                                                                               \
	__VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, \
		__VA_ARGS__

static const uint8_t modrm_lengths[256] = {
	TIMES_8(MODRM_ROW_0), TIMES_8(MODRM_ROW(2, 3)), TIMES_8(MODRM_ROW(5, 6)),
	/* registers: 0 */
};

/** Bytes of ModRM, SIB and displacement; 0 for a register. */
static unsigned modrm_length(const uint8_t *modrm)
{
	const unsigned length = modrm_lengths[modrm[0]];

	if (__builtin_expect(length != SIB_TELLS, 1))
		return length;
	return (modrm[1] & 7) == 5 ? 6 : 2;
}

/** An immediate of 1, 2 or 4 bytes, sign-extended. */
static int32_t mov_immediate(const uint8_t *at, unsigned size)
{
	int32_t dword;
	int16_t word;

	if (size == 4) {
		__builtin_memcpy(&dword, at, sizeof(dword));
		return dword;
	}
	__builtin_memcpy(&word, at, sizeof(word));
	return size == 2 ? word : (int8_t)*at;
}

/** `at` is where the immediate is. Group 11 has MOV at /0 only. */
static size_t finish_immediate(const uint8_t *bytes, size_t n, size_t at, struct insn_mov *out)
{
	const unsigned size = out->size < 4 ? out->size : 4;

	if (at + 4 > n || (out->reg & 7) != 0)
		return 0;
	out->reg = 0;
	out->imm = mov_immediate(bytes + at, size);
	return at + size;
}

/** @return the length of a move whose ModRM byte stands at `pos`, 0 for a register operand. */
static size_t finish_modrm(const uint8_t *bytes, size_t n, size_t pos, uint8_t rex,
			   struct insn_mov *out)
{
	const unsigned operand = modrm_length(bytes + pos);
	const unsigned reg = (bytes[pos] >> 3 & 7u) | (rex & 4u) << 1; /* REX.R */

	if (operand == 0)
		return 0;
	out->reg = (uint8_t)reg;
	if (out->has_imm)
		return finish_immediate(bytes, n, pos + operand, out);
	if (out->size == 1 && rex == 0 && reg >= 4) {
		out->high_byte = true;
		out->reg = (uint8_t)(reg - 4);
	}
	return pos + operand;
}

unsigned insn_mov_decode(const uint8_t *bytes, size_t n, enum insn_mode mode, struct insn_mov *out)
{
	size_t pos = 0, length;
	uint8_t rex = 0, width = MOV_32, row;

	if (n < MOV_MIN_BYTES || mode == INSN_MODE_16)
		return 0;
	if (__builtin_expect(bytes[0] == 0x66, 0)) {
		width = MOV_16;
		pos = 1;
	}
	if (mode == INSN_MODE_64 && (bytes[pos] & 0xf0) == 0x40) {
		rex = bytes[pos++];
		width = (rex & INSN_REX_W) != 0 ? MOV_64 : width;
	}
	row = mov_rows[bytes[pos++]];
	if (row == 0)
		return 0;
	__builtin_memcpy(out, &mov_answers[row & (0xfc | width)], offsetof(struct insn_mov, imm));
	if (__builtin_expect(row < MOV_MOFFS_LOAD, 1))
		length = finish_modrm(bytes, n, pos, rex, out);
	else
		length = pos + (mode == INSN_MODE_64 ? 8 : 4);
	out->length = (uint8_t)length;
	return length <= n ? (unsigned)length : 0;
}
