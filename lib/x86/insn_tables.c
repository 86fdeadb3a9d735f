/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opcode tables: SDM volume 2 appendix A, APM volume 3 appendix A.
 *
 * Every line is an opcode or a range of them: identity, operands, immediate, operand size, then
 * what happens to the memory operand and what is legal. Opcodes that have no line are invalid.
 */
/* clang-format off */
#include "lib/x86/insn_tables.h"

/* Shorthand for this file; undefined names stay out of the header. */
#define RD     INSN_READ
#define WR     INSN_WRITE
#define RDWR   (INSN_READ | INSN_WRITE)
#define LOCKED (INSN_READ | INSN_WRITE | INSN_OP_LOCK)
#define MEM    INSN_OP_MEM
#define REG    INSN_OP_REG
#define NO64   INSN_OP_NO64
#define ONLY64 INSN_OP_ONLY64

#define OP_M(id_, form_, imm_, size_, mem_, flags_)                                             \
	{                                                                                       \
		INSN_##id_, INSN_FORM_##form_, INSN_IMM_##imm_, INSN_SIZE_##size_, mem_, flags_ \
	}
#define OP(id_, form_, imm_, size_, flags_) OP_M(id_, form_, imm_, size_, 0, flags_)
#define SELECT(what_, table_, imm_, size_)                                                      \
	{                                                                                       \
		SUB_##table_, INSN_SELECT_##what_, INSN_IMM_##imm_, INSN_SIZE_##size_, 0, 0     \
	}

/* Instructions of which only the shape is known. */
#define PLAIN	  OP(OTHER, NONE, NONE, V, 0)
#define PLAIN_RM  OP(OTHER, MODRM, NONE, V, 0)
#define PLAIN_RMI OP(OTHER, MODRM, B, V, 0)

enum insn_subtable {
	SUB_GROUP1,
	SUB_GROUP1A,
	SUB_GROUP2_I,
	SUB_GROUP2_1,
	SUB_GROUP2_CL,
	SUB_GROUP3,
	SUB_GROUP4,
	SUB_GROUP5,
	SUB_GROUP6,
	SUB_GROUP7,
	SUB_GROUP7_0,
	SUB_GROUP7_0_REG,
	SUB_GROUP7_1,
	SUB_GROUP7_1_REG,
	SUB_GROUP7_2,
	SUB_GROUP7_2_REG,
	SUB_GROUP7_3,
	SUB_GROUP7_3_REG,
	SUB_GROUP7_5,
	SUB_GROUP7_5_REG,
	SUB_GROUP7_7,
	SUB_GROUP7_7_REG,
	SUB_GROUP8,
	SUB_GROUP9,
	SUB_GROUP9_6,
	SUB_GROUP9_6_MEM,
	SUB_GROUP9_6_REG,
	SUB_GROUP9_7,
	SUB_GROUP9_7_MEM,
	SUB_GROUP9_7_REG,
	SUB_GROUP11,
	SUB_GROUP11_7,
	SUB_GROUP11_7_REG,
	SUB_OP_63,
	SUB_OP_90,
	SUB_OP_0F01FA,
	SUB_OP_0F10,
	SUB_OP_0F11,
	SUB_OP_0F12,
	SUB_OP_0F12_NP,
	SUB_OP_0F13,
	SUB_OP_0F16,
	SUB_OP_0F28,
	SUB_OP_0F29,
	SUB_OP_0F2B,
	SUB_OP_0F6E,
	SUB_OP_0F6F,
	SUB_OP_0F78,
	SUB_OP_0F79,
	SUB_OP_0F7E,
	SUB_OP_0F7F,
	SUB_OP_0FB8,
	SUB_OP_0FBC,
	SUB_OP_0FBD,
	SUB_OP_0FC3,
	SUB_OP_0FD6,
	SUB_OP_0FE7,
	SUB_OP_0FF0,
	SUB_OP_0F382A,
	SUB_OP_0F3880,
	SUB_OP_0F3881,
	SUB_OP_0F3882,
	SUB_OP_0F38F0,
	SUB_OP_0F38F1,
	SUB_COUNT,
};

/* ---- One-byte opcodes ---------------------------------------------------------------------- */

/* The six forms that each of the eight operations of 00-3F has. */
#define ARITHMETIC(base_, id_, dst_)                                                            \
	[(base_) + 0] = OP(id_, RM_R, NONE, B, dst_),                                           \
	[(base_) + 1] = OP(id_, RM_R, NONE, V, dst_),                                           \
	[(base_) + 2] = OP(id_, R_RM, NONE, B, RD), [(base_) + 3] = OP(id_, R_RM, NONE, V, RD), \
	[(base_) + 4] = OP(id_, ACC_I, B, B, 0), [(base_) + 5] = OP(id_, ACC_I, Z, V, 0)

