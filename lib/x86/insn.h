/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file insn.h
 * A small x86 instruction decoder for hypervisor and VMM: what instruction is this, how long is
 * it, which memory does it touch, how wide.
 *
 * Freestanding, no allocation, no recursion, never reads past the 15 bytes an instruction can
 * have. Full operands are given for what a memory-mapped or an intercepted access uses; for the
 * rest (FPU, SSE, AVX, AVX-512, XOP) the length is right for every encoding that a CPU accepts, and
 * #INSN_OTHER is all the decoder says about it.
 *
 * Three entries, from fast to thorough: insn_match() for "is it this opcode", insn_mov_decode()
 * for the moves that drivers use on device registers, insn_decode() for everything.
 *
 * Encodings are those of the Intel SDM, volume 2, chapter 2 and appendix A, and of the AMD APM,
 * volume 3, chapter 1 and appendix A. Where the two vendors differ, Intel's reading is taken for
 * near branches with a 66h prefix in 64-bit mode (the prefix has no effect).
 */
#ifndef LIB_X86_INSN_H
#define LIB_X86_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** No x86 instruction is longer (SDM 2.3.11); a longer one raises #GP. */
#define INSN_MAX_LENGTH 15u

/** Default operand and address size of the code segment that the bytes come from. */
enum insn_mode { INSN_MODE_16, INSN_MODE_32, INSN_MODE_64 };

/** Why decoding failed. */
enum insn_error {
	INSN_E_TRUNCATED = -1, /**< the bytes given end inside the instruction */
	INSN_E_INVALID = -2,   /**< no CPU executes this: #UD */
	INSN_E_TOO_LONG = -3,  /**< more than 15 bytes: #GP(0) */
};

/** Legacy prefixes seen, see insn::prefixes. */
enum insn_prefix {
	INSN_PREFIX_LOCK = 1 << 0,     /* F0 */
	INSN_PREFIX_REPNE = 1 << 1,    /* F2; of F2 and F3 the last one counts */
	INSN_PREFIX_REP = 1 << 2,      /* F3 */
	INSN_PREFIX_OPSIZE = 1 << 3,   /* 66 */
	INSN_PREFIX_ADDRSIZE = 1 << 4, /* 67 */
	INSN_PREFIX_SEGMENT = 1 << 5,  /* an override that has an effect */
};

/** REX bits (SDM table 2-4); a VEX, EVEX or XOP prefix sets them too. */
enum insn_rex { INSN_REX_B = 1, INSN_REX_X = 2, INSN_REX_R = 4, INSN_REX_W = 8 };

/** How the opcode is introduced. */
enum insn_encoding { INSN_ENC_LEGACY, INSN_ENC_VEX, INSN_ENC_EVEX, INSN_ENC_XOP };

/** Opcode map; for VEX, EVEX and XOP the number in the prefix's map field. */
enum insn_map { INSN_MAP_1B = 0, INSN_MAP_0F = 1, INSN_MAP_0F38 = 2, INSN_MAP_0F3A = 3 };

/** Segment registers, numbered as in the Sreg field (SDM table 3-1 of appendix B). */
enum insn_seg { INSN_ES, INSN_CS, INSN_SS, INSN_DS, INSN_FS, INSN_GS };

/** General-purpose registers by number, and what else an address may be relative to. */
enum insn_reg {
	INSN_RAX,
	INSN_RCX,
	INSN_RDX,
	INSN_RBX,
	INSN_RSP,
	INSN_RBP,
	INSN_RSI,
	INSN_RDI,
	INSN_R8,
	INSN_R15 = 15,
	INSN_RIP = 16,
	INSN_REG_NONE = 0xff,
};

/** What the instruction does with its memory operand. */
enum insn_access { INSN_READ = 1, INSN_WRITE = 2 };

