/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ARINC 653 part 1, 3.6: sampling and queuing ports, each return code of each service. Channels lead
 * from this partition to itself, and to one with the argument "echo" and back.
 * @verifies LIB-624
 * @verifies LIB-629
 */
#include "lib/hypike/program.h"
#include "lib/string.h"
#include "tests/system/native/apex.h"

#define HIGH	40
#define MID	30
#define LOW	20
#define FOREVER INFINITE_TIME_VALUE
#define T_MS	((SYSTEM_TIME_TYPE)MS)
#define SOON	(2 * T_MS)
#define ROOM	32
#define DEPTH	3
#define REFRESH (10 * T_MS)

static RETURN_CODE_TYPE code;
static char text[ROOM + 1];
static MESSAGE_SIZE_TYPE length;
static APEX_INTEGER id;

static uint8_t *bytes(const char *message)
{
	return (uint8_t *)(uintptr_t)message;
}

/* ---- 3.6.2.1: sampling ---- */

static SAMPLING_PORT_ID_TYPE sample_out, sample_in;
static VALIDITY_TYPE validity;

static RETURN_CODE_TYPE create_sampling(const char *name, MESSAGE_SIZE_TYPE room,
					PORT_DIRECTION_TYPE direction, SYSTEM_TIME_TYPE refresh)
{
	SAMPLING_PORT_NAME_TYPE padded = "";

	memcpy(padded, name, strlen(name));
	CREATE_SAMPLING_PORT(padded, room, direction, refresh, &id, &code);
	return code;
}

static void test_create_sampling(void)
{
	expect(create_sampling("absent", ROOM, SOURCE, REFRESH), INVALID_CONFIG,
	       "3.6.2.1.1 CREATE_SAMPLING_PORT, not in the configuration");
	expect(create_sampling("sample-in", ROOM + 1, DESTINATION, REFRESH), INVALID_CONFIG,
	       "3.6.2.1.1 CREATE_SAMPLING_PORT, another size");
	expect(create_sampling("sample-in", 0, DESTINATION, REFRESH), INVALID_CONFIG,
	       "3.6.2.1.1 CREATE_SAMPLING_PORT, size 0");
	expect(create_sampling("sample-in", ROOM, SOURCE, REFRESH), INVALID_CONFIG,
	       "3.6.2.1.1 CREATE_SAMPLING_PORT, another direction");
	expect(create_sampling("sample-in", ROOM, (PORT_DIRECTION_TYPE)2, REFRESH), INVALID_CONFIG,
	       "3.6.2.1.1 CREATE_SAMPLING_PORT, no direction");
	expect(create_sampling("sample-in", ROOM, DESTINATION, REFRESH + 1), INVALID_CONFIG,
	       "3.6.2.1.1 CREATE_SAMPLING_PORT, another refresh period");
	expect(create_sampling("sample-in", ROOM, DESTINATION, -1), INVALID_CONFIG,
	       "3.6.2.1.1 CREATE_SAMPLING_PORT, refresh period out of range");
	expect(create_sampling("queue-in", ROOM, DESTINATION, REFRESH), INVALID_CONFIG,
	       "3.6.2.1.1 CREATE_SAMPLING_PORT, a queuing port");
	expect(create_sampling("sample-in", ROOM, DESTINATION, REFRESH), NO_ERROR,
	       "3.6.2.1.1 CREATE_SAMPLING_PORT, destination");
	sample_in = id;
	expect(create_sampling("sample-out", ROOM, SOURCE, REFRESH), NO_ERROR,
	       "3.6.2.1.1 CREATE_SAMPLING_PORT, source");
	sample_out = id;
	expect(create_sampling("sample-in", ROOM, DESTINATION, REFRESH), NO_ACTION,
	       "3.6.2.1.1 CREATE_SAMPLING_PORT, created before");
}

static RETURN_CODE_TYPE write_sample(SAMPLING_PORT_ID_TYPE port, const char *message)
{
	WRITE_SAMPLING_MESSAGE(port, bytes(message), (MESSAGE_SIZE_TYPE)strlen(message), &code);
	return code;
}

static RETURN_CODE_TYPE read_sample(SAMPLING_PORT_ID_TYPE port)
{
	memset(text, 0, sizeof(text));
	READ_SAMPLING_MESSAGE(port, (uint8_t *)text, &length, &validity, &code);
	return code;
}