const struct insn_op insn_map_1b[256] = {
	ARITHMETIC(0x00, ADD, LOCKED),
	ARITHMETIC(0x08, OR, LOCKED),
	ARITHMETIC(0x10, ADC, LOCKED),
	ARITHMETIC(0x18, SBB, LOCKED),
	ARITHMETIC(0x20, AND, LOCKED),
	ARITHMETIC(0x28, SUB, LOCKED),
	ARITHMETIC(0x30, XOR, LOCKED),
	ARITHMETIC(0x38, CMP, RD),
	[0x06] = OP(PUSH, SREG, NONE, V, NO64),
	[0x07] = OP(POP, SREG, NONE, V, NO64),
	[0x0e] = OP(PUSH, SREG, NONE, V, NO64),
	[0x16] = OP(PUSH, SREG, NONE, V, NO64),
	[0x17] = OP(POP, SREG, NONE, V, NO64),
	[0x1e] = OP(PUSH, SREG, NONE, V, NO64),
	[0x1f] = OP(POP, SREG, NONE, V, NO64),
	[0x27] = OP(BCD, NONE, NONE, B, NO64),
	[0x2f] = OP(BCD, NONE, NONE, B, NO64),
	[0x37] = OP(BCD, NONE, NONE, B, NO64),
	[0x3f] = OP(BCD, NONE, NONE, B, NO64),
	[0x40 ... 0x47] = OP(INC, O, NONE, V, NO64), /* REX in 64-bit mode */
	[0x48 ... 0x4f] = OP(DEC, O, NONE, V, NO64),
	[0x50 ... 0x57] = OP(PUSH, O, NONE, D64, 0),
	[0x58 ... 0x5f] = OP(POP, O, NONE, D64, 0),
	[0x60] = OP(PUSHA, NONE, NONE, V, NO64),
	[0x61] = OP(POPA, NONE, NONE, V, NO64),
	[0x63] = SELECT(MODE, OP_63, NONE, V),
	[0x68] = OP(PUSH, I, Z, D64, 0),
	[0x69] = OP(IMUL, R_RM_I, Z, V, RD),
	[0x6a] = OP(PUSH, I, B, D64, 0),
	[0x6b] = OP(IMUL, R_RM_I, B, V, RD),
	[0x6c] = OP(INS, STRING, NONE, B, 0),
	[0x6d] = OP(INS, STRING, NONE, Z, 0),
	[0x6e] = OP(OUTS, STRING, NONE, B, 0),
	[0x6f] = OP(OUTS, STRING, NONE, Z, 0),
	[0x70 ... 0x7f] = OP(JCC, REL, B, F64, 0),
	[0x80] = SELECT(REG, GROUP1, B, B),
	[0x81] = SELECT(REG, GROUP1, Z, V),
	[0x82] = {SUB_GROUP1, INSN_SELECT_REG, INSN_IMM_B, INSN_SIZE_B, 0, NO64},
	[0x83] = SELECT(REG, GROUP1, B, V),
	[0x84] = OP(TEST, RM_R, NONE, B, RD),
	[0x85] = OP(TEST, RM_R, NONE, V, RD),
	[0x86] = OP(XCHG, RM_R, NONE, B, LOCKED),
	[0x87] = OP(XCHG, RM_R, NONE, V, LOCKED),
	[0x88] = OP(MOV, RM_R, NONE, B, WR),
	[0x89] = OP(MOV, RM_R, NONE, V, WR),
	[0x8a] = OP(MOV, R_RM, NONE, B, RD),
	[0x8b] = OP(MOV, R_RM, NONE, V, RD),
	[0x8c] = OP_M(MOV_SREG, RM_SREG, NONE, V, 2, WR),
	[0x8d] = OP(LEA, R_RM, NONE, V, MEM),
	[0x8e] = OP_M(MOV_SREG, SREG_RM, NONE, V, 2, RD),
	[0x90] = SELECT(PREFIX, OP_90, NONE, V),
	[0x91 ... 0x97] = OP(XCHG, O_ACC, NONE, V, 0),
	[0x98] = OP(CBW, NONE, NONE, V, 0),
	[0x99] = OP(CWD, NONE, NONE, V, 0),
	[0x9a] = OP(CALL_FAR, FAR, FAR, V, NO64),
	[0x9b] = PLAIN, /* WAIT */
	[0x9c] = OP(PUSHF, NONE, NONE, D64, 0),
	[0x9d] = OP(POPF, NONE, NONE, D64, 0),
	[0x9e] = OP(FLAGS, NONE, NONE, B, 0),
	[0x9f] = OP(FLAGS, NONE, NONE, B, 0),
	[0xa0] = OP(MOV, ACC_MOFFS, MOFFS, B, RD),
	[0xa1] = OP(MOV, ACC_MOFFS, MOFFS, V, RD),
	[0xa2] = OP(MOV, MOFFS_ACC, MOFFS, B, WR),
	[0xa3] = OP(MOV, MOFFS_ACC, MOFFS, V, WR),
	[0xa4] = OP(MOVS, STRING, NONE, B, 0),
	[0xa5] = OP(MOVS, STRING, NONE, V, 0),
	[0xa6] = OP(CMPS, STRING, NONE, B, 0),
	[0xa7] = OP(CMPS, STRING, NONE, V, 0),
	[0xa8] = OP(TEST, ACC_I, B, B, 0),
	[0xa9] = OP(TEST, ACC_I, Z, V, 0),
	[0xaa] = OP(STOS, STRING, NONE, B, 0),
	[0xab] = OP(STOS, STRING, NONE, V, 0),
	[0xac] = OP(LODS, STRING, NONE, B, 0),
	[0xad] = OP(LODS, STRING, NONE, V, 0),
	[0xae] = OP(SCAS, STRING, NONE, B, 0),
	[0xaf] = OP(SCAS, STRING, NONE, V, 0),
	[0xb0 ... 0xb7] = OP(MOV, O_I, B, B, 0),
	[0xb8 ... 0xbf] = OP(MOV, O_I, V, V, 0),
	[0xc0] = SELECT(REG, GROUP2_I, B, B),
	[0xc1] = SELECT(REG, GROUP2_I, B, V),
	[0xc2] = OP(RET, I, W, F64, 0),
	[0xc3] = OP(RET, NONE, NONE, F64, 0),
	[0xc6] = SELECT(REG, GROUP11, Z, B),
	[0xc7] = SELECT(REG, GROUP11, Z, V),
	[0xc8] = OP(ENTER, ENTER, ENTER, D64, 0),
	[0xc9] = OP(LEAVE, NONE, NONE, D64, 0),
	[0xca] = OP(RET_FAR, I, W, V, 0),
	[0xcb] = OP(RET_FAR, NONE, NONE, V, 0),
	[0xcc] = OP(INT3, NONE, NONE, V, 0),
	[0xcd] = OP(INT, I, B, V, 0),
	[0xce] = OP(INTO, NONE, NONE, V, NO64),
	[0xcf] = OP(IRET, NONE, NONE, V, 0),
	[0xd0] = SELECT(REG, GROUP2_1, NONE, B),
	[0xd1] = SELECT(REG, GROUP2_1, NONE, V),
	[0xd2] = SELECT(REG, GROUP2_CL, NONE, B),
	[0xd3] = SELECT(REG, GROUP2_CL, NONE, V),
	[0xd4] = OP(BCD, I, B, B, NO64),
	[0xd5] = OP(BCD, I, B, B, NO64),
	[0xd6] = OP(BCD, NONE, NONE, B, NO64),
	[0xd7] = OP(XLAT, NONE, NONE, B, 0),
	[0xd8 ... 0xdf] = PLAIN_RM, /* x87 */
	[0xe0 ... 0xe3] = OP(LOOP, REL, B, F64, 0),
	[0xe4] = OP(IN, ACC_I, B, B, 0),
	[0xe5] = OP(IN, ACC_I, B, Z, 0),
	[0xe6] = OP(OUT, I_ACC, B, B, 0),
	[0xe7] = OP(OUT, I_ACC, B, Z, 0),
	[0xe8] = OP(CALL, REL, Z, F64, 0),
	[0xe9] = OP(JMP, REL, Z, F64, 0),
	[0xea] = OP(JMP_FAR, FAR, FAR, V, NO64),
	[0xeb] = OP(JMP, REL, B, F64, 0),
	[0xec] = OP(IN, ACC_DX, NONE, B, 0),
	[0xed] = OP(IN, ACC_DX, NONE, Z, 0),
	[0xee] = OP(OUT, DX_ACC, NONE, B, 0),
	[0xef] = OP(OUT, DX_ACC, NONE, Z, 0),
	[0xf1] = OP(INT1, NONE, NONE, V, 0),
	[0xf4] = OP(HLT, NONE, NONE, V, 0),
	[0xf5] = OP(FLAGS, NONE, NONE, V, 0),
	[0xf6] = SELECT(REG, GROUP3, NONE, B),
	[0xf7] = SELECT(REG, GROUP3, NONE, V),
	[0xf8 ... 0xf9] = OP(FLAGS, NONE, NONE, V, 0),
	[0xfa] = OP(CLI, NONE, NONE, V, 0),
	[0xfb] = OP(STI, NONE, NONE, V, 0),
	[0xfc ... 0xfd] = OP(FLAGS, NONE, NONE, V, 0),
	[0xfe] = SELECT(REG, GROUP4, NONE, B),
	[0xff] = SELECT(REG, GROUP5, NONE, V),
};

