/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/system/native/check.h"

#include "lib/printf.h"

hv_status_t (*say_output)(const void *text, size_t size) = hypike_console_write;

static uint32_t points, failures;

void say(const char *format, ...)
{
	char text[256];
	va_list args;
	int length;

	va_start(args, format);
	length = lib_vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (length > 0)
		say_output(text, (size_t)length < sizeof(text) ? (size_t)length : sizeof(text) - 1);
}

bool check(bool passed, const char *name, ...)
{
	uint32_t number = __atomic_add_fetch(&points, 1, __ATOMIC_SEQ_CST);
	char text[160];
	va_list args;

	va_start(args, name);
	lib_vsnprintf(text, sizeof(text), name, args);
	va_end(args);
	if (!passed)
		__atomic_add_fetch(&failures, 1, __ATOMIC_SEQ_CST);
	say("%sok %u - %s\n", passed ? "" : "not ", number, text);
	return passed;
}

int check_done(void)
{
	say("1..%u\n", points);
	return failures < 99 ? (int)failures : 99;
}

#define STACKS	   32u
#define STACK_SIZE 8192u

hypike_thread_t spawn(void (*entry)(void *), void *arg, uint32_t priority, uint32_t cpu)
{
	static char stacks[STACKS][STACK_SIZE] __attribute__((aligned(16)));
	static uint32_t next;
	uint32_t mine = __atomic_fetch_add(&next, 1, __ATOMIC_SEQ_CST);
	hypike_thread_t thread = 0;

	if (mine >= STACKS || hypike_thread_create(entry, arg, stacks[mine], STACK_SIZE, priority,
						   cpu, &thread) != HV_OK)
		check(false, "a thread can be made");
	return thread;
}

void sleep_ms(uint64_t ms)
{
	uint32_t never = 0;

	hypike_futex_wait(&never, 0, hypike_time() + ms * MS);
}

void spin_ms(uint64_t ms)
{
	uint64_t end = hypike_time() + ms * MS;

	while (hypike_time() < end)
		__builtin_ia32_pause();
}

bool wait_for(const uint32_t *p, uint32_t value)
{
	for (unsigned int i = 0; i < 2000 && load(p) < value; i++)
		sleep_ms(1);
	return load(p) >= value;
}
