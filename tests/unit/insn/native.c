/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The emulator against the CPU. Random instructions, with operands in registers and in memory, are executed
 * twice from the same state: natively, on two pages at a fixed address between unmapped ones, and by the
 * emulator on a copy of the pages. Registers, defined flags, memory, XMM registers, and the fault
 * where there is one have to be the same. 64-bit code, and 32-bit code through Linux's 32-bit
 * code segment.
 *
 * @verifies VMM-201 VMM-202 VMM-203
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <cpuid.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cmocka.h>

#include "lib/x86/regs.h"
#include "tests/unit/insn/native.h"
#include "tests/unit/insn/random.h"
#include "vmm/emulate.h"

/* Below 2 GiB, so that every addressing form reaches it; nothing else within 2 MiB. */
#define RESERVED      0x10000000u
#define RESERVED_SIZE 0x00400000u
#define CODE	      0x10100000u
#define DATA	      0x10200000u
#define DATA_SIZE     0x2000u
#define DATA_END      (DATA + DATA_SIZE)
#define MAX_PRINTED   20u

#define ARITHMETIC_FLAGS (RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF)

static struct random_options options = {.seed = 2024, .count = 400000};
static struct random rng;
static uint8_t copy[DATA_SIZE]; /* the emulator's view of the data pages */
static unsigned differences;
static struct {
	bool movbe, popcnt, bmi1, lzcnt;
} cpu; /* what not every x86-64 CPU has */

/** A test case: the state before, and the instruction. */
struct test_case {
	uint8_t bytes[INSN_MAX_LENGTH];
	struct insn insn;
	struct native_state before;
};

/** What the CPU raised. */
static struct {
	bool raised;
	uint8_t vector;
	uint64_t error_code;
	uint64_t address;
} native_fault;

/* ---- The CPU's side ------------------------------------------------------------------------- */

static void on_fault(int number, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)number;
	native_fault.raised = true;
	native_fault.vector = (uint8_t)regs[REG_TRAPNO];
	native_fault.error_code = (uint64_t)regs[REG_ERR];
	native_fault.address = (uint64_t)info->si_addr;
	regs[REG_RIP] = (greg_t)(uintptr_t)native_exit;
	regs[REG_CSGSFS] = (regs[REG_CSGSFS] & ~(greg_t)0xffff) | NATIVE_CS64;
}

/** Behind the instruction: a jump to native_exit, in the encoding of the mode. */
static void put_exit_jump(uint8_t *at, enum insn_mode mode)
{
	static const uint8_t jump_64[6] = {0xff, 0x25};
	const uint64_t target = (uintptr_t)native_exit;
	const uint16_t selector = NATIVE_CS64;

	if (mode == INSN_MODE_64) {
		memcpy(at, jump_64, sizeof(jump_64));
		memcpy(at + sizeof(jump_64), &target, sizeof(target));
		return;
	}
	at[0] = 0xea;
	memcpy(at + 1, &target, 4);
	memcpy(at + 5, &selector, 2);
}

static void run_natively(const struct test_case *t)
{
	uint8_t *code = (uint8_t *)(uintptr_t)CODE;

	memcpy(code, t->bytes, t->insn.length);
	put_exit_jump(code + t->insn.length, (enum insn_mode)t->insn.mode);
	native_state = t->before;
	native_fault.raised = false;
	if (t->insn.mode == INSN_MODE_64) {
		native_state.entry = CODE;
		native_run_64();
	} else {
		native_state.entry = CODE | (uint64_t)NATIVE_CS32 << 32;
		native_run_32();
	}
}

/* ---- The emulator's side -------------------------------------------------------------------- */

/** The emulator's context, and the state that it works on. */
struct emulated {
	struct emu_ctx ctx;
	uint8_t xmm[16][16];
	bool escaped; /* an access outside the reserved range: the CPU can't be asked */
};

static uint64_t flat_base(struct emu_ctx *ctx, enum insn_seg seg)
{
	(void)ctx;
	(void)seg;
	return 0;
}

