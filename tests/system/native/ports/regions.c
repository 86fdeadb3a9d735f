/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared memory: `left` writes a board that `right` only reads, and the other way round for the answer;
 * a stranger sees neither. Which one this is, its argument says.
 * @verifies KRN-220
 */
#include "kernel/layout.h"
#include "lib/hypike/program.h"
#include "lib/string.h"
#include "tests/system/native/check.h"

#define BOARD_SIZE  0x202000u /* a large page and two small ones */
#define ANSWER_SIZE 0x1000u
#define ROUNDS	    100u
#define BELL	    1u

static struct hypike_shared board, answer;

static bool kernel_reads(const void *address)
{
	return hypike_console_write(address, 1) == HV_OK;
}

static bool kernel_writes(void *address)
{
	hypike_notify(0, 2);
	return hypike_wait(2, 0, address) != HV_E_FAULT;
}

static void open_both(bool left)
{
	check(hypike_shared_open("board", &board) == HV_OK && board.size == BOARD_SIZE &&
		      board.writable == left,
	      "the board is there");
	check(hypike_shared_open("answer", &answer) == HV_OK && answer.size == ANSWER_SIZE &&
		      answer.writable == !left,
	      "the answer is there");
	check(hypike_shared_open("nothing", &answer) == HV_E_NOENT &&
		      hypike_shared_open("", &answer) == HV_E_NOENT,
	      "no other");
	check(hypike_shared_notify(2) == HV_E_NOENT && hypike_shared_bind(2, 0, 1) == HV_E_NOENT &&
		      hypike_shared_bind(0, 31, 1) == HV_E_NOENT,
	      "no region or thread that isn't there");
	check(!kernel_writes(left ? answer.data : board.data),
	      "what is only to be read isn't written on the caller's behalf either");
}

static bool wait_for_bell(void)
{
	uint64_t bits;

	return hypike_wait(BELL, hypike_time() + 5000 * MS, &bits) == HV_OK;
}

/* Each round: the left one writes the whole board, the right one answers with its sum. */
static uint64_t sum_of_board(void)
{
	const uint64_t *word = board.data;
	uint64_t sum = 0;

	for (size_t i = 0; i < BOARD_SIZE / 8; i += 64)
		sum += word[i];
	return sum;
}

static void run_left(void)
{
	uint64_t *word = board.data;
	const uint64_t *result = answer.data;
	bool good = true;

	hypike_shared_bind(answer.region, 0, BELL);
	for (uint64_t round = 1; round <= ROUNDS && good; round++) {
		for (size_t i = 0; i < BOARD_SIZE / 8; i += 64)
			word[i] = round * i;
		hypike_shared_notify(board.region);
		good &= wait_for_bell() && *(const volatile uint64_t *)result == sum_of_board();
	}
	check(good, "%u boards are seen by the other side", ROUNDS);
	check(result[1] == (uintptr_t)board.data, "regions have the same address everywhere");
}

static void run_right(void)
{
	uint64_t *result = answer.data;
	bool good = true;

	hypike_shared_bind(board.region, 0, BELL);
	if (sum_of_board() != 0) /* the other was faster: nobody has rung for us */
		hypike_notify(0, BELL);
	result[1] = (uintptr_t)board.data;
	for (uint64_t round = 1; round <= ROUNDS && good; round++) {
		good = wait_for_bell();
		*(volatile uint64_t *)result = sum_of_board();
		hypike_shared_notify(answer.region);
	}
	check(good, "and are announced");
}

static void run_stranger(void)
{
	check(hypike_shared_open("board", &board) == HV_E_NOENT &&
		      hypike_shared_notify(0) == HV_E_NOENT,
	      "another partition has no region");
	check(!kernel_reads((const void *)USER_SHARED) &&
		      !kernel_reads((const void *)(USER_SHARED + 0x400000)),
	      "nor its memory");
}

int main(void)
{
	const char *role = hypike_info()->args;

	if (strcmp(role, "stranger") == 0) {
		run_stranger();
		return check_done();
	}
	open_both(strcmp(role, "left") == 0);
	hypike_shared_open("answer", &answer);
	if (strcmp(role, "left") == 0)
		run_left();
	else
		run_right();
	return check_done();
}
