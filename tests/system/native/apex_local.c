/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ARINC 653 part 1, 3.7: buffers, blackboards, semaphores and events, each return code of each service.
 * @verifies LIB-601
 * @verifies LIB-621
 * @verifies LIB-626
 * @verifies LIB-627
 * @verifies LIB-628
 */
#include "lib/hypike/program.h"
#include "lib/string.h"
#include "tests/system/native/apex.h"

#define HIGH	40
#define MID	30
#define LOW	20
#define FOREVER INFINITE_TIME_VALUE
#define SOON	(2 * (SYSTEM_TIME_TYPE)MS)
#define ROOM	16

static BUFFER_ID_TYPE fifo_buffer, priority_buffer;
static BLACKBOARD_ID_TYPE board;
static SEMAPHORE_ID_TYPE fifo_semaphore, priority_semaphore, mutex;
static EVENT_ID_TYPE event;
static PROCESS_ID_TYPE low, high, high2;
static RETURN_CODE_TYPE code;
static char text[ROOM + 1];
static MESSAGE_SIZE_TYPE length;

static uint8_t *bytes(const char *message)
{
	return (uint8_t *)(uintptr_t)message;
}

/* ---- what the other processes do ---- */

static void (*task)(char name);

static void low_entry(void)
{
	task('L');
}

static void high_entry(void)
{
	task('H');
}

static void high2_entry(void)
{
	task('h');
}

/* The less urgent one first: in FIFO order it is served first. */
static void start_all(void (*what)(char name))
{
	task = what;
	trail_begin();
	start(low);
	rest((SYSTEM_TIME_TYPE)MS);
	start(high);
	start(high2);
}

static void stop_all(void)
{
	RETURN_CODE_TYPE ignored;

	STOP(low, &ignored);
	STOP(high, &ignored);
	STOP(high2, &ignored);
}

static void note_result(char name, RETURN_CODE_TYPE result)
{
	note(result == NO_ERROR ? name : result == TIMED_OUT ? 't' : '!');
}

/* ---- 3.7.2.1: buffers ---- */

static void create_buffer(const char *name, MESSAGE_SIZE_TYPE room, MESSAGE_RANGE_TYPE depth,
			  QUEUING_DISCIPLINE_TYPE discipline, BUFFER_ID_TYPE *id)
{
	BUFFER_NAME_TYPE padded = "";

	memcpy(padded, name, strlen(name));
	CREATE_BUFFER(padded, room, depth, discipline, id, &code);
}

static void test_create_buffer(void)
{
	BUFFER_ID_TYPE id;

	create_buffer("fifo", ROOM, 2, FIFO, &fifo_buffer);
	expect(code, NO_ERROR, "3.7.2.1.1 CREATE_BUFFER");
	create_buffer("priority", ROOM, 2, PRIORITY, &priority_buffer);
	expect(code, NO_ERROR, "3.7.2.1.1 CREATE_BUFFER by priority");
	create_buffer("fifo", ROOM, 2, FIFO, &id);
	expect(code, NO_ACTION, "3.7.2.1.1 CREATE_BUFFER, a name that there is");
	create_buffer("x", 0, 2, FIFO, &id);
	expect(code, INVALID_PARAM, "3.7.2.1.1 CREATE_BUFFER, size 0");
	create_buffer("x", ROOM, 0, FIFO, &id);
	expect(code, INVALID_PARAM, "3.7.2.1.1 CREATE_BUFFER, no messages");
	create_buffer("x", ROOM, 2, (QUEUING_DISCIPLINE_TYPE)2, &id);
	expect(code, INVALID_PARAM, "3.7.2.1.1 CREATE_BUFFER, no such discipline");
	create_buffer("x", SYSTEM_LIMIT_MESSAGE_SIZE, SYSTEM_LIMIT_NUMBER_OF_MESSAGES, FIFO, &id);
	expect(code, INVALID_CONFIG, "3.7.2.1.1 CREATE_BUFFER, more than the memory has room for");
}

static void send(BUFFER_ID_TYPE id, const char *message, SYSTEM_TIME_TYPE time_out)
{
	SEND_BUFFER(id, bytes(message), (MESSAGE_SIZE_TYPE)strlen(message), time_out, &code);
}

static void receive(BUFFER_ID_TYPE id, SYSTEM_TIME_TYPE time_out)
{
	memset(text, 0, sizeof(text));
	RECEIVE_BUFFER(id, time_out, (uint8_t *)text, &length, &code);
}