/** A page fault at the first byte that is not mapped; the address space ends at 4 GiB or never. */
static enum emu_status page_fault(struct emu_ctx *ctx, uint64_t linear, bool write)
{
	struct emulated *m = ctx->owner;

	if (linear < RESERVED || linear >= RESERVED + RESERVED_SIZE)
		m->escaped = true;
	ctx->fault = (struct emu_fault){
		.vector = X86_PF,
		.has_error_code = true,
		.error_code = write ? 2 : 0,
		.cr2 = linear < DATA || linear >= DATA_END ? linear : DATA_END,
	};
	return EMU_FAULT;
}

static bool is_mapped(uint64_t linear, unsigned size)
{
	return linear >= DATA && linear < DATA_END && size <= DATA_END - linear;
}

static enum emu_status read_copy(struct emu_ctx *ctx, uint64_t linear, unsigned size,
				 enum emu_intent intent, void *data)
{
	if (!is_mapped(linear, size))
		return page_fault(ctx, linear, intent == EMU_MODIFY);
	memcpy(data, copy + (linear - DATA), size);
	return EMU_DONE;
}

static enum emu_status write_copy(struct emu_ctx *ctx, uint64_t linear, unsigned size,
				  const void *data)
{
	if (!is_mapped(linear, size))
		return page_fault(ctx, linear, true);
	memcpy(copy + (linear - DATA), data, size);
	return EMU_DONE;
}

static void read_xmm(struct emu_ctx *ctx, unsigned number, uint8_t data[16])
{
	memcpy(data, ((struct emulated *)ctx->owner)->xmm[number], 16);
}

static void write_xmm(struct emu_ctx *ctx, unsigned number, const uint8_t data[16])
{
	memcpy(((struct emulated *)ctx->owner)->xmm[number], data, 16);
}

static const struct emu_ops emulator_ops = {
	.seg_base = flat_base,
	.read = read_copy,
	.write = write_copy,
	.read_xmm = read_xmm,
	.write_xmm = write_xmm,
};

/** Runs to the end of a repeated string, in pieces of random size. */
static enum emu_status run_emulated(const struct test_case *t, struct emulated *m)
{
	enum emu_status status;

	*m = (struct emulated){0};
	memcpy(m->xmm, t->before.xmm, sizeof(m->xmm));
	memcpy(m->ctx.gpr, t->before.gpr, sizeof(m->ctx.gpr));
	m->ctx.rip = CODE;
	m->ctx.rflags = t->before.rflags;
	m->ctx.stack_size = t->insn.mode == INSN_MODE_64 ? 8 : 4;
	m->ctx.max_iterations = random_below(&rng, 4);
	m->ctx.ops = &emulator_ops;
	m->ctx.owner = m;
	do
		status = emu_execute(&m->ctx, &t->insn);
	while (status == EMU_AGAIN);
	return status;
}

/* ---- Comparison ----------------------------------------------------------------------------- */

static void describe(const struct test_case *t)
{
	printf("# mode %u:", 16u << t->insn.mode);
	for (unsigned i = 0; i < t->insn.length; i++)
		printf(" %02x", t->bytes[i]);
}

static bool differ(const struct test_case *t, const char *what, uint64_t before, uint64_t emulated,
		   uint64_t native)
{
	if (++differences > MAX_PRINTED)
		return false;
	describe(t);
	printf(": %s was %llx, is %llx, on the CPU %llx\n", what, (unsigned long long)before,
	       (unsigned long long)emulated, (unsigned long long)native);
	return false;
}

static uint64_t shift_count(const struct test_case *t)
{
	const uint64_t mask = t->insn.opsize == 8 ? 63 : 31;

	switch (t->insn.form) {
	case INSN_FORM_RM_1:
		return 1;
	case INSN_FORM_RM_CL:
	case INSN_FORM_RM_R_CL:
		return t->before.gpr[INSN_RCX] & mask;
	default:
		return (uint64_t)t->insn.imm & mask;
	}
}

