/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ARINC 653 part 1, 3.3: process management, each return code of each service.
 * @verifies LIB-620
 */
#include "lib/hypike/program.h"
#include "lib/string.h"
#include "tests/system/native/apex.h"

#define HIGH 40
#define MID  30
#define LOW  20

static PROCESS_ID_TYPE high, high2, low, same, periodic, conductor_id, timed;

/* ---- 3.3.2.3 CREATE_PROCESS ---- */

static RETURN_CODE_TYPE create(const PROCESS_ATTRIBUTE_TYPE *attributes)
{
	PROCESS_ATTRIBUTE_TYPE copy = *attributes;
	PROCESS_ID_TYPE id;
	RETURN_CODE_TYPE code;

	CREATE_PROCESS(&copy, &id, &code);
	return code;
}

static void nothing(void)
{
}

static void test_create(void)
{
	PROCESS_ATTRIBUTE_TYPE a = attributes_of("high", nothing, MID);

	expect(create(&a), NO_ACTION, "3.3.2.3 CREATE_PROCESS, a name that there is");
	a = attributes_of("other", nothing, 0);
	expect(create(&a), INVALID_PARAM, "3.3.2.3 CREATE_PROCESS, priority 0");
	a.BASE_PRIORITY = MAX_PRIORITY_VALUE + 1;
	expect(create(&a), INVALID_PARAM, "3.3.2.3 CREATE_PROCESS, priority too high");
	a = attributes_of("other", nothing, MID);
	a.STACK_SIZE = MAX_STACK_SIZE + 1;
	expect(create(&a), INVALID_PARAM, "3.3.2.3 CREATE_PROCESS, stack too large");
	a.STACK_SIZE = MIN_STACK_SIZE - 1;
	expect(create(&a), INVALID_PARAM, "3.3.2.3 CREATE_PROCESS, stack too small");
	a = attributes_of("other", nothing, MID);
	a.PERIOD = -2;
	expect(create(&a), INVALID_PARAM, "3.3.2.3 CREATE_PROCESS, period out of range");
	a.PERIOD = INFINITE_TIME_VALUE;
	a.TIME_CAPACITY = -5;
	expect(create(&a), INVALID_PARAM, "3.3.2.3 CREATE_PROCESS, capacity out of range");
	a.PERIOD = 10 * (SYSTEM_TIME_TYPE)MS;
	a.TIME_CAPACITY = a.PERIOD + 1;
	expect(create(&a), INVALID_PARAM, "3.3.2.3 CREATE_PROCESS, capacity above period");
}

static void test_create_too_many(void)
{
	PROCESS_ATTRIBUTE_TYPE a = attributes_of("filler 00", nothing, LOW);
	uint32_t made = 0;

	while (made < 100 && create(&a) == NO_ERROR) {
		made++;
		a.NAME[7] = (char)('0' + made / 10);
		a.NAME[8] = (char)('0' + made % 10);
	}
	expect(create(&a), INVALID_CONFIG, "3.3.2.3 CREATE_PROCESS, as many as there can be");
	check(made + 7 == MAX_NUMBER_OF_PROCESSES, "3.3.2.3 all %u processes can be made",
	      MAX_NUMBER_OF_PROCESSES);
}

/* ---- 3.3.2.1, 3.3.2.2, 3.3.2.14 ---- */

static void test_identity(void)
{
	PROCESS_NAME_TYPE name = "low";
	PROCESS_STATUS_TYPE status;
	PROCESS_ID_TYPE id = 0;
	RETURN_CODE_TYPE code;

	GET_PROCESS_ID(name, &id, &code);
	check(code == NO_ERROR && id == low, "3.3.2.1 GET_PROCESS_ID: NO_ERROR");
	name[0] = 'X';
	GET_PROCESS_ID(name, &id, &code);
	expect(code, INVALID_CONFIG, "3.3.2.1 GET_PROCESS_ID, no such name");
	GET_PROCESS_STATUS(99, &status, &code);
	expect(code, INVALID_PARAM, "3.3.2.2 GET_PROCESS_STATUS, no such process");
	GET_PROCESS_STATUS(low, &status, &code);
	check(code == NO_ERROR && status.PROCESS_STATE == DORMANT &&
		      status.CURRENT_PRIORITY == LOW && status.ATTRIBUTES.BASE_PRIORITY == LOW &&
		      strcmp(status.ATTRIBUTES.NAME, "low") == 0 &&
		      status.DEADLINE_TIME == INFINITE_TIME_VALUE,
	      "3.3.2.2 GET_PROCESS_STATUS of a dormant process");
	GET_MY_ID(&id, &code);
	check(code == NO_ERROR && id == conductor_id, "3.3.2.14 GET_MY_ID: NO_ERROR");
	check(state(conductor_id) == RUNNING, "3.3.2.2 the caller is RUNNING");
}

