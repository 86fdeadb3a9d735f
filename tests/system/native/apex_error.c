/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ARINC 653 part 1, 3.8: errors of processes and their handler, each return code of each service. The
 * kernel's faults come to it, too, where the configuration says so (system.h: SYSTEM_ACTION_NOTIFY).
 * @verifies LIB-611
 * @verifies LIB-612
 * @verifies LIB-623
 */
#include "lib/hypike/program.h"
#include "lib/string.h"
#include "tests/system/native/apex.h"

#define HIGH 40
#define MID  30
#define LOW  20
#define T_MS ((SYSTEM_TIME_TYPE)MS)

static PROCESS_ID_TYPE conductor_id, victim_id, low_id;
static RETURN_CODE_TYPE code;

/* ---- the handler: what it does depends on the test ---- */

enum plan { JUST_NOTE, TRY_SERVICES, STOP_VICTIM, RESTART_VICTIM, LEAVE_VICTIM };

static enum plan plan;

static ERROR_STATUS_TYPE errors[8];
static uint32_t error_count;
static RETURN_CODE_TYPE codes[16];

static void try_services(void)
{
	LOCK_LEVEL_TYPE level;
	PROCESS_ID_TYPE id;

	TIMED_WAIT(T_MS, &codes[0]);
	PERIODIC_WAIT(&codes[1]);
	SUSPEND_SELF(T_MS, &codes[2]);
	LOCK_PREEMPTION(&level, &codes[3]);
	UNLOCK_PREEMPTION(&level, &codes[4]);
	GET_MY_ID(&id, &codes[5]);
	REPLENISH(T_MS, &codes[6]);
	SUSPEND(conductor_id, &codes[7]);
}

static void handle(void)
{
	RETURN_CODE_TYPE result;

	note('{');
	for (;;) {
		GET_ERROR_STATUS(&errors[error_count % 8], &result);
		if (result != NO_ERROR)
			break;
		error_count++;
	}
	note(result == NO_ACTION ? 'e' : '!');
	if (plan == TRY_SERVICES)
		try_services();
	if (plan == STOP_VICTIM || plan == RESTART_VICTIM)
		STOP(victim_id, &codes[0]);
	if (plan == RESTART_VICTIM)
		START(victim_id, &codes[1]);
	note('}');
}

static void prepare(enum plan what)
{
	trail_begin();
	plan = what;
	error_count = 0;
	memset(codes, 0xff, sizeof(codes));
	memset(errors, 0, sizeof(errors));
}

static void raise(const char *message)
{
	RAISE_APPLICATION_ERROR(APPLICATION_ERROR, (uint8_t *)(uintptr_t)message,
				(ERROR_MESSAGE_SIZE_TYPE)strlen(message), &code);
}

/* ---- 3.8.2.4, 3.8.2.3 ---- */

static void test_raise(void)
{
	static uint8_t much[MAX_ERROR_MESSAGE_SIZE + 1];
	ERROR_STATUS_TYPE status;

	prepare(JUST_NOTE);
	RAISE_APPLICATION_ERROR(APPLICATION_ERROR, much, MAX_ERROR_MESSAGE_SIZE + 1, &code);
	expect(code, INVALID_PARAM, "3.8.2.4 RAISE_APPLICATION_ERROR, too long");
	RAISE_APPLICATION_ERROR(APPLICATION_ERROR, much, -1, &code);
	expect(code, INVALID_PARAM, "3.8.2.4 RAISE_APPLICATION_ERROR, length out of range");
	RAISE_APPLICATION_ERROR(NUMERIC_ERROR, much, 1, &code);
	expect(code, INVALID_PARAM, "3.8.2.4 RAISE_APPLICATION_ERROR, another error's code");
	GET_ERROR_STATUS(&status, &code);
	expect(code, INVALID_CONFIG, "3.8.2.3 GET_ERROR_STATUS, not the error handler");
	trail_is("", "3.8.2.4 nothing has happened so far");
	raise("help");
	expect(code, NO_ERROR, "3.8.2.4 RAISE_APPLICATION_ERROR");
	trail_is("{e}", "3.8.2.3 the handler has run; GET_ERROR_STATUS with none left: NO_ACTION");
	check(error_count == 1 && errors[0].ERROR_CODE == APPLICATION_ERROR &&
		      errors[0].LENGTH == 4 && memcmp(errors[0].MESSAGE, "help", 4) == 0 &&
		      errors[0].FAILED_PROCESS_ID == conductor_id,
	      "3.8.2.3 GET_ERROR_STATUS: NO_ERROR, what was raised and by whom");
}

static void test_raise_locked(void)
{
	LOCK_LEVEL_TYPE level;

	prepare(TRY_SERVICES);
	LOCK_PREEMPTION(&level, &code);
	raise("locked");
	trail_is("{e}", "3.8 the handler preempts one that has preemption locked");
	expect(codes[0], INVALID_MODE, "3.4.2.1 TIMED_WAIT of the error handler");
	expect(codes[1], INVALID_MODE, "3.4.2.2 PERIODIC_WAIT of the error handler");
	expect(codes[2], INVALID_MODE, "3.3.2.5 SUSPEND_SELF of the error handler");
	expect(codes[3], NO_ACTION, "3.3.2.12 LOCK_PREEMPTION by the error handler");
	expect(codes[4], NO_ACTION, "3.3.2.13 UNLOCK_PREEMPTION by the error handler");
	expect(codes[5], INVALID_MODE, "3.3.2.14 GET_MY_ID of the error handler");
	expect(codes[6], NO_ACTION, "3.4.2.4 REPLENISH of the error handler");
	expect(codes[7], INVALID_MODE, "3.3.2.6 SUSPEND of one that has preemption locked");
	UNLOCK_PREEMPTION(&level, &code);
	check(code == NO_ERROR && level == 0, "3.3.2.13 the lock was kept");
}