static bool received(const char *expected)
{
	return code == NO_ERROR && strcmp(text, expected) == 0 &&
	       length == (MESSAGE_SIZE_TYPE)strlen(expected);
}

static void test_buffer(void)
{
	BUFFER_STATUS_TYPE status;
	SYSTEM_TIME_TYPE begin;

	receive(fifo_buffer, 0);
	check(code == NOT_AVAILABLE && length == 0, "3.7.2.1.3 RECEIVE_BUFFER, empty: NOT_AVAILABLE");
	begin = now();
	receive(fifo_buffer, SOON);
	expect(code, TIMED_OUT, "3.7.2.1.3 RECEIVE_BUFFER, nobody sends");
	check(now() - begin >= SOON, "3.7.2.1.3 not before its time");
	receive(77, 0);
	expect(code, INVALID_PARAM, "3.7.2.1.3 RECEIVE_BUFFER, no such buffer");
	receive(fifo_buffer, -9);
	expect(code, INVALID_PARAM, "3.7.2.1.3 RECEIVE_BUFFER, time-out out of range");
	send(77, "a", 0);
	expect(code, INVALID_PARAM, "3.7.2.1.2 SEND_BUFFER, no such buffer");
	send(fifo_buffer, "seventeen letters", 0);
	expect(code, INVALID_PARAM, "3.7.2.1.2 SEND_BUFFER, too long");
	send(fifo_buffer, "", 0);
	expect(code, INVALID_PARAM, "3.7.2.1.2 SEND_BUFFER, length 0");
	send(fifo_buffer, "a", -9);
	expect(code, INVALID_PARAM, "3.7.2.1.2 SEND_BUFFER, time-out out of range");
	send(fifo_buffer, "one", 0);
	expect(code, NO_ERROR, "3.7.2.1.2 SEND_BUFFER");
	send(fifo_buffer, "sixteen letters!", 0);
	send(fifo_buffer, "three", 0);
	expect(code, NOT_AVAILABLE, "3.7.2.1.2 SEND_BUFFER, full");
	send(fifo_buffer, "three", SOON);
	expect(code, TIMED_OUT, "3.7.2.1.2 SEND_BUFFER, nobody receives");
	GET_BUFFER_STATUS(fifo_buffer, &status, &code);
	check(code == NO_ERROR && status.NB_MESSAGE == 2 && status.MAX_NB_MESSAGE == 2 &&
		      status.MAX_MESSAGE_SIZE == ROOM && status.WAITING_PROCESSES == 0,
	      "3.7.2.1.5 GET_BUFFER_STATUS: NO_ERROR");
	GET_BUFFER_STATUS(77, &status, &code);
	expect(code, INVALID_PARAM, "3.7.2.1.5 GET_BUFFER_STATUS, no such buffer");
	receive(fifo_buffer, 0);
	check(received("one"), "3.7.2.1.3 RECEIVE_BUFFER: the oldest message first");
	receive(fifo_buffer, 0);
	check(received("sixteen letters!"), "3.7.2.1.3 RECEIVE_BUFFER: then the next");
}

static BUFFER_ID_TYPE used_buffer;

static void sender(char name)
{
	uint8_t message[1] = {(uint8_t)name};
	RETURN_CODE_TYPE result;

	SEND_BUFFER(used_buffer, message, 1, FOREVER, &result);
	note_result(name, result);
}

static void receiver(char name)
{
	uint8_t message[ROOM];
	MESSAGE_SIZE_TYPE size = 0;
	RETURN_CODE_TYPE result;

	RECEIVE_BUFFER(used_buffer, FOREVER, message, &size, &result);
	note_result(size == 1 && message[0] == 'x' ? name : '!', result);
}

