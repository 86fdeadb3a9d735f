/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The decoder on instructions picked by hand: what a driver or a VMM meets, and the corners.
 *
 * @verifies LIB-101 LIB-102 LIB-103 LIB-104 LIB-105
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/x86/insn.h"

#define BYTES(...) ((const uint8_t[INSN_MAX_LENGTH + 1]){__VA_ARGS__})

static struct insn decode(enum insn_mode mode, const uint8_t *bytes)
{
	struct insn insn;

	assert_int_equal(insn_decode(bytes, INSN_MAX_LENGTH, mode, &insn), 0);
	return insn;
}

static void identities_and_lengths(void **state)
{
	static const struct {
		enum insn_mode mode;
		uint8_t bytes[INSN_MAX_LENGTH];
		uint8_t id, length;
	} cases[] = {
		{INSN_MODE_64, {0x0f, 0xa2}, INSN_CPUID, 2},
		{INSN_MODE_64, {0x0f, 0x32}, INSN_RDMSR, 2},
		{INSN_MODE_64, {0x0f, 0x30}, INSN_WRMSR, 2},
		{INSN_MODE_16, {0xf4}, INSN_HLT, 1},
		{INSN_MODE_64, {0xf3, 0x90}, INSN_PAUSE, 2},
		{INSN_MODE_64, {0x90}, INSN_NOP, 1},
		{INSN_MODE_64, {0x41, 0x90}, INSN_XCHG, 2},
		{INSN_MODE_64, {0x0f, 0x01, 0xd9}, INSN_VMMCALL, 3},
		{INSN_MODE_64, {0x0f, 0x01, 0xc1}, INSN_VMCALL, 3},
		{INSN_MODE_64, {0x0f, 0x01, 0xd1}, INSN_XSETBV, 3},
		{INSN_MODE_64, {0x0f, 0x01, 0xc8}, INSN_MONITOR, 3},
		{INSN_MODE_64, {0x0f, 0x01, 0x38}, INSN_INVLPG, 3},
		{INSN_MODE_64, {0x0f, 0x01, 0x14, 0x25, 1, 2, 3, 4}, INSN_LGDT, 8},
		{INSN_MODE_16, {0x0f, 0x01, 0x16, 1, 2}, INSN_LGDT, 5},
		{INSN_MODE_32, {0x0f, 0x01, 0xf0}, INSN_LMSW, 3},
		{INSN_MODE_32, {0x0f, 0x01, 0x20}, INSN_SMSW, 3},
		{INSN_MODE_64, {0xe4, 0x80}, INSN_IN, 2},
		{INSN_MODE_64, {0x66, 0xef}, INSN_OUT, 2},
		{INSN_MODE_32, {0xf3, 0x6c}, INSN_INS, 2},
		{INSN_MODE_32, {0xcd, 0x80}, INSN_INT, 2},
		{INSN_MODE_32, {0xce}, INSN_INTO, 1},
		{INSN_MODE_64, {0x48, 0xcf}, INSN_IRET, 2},
		{INSN_MODE_64, {0x0f, 0x06}, INSN_CLTS, 2},
		{INSN_MODE_64, {0x66, 0x0f, 0x38, 0x81, 0x00}, INSN_INVVPID, 5},
		{INSN_MODE_64, {0x0f, 0xae, 0xf0}, INSN_OTHER, 3},
		{INSN_MODE_32, {0xea, 1, 2, 3, 4, 5, 6}, INSN_JMP_FAR, 7},
		{INSN_MODE_16, {0x66, 0xea, 1, 2, 3, 4, 5, 6}, INSN_JMP_FAR, 8},
		{INSN_MODE_64, {0xc5, 0xf8, 0x77}, INSN_OTHER, 3},
		{INSN_MODE_32, {0xc5, 0x00}, INSN_LOAD_FAR, 2},
		{INSN_MODE_64, {0x62, 0xf1, 0x7c, 0x48, 0x10, 0x40, 1}, INSN_OTHER, 7},
		{INSN_MODE_32, {0x62, 0x00}, INSN_BOUND, 2},
		{INSN_MODE_64, {0x8f, 0x00}, INSN_POP, 2},
		{INSN_MODE_64, {0x8f, 0xe9, 0x78, 0x01, 0xc8}, INSN_OTHER, 5},
		{INSN_MODE_64, {0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8}, INSN_MOV, 10},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct insn insn = decode(cases[i].mode, cases[i].bytes);

		assert_int_equal(insn.id, cases[i].id);
		assert_int_equal(insn.length, cases[i].length);
	}
}