static const struct insn_op group1[8] = {
	OP(ADD, RM_I, NONE, OUTER, LOCKED), OP(OR, RM_I, NONE, OUTER, LOCKED),
	OP(ADC, RM_I, NONE, OUTER, LOCKED), OP(SBB, RM_I, NONE, OUTER, LOCKED),
	OP(AND, RM_I, NONE, OUTER, LOCKED), OP(SUB, RM_I, NONE, OUTER, LOCKED),
	OP(XOR, RM_I, NONE, OUTER, LOCKED), OP(CMP, RM_I, NONE, OUTER, RD),
};

static const struct insn_op group1a[8] = {OP(POP, RM, NONE, OUTER, WR)};

/* In the order of the reg field; /6 is an undocumented alias of SHL. */
#define SHIFTS(form_)                                                                           \
	OP(ROL, form_, NONE, OUTER, RDWR), OP(ROR, form_, NONE, OUTER, RDWR),                   \
	OP(RCL, form_, NONE, OUTER, RDWR), OP(RCR, form_, NONE, OUTER, RDWR),                   \
	OP(SHL, form_, NONE, OUTER, RDWR), OP(SHR, form_, NONE, OUTER, RDWR),                   \
	OP(SHL, form_, NONE, OUTER, RDWR), OP(SAR, form_, NONE, OUTER, RDWR)

static const struct insn_op group2_i[8] = {SHIFTS(RM_I)};
static const struct insn_op group2_1[8] = {SHIFTS(RM_1)};
static const struct insn_op group2_cl[8] = {SHIFTS(RM_CL)};

static const struct insn_op group3[8] = {
	OP(TEST, RM_I, Z, OUTER, RD),       OP(TEST, RM_I, Z, OUTER, RD),
	OP(NOT, RM, NONE, OUTER, LOCKED),     OP(NEG, RM, NONE, OUTER, LOCKED),
	OP(MUL, RM, NONE, OUTER, RD),       OP(IMUL, RM, NONE, OUTER, RD),
	OP(DIV, RM, NONE, OUTER, RD),       OP(IDIV, RM, NONE, OUTER, RD),
};

static const struct insn_op group4[8] = {
	OP(INC, RM, NONE, OUTER, LOCKED),
	OP(DEC, RM, NONE, OUTER, LOCKED),
};

static const struct insn_op group5[8] = {
	OP(INC, RM, NONE, OUTER, LOCKED),
	OP(DEC, RM, NONE, OUTER, LOCKED),
	OP(CALL, RM, NONE, F64, RD),
	OP_M(CALL_FAR, RM, NONE, OUTER, INSN_MEM_FAR, RD | MEM),
	OP(JMP, RM, NONE, F64, RD),
	OP_M(JMP_FAR, RM, NONE, OUTER, INSN_MEM_FAR, RD | MEM),
	OP(PUSH, RM, NONE, D64, RD),
};