static void test_sampling(void)
{
	SAMPLING_PORT_STATUS_TYPE status;

	expect(read_sample(77), INVALID_PARAM, "3.6.2.1.3 READ_SAMPLING_MESSAGE, no such port");
	expect(read_sample(sample_out), INVALID_MODE, "3.6.2.1.3 READ_SAMPLING_MESSAGE of a source");
	expect(read_sample(sample_in), NO_ACTION, "3.6.2.1.3 READ_SAMPLING_MESSAGE, never written");
	check(validity == INVALID && length == 0, "3.6.2.1.3 then it is invalid, of length 0");
	expect(write_sample(77, "x"), INVALID_PARAM, "3.6.2.1.2 WRITE_SAMPLING_MESSAGE, no such port");
	expect(write_sample(sample_in, "x"), INVALID_MODE,
	       "3.6.2.1.2 WRITE_SAMPLING_MESSAGE to a destination");
	expect(write_sample(sample_out, "thirty-three letters are too many"), INVALID_CONFIG,
	       "3.6.2.1.2 WRITE_SAMPLING_MESSAGE, too long");
	expect(write_sample(sample_out, ""), INVALID_PARAM,
	       "3.6.2.1.2 WRITE_SAMPLING_MESSAGE, length 0");
	expect(write_sample(sample_out, "old"), NO_ERROR, "3.6.2.1.2 WRITE_SAMPLING_MESSAGE");
	write_sample(sample_out, "newer");
	expect(read_sample(sample_in), NO_ERROR, "3.6.2.1.3 READ_SAMPLING_MESSAGE");
	check(strcmp(text, "newer") == 0 && length == 5 && validity == VALID,
	      "3.6.2.1.3 the last message, and it is valid");
	rest(REFRESH + T_MS);
	check(read_sample(sample_in) == NO_ERROR && strcmp(text, "newer") == 0 &&
		      validity == INVALID,
	      "3.6.2.1.3 older than the refresh period: NO_ERROR, but invalid");
	GET_SAMPLING_PORT_STATUS(sample_in, &status, &code);
	check(code == NO_ERROR && status.REFRESH_PERIOD == REFRESH &&
		      status.MAX_MESSAGE_SIZE == ROOM && status.PORT_DIRECTION == DESTINATION &&
		      status.LAST_MSG_VALIDITY == INVALID,
	      "3.6.2.1.5 GET_SAMPLING_PORT_STATUS: NO_ERROR");
	GET_SAMPLING_PORT_STATUS(77, &status, &code);
	expect(code, INVALID_PARAM, "3.6.2.1.5 GET_SAMPLING_PORT_STATUS, no such port");
}

static void test_sampling_names(void)
{
	SAMPLING_PORT_NAME_TYPE name = "sample-out";

	GET_SAMPLING_PORT_ID(name, &id, &code);
	check(code == NO_ERROR && id == sample_out, "3.6.2.1.4 GET_SAMPLING_PORT_ID: NO_ERROR");
	name[0] = 'x';
	GET_SAMPLING_PORT_ID(name, &id, &code);
	expect(code, INVALID_CONFIG, "3.6.2.1.4 GET_SAMPLING_PORT_ID, no such name");
	expect(create_sampling("sample-late", ROOM, SOURCE, REFRESH), INVALID_MODE,
	       "3.6.2.1.1 CREATE_SAMPLING_PORT, in mode NORMAL");
}

/* ---- 3.6.2.2: queuing ---- */

static QUEUING_PORT_ID_TYPE queue_out, queue_in, there, back;

static RETURN_CODE_TYPE create_queuing(const char *name, MESSAGE_SIZE_TYPE room,
				       MESSAGE_RANGE_TYPE depth, PORT_DIRECTION_TYPE direction,
				       QUEUING_DISCIPLINE_TYPE discipline)
{
	QUEUING_PORT_NAME_TYPE padded = "";

	memcpy(padded, name, strlen(name));
	CREATE_QUEUING_PORT(padded, room, depth, direction, discipline, &id, &code);
	return code;
}

