/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The decoder against Zydis 4: every opcode with every ModRM byte and mandatory prefix, then random
 * instructions, in the three modes. A difference is printed with the bytes, which reproduce it.
 *
 * @verifies LIB-101 LIB-102 LIB-103 LIB-104 LIB-105
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <Zydis/Zydis.h>

#include "lib/x86/insn.h"
#include "tests/unit/insn/random.h"

#define MAX_PRINTED 60u
#define MAX_KINDS   16u

static struct random_options options = {.seed = 2024, .count = 2000000};
static ZydisDecoder decoders[3];
static uint8_t id_of_mnemonic[ZYDIS_MNEMONIC_MAX_VALUE + 1];
static unsigned differences;

/* ---- Names ---------------------------------------------------------------------------------- */

/* clang-format off */
static const struct {
	ZydisMnemonic mnemonic;
	uint8_t id;
} names[] = {
#define N(mnemonic_, id_) {ZYDIS_MNEMONIC_##mnemonic_, INSN_##id_}
#define S(name_)	  N(name_, name_)
	N(MOVSXD, MOVSX), S(MOVZX), S(MOVSX), S(MOVBE), S(MOVNTI), S(LEA), S(XCHG), S(XADD),
	S(CMPXCHG), S(CMPXCHG8B), N(CMPXCHG16B, CMPXCHG8B), S(BSWAP), S(PUSH), S(POP),
	N(PUSHA, PUSHA), N(PUSHAD, PUSHA), S(POPA), N(POPAD, POPA), S(PUSHF), N(PUSHFD, PUSHF),
	N(PUSHFQ, PUSHF), S(POPF), N(POPFD, POPF), N(POPFQ, POPF), S(ENTER), S(LEAVE), S(XLAT),
	N(LES, LOAD_FAR),
	N(LDS, LOAD_FAR), N(LSS, LOAD_FAR), N(LFS, LOAD_FAR), N(LGS, LOAD_FAR), S(ADD), S(OR),
	S(ADC), S(SBB), S(AND), S(SUB), S(XOR), S(CMP), S(TEST), S(INC), S(DEC), S(NOT), S(NEG),
	S(MUL), S(IMUL), S(DIV), S(IDIV), S(ROL), S(ROR), S(RCL), S(RCR), S(SHL), S(SHR), S(SAR),
	S(SHLD), S(SHRD), S(BT), S(BTS), S(BTR), S(BTC), S(BSF), S(BSR), S(TZCNT), S(LZCNT),
	S(POPCNT), S(CBW), N(CWDE, CBW), N(CDQE, CBW), S(CWD), N(CDQ, CWD), N(CQO, CWD),
	N(DAA, BCD), N(DAS, BCD), N(AAA, BCD), N(AAS, BCD), N(AAM, BCD), N(AAD, BCD),
	N(SALC, BCD), N(CMC, FLAGS), N(CLC, FLAGS), N(STC, FLAGS), N(CLD, FLAGS), N(STD, FLAGS),
	N(SAHF, FLAGS), N(LAHF, FLAGS), S(CLI), S(STI), N(MOVSB, MOVS), N(MOVSW, MOVS),
	N(MOVSQ, MOVS), N(CMPSB, CMPS), N(CMPSW, CMPS), N(CMPSQ, CMPS), N(STOSB, STOS),
	N(STOSW, STOS), N(STOSD, STOS), N(STOSQ, STOS), N(LODSB, LODS), N(LODSW, LODS),
	N(LODSD, LODS), N(LODSQ, LODS), N(SCASB, SCAS), N(SCASW, SCAS), N(SCASD, SCAS),
	N(SCASQ, SCAS), N(INSB, INS), N(INSW, INS), N(INSD, INS), N(OUTSB, OUTS), N(OUTSW, OUTS),
	N(OUTSD, OUTS), S(IN), S(OUT), S(JMP), S(CALL), S(RET), N(LOOPE, LOOP), N(LOOPNE, LOOP),
	S(LOOP), N(JCXZ, LOOP), N(JECXZ, LOOP), N(JRCXZ, LOOP), S(INT), S(INT1), S(INT3), S(INTO),
	N(IRET, IRET), N(IRETD, IRET), N(IRETQ, IRET), S(BOUND), N(UD0, UD), N(UD1, UD),
	N(UD2, UD), S(NOP), S(PAUSE), S(HLT), S(CPUID), S(RDMSR), S(WRMSR), S(RDTSC), S(RDTSCP),
	S(RDPMC), S(RDPID), S(RDRAND), S(RDSEED), S(INVD), S(WBINVD), S(INVLPG), S(INVPCID),
	S(XGETBV), S(XSETBV), S(MONITOR), S(MWAIT), S(MONITORX), S(MWAITX), S(CLTS), S(LMSW),
	S(SMSW), S(LGDT), S(SGDT), S(LIDT), S(SIDT), S(LLDT), S(SLDT), S(LTR), S(STR), S(VERR),
	S(VERW), S(LAR), S(LSL), S(ARPL), S(CLAC), S(STAC), S(SWAPGS), S(SYSCALL), S(SYSRET),
	S(SYSENTER), S(SYSEXIT), S(RSM), S(GETSEC), S(VMCALL), S(VMLAUNCH), S(VMRESUME),
	S(VMXOFF), S(VMXON), S(VMCLEAR), S(VMPTRLD), S(VMPTRST), S(VMREAD), S(VMWRITE), S(VMFUNC),
	S(INVEPT), S(INVVPID), S(VMRUN), S(VMMCALL), S(VMLOAD), S(VMSAVE), S(STGI), S(CLGI),
	S(SKINIT), S(INVLPGA),
	/* Conditions. */
	N(CMOVB, CMOVCC), N(CMOVBE, CMOVCC), N(CMOVL, CMOVCC), N(CMOVLE, CMOVCC),
	N(CMOVNB, CMOVCC), N(CMOVNBE, CMOVCC), N(CMOVNL, CMOVCC), N(CMOVNLE, CMOVCC),
	N(CMOVNO, CMOVCC), N(CMOVNP, CMOVCC), N(CMOVNS, CMOVCC), N(CMOVNZ, CMOVCC),
	N(CMOVO, CMOVCC), N(CMOVP, CMOVCC), N(CMOVS, CMOVCC), N(CMOVZ, CMOVCC), N(SETB, SETCC),
	N(SETBE, SETCC), N(SETL, SETCC), N(SETLE, SETCC), N(SETNB, SETCC), N(SETNBE, SETCC),
	N(SETNL, SETCC), N(SETNLE, SETCC), N(SETNO, SETCC), N(SETNP, SETCC), N(SETNS, SETCC),
	N(SETNZ, SETCC), N(SETO, SETCC), N(SETP, SETCC), N(SETS, SETCC), N(SETZ, SETCC),
	N(JB, JCC), N(JBE, JCC), N(JL, JCC), N(JLE, JCC), N(JNB, JCC), N(JNBE, JCC), N(JNL, JCC),
	N(JNLE, JCC), N(JNO, JCC), N(JNP, JCC), N(JNS, JCC), N(JNZ, JCC), N(JO, JCC), N(JP, JCC),
	N(JS, JCC), N(JZ, JCC),
	/* Vector moves; their VEX forms have names of their own. */
	N(MOVUPS, SSE_MOVE), N(MOVUPD, SSE_MOVE), N(MOVSS, SSE_MOVE), N(MOVLPS, SSE_MOVE),
	N(MOVLPD, SSE_MOVE), N(MOVHPS, SSE_MOVE), N(MOVHPD, SSE_MOVE), N(MOVAPS, SSE_MOVE),
	N(MOVAPD, SSE_MOVE), N(MOVNTPS, SSE_MOVE), N(MOVNTPD, SSE_MOVE), N(MOVNTSS, SSE_MOVE),
	N(MOVNTSD, SSE_MOVE), N(MOVD, SSE_MOVE), N(MOVQ, SSE_MOVE), N(MOVDQA, SSE_MOVE),
	N(MOVDQU, SSE_MOVE), N(MOVNTQ, SSE_MOVE), N(MOVNTDQ, SSE_MOVE), N(LDDQU, SSE_MOVE),
	N(MOVNTDQA, SSE_MOVE),
#undef S
#undef N
};
/* clang-format on */