static const struct insn_op group11[8] = {
	[0] = OP(MOV, RM_I, NONE, OUTER, WR),
	[7] = SELECT(MOD, GROUP11_7, NONE, OUTER),
};

/* XABORT imm8 and XBEGIN rel. */
static const struct insn_op group11_7[2] = {[1] = SELECT(RM, GROUP11_7_REG, NONE, OUTER)};
static const struct insn_op group11_7_reg[8] = {[0] = OP(OTHER, MODRM, NONE, OUTER, 0)};

static const struct insn_op op_63[2] = {
	OP(ARPL, RM_R, NONE, W, RDWR),
	OP_M(MOVSX, R_RM, NONE, V, 4, RD), /* MOVSXD */
};

static const struct insn_op op_90[4] = {
	OP(NOP, NONE, NONE, V, 0), /* XCHG r8, rAX with REX.B: see insn.c */
	OP(NOP, NONE, NONE, V, 0),
	OP(PAUSE, NONE, NONE, V, 0),
	OP(NOP, NONE, NONE, V, 0),
};

/* ---- Two-byte opcodes, 0F xx --------------------------------------------------------------- */

const struct insn_op insn_map_0f[256] = {
	[0x00] = SELECT(REG, GROUP6, NONE, V),
	[0x01] = SELECT(REG, GROUP7, NONE, V),
	[0x02] = OP_M(LAR, R_RM, NONE, V, 2, RD),
	[0x03] = OP_M(LSL, R_RM, NONE, V, 2, RD),
	[0x05] = OP(SYSCALL, NONE, NONE, V, 0),
	[0x06] = OP(CLTS, NONE, NONE, V, 0),
	[0x07] = OP(SYSRET, NONE, NONE, V, 0),
	[0x08] = OP(INVD, NONE, NONE, V, 0),
	[0x09] = OP(WBINVD, NONE, NONE, V, 0),
	[0x0b] = OP(UD, NONE, NONE, V, 0),
	[0x0d] = PLAIN_RM, /* PREFETCHW */
	[0x0e] = PLAIN,    /* FEMMS */
	[0x0f] = PLAIN_RMI, /* 3DNow!: the opcode follows the operands */
	[0x10] = SELECT(PREFIX, OP_0F10, NONE, V),
	[0x11] = SELECT(PREFIX, OP_0F11, NONE, V),
	[0x12] = SELECT(PREFIX, OP_0F12, NONE, V),
	[0x13] = SELECT(PREFIX, OP_0F13, NONE, V),
	[0x14 ... 0x15] = PLAIN_RM,
	[0x16] = SELECT(PREFIX, OP_0F16, NONE, V),
	[0x17] = SELECT(PREFIX, OP_0F13, NONE, V),
	[0x18 ... 0x1e] = PLAIN_RM, /* PREFETCH, MPX, CET, else NOP */
	[0x1f] = OP(NOP, RM, NONE, V, 0),
	[0x20] = OP(MOV_CR, R_CR, NONE, NATIVE, INSN_OP_LOCK),
	[0x21] = OP(MOV_DR, R_CR, NONE, NATIVE, 0),
	[0x22] = OP(MOV_CR, CR_R, NONE, NATIVE, INSN_OP_LOCK),
	[0x23] = OP(MOV_DR, CR_R, NONE, NATIVE, 0),
	[0x28] = SELECT(PREFIX, OP_0F28, NONE, V),
	[0x29] = SELECT(PREFIX, OP_0F29, NONE, V),
	[0x2a] = PLAIN_RM,
	[0x2b] = SELECT(PREFIX, OP_0F2B, NONE, V),
	[0x2c ... 0x2f] = PLAIN_RM,
	[0x30] = OP(WRMSR, NONE, NONE, V, 0),
	[0x31] = OP(RDTSC, NONE, NONE, V, 0),
	[0x32] = OP(RDMSR, NONE, NONE, V, 0),
	[0x33] = OP(RDPMC, NONE, NONE, V, 0),
	[0x34] = OP(SYSENTER, NONE, NONE, V, 0),
	[0x35] = OP(SYSEXIT, NONE, NONE, V, 0),
	[0x37] = OP(GETSEC, NONE, NONE, V, 0),
	[0x40 ... 0x4f] = OP(CMOVCC, R_RM, NONE, V, RD),
	[0x50 ... 0x6d] = PLAIN_RM,
	[0x6e] = SELECT(PREFIX, OP_0F6E, NONE, Y),
	[0x6f] = SELECT(PREFIX, OP_0F6F, NONE, V),
	[0x70 ... 0x73] = PLAIN_RMI,
	[0x74 ... 0x76] = PLAIN_RM,
	[0x77] = PLAIN, /* EMMS */
	[0x78] = SELECT(PREFIX, OP_0F78, NONE, NATIVE),
	[0x79] = SELECT(PREFIX, OP_0F79, NONE, NATIVE),
	[0x7c ... 0x7d] = PLAIN_RM,
	[0x7e] = SELECT(PREFIX, OP_0F7E, NONE, Y),
	[0x7f] = SELECT(PREFIX, OP_0F7F, NONE, V),
	[0x80 ... 0x8f] = OP(JCC, REL, Z, F64, 0),
	[0x90 ... 0x9f] = OP(SETCC, RM, NONE, B, WR),
	[0xa0] = OP(PUSH, SREG, NONE, D64, 0),
	[0xa1] = OP(POP, SREG, NONE, D64, 0),
	[0xa2] = OP(CPUID, NONE, NONE, V, 0),
	[0xa3] = OP(BT, RM_R, NONE, V, RD),
	[0xa4] = OP(SHLD, RM_R_I, B, V, RDWR),
	[0xa5] = OP(SHLD, RM_R_CL, NONE, V, RDWR),
	[0xa6 ... 0xa7] = OP(OTHER, MODRM, NONE, V, REG), /* VIA PadLock */
	[0xa8] = OP(PUSH, SREG, NONE, D64, 0),
	[0xa9] = OP(POP, SREG, NONE, D64, 0),
	[0xaa] = OP(RSM, NONE, NONE, V, 0),
	[0xab] = OP(BTS, RM_R, NONE, V, LOCKED),
	[0xac] = OP(SHRD, RM_R_I, B, V, RDWR),
	[0xad] = OP(SHRD, RM_R_CL, NONE, V, RDWR),
	[0xae] = PLAIN_RM, /* FXSAVE, XSAVE, fences, ... */
	[0xaf] = OP(IMUL, R_RM, NONE, V, RD),
	[0xb0] = OP(CMPXCHG, RM_R, NONE, B, LOCKED),
	[0xb1] = OP(CMPXCHG, RM_R, NONE, V, LOCKED),
	[0xb2] = OP_M(LOAD_FAR, R_RM, NONE, V, INSN_MEM_FAR, RD | MEM),
	[0xb3] = OP(BTR, RM_R, NONE, V, LOCKED),
	[0xb4] = OP_M(LOAD_FAR, R_RM, NONE, V, INSN_MEM_FAR, RD | MEM),
	[0xb5] = OP_M(LOAD_FAR, R_RM, NONE, V, INSN_MEM_FAR, RD | MEM),
	[0xb6] = OP_M(MOVZX, R_RM, NONE, V, 1, RD),
	[0xb7] = OP_M(MOVZX, R_RM, NONE, V, 2, RD),
	[0xb8] = SELECT(PREFIX, OP_0FB8, NONE, V),
	[0xb9] = OP(UD, R_RM, NONE, V, 0),
	[0xba] = SELECT(REG, GROUP8, B, V),
	[0xbb] = OP(BTC, RM_R, NONE, V, LOCKED),
	[0xbc] = SELECT(PREFIX, OP_0FBC, NONE, V),
	[0xbd] = SELECT(PREFIX, OP_0FBD, NONE, V),
	[0xbe] = OP_M(MOVSX, R_RM, NONE, V, 1, RD),
	[0xbf] = OP_M(MOVSX, R_RM, NONE, V, 2, RD),
	[0xc0] = OP(XADD, RM_R, NONE, B, LOCKED),
	[0xc1] = OP(XADD, RM_R, NONE, V, LOCKED),
	[0xc2] = PLAIN_RMI,
	[0xc3] = SELECT(PREFIX, OP_0FC3, NONE, Y),
	[0xc4 ... 0xc6] = PLAIN_RMI,
	[0xc7] = SELECT(REG, GROUP9, NONE, Y),
	[0xc8 ... 0xcf] = OP(BSWAP, O, NONE, V, 0),
	[0xd0 ... 0xd5] = PLAIN_RM,
	[0xd6] = SELECT(PREFIX, OP_0FD6, NONE, V),
	[0xd7 ... 0xe6] = PLAIN_RM,
	[0xe7] = SELECT(PREFIX, OP_0FE7, NONE, V),
	[0xe8 ... 0xef] = PLAIN_RM,
	[0xf0] = SELECT(PREFIX, OP_0FF0, NONE, V),
	[0xf1 ... 0xfe] = PLAIN_RM,
	[0xff] = OP(UD, R_RM, NONE, V, 0), /* UD0; older AMD CPUs read no ModRM byte here */
};