static void test_create_queuing(void)
{
	expect(create_queuing("absent", ROOM, DEPTH, SOURCE, FIFO), INVALID_CONFIG,
	       "3.6.2.2.1 CREATE_QUEUING_PORT, not in the configuration");
	expect(create_queuing("queue-in", ROOM - 1, DEPTH, DESTINATION, FIFO), INVALID_CONFIG,
	       "3.6.2.2.1 CREATE_QUEUING_PORT, another size");
	expect(create_queuing("queue-in", ROOM, DEPTH + 1, DESTINATION, FIFO), INVALID_CONFIG,
	       "3.6.2.2.1 CREATE_QUEUING_PORT, another number of messages");
	expect(create_queuing("queue-in", ROOM, DEPTH, SOURCE, FIFO), INVALID_CONFIG,
	       "3.6.2.2.1 CREATE_QUEUING_PORT, another direction");
	expect(create_queuing("queue-in", ROOM, DEPTH, DESTINATION, (QUEUING_DISCIPLINE_TYPE)2),
	       INVALID_CONFIG, "3.6.2.2.1 CREATE_QUEUING_PORT, no such discipline");
	expect(create_queuing("sample-in", ROOM, DEPTH, DESTINATION, FIFO), INVALID_CONFIG,
	       "3.6.2.2.1 CREATE_QUEUING_PORT, a sampling port");
	expect(create_queuing("queue-in", ROOM, DEPTH, DESTINATION, PRIORITY), NO_ERROR,
	       "3.6.2.2.1 CREATE_QUEUING_PORT, destination");
	queue_in = id;
	expect(create_queuing("queue-out", ROOM, DEPTH, SOURCE, FIFO), NO_ERROR,
	       "3.6.2.2.1 CREATE_QUEUING_PORT, source");
	queue_out = id;
	expect(create_queuing("queue-in", ROOM, DEPTH, DESTINATION, PRIORITY), NO_ACTION,
	       "3.6.2.2.1 CREATE_QUEUING_PORT, created before");
}

static RETURN_CODE_TYPE send(QUEUING_PORT_ID_TYPE port, const char *message,
			     SYSTEM_TIME_TYPE time_out)
{
	SEND_QUEUING_MESSAGE(port, bytes(message), (MESSAGE_SIZE_TYPE)strlen(message), time_out,
			     &code);
	return code;
}

static RETURN_CODE_TYPE receive(QUEUING_PORT_ID_TYPE port, SYSTEM_TIME_TYPE time_out)
{
	memset(text, 0, sizeof(text));
	RECEIVE_QUEUING_MESSAGE(port, time_out, (uint8_t *)text, &length, &code);
	return code;
}

static void test_receive(void)
{
	const SYSTEM_TIME_TYPE begin = now();

	expect(receive(77, 0), INVALID_PARAM, "3.6.2.2.3 RECEIVE_QUEUING_MESSAGE, no such port");
	expect(receive(queue_out, 0), INVALID_MODE, "3.6.2.2.3 RECEIVE_QUEUING_MESSAGE of a source");
	expect(receive(queue_in, -9), INVALID_PARAM,
	       "3.6.2.2.3 RECEIVE_QUEUING_MESSAGE, time-out out of range");
	expect(receive(queue_in, 0), NOT_AVAILABLE, "3.6.2.2.3 RECEIVE_QUEUING_MESSAGE, empty");
	expect(receive(queue_in, SOON), TIMED_OUT,
	       "3.6.2.2.3 RECEIVE_QUEUING_MESSAGE, nobody sends");
	check(length == 0 && now() - begin >= SOON, "3.6.2.2.3 length 0, and not before its time");
}

static void test_send(void)
{
	expect(send(77, "x", 0), INVALID_PARAM, "3.6.2.2.2 SEND_QUEUING_MESSAGE, no such port");
	expect(send(queue_in, "x", 0), INVALID_MODE,
	       "3.6.2.2.2 SEND_QUEUING_MESSAGE to a destination");
	expect(send(queue_out, "x", -9), INVALID_PARAM,
	       "3.6.2.2.2 SEND_QUEUING_MESSAGE, time-out out of range");
	expect(send(queue_out, "", 0), INVALID_PARAM, "3.6.2.2.2 SEND_QUEUING_MESSAGE, length 0");
	expect(send(queue_out, "thirty-three letters are too many", 0), INVALID_CONFIG,
	       "3.6.2.2.2 SEND_QUEUING_MESSAGE, too long");
	expect(send(queue_out, "one", 0), NO_ERROR, "3.6.2.2.2 SEND_QUEUING_MESSAGE");
	send(queue_out, "two", 0);
	send(queue_out, "thirty-two letters do not exceed", 0);
	expect(send(queue_out, "four", 0), NOT_AVAILABLE, "3.6.2.2.2 SEND_QUEUING_MESSAGE, full");
	expect(send(queue_out, "four", SOON), TIMED_OUT,
	       "3.6.2.2.2 SEND_QUEUING_MESSAGE, nobody receives");
}