/** Flags that a shift or rotation leaves undefined: OF but for one bit, CF beyond the operand. */
static uint64_t undefined_by_shift(const struct test_case *t, uint64_t others)
{
	const uint64_t count = shift_count(t);

	if (count == 0)
		return 0;
	return others | (count != 1 ? RFLAGS_OF : 0) |
	       (count >= t->insn.opsize * 8u && others != 0 ? RFLAGS_CF : 0);
}

/** SALC changes none. */
static uint64_t undefined_by_decimal(const struct test_case *t)
{
	switch (t->insn.opcode) {
	case 0x27:
	case 0x2f:
		return RFLAGS_OF;
	case 0x37:
	case 0x3f:
		return RFLAGS_OF | RFLAGS_SF | RFLAGS_ZF | RFLAGS_PF;
	case 0xd4:
	case 0xd5:
		return RFLAGS_OF | RFLAGS_AF | RFLAGS_CF;
	default:
		return 0;
	}
}

/** SDM volume 1, appendix A: the flags that an instruction leaves undefined. */
static uint64_t undefined_flags(const struct test_case *t)
{
	switch (t->insn.id) {
	case INSN_AND:
	case INSN_OR:
	case INSN_XOR:
	case INSN_TEST:
		return RFLAGS_AF;
	case INSN_ROL ... INSN_RCR:
		return undefined_by_shift(t, 0);
	case INSN_SHL ... INSN_SHRD:
		return undefined_by_shift(t, RFLAGS_AF);
	case INSN_BT ... INSN_BTC:
		return RFLAGS_OF | RFLAGS_SF | RFLAGS_AF | RFLAGS_PF;
	case INSN_BSF:
	case INSN_BSR:
		return ARITHMETIC_FLAGS & ~RFLAGS_ZF;
	case INSN_TZCNT:
	case INSN_LZCNT:
		return RFLAGS_OF | RFLAGS_SF | RFLAGS_AF | RFLAGS_PF;
	case INSN_MUL:
	case INSN_IMUL:
		return RFLAGS_SF | RFLAGS_ZF | RFLAGS_AF | RFLAGS_PF;
	case INSN_DIV:
	case INSN_IDIV:
		return ARITHMETIC_FLAGS;
	case INSN_BCD:
		return undefined_by_decimal(t);
	default:
		return 0;
	}
}

static bool same_registers(const struct test_case *t, const struct emulated *m)
{
	const unsigned count = t->insn.mode == INSN_MODE_64 ? 16 : 8;
	const uint64_t mask = t->insn.mode == INSN_MODE_64 ? UINT64_MAX : UINT32_MAX;
	const uint64_t flags = (ARITHMETIC_FLAGS | RFLAGS_DF) & ~undefined_flags(t);

	for (unsigned i = 0; i < count; i++)
		if (((m->ctx.gpr[i] ^ native_state.gpr[i]) & mask) != 0)
			return differ(t, "register", t->before.gpr[i], m->ctx.gpr[i],
				      native_state.gpr[i]);
	if (((m->ctx.rflags ^ native_state.rflags) & flags) != 0)
		return differ(t, "flags", t->before.rflags, m->ctx.rflags, native_state.rflags);
	for (unsigned i = 0; i < count; i++)
		if (memcmp(m->xmm[i], native_state.xmm[i], 16) != 0)
			return differ(t, "an XMM register", i, m->xmm[i][0],
				      native_state.xmm[i][0]);
	return true;
}

static bool same_memory(const struct test_case *t)
{
	const uint8_t *native = (const uint8_t *)(uintptr_t)DATA;

	if (memcmp(copy, native, DATA_SIZE) == 0)
		return true;
	for (unsigned i = 0; i < DATA_SIZE; i++)
		if (copy[i] != native[i])
			differ(t, "a byte in memory", i, copy[i], native[i]);
	memcpy(copy, native, DATA_SIZE);
	return false;
}