static const struct insn_op group6[8] = {
	OP_M(SLDT, RM, NONE, OUTER, 2, WR), OP_M(STR, RM, NONE, OUTER, 2, WR),
	OP(LLDT, RM, NONE, W, RD),          OP(LTR, RM, NONE, W, RD),
	OP(VERR, RM, NONE, W, RD),          OP(VERW, RM, NONE, W, RD),
};

static const struct insn_op group7[8] = {
	SELECT(MOD, GROUP7_0, NONE, OUTER),
	SELECT(MOD, GROUP7_1, NONE, OUTER),
	SELECT(MOD, GROUP7_2, NONE, OUTER),
	SELECT(MOD, GROUP7_3, NONE, OUTER),
	OP_M(SMSW, RM, NONE, OUTER, 2, WR),
	SELECT(MOD, GROUP7_5, NONE, OUTER),
	OP(LMSW, RM, NONE, W, RD),
	SELECT(MOD, GROUP7_7, NONE, OUTER),
};

static const struct insn_op group7_0[2] = {
	OP_M(SGDT, RM, NONE, F64, INSN_MEM_TABLE, WR),
	SELECT(RM, GROUP7_0_REG, NONE, V),
};

/* Opcodes that ModRM completes: no operands of their own. */
#define FIXED(id_, flags_) OP(id_, MODRM, NONE, V, flags_)

static const struct insn_op group7_0_reg[8] = {
	[0] = FIXED(OTHER, 0), /* ENCLV */
	[1] = FIXED(VMCALL, 0),
	[2] = FIXED(VMLAUNCH, 0),
	[3] = FIXED(VMRESUME, 0),
	[4] = FIXED(VMXOFF, 0),
	[5] = FIXED(OTHER, 0), /* PCONFIG */
	[6] = FIXED(OTHER, ONLY64), /* WRMSRNS */
};

static const struct insn_op group7_1[2] = {
	OP_M(SIDT, RM, NONE, F64, INSN_MEM_TABLE, WR),
	SELECT(RM, GROUP7_1_REG, NONE, V),
};

static const struct insn_op group7_1_reg[8] = {
	[0] = FIXED(MONITOR, 0),
	[1] = FIXED(MWAIT, 0),
	[2] = FIXED(CLAC, 0),
	[3] = FIXED(STAC, 0),
	[4 ... 7] = FIXED(OTHER, 0), /* TDX, ENCLS */
};