/* ---- 3.3.2.10 START, 3.3.2.8 STOP_SELF, 3.3.2.9 STOP ---- */

static uint32_t role; /* what processes do now */

enum { RUN_THROUGH, STOP_AT_ONCE, WAIT_LONG, SUSPEND_ME, SPIN, SET_LOW };

static void act(char name)
{
	RETURN_CODE_TYPE code;

	switch (load(&role)) {
	case STOP_AT_ONCE:
		note(name);
		STOP_SELF();
		note('!');
		break;
	case WAIT_LONG:
		rest(1000 * (SYSTEM_TIME_TYPE)MS);
		note(name);
		break;
	case SUSPEND_ME:
		SUSPEND_SELF(INFINITE_TIME_VALUE, &code);
		note(code == NO_ERROR ? name : '!');
		break;
	default:
		note(name);
	}
}

static void high_entry(void)
{
	act('H');
}

static void high2_entry(void)
{
	act('h');
}

static void low_entry(void)
{
	act('L');
}

static void same_entry(void)
{
	act('S');
}

static void test_start(void)
{
	RETURN_CODE_TYPE code;

	store(&role, RUN_THROUGH);
	trail_begin();
	expect(start(low), NO_ERROR, "3.3.2.10 START of a less urgent process");
	check(state(low) == READY, "3.3.2.2 it is READY");
	expect(start(low), NO_ACTION, "3.3.2.10 START, not dormant");
	expect(start(99), INVALID_PARAM, "3.3.2.10 START, no such process");
	expect(start(high), NO_ERROR, "3.3.2.10 START of a more urgent process");
	trail_is("H", "3.3.1 the more urgent process runs at once, the other doesn't");
	check(state(high) == DORMANT, "3.3.2.8 a process at its end is DORMANT");
	rest((SYSTEM_TIME_TYPE)MS);
	trail_is("HL", "3.3.1 the less urgent one runs when the CPU is free");
	store(&role, STOP_AT_ONCE);
	start(high);
	start(high);
	trail_is("HLHH", "3.3.2.8 STOP_SELF doesn't return; the next START begins anew");
	store(&role, RUN_THROUGH);
	trail_begin();
	start(low);
	STOP(low, &code);
	expect(code, NO_ERROR, "3.3.2.9 STOP of a ready process");
	check(state(low) == DORMANT, "3.3.2.9 it is DORMANT");
	rest((SYSTEM_TIME_TYPE)MS);
	trail_is("", "3.3.2.9 it doesn't run");
}

static void test_stop(void)
{
	RETURN_CODE_TYPE code;

	STOP(low, &code);
	expect(code, NO_ACTION, "3.3.2.9 STOP, dormant already");
	STOP(99, &code);
	expect(code, INVALID_PARAM, "3.3.2.9 STOP, no such process");
	STOP(conductor_id, &code);
	expect(code, INVALID_PARAM, "3.3.2.9 STOP, the caller");
	store(&role, WAIT_LONG);
	trail_begin();
	start(high);
	check(state(high) == WAITING, "3.3.2.2 a process in TIMED_WAIT is WAITING");
	STOP(high, &code);
	expect(code, NO_ERROR, "3.3.2.9 STOP of a waiting process");
	store(&role, RUN_THROUGH);
	for (uint32_t i = 0; i < 50; i++) {
		start(high);
		store(&role, WAIT_LONG);
		start(high2);
		STOP(high2, &code);
		store(&role, RUN_THROUGH);
	}
	trail_is("HHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHH",
		 "3.3.2.9 stopped and started fifty times");
}

/* ---- 3.3.2.11 DELAYED_START ---- */

