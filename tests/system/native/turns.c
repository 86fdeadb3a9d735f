/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time slices: who takes turns with its equals, who doesn't, and what a turn is.
 * @verifies KRN-037
 */
#include "lib/hypike/program.h"
#include "tests/system/native/check.h"

#define SLICE MS
#define WORKERS 3u
#define LIMIT (400 * MS)

static uint32_t my_priority;

/* ---- threads that work until they are told to end, and note who gets the CPU after whom ---- */

struct worker {
	uint64_t seen;	/* when it was last at work */
	uint64_t own;	/* ns, without the gaps in which others were */
	uint64_t longest; /* without a gap */
	uint64_t begun; /* when the last gap ended */
	uint32_t turns;
	uint32_t ended;
	hypike_thread_t thread;
};

#define GAP (SLICE / 10) /* whoever was away for so long has let others run */

static struct worker workers[WORKERS];
static uint32_t stop;

static void note(struct worker *worker, uint64_t now)
{
	if (now - worker->seen >= GAP) {
		worker->turns++;
		worker->begun = now;
	} else {
		worker->own += now - worker->seen;
	}
	if (now - worker->begun > worker->longest)
		worker->longest = now - worker->begun;
	worker->seen = now;
}

static void work(void *arg)
{
	struct worker *worker = arg;
	const uint64_t end = hypike_time() + LIMIT;

	worker->seen = worker->begun = hypike_time();
	worker->turns = 1;
	while (!load(&stop) && worker->seen < end)
		note(worker, hypike_time());
	store(&worker->ended, 1);
}

static void start(uint32_t count, const uint64_t *slices)
{
	__builtin_memset(workers, 0, sizeof(workers));
	store(&stop, 0);
	for (uint32_t i = 0; i < count; i++) {
		workers[i].thread = spawn(work, &workers[i], my_priority - 2, 0);
		check(hypike_thread_slice(workers[i].thread, slices[i]) == HV_OK,
		      "thread %u has a slice of %u us", i, (uint32_t)(slices[i] / 1000));
	}
}

static void end(uint32_t count)
{
	store(&stop, 1);
	for (uint32_t i = 0; i < count; i++)
		wait_for(&workers[i].ended, 1);
}

/* ---- the tests ---- */

static void test_in_turn(void)
{
	static const uint64_t slices[WORKERS] = {SLICE, SLICE, 2 * SLICE};
	const struct worker *w = workers;

	start(WORKERS, slices);
	sleep_ms(40);
	end(WORKERS);
	say("# turns %u %u %u, us of work %u %u %u\n", w[0].turns, w[1].turns, w[2].turns,
	    (uint32_t)(w[0].own / 1000), (uint32_t)(w[1].own / 1000), (uint32_t)(w[2].own / 1000));
	check(w[0].turns >= 8 && w[1].turns >= 8 && w[2].turns >= 8,
	      "three threads of the same priority take turns");
	check(w[0].own > 8 * MS && w[0].own < 12 * MS && w[1].own > 8 * MS && w[1].own < 12 * MS,
	      "each gets time by its slice");
	check(w[2].own > 17 * MS && w[2].own < 23 * MS, "twice as much with twice the slice");
	check(w[0].longest < 2 * SLICE, "and no more at a time");
}

static void test_without(void)
{
	static const uint64_t slices[2] = {0, SLICE};

	start(2, slices);
	sleep_ms(10);
	check(workers[0].turns == 1 && workers[1].turns == 0,
	      "without a slice the first runs on, whatever its equal has");
	check(hypike_thread_slice(workers[0].thread, SLICE) == HV_OK, "it gets one while it runs");
	sleep_ms(10);
	check(workers[0].turns >= 3 && workers[1].turns >= 3, "from then on they take turns");
	check(hypike_thread_slice(workers[0].thread, 0) == HV_OK &&
		      hypike_thread_slice(workers[1].thread, 0) == HV_OK,
	      "slices are taken away again");
	sleep_ms(5);
	const uint32_t turns = workers[0].turns + workers[1].turns;
	sleep_ms(10);
	check(workers[0].turns + workers[1].turns == turns, "and turns with them");
	end(2);
}

/* The event thread of a VMM: preempts often, and the turn goes on behind it. */
static void test_preempted(void)
{
	static const uint64_t slices[2] = {4 * SLICE, 4 * SLICE};

	start(2, slices);
	for (uint32_t i = 0; i < 40; i++) {
		sleep_ms(1);
		spin_ms(1);
	}
	end(2);
	say("# turns %u %u, us of work %u %u\n", workers[0].turns, workers[1].turns,
	    (uint32_t)(workers[0].own / 1000), (uint32_t)(workers[1].own / 1000));
	check(workers[0].own > 15 * MS && workers[1].own > 15 * MS,
	      "being preempted costs nobody its turn, nor gives it another");
}

/* One that has run alone for long makes room at once for an equal that appears. */
static void test_late_comer(void)
{
	static const uint64_t slice = 50 * SLICE;

	start(1, &slice);
	sleep_ms(60);
	workers[1].thread = spawn(work, &workers[1], my_priority - 2, 0);
	sleep_ms(3);
	check(workers[1].turns == 1, "an equal that comes late doesn't wait for a whole turn");
	end(2);
}

static void test_refusals(void)
{
	check(hypike_thread_slice(31, SLICE) == HV_E_NOENT, "no slice for a thread that is not there");
	check(hypike_thread_slice(0, 1) == HV_E_INVALID &&
		      hypike_thread_slice(0, HYPIKE_SLICE_MIN - 1) == HV_E_INVALID &&
		      hypike_thread_slice(0, HYPIKE_SLICE_MAX + 1) == HV_E_INVALID &&
		      hypike_thread_slice(0, UINT64_MAX) == HV_E_INVALID,
	      "no slice that is too short or too long");
}

/* On another CPU: started, and given slices, from here. */
static void test_elsewhere(void)
{
	__builtin_memset(workers, 0, sizeof(workers));
	store(&stop, 0);
	for (uint32_t i = 0; i < 2; i++)
		workers[i].thread = spawn(work, &workers[i], my_priority, 1);
	sleep_ms(5);
	check(workers[0].turns == 1 && workers[1].turns == 0, "another CPU: the first runs on");
	hypike_thread_slice(workers[1].thread, SLICE);
	hypike_thread_slice(workers[0].thread, SLICE);
	sleep_ms(20);
	check(workers[0].turns >= 4 && workers[1].turns >= 4, "there, too, they take turns");
	end(2);
}

int main(void)
{
	my_priority = hypike_info()->priority;
	test_in_turn();
	test_without();
	test_preempted();
	test_late_comer();
	test_refusals();
	if (hypike_info()->cpu_count > 1)
		test_elsewhere();
	return check_done();
}