static void invalid_and_truncated(void **state)
{
	static const struct {
		enum insn_mode mode;
		uint8_t bytes[INSN_MAX_LENGTH + 1];
		uint8_t n;
		int error;
	} cases[] = {
		{INSN_MODE_64, {0}, 0, INSN_E_TRUNCATED},
		{INSN_MODE_64, {0x8b}, 1, INSN_E_TRUNCATED},
		{INSN_MODE_64, {0xc7, 0x00, 1, 2, 3}, 5, INSN_E_TRUNCATED},
		{INSN_MODE_64, {0x0f, 0xff}, 2, INSN_E_TRUNCATED},
		{INSN_MODE_64, {0x06}, 1, INSN_E_INVALID},	       /* PUSH ES */
		{INSN_MODE_64, {0xf0, 0x8b, 0x00}, 3, INSN_E_INVALID}, /* LOCK MOV */
		{INSN_MODE_64, {0xf0, 0x01, 0xc0}, 3, INSN_E_INVALID}, /* LOCK ADD of registers */
		{INSN_MODE_64, {0x0f, 0x20, 0xc8}, 3, INSN_E_INVALID}, /* CR1 */
		{INSN_MODE_64, {0x8e, 0xc8}, 2, INSN_E_INVALID},       /* to CS */
		{INSN_MODE_64, {0xff, 0xff}, 2, INSN_E_INVALID},
		{INSN_MODE_64, {0x0f, 0x04}, 2, INSN_E_INVALID},
		{INSN_MODE_64, {0x66, 0xc5, 0xf8, 0x77}, 4, INSN_E_INVALID},
		{INSN_MODE_64,
		 {0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
		  0x66, 0x66, 0x90},
		 16,
		 INSN_E_TOO_LONG},
		{INSN_MODE_64,
		 {0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0xc7, 0x00, 1},
		 14,
		 INSN_E_TRUNCATED},
		{INSN_MODE_64,
		 {0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0xc7,
		  0x00, 1},
		 15,
		 INSN_E_TOO_LONG},
	};
	struct insn insn;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(insn_decode(cases[i].bytes, cases[i].n, cases[i].mode, &insn),
				 cases[i].error);
}

/** Every shorter piece of a valid instruction is incomplete, and the sanitizer sees each read. */
static void every_prefix_is_truncated(void **state)
{
	static const uint8_t bytes[15] = {0x2e, 0x66, 0x42, 0xc7, 0x84, 0x80, 1, 2, 3, 4, 5, 6};
	struct insn insn;

	(void)state;
	for (size_t n = 0; n <= 12; n++) {
		uint8_t *exact = malloc(n == 0 ? 1 : n);

		assert_non_null(exact);
		memcpy(exact, bytes, n);
		assert_int_equal(insn_decode(exact, n, INSN_MODE_64, &insn),
				 n < 12 ? INSN_E_TRUNCATED : 0);
		free(exact);
	}
}

static void operands_of_a_move(void **state)
{
	/* mov word [r13 + r9*4 - 0x10], 0x1234 in FS */
	const struct insn insn =
		decode(INSN_MODE_64, BYTES(0x64, 0x66, 0x43, 0xc7, 0x44, 0x8d, 0xf0, 0x34, 0x12));

	(void)state;
	assert_int_equal(insn.length, 9);
	assert_int_equal(insn.form, INSN_FORM_RM_I);
	assert_int_equal(insn.opsize, 2);
	assert_int_equal(insn.addrsize, 8);
	assert_int_equal(insn.seg, INSN_FS);
	assert_true(insn.has_mem);
	assert_int_equal(insn.mem.base, 13);
	assert_int_equal(insn.mem.index, 9);
	assert_int_equal(insn.mem.scale, 4);
	assert_int_equal(insn.mem.disp, -0x10);
	assert_int_equal(insn.mem.size, 2);
	assert_int_equal(insn.mem.access, INSN_WRITE);
	assert_int_equal(insn.imm, 0x1234);
}

