/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ARINC 653 part 1, 3.2: partition modes, each return code of each service. The partition goes through
 * a cold start, a warm one and another cold one, and at last stops; each prints a plan of its own. With
 * the argument "deadline" the health monitor restarts it: a deadline is missed and there is no handler.
 * @verifies LIB-610
 * @verifies LIB-625
 */
#include "lib/hypike/program.h"
#include "lib/string.h"
#include "tests/system/native/apex.h"

#define MARK UINT64_C(0x6172696e63363533)

static RETURN_CODE_TYPE code;

static OPERATING_MODE_TYPE mode(void)
{
	PARTITION_STATUS_TYPE status;

	GET_PARTITION_STATUS(&status, &code);
	return status.OPERATING_MODE;
}

static void expect_start(OPERATING_MODE_TYPE wanted, START_CONDITION_TYPE condition,
			 const char *clause)
{
	PARTITION_STATUS_TYPE status;

	GET_PARTITION_STATUS(&status, &code);
	check(code == NO_ERROR && status.OPERATING_MODE == wanted &&
		      status.START_CONDITION == condition && status.LOCK_LEVEL == 0 &&
		      status.IDENTIFIER == (PARTITION_ID_TYPE)hypike_info()->index,
	      "%s", clause);
}

/* How the present run ends. */
static void leave(OPERATING_MODE_TYPE how, const char *clause)
{
	check_done();
	flush();
	SET_PARTITION_MODE(how, &code);
	say("not ok - %s comes back\n", clause);
}

/* ---- the first run ---- */

static void test_creating(void)
{
	PROCESS_ATTRIBUTE_TYPE attributes = attributes_of("new", NULL, 10);
	APEX_INTEGER id;

	attributes.ENTRY_POINT = &code;
	CREATE_PROCESS(&attributes, &id, &code);
	expect(code, INVALID_MODE, "3.3.2.3 CREATE_PROCESS, in mode NORMAL");
	CREATE_EVENT("new", &id, &code);
	expect(code, INVALID_MODE, "3.7.2.4.1 CREATE_EVENT, in mode NORMAL");
	CREATE_ERROR_HANDLER(&code, SMALL_STACK, &code);
	expect(code, INVALID_MODE, "3.8.2.2 CREATE_ERROR_HANDLER, in mode NORMAL");
}

static void first(void)
{
	check(mode() == NORMAL, "3.2.2.1 GET_PARTITION_STATUS: mode NORMAL");
	SET_PARTITION_MODE(NORMAL, &code);
	expect(code, NO_ACTION, "3.2.2.2 SET_PARTITION_MODE NORMAL, in mode NORMAL");
	SET_PARTITION_MODE((OPERATING_MODE_TYPE)4, &code);
	expect(code, INVALID_PARAM, "3.2.2.2 SET_PARTITION_MODE, no such mode");
	test_creating();
	leave(WARM_START, "3.2.2.2 SET_PARTITION_MODE WARM_START");
}

/* ---- the second, warm ---- */

static void second(void)
{
	leave(COLD_START, "3.2.2.2 SET_PARTITION_MODE COLD_START");
}

/* ---- restarted by the health monitor ---- */

static void busy(void)
{
	spin_ms(100);
	say("not ok - 3.8 a process whose deadline is missed goes on for long\n");
}

static int miss_deadline(void)
{
	if (hypike_info()->restarts == 0) {
		expect_start(COLD_START, NORMAL_START, "3.2.2.1 a cold start, as power came on");
		check_done();
		start(make_timed("busy", busy, 10, INFINITE_TIME_VALUE,
				 5 * (SYSTEM_TIME_TYPE)MS));
		go_normal();
	}
	expect_start(WARM_START, HM_PARTITION_RESTART,
		     "3.8 a deadline that is missed without error handler: as configured, a warm "
		     "start by the health monitor");
	return check_done();
}

int main(void)
{
	volatile uint64_t *const ram = hypike_info()->ram;

	if (strcmp(hypike_info()->args, "deadline") == 0)
		return miss_deadline();
	switch (hypike_info()->restarts) {
	case 0:
		expect_start(COLD_START, NORMAL_START, "3.2.2.1 a cold start, as power came on");
		SET_PARTITION_MODE(WARM_START, &code);
		expect(code, INVALID_MODE, "3.2.2.2 SET_PARTITION_MODE WARM_START, in COLD_START");
		check(ram[0] == 0, "3.2.2.2 memory is empty");
		ram[0] = MARK;
		start(make("first", first, 10));
		go_normal();
	case 1:
		expect_start(WARM_START, PARTITION_RESTART,
			     "3.2.2.1 a warm start that the partition asked for");
		check(ram[0] == MARK, "3.2.2.2 memory is as it was");
		start(make("second", second, 10));
		go_normal();
	default:
		expect_start(COLD_START, PARTITION_RESTART,
			     "3.2.2.1 a cold start that the partition asked for");
		check(ram[0] == 0, "3.2.2.2 memory is empty again");
		leave(IDLE, "3.2.2.2 SET_PARTITION_MODE IDLE");
	}
	return 1;
}
