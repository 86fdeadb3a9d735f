/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file emulate_op.h
 * Operations of the emulator, each an emu_op: the result of emu::dst and emu::src, with the flags
 * that it changes. The names are the instructions'.
 */
#ifndef VMM_EMULATE_OP_H
#define VMM_EMULATE_OP_H

#include "vmm/emulate_state.h"

uint64_t op_move(struct emu *e);
uint64_t op_sign_extend(struct emu *e);
uint64_t op_swap_bytes(struct emu *e);
uint64_t op_cmov(struct emu *e);
uint64_t op_set(struct emu *e);
uint64_t op_add(struct emu *e);
uint64_t op_adc(struct emu *e);
uint64_t op_sub(struct emu *e);
uint64_t op_sbb(struct emu *e);
uint64_t op_and(struct emu *e);
uint64_t op_or(struct emu *e);
uint64_t op_xor(struct emu *e);
uint64_t op_inc(struct emu *e);
uint64_t op_dec(struct emu *e);
uint64_t op_not(struct emu *e);
uint64_t op_neg(struct emu *e);
uint64_t op_rol(struct emu *e);
uint64_t op_ror(struct emu *e);
uint64_t op_rcl(struct emu *e);
uint64_t op_rcr(struct emu *e);
uint64_t op_shl(struct emu *e);
uint64_t op_shr(struct emu *e);
uint64_t op_sar(struct emu *e);
uint64_t op_shld(struct emu *e);
uint64_t op_shrd(struct emu *e);
uint64_t op_bt(struct emu *e);
uint64_t op_bts(struct emu *e);
uint64_t op_btr(struct emu *e);
uint64_t op_btc(struct emu *e);
uint64_t op_imul(struct emu *e);
uint64_t op_bsf(struct emu *e);
uint64_t op_bsr(struct emu *e);
uint64_t op_tzcnt(struct emu *e);
uint64_t op_lzcnt(struct emu *e);
uint64_t op_popcnt(struct emu *e);

void emu_set_zero_flag(struct emu *e, bool value);

#endif