static void test_delayed_start(void)
{
	const SYSTEM_TIME_TYPE ms = (SYSTEM_TIME_TYPE)MS;
	RETURN_CODE_TYPE code;

	store(&role, RUN_THROUGH);
	trail_begin();
	DELAYED_START(99, ms, &code);
	expect(code, INVALID_PARAM, "3.3.2.11 DELAYED_START, no such process");
	DELAYED_START(high, -3, &code);
	expect(code, INVALID_PARAM, "3.3.2.11 DELAYED_START, delay out of range");
	DELAYED_START(high, INFINITE_TIME_VALUE, &code);
	expect(code, INVALID_PARAM, "3.3.2.11 DELAYED_START, infinite delay");
	DELAYED_START(periodic, 10 * ms, &code);
	expect(code, INVALID_PARAM, "3.3.2.11 DELAYED_START, delay not below the period");
	DELAYED_START(timed, INT64_MAX - 1, &code);
	expect(code, INVALID_CONFIG, "3.3.2.11 DELAYED_START, deadline beyond all time");
	DELAYED_START(high, 2 * ms, &code);
	expect(code, NO_ERROR, "3.3.2.11 DELAYED_START");
	check(state(high) == WAITING, "3.3.2.11 it is WAITING until then");
	DELAYED_START(high, 2 * ms, &code);
	expect(code, NO_ACTION, "3.3.2.11 DELAYED_START, not dormant");
	rest(ms);
	trail_is("", "3.3.2.11 it doesn't run before its delay is over");
	rest(2 * ms);
	trail_is("H", "3.3.2.11 it runs then");
	DELAYED_START(high, 0, &code);
	trail_is("HH", "3.3.2.11 DELAYED_START by 0 is START");
}

/* ---- 3.3.2.5 to 3.3.2.7 ---- */

static void test_suspend_self(void)
{
	const SYSTEM_TIME_TYPE ms = (SYSTEM_TIME_TYPE)MS;
	const SYSTEM_TIME_TYPE begin = now();
	RETURN_CODE_TYPE code;

	SUSPEND_SELF(-7, &code);
	expect(code, INVALID_PARAM, "3.3.2.5 SUSPEND_SELF, time-out out of range");
	SUSPEND_SELF(0, &code);
	expect(code, NO_ERROR, "3.3.2.5 SUSPEND_SELF, time-out 0");
	SUSPEND_SELF(2 * ms, &code);
	expect(code, TIMED_OUT, "3.3.2.5 SUSPEND_SELF, nobody resumes");
	check(now() - begin >= 2 * ms, "3.3.2.5 not before its time");
	store(&role, SUSPEND_ME);
	trail_begin();
	start(high);
	check(state(high) == WAITING, "3.3.2.5 suspended: WAITING");
	SUSPEND(high, &code);
	expect(code, NO_ACTION, "3.3.2.6 SUSPEND, it has suspended itself");
	RESUME(high, &code);
	expect(code, NO_ERROR, "3.3.2.7 RESUME");
	trail_is("H", "3.3.2.7 it runs on, with NO_ERROR");
}

static void test_suspend(void)
{
	const SYSTEM_TIME_TYPE ms = (SYSTEM_TIME_TYPE)MS;
	RETURN_CODE_TYPE code;

	store(&role, RUN_THROUGH);
	trail_begin();
	SUSPEND(99, &code);
	expect(code, INVALID_PARAM, "3.3.2.6 SUSPEND, no such process");
	SUSPEND(conductor_id, &code);
	expect(code, INVALID_PARAM, "3.3.2.6 SUSPEND, the caller");
	SUSPEND(low, &code);
	expect(code, INVALID_MODE, "3.3.2.6 SUSPEND, dormant");
	start(low);
	SUSPEND(low, &code);
	expect(code, NO_ERROR, "3.3.2.6 SUSPEND of a ready process");
	check(state(low) == WAITING, "3.3.2.6 it is WAITING");
	SUSPEND(low, &code);
	expect(code, NO_ACTION, "3.3.2.6 SUSPEND, suspended already");
	rest(ms);
	trail_is("", "3.3.2.6 it doesn't run");
	RESUME(low, &code);
	rest(ms);
	trail_is("L", "3.3.2.7 it runs once resumed");
	store(&role, WAIT_LONG);
	start(high);
	SUSPEND(high, &code);
	expect(code, NO_ERROR, "3.3.2.6 SUSPEND of a waiting process");
	STOP(high, &code);
	expect(code, NO_ERROR, "3.3.2.9 STOP of a suspended process");
	store(&role, RUN_THROUGH);
	start(high);
	trail_is("LH", "3.3.2.10 START of it: no longer suspended");
}

