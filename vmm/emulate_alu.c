/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/emulate_alu.h"

#include "lib/x86/insn.h"
#include "lib/x86/regs.h"

static unsigned bits_of(unsigned size)
{
	return size * 8;
}

static bool sign_of(uint64_t value, unsigned size)
{
	return (value >> (bits_of(size) - 1) & 1) != 0;
}

static void set_flag(uint64_t *flags, uint64_t flag, bool value)
{
	*flags = value ? *flags | flag : *flags & ~flag;
}

int64_t alu_sign_extend(uint64_t value, unsigned size)
{
	const unsigned unused = 64 - bits_of(size);

	return (int64_t)(value << unused) >> unused;
}

/** ZF, SF, and PF, which is the parity of the low byte only. */
static void set_result_flags(uint64_t result, unsigned size, uint64_t *flags)
{
	set_flag(flags, RFLAGS_ZF, result == 0);
	set_flag(flags, RFLAGS_SF, sign_of(result, size));
	set_flag(flags, RFLAGS_PF, !__builtin_parity((unsigned)(result & 0xff)));
}

/* ---- Addition, subtraction, logic ----------------------------------------------------------- */

uint64_t alu_add(uint64_t a, uint64_t b, bool carry, unsigned size, uint64_t *flags)
{
	const uint64_t result = (a + b + carry) & insn_size_mask(size);

	set_result_flags(result, size, flags);
	set_flag(flags, RFLAGS_CF, sign_of((a & b) | ((a | b) & ~result), size));
	set_flag(flags, RFLAGS_OF, sign_of((a ^ result) & (b ^ result), size));
	set_flag(flags, RFLAGS_AF, ((a ^ b ^ result) & 0x10) != 0);
	return result;
}

uint64_t alu_sub(uint64_t a, uint64_t b, bool borrow, unsigned size, uint64_t *flags)
{
	const uint64_t result = (a - b - borrow) & insn_size_mask(size);

	set_result_flags(result, size, flags);
	set_flag(flags, RFLAGS_CF, sign_of((~a & b) | ((~a | b) & result), size));
	set_flag(flags, RFLAGS_OF, sign_of((a ^ b) & (a ^ result), size));
	set_flag(flags, RFLAGS_AF, ((a ^ b ^ result) & 0x10) != 0);
	return result;
}

uint64_t alu_logic(uint64_t result, unsigned size, uint64_t *flags)
{
	*flags &= ~(RFLAGS_CF | RFLAGS_OF | RFLAGS_AF);
	set_result_flags(result, size, flags);
	return result;
}

uint64_t alu_inc(uint64_t a, unsigned size, uint64_t *flags)
{
	const uint64_t carry = *flags & RFLAGS_CF;
	const uint64_t result = alu_add(a, 1, false, size, flags);

	*flags = (*flags & ~RFLAGS_CF) | carry;
	return result;
}

uint64_t alu_dec(uint64_t a, unsigned size, uint64_t *flags)
{
	const uint64_t carry = *flags & RFLAGS_CF;
	const uint64_t result = alu_sub(a, 1, false, size, flags);

	*flags = (*flags & ~RFLAGS_CF) | carry;
	return result;
}

/* ---- Shifts and rotations: the count is taken modulo 32, or 64 for quadwords ---------------- */

static unsigned masked_count(uint64_t count, unsigned size)
{
	return (unsigned)(count & (size == 8 ? 63 : 31));
}

uint64_t alu_rol(uint64_t a, uint64_t count, unsigned size, uint64_t *flags)
{
	const unsigned bits = bits_of(size);
	const unsigned by = masked_count(count, size) % bits;
	const uint64_t result =
		by == 0 ? a : ((a << by) | (a >> (bits - by))) & insn_size_mask(size);

	if (masked_count(count, size) == 0)
		return a;
	set_flag(flags, RFLAGS_CF, (result & 1) != 0);
	set_flag(flags, RFLAGS_OF, sign_of(result, size) != ((result & 1) != 0));
	return result;
}

