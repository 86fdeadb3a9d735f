/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ARINC 653 part 1, 3.4: time management, each return code of each service; releases, and deadlines
 * that are missed (3.3.1, 3.8). The argument "windows": the partition has windows of 5 ms every 20.
 * @verifies LIB-610
 * @verifies LIB-622
 */
#include "lib/hypike/program.h"
#include "lib/string.h"
#include "tests/system/native/apex.h"

#define HIGH 40
#define MID  30
#define LOW  20
#define T_MS ((SYSTEM_TIME_TYPE)MS)

static PROCESS_ID_TYPE conductor_id, beat_id, late_id, once_id, busy_id, delayed_id;
static RETURN_CODE_TYPE code;
static bool windows;

/* ---- the error handler ---- */

static uint32_t misses, others;
static PROCESS_ID_TYPE missed;
static SYSTEM_TIME_TYPE missed_at, missed_deadline;

static void handle(void)
{
	ERROR_STATUS_TYPE error;
	PROCESS_STATUS_TYPE status;
	RETURN_CODE_TYPE result;

	for (;;) {
		GET_ERROR_STATUS(&error, &result);
		if (result != NO_ERROR)
			return;
		if (error.ERROR_CODE != DEADLINE_MISSED) {
			others++;
			continue;
		}
		misses++;
		missed = error.FAILED_PROCESS_ID;
		missed_at = now();
		GET_PROCESS_STATUS(missed, &status, &result);
		missed_deadline = status.DEADLINE_TIME;
	}
}

/* ---- 3.4.2.1, 3.4.2.3 ---- */

static void test_timed_wait(void)
{
	SYSTEM_TIME_TYPE begin = now(), time = 0;

	GET_TIME(&time, &code);
	check(code == NO_ERROR && time >= begin, "3.4.2.3 GET_TIME: NO_ERROR");
	TIMED_WAIT(-1, &code);
	expect(code, INVALID_PARAM, "3.4.2.1 TIMED_WAIT, infinite");
	TIMED_WAIT(-2, &code);
	expect(code, INVALID_PARAM, "3.4.2.1 TIMED_WAIT, out of range");
	TIMED_WAIT(INT64_MAX, &code);
	expect(code, INVALID_PARAM, "3.4.2.1 TIMED_WAIT, beyond all time");
	begin = now();
	TIMED_WAIT(3 * T_MS, &code);
	expect(code, NO_ERROR, "3.4.2.1 TIMED_WAIT");
	check(now() - begin >= 3 * T_MS, "3.4.2.1 TIMED_WAIT: not before its time");
	if (!windows)
		check(now() - begin < 3 * T_MS + T_MS / 2, "3.4.2.1 TIMED_WAIT: nor much later");
}

static void yielder(void)
{
	note('y');
}

static void test_yield(PROCESS_ID_TYPE yielder_id)
{
	trail_begin();
	start(yielder_id);
	trail_is("", "3.4.2.1 a process of the same priority waits its turn");
	TIMED_WAIT(0, &code);
	expect(code, NO_ERROR, "3.4.2.1 TIMED_WAIT by 0");
	trail_is("y", "3.4.2.1 it hands over to that process");
}

/* ---- 3.4.2.2 PERIODIC_WAIT ---- */

#define BEATS 6u

static SYSTEM_TIME_TYPE beat_time[BEATS], beat_deadline[BEATS];
static uint32_t beats;

static void beat(void)
{
	PROCESS_STATUS_TYPE status;
	RETURN_CODE_TYPE result;

	for (;;) {
		GET_PROCESS_STATUS(beat_id, &status, &result);
		if (beats < BEATS) {
			beat_time[beats] = now();
			beat_deadline[beats++] = status.DEADLINE_TIME;
		}
		PERIODIC_WAIT(&result);
		if (result != NO_ERROR)
			note('!');
	}
}

