/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file insn_tables.h
 * The opcode tables behind insn.c, and nobody else's.
 *
 * An entry either describes an instruction, or is a branch of a decision tree: its form says what
 * to look at next (ModRM fields, mandatory prefix, mode) and its id which sub-table to index with
 * it. The tree is at most #INSN_SELECT_DEPTH branches deep.
 */
#ifndef LIB_X86_INSN_TABLES_H
#define LIB_X86_INSN_TABLES_H

#include "lib/x86/insn.h"

/** What a branch entry looks at; continues enum insn_form. */
enum insn_select {
	INSN_SELECT_REG = INSN_FORM_COUNT, /**< ModRM reg field, 8 entries */
	INSN_SELECT_RM,			   /**< ModRM r/m field, 8 entries */
	INSN_SELECT_MOD,		   /**< memory or register operand, 2 entries */
	INSN_SELECT_PREFIX,		   /**< none, 66, F3, F2: 4 entries */
	INSN_SELECT_MODE,		   /**< 16/32 or 64-bit mode, 2 entries */
};

#define INSN_SELECT_DEPTH 4u

/** What follows ModRM and displacement. */
enum insn_imm {
	INSN_IMM_NONE,
	INSN_IMM_B,	/**< one byte */
	INSN_IMM_W,	/**< two bytes */
	INSN_IMM_Z,	/**< by operand size, at most four bytes */
	INSN_IMM_V,	/**< by operand size, up to eight bytes */
	INSN_IMM_D,	/**< four bytes */
	INSN_IMM_MOFFS, /**< an absolute offset, by address size */
	INSN_IMM_FAR,	/**< offset by operand size, then a selector */
	INSN_IMM_ENTER, /**< two bytes, then one */
};

/** How the operand size follows from mode and prefixes. */
enum insn_size {
	INSN_SIZE_OUTER,  /**< as the branch that led here says */
	INSN_SIZE_B,	  /**< 1 */
	INSN_SIZE_W,	  /**< 2 */
	INSN_SIZE_V,	  /**< 2, 4, or 8 with REX.W */
	INSN_SIZE_Z,	  /**< 2 or 4 */
	INSN_SIZE_Y,	  /**< 4, or 8 with REX.W */
	INSN_SIZE_D64,	  /**< as V, but 8 is the default in 64-bit mode and 4 is not possible */
	INSN_SIZE_F64,	  /**< as V, but always 8 in 64-bit mode */
	INSN_SIZE_NATIVE, /**< 8 in 64-bit mode, else 4 */
	INSN_SIZE_COUNT,
};

/** Size of the memory operand where it is not the operand size. */
enum insn_mem_size {
	INSN_MEM_OPSIZE = 0,
	/* 1..64: that many bytes */
	INSN_MEM_PAIR = 128, /**< two operands */
	INSN_MEM_FAR,	     /**< offset by operand size and a selector */
	INSN_MEM_TABLE,	     /**< limit and base of a descriptor table */
};

/** insn_op::flags: the access bits of enum insn_access, and these. */
enum insn_op_flag {
	INSN_OP_LOCK = 1 << 2,	 /**< LOCK is allowed with a memory destination */
	INSN_OP_NO64 = 1 << 3,	 /**< not in 64-bit mode */
	INSN_OP_ONLY64 = 1 << 4, /**< only in 64-bit mode */
	INSN_OP_MEM = 1 << 5,	 /**< register operand is #UD */
	INSN_OP_REG = 1 << 6,	 /**< memory operand is #UD */
};

struct insn_op {
	uint8_t id;	  /**< enum insn_id; of a branch, enum insn_subtable */
	uint8_t form;	  /**< enum insn_form or enum insn_select */
	uint8_t imm;	  /**< enum insn_imm */
	uint8_t size;	  /**< enum insn_size */
	uint8_t mem_size; /**< enum insn_mem_size, or bytes */
	uint8_t flags;	  /**< enum insn_op_flag */
};

/** First-byte classes that the decoder needs before it looks at the opcode. */
extern const struct insn_op insn_map_1b[256];
extern const struct insn_op insn_map_0f[256];
extern const struct insn_op *const insn_subtables[];

/** @return the entry for an opcode of the three-byte maps 0F38 and 0F3A. */
const struct insn_op *insn_op_0f38(uint8_t opcode);
const struct insn_op *insn_op_0f3a(uint8_t opcode);

/** @return the entry of a VEX, EVEX or XOP encoding: only whether ModRM and immediate follow. */
const struct insn_op *insn_op_vector(enum insn_encoding encoding, uint8_t map, uint8_t opcode);

/** @return the LES, LDS, BOUND or POP that C4, C5, 62 and 8F are when they are no prefix. */
const struct insn_op *insn_op_not_vector(uint8_t opcode);

#endif