static void test_buffer_waiting(void)
{
	BUFFER_STATUS_TYPE status;

	used_buffer = fifo_buffer;
	start_all(receiver);
	GET_BUFFER_STATUS(fifo_buffer, &status, &code);
	check(status.WAITING_PROCESSES == 3, "3.7.2.1.5 GET_BUFFER_STATUS: three receivers wait");
	send(fifo_buffer, "x", 0);
	send(fifo_buffer, "x", 0);
	send(fifo_buffer, "x", 0);
	trail_is("Hh", "3.7.2.1.2 receivers get messages as they wait");
	rest((SYSTEM_TIME_TYPE)MS);
	trail_is("HhL", "3.7.2.1.2 the least urgent was first, but runs last");
	used_buffer = priority_buffer;
	start_all(receiver);
	send(priority_buffer, "x", 0);
	trail_is("H", "3.7.2.1.2 by priority: the most urgent, of equals the first");
	send(priority_buffer, "x", 0);
	trail_is("Hh", "3.7.2.1.2 by priority: then the second");
	stop_all();
	GET_BUFFER_STATUS(priority_buffer, &status, &code);
	check(status.WAITING_PROCESSES == 0, "3.3.2.9 STOP of a process that waits ends that");
}

static void test_buffer_senders(void)
{
	char order[4] = "";

	used_buffer = fifo_buffer;
	send(fifo_buffer, "1", 0);
	send(fifo_buffer, "2", 0);
	start_all(sender);
	for (uint32_t i = 0; i < 2; i++)
		receive(fifo_buffer, 0);
	for (uint32_t i = 0; i < 3; i++) {
		receive(fifo_buffer, 0);
		order[i] = text[0];
	}
	check(strcmp(order, "LHh") == 0, "3.7.2.1.3 messages of senders that wait, first come");
	rest((SYSTEM_TIME_TYPE)MS);
	trail_is("HhL", "3.7.2.1.3 all senders have gone on");
	used_buffer = priority_buffer;
	send(priority_buffer, "1", 0);
	send(priority_buffer, "2", 0);
	start_all(sender);
	for (uint32_t i = 0; i < 2; i++)
		receive(priority_buffer, 0);
	for (uint32_t i = 0; i < 3; i++) {
		receive(priority_buffer, 0);
		order[i] = text[0];
	}
	check(strcmp(order, "HhL") == 0, "3.7.2.1.3 messages of senders that wait, by priority");
	rest((SYSTEM_TIME_TYPE)MS);
}

static void test_buffer_names(void)
{
	BUFFER_NAME_TYPE name = "priority";
	BUFFER_ID_TYPE id = 0;

	GET_BUFFER_ID(name, &id, &code);
	check(code == NO_ERROR && id == priority_buffer, "3.7.2.1.4 GET_BUFFER_ID: NO_ERROR");
	name[0] = 'q';
	GET_BUFFER_ID(name, &id, &code);
	expect(code, INVALID_CONFIG, "3.7.2.1.4 GET_BUFFER_ID, no such name");
	create_buffer("new", ROOM, 1, FIFO, &id);
	expect(code, INVALID_MODE, "3.7.2.1.1 CREATE_BUFFER, in mode NORMAL");
}

/* ---- 3.7.2.2: blackboards ---- */

static void create_board(const char *name, MESSAGE_SIZE_TYPE room, BLACKBOARD_ID_TYPE *id)
{
	BLACKBOARD_NAME_TYPE padded = "";

	memcpy(padded, name, strlen(name));
	CREATE_BLACKBOARD(padded, room, id, &code);
}

static void test_create_board(void)
{
	BLACKBOARD_ID_TYPE id;

	create_board("board", ROOM, &board);
	expect(code, NO_ERROR, "3.7.2.2.1 CREATE_BLACKBOARD");
	create_board("board", ROOM, &id);
	expect(code, NO_ACTION, "3.7.2.2.1 CREATE_BLACKBOARD, a name that there is");
	create_board("x", -1, &id);
	expect(code, INVALID_PARAM, "3.7.2.2.1 CREATE_BLACKBOARD, size out of range");
}

static void read_board(BLACKBOARD_ID_TYPE id, SYSTEM_TIME_TYPE time_out)
{
	memset(text, 0, sizeof(text));
	READ_BLACKBOARD(id, time_out, (uint8_t *)text, &length, &code);
}

static void display(BLACKBOARD_ID_TYPE id, const char *message)
{
	DISPLAY_BLACKBOARD(id, bytes(message), (MESSAGE_SIZE_TYPE)strlen(message), &code);
}

static void reader(char name)
{
	uint8_t message[ROOM];
	MESSAGE_SIZE_TYPE size = 0;
	RETURN_CODE_TYPE result;

	READ_BLACKBOARD(board, FOREVER, message, &size, &result);
	note_result(size == 5 && memcmp(message, "again", 5) == 0 ? name : '!', result);
}