static const struct insn_op group7_2[2] = {
	OP_M(LGDT, RM, NONE, F64, INSN_MEM_TABLE, RD),
	SELECT(RM, GROUP7_2_REG, NONE, V),
};

static const struct insn_op group7_2_reg[8] = {
	[0] = FIXED(XGETBV, 0),
	[1] = FIXED(XSETBV, 0),
	[4] = FIXED(VMFUNC, 0),
	[5 ... 7] = FIXED(OTHER, 0), /* XEND, XTEST, ENCLU */
};

static const struct insn_op group7_3[2] = {
	OP_M(LIDT, RM, NONE, F64, INSN_MEM_TABLE, RD),
	SELECT(RM, GROUP7_3_REG, NONE, V),
};

static const struct insn_op group7_3_reg[8] = {
	FIXED(VMRUN, 0), FIXED(VMMCALL, 0), FIXED(VMLOAD, 0), FIXED(VMSAVE, 0),
	FIXED(STGI, 0),  FIXED(CLGI, 0),    FIXED(SKINIT, 0), FIXED(INVLPGA, 0),
};

static const struct insn_op group7_5[2] = {
	PLAIN_RM, /* RSTORSSP */
	SELECT(RM, GROUP7_5_REG, NONE, V),
};

/* SETSSBSY, SAVEPREVSSP, user interrupts, RDPKRU, WRPKRU, SERIALIZE, XSUSLDTRK. */
static const struct insn_op group7_5_reg[8] = {[0 ... 7] = FIXED(OTHER, 0)};

static const struct insn_op group7_7[2] = {
	OP(INVLPG, RM, NONE, B, 0),
	SELECT(RM, GROUP7_7_REG, NONE, V),
};

static const struct insn_op group7_7_reg[8] = {
	FIXED(SWAPGS, ONLY64),
	FIXED(RDTSCP, 0),
	SELECT(PREFIX, OP_0F01FA, NONE, V),
	FIXED(MWAITX, 0),
	FIXED(OTHER, 0), /* CLZERO */
	FIXED(OTHER, 0), /* RDPRU */
	FIXED(OTHER, 0), /* INVLPGB, RMPADJUST */
	FIXED(OTHER, 0), /* TLBSYNC, PVALIDATE */
};

static const struct insn_op op_0f01fa[4] = {
	FIXED(MONITORX, 0),
	FIXED(MONITORX, 0),
	FIXED(OTHER, 0), /* MCOMMIT */
	FIXED(MONITORX, 0),
};

static const struct insn_op group8[8] = {
	[4] = OP(BT, RM_I, NONE, OUTER, RD),
	[5] = OP(BTS, RM_I, NONE, OUTER, LOCKED),
	[6] = OP(BTR, RM_I, NONE, OUTER, LOCKED),
	[7] = OP(BTC, RM_I, NONE, OUTER, LOCKED),
};

static const struct insn_op group9[8] = {
	[1] = OP_M(CMPXCHG8B, RM, NONE, OUTER, INSN_MEM_PAIR, LOCKED | MEM),
	[3 ... 5] = OP(OTHER, MODRM, NONE, OUTER, MEM), /* XRSTORS, XSAVEC, XSAVES */
	[6] = SELECT(MOD, GROUP9_6, NONE, OUTER),
	[7] = SELECT(MOD, GROUP9_7, NONE, OUTER),
};

static const struct insn_op group9_6[2] = {
	SELECT(PREFIX, GROUP9_6_MEM, NONE, NATIVE),
	SELECT(PREFIX, GROUP9_6_REG, NONE, V),
};

static const struct insn_op group9_6_mem[4] = {
	OP_M(VMPTRLD, RM, NONE, OUTER, 8, RD),
	OP_M(VMCLEAR, RM, NONE, OUTER, 8, RD),
	OP_M(VMXON, RM, NONE, OUTER, 8, RD),
};

static const struct insn_op group9_6_reg[4] = {
	OP(RDRAND, RM, NONE, OUTER, 0),
	OP(RDRAND, RM, NONE, OUTER, 0),
	PLAIN_RM, /* SENDUIPI */
};

static const struct insn_op group9_7[2] = {
	SELECT(PREFIX, GROUP9_7_MEM, NONE, NATIVE),
	SELECT(PREFIX, GROUP9_7_REG, NONE, V),
};

static const struct insn_op group9_7_mem[4] = {OP_M(VMPTRST, RM, NONE, OUTER, 8, WR)};

static const struct insn_op group9_7_reg[4] = {
	OP(RDSEED, RM, NONE, OUTER, 0),
	OP(RDSEED, RM, NONE, OUTER, 0),
	OP(RDPID, RM, NONE, NATIVE, 0),
};

/* Loads and stores between memory and XMM or MMX registers, by mandatory prefix. */
#define LOAD(size_)	 OP_M(SSE_MOVE, XMM_RM, NONE, V, size_, RD)
#define STORE(size_)	 OP_M(SSE_MOVE, RM_XMM, NONE, V, size_, WR)
#define LOAD_MEM(size_)	 OP_M(SSE_MOVE, XMM_RM, NONE, V, size_, RD | MEM)
#define STORE_MEM(size_) OP_M(SSE_MOVE, RM_XMM, NONE, V, size_, WR | MEM)

static const struct insn_op op_0f10[4] = {LOAD(16), LOAD(16), LOAD(4), LOAD(8)};
static const struct insn_op op_0f11[4] = {STORE(16), STORE(16), STORE(4), STORE(8)};
static const struct insn_op op_0f12[4] = {SELECT(MOD, OP_0F12_NP, NONE, V), LOAD_MEM(8), PLAIN_RM,
					  PLAIN_RM};