/** The names that stand for several of our identities: the operands and the opcode decide. */
static uint8_t ambiguous_id(const ZydisDecodedInstruction *z, const ZydisDecodedOperand *ops)
{
	switch (z->mnemonic) {
	case ZYDIS_MNEMONIC_MOV:
		if (z->opcode_map != ZYDIS_OPCODE_MAP_0F)
			return z->opcode == 0x8c || z->opcode == 0x8e ? INSN_MOV_SREG : INSN_MOV;
		return (z->opcode & 1) != 0 ? INSN_MOV_DR : INSN_MOV_CR;
	case ZYDIS_MNEMONIC_MOVSD:
		return z->opcode_map == ZYDIS_OPCODE_MAP_0F ? INSN_SSE_MOVE : INSN_MOVS;
	case ZYDIS_MNEMONIC_CMPSD:
		return z->opcode_map == ZYDIS_OPCODE_MAP_0F ? INSN_OTHER : INSN_CMPS;
	case ZYDIS_MNEMONIC_JMP:
		return z->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR ? INSN_JMP_FAR : INSN_JMP;
	case ZYDIS_MNEMONIC_CALL:
		return z->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR ? INSN_CALL_FAR : INSN_CALL;
	case ZYDIS_MNEMONIC_RET:
		return z->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR ? INSN_RET_FAR : INSN_RET;
	case ZYDIS_MNEMONIC_NOP: /* the hint NOPs 0F18..0F1E are lengths to us */
		return z->opcode_map == ZYDIS_OPCODE_MAP_0F && z->opcode != 0x1f ? INSN_OTHER
										 : INSN_NOP;
	default:
		(void)ops;
		return id_of_mnemonic[z->mnemonic];
	}
}