static void test_resume(void)
{
	RETURN_CODE_TYPE code;

	RESUME(99, &code);
	expect(code, INVALID_PARAM, "3.3.2.7 RESUME, no such process");
	RESUME(conductor_id, &code);
	expect(code, INVALID_PARAM, "3.3.2.7 RESUME, the caller");
	RESUME(low, &code);
	expect(code, INVALID_MODE, "3.3.2.7 RESUME, dormant");
	start(low);
	RESUME(low, &code);
	expect(code, NO_ACTION, "3.3.2.7 RESUME, not suspended");
	STOP(low, &code);
}

static void test_suspend_periodic(void)
{
	RETURN_CODE_TYPE code;

	trail_begin();
	start(periodic);
	rest((SYSTEM_TIME_TYPE)MS);
	trail_is("p", "3.3.2.5 SUSPEND_SELF of a periodic process: INVALID_MODE");
	SUSPEND(periodic, &code);
	expect(code, INVALID_MODE, "3.3.2.6 SUSPEND of a periodic process");
	RESUME(periodic, &code);
	expect(code, INVALID_MODE, "3.3.2.7 RESUME of a periodic process");
	STOP(periodic, &code);
	expect(code, NO_ERROR, "3.3.2.9 STOP of a periodic process");
}

static void periodic_entry(void)
{
	RETURN_CODE_TYPE code;

	SUSPEND_SELF(0, &code);
	note(code == INVALID_MODE ? 'p' : '!');
	PERIODIC_WAIT(&code);
	note(code == NO_ERROR ? 'P' : '!');
}

/* ---- 3.3.2.4 SET_PRIORITY ---- */

static void test_set_priority(void)
{
	RETURN_CODE_TYPE code;
	PROCESS_STATUS_TYPE status;

	store(&role, RUN_THROUGH);
	SET_PRIORITY(low, HIGH, &code);
	expect(code, INVALID_MODE, "3.3.2.4 SET_PRIORITY, dormant");
	SET_PRIORITY(99, HIGH, &code);
	expect(code, INVALID_PARAM, "3.3.2.4 SET_PRIORITY, no such process");
	SET_PRIORITY(conductor_id, 0, &code);
	expect(code, INVALID_PARAM, "3.3.2.4 SET_PRIORITY, out of range");
	trail_begin();
	start(low);
	SET_PRIORITY(low, HIGH, &code);
	expect(code, NO_ERROR, "3.3.2.4 SET_PRIORITY");
	trail_is("L", "3.3.2.4 a process raised above the caller runs at once");
	start(same);
	trail_is("L", "3.3.1 one of the caller's priority doesn't");
	SET_PRIORITY(conductor_id, MID, &code);
	trail_is("LS", "3.3.2.4 to one's own priority: behind those of it");
	start(low);
	GET_PROCESS_STATUS(low, &status, &code);
	check(status.CURRENT_PRIORITY == LOW, "3.3.2.10 START: back to the base priority");
	SET_PRIORITY(conductor_id, LOW - 1, &code);
	trail_is("LSL", "3.3.2.4 lowered, others run at once");
	SET_PRIORITY(conductor_id, MID, &code);
}

/* ---- 3.3.2.12, 3.3.2.13 ---- */