static void default_segments(void **state)
{
	(void)state;
	assert_int_equal(decode(INSN_MODE_16, BYTES(0x8b, 0x02)).seg, INSN_SS);	      /* bp+si */
	assert_int_equal(decode(INSN_MODE_16, BYTES(0x8b, 0x06, 1, 2)).seg, INSN_DS); /* disp16 */
	assert_int_equal(decode(INSN_MODE_32, BYTES(0x8b, 0x45, 0)).seg, INSN_SS);
	assert_int_equal(decode(INSN_MODE_32, BYTES(0x8b, 0x04, 0x24)).seg, INSN_SS);
	assert_int_equal(decode(INSN_MODE_64, BYTES(0x41, 0x8b, 0x45, 0)).seg, INSN_DS); /* r13 */
	assert_int_equal(decode(INSN_MODE_32, BYTES(0x26, 0x8b, 0x45, 0)).seg, INSN_ES);
	assert_int_equal(decode(INSN_MODE_64, BYTES(0x26, 0x8b, 0x45, 0)).seg, INSN_SS);
	assert_int_equal(decode(INSN_MODE_64, BYTES(0x65, 0x2e, 0x8b, 0)).seg, INSN_GS);
}

static void offsets(void **state)
{
	uint64_t gpr[16] = {0};

	(void)state;
	gpr[INSN_RBX] = 0xffff;
	gpr[INSN_RSI] = 0x1234fff0;
	/* 16-bit: bx + si + 0x20 wraps at 64 KiB and ignores what is above. */
	assert_int_equal(insn_offset(&(struct insn){0}, gpr, 0), 0);
	{
		const struct insn insn = decode(INSN_MODE_16, BYTES(0x8b, 0x40, 0x20));

		assert_int_equal(insn_offset(&insn, gpr, 0), 0x000f);
	}
	{
		/* RIP-relative, backwards, and cut to 32 bits with 67h. */
		const struct insn insn =
			decode(INSN_MODE_64, BYTES(0x67, 0x8b, 0x05, 0xf0, 0xff, 0xff, 0xff));

		assert_int_equal(insn.mem.base, INSN_RIP);
		assert_int_equal(insn_offset(&insn, gpr, UINT64_C(0x100000008)), 0xfffffff8);
	}
	{
		const struct insn insn = decode(INSN_MODE_64, BYTES(0xa1, 1, 2, 3, 4, 5, 6, 7, 8));

		assert_int_equal(insn_offset(&insn, gpr, 0), UINT64_C(0x0807060504030201));
	}
}

static void control_register_moves(void **state)
{
	/* mov cr8, r10; the mod field is ignored, no displacement follows. */
	const struct insn insn = decode(INSN_MODE_64, BYTES(0x45, 0x0f, 0x22, 0x42, 0x55));
	/* AMD's way to CR8 outside 64-bit mode. */
	const struct insn alt = decode(INSN_MODE_32, BYTES(0xf0, 0x0f, 0x20, 0xc1));

	(void)state;
	assert_int_equal(insn.id, INSN_MOV_CR);
	assert_int_equal(insn.form, INSN_FORM_CR_R);
	assert_int_equal(insn.reg, 8);
	assert_int_equal(insn.rm, 10);
	assert_int_equal(insn.length, 4);
	assert_int_equal(insn.opsize, 8);
	assert_false(insn.has_mem);
	assert_int_equal(alt.prefixes, INSN_PREFIX_LOCK);
	assert_int_equal(alt.reg, 0);
	assert_int_equal(alt.rm, 1);
}