static const struct insn_op op_0f12_np[2] = {LOAD(8), PLAIN_RM /* MOVHLPS, MOVLHPS */};
static const struct insn_op op_0f13[4] = {STORE_MEM(8), STORE_MEM(8)};
static const struct insn_op op_0f16[4] = {SELECT(MOD, OP_0F12_NP, NONE, V), LOAD_MEM(8), PLAIN_RM};
static const struct insn_op op_0f28[4] = {LOAD(16), LOAD(16)};
static const struct insn_op op_0f29[4] = {STORE(16), STORE(16)};
static const struct insn_op op_0f2b[4] = {STORE_MEM(16), STORE_MEM(16), STORE_MEM(4),
					  STORE_MEM(8)};
static const struct insn_op op_0f6e[4] = {OP(SSE_MOVE, MMX_RM, NONE, OUTER, RD),
					  OP(SSE_MOVE, XMM_RM, NONE, OUTER, RD)};
static const struct insn_op op_0f6f[4] = {OP_M(SSE_MOVE, MMX_RM, NONE, V, 8, RD), LOAD(16),
					  LOAD(16)};
static const struct insn_op op_0f7e[4] = {OP(SSE_MOVE, RM_MMX, NONE, OUTER, WR),
					  OP(SSE_MOVE, RM_XMM, NONE, OUTER, WR), LOAD(8)};
static const struct insn_op op_0f7f[4] = {OP_M(SSE_MOVE, RM_MMX, NONE, V, 8, WR), STORE(16),
					  STORE(16)};
static const struct insn_op op_0fd6[4] = {[1] = STORE(8), [2] = PLAIN_RM, [3] = PLAIN_RM};
static const struct insn_op op_0fe7[4] = {OP_M(SSE_MOVE, RM_MMX, NONE, V, 8, WR | MEM),
					  STORE_MEM(16)};
static const struct insn_op op_0ff0[4] = {[3] = LOAD_MEM(16)};
static const struct insn_op op_0f382a[4] = {[1] = LOAD_MEM(16)};

static const struct insn_op op_0f78[4] = {
	OP(VMREAD, RM_R, NONE, OUTER, WR),
	OP(OTHER, MODRM, W, V, REG), /* EXTRQ: two immediate bytes */
	[3] = OP(OTHER, MODRM, W, V, REG), /* INSERTQ */
};

static const struct insn_op op_0f79[4] = {
	OP(VMWRITE, R_RM, NONE, OUTER, RD),
	OP(OTHER, MODRM, NONE, V, REG),
	[3] = OP(OTHER, MODRM, NONE, V, REG),
};

static const struct insn_op op_0fb8[4] = {[2] = OP(POPCNT, R_RM, NONE, V, RD)};

static const struct insn_op op_0fbc[4] = {
	OP(BSF, R_RM, NONE, V, RD),
	OP(BSF, R_RM, NONE, V, RD),
	OP(TZCNT, R_RM, NONE, V, RD),
	OP(BSF, R_RM, NONE, V, RD),
};

static const struct insn_op op_0fbd[4] = {
	OP(BSR, R_RM, NONE, V, RD),
	OP(BSR, R_RM, NONE, V, RD),
	OP(LZCNT, R_RM, NONE, V, RD),
	OP(BSR, R_RM, NONE, V, RD),
};

static const struct insn_op op_0fc3[4] = {OP(MOVNTI, RM_R, NONE, OUTER, WR | MEM)};

/* ---- Three-byte opcodes -------------------------------------------------------------------- */

static const struct insn_op op_0f3880[4] = {[1] = OP_M(INVEPT, R_RM, NONE, NATIVE, 16, RD | MEM)};
static const struct insn_op op_0f3881[4] = {[1] = OP_M(INVVPID, R_RM, NONE, NATIVE, 16, RD | MEM)};
static const struct insn_op op_0f3882[4] = {[1] = OP_M(INVPCID, R_RM, NONE, NATIVE, 16, RD | MEM)};

static const struct insn_op op_0f38f0[4] = {
	OP(MOVBE, R_RM, NONE, V, RD | MEM),
	OP(MOVBE, R_RM, NONE, V, RD | MEM),
	[3] = PLAIN_RM, /* CRC32 */
};

static const struct insn_op op_0f38f1[4] = {
	OP(MOVBE, RM_R, NONE, V, WR | MEM),
	OP(MOVBE, RM_R, NONE, V, WR | MEM),
	[3] = PLAIN_RM,
};

static const struct insn_op plain = PLAIN;
static const struct insn_op with_modrm = PLAIN_RM;
static const struct insn_op with_modrm_imm8 = PLAIN_RMI;
static const struct insn_op with_modrm_imm32 = OP(OTHER, MODRM, D, V, 0);
static const struct insn_op invalid = {0};

const struct insn_op *insn_op_0f38(uint8_t opcode)
{
	static const struct {
		uint8_t opcode;
		struct insn_op op;
	} known[] = {
		{0x2a, SELECT(PREFIX, OP_0F382A, NONE, V)},
		{0x80, SELECT(PREFIX, OP_0F3880, NONE, NATIVE)},
		{0x81, SELECT(PREFIX, OP_0F3881, NONE, NATIVE)},
		{0x82, SELECT(PREFIX, OP_0F3882, NONE, NATIVE)},
		{0xf0, SELECT(PREFIX, OP_0F38F0, NONE, V)},
		{0xf1, SELECT(PREFIX, OP_0F38F1, NONE, V)},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].opcode == opcode)
			return &known[i].op;
	return &with_modrm;
}

