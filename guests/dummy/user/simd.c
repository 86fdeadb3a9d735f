/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fills all registers of x87, SSE and, if it may, AVX with values of its own, and looks at them again
 * and again while that many ticks go by.
 */
#include "guests/dummy/user/sys.h"

#define REGISTERS 16

struct vectors {
	uint64_t v[REGISTERS][4]; /* the low halves are the SSE registers */
	uint64_t x87;
	uint32_t mxcsr;
} __attribute__((aligned(32)));

#define EACH(op)                                                                       \
	op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10) op(11) op(12) \
		op(13) op(14) op(15)

#define LOAD_XMM(n)  "movdqu " #n "*32(%0), %%xmm" #n "\n\t"
#define STORE_XMM(n) "movdqu %%xmm" #n ", " #n "*32(%0)\n\t"
#define LOAD_YMM(n)  "vmovdqu " #n "*32(%0), %%ymm" #n "\n\t"
#define STORE_YMM(n) "vmovdqu %%ymm" #n ", " #n "*32(%0)\n\t"

static void load(const struct vectors *f, uint64_t avx)
{
	if (avx != 0)
		__asm__ volatile(EACH(LOAD_YMM) : : "r"(f->v) : "memory");
	else
		__asm__ volatile(EACH(LOAD_XMM) : : "r"(f->v) : "memory");
	__asm__ volatile("fninit; fildll %0; ldmxcsr %1" : : "m"(f->x87), "m"(f->mxcsr));
}

/* Leaves all registers as they are. */
static void store(struct vectors *f, uint64_t avx)
{
	if (avx != 0)
		__asm__ volatile(EACH(STORE_YMM) : : "r"(f->v) : "memory");
	else
		__asm__ volatile(EACH(STORE_XMM) : : "r"(f->v) : "memory");
	__asm__ volatile("fld %%st(0); fistpll %0; stmxcsr %1" : "=m"(f->x87), "=m"(f->mxcsr));
}

static void fill(struct vectors *f, uint64_t seed)
{
	for (unsigned r = 0; r < REGISTERS; r++) {
		for (unsigned i = 0; i < 4; i++)
			f->v[r][i] = (seed * 100 + r * 4 + i) * UINT64_C(0x9e3779b97f4a7c15);
	}
	f->x87 = seed * 1000003;
	f->mxcsr = 0x1f80 | (uint32_t)(seed & 3) << 13; /* a rounding mode of its own */
}

static int64_t same(const struct vectors *a, const struct vectors *b, uint64_t avx)
{
	for (unsigned r = 0; r < REGISTERS; r++) {
		for (unsigned i = 0; i < (avx != 0 ? 4u : 2u); i++)
			REQUIRE(a->v[r][i] == b->v[r][i]);
	}
	REQUIRE(a->x87 == b->x87);
	REQUIRE(a->mxcsr == b->mxcsr);
	return 0;
}

int64_t main(uint64_t seed, uint64_t avx, uint64_t ticks)
{
	static struct vectors mine, now;
	int64_t end = sys_fast(SYS_TICKS, 0, 0, 0) + (int64_t)ticks, line = 0;

	fill(&mine, seed);
	load(&mine, avx);
	while (line == 0 && sys_fast(SYS_TICKS, 0, 0, 0) < end) {
		for (volatile unsigned i = 0; i < 1000; i++)
			;
		store(&now, avx);
		line = same(&mine, &now, avx);
	}
	return line;
}