uint64_t alu_ror(uint64_t a, uint64_t count, unsigned size, uint64_t *flags)
{
	const unsigned bits = bits_of(size);
	const unsigned by = masked_count(count, size) % bits;
	const uint64_t result =
		by == 0 ? a : ((a >> by) | (a << (bits - by))) & insn_size_mask(size);

	if (masked_count(count, size) == 0)
		return a;
	set_flag(flags, RFLAGS_CF, sign_of(result, size));
	set_flag(flags, RFLAGS_OF, sign_of(result ^ (result << 1), size));
	return result;
}

/** One bit left through CF. */
static uint64_t rcl_once(uint64_t a, unsigned size, uint64_t *flags)
{
	const uint64_t carry = (*flags & RFLAGS_CF) != 0 ? 1 : 0;

	set_flag(flags, RFLAGS_CF, sign_of(a, size));
	return ((a << 1) | carry) & insn_size_mask(size);
}

uint64_t alu_rcl(uint64_t a, uint64_t count, unsigned size, uint64_t *flags)
{
	const unsigned masked = masked_count(count, size);

	for (unsigned i = masked % (bits_of(size) + 1); i > 0; i--)
		a = rcl_once(a, size, flags);
	if (masked != 0)
		set_flag(flags, RFLAGS_OF, sign_of(a, size) != ((*flags & RFLAGS_CF) != 0));
	return a;
}

/** One bit right through CF. */
static uint64_t rcr_once(uint64_t a, unsigned size, uint64_t *flags)
{
	const uint64_t carry = (*flags & RFLAGS_CF) != 0 ? 1 : 0;

	set_flag(flags, RFLAGS_CF, (a & 1) != 0);
	return (a >> 1) | (carry << (bits_of(size) - 1));
}

uint64_t alu_rcr(uint64_t a, uint64_t count, unsigned size, uint64_t *flags)
{
	const unsigned masked = masked_count(count, size);

	for (unsigned i = masked % (bits_of(size) + 1); i > 0; i--)
		a = rcr_once(a, size, flags);
	if (masked != 0)
		set_flag(flags, RFLAGS_OF, sign_of(a ^ (a << 1), size));
	return a;
}

uint64_t alu_shl(uint64_t a, uint64_t count, unsigned size, uint64_t *flags)
{
	const unsigned by = masked_count(count, size);
	const unsigned bits = bits_of(size);
	uint64_t result;

	if (by == 0)
		return a;
	result = (a << by) & insn_size_mask(size);
	set_flag(flags, RFLAGS_CF, by <= bits && (a >> (bits - by) & 1) != 0);
	set_flag(flags, RFLAGS_OF, sign_of(result, size) != ((*flags & RFLAGS_CF) != 0));
	set_result_flags(result, size, flags);
	return result;
}

uint64_t alu_shr(uint64_t a, uint64_t count, unsigned size, uint64_t *flags)
{
	const unsigned by = masked_count(count, size);

	if (by == 0)
		return a;
	set_flag(flags, RFLAGS_CF, (a >> (by - 1) & 1) != 0);
	set_flag(flags, RFLAGS_OF, sign_of(a, size));
	set_result_flags(a >> by, size, flags);
	return a >> by;
}

uint64_t alu_sar(uint64_t a, uint64_t count, unsigned size, uint64_t *flags)
{
	const unsigned by = masked_count(count, size);
	const int64_t wide = alu_sign_extend(a, size);
	uint64_t result;

	if (by == 0)
		return a;
	result = (uint64_t)(wide >> by) & insn_size_mask(size);
	set_flag(flags, RFLAGS_CF, (wide >> (by - 1) & 1) != 0);
	set_flag(flags, RFLAGS_OF, false);
	set_result_flags(result, size, flags);
	return result;
}

/* Counts above 16 of a 16-bit SHLD or SHRD leave result and flags undefined (SDM). */

uint64_t alu_shld(uint64_t a, uint64_t fill, uint64_t count, unsigned size, uint64_t *flags)
{
	const unsigned bits = bits_of(size);
	const unsigned by = masked_count(count, size);
	uint64_t result;

	if (by == 0 || by > bits)
		return a;
	result = ((a << by) | (fill >> (bits - by))) & insn_size_mask(size);
	set_flag(flags, RFLAGS_CF, (a >> (bits - by) & 1) != 0);
	set_flag(flags, RFLAGS_OF, sign_of(result ^ a, size));
	set_result_flags(result, size, flags);
	return result;
}