static void test_board(void)
{
	BLACKBOARD_STATUS_TYPE status;

	read_board(board, 0);
	expect(code, NOT_AVAILABLE, "3.7.2.2.3 READ_BLACKBOARD, empty");
	read_board(board, SOON);
	expect(code, TIMED_OUT, "3.7.2.2.3 READ_BLACKBOARD, nobody displays");
	read_board(77, 0);
	expect(code, INVALID_PARAM, "3.7.2.2.3 READ_BLACKBOARD, no such blackboard");
	read_board(board, -9);
	expect(code, INVALID_PARAM, "3.7.2.2.3 READ_BLACKBOARD, time-out out of range");
	display(77, "x");
	expect(code, INVALID_PARAM, "3.7.2.2.2 DISPLAY_BLACKBOARD, no such blackboard");
	display(board, "seventeen letters");
	expect(code, INVALID_PARAM, "3.7.2.2.2 DISPLAY_BLACKBOARD, too long");
	display(board, "");
	expect(code, INVALID_PARAM, "3.7.2.2.2 DISPLAY_BLACKBOARD, length 0");
	display(board, "first");
	display(board, "second");
	expect(code, NO_ERROR, "3.7.2.2.2 DISPLAY_BLACKBOARD");
	read_board(board, 0);
	check(received("second"), "3.7.2.2.3 READ_BLACKBOARD: the last message");
	read_board(board, 0);
	check(received("second"), "3.7.2.2.3 READ_BLACKBOARD: as often as one likes");
	GET_BLACKBOARD_STATUS(board, &status, &code);
	check(code == NO_ERROR && status.EMPTY_INDICATOR == OCCUPIED &&
		      status.MAX_MESSAGE_SIZE == ROOM && status.WAITING_PROCESSES == 0,
	      "3.7.2.2.6 GET_BLACKBOARD_STATUS: NO_ERROR");
	GET_BLACKBOARD_STATUS(77, &status, &code);
	expect(code, INVALID_PARAM, "3.7.2.2.6 GET_BLACKBOARD_STATUS, no such blackboard");
	CLEAR_BLACKBOARD(77, &code);
	expect(code, INVALID_PARAM, "3.7.2.2.4 CLEAR_BLACKBOARD, no such blackboard");
	CLEAR_BLACKBOARD(board, &code);
	expect(code, NO_ERROR, "3.7.2.2.4 CLEAR_BLACKBOARD");
	GET_BLACKBOARD_STATUS(board, &status, &code);
	check(status.EMPTY_INDICATOR == EMPTY, "3.7.2.2.4 it is empty");
}

static void test_board_waiting(void)
{
	BLACKBOARD_STATUS_TYPE status;
	BLACKBOARD_NAME_TYPE name = "board";
	BLACKBOARD_ID_TYPE id = 0;

	start_all(reader);
	GET_BLACKBOARD_STATUS(board, &status, &code);
	check(status.WAITING_PROCESSES == 3, "3.7.2.2.6 GET_BLACKBOARD_STATUS: three readers wait");
	display(board, "again");
	trail_is("Hh", "3.7.2.2.2 DISPLAY_BLACKBOARD: all readers get it");
	rest((SYSTEM_TIME_TYPE)MS);
	trail_is("HhL", "3.7.2.2.2 the less urgent one later");
	GET_BLACKBOARD_ID(name, &id, &code);
	check(code == NO_ERROR && id == board, "3.7.2.2.5 GET_BLACKBOARD_ID: NO_ERROR");
	name[0] = 'q';
	GET_BLACKBOARD_ID(name, &id, &code);
	expect(code, INVALID_CONFIG, "3.7.2.2.5 GET_BLACKBOARD_ID, no such name");
	create_board("new", ROOM, &id);
	expect(code, INVALID_MODE, "3.7.2.2.1 CREATE_BLACKBOARD, in mode NORMAL");
}

/* ---- 3.7.2.3: semaphores ---- */

static void create_semaphore(const char *name, SEMAPHORE_VALUE_TYPE value,
			     SEMAPHORE_VALUE_TYPE maximum, QUEUING_DISCIPLINE_TYPE discipline,
			     SEMAPHORE_ID_TYPE *id)
{
	SEMAPHORE_NAME_TYPE padded = "";

	memcpy(padded, name, strlen(name));
	CREATE_SEMAPHORE(padded, value, maximum, discipline, id, &code);
}