/**
 * Of two faults, which comes first is left open: CPUs differ in the operand that CMPS reads first,
 * and in whether a misaligned address that isn't canonical either is #GP or #SS.
 */
static bool is_order_open(const struct insn *insn, const struct emu_fault *fault)
{
	if (insn->id == INSN_CMPS)
		return true;
	return (insn->id == INSN_SSE_MOVE || insn->id == INSN_CMPXCHG8B) &&
	       fault->vector == X86_SS && native_fault.vector == X86_GP;
}

/** Vector; of a page fault also address and direction. #GP comes with address 0. */
static bool same_fault(const struct test_case *t, const struct emulated *m, enum emu_status status)
{
	const struct emu_fault *fault = &m->ctx.fault;

	if ((status == EMU_FAULT) != native_fault.raised)
		return differ(t, "the fault", 0, status == EMU_FAULT ? fault->vector : 0xff,
			      native_fault.raised ? native_fault.vector : 0xff);
	if (status != EMU_FAULT || is_order_open(&t->insn, fault))
		return true;
	if (fault->vector != native_fault.vector)
		return differ(t, "the fault's vector", 0, fault->vector, native_fault.vector);
	if (fault->vector != X86_PF)
		return true;
	if (fault->cr2 != native_fault.address)
		return differ(t, "CR2", 0, fault->cr2, native_fault.address);
	if ((fault->error_code & 2) != (native_fault.error_code & 2))
		return differ(t, "the error code", 0, fault->error_code, native_fault.error_code);
	return true;
}

/** Results that the manuals leave undefined. */
static bool is_undefined(const struct test_case *t, const struct emulated *m)
{
	const uint64_t zero = RFLAGS_ZF;

	if (t->insn.id == INSN_SHLD || t->insn.id == INSN_SHRD)
		return shift_count(t) > t->insn.opsize * 8u;
	return (t->insn.id == INSN_BSF || t->insn.id == INSN_BSR) && (m->ctx.rflags & zero) != 0;
}

/** @return whether the case could be compared. */
static bool run_case(const struct test_case *t)
{
	struct emulated m;
	const enum emu_status status = run_emulated(t, &m);

	if (status == EMU_UNSUPPORTED)
		return differ(t, "the status", 0, status, 0);
	if (m.escaped || is_undefined(t, &m)) {
		memcpy(copy, (void *)(uintptr_t)DATA, DATA_SIZE);
		return false;
	}
	run_natively(t);
	if (status == EMU_DONE && !native_fault.raised && m.ctx.rip != CODE + t->insn.length)
		differ(t, "RIP", CODE, m.ctx.rip, CODE + t->insn.length);
	if (same_fault(t, &m, status) && !(t->insn.id == INSN_POPA && native_fault.raised))
		same_registers(t, &m); /* a POPA cut short has part of its registers on some CPUs */
	same_memory(t);
	return true;
}

/* ---- Making test cases ---------------------------------------------------------------------- */

/** Anything, with a preference for the edges of the number ranges. */
static uint64_t interesting(void)
{
	/* clang-format off */
	static const uint64_t edges[] = {
		0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000,
		0xffffffff, INT64_MAX, (uint64_t)INT64_MIN, UINT64_MAX, 15, 16, 31, 32, 33, 63, 64,
	};
	/* clang-format on */

	if (random_below(&rng, 3) == 0)
		return edges[random_below(&rng, sizeof(edges) / sizeof(edges[0]))];
	return random_u64(&rng) >> random_below(&rng, 64);
}