static void test_queuing_status(void)
{
	QUEUING_PORT_STATUS_TYPE status;

	GET_QUEUING_PORT_STATUS(queue_in, &status, &code);
	check(code == NO_ERROR && status.NB_MESSAGE == DEPTH && status.MAX_NB_MESSAGE == DEPTH &&
		      status.MAX_MESSAGE_SIZE == ROOM && status.PORT_DIRECTION == DESTINATION &&
		      status.WAITING_PROCESSES == 0,
	      "3.6.2.2.5 GET_QUEUING_PORT_STATUS: NO_ERROR");
	GET_QUEUING_PORT_STATUS(77, &status, &code);
	expect(code, INVALID_PARAM, "3.6.2.2.5 GET_QUEUING_PORT_STATUS, no such port");
	check(receive(queue_in, 0) == NO_ERROR && strcmp(text, "one") == 0 && length == 3,
	      "3.6.2.2.3 RECEIVE_QUEUING_MESSAGE: the oldest message first");
	receive(queue_in, 0);
	check(receive(queue_in, 0) == NO_ERROR &&
		      strcmp(text, "thirty-two letters do not exceed") == 0,
	      "3.6.2.2.3 RECEIVE_QUEUING_MESSAGE: as long as can be");
	send(queue_out, "gone", 0);
	CLEAR_QUEUING_PORT(77, &code);
	expect(code, INVALID_PARAM, "3.6.2.2.6 CLEAR_QUEUING_PORT, no such port");
	CLEAR_QUEUING_PORT(queue_out, &code);
	expect(code, INVALID_MODE, "3.6.2.2.6 CLEAR_QUEUING_PORT of a source");
	CLEAR_QUEUING_PORT(queue_in, &code);
	expect(code, NO_ERROR, "3.6.2.2.6 CLEAR_QUEUING_PORT");
	expect(receive(queue_in, 0), NOT_AVAILABLE, "3.6.2.2.6 no message is left");
}

static void test_queuing_names(void)
{
	QUEUING_PORT_NAME_TYPE name = "queue-out";

	GET_QUEUING_PORT_ID(name, &id, &code);
	check(code == NO_ERROR && id == queue_out, "3.6.2.2.4 GET_QUEUING_PORT_ID: NO_ERROR");
	name[0] = 'x';
	GET_QUEUING_PORT_ID(name, &id, &code);
	expect(code, INVALID_CONFIG, "3.6.2.2.4 GET_QUEUING_PORT_ID, no such name");
	expect(create_queuing("queue-late", ROOM, DEPTH, DESTINATION, FIFO), INVALID_MODE,
	       "3.6.2.2.1 CREATE_QUEUING_PORT, in mode NORMAL");
}

/* ---- processes that wait ---- */

static PROCESS_ID_TYPE low, high, sender_id;

static void receiver(char name)
{
	uint8_t message[ROOM];
	MESSAGE_SIZE_TYPE size;
	RETURN_CODE_TYPE result;

	RECEIVE_QUEUING_MESSAGE(queue_in, FOREVER, message, &size, &result);
	note(result == NO_ERROR && size == 1 ? name : '!');
}

static void low_entry(void)
{
	receiver('L');
}

static void high_entry(void)
{
	receiver('H');
}

static void sender(void)
{
	RETURN_CODE_TYPE result;

	SEND_QUEUING_MESSAGE(queue_out, bytes("late"), 4, FOREVER, &result);
	note(result == NO_ERROR ? 'S' : '!');
}