static uint8_t expected_id(const ZydisDecodedInstruction *z, const ZydisDecodedOperand *ops)
{
	if (z->encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY)
		return INSN_OTHER;
	return ambiguous_id(z, ops);
}

/* ---- One comparison ------------------------------------------------------------------------- */

struct sample {
	uint8_t bytes[INSN_MAX_LENGTH];
	size_t n;
	enum insn_mode mode;
};

/** One line for each kind of difference is enough to begin with. */
static bool is_news(const char *what, uint8_t id)
{
	static const char *seen[INSN_ID_COUNT][MAX_KINDS];
	static unsigned printed;

	for (unsigned i = 0; i < MAX_KINDS; i++) {
		if (seen[id][i] == what)
			return false;
		if (seen[id][i] == NULL) {
			seen[id][i] = what;
			return ++printed <= MAX_PRINTED;
		}
	}
	return false;
}

static bool differ(const struct sample *s, const char *what, uint64_t ours, uint64_t zydis)
{
	struct insn insn;

	differences++;
	insn_decode(s->bytes, s->n, s->mode, &insn);
	if (!is_news(what, insn.id))
		return false;
	printf("# mode %u:", 16u << s->mode);
	for (size_t i = 0; i < s->n; i++)
		printf(" %02x", s->bytes[i]);
	printf(": %s is %llx, Zydis says %llx\n", what, (unsigned long long)ours,
	       (unsigned long long)zydis);
	return false;
}

static bool equal(const struct sample *s, const char *what, uint64_t ours, uint64_t zydis)
{
	return ours == zydis || differ(s, what, ours, zydis);
}

static uint8_t reg_number(ZydisRegister reg)
{
	if (reg == ZYDIS_REGISTER_NONE)
		return INSN_REG_NONE;
	if (ZydisRegisterGetClass(reg) == ZYDIS_REGCLASS_IP)
		return INSN_RIP;
	return (uint8_t)ZydisRegisterGetId(reg);
}

static const ZydisDecodedOperand *visible_memory(const ZydisDecodedInstruction *z,
						 const ZydisDecodedOperand *ops)
{
	for (unsigned i = 0; i < z->operand_count_visible; i++)
		if (ops[i].type == ZYDIS_OPERAND_TYPE_MEMORY)
			return &ops[i];
	return NULL;
}

/*
 * Where the two are known to differ, and why that is right.
 */