/** Whether the process may run it: no branch, no port, nothing that this CPU lacks. */
static bool can_run(const struct insn *insn)
{
	switch (insn->id) {
	case INSN_SSE_MOVE:
		return insn->form == INSN_FORM_XMM_RM || insn->form == INSN_FORM_RM_XMM;
	case INSN_POPCNT:
		return cpu.popcnt;
	case INSN_TZCNT:
		return cpu.bmi1;
	case INSN_LZCNT:
		return cpu.lzcnt;
	case INSN_MOVBE:
		return cpu.movbe;
	case INSN_PUSH:
	case INSN_POP:
		return insn->form != INSN_FORM_SREG;
	case INSN_BSWAP: /* of 16 bits, the result is undefined */
		return insn->opsize != 2;
	case INSN_MOVSX: /* of MOVSXD r16, the CPU makers disagree how much it reads */
		return insn->opcode != 0x63 || insn->opsize != 2;
	case INSN_ENTER: /* its frames are read one by one, and where the first fault is, nobody says */
		return (insn->imm2 & 31) <= 1;
	case INSN_MOVS ... INSN_SCAS:
	case INSN_XLAT:
	case INSN_MOV:
	case INSN_MOVZX:
	case INSN_MOVNTI:
	case INSN_LEA:
	case INSN_LEAVE:
	case INSN_PUSHA:
	case INSN_POPA:
	case INSN_NOP:
	case INSN_XCHG ... INSN_CMPXCHG8B:
	case INSN_CMOVCC ... INSN_SETCC:
	case INSN_ADD ... INSN_BSR:
	case INSN_CBW ... INSN_FLAGS:
		return true;
	default:
		return false;
	}
}

static unsigned put_prefixes(uint8_t *bytes, enum insn_mode mode)
{
	static const uint8_t prefixes[] = {0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x2e, 0x3e};
	unsigned n = 0;

	for (unsigned count = random_below(&rng, 3); count > 0; count--)
		bytes[n++] = prefixes[random_below(&rng, sizeof(prefixes))];
	if (mode == INSN_MODE_64 && random_below(&rng, 2) == 0)
		bytes[n++] = 0x40 | (random_u8(&rng) & 15);
	return n;
}

static unsigned put_escape(uint8_t *bytes)
{
	if (random_below(&rng, 2) == 0)
		return 0;
	bytes[0] = 0x0f;
	if (random_below(&rng, 32) != 0)
		return 1;
	bytes[1] = 0x38; /* MOVBE */
	bytes[2] = (uint8_t)(0xf0 + random_below(&rng, 2));
	return 3;
}

/** Linux's 32-bit segments are flat, but code can't be written, and FS and GS are not ours. */
static bool has_flat_segment(const struct insn *insn)
{
	return insn->seg != INSN_FS && insn->seg != INSN_GS &&
	       (insn->seg != INSN_CS || insn->mode == INSN_MODE_64);
}

/** Random bytes until they are an instruction that the emulator claims and the process may run. */
static void make_instruction(struct test_case *t, enum insn_mode mode)
{
	unsigned n;

	do {
		for (unsigned i = 0; i < sizeof(t->bytes); i++)
			t->bytes[i] = random_u8(&rng);
		n = put_prefixes(t->bytes, mode);
		put_escape(t->bytes + n);
	} while (insn_decode(t->bytes, sizeof(t->bytes), mode, &t->insn) != 0 ||
		 t->insn.addrsize == 2 || !has_flat_segment(&t->insn) || !can_run(&t->insn));
}

/** Mostly in the middle, sometimes across the end or behind it, seldom not canonical. */
static uint64_t choose_address(void)
{
	const unsigned kind = random_below(&rng, 16);

	if (random_below(&rng, 64) == 0)
		return UINT64_C(0x00007ffffffffff8) + random_below(&rng, 16);
	if (kind == 0)
		return DATA_END - random_below(&rng, 20);
	if (kind == 1)
		return DATA - random_below(&rng, 12);
	if (kind < 6)
		return (DATA + random_below(&rng, DATA_SIZE)) & ~UINT64_C(15);
	return DATA + 64 + random_below(&rng, DATA_SIZE - 256);
}