static void test_create_semaphore(void)
{
	SEMAPHORE_ID_TYPE id;

	create_semaphore("fifo", 1, 2, FIFO, &fifo_semaphore);
	expect(code, NO_ERROR, "3.7.2.3.1 CREATE_SEMAPHORE");
	create_semaphore("priority", 0, 2, PRIORITY, &priority_semaphore);
	create_semaphore("mutex", 1, 1, PRIORITY, &mutex);
	create_semaphore("fifo", 1, 2, FIFO, &id);
	expect(code, NO_ACTION, "3.7.2.3.1 CREATE_SEMAPHORE, a name that there is");
	create_semaphore("x", 3, 2, FIFO, &id);
	expect(code, INVALID_PARAM, "3.7.2.3.1 CREATE_SEMAPHORE, value above maximum");
	create_semaphore("x", -1, 2, FIFO, &id);
	expect(code, INVALID_PARAM, "3.7.2.3.1 CREATE_SEMAPHORE, value out of range");
	create_semaphore("x", 0, MAX_SEMAPHORE_VALUE + 1, FIFO, &id);
	expect(code, INVALID_PARAM, "3.7.2.3.1 CREATE_SEMAPHORE, maximum out of range");
	create_semaphore("x", 0, 1, (QUEUING_DISCIPLINE_TYPE)2, &id);
	expect(code, INVALID_PARAM, "3.7.2.3.1 CREATE_SEMAPHORE, no such discipline");
}

static SEMAPHORE_ID_TYPE used_semaphore;

static void taker(char name)
{
	RETURN_CODE_TYPE result;

	WAIT_SEMAPHORE(used_semaphore, FOREVER, &result);
	note_result(name, result);
}

static void test_semaphore(void)
{
	SEMAPHORE_STATUS_TYPE status;

	WAIT_SEMAPHORE(77, 0, &code);
	expect(code, INVALID_PARAM, "3.7.2.3.2 WAIT_SEMAPHORE, no such semaphore");
	WAIT_SEMAPHORE(fifo_semaphore, -9, &code);
	expect(code, INVALID_PARAM, "3.7.2.3.2 WAIT_SEMAPHORE, time-out out of range");
	WAIT_SEMAPHORE(fifo_semaphore, FOREVER, &code);
	expect(code, NO_ERROR, "3.7.2.3.2 WAIT_SEMAPHORE");
	WAIT_SEMAPHORE(fifo_semaphore, 0, &code);
	expect(code, NOT_AVAILABLE, "3.7.2.3.2 WAIT_SEMAPHORE, value 0");
	WAIT_SEMAPHORE(fifo_semaphore, SOON, &code);
	expect(code, TIMED_OUT, "3.7.2.3.2 WAIT_SEMAPHORE, nobody signals");
	SIGNAL_SEMAPHORE(77, &code);
	expect(code, INVALID_PARAM, "3.7.2.3.3 SIGNAL_SEMAPHORE, no such semaphore");
	SIGNAL_SEMAPHORE(fifo_semaphore, &code);
	SIGNAL_SEMAPHORE(fifo_semaphore, &code);
	expect(code, NO_ERROR, "3.7.2.3.3 SIGNAL_SEMAPHORE");
	SIGNAL_SEMAPHORE(fifo_semaphore, &code);
	expect(code, NO_ACTION, "3.7.2.3.3 SIGNAL_SEMAPHORE, at its maximum");
	GET_SEMAPHORE_STATUS(fifo_semaphore, &status, &code);
	check(code == NO_ERROR && status.CURRENT_VALUE == 2 && status.MAXIMUM_VALUE == 2 &&
		      status.WAITING_PROCESSES == 0,
	      "3.7.2.3.5 GET_SEMAPHORE_STATUS: NO_ERROR");
	GET_SEMAPHORE_STATUS(77, &status, &code);
	expect(code, INVALID_PARAM, "3.7.2.3.5 GET_SEMAPHORE_STATUS, no such semaphore");
	WAIT_SEMAPHORE(fifo_semaphore, 0, &code);
	WAIT_SEMAPHORE(fifo_semaphore, 0, &code);
}