static void test_periodic(void)
{
	PARTITION_STATUS_TYPE partition;
	PROCESS_STATUS_TYPE status;
	bool exact = true;

	trail_begin();
	PERIODIC_WAIT(&code);
	expect(code, INVALID_MODE, "3.4.2.2 PERIODIC_WAIT of an aperiodic process");
	rest((BEATS + 2) * 20 * T_MS);
	trail_is("", "3.4.2.2 PERIODIC_WAIT: NO_ERROR");
	check(beats == BEATS, "3.4.2.2 a periodic process runs in every period");
	for (uint32_t i = 1; i < BEATS; i++) {
		exact = exact && beat_deadline[i] - beat_deadline[0] == 20 * T_MS * (int)i;
		exact = exact && beat_time[i] - (beat_deadline[i] - 15 * T_MS) < T_MS / 10;
	}
	check(exact, "3.4.2.2 releases are a period apart, deadlines a capacity later; no drift");
	for (uint32_t i = 0; i < BEATS; i++)
		say("# at %lld, deadline %lld\n", beat_time[i], beat_deadline[i]);
	GET_PARTITION_STATUS(&partition, &code);
	check(partition.PERIOD == (windows ? 20 * T_MS : INFINITE_TIME_VALUE) &&
		      partition.DURATION == (windows ? 5 * T_MS : INFINITE_TIME_VALUE),
	      "3.2.2.1 GET_PARTITION_STATUS: period and duration");
	check(misses == 0, "3.4.2.2 nobody misses a deadline");
	GET_PROCESS_STATUS(beat_id, &status, &code);
	check(status.PROCESS_STATE == WAITING, "3.4.2.2 it is WAITING between");
	STOP(beat_id, &code);
}

/* A delayed one is released its delay after the period's beginning. */
static SYSTEM_TIME_TYPE delayed_release[2];
static uint32_t delayed_runs;

static void delayed(void)
{
	PROCESS_STATUS_TYPE status;
	RETURN_CODE_TYPE result;

	for (;;) {
		GET_PROCESS_STATUS(delayed_id, &status, &result);
		if (delayed_runs < 2)
			delayed_release[delayed_runs++] = status.DEADLINE_TIME - 10 * T_MS;
		PERIODIC_WAIT(&result);
	}
}

static void test_delayed_periodic(void)
{
	const SYSTEM_TIME_TYPE first = beat_deadline[0] - 15 * T_MS;

	DELAYED_START(delayed_id, 2 * T_MS, &code);
	expect(code, NO_ERROR, "3.3.2.11 DELAYED_START of a periodic process");
	rest(60 * T_MS);
	STOP(delayed_id, &code);
	check(delayed_runs == 2 && delayed_release[1] - delayed_release[0] == 20 * T_MS,
	      "3.3.2.11 it keeps its period");
	if (windows)
		check((delayed_release[0] - first) % (20 * T_MS) == 2 * T_MS,
		      "3.3.2.11 its releases are the delay after the partition's");
}

/* ---- deadlines ---- */

static uint32_t busy_ends;

/* Exceeds its capacity of 5 ms in its first period, and then keeps to it. */
static void late(void)
{
	RETURN_CODE_TYPE result;

	spin_ms(8);
	note('l');
	PERIODIC_WAIT(&result);
	note(result == NO_ERROR ? 'n' : '!');
	PERIODIC_WAIT(&result);
	note(result == NO_ERROR ? 'N' : '!');
	STOP_SELF();
}

static void test_late(void)
{
	trail_begin();
	misses = 0;
	start(late_id);
	rest(70 * T_MS);
	trail_is("lnN", "3.8 a process that misses its deadline may go on");
	check(misses == 1 && missed == late_id, "3.8 its deadline is missed once, and it is named");
	check(missed_at >= missed_deadline && (windows || missed_at - missed_deadline < T_MS / 10),
	      "3.8 the error handler runs when the deadline passes");
}

/* Waits beyond its deadline: that passes for a process that waits, too. */
static void once(void)
{
	rest(12 * T_MS);
	note('o');
}

static void test_once(void)
{
	trail_begin();
	misses = 0;
	start(once_id);
	rest(40 * T_MS);
	check(misses == 1 && missed == once_id, "3.8 a waiting process misses its deadline, too");
	trail_is("o", "3.8 and goes on");
	misses = 0;
	start(once_id);
	STOP(once_id, &code);
	rest(40 * T_MS);
	check(misses == 0, "3.8 a process that is stopped has no deadline any more");
}

/* Never comes to its PERIODIC_WAIT: misses the deadline of each period. */
static void test_busy(void)
{
	misses = 0;
	start(busy_id);
	rest(95 * T_MS);
	STOP(busy_id, &code);
	check(misses >= 4 && misses <= 5,
	      "3.8 a process that never waits misses the deadline in each period");
	busy_ends = misses;
	rest(30 * T_MS);
	check(misses == busy_ends, "3.8 until it is stopped");
}

static void busy(void)
{
	spin_ms(1000);
}

/* ---- 3.4.2.4 REPLENISH ---- */

static char replenish_case;
static RETURN_CODE_TYPE replenish_code;
static PROCESS_STATUS_TYPE replenish_status;
static SYSTEM_TIME_TYPE replenish_at;
static PROCESS_ID_TYPE once2_id, periodic2_id;

