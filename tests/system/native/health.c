/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Things go wrong, one kind in each partition, which says how it was started and what it was told.
 * The argument is what to do.
 * @verifies KRN-070
 * @verifies KRN-075
 */
#include <hypike/system.h>

#include "lib/hypike/program.h"
#include "lib/hypike/syscall.h"
#include "lib/string.h"
#include "tests/system/native/check.h"

#define NOTIFIED UINT64_C(0x10)

static uint32_t alive_threads;

/* ---- the acts; where one returns, the program goes on to its end ---- */

static void null(void)
{
	__asm__ volatile("movb $1, 8");
}

static void divide(void)
{
	__asm__ volatile("divl %0" : : "r"(0), "a"(1), "d"(0) : "cc");
}

static void undefined(void)
{
	__asm__ volatile("ud2");
}

static void stack(void)
{
	__asm__ volatile("1: pushq $0; jmp 1b");
}

static void deny(void)
{
	struct hypike_partition_status status;

	say("# denied: %d\n", hypike_partition_status(0, &status));
}

static void leave(void)
{
	hypike_exit(3);
}

static void spin_first(void)
{
	uint64_t end = hypike_time() + 60 * MS;

	if (hypike_info()->restarts == 0)
		for (;;)
			alive_threads++;
	while (hypike_time() < end)
		hypike_alive();
}

static void idle(void)
{
	sleep_ms(30); /* far more than the watchdog's time, but not its own */
}

static void application(void)
{
	hypike_health_raise(SYSTEM_ERROR_APPLICATION, "it hurts", 8);
}

static void deadline(void)
{
	hypike_health_raise(SYSTEM_ERROR_DEADLINE_MISSED, NULL, 0);
}

static void pretend(void)
{
	check(hypike_health_raise(SYSTEM_ERROR_NMI, NULL, 0) == HV_E_INVALID &&
		      hypike_health_raise(0, NULL, 0) == HV_E_INVALID &&
		      hypike_health_raise(SYSTEM_ERROR_COUNT, NULL, 0) == HV_E_INVALID &&
		      hypike_health_raise(SYSTEM_ERROR_APPLICATION, (void *)8, 8) == HV_E_FAULT &&
		      hypike_health_raise(SYSTEM_ERROR_APPLICATION, "x", 129) == HV_E_INVALID &&
		      hypike_health_bind(31, 1) == HV_E_NOENT &&
		      hypike_health_take((struct hypike_fault *)8) == HV_E_FAULT,
	      "what makes no sense is refused");
}

/* ---- the other threads ---- */

static void handle(void *arg)
{
	struct hypike_fault fault;
	uint64_t bits;

	(void)arg;
	for (;;) {
		hypike_wait(NOTIFIED, HYPIKE_FOREVER, &bits);
		while (hypike_health_take(&fault) == HV_OK) {
			say("fault: error %u, thread %u, message '%s'\n", fault.error, fault.thread,
			    fault.message);
			if (fault.error != SYSTEM_ERROR_APPLICATION)
				hypike_thread_stop(fault.thread);
		}
	}
}

static void act_in_thread(void *arg)
{
	((void (*)(void))arg)();
	say("came through\n");
	for (;;)
		sleep_ms(1000);
}

static const struct {
	const char *name;
	void (*act)(void);
} acts[] = {
	{"null", null},	      {"divide", divide}, {"undefined", undefined}, {"stack", stack},
	{"deny", deny},	      {"exit", leave},	  {"spin", spin_first},	    {"idle", idle},
	{"application", application}, {"deadline", deadline}, {"pretend", pretend},
};

/* The log as a partition with the right for it reads it. */
static int watch(void)
{
	struct hypike_health_entry entry;
	uint64_t number = 0;

	sleep_ms(500);
	for (; hypike_health_log(number, &entry) == HV_OK; number = entry.number + 1)
		say("log %lu: boot %u, %s, error %u, action %u\n", entry.number, entry.boot,
		    entry.name, entry.error, entry.action);
	return 0;
}

/* "null", or "thread null": in a thread that isn't the first; "handler null": with a handler, too. */
int main(void)
{
	const struct hypike_info *info = hypike_info();
	const char *args = info->args;
	bool handler = memcmp(args, "handler ", 8) == 0, thread = memcmp(args, "thread ", 7) == 0;
	const char *name = handler ? args + 8 : thread ? args + 7 : args;

	if (strcmp(args, "watch") == 0)
		return watch();
	/* The machine has been restarted because of what this would do. */
	if (info->start == HYPIKE_START_MODULE) {
		say("a boot of the health monitor's\n");
		return 0;
	}
	say("begin %u, start %u, warm %u\n", info->restarts, info->start, info->warm);
	if (handler)
		hypike_health_bind(spawn(handle, NULL, info->priority, 0), NOTIFIED);
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		if (strcmp(name, acts[i].name) != 0)
			continue;
		if (!handler && !thread) {
			acts[i].act();
			return 0;
		}
		spawn(act_in_thread, (void *)(uintptr_t)acts[i].act, info->priority - 1, 0);
		sleep_ms(200);
		say("goes on\n");
		return 0;
	}
	return 99;
}