static void test_semaphore_waiting(void)
{
	SEMAPHORE_STATUS_TYPE status;

	used_semaphore = fifo_semaphore;
	start_all(taker);
	GET_SEMAPHORE_STATUS(fifo_semaphore, &status, &code);
	check(status.WAITING_PROCESSES == 3, "3.7.2.3.5 GET_SEMAPHORE_STATUS: three wait");
	SIGNAL_SEMAPHORE(fifo_semaphore, &code);
	trail_is("", "3.7.2.3.3 FIFO: the first, which is less urgent than the caller");
	SIGNAL_SEMAPHORE(fifo_semaphore, &code);
	trail_is("H", "3.7.2.3.3 FIFO: the second");
	SIGNAL_SEMAPHORE(fifo_semaphore, &code);
	rest((SYSTEM_TIME_TYPE)MS);
	trail_is("HhL", "3.7.2.3.3 FIFO: the third; the first when the CPU is free");
	used_semaphore = priority_semaphore;
	start_all(taker);
	SIGNAL_SEMAPHORE(priority_semaphore, &code);
	trail_is("H", "3.7.2.3.3 by priority: the most urgent first");
	SIGNAL_SEMAPHORE(priority_semaphore, &code);
	SIGNAL_SEMAPHORE(priority_semaphore, &code);
	rest((SYSTEM_TIME_TYPE)MS);
	trail_is("HhL", "3.7.2.3.3 by priority: the least last");
	GET_SEMAPHORE_STATUS(priority_semaphore, &status, &code);
	check(status.CURRENT_VALUE == 0, "3.7.2.3.3 no value is left over");
}

/* A suspended process gets what it waits for, and runs when it is resumed. */
static void test_suspended_waiter(void)
{
	SEMAPHORE_STATUS_TYPE status;

	used_semaphore = fifo_semaphore;
	task = taker;
	trail_begin();
	start(high);
	SUSPEND(high, &code);
	SIGNAL_SEMAPHORE(fifo_semaphore, &code);
	trail_is("", "3.3.2.6 suspended while it waits, it doesn't run");
	check(state(high) == WAITING, "3.3.2.6 it is still WAITING");
	GET_SEMAPHORE_STATUS(fifo_semaphore, &status, &code);
	check(status.CURRENT_VALUE == 0 && status.WAITING_PROCESSES == 0,
	      "3.7.2.3.3 but it has got the semaphore");
	RESUME(high, &code);
	trail_is("H", "3.3.2.7 resumed, it runs");
}

/* ---- the services themselves, in the middle of which processes are preempted ---- */

static uint32_t rounds;
static uint64_t inside, worst;

static void hammer(char name)
{
	RETURN_CODE_TYPE result;

	for (;;) {
		WAIT_SEMAPHORE(mutex, FOREVER, &result);
		inside++;
		if (inside > worst)
			worst = inside;
		__atomic_fetch_add(&rounds, 1, __ATOMIC_SEQ_CST);
		inside--;
		SIGNAL_SEMAPHORE(mutex, &result);
		if (name == 'h')
			TIMED_WAIT(20000, &result); /* between everything that the others do */
		else if (name == 'H')
			TIMED_WAIT(33000, &result);
	}
}

static void test_hammer(void)
{
	start_all(hammer);
	rest(100 * (SYSTEM_TIME_TYPE)MS);
	stop_all();
	check(worst == 1 && load(&rounds) > 1000,
	      "3.7.2.3 a mutex holds among three processes that preempt each other all the time");
	say("# %u rounds\n", load(&rounds));
}

/* Processes are stopped and suspended at any moment; whatever they had begun, the others go on. */
static uint32_t turns[3];

static void churn(char name)
{
	const SYSTEM_TIME_TYPE time = name == 'L' ? 0 : name == 'H' ? 21000 : 34000;
	uint8_t message[ROOM] = {'x'};
	MESSAGE_SIZE_TYPE size;
	RETURN_CODE_TYPE ignored;

	for (;;) {
		SEND_BUFFER(fifo_buffer, message, 1, time, &ignored);
		SIGNAL_SEMAPHORE(priority_semaphore, &ignored);
		RECEIVE_BUFFER(fifo_buffer, time, message, &size, &ignored);
		WAIT_SEMAPHORE(priority_semaphore, time, &ignored);
		turns[name == 'L' ? 0 : name == 'H' ? 1 : 2]++;
		if (time != 0)
			TIMED_WAIT(time, &ignored);
	}
}