/** Which instruction; those that differ in operands only share one name. */
enum insn_id {
	INSN_OTHER, /**< valid, but only its length is known */
	/* Data movement. */
	INSN_MOV,
	INSN_MOV_CR,
	INSN_MOV_DR,
	INSN_MOV_SREG,
	INSN_MOVZX,
	INSN_MOVSX, /**< MOVSXD too */
	INSN_MOVBE,
	INSN_MOVNTI,
	INSN_LEA,
	INSN_XCHG,
	INSN_XADD,
	INSN_CMPXCHG,
	INSN_CMPXCHG8B, /**< CMPXCHG16B too: operand size 8 */
	INSN_BSWAP,
	INSN_CMOVCC,
	INSN_SETCC,
	INSN_PUSH,
	INSN_POP,
	INSN_PUSHA,
	INSN_POPA,
	INSN_PUSHF,
	INSN_POPF,
	INSN_ENTER,
	INSN_LEAVE,
	INSN_XLAT,
	INSN_SSE_MOVE,
	INSN_LOAD_FAR, /**< LES, LDS, LSS, LFS, LGS */
	/* Arithmetic. The eight of opcodes 00-3F stay in the order of their encoding. */
	INSN_ADD,
	INSN_OR,
	INSN_ADC,
	INSN_SBB,
	INSN_AND,
	INSN_SUB,
	INSN_XOR,
	INSN_CMP,
	INSN_TEST,
	INSN_INC,
	INSN_DEC,
	INSN_NOT,
	INSN_NEG,
	INSN_MUL,
	INSN_IMUL,
	INSN_DIV,
	INSN_IDIV,
	INSN_ROL,
	INSN_ROR,
	INSN_RCL,
	INSN_RCR,
	INSN_SHL,
	INSN_SHR,
	INSN_SAR,
	INSN_SHLD,
	INSN_SHRD,
	INSN_BT,
	INSN_BTS,
	INSN_BTR,
	INSN_BTC,
	INSN_BSF,
	INSN_BSR,
	INSN_TZCNT,
	INSN_LZCNT,
	INSN_POPCNT,
	INSN_CBW,   /**< CWDE, CDQE too */
	INSN_CWD,   /**< CDQ, CQO too */
	INSN_BCD,   /**< DAA, DAS, AAA, AAS, AAM, AAD, SALC */
	INSN_FLAGS, /**< CMC, CLC, STC, CLD, STD, SAHF, LAHF */
	INSN_CLI,
	INSN_STI,
	/* Strings and ports. */
	INSN_MOVS,
	INSN_CMPS,
	INSN_STOS,
	INSN_LODS,
	INSN_SCAS,
	INSN_INS,
	INSN_OUTS,
	INSN_IN,
	INSN_OUT,
	/* Control flow. */
	INSN_JCC,
	INSN_JMP,
	INSN_CALL,
	INSN_RET,
	INSN_JMP_FAR,
	INSN_CALL_FAR,
	INSN_RET_FAR,
	INSN_LOOP, /**< LOOP, LOOPE, LOOPNE, JCXZ */
	INSN_INT,
	INSN_INT1,
	INSN_INT3,
	INSN_INTO,
	INSN_IRET,
	INSN_BOUND,
	INSN_UD,
	INSN_NOP,
	INSN_PAUSE,
	/* System. */
	INSN_HLT,
	INSN_CPUID,
	INSN_RDMSR,
	INSN_WRMSR,
	INSN_RDTSC,
	INSN_RDTSCP,
	INSN_RDPMC,
	INSN_RDPID,
	INSN_RDRAND,
	INSN_RDSEED,
	INSN_INVD,
	INSN_WBINVD,
	INSN_INVLPG,
	INSN_INVPCID,
	INSN_XGETBV,
	INSN_XSETBV,
	INSN_MONITOR,
	INSN_MWAIT,
	INSN_MONITORX,
	INSN_MWAITX,
	INSN_CLTS,
	INSN_LMSW,
	INSN_SMSW,
	INSN_LGDT,
	INSN_SGDT,
	INSN_LIDT,
	INSN_SIDT,
	INSN_LLDT,
	INSN_SLDT,
	INSN_LTR,
	INSN_STR,
	INSN_VERR,
	INSN_VERW,
	INSN_LAR,
	INSN_LSL,
	INSN_ARPL,
	INSN_CLAC,
	INSN_STAC,
	INSN_SWAPGS,
	INSN_SYSCALL,
	INSN_SYSRET,
	INSN_SYSENTER,
	INSN_SYSEXIT,
	INSN_RSM,
	INSN_GETSEC,
	/* Virtualization. */
	INSN_VMCALL,
	INSN_VMLAUNCH,
	INSN_VMRESUME,
	INSN_VMXOFF,
	INSN_VMXON,
	INSN_VMCLEAR,
	INSN_VMPTRLD,
	INSN_VMPTRST,
	INSN_VMREAD,
	INSN_VMWRITE,
	INSN_VMFUNC,
	INSN_INVEPT,
	INSN_INVVPID,
	INSN_VMRUN,
	INSN_VMMCALL,
	INSN_VMLOAD,
	INSN_VMSAVE,
	INSN_STGI,
	INSN_CLGI,
	INSN_SKINIT,
	INSN_INVLPGA,
	INSN_ID_COUNT,
};