/** Replaces the displacement, which ends where the immediate begins. */
static void patch_displacement(struct test_case *t, unsigned size, uint64_t value)
{
	const unsigned at = t->insn.length - t->insn.imm_size - size;

	memcpy(t->bytes + at, &value, size);
	(void)insn_decode(t->bytes, sizeof(t->bytes), (enum insn_mode)t->insn.mode, &t->insn);
}

/** Makes the memory operand be at `address`, as far as its form lets it. */
static void aim_operand(struct test_case *t, uint64_t address)
{
	const uint64_t next = CODE + t->insn.length;
	const uint64_t missed = address - insn_offset(&t->insn, t->before.gpr, next);
	const uint8_t base = t->insn.mem.base;

	if (t->insn.form == INSN_FORM_ACC_MOFFS || t->insn.form == INSN_FORM_MOFFS_ACC)
		patch_displacement(t, t->insn.addrsize, address);
	else if (base <= INSN_R15)
		t->before.gpr[base] += missed;
	else
		patch_displacement(t, 4, (uint64_t)t->insn.mem.disp + missed);
}

static void fill_randomly(uint64_t address, unsigned size)
{
	for (unsigned i = 0; i < size; i++, address++) {
		if (address < DATA || address >= DATA_END)
			continue;
		copy[address - DATA] = random_u8(&rng);
		*(uint8_t *)(uintptr_t)address = copy[address - DATA];
	}
}

static void put_value(uint64_t address, uint64_t value, unsigned size)
{
	if (!is_mapped(address, size))
		return;
	memcpy(copy + (address - DATA), &value, size);
	memcpy((void *)(uintptr_t)address, &value, size);
}

static void aim_string(struct test_case *t)
{
	uint64_t *gpr = t->before.gpr;

	gpr[INSN_RSI] = choose_address();
	gpr[INSN_RDI] = choose_address();
	gpr[INSN_RCX] = random_below(&rng, 12);
	if (random_below(&rng, 2) == 0) /* let comparisons go on for a while */
		put_value(gpr[INSN_RDI] & ~UINT64_C(7), gpr[INSN_RAX], 8);
	if (random_below(&rng, 2) == 0 && is_mapped(gpr[INSN_RSI], 8) &&
	    is_mapped(gpr[INSN_RDI], 8))
		put_value(gpr[INSN_RDI], *(uint64_t *)(uintptr_t)(gpr[INSN_RSI] & ~UINT64_C(7)), 8);
}

/** Bit offsets and comparands that mean something, now and then. */
static void tune_values(struct test_case *t, uint64_t address)
{
	uint64_t *gpr = t->before.gpr;

	if (t->insn.id >= INSN_BT && t->insn.id <= INSN_BTC && t->insn.form == INSN_FORM_RM_R)
		gpr[t->insn.reg] = (uint64_t)((int64_t)random_below(&rng, 4096) - 2048);
	if (t->insn.id == INSN_CMPXCHG && random_below(&rng, 2) == 0)
		put_value(address, gpr[INSN_RAX], t->insn.opsize);
	if (t->insn.id == INSN_CMPXCHG8B && random_below(&rng, 2) == 0) {
		put_value(address, gpr[INSN_RAX], t->insn.opsize);
		put_value(address + t->insn.opsize, gpr[INSN_RDX], t->insn.opsize);
	}
	if (t->insn.id == INSN_DIV || t->insn.id == INSN_IDIV)
		gpr[INSN_RDX] = random_below(&rng, 2) == 0 ? 0 : gpr[INSN_RDX];
}

static void make_state(struct test_case *t)
{
	const uint64_t address = choose_address();

	t->before = (struct native_state){0};
	for (unsigned i = 0; i < 16; i++)
		t->before.gpr[i] = interesting();
	for (unsigned i = 0; i < 16; i++)
		for (unsigned k = 0; k < 16; k++)
			t->before.xmm[i][k] = random_u8(&rng);
	t->before.rflags =
		(random_u64(&rng) & (ARITHMETIC_FLAGS | RFLAGS_DF)) | RFLAGS_FIXED1 | RFLAGS_IF;
	t->before.gpr[INSN_RSP] = choose_address();
	fill_randomly(address, 32);
	if (random_below(&rng, 2) == 0)
		put_value(address, interesting(), 8);
	tune_values(t, address);
	if (t->insn.form == INSN_FORM_STRING)
		aim_string(t);
	else if (t->insn.has_mem)
		aim_operand(t, address);
	else if (t->insn.id == INSN_XLAT)
		t->before.gpr[INSN_RBX] = address;
	for (unsigned i = 0; t->insn.mode != INSN_MODE_64 && i < 16; i++)
		t->before.gpr[i] &= UINT32_MAX;
}