/* ---- a process stopped by the handler in the middle of something ---- */

static char victim_does;

static void locks_and_raises(void)
{
	LOCK_LEVEL_TYPE level;
	RETURN_CODE_TYPE result;

	LOCK_PREEMPTION(&level, &result);
	note('v');
	RAISE_APPLICATION_ERROR(APPLICATION_ERROR, NULL, 0, &result);
	note('w');
	UNLOCK_PREEMPTION(&level, &result);
}

static volatile int zero, seven = 7;
static volatile int *volatile nowhere;

static void victim(void)
{
	const char what = victim_does;

	note('v');
	victim_does = 'n';
	if (what == 's') /* as a call too deep would: the lowest bytes of its stack */
		memset((void *)((uintptr_t)__builtin_frame_address(0) & ~(SMALL_STACK - 1ul)), 0, 64);
	if (what == 'l')
		locks_and_raises();
	if (what == '/')
		seven = seven / zero;
	if (what == '*')
		*nowhere = 1;
	if (what == 'c')
		__asm__ volatile("cli");
	note('V');
}

static void victimise(enum plan what, char how)
{
	prepare(what);
	victim_does = how;
	start(victim_id);
}

static void test_stop_locker(void)
{
	PARTITION_STATUS_TYPE status;

	victimise(STOP_VICTIM, 'l');
	trail_is("vv{e}", "3.3.2.9 STOP by the handler of the process that raised the error");
	expect(codes[0], NO_ERROR, "3.3.2.9 STOP by the handler");
	check(state(victim_id) == DORMANT, "3.3.2.9 it is DORMANT");
	GET_PARTITION_STATUS(&status, &code);
	check(code == NO_ERROR && status.LOCK_LEVEL == 0, "3.3.2.9 its lock of preemption is gone");
	victimise(JUST_NOTE, 'l');
	trail_is("vv{e}wV", "3.8 an application that is only told goes on");
}

/* ---- the kernel's faults ---- */

static void test_fault(char how, ERROR_CODE_TYPE expected, const char *name)
{
	victimise(STOP_VICTIM, how);
	trail_is("v{e}", name);
	check(error_count == 1 && errors[0].ERROR_CODE == expected &&
		      errors[0].FAILED_PROCESS_ID == victim_id,
	      "3.8.2.3 with its code and the process");
	check(state(victim_id) == DORMANT, "3.8 the handler has stopped the process");
}

static void test_faults(void)
{
	test_fault('/', NUMERIC_ERROR, "3.8 a division by zero is a numeric error");
	test_fault('*', MEMORY_VIOLATION, "3.8 a write to nowhere is a memory violation");
	check(errors[0].FAILED_ADDRESS != NULL, "3.8.2.3 the instruction's address is known");
	test_fault('c', ILLEGAL_REQUEST, "3.8 a privileged instruction is an illegal request");
	victimise(RESTART_VICTIM, '/');
	trail_is("v{e}vV", "3.8 a process that the handler starts anew runs");
	victimise(LEAVE_VICTIM, '/');
	trail_is("v{e}", "3.8 a handler that does nothing about a fault");
	check(state(victim_id) == DORMANT, "3.8 leaves the process stopped");
	victimise(JUST_NOTE, 'n');
	trail_is("vV", "3.8 it can be started again");
}

static void test_stack(void)
{
	victimise(STOP_VICTIM, 's');
	trail_is("vV{e}", "3.8 a stack that has overflowed is seen when the process ends");
	check(error_count == 1 && errors[0].ERROR_CODE == STACK_OVERFLOW &&
		      errors[0].FAILED_PROCESS_ID == victim_id && state(victim_id) == DORMANT,
	      "3.8.2.3 as a stack overflow of that process");
}

static void test_report(void)
{
	static uint8_t much[MAX_ERROR_MESSAGE_SIZE + 1];

	REPORT_APPLICATION_MESSAGE((uint8_t *)(uintptr_t)"# reported", 10, &code);
	expect(code, NO_ERROR, "3.8.2.1 REPORT_APPLICATION_MESSAGE");
	REPORT_APPLICATION_MESSAGE(much, sizeof(much), &code);
	expect(code, INVALID_PARAM, "3.8.2.1 REPORT_APPLICATION_MESSAGE, too long");
}

static RETURN_CODE_TYPE create_handler(void (*entry)(void), STACK_SIZE_TYPE size)
{
	CREATE_ERROR_HANDLER((SYSTEM_ADDRESS_TYPE)(uintptr_t)entry, size, &code);
	return code;
}

static void conductor(void)
{
	test_report();
	test_raise();
	test_raise_locked();
	test_stop_locker();
	test_stack();
	if (strcmp(hypike_info()->args, "faults") == 0)
		test_faults();
	expect(create_handler(handle, SMALL_STACK), NO_ACTION,
	       "3.8.2.2 CREATE_ERROR_HANDLER, in mode NORMAL there is one already");
	finish();
}

int main(void)
{
	conductor_id = make("conductor", conductor, MID);
	victim_id = make("victim", victim, HIGH);
	low_id = make("low", victim, LOW);
	expect(create_handler(handle, MAX_STACK_SIZE + 1), INVALID_CONFIG,
	       "3.8.2.2 CREATE_ERROR_HANDLER, stack too large");
	expect(create_handler(handle, SMALL_STACK), NO_ERROR, "3.8.2.2 CREATE_ERROR_HANDLER");
	expect(create_handler(handle, SMALL_STACK), NO_ACTION,
	       "3.8.2.2 CREATE_ERROR_HANDLER, there is one already");
	start(conductor_id);
	go_normal();
}