/** An address is formed but nothing is accessed. Zydis has a read here. */
static bool accesses_nothing(const struct insn *insn)
{
	return insn->id == INSN_LEA || insn->id == INSN_NOP || insn->id == INSN_UD ||
	       insn->id == INSN_INVLPG;
}

/** Whether the operand size has a meaning for what the decoder claims to know. */
static bool has_operand_size(const struct insn *insn)
{
	switch (insn->id) {
	case INSN_ARPL: /* word operands whatever the prefixes say */
	case INSN_LLDT:
	case INSN_LTR:
	case INSN_VERR:
	case INSN_VERW:
	case INSN_LMSW:
		return false;
	case INSN_MOVNTI: /* no 16-bit form; Zydis has the default of the mode */
		return insn->mode == INSN_MODE_64;
	case INSN_RDPID:   /* the register is as wide as the mode; Zydis has the prefix */
	case INSN_VMPTRLD: /* a 64-bit physical address in memory */
	case INSN_VMPTRST:
	case INSN_VMCLEAR:
	case INSN_VMXON:
		return false;
	case INSN_BCD:
		return false;
	case INSN_IN: /* 32 bits even with REX.W; Zydis reports the prefix */
	case INSN_OUT:
	case INSN_INS:
	case INSN_OUTS:
		return (insn->rex & INSN_REX_W) == 0;
	default:
		break;
	}
	switch (insn->form) {
	case INSN_FORM_NONE:
		return (insn->id >= INSN_PUSHA && insn->id <= INSN_LEAVE) || insn->id == INSN_CBW ||
		       insn->id == INSN_CWD || (insn->id >= INSN_RET && insn->id <= INSN_RET_FAR) ||
		       insn->id == INSN_IRET;
	case INSN_FORM_MODRM:
	case INSN_FORM_XMM_RM ... INSN_FORM_RM_MMX:
		return false;
	default:
		return true;
	}
}

/**
 * What is #UD to Zydis and an instruction to the decoder: AMD's LOCK MOV CR0 for CR8, and those
 * that Intel's manual marks NP (no 66, F2, F3), where AMD's CPUs ignore the prefix.
 */
static bool is_amd_only(const struct insn *insn)
{
	const unsigned np = INSN_PREFIX_OPSIZE | INSN_PREFIX_REP | INSN_PREFIX_REPNE;

	switch (insn->id) {
	case INSN_MOV_CR:
		return (insn->prefixes & INSN_PREFIX_LOCK) != 0;
	case INSN_GETSEC:
	case INSN_VMCALL ... INSN_VMXOFF:
	case INSN_VMFUNC:
	case INSN_MONITOR ... INSN_MWAITX:
	case INSN_CLAC:
	case INSN_STAC:
	case INSN_XGETBV:
	case INSN_XSETBV:
		return (insn->prefixes & np) != 0;
	default:
		return false;
	}
}

/** Instructions of the Knights Corner coprocessor: MVEX, and Jcc behind a VEX prefix. */
static bool is_knights_corner(const ZydisDecodedInstruction *z)
{
	return z->encoding == ZYDIS_INSTRUCTION_ENCODING_MVEX ||
	       z->meta.isa_set == ZYDIS_ISA_SET_KNCJKBR;
}

/**
 * Zydis 4.0 takes SIB base 5 with mod 0 for r13 where REX.B is set and the address size is 32; SDM
 * table 2-5 has no base there, and no CPU does.
 */
static bool is_baseless_sib(const struct insn *insn)
{
	return insn->addrsize == 4 && (insn->rex & INSN_REX_B) != 0 && insn->modrm < 0x40 &&
	       (insn->modrm & 7) == 4 && (insn->sib & 7) == 5;
}

