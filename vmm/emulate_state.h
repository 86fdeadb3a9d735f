/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file emulate_state.h
 * What the parts of the emulator share for the time of one instruction.
 */
#ifndef VMM_EMULATE_STATE_H
#define VMM_EMULATE_STATE_H

#include "vmm/emulate.h"

struct emu;

/** Computes a result from emu::dst and emu::src, and flags. */
typedef uint64_t (*emu_op)(struct emu *e);

/**
 * One instruction under way. Flags and the next RIP are collected here and take effect when all
 * memory accesses have succeeded.
 */
struct emu {
	struct emu_ctx *ctx;
	const struct insn *insn;
	emu_op op; /* NULL where the instruction is more than loads, an operation and a store */
	uint64_t next_rip;
	uint64_t flags;
	uint64_t dst; /* values of the operands, zero-extended */
	uint64_t src;
};

/** @return register `n` with `size` bytes; AH, CH, DH, BH where the encoding says so. */
uint64_t emu_get_gpr(const struct emu *e, unsigned n, unsigned size);
/** Writes register `n`: 4 bytes clear the upper half, 1 and 2 keep the rest. */
void emu_set_gpr(struct emu *e, unsigned n, unsigned size, uint64_t value);
/** Changes a pointer or counter of `size` bytes as address arithmetic does. */
void emu_add_gpr(struct emu *e, unsigned n, unsigned size, uint64_t delta);

/** Linear address of an offset in a segment, checked for an access of `size` bytes. */
enum emu_status emu_linear(struct emu *e, enum insn_seg seg, uint64_t offset, unsigned size,
			   bool write, uint64_t *linear);
enum emu_status emu_read_at(struct emu *e, enum insn_seg seg, uint64_t offset, unsigned size,
			    uint64_t *value);
enum emu_status emu_write_at(struct emu *e, enum insn_seg seg, uint64_t offset, unsigned size,
			     uint64_t value);
/** Address of insn::mem. */
enum emu_status emu_operand_linear(struct emu *e, uint64_t *linear);
/** Reads insn::mem; for an instruction that writes it too, with the intent to modify. */
enum emu_status emu_read_operand(struct emu *e, uint64_t *value);
enum emu_status emu_write_operand(struct emu *e, uint64_t value);
/** Fills emu::dst and emu::src; a memory operand that is only written isn't read. */
enum emu_status emu_load_operands(struct emu *e);
/** Writes the destination that the instruction's form names. */
enum emu_status emu_store_result(struct emu *e, uint64_t value);
/** @return whether bits 63:47 of a linear address are equal. */
bool emu_is_canonical(uint64_t address);
/** Sets emu_ctx::fault. */
enum emu_status emu_raise(struct emu *e, uint8_t vector, bool has_error_code);
/** @return whether the condition in the opcode's low four bits holds (SDM appendix B.1.4.7). */
bool emu_condition(const struct emu *e);

enum emu_status emu_run_push(struct emu *e);
enum emu_status emu_run_pop(struct emu *e);
enum emu_status emu_run_jump(struct emu *e);
enum emu_status emu_run_call(struct emu *e);
enum emu_status emu_run_return(struct emu *e);
enum emu_status emu_run_jcc(struct emu *e);
/** LOOP, LOOPE, LOOPNE, JCXZ. */
enum emu_status emu_run_loop(struct emu *e);
enum emu_status emu_run_enter(struct emu *e);
enum emu_status emu_run_leave(struct emu *e);
enum emu_status emu_run_pusha(struct emu *e);
enum emu_status emu_run_popa(struct emu *e);
/** DAA, DAS, AAA, AAS, AAM, AAD, SALC. */
enum emu_status emu_run_bcd(struct emu *e);
enum emu_status emu_run_string(struct emu *e);
enum emu_status emu_run_port(struct emu *e);
enum emu_status emu_run_sse(struct emu *e);

#endif
