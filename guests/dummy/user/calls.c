/* SPDX-License-Identifier: BSD-2-Clause */
/* Every system call, with good and bad arguments; by SYSCALL, or by INT 80h if the argument is set. */
#include "guests/dummy/user/sys.h"

#define FREE_PAGE 0x60000000u
#define KERNEL	  0x100000u

static uint64_t by_interrupt;

static int64_t call(uint64_t number, uint64_t a, uint64_t b)
{
	return by_interrupt != 0 ? sys_int(number, a, b, 0) : sys_fast(number, a, b, 0);
}

static int64_t bad_arguments(void)
{
	static const char text[] = "not printed";

	REQUIRE(call(SYS_COUNT, 0, 0) == SYS_E_NUMBER);
	REQUIRE(call(UINT64_MAX, 0, 0) == SYS_E_NUMBER);
	REQUIRE(call(SYS_WRITE, KERNEL, 8) == SYS_E_ADDRESS);
	REQUIRE(call(SYS_WRITE, FREE_PAGE, 8) == SYS_E_ADDRESS);
	REQUIRE(call(SYS_WRITE, UINT64_MAX - 3, 8) == SYS_E_ADDRESS);
	REQUIRE(call(SYS_WRITE, (uintptr_t)text, 100000) == SYS_E_ARGUMENT);
	REQUIRE(call(SYS_MAP, KERNEL, 0) == SYS_E_ADDRESS);
	REQUIRE(call(SYS_MAP, FREE_PAGE + 8, 0) == SYS_E_ADDRESS);
	REQUIRE(call(SYS_MAP, (uintptr_t)text & ~UINT64_C(0xfff), 0) == SYS_E_EXISTS);
	REQUIRE(call(SYS_UNMAP, FREE_PAGE, 0) == SYS_E_ADDRESS);
	REQUIRE(call(SYS_UNMAP, (uintptr_t)SHARED, 0) == SYS_E_ADDRESS);
	REQUIRE(call(SYS_SET_FS, UINT64_C(1) << 63, 0) == SYS_E_ADDRESS);
	return 0;
}

static int64_t memory(void)
{
	volatile uint64_t *page = (volatile uint64_t *)(uintptr_t)FREE_PAGE;

	REQUIRE(call(SYS_MAP, FREE_PAGE, 0) == 0);
	for (unsigned i = 0; i < 512; i++) {
		REQUIRE(page[i] == 0);
		page[i] = i;
	}
	REQUIRE(page[511] == 511);
	REQUIRE(call(SYS_UNMAP, FREE_PAGE, 0) == 0);
	REQUIRE(call(SYS_MAP, FREE_PAGE, 0) == 0);
	REQUIRE(page[511] == 0);
	return 0;
}

static int64_t thread_local_storage(void)
{
	static uint64_t block[2] = {0x1234, 0x5678};
	uint64_t first, second;

	REQUIRE(call(SYS_SET_FS, (uintptr_t)block, 0) == 0);
	__asm__ volatile("movq %%fs:0, %0" : "=r"(first));
	REQUIRE(call(SYS_YIELD, 0, 0) == 0);
	REQUIRE(call(SYS_SLEEP, 1, 0) == 0);
	__asm__ volatile("movq %%fs:8, %0" : "=r"(second));
	REQUIRE(first == 0x1234 && second == 0x5678);
	return 0;
}

int64_t main(uint64_t interrupt, uint64_t b, uint64_t c)
{
	int64_t ticks, line;

	(void)b;
	(void)c;
	by_interrupt = interrupt;
	REQUIRE(call(SYS_GETID, 0, 0) > 0);
	REQUIRE(call(SYS_GETID, 0, 0) == sys_int(SYS_GETID, 0, 0, 0));
	ticks = call(SYS_TICKS, 0, 0);
	REQUIRE(ticks >= 0);
	REQUIRE(call(SYS_SLEEP, 1, 0) == 0);
	REQUIRE(call(SYS_TICKS, 0, 0) > ticks);
	REQUIRE(call(SYS_CPU, 0, 0) >= 0);
	line = bad_arguments();
	if (line == 0)
		line = memory();
	return line != 0 ? line : thread_local_storage();
}
