/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/system/native/apex.h"

#include "lib/string.h"

static const char *const code_names[] = {
	"NO_ERROR", "NO_ACTION", "NOT_AVAILABLE", "INVALID_PARAM", "INVALID_CONFIG", "INVALID_MODE",
	"TIMED_OUT"};

void expect(RETURN_CODE_TYPE got, RETURN_CODE_TYPE wanted, const char *clause)
{
	if (!check(got == wanted, "%s: %s", clause, code_names[wanted]))
		say("# was %s\n", got <= TIMED_OUT ? code_names[got] : "no code");
}

PROCESS_ATTRIBUTE_TYPE attributes_of(const char *name, void (*entry)(void), PRIORITY_TYPE priority)
{
	PROCESS_ATTRIBUTE_TYPE attributes = {
		.PERIOD = INFINITE_TIME_VALUE,
		.TIME_CAPACITY = INFINITE_TIME_VALUE,
		.ENTRY_POINT = (SYSTEM_ADDRESS_TYPE)(uintptr_t)entry,
		.STACK_SIZE = SMALL_STACK,
		.BASE_PRIORITY = priority,
		.DEADLINE = SOFT,
	};

	memcpy(attributes.NAME, name, strnlen(name, MAX_NAME_LENGTH));
	return attributes;
}

PROCESS_ID_TYPE make_timed(const char *name, void (*entry)(void), PRIORITY_TYPE priority,
			   SYSTEM_TIME_TYPE period, SYSTEM_TIME_TYPE capacity)
{
	PROCESS_ATTRIBUTE_TYPE attributes = attributes_of(name, entry, priority);
	PROCESS_ID_TYPE id = 0;
	RETURN_CODE_TYPE code;

	attributes.PERIOD = period;
	attributes.TIME_CAPACITY = capacity;
	CREATE_PROCESS(&attributes, &id, &code);
	if (code != NO_ERROR)
		check(false, "process %s can be made (%s)", name, code_names[code]);
	return id;
}

PROCESS_ID_TYPE make(const char *name, void (*entry)(void), PRIORITY_TYPE priority)
{
	return make_timed(name, entry, priority, INFINITE_TIME_VALUE, INFINITE_TIME_VALUE);
}

RETURN_CODE_TYPE start(PROCESS_ID_TYPE id)
{
	RETURN_CODE_TYPE code;

	START(id, &code);
	return code;
}

PROCESS_STATE_TYPE state(PROCESS_ID_TYPE id)
{
	PROCESS_STATUS_TYPE status;
	RETURN_CODE_TYPE code;

	GET_PROCESS_STATUS(id, &status, &code);
	if (code != NO_ERROR)
		check(false, "process %d has a state", id);
	return status.PROCESS_STATE;
}

SYSTEM_TIME_TYPE now(void)
{
	SYSTEM_TIME_TYPE time;
	RETURN_CODE_TYPE code;

	GET_TIME(&time, &code);
	return time;
}

void rest(SYSTEM_TIME_TYPE time)
{
	RETURN_CODE_TYPE code;

	TIMED_WAIT(time, &code);
	if (code != NO_ERROR)
		check(false, "3.4.2.1 TIMED_WAIT works here (%s)", code_names[code]);
}

/* ---- what happened, in order ---- */

static char trail[64];
static uint32_t steps;

void trail_begin(void)
{
	memset(trail, 0, sizeof(trail));
	store(&steps, 0);
}

void note(char c)
{
	const uint32_t at = __atomic_fetch_add(&steps, 1, __ATOMIC_SEQ_CST);

	if (at < sizeof(trail) - 1)
		trail[at] = c;
}

bool trail_is(const char *expected, const char *clause)
{
	const bool same = check(strcmp(trail, expected) == 0, "%s", clause);

	if (!same)
		say("# expected %s, was %s\n", expected, trail);
	return same;
}

/* ---- begin and end ---- */

static char said[1 << 15];
static uint32_t said_size;

static hv_status_t keep(const void *text, size_t size)
{
	const uint32_t at = __atomic_fetch_add(&said_size, (uint32_t)size, __ATOMIC_SEQ_CST);

	if (at + size > sizeof(said))
		return HV_E_FULL;
	memcpy(said + at, text, size);
	return HV_OK;
}

void flush(void)
{
	say_output = hypike_console_write;
	say_output(said, said_size < sizeof(said) ? said_size : sizeof(said));
	said_size = 0;
}

void go_normal(void)
{
	RETURN_CODE_TYPE code;

	say_output = keep;
	SET_PARTITION_MODE(NORMAL, &code);
	check(false, "3.2.2.2 SET_PARTITION_MODE: NORMAL doesn't come back to the initialisation");
	finish();
}

void finish(void)
{
	const int status = check_done();

	flush();
	hypike_shutdown(status); /* with other partitions; alone it is the same */
	hypike_exit(status);
}
