/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each thread has FPU and vector registers of its own, whoever ran in between.
 * @verifies KRN-034
 */
#include "lib/hypike/program.h"
#include "tests/system/native/check.h"

struct vector {
	uint8_t bytes[32];
} __attribute__((aligned(32)));

static bool avx;

static bool has_avx(void)
{
	uint32_t a = 1, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return (c >> 27 & 1) != 0 && (c >> 28 & 1) != 0; /* OSXSAVE, AVX */
}

static void put(const struct vector *v)
{
	if (avx)
		__asm__ volatile("vmovdqa %0, %%ymm3; vmovdqa %0, %%ymm15" : : "m"(*v));
	else
		__asm__ volatile("movdqa %0, %%xmm3; movdqa %0, %%xmm15" : : "m"(*v));
}

static void get(struct vector *low, struct vector *high)
{
	*low = *high = (struct vector){{0}};
	if (avx)
		__asm__ volatile("vmovdqa %%ymm3, %0; vmovdqa %%ymm15, %1"
				 : "=m"(*low), "=m"(*high));
	else
		__asm__ volatile("movdqa %%xmm3, %0; movdqa %%xmm15, %1"
				 : "=m"(*low), "=m"(*high));
}

static bool holds(uint8_t value)
{
	struct vector low, high;
	unsigned int size = avx ? 32 : 16;
	bool same = true;

	get(&low, &high);
	for (unsigned int i = 0; i < size; i++)
		same &= low.bytes[i] == value && high.bytes[i] == value;
	return same;
}

/* ---- what a thread begins with ---- */

static uint32_t clean;

static void look(void *arg)
{
	uint16_t control;
	uint32_t mxcsr;

	(void)arg;
	__asm__ volatile("fnstcw %0; stmxcsr %1" : "=m"(control), "=m"(mxcsr));
	store(&clean, control == 0x37f && mxcsr == 0x1f80 && holds(0) ? 2 : 1);
}

static void test_fresh(void)
{
	struct vector mine;

	__builtin_memset(&mine, 0xa5, sizeof(mine));
	put(&mine);
	spawn(look, NULL, hypike_info()->priority - 1, 0);
	wait_for(&clean, 1);
	check(load(&clean) == 2, "a new thread finds the initial state, not another's");
	check(holds(0xa5), "and another thread's values are still there");
}

/* ---- switching ---- */

#define THREADS 4u
#define ROUNDS	50u

static uint32_t finished, wrong;

/* By yield half of the time, by the timer the other half. */
static void churn(void *arg)
{
	uint8_t value = *(uint8_t *)arg;
	struct vector mine;

	__builtin_memset(&mine, value, sizeof(mine));
	put(&mine);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		if (i % 2 == 0)
			hypike_yield();
		else
			sleep_ms(i % 16 == 1);
		if (!holds(value))
			__atomic_fetch_add(&wrong, 1, __ATOMIC_SEQ_CST);
	}
	__atomic_fetch_add(&finished, 1, __ATOMIC_SEQ_CST);
}

static void test_switch(uint32_t cpu)
{
	static uint8_t values[THREADS];

	store(&finished, 0);
	for (uint32_t i = 0; i < THREADS; i++) {
		values[i] = (uint8_t)(0x11 * (i + 1) + cpu);
		spawn(churn, &values[i], hypike_info()->priority - 1, cpu);
	}
	check(wait_for(&finished, THREADS) && load(&wrong) == 0,
	      "%u threads on CPU %u keep their registers", THREADS, cpu);
}

int main(void)
{
	avx = has_avx();
	say("# with %s\n", avx ? "AVX" : "SSE");
	test_fresh();
	for (uint32_t cpu = 0; cpu < hypike_info()->cpu_count && cpu < 2; cpu++)
		test_switch(cpu);
	return check_done();
}