static void replenisher(void)
{
	RETURN_CODE_TYPE result;

	replenish_at = now();
	switch (replenish_case) {
	case 'a': /* as long again */
		REPLENISH(30 * T_MS, &replenish_code);
		break;
	case 'i':
		REPLENISH(INFINITE_TIME_VALUE, &replenish_code);
		break;
	case 'n':
		REPLENISH(-2, &replenish_code);
		break;
	default: /* beyond the next release */
		REPLENISH(21 * T_MS, &replenish_code);
	}
	GET_PROCESS_STATUS(replenish_case == 'p' ? periodic2_id : once2_id, &replenish_status,
			   &result);
	rest(12 * T_MS);
}

static void test_replenish(void)
{
	misses = 0;
	replenish_case = 'a';
	start(once2_id);
	expect(replenish_code, NO_ERROR, "3.4.2.4 REPLENISH");
	check(replenish_status.DEADLINE_TIME >= replenish_at + 30 * T_MS &&
		      replenish_status.DEADLINE_TIME < replenish_at + 31 * T_MS,
	      "3.4.2.4 REPLENISH: the deadline is that much later than now");
	rest(25 * T_MS);
	check(misses == 0, "3.4.2.4 a replenished deadline isn't missed");
	STOP(once2_id, &code);
	replenish_case = 'i';
	start(once2_id);
	check(replenish_code == NO_ERROR && replenish_status.DEADLINE_TIME == INFINITE_TIME_VALUE,
	      "3.4.2.4 REPLENISH without end: NO_ERROR, no deadline");
	rest(40 * T_MS);
	replenish_case = 'n';
	start(once2_id);
	expect(replenish_code, INVALID_PARAM, "3.4.2.4 REPLENISH, out of range");
	STOP(once2_id, &code);
	replenish_case = 'p';
	start(periodic2_id);
	rest(30 * T_MS);
	STOP(periodic2_id, &code);
	expect(replenish_code, INVALID_MODE, "3.4.2.4 REPLENISH beyond the next release");
	misses = 0;
	REPLENISH(T_MS, &code);
	rest(5 * T_MS);
	check(code == NO_ERROR && misses == 0,
	      "3.4.2.4 REPLENISH of a process without deadline: it still has none");
}

static void conductor(void)
{
	PROCESS_ID_TYPE yielder_id;
	PROCESS_NAME_TYPE name = "yielder";

	GET_PROCESS_ID(name, &yielder_id, &code);
	test_timed_wait();
	test_yield(yielder_id);
	test_periodic();
	test_delayed_periodic();
	test_late();
	test_once();
	test_busy();
	test_replenish();
	check(others == 0, "3.8 no other errors");
	finish();
}

int main(void)
{
	PROCESS_ATTRIBUTE_TYPE odd = attributes_of("odd", yielder, MID);
	PROCESS_ID_TYPE id;

	windows = strcmp(hypike_info()->args, "windows") == 0;
	conductor_id = make("conductor", conductor, MID);
	make("yielder", yielder, MID);
	beat_id = make_timed("beat", beat, HIGH, 20 * T_MS, 15 * T_MS);
	delayed_id = make_timed("delayed", delayed, HIGH, 20 * T_MS, 10 * T_MS);
	late_id = make_timed("late", late, LOW, 20 * T_MS, 5 * T_MS);
	once_id = make_timed("once", once, HIGH, INFINITE_TIME_VALUE, 8 * T_MS);
	busy_id = make_timed("busy", busy, LOW, 20 * T_MS, 10 * T_MS);
	once2_id = make_timed("once2", replenisher, HIGH, INFINITE_TIME_VALUE, 8 * T_MS);
	periodic2_id = make_timed("periodic2", replenisher, HIGH, 20 * T_MS, 20 * T_MS);
	odd.PERIOD = 30 * T_MS;
	odd.TIME_CAPACITY = 10 * T_MS;
	CREATE_PROCESS(&odd, &id, &code);
	expect(code, windows ? INVALID_CONFIG : NO_ERROR,
	       windows ? "3.3.2.3 CREATE_PROCESS, period no multiple of the partition's"
		       : "3.3.2.3 CREATE_PROCESS, any period without a plan");
	CREATE_ERROR_HANDLER((SYSTEM_ADDRESS_TYPE)(uintptr_t)handle, SMALL_STACK, &code);
	TIMED_WAIT(T_MS, &code);
	expect(code, INVALID_MODE, "3.4.2.1 TIMED_WAIT, in the initialisation");
	PERIODIC_WAIT(&code);
	expect(code, INVALID_MODE, "3.4.2.2 PERIODIC_WAIT, in the initialisation");
	REPLENISH(T_MS, &code);
	expect(code, NO_ACTION, "3.4.2.4 REPLENISH, in the initialisation");
	start(conductor_id);
	start(beat_id);
	go_normal();
}