/**
 * Where the explicit operands are. "RM" is the ModRM r/m operand (register or memory), "R" the
 * ModRM reg operand, "ACC" rAX, "I" an immediate; destination first.
 */
enum insn_form {
	INSN_FORM_INVALID,
	INSN_FORM_NONE, /**< implicit operands only */
	INSN_FORM_I,
	INSN_FORM_REL,	 /**< branch displacement in insn::imm */
	INSN_FORM_FAR,	 /**< far pointer: offset in insn::imm, selector in insn::imm2 */
	INSN_FORM_ENTER, /**< frame size in insn::imm, level in insn::imm2 */
	INSN_FORM_O,	 /**< register in the opcode's low three bits, in insn::rm */
	INSN_FORM_O_I,
	INSN_FORM_O_ACC,
	INSN_FORM_ACC_I,
	INSN_FORM_I_ACC,
	INSN_FORM_ACC_DX,
	INSN_FORM_DX_ACC,
	INSN_FORM_ACC_MOFFS, /**< absolute offset, as a memory operand without base */
	INSN_FORM_MOFFS_ACC,
	INSN_FORM_STRING, /**< rSI in the overridable segment, rDI in ES */
	INSN_FORM_SREG,	  /**< PUSH and POP of a segment register; its number in insn::reg */
	/* With a ModRM byte from here on. */
	INSN_FORM_MODRM, /**< operands not described */
	INSN_FORM_RM,
	INSN_FORM_RM_R,
	INSN_FORM_R_RM,
	INSN_FORM_RM_I,
	INSN_FORM_RM_1,
	INSN_FORM_RM_CL,
	INSN_FORM_R_RM_I,
	INSN_FORM_RM_R_I,
	INSN_FORM_RM_R_CL,
	INSN_FORM_RM_SREG,
	INSN_FORM_SREG_RM,
	INSN_FORM_R_CR, /**< reads control or debug register insn::reg into register insn::rm */
	INSN_FORM_CR_R,
	INSN_FORM_XMM_RM,
	INSN_FORM_RM_XMM,
	INSN_FORM_MMX_RM,
	INSN_FORM_RM_MMX,
	INSN_FORM_COUNT,
};

/** A memory operand: [base + index * scale + disp] in a segment. */
struct insn_mem {
	int64_t disp;	/**< sign-extended; of MOV moffs, zero-extended */
	uint8_t base;	/**< enum insn_reg: 0..15, #INSN_RIP or #INSN_REG_NONE */
	uint8_t index;	/**< 0..15 or #INSN_REG_NONE */
	uint8_t scale;	/**< 1, 2, 4 or 8 */
	uint8_t size;	/**< bytes read or written; 0 where none or not known. Of a register r/m, too */
	uint8_t access; /**< enum insn_access bits; 0 where only the address is used. Likewise */
};

/** One decoded instruction. */
struct insn {
	uint8_t id;	  /**< enum insn_id */
	uint8_t form;	  /**< enum insn_form */
	uint8_t length;	  /**< bytes, 1..15 */
	uint8_t mode;	  /**< enum insn_mode that it was decoded in */
	uint8_t prefixes; /**< enum insn_prefix bits */
	uint8_t rex;	  /**< enum insn_rex bits, with 40h set where a REX prefix counts */
	uint8_t encoding; /**< enum insn_encoding */
	uint8_t map;	  /**< enum insn_map */
	uint8_t opcode;	  /**< last opcode byte */
	uint8_t modrm;	  /**< 0 where there is none */
	uint8_t sib;	  /**< 0 where there is none */
	uint8_t reg;	  /**< ModRM reg field, extended by REX.R */
	uint8_t rm;	  /**< ModRM r/m or opcode register, extended by REX.B */
	uint8_t opsize;	  /**< effective operand size in bytes: 1, 2, 4 or 8 */
	uint8_t addrsize; /**< effective address size in bytes: 2, 4 or 8 */
	uint8_t seg;	  /**< enum insn_seg of the memory operand, override applied */
	uint8_t imm_size; /**< bytes of the immediate, 0 where there is none */
	bool has_modrm;
	bool has_mem; /**< insn::mem is an operand; string forms have none here */
	uint16_t imm2;
	int64_t imm; /**< sign-extended from its size */
	struct insn_mem mem;
};

