/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ping: serves a ball in each of its periods, waits for none, and tells what comes back. With the
 * argument rounds=N it ends when N balls are back, or lost; without, it plays for ever. With switch=N it asks for the
 * next plan when it has served N.
 */
#include <hypike/sys.h>

#include "examples/game.h"
#include "lib/hypike/program.h"
#include "lib/printf.h"
#include "lib/string.h"

#define PATIENCE 5 /* periods, for balls that don't come back */

static QUEUING_PORT_ID_TYPE to_pong, to_ping;
static SAMPLING_PORT_ID_TYPE score;

static void serve(uint32_t number)
{
	char ball[BALL];
	const int length = lib_snprintf(ball, sizeof(ball), "ball %u", number);
	RETURN_CODE_TYPE code;

	SEND_QUEUING_MESSAGE(to_pong, (MESSAGE_ADDR_TYPE)ball, length, 0, &code);
	if (code == NOT_AVAILABLE)
		print("pong isn't playing: its queue is full\n");
	else
		must(code, "SEND_QUEUING_MESSAGE");
}

/* Take all balls that have come back. */
static uint32_t take(void)
{
	char ball[BALL];
	MESSAGE_SIZE_TYPE length;
	RETURN_CODE_TYPE code;
	uint32_t taken = 0;

	for (;;) {
		RECEIVE_QUEUING_MESSAGE(to_ping, 0, (MESSAGE_ADDR_TYPE)ball, &length, &code);
		if (code != NO_ERROR)
			return taken;
		taken++;
	}
}

static void tell(uint32_t served, uint32_t back)
{
	uint32_t points[SCORE / sizeof(uint32_t)] = {0};
	MESSAGE_SIZE_TYPE length;
	VALIDITY_TYPE validity;
	RETURN_CODE_TYPE code;

	READ_SAMPLING_MESSAGE(score, (MESSAGE_ADDR_TYPE)points, &length, &validity, &code);
	print("served %u, back %u; pong says %u%s\n", served, back, points[0],
	      validity == VALID ? "" : " (out of date)");
}

static void switch_plan(void)
{
	struct hypike_plan_status status;

	if (hypike_plan_status(&status) != HV_OK || status.plan_count == 0)
		return;
	print("asks for plan %u of %u\n", status.plan + 2, status.plan_count);
	if (hypike_plan_set((status.plan + 1) % status.plan_count) != HV_OK)
		print("may not choose the plan\n");
}

static void play(void)
{
	const long rounds = argument("rounds", 0), change = argument("switch", 0);
	uint32_t served = 0, back = 0, waited = 0;
	RETURN_CODE_TYPE code;

	for (;;) {
		back += take();
		if (rounds == 0 || served < rounds)
			serve(++served);
		else
			waited++;
		if (served == change)
			switch_plan();
		tell(served, back);
		if (rounds != 0 && (back >= rounds || waited > PATIENCE))
			break;
		PERIODIC_WAIT(&code);
		must(code, "PERIODIC_WAIT");
	}
	SET_PARTITION_MODE(IDLE, &code);
}

int main(void)
{
	RETURN_CODE_TYPE code;

	CREATE_QUEUING_PORT("ball-to-pong", BALL, BALLS, SOURCE, FIFO, &to_pong, &code);
	must(code, "ball-to-pong");
	CREATE_QUEUING_PORT("ball-to-ping", BALL, BALLS, DESTINATION, FIFO, &to_ping, &code);
	must(code, "ball-to-ping");
	CREATE_SAMPLING_PORT("score", SCORE, DESTINATION, VALID_FOR, &score, &code);
	must(code, "score");
	start_periodic("ping", play);
	SET_PARTITION_MODE(NORMAL, &code);
	return 1;
}