static void disturb(uint32_t random)
{
	const PROCESS_ID_TYPE id = (const PROCESS_ID_TYPE[]){low, high, high2}[random % 3];
	RETURN_CODE_TYPE ignored;

	if (random / 3 % 2 == 0) {
		SUSPEND(id, &ignored);
		rest(5000);
		RESUME(id, &ignored);
	} else {
		STOP(id, &ignored);
		start(id);
	}
}

static void test_churn(void)
{
	BUFFER_STATUS_TYPE status;
	SYSTEM_TIME_TYPE begin;
	uint32_t random = 1;

	start_all(churn);
	for (uint32_t i = 0; i < 1000; i++) {
		random = random * 1664525 + 1013904223;
		rest(7001 + (SYSTEM_TIME_TYPE)(random >> 16) % 30000);
		disturb(random >> 8);
	}
	begin = now();
	rest((SYSTEM_TIME_TYPE)MS);
	check(now() - begin < 2 * (SYSTEM_TIME_TYPE)MS, "3.4.2.1 time goes on");
	memset(turns, 0, sizeof(turns));
	rest(5 * (SYSTEM_TIME_TYPE)MS);
	check(turns[0] > 0 && turns[1] > 0 && turns[2] > 0,
	      "3.3.2.9 processes stopped and suspended at any moment: all others go on");
	say("# %u %u %u turns\n", turns[0], turns[1], turns[2]);
	stop_all();
	GET_BUFFER_STATUS(fifo_buffer, &status, &code);
	check(status.WAITING_PROCESSES == 0, "3.3.2.9 nobody waits who doesn't exist");
}

/* ---- 3.7.2.4: events ---- */

static void create_event(const char *name, EVENT_ID_TYPE *id)
{
	EVENT_NAME_TYPE padded = "";

	memcpy(padded, name, strlen(name));
	CREATE_EVENT(padded, id, &code);
}

static void test_create_event(void)
{
	EVENT_ID_TYPE id;
	char name[] = "event 00";
	uint32_t made = 1;

	create_event("event", &event);
	expect(code, NO_ERROR, "3.7.2.4.1 CREATE_EVENT");
	create_event("event", &id);
	expect(code, NO_ACTION, "3.7.2.4.1 CREATE_EVENT, a name that there is");
	while (made < 99 && (create_event(name, &id), code == NO_ERROR)) {
		made++;
		name[6] = (char)('0' + made / 10);
		name[7] = (char)('0' + made % 10);
	}
	expect(code, INVALID_CONFIG, "3.7.2.4.1 CREATE_EVENT, as many as there can be");
	check(made == MAX_NUMBER_OF_EVENTS, "3.7.2.4.1 that many");
}

static void waiter(char name)
{
	RETURN_CODE_TYPE result;

	WAIT_EVENT(event, name == 'h' ? SOON : FOREVER, &result);
	note_result(name, result);
}

static void test_event(void)
{
	EVENT_STATUS_TYPE status;
	EVENT_NAME_TYPE name = "event";
	EVENT_ID_TYPE id = 0;

	WAIT_EVENT(event, 0, &code);
	expect(code, NOT_AVAILABLE, "3.7.2.4.4 WAIT_EVENT, it is down");
	WAIT_EVENT(event, SOON, &code);
	expect(code, TIMED_OUT, "3.7.2.4.4 WAIT_EVENT, nobody sets it");
	WAIT_EVENT(77, 0, &code);
	expect(code, INVALID_PARAM, "3.7.2.4.4 WAIT_EVENT, no such event");
	WAIT_EVENT(event, -9, &code);
	expect(code, INVALID_PARAM, "3.7.2.4.4 WAIT_EVENT, time-out out of range");
	SET_EVENT(77, &code);
	expect(code, INVALID_PARAM, "3.7.2.4.2 SET_EVENT, no such event");
	RESET_EVENT(77, &code);
	expect(code, INVALID_PARAM, "3.7.2.4.3 RESET_EVENT, no such event");
	GET_EVENT_STATUS(77, &status, &code);
	expect(code, INVALID_PARAM, "3.7.2.4.6 GET_EVENT_STATUS, no such event");
	GET_EVENT_ID(name, &id, &code);
	check(code == NO_ERROR && id == event, "3.7.2.4.5 GET_EVENT_ID: NO_ERROR");
	name[0] = 'q';
	GET_EVENT_ID(name, &id, &code);
	expect(code, INVALID_CONFIG, "3.7.2.4.5 GET_EVENT_ID, no such name");
}