static bool same_memory(const struct sample *s, const struct insn *insn,
			const ZydisDecodedOperand *op)
{
	const uint64_t mask = insn_size_mask(insn->addrsize);

	if (is_baseless_sib(insn))
		return equal(s, "base", insn->mem.base, INSN_REG_NONE);
	return equal(s, "base", insn->mem.base, reg_number(op->mem.base)) &&
	       equal(s, "index", insn->mem.index, reg_number(op->mem.index)) &&
	       (insn->mem.index == INSN_REG_NONE ||
		equal(s, "scale", insn->mem.scale, op->mem.scale)) &&
	       equal(s, "displacement", (uint64_t)insn->mem.disp & mask,
		     (uint64_t)op->mem.disp.value & mask) &&
	       ((accesses_nothing(insn) && insn->id != INSN_INVLPG) ||
		equal(s, "segment", insn->seg, (uint64_t)ZydisRegisterGetId(op->mem.segment)));
}

static bool same_access(const struct sample *s, const struct insn *insn,
			const ZydisDecodedOperand *op)
{
	const unsigned reads = (op->actions & ZYDIS_OPERAND_ACTION_MASK_READ) != 0 ? INSN_READ : 0;
	const unsigned writes =
		(op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0 ? INSN_WRITE : 0;

	if (accesses_nothing(insn))
		return equal(s, "access", insn->mem.access, 0);
	return equal(s, "access", insn->mem.access, reads | writes) &&
	       equal(s, "memory size", insn->mem.size * 8u, op->size);
}

static bool same_operands(const struct sample *s, const struct insn *insn,
			  const ZydisDecodedInstruction *z, const ZydisDecodedOperand *ops)
{
	const ZydisDecodedOperand *op = visible_memory(z, ops);

	if (has_operand_size(insn) &&
	    !equal(s, "operand size", insn->opsize * 8u, z->operand_width))
		return false;
	if (!equal(s, "address size", insn->addrsize * 8u, z->address_width))
		return false;
	if (insn->form == INSN_FORM_STRING || insn->id == INSN_XLAT)
		return true;
	if (!equal(s, "memory operand", insn->has_mem, op != NULL))
		return false;
	return op == NULL || (same_memory(s, insn, op) && same_access(s, insn, op));
}

static bool same_valid(const struct sample *s, const struct insn *insn,
		       const ZydisDecodedInstruction *z, const ZydisDecodedOperand *ops)
{
	return equal(s, "length", insn->length, z->length) &&
	       equal(s, "identity", insn->id, expected_id(z, ops)) &&
	       (insn->id == INSN_OTHER || same_operands(s, insn, z, ops));
}

/**
 * Bytes can be both incomplete and no instruction, and either may be reported. Completed with
 * zeros they tell which: an opcode that isn't known, or invalid to both.
 */
static bool is_invalid_anyway(const struct sample *s)
{
	struct sample whole = *s;
	ZydisDecodedInstruction z;
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
	struct insn insn;
	int error;

	memset(whole.bytes + whole.n, 0, sizeof(whole.bytes) - whole.n);
	error = insn_decode(whole.bytes, sizeof(whole.bytes), s->mode, &insn);
	if (error == 0)
		return insn.id == INSN_OTHER;
	return ZYAN_FAILED(ZydisDecoderDecodeFull(&decoders[s->mode], whole.bytes,
						  sizeof(whole.bytes), &z, ops));
}

static int expected_error(ZyanStatus status)
{
	switch (status) {
	case ZYDIS_STATUS_NO_MORE_DATA:
		return INSN_E_TRUNCATED;
	case ZYDIS_STATUS_INSTRUCTION_TOO_LONG:
		return INSN_E_TOO_LONG;
	default:
		return INSN_E_INVALID;
	}
}

/* ---- The short cuts against the full decoder ------------------------------------------------ */

/* clang-format off */
static const struct {
	uint32_t pattern;
	uint8_t id;
} patterns[] = {
#define P(name_) {INSN_PATTERN_##name_, INSN_##name_}
	P(CPUID), P(RDMSR), P(WRMSR), P(RDTSC), P(RDPMC), P(CLTS), P(INVD), P(WBINVD), P(RSM),
	P(HLT), P(PAUSE), P(PUSHF), P(POPF), P(IRET), P(INT3), P(INTO), P(INT1), P(VMCALL),
	P(MONITOR), P(MWAIT), P(XGETBV), P(XSETBV), P(VMRUN), P(VMMCALL), P(VMLOAD), P(VMSAVE),
	P(STGI), P(CLGI), P(SKINIT), P(INVLPGA), P(RDTSCP),
#undef P
};
/* clang-format on */

/** Of a valid instruction, the pattern with its name has its length, and the others have none. */
static void compare_patterns(const struct sample *s, const struct insn *insn)
{
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
		equal(s, "length by pattern",
		      insn_match(s->bytes, s->n, s->mode, patterns[i].pattern),
		      patterns[i].id == insn->id ? insn->length : 0);
}

/** @return whether there is nothing but 66h and REX, once and in this order, before the opcode. */
static bool has_plain_prefixes(const struct sample *s, const struct insn *insn)
{
	size_t n = s->bytes[0] == 0x66 ? 1 : 0;

	n += (insn->rex & 0x40) != 0 ? 1 : 0;
	return n < s->n && s->bytes[n] == insn->opcode;
}

static bool is_plain_move(const struct sample *s, const struct insn *insn)
{
	return insn->id == INSN_MOV && insn->has_mem && s->mode != INSN_MODE_16 &&
	       has_plain_prefixes(s, insn);
}

static void compare_move(const struct sample *s, int error, const struct insn *insn)
{
	const bool plain = error == 0 && is_plain_move(s, insn);
	const bool moffs = plain && (insn->opcode & 0xfc) == 0xa0;
	const bool high = plain && insn->opsize == 1 && insn->rex == 0 && insn->reg >= 4;
	struct insn_mov mov;
	const unsigned length = insn_mov_decode(s->bytes, s->n, s->mode, &mov);

	if (length == 0) {
		equal(s, "length of a move", 0, plain && s->n == INSN_MAX_LENGTH);
		return;
	}
	if (!equal(s, "being a move", 1, plain) ||
	    !equal(s, "length of a move", length, insn->length))
		return;
	equal(s, "size of a move", mov.size, insn->mem.size);
	equal(s, "direction of a move", mov.store, (insn->mem.access & INSN_WRITE) != 0);
	equal(s, "immediate in a move", mov.has_imm, insn->form == INSN_FORM_RM_I);
	if (mov.has_imm)
		equal(s, "immediate of a move", (uint64_t)(int64_t)mov.imm, (uint64_t)insn->imm);
	else
		equal(s, "register of a move", mov.reg + (mov.high_byte ? 4u : 0),
		      moffs ? INSN_RAX : insn->reg);
	equal(s, "high byte of a move", mov.high_byte, high && !mov.has_imm && !moffs);
}

static void compare(const struct sample *s)
{
	ZydisDecodedInstruction z;
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
	struct insn insn;
	const ZyanStatus status =
		ZydisDecoderDecodeFull(&decoders[s->mode], s->bytes, s->n, &z, ops);
	const int error = insn_decode(s->bytes, s->n, s->mode, &insn);

	compare_move(s, error, &insn);
	if (error == 0 && (insn.prefixes & INSN_PREFIX_LOCK) == 0)
		compare_patterns(s, &insn);
	if (ZYAN_FAILED(status)) {
		if (error == 0 && insn.id != INSN_OTHER && !is_amd_only(&insn))
			differ(s, "validity", insn.id, status);
		else if (error != 0 && error != expected_error(status) && !is_invalid_anyway(s))
			differ(s, "error", (uint64_t)error, status);
	} else if (is_knights_corner(&z)) {
		return;
	} else if (error != 0) {
		differ(s, "error", (uint64_t)error, (uint64_t)z.mnemonic);
	} else {
		same_valid(s, &insn, &z, ops);
	}
}

/* ---- Samples -------------------------------------------------------------------------------- */

static const uint8_t legacy_prefixes[] = {0xf0, 0xf2, 0xf3, 0x66, 0x67, 0x2e,
					  0x36, 0x3e, 0x26, 0x64, 0x65};

static void put(struct sample *s, uint8_t byte)
{
	if (s->n < sizeof(s->bytes))
		s->bytes[s->n++] = byte;
}

static void put_prefixes(struct sample *s, struct random *r)
{
	unsigned count = random_below(r, 4);

	if (random_below(r, 64) == 0)
		count += random_below(r, 12);
	while (count-- > 0)
		put(s, legacy_prefixes[random_below(r, sizeof(legacy_prefixes))]);
	if (s->mode == INSN_MODE_64 && random_below(r, 2) == 0)
		put(s, 0x40 | (random_u8(r) & 15));
}

static void put_opcode(struct sample *s, struct random *r)
{
	static const uint8_t escapes[8][2] = {{0},    {0},    {0},	    {0x0f},
					      {0x0f}, {0x0f}, {0x0f, 0x38}, {0x0f, 0x3a}};
	const uint8_t *escape = escapes[random_below(r, 8)];

	for (unsigned i = 0; i < 2 && escape[i] != 0; i++)
		put(s, escape[i]);
	put(s, random_u8(r));
}

/** One in eight is noise, the others look like instructions; one in sixteen is cut short. */
static void make_random(struct sample *s, struct random *r)
{
	s->n = 0;
	s->mode = (enum insn_mode)random_below(r, 3);
	if (random_below(r, 8) != 0) {
		put_prefixes(s, r);
		put_opcode(s, r);
	}
	while (s->n < sizeof(s->bytes))
		put(s, random_u8(r));
	if (random_below(r, 16) == 0)
		s->n = random_below(r, INSN_MAX_LENGTH);
}

static void compare_opcode(struct random *r, enum insn_mode mode, unsigned map, unsigned opcode)
{
	static const uint8_t prefixes[] = {0, 0x66, 0xf3, 0xf2, 0x67, 0xf0, 0x48};
	static const uint8_t escapes[4][2] = {{0}, {0x0f}, {0x0f, 0x38}, {0x0f, 0x3a}};

	for (unsigned i = 0; i < sizeof(prefixes) * 256; i++) {
		struct sample s = {.mode = mode};

		if (prefixes[i / 256] != 0)
			put(&s, prefixes[i / 256]);
		for (unsigned k = 0; k < 2 && escapes[map][k] != 0; k++)
			put(&s, escapes[map][k]);
		put(&s, (uint8_t)opcode);
		put(&s, (uint8_t)i);
		while (s.n < sizeof(s.bytes))
			put(&s, random_u8(r));
		compare(&s);
	}
}

static void every_opcode_and_modrm(void **state)
{
	struct random r = {options.seed};

	(void)state;
	differences = 0;
	for (unsigned mode = 0; mode < 3; mode++)
		for (unsigned map = 0; map < 4; map++)
			for (unsigned opcode = 0; opcode < 256; opcode++)
				compare_opcode(&r, (enum insn_mode)mode, map, opcode);
	assert_int_equal(differences, 0);
}

static void random_instructions(void **state)
{
	struct random r = {options.seed};
	struct sample s;

	(void)state;
	differences = 0;
	for (uint64_t i = 0; i < options.count; i++) {
		make_random(&s, &r);
		compare(&s);
	}
	assert_int_equal(differences, 0);
}

static int prepare(void **state)
{
	static const ZydisMachineMode modes[3] = {ZYDIS_MACHINE_MODE_LEGACY_16,
						  ZYDIS_MACHINE_MODE_LEGACY_32,
						  ZYDIS_MACHINE_MODE_LONG_64};
	static const ZydisStackWidth widths[3] = {ZYDIS_STACK_WIDTH_16, ZYDIS_STACK_WIDTH_32,
						  ZYDIS_STACK_WIDTH_64};

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		if (ZYAN_FAILED(ZydisDecoderInit(&decoders[i], modes[i], widths[i])))
			return -1;
	/* With CET, Zydis takes 3E before an indirect branch for NOTRACK instead of for DS. */
	for (unsigned i = 0; i < 3; i++)
		ZydisDecoderEnableMode(&decoders[i], ZYDIS_DECODER_MODE_CET, ZYAN_FALSE);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		id_of_mnemonic[names[i].mnemonic] = names[i].id;
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_opcode_and_modrm),
		cmocka_unit_test(random_instructions),
	};

	random_parse(argc, argv, &options);
	printf("# seed %llu, %llu random instructions\n", (unsigned long long)options.seed,
	       (unsigned long long)options.count);
	return cmocka_run_group_tests(tests, prepare, NULL);
}