static void matching_a_known_opcode(void **state)
{
	static const uint8_t page_end[2] = {0x0f, 0xa2};

	(void)state;
	assert_int_equal(insn_match(page_end, 2, INSN_MODE_64, INSN_PATTERN_CPUID), 2);
	assert_int_equal(insn_match(page_end, 1, INSN_MODE_64, INSN_PATTERN_CPUID), 0);
	assert_int_equal(insn_match(BYTES(0x0f, 0xa2), 15, INSN_MODE_64, INSN_PATTERN_CPUID), 2);
	assert_int_equal(insn_match(BYTES(0x0f, 0xa2), 15, INSN_MODE_64, INSN_PATTERN_RDMSR), 0);
	assert_int_equal(
		insn_match(BYTES(0x66, 0x48, 0x0f, 0xa2), 15, INSN_MODE_64, INSN_PATTERN_CPUID), 4);
	/* 48h is DEC there, not a prefix. */
	assert_int_equal(insn_match(BYTES(0x48, 0x0f, 0xa2), 15, INSN_MODE_32, INSN_PATTERN_CPUID),
			 0);
	assert_int_equal(insn_match(BYTES(0xf0, 0x0f, 0xa2), 15, INSN_MODE_64, INSN_PATTERN_CPUID),
			 0);
	assert_int_equal(insn_match(BYTES(0xf3, 0x90), 15, INSN_MODE_64, INSN_PATTERN_PAUSE), 2);
	assert_int_equal(insn_match(BYTES(0x90), 15, INSN_MODE_64, INSN_PATTERN_PAUSE), 0);
	assert_int_equal(insn_match(BYTES(0xf3, 0xf2, 0x90), 15, INSN_MODE_64, INSN_PATTERN_PAUSE),
			 0);
	assert_int_equal(insn_match(BYTES(0x66, 0xf3, 0x90), 15, INSN_MODE_64, INSN_PATTERN_PAUSE),
			 3);
}

/** Fourteen prefixes and HLT are an instruction, one more is none. */
static void matching_up_to_fifteen_bytes(void **state)
{
	uint8_t bytes[17];

	(void)state;
	memset(bytes, 0x66, sizeof(bytes));
	bytes[14] = 0xf4;
	assert_int_equal(insn_match(bytes, 17, INSN_MODE_64, INSN_PATTERN_HLT), 15);
	bytes[14] = 0x66;
	bytes[15] = 0xf4;
	assert_int_equal(insn_match(bytes, 17, INSN_MODE_64, INSN_PATTERN_HLT), 0);
	assert_int_equal(insn_skip_prefixes(bytes, 17, INSN_MODE_64), 14);
}

static void plain_moves(void **state)
{
	struct insn_mov mov;

	(void)state;
	/* mov dword [rdi + 0xb0], 0: the end of an interrupt */
	assert_int_equal(insn_mov_decode(BYTES(0xc7, 0x87, 0xb0, 0, 0, 0, 0, 0, 0, 0), 15,
					 INSN_MODE_64, &mov),
			 10);
	assert_true(mov.store && mov.has_imm);
	assert_int_equal(mov.size, 4);
	assert_int_equal(mov.imm, 0);
	/* mov [rax], ch */
	assert_int_equal(insn_mov_decode(BYTES(0x88, 0x28), 15, INSN_MODE_64, &mov), 2);
	assert_true(mov.store && mov.high_byte && !mov.has_imm);
	assert_int_equal(mov.reg, 1);
	/* mov r12d, [0xfee00080] */
	assert_int_equal(insn_mov_decode(BYTES(0x44, 0x8b, 0x24, 0x25, 0x80, 0, 0xe0, 0xfe), 15,
					 INSN_MODE_64, &mov),
			 8);
	assert_false(mov.store || mov.high_byte || mov.has_imm);
	assert_int_equal(mov.reg, 12);
	/* Between registers, with a segment, in 16-bit code, too few bytes: the long way. */
	assert_int_equal(insn_mov_decode(BYTES(0x89, 0xc0), 15, INSN_MODE_64, &mov), 0);
	assert_int_equal(insn_mov_decode(BYTES(0x65, 0x89, 0x00), 15, INSN_MODE_64, &mov), 0);
	assert_int_equal(insn_mov_decode(BYTES(0x89, 0x00), 15, INSN_MODE_16, &mov), 0);
	assert_int_equal(insn_mov_decode(BYTES(0x89, 0x00), 2, INSN_MODE_64, &mov), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(identities_and_lengths),
		cmocka_unit_test(invalid_and_truncated),
		cmocka_unit_test(every_prefix_is_truncated),
		cmocka_unit_test(operands_of_a_move),
		cmocka_unit_test(default_segments),
		cmocka_unit_test(offsets),
		cmocka_unit_test(control_register_moves),
		cmocka_unit_test(matching_a_known_opcode),
		cmocka_unit_test(matching_up_to_fifteen_bytes),
		cmocka_unit_test(plain_moves),
	};

	return cmocka_run_group_tests_name("insn", tests, NULL, NULL);
}