static void test_waiting(void)
{
	QUEUING_PORT_STATUS_TYPE status;

	trail_begin();
	start(low);
	rest(T_MS);
	start(high);
	check(state(low) == WAITING && state(high) == WAITING, "3.6.2.2.3 receivers are WAITING");
	GET_QUEUING_PORT_STATUS(queue_in, &status, &code);
	check(status.WAITING_PROCESSES == 2, "3.6.2.2.5 GET_QUEUING_PORT_STATUS: two wait");
	send(queue_out, "1", 0);
	trail_is("H", "3.6.2.2.3 by priority: the more urgent receiver first");
	send(queue_out, "2", 0);
	rest(T_MS);
	trail_is("HL", "3.6.2.2.3 by priority: then the other");
	trail_begin();
	start(high);
	STOP(high, &code);
	expect(code, NO_ERROR, "3.3.2.9 STOP of a process that waits for a port");
	GET_QUEUING_PORT_STATUS(queue_in, &status, &code);
	check(status.WAITING_PROCESSES == 0, "3.3.2.9 it doesn't wait any more");
	start(high);
	SUSPEND(high, &code);
	send(queue_out, "3", 0);
	trail_is("", "3.3.2.6 suspended while it waits for a port, it doesn't run");
	RESUME(high, &code);
	trail_is("H", "3.3.2.7 resumed, it has its message");
}

static void test_waiting_sender(void)
{
	trail_begin();
	for (uint32_t i = 0; i < DEPTH; i++)
		send(queue_out, "x", 0);
	start(sender_id);
	check(state(sender_id) == WAITING, "3.6.2.2.2 a sender is WAITING for room");
	receive(queue_in, 0);
	trail_is("S", "3.6.2.2.2 it goes on when there is some");
	for (uint32_t i = 0; i < DEPTH; i++)
		receive(queue_in, 0);
	check(code == NO_ERROR && strcmp(text, "late") == 0, "3.6.2.2.3 its message is the last");
}

static void test_locked(void)
{
	LOCK_LEVEL_TYPE level;
	RETURN_CODE_TYPE ignored;

	LOCK_PREEMPTION(&level, &ignored);
	expect(receive(queue_in, SOON), INVALID_MODE,
	       "3.6.2.2.3 RECEIVE_QUEUING_MESSAGE, preemption locked");
	send(queue_out, "1", SOON);
	send(queue_out, "2", SOON);
	expect(send(queue_out, "3", SOON), NO_ERROR,
	       "3.6.2.2.2 SEND_QUEUING_MESSAGE, preemption locked, but there is room");
	expect(send(queue_out, "4", SOON), INVALID_MODE,
	       "3.6.2.2.2 SEND_QUEUING_MESSAGE, preemption locked");
	UNLOCK_PREEMPTION(&level, &ignored);
}

/* ---- another partition ---- */

static void echo(void)
{
	uint8_t message[ROOM];
	MESSAGE_SIZE_TYPE size;

	for (;;) {
		RECEIVE_QUEUING_MESSAGE(back, FOREVER, message, &size, &code);
		SEND_QUEUING_MESSAGE(there, message, size, FOREVER, &code);
	}
}

static void test_echo(void)
{
	char message[] = "number 00";
	uint32_t right = 0;

	for (uint32_t i = 0; i < 20; i++) {
		message[7] = (char)('0' + i / 10);
		message[8] = (char)('0' + i % 10);
		if (send(there, message, 100 * T_MS) == NO_ERROR &&
		    receive(back, 100 * T_MS) == NO_ERROR && strcmp(text, message) == 0)
			right++;
	}
	check(right == 20, "3.6.2.2 twenty messages come back from another partition");
}

static void conductor(void)
{
	test_sampling();
	test_sampling_names();
	test_receive();
	test_send();
	test_queuing_status();
	test_queuing_names();
	test_waiting();
	test_waiting_sender();
	test_locked();
	test_echo();
	finish();
}

int main(void)
{
	create_queuing("there", ROOM, DEPTH, SOURCE, FIFO);
	there = id;
	create_queuing("back", ROOM, DEPTH, DESTINATION, FIFO);
	back = id;
	if (strcmp(hypike_info()->args, "echo") == 0) {
		start(make("echo", echo, MID));
		go_normal();
	}
	test_create_sampling();
	test_create_queuing();
	low = make("low", low_entry, LOW);
	high = make("high", high_entry, HIGH);
	sender_id = make("sender", sender, HIGH);
	start(make("conductor", conductor, MID));
	go_normal();
}