const struct insn_op *insn_op_0f3a(uint8_t opcode)
{
	(void)opcode; /* every one has a ModRM byte and an immediate byte */
	return &with_modrm_imm8;
}

/* ---- Vector encodings: only their shape ---------------------------------------------------- */

static const struct insn_op *vector_map_0f(enum insn_encoding encoding, uint8_t opcode)
{
	switch (opcode) {
	case 0x77: /* VZEROUPPER, VZEROALL */
		return encoding == INSN_ENC_VEX ? &plain : &invalid;
	case 0x70 ... 0x73:
	case 0xc2:
	case 0xc4 ... 0xc6:
		return &with_modrm_imm8;
	default:
		return &with_modrm;
	}
}

static const struct insn_op *vector_map_xop(uint8_t map)
{
	static const struct insn_op *const maps[] = {&with_modrm_imm8, &with_modrm,
						     &with_modrm_imm32};

	return map >= 8 && map <= 10 ? maps[map - 8] : &invalid;
}

const struct insn_op *insn_op_vector(enum insn_encoding encoding, uint8_t map, uint8_t opcode)
{
	if (encoding == INSN_ENC_XOP)
		return vector_map_xop(map);
	switch (map) {
	case INSN_MAP_0F:
		return vector_map_0f(encoding, opcode);
	case INSN_MAP_0F38:
		return &with_modrm;
	case INSN_MAP_0F3A:
		return &with_modrm_imm8;
	case 5: /* AVX512-FP16 */
	case 6:
		return encoding == INSN_ENC_EVEX ? &with_modrm : &invalid;
	default:
		return &invalid;
	}
}

const struct insn_op *insn_op_not_vector(uint8_t opcode)
{
	static const struct insn_op bound =
		OP_M(BOUND, R_RM, NONE, V, INSN_MEM_PAIR, RD | MEM | NO64);
	static const struct insn_op load =
		OP_M(LOAD_FAR, R_RM, NONE, V, INSN_MEM_FAR, RD | MEM | NO64);
	static const struct insn_op pop = SELECT(REG, GROUP1A, NONE, D64);

	return opcode == 0x62 ? &bound : opcode == 0x8f ? &pop : &load;
}

const struct insn_op *const insn_subtables[SUB_COUNT] = {
	[SUB_GROUP1] = group1,
	[SUB_GROUP1A] = group1a,
	[SUB_GROUP2_I] = group2_i,
	[SUB_GROUP2_1] = group2_1,
	[SUB_GROUP2_CL] = group2_cl,
	[SUB_GROUP3] = group3,
	[SUB_GROUP4] = group4,
	[SUB_GROUP5] = group5,
	[SUB_GROUP6] = group6,
	[SUB_GROUP7] = group7,
	[SUB_GROUP7_0] = group7_0,
	[SUB_GROUP7_0_REG] = group7_0_reg,
	[SUB_GROUP7_1] = group7_1,
	[SUB_GROUP7_1_REG] = group7_1_reg,
	[SUB_GROUP7_2] = group7_2,
	[SUB_GROUP7_2_REG] = group7_2_reg,
	[SUB_GROUP7_3] = group7_3,
	[SUB_GROUP7_3_REG] = group7_3_reg,
	[SUB_GROUP7_5] = group7_5,
	[SUB_GROUP7_5_REG] = group7_5_reg,
	[SUB_GROUP7_7] = group7_7,
	[SUB_GROUP7_7_REG] = group7_7_reg,
	[SUB_GROUP8] = group8,
	[SUB_GROUP9] = group9,
	[SUB_GROUP9_6] = group9_6,
	[SUB_GROUP9_6_MEM] = group9_6_mem,
	[SUB_GROUP9_6_REG] = group9_6_reg,
	[SUB_GROUP9_7] = group9_7,
	[SUB_GROUP9_7_MEM] = group9_7_mem,
	[SUB_GROUP9_7_REG] = group9_7_reg,
	[SUB_GROUP11] = group11,
	[SUB_GROUP11_7] = group11_7,
	[SUB_GROUP11_7_REG] = group11_7_reg,
	[SUB_OP_63] = op_63,
	[SUB_OP_90] = op_90,
	[SUB_OP_0F01FA] = op_0f01fa,
	[SUB_OP_0F10] = op_0f10,
	[SUB_OP_0F11] = op_0f11,
	[SUB_OP_0F12] = op_0f12,
	[SUB_OP_0F12_NP] = op_0f12_np,
	[SUB_OP_0F13] = op_0f13,
	[SUB_OP_0F16] = op_0f16,
	[SUB_OP_0F28] = op_0f28,
	[SUB_OP_0F29] = op_0f29,
	[SUB_OP_0F2B] = op_0f2b,
	[SUB_OP_0F6E] = op_0f6e,
	[SUB_OP_0F6F] = op_0f6f,
	[SUB_OP_0F78] = op_0f78,
	[SUB_OP_0F79] = op_0f79,
	[SUB_OP_0F7E] = op_0f7e,
	[SUB_OP_0F7F] = op_0f7f,
	[SUB_OP_0FB8] = op_0fb8,
	[SUB_OP_0FBC] = op_0fbc,
	[SUB_OP_0FBD] = op_0fbd,
	[SUB_OP_0FC3] = op_0fc3,
	[SUB_OP_0FD6] = op_0fd6,
	[SUB_OP_0FE7] = op_0fe7,
	[SUB_OP_0FF0] = op_0ff0,
	[SUB_OP_0F382A] = op_0f382a,
	[SUB_OP_0F3880] = op_0f3880,
	[SUB_OP_0F3881] = op_0f3881,
	[SUB_OP_0F3882] = op_0f3882,
	[SUB_OP_0F38F0] = op_0f38f0,
	[SUB_OP_0F38F1] = op_0f38f1,
};