/**
 * Decodes one instruction.
 *
 * @param bytes  instruction bytes, from the first prefix on
 * @param n      how many there are; more than 15 are not looked at
 * @param mode   of the code segment (CS.L, CS.D)
 * @param out    filled on success, undefined content otherwise
 * @return 0 or an enum insn_error.
 *
 * @req LIB-101 Decoding reads at most min(n, 15) bytes and ends, whatever they contain.
 * @req LIB-102 The length of every instruction that a CPU accepts is found.
 * @req LIB-103 Bytes that end too early and bytes that are no instruction are told apart.
 */
int insn_decode(const uint8_t *bytes, size_t n, enum insn_mode mode, struct insn *out);

/**
 * Offset of the memory operand in its segment: the effective address, cut to the address size.
 *
 * @param insn      with insn::has_mem
 * @param gpr       RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8..R15
 * @param next_rip  address of the following instruction, for RIP-relative operands
 */
uint64_t insn_offset(const struct insn *insn, const uint64_t gpr[16], uint64_t next_rip);

/** @return the mask of an address of `size` bytes: 2, 4 or 8. */
static inline uint64_t insn_size_mask(unsigned size)
{
	return size >= 8 ? UINT64_MAX : (UINT64_C(1) << (size * 8)) - 1;
}

/*
 * "Is it this instruction?" for instructions without operands in memory, so that a hypervisor on a
 * CPU without next-RIP saving learns a length in a few instructions.
 */

/** An opcode to look for: up to three bytes, the first in the low byte, their number on top. */
#define INSN_PATTERN1(a)       ((UINT32_C(1) << 24) | (a))
#define INSN_PATTERN2(a, b)    ((UINT32_C(2) << 24) | (a) | ((b) << 8))
#define INSN_PATTERN3(a, b, c) ((UINT32_C(3) << 24) | (a) | ((b) << 8) | ((c) << 16))

