/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pong: returns each ball, and keeps the score. With the argument crash=N it writes to nowhere at its
 * Nth ball, once: restarted by the health monitor, it plays on.
 */
#include <hypike/sys.h>

#include "examples/game.h"
#include "lib/hypike/program.h"

static QUEUING_PORT_ID_TYPE to_pong, to_ping;
static SAMPLING_PORT_ID_TYPE score;
static uint32_t *volatile nowhere;

/* @return whether there was a ball. */
static bool return_one(void)
{
	char ball[BALL];
	MESSAGE_SIZE_TYPE length;
	RETURN_CODE_TYPE code;

	RECEIVE_QUEUING_MESSAGE(to_pong, 0, (MESSAGE_ADDR_TYPE)ball, &length, &code);
	if (code != NO_ERROR)
		return false;
	print("returns %.*s\n", length, ball);
	SEND_QUEUING_MESSAGE(to_ping, (MESSAGE_ADDR_TYPE)ball, length, 0, &code);
	return true;
}

static void keep_score(uint32_t balls)
{
	uint32_t points[SCORE / sizeof(uint32_t)] = {balls, hypike_info()->restarts};
	RETURN_CODE_TYPE code;

	WRITE_SAMPLING_MESSAGE(score, (MESSAGE_ADDR_TYPE)points, sizeof(points), &code);
	must(code, "WRITE_SAMPLING_MESSAGE");
}

static void play(void)
{
	const long crash = hypike_info()->restarts == 0 ? argument("crash", 0) : 0;
	uint32_t balls = 0;
	RETURN_CODE_TYPE code;

	for (;;) {
		while (return_one())
			if (++balls == crash)
				*nowhere = balls;
		keep_score(balls);
		PERIODIC_WAIT(&code);
		must(code, "PERIODIC_WAIT");
	}
}

int main(void)
{
	RETURN_CODE_TYPE code;

	CREATE_QUEUING_PORT("ball-to-pong", BALL, BALLS, DESTINATION, FIFO, &to_pong, &code);
	must(code, "ball-to-pong");
	CREATE_QUEUING_PORT("ball-to-ping", BALL, BALLS, SOURCE, FIFO, &to_ping, &code);
	must(code, "ball-to-ping");
	CREATE_SAMPLING_PORT("score", SCORE, SOURCE, VALID_FOR, &score, &code);
	must(code, "score");
	if (hypike_info()->restarts != 0)
		print("plays on after restart %u\n", hypike_info()->restarts);
	start_periodic("pong", play);
	SET_PARTITION_MODE(NORMAL, &code);
	return 1;
}