/** In the test, not before it: cmocka has handlers of its own. */
static void catch_faults(void)
{
	static uint8_t signal_stack[65536];
	const stack_t stack = {.ss_sp = signal_stack, .ss_size = sizeof(signal_stack)};
	const struct sigaction action = {.sa_sigaction = on_fault,
					 .sa_flags = SA_SIGINFO | SA_ONSTACK};

	assert_int_equal(sigaltstack(&stack, NULL), 0);
	assert_int_equal(sigaction(SIGSEGV, &action, NULL), 0);
	assert_int_equal(sigaction(SIGFPE, &action, NULL), 0);
	assert_int_equal(sigaction(SIGBUS, &action, NULL), 0);
}

static void run_mode(enum insn_mode mode)
{
	static uint64_t compared[INSN_ID_COUNT];
	struct test_case t;
	uint64_t total = 0;

	memset(compared, 0, sizeof(compared));
	rng = (struct random){options.seed + mode};
	differences = 0;
	catch_faults();
	for (uint64_t i = 0; i < options.count; i++) {
		make_instruction(&t, mode);
		make_state(&t);
		if (run_case(&t))
			compared[t.insn.id]++;
	}
	for (unsigned i = 0; i < INSN_ID_COUNT; i++)
		total += compared[i];
	printf("# mode %u: %llu cases compared with the CPU\n", 16u << mode,
	       (unsigned long long)total);
	assert_int_equal(differences, 0);
	assert_true(total >= options.count / 2);
	for (unsigned id = INSN_ADD; id < INSN_TZCNT; id++)
		assert_true(options.count < 400000 || compared[id] > 0);
}

static void code_64(void **state)
{
	(void)state;
	run_mode(INSN_MODE_64);
}

static void code_32(void **state)
{
	(void)state;
	run_mode(INSN_MODE_32);
}

static void *map_at(uintptr_t address, size_t size, int protection, int flag)
{
	return mmap((void *)address, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | flag, -1, 0);
}

static void identify_cpu(void)
{
	unsigned a, b, c, d;

	if (__get_cpuid(1, &a, &b, &c, &d) != 0) {
		cpu.movbe = (c & bit_MOVBE) != 0;
		cpu.popcnt = (c & bit_POPCNT) != 0;
	}
	if (__get_cpuid_count(7, 0, &a, &b, &c, &d) != 0)
		cpu.bmi1 = (b & bit_BMI) != 0;
	if (__get_cpuid(0x80000001, &a, &b, &c, &d) != 0)
		cpu.lzcnt = (c & bit_LZCNT) != 0;
}

static int prepare(void **state)
{
	(void)state;
	identify_cpu();
	if (map_at(RESERVED, RESERVED_SIZE, PROT_NONE, MAP_FIXED_NOREPLACE) == MAP_FAILED ||
	    map_at(CODE, 0x1000, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_FIXED) == MAP_FAILED ||
	    map_at(DATA, DATA_SIZE, PROT_READ | PROT_WRITE, MAP_FIXED) == MAP_FAILED)
		return -1;
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(code_64),
		cmocka_unit_test(code_32),
	};

	random_parse(argc, argv, &options);
	printf("# seed %llu, %llu instructions in each mode\n", (unsigned long long)options.seed,
	       (unsigned long long)options.count);
	return cmocka_run_group_tests(tests, prepare, NULL);
}