static void test_lock(void)
{
	LOCK_LEVEL_TYPE level = 99;
	RETURN_CODE_TYPE code;
	uint32_t locked = 0;

	store(&role, RUN_THROUGH);
	trail_begin();
	UNLOCK_PREEMPTION(&level, &code);
	expect(code, NO_ACTION, "3.3.2.13 UNLOCK_PREEMPTION, not locked");
	LOCK_PREEMPTION(&level, &code);
	check(code == NO_ERROR && level == 1, "3.3.2.12 LOCK_PREEMPTION: NO_ERROR, level 1");
	LOCK_PREEMPTION(&level, &code);
	check(code == NO_ERROR && level == 2, "3.3.2.12 LOCK_PREEMPTION: NO_ERROR, level 2");
	start(high);
	trail_is("", "3.3.2.12 a more urgent process doesn't run");
	SUSPEND_SELF((SYSTEM_TIME_TYPE)MS, &code);
	expect(code, INVALID_MODE, "3.3.2.5 SUSPEND_SELF, preemption locked");
	TIMED_WAIT((SYSTEM_TIME_TYPE)MS, &code);
	expect(code, INVALID_MODE, "3.4.2.1 TIMED_WAIT, preemption locked");
	UNLOCK_PREEMPTION(&level, &code);
	check(code == NO_ERROR && level == 1, "3.3.2.13 UNLOCK_PREEMPTION: NO_ERROR, level 1");
	trail_is("", "3.3.2.13 still locked");
	start(same);
	UNLOCK_PREEMPTION(&level, &code);
	check(code == NO_ERROR && level == 0, "3.3.2.13 UNLOCK_PREEMPTION: NO_ERROR, level 0");
	trail_is("H", "3.3.2.13 the more urgent process runs, one of the same priority doesn't");
	rest((SYSTEM_TIME_TYPE)MS);
	trail_is("HS", "3.3.1 that one in its turn");
	while (locked < 99 && (LOCK_PREEMPTION(&level, &code), code == NO_ERROR))
		locked++;
	expect(code, INVALID_CONFIG, "3.3.2.12 LOCK_PREEMPTION, too deep");
	check(locked == MAX_LOCK_LEVEL, "3.3.2.12 as deep as MAX_LOCK_LEVEL");
	while (level > 0)
		UNLOCK_PREEMPTION(&level, &code);
}

/* ---- order ---- */

static void test_fifo(void)
{
	store(&role, RUN_THROUGH);
	trail_begin();
	start(low);
	start(same);
	rest((SYSTEM_TIME_TYPE)MS);
	trail_is("SL", "3.3.1 by priority");
}

static void conductor(void)
{
	test_identity();
	test_start();
	test_stop();
	test_delayed_start();
	test_suspend_self();
	test_suspend();
	test_resume();
	test_suspend_periodic();
	test_set_priority();
	test_lock();
	test_fifo();
	expect(create(&(PROCESS_ATTRIBUTE_TYPE){.NAME = "low"}), INVALID_CONFIG,
	       "3.3.2.3 CREATE_PROCESS, no place in mode NORMAL either");
	finish();
}

static void test_initialisation(void)
{
	LOCK_LEVEL_TYPE level;
	PROCESS_ID_TYPE id;
	RETURN_CODE_TYPE code;

	LOCK_PREEMPTION(&level, &code);
	expect(code, NO_ACTION, "3.3.2.12 LOCK_PREEMPTION, not in mode NORMAL");
	UNLOCK_PREEMPTION(&level, &code);
	expect(code, NO_ACTION, "3.3.2.13 UNLOCK_PREEMPTION, not in mode NORMAL");
	GET_MY_ID(&id, &code);
	expect(code, INVALID_MODE, "3.3.2.14 GET_MY_ID, in the initialisation");
	trail_begin();
	store(&role, RUN_THROUGH);
	expect(start(high), NO_ERROR, "3.3.2.10 START in the initialisation");
	check(state(high) == WAITING, "3.3.2.10 it is WAITING for mode NORMAL");
	STOP(high, &code);
	expect(code, NO_ERROR, "3.3.2.9 STOP of it");
}

int main(void)
{
	const SYSTEM_TIME_TYPE ms = (SYSTEM_TIME_TYPE)MS;

	high = make("high", high_entry, HIGH);
	high2 = make("high2", high2_entry, HIGH);
	low = make("low", low_entry, LOW);
	same = make("same", same_entry, MID);
	periodic = make_timed("periodic", periodic_entry, HIGH, 10 * ms, 10 * ms);
	timed = make_timed("timed", nothing, HIGH, INFINITE_TIME_VALUE, 10 * ms);
	conductor_id = make("conductor", conductor, MID);
	test_create();
	test_create_too_many();
	test_initialisation();
	start(conductor_id);
	go_normal();
}