static void test_event_waiting(void)
{
	EVENT_STATUS_TYPE status;

	start_all(waiter);
	GET_EVENT_STATUS(event, &status, &code);
	check(code == NO_ERROR && status.EVENT_STATE == DOWN && status.WAITING_PROCESSES == 3,
	      "3.7.2.4.6 GET_EVENT_STATUS: NO_ERROR, three wait");
	rest(2 * SOON);
	trail_is("t", "3.7.2.4.4 WAIT_EVENT: one is timed out");
	SET_EVENT(event, &code);
	expect(code, NO_ERROR, "3.7.2.4.2 SET_EVENT");
	rest((SYSTEM_TIME_TYPE)MS);
	trail_is("tHL", "3.7.2.4.2 SET_EVENT: all others go on");
	WAIT_EVENT(event, FOREVER, &code);
	expect(code, NO_ERROR, "3.7.2.4.4 WAIT_EVENT, it is up");
	GET_EVENT_STATUS(event, &status, &code);
	check(status.EVENT_STATE == UP, "3.7.2.4.2 it stays up");
	RESET_EVENT(event, &code);
	expect(code, NO_ERROR, "3.7.2.4.3 RESET_EVENT");
	WAIT_EVENT(event, 0, &code);
	expect(code, NOT_AVAILABLE, "3.7.2.4.4 WAIT_EVENT, down again");
}

/* ---- with preemption locked ---- */

static void test_locked(void)
{
	LOCK_LEVEL_TYPE level;
	RETURN_CODE_TYPE ignored;

	CLEAR_BLACKBOARD(board, &code);
	LOCK_PREEMPTION(&level, &ignored);
	receive(fifo_buffer, SOON);
	expect(code, INVALID_MODE, "3.7.2.1.3 RECEIVE_BUFFER, preemption locked");
	read_board(board, SOON);
	expect(code, INVALID_MODE, "3.7.2.2.3 READ_BLACKBOARD, preemption locked");
	WAIT_SEMAPHORE(fifo_semaphore, SOON, &code);
	expect(code, INVALID_MODE, "3.7.2.3.2 WAIT_SEMAPHORE, preemption locked");
	WAIT_EVENT(event, SOON, &code);
	expect(code, INVALID_MODE, "3.7.2.4.4 WAIT_EVENT, preemption locked");
	send(fifo_buffer, "1", SOON);
	expect(code, NO_ERROR, "3.7.2.1.2 SEND_BUFFER, preemption locked, but there is room");
	send(fifo_buffer, "2", SOON);
	send(fifo_buffer, "3", SOON);
	expect(code, INVALID_MODE, "3.7.2.1.2 SEND_BUFFER, preemption locked");
	UNLOCK_PREEMPTION(&level, &ignored);
}

static void test_names(void)
{
	SEMAPHORE_NAME_TYPE name = "mutex";
	SEMAPHORE_ID_TYPE id = 0;

	GET_SEMAPHORE_ID(name, &id, &code);
	check(code == NO_ERROR && id == mutex, "3.7.2.3.4 GET_SEMAPHORE_ID: NO_ERROR");
	name[0] = 'q';
	GET_SEMAPHORE_ID(name, &id, &code);
	expect(code, INVALID_CONFIG, "3.7.2.3.4 GET_SEMAPHORE_ID, no such name");
	create_semaphore("new", 0, 1, FIFO, &id);
	expect(code, INVALID_MODE, "3.7.2.3.1 CREATE_SEMAPHORE, in mode NORMAL");
}

static void conductor(void)
{
	test_buffer();
	test_buffer_waiting();
	test_buffer_senders();
	test_buffer_names();
	test_board();
	test_board_waiting();
	test_semaphore();
	test_semaphore_waiting();
	test_suspended_waiter();
	test_names();
	test_event();
	test_event_waiting();
	test_locked();
	test_hammer();
	test_churn();
	finish();
}

int main(void)
{
	low = make("low", low_entry, LOW);
	high = make("high", high_entry, HIGH);
	high2 = make("high2", high2_entry, HIGH);
	test_create_buffer();
	test_create_board();
	test_create_semaphore();
	test_create_event();
	WAIT_EVENT(event, SOON, &code);
	expect(code, INVALID_MODE, "3.7.2.4.4 WAIT_EVENT, in the initialisation");
	start(make("conductor", conductor, MID));
	go_normal();
}