#define INSN_PATTERN_CPUID   INSN_PATTERN2(0x0fu, 0xa2u)
#define INSN_PATTERN_RDMSR   INSN_PATTERN2(0x0fu, 0x32u)
#define INSN_PATTERN_WRMSR   INSN_PATTERN2(0x0fu, 0x30u)
#define INSN_PATTERN_RDTSC   INSN_PATTERN2(0x0fu, 0x31u)
#define INSN_PATTERN_RDPMC   INSN_PATTERN2(0x0fu, 0x33u)
#define INSN_PATTERN_CLTS    INSN_PATTERN2(0x0fu, 0x06u)
#define INSN_PATTERN_INVD    INSN_PATTERN2(0x0fu, 0x08u)
#define INSN_PATTERN_WBINVD  INSN_PATTERN2(0x0fu, 0x09u)
#define INSN_PATTERN_RSM     INSN_PATTERN2(0x0fu, 0xaau)
#define INSN_PATTERN_HLT     INSN_PATTERN1(0xf4u)
#define INSN_PATTERN_PAUSE   INSN_PATTERN2(0xf3u, 0x90u)
#define INSN_PATTERN_PUSHF   INSN_PATTERN1(0x9cu)
#define INSN_PATTERN_POPF    INSN_PATTERN1(0x9du)
#define INSN_PATTERN_IRET    INSN_PATTERN1(0xcfu)
#define INSN_PATTERN_INT3    INSN_PATTERN1(0xccu)
#define INSN_PATTERN_INTO    INSN_PATTERN1(0xceu)
#define INSN_PATTERN_INT1    INSN_PATTERN1(0xf1u)
#define INSN_PATTERN_VMCALL  INSN_PATTERN3(0x0fu, 0x01u, 0xc1u)
#define INSN_PATTERN_MONITOR INSN_PATTERN3(0x0fu, 0x01u, 0xc8u)
#define INSN_PATTERN_MWAIT   INSN_PATTERN3(0x0fu, 0x01u, 0xc9u)
#define INSN_PATTERN_XGETBV  INSN_PATTERN3(0x0fu, 0x01u, 0xd0u)
#define INSN_PATTERN_XSETBV  INSN_PATTERN3(0x0fu, 0x01u, 0xd1u)
#define INSN_PATTERN_VMRUN   INSN_PATTERN3(0x0fu, 0x01u, 0xd8u)
#define INSN_PATTERN_VMMCALL INSN_PATTERN3(0x0fu, 0x01u, 0xd9u)
#define INSN_PATTERN_VMLOAD  INSN_PATTERN3(0x0fu, 0x01u, 0xdau)
#define INSN_PATTERN_VMSAVE  INSN_PATTERN3(0x0fu, 0x01u, 0xdbu)
#define INSN_PATTERN_STGI    INSN_PATTERN3(0x0fu, 0x01u, 0xdcu)
#define INSN_PATTERN_CLGI    INSN_PATTERN3(0x0fu, 0x01u, 0xddu)
#define INSN_PATTERN_SKINIT  INSN_PATTERN3(0x0fu, 0x01u, 0xdeu)
#define INSN_PATTERN_INVLPGA INSN_PATTERN3(0x0fu, 0x01u, 0xdfu)
#define INSN_PATTERN_RDTSCP  INSN_PATTERN3(0x0fu, 0x01u, 0xf9u)

/**
 * @return how many of the bytes are prefixes (legacy, and REX in 64-bit mode), at most 14. LOCK
 * is not counted: no instruction that insn_match() is for can have it.
 */
unsigned insn_skip_prefixes(const uint8_t *bytes, size_t n, enum insn_mode mode);

/** insn_match() for bytes that begin with a prefix, or of which there are fewer than four. */
unsigned insn_match_prefixed(const uint8_t *bytes, size_t n, enum insn_mode mode, uint32_t pattern);

/**
 * Length of an instruction that is known by its opcode.
 *
 * @param bytes    instruction bytes
 * @param n        how many there are
 * @param mode     of the code segment
 * @param pattern  INSN_PATTERN_..., best a constant
 * @return the length with prefixes, 0 where the bytes are another instruction.
 *
 * @req LIB-104 The length of an intercepted instruction is known on CPUs without next-RIP saving.
 */
static inline unsigned insn_match(const uint8_t *bytes, size_t n, enum insn_mode mode,
				  uint32_t pattern)
{
	const unsigned length = pattern >> 24;
	uint32_t head;

	if (__builtin_expect(n >= sizeof(head), 1)) {
		__builtin_memcpy(&head, bytes, sizeof(head));
		if (((head ^ pattern) & ((UINT32_C(1) << (length * 8)) - 1)) == 0)
			return length;
	}
	return insn_match_prefixed(bytes, n, mode, pattern);
}

/** A move between a register or constant and memory, whose address the CPU has reported. */
struct insn_mov {
	uint8_t length; /**< bytes */
	uint8_t size;	/**< bytes moved: 1, 2, 4 or 8 */
	bool store;	/**< to memory */
	bool has_imm;	/**< the stored value is insn_mov::imm */
	bool high_byte; /**< the register is AH, CH, DH or BH: bits 15:8 of insn_mov::reg */
	uint8_t reg;	/**< 0..15 */
	int32_t imm;	/**< to be sign-extended to insn_mov::size */
};

/**
 * The short way for the moves that drivers use on device registers: MOV r, r/m; r/m, r;
 * r/m, imm; and moffs, in 32-bit and 64-bit code, with no prefix but 66h and REX.
 *
 * @return the length, or 0 where the full decoder has to look.
 *
 * @req LIB-105 A plain MOV to or from memory is decoded without computing its address.
 */
unsigned insn_mov_decode(const uint8_t *bytes, size_t n, enum insn_mode mode, struct insn_mov *out);

#endif
