/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file emulate_alu.h
 * Integer arithmetic with the flags that x86 gives it. Operands and results are zero-extended
 * values of `size` bytes; `flags` is read and changed in the bits that the instruction defines.
 * Bits that the manuals leave undefined keep their value, or are cleared.
 */
#ifndef VMM_EMULATE_ALU_H
#define VMM_EMULATE_ALU_H

#include <stdbool.h>
#include <stdint.h>

uint64_t alu_add(uint64_t a, uint64_t b, bool carry, unsigned size, uint64_t *flags);
uint64_t alu_sub(uint64_t a, uint64_t b, bool borrow, unsigned size, uint64_t *flags);
/** Flags of AND, OR, XOR and TEST. */
uint64_t alu_logic(uint64_t result, unsigned size, uint64_t *flags);
/** INC and DEC: as addition and subtraction, but CF stays. */
uint64_t alu_inc(uint64_t a, unsigned size, uint64_t *flags);
uint64_t alu_dec(uint64_t a, unsigned size, uint64_t *flags);

uint64_t alu_rol(uint64_t a, uint64_t count, unsigned size, uint64_t *flags);
uint64_t alu_ror(uint64_t a, uint64_t count, unsigned size, uint64_t *flags);
uint64_t alu_rcl(uint64_t a, uint64_t count, unsigned size, uint64_t *flags);
uint64_t alu_rcr(uint64_t a, uint64_t count, unsigned size, uint64_t *flags);
uint64_t alu_shl(uint64_t a, uint64_t count, unsigned size, uint64_t *flags);
uint64_t alu_shr(uint64_t a, uint64_t count, unsigned size, uint64_t *flags);
uint64_t alu_sar(uint64_t a, uint64_t count, unsigned size, uint64_t *flags);
/** SHLD, SHRD: `fill` supplies the bits that are shifted in. */
uint64_t alu_shld(uint64_t a, uint64_t fill, uint64_t count, unsigned size, uint64_t *flags);
uint64_t alu_shrd(uint64_t a, uint64_t fill, uint64_t count, unsigned size, uint64_t *flags);

/** Two-operand IMUL: the low half; CF and OF tell whether it is the whole product. */
uint64_t alu_imul(uint64_t a, uint64_t b, unsigned size, uint64_t *flags);
/** The high half of the full product, with the flags of MUL or one-operand IMUL. */
uint64_t alu_mul_high(uint64_t a, uint64_t b, bool is_signed, unsigned size, uint64_t *flags);
/** @return false for #DE: divisor zero, or the quotient does not fit. */
bool alu_divide(uint64_t high, uint64_t low, uint64_t divisor, bool is_signed, unsigned size,
		uint64_t *quotient, uint64_t *remainder);

/** `value` of `size` bytes, sign-extended to 64 bits. */
int64_t alu_sign_extend(uint64_t value, unsigned size);

#endif