uint64_t alu_shrd(uint64_t a, uint64_t fill, uint64_t count, unsigned size, uint64_t *flags)
{
	const unsigned bits = bits_of(size);
	const unsigned by = masked_count(count, size);
	uint64_t result;

	if (by == 0 || by > bits)
		return a;
	result = ((a >> by) | (fill << (bits - by))) & insn_size_mask(size);
	set_flag(flags, RFLAGS_CF, (a >> (by - 1) & 1) != 0);
	set_flag(flags, RFLAGS_OF, sign_of(result ^ a, size));
	set_result_flags(result, size, flags);
	return result;
}

/* ---- Multiplication and division ------------------------------------------------------------ */

static void set_product_flags(bool overflow, uint64_t *flags)
{
	set_flag(flags, RFLAGS_CF, overflow);
	set_flag(flags, RFLAGS_OF, overflow);
}

static __int128 signed_product(uint64_t a, uint64_t b, unsigned size)
{
	return (__int128)alu_sign_extend(a, size) * alu_sign_extend(b, size);
}

uint64_t alu_imul(uint64_t a, uint64_t b, unsigned size, uint64_t *flags)
{
	const __int128 product = signed_product(a, b, size);
	const uint64_t low = (uint64_t)product & insn_size_mask(size);

	set_product_flags(product != alu_sign_extend(low, size), flags);
	return low;
}

uint64_t alu_mul_high(uint64_t a, uint64_t b, bool is_signed, unsigned size, uint64_t *flags)
{
	const unsigned __int128 product = is_signed ? (unsigned __int128)signed_product(a, b, size)
						    : (unsigned __int128)a * b;
	const uint64_t high = (uint64_t)(product >> bits_of(size)) & insn_size_mask(size);

	if (is_signed)
		alu_imul(a, b, size, flags);
	else
		set_product_flags(high != 0, flags);
	return high;
}

/** Bit by bit: the compiler's 128-bit division is in a library that is not linked here. */
static void divide_magnitudes(unsigned __int128 n, uint64_t d, unsigned __int128 *quotient,
			      uint64_t *remainder)
{
	unsigned __int128 q = 0, r = 0;

	for (unsigned i = 128; i-- > 0;) {
		r = (r << 1) | (n >> i & 1);
		q <<= 1;
		if (r >= d) {
			r -= d;
			q |= 1;
		}
	}
	*quotient = q;
	*remainder = (uint64_t)r;
}

static bool divide_unsigned(unsigned __int128 n, uint64_t d, unsigned size, uint64_t *quotient,
			    uint64_t *remainder)
{
	unsigned __int128 q;

	divide_magnitudes(n, d, &q, remainder);
	*quotient = (uint64_t)q;
	return q <= insn_size_mask(size);
}

/** Truncates towards zero; the remainder has the sign of the dividend. */
static bool divide_signed(__int128 n, int64_t d, unsigned size, uint64_t *quotient,
			  uint64_t *remainder)
{
	const unsigned __int128 limit = (unsigned __int128)1 << (bits_of(size) - 1);
	const bool negative = (n < 0) != (d < 0);
	unsigned __int128 q;
	uint64_t r;

	divide_magnitudes(n < 0 ? -(unsigned __int128)n : (unsigned __int128)n,
			  d < 0 ? -(uint64_t)d : (uint64_t)d, &q, &r);
	if (q > limit || (q == limit && !negative))
		return false;
	*quotient = (negative ? -(uint64_t)q : (uint64_t)q) & insn_size_mask(size);
	*remainder = (n < 0 ? -r : r) & insn_size_mask(size);
	return true;
}

bool alu_divide(uint64_t high, uint64_t low, uint64_t divisor, bool is_signed, unsigned size,
		uint64_t *quotient, uint64_t *remainder)
{
	const unsigned unused = 128 - 2 * bits_of(size);
	const unsigned __int128 n = ((unsigned __int128)high << bits_of(size)) | low;

	if (divisor == 0)
		return false;
	if (!is_signed)
		return divide_unsigned(n, divisor, size, quotient, remainder);
	return divide_signed((__int128)(n << unused) >> unused, alu_sign_extend(divisor, size),
			     size, quotient, remainder);
}
