/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file test-window.c
 * Plans and frames against arithmetic that has room enough: no boundary drifts, whatever the numbers,
 * and CPUs that look at different times agree which plan is on.
 *
 * @verifies KRN-100
 * @verifies KRN-103
 * @verifies KRN-104
 */
#include "tests/unit/kernel/process.h"

#include <string.h>

#include "kernel/clock.h"
#include "kernel/console.h"
#include "kernel/cpu.h"
#include "kernel/flush.h"
#include "kernel/health.h"
#include "kernel/hide.h"
#include "kernel/memory.h"
#include "kernel/multiboot.h"
#include "kernel/options.h"
#include "kernel/partition.h"
#include "kernel/smp.h"

#define PARTITIONS 3u
#define CPUS	   2u
#define FAR	   UINT64_C(1000000000000) /* ns: somewhere in the future */

struct options options = {.late = 100};
uint64_t clock_tsc_khz, clock_tsc_boot;
struct partition *partitions;
uint32_t partition_count;
bool console_held;

static struct partition partition[PARTITIONS];
static struct runq runq[PARTITIONS][CPUS];
static unsigned int reports;

/* ---- the rest of the kernel ---- */

void sched_set_window(struct runq *queue)
{
	cpu_self()->sched.runq = queue;
}

void host_on_each_cpu(void (*fn)(void *arg), void *arg)
{
	for (process_current = 0; process_current < cpu_count; process_current++)
		fn(arg);
	process_current = 0;
}

uint64_t host_tsc_khz(void)
{
	return clock_tsc_khz;
}

void health_report(uint32_t who, uint32_t error, uint32_t thread, uint64_t address, uint64_t detail)
{
	(void)thread;
	(void)address;
	(void)detail;
	assert_true(who < PARTITIONS);
	assert_int_equal(error, SYSTEM_ERROR_WINDOW_LATE);
	reports++;
}

void flush_init(void)
{
}

void flush_before(uint32_t who)
{
	(void)who;
}

void hide_begin(struct hide *hide, uint64_t planned, uint64_t actual)
{
	(void)hide;
	(void)planned;
	(void)actual;
}

void hide_end(struct hide *hide, uint64_t planned, uint64_t actual)
{
	(void)hide;
	(void)planned;
	(void)actual;
}

void console_let_go(bool gap)
{
	(void)gap;
}

/* ---- a system ---- */

/* Odd lengths: neither is a whole number of anything. */
#define FRAME0 UINT64_C(1234567)
#define FRAME1 UINT64_C(777777)

static struct system_plan plans[] = {
	{.name = "zero", .frame = FRAME0, .first_window = 0, .window_count = 5},
	{.name = "one", .frame = FRAME1, .first_window = 5, .window_count = 3},
};
static const struct system_window windows[] = {
	{.offset = 0, .duration = 100003, .cpu = 0, .partition = 0, .flags = 1},
	{.offset = 100003, .duration = 200000, .cpu = 0, .partition = 1},
	{.offset = 617283, .duration = 10000, .cpu = 0, .partition = 0},
	{.offset = 1000000, .duration = 234567, .cpu = 0, .partition = 2, .flags = 1},
	{.offset = 11111, .duration = 1000001, .cpu = 1, .partition = 0, .flags = 1},
	{.offset = 0, .duration = 777777, .cpu = 0, .partition = 2, .flags = 1},
	{.offset = 1, .duration = 20000, .cpu = 1, .partition = 1, .flags = 1},
	{.offset = 388889, .duration = 30000, .cpu = 1, .partition = 1, .flags = 1},
};

static void set_up(uint64_t khz)
{
	static struct system_image image = {
		.plans = plans,
		.plan_count = 2,
		.windows = windows,
		.window_count = sizeof(windows) / sizeof(windows[0]),
	};
	static struct boot_info info = {
		.ram = {{0x100000, 0x100000 + (16 << 20)}},
		.ram_count = 1,
	};

	process_memory_reset();
	memory_init(&info, 0x100000);
	clock_tsc_khz = khz;
	clock_tsc_boot = process_tsc = 987654321;
	partitions = partition;
	partition_count = PARTITIONS;
	cpu_count = CPUS;
	reports = 0;
	memset(cpus, 0, sizeof(cpus));
	for (uint32_t cpu = 0; cpu < CPUS; cpu++) {
		cpus[cpu].index = cpu;
		cpus[cpu].sched.runq = &cpus[cpu].sched.common;
		cpus[cpu].timer_armed = cpus[cpu].window.end = UINT64_MAX;
		for (uint32_t i = 0; i < PARTITIONS; i++) {
			partition[i].index = i;
			partition[i].name = "somebody";
			partition[i].runq[cpu] = &runq[i][cpu];
		}
	}
	window_init(&image);
	window_start();
}

/* ---- what should be ---- */

static uint64_t exact_tsc(uint64_t ns)
{
	return clock_tsc_boot + (uint64_t)((unsigned __int128)ns * clock_tsc_khz / 1000000);
}

/* Plans and when they begin, as the requests ask for. */
static struct {
	uint64_t start[1000];
	uint32_t plan[1000], count;
} history;

static uint32_t epoch_of(uint64_t tsc)
{
	uint32_t i = history.count - 1;

	while (i > 0 && exact_tsc(history.start[i]) > tsc)
		i--;
	return i;
}

/* The frame that is on, at least one of the epoch's. */
static uint64_t frame_of(uint32_t epoch, uint64_t tsc)
{
	uint64_t frame = plans[history.plan[epoch]].frame, at = history.start[epoch];
	uint64_t n = (uint64_t)((unsigned __int128)(tsc - exact_tsc(at)) * 1000000 / clock_tsc_khz / frame);

	n = n > 0 ? n - 1 : 0;
	while (exact_tsc(at + (n + 1) * frame) <= tsc)
		n++;
	return at + n * frame;
}

static struct runq *runq_of(uint32_t cpu, uint64_t tsc)
{
	uint32_t epoch = epoch_of(tsc);
	const struct system_plan *plan = &plans[history.plan[epoch]];
	uint64_t frame = frame_of(epoch, tsc);

	for (uint32_t i = 0; i < plan->window_count; i++) {
		const struct system_window *window = &windows[plan->first_window + i];
		uint64_t from = frame + window->offset, to = from + window->duration;

		if (window->cpu == cpu && exact_tsc(from) <= tsc && tsc < exact_tsc(to))
			return &runq[window->partition][cpu];
	}
	return &cpus[cpu].sched.common;
}

static void check_cpu(uint32_t cpu)
{
	assert_ptr_equal(cpus[cpu].sched.runq, runq_of(cpu, process_tsc));
	assert_int_equal(cpus[cpu].window.frame, frame_of(epoch_of(process_tsc), process_tsc));
	assert_true(cpus[cpu].window.end > process_tsc);
	assert_true(cpus[cpu].timer_armed <= cpus[cpu].window.end);
}

static void tick(uint32_t cpu)
{
	process_current = cpu;
	timer_run();
	check_cpu(cpu);
	process_current = 0;
}

static void begin_history(void)
{
	history.count = 1;
	history.plan[0] = 0;
	history.start[0] = cpus[0].window.next_frame;
}

/* ---- tests ---- */

/* The hardware fires when it was told to, or up to some ticks later. */
static void run(uint32_t boundaries, uint64_t most_late)
{
	for (uint32_t i = 0; i < boundaries; i++) {
		uint32_t cpu = cpus[0].window.end <= cpus[1].window.end ? 0 : 1;
		uint64_t due = cpus[cpu].window.end + random_below(most_late + 1);

		process_tsc = due > process_tsc ? due : process_tsc;
		tick(cpu);
	}
}

static void test_no_drift(void **state)
{
	static const uint64_t rates[] = {1000, 99999, 1000000, 2893231, 4199999};

	(void)state;
	random_seed(5);
	for (uint32_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		set_up(rates[i]);
		begin_history();
		run(40000, 20 * rates[i] / 1000 / 10);
		assert_int_equal((cpus[0].window.frame - history.start[0]) % FRAME0, 0);
		assert_int_equal(reports, 0);
	}
}

/* After an absence, of the machine perhaps, it goes on where it would be. */
static void test_absence(void **state)
{
	(void)state;
	set_up(2893231);
	begin_history();
	for (uint32_t i = 0; i < 2000; i++) {
		process_tsc += random_below(i % 10 == 0 ? clock_ticks(FAR) : clock_ticks(3 * FRAME0));
		tick(0);
		tick(1);
	}
	assert_true(reports > 0);
}

static void test_before_the_start(void **state)
{
	(void)state;
	set_up(1000000);
	assert_ptr_equal(cpus[0].sched.runq, &cpus[0].sched.common);
	assert_true(cpus[0].window.end > process_tsc);
	assert_int_equal(cpus[0].timer_armed, cpus[0].window.end);
	process_tsc = cpus[0].window.end - 1;
	process_current = 0;
	timer_run();
	assert_ptr_equal(cpus[0].sched.runq, &cpus[0].sched.common);
	process_tsc++;
	timer_run();
	assert_ptr_equal(cpus[0].sched.runq, &runq[0][0]);
}

static void ask(uint32_t plan)
{
	uint32_t epoch = epoch_of(process_tsc);
	uint64_t end = frame_of(epoch, process_tsc) + plans[history.plan[epoch]].frame;

	assert_int_equal(window_request_plan(plan), HV_OK);
	history.count = epoch + 1; /* a switch that waits is replaced */
	if (plan == history.plan[epoch])
		return;
	history.plan[history.count] = plan;
	history.start[history.count++] = end;
}

/* Requests at any time, CPUs that look a little or much later: both go by the same plan. */
static void test_switches(void **state)
{
	(void)state;
	random_seed(7);
	set_up(2893231);
	begin_history();
	run(1, 0);
	for (uint32_t i = 0; i < 60000; i++) {
		uint32_t cpu = cpus[0].window.end <= cpus[1].window.end ? 0 : 1;
		uint64_t due = cpus[cpu].window.end;

		if (random_below(100) == 0 && history.count < 999) {
			/* Often close to a boundary, on either side, before any CPU has looked. */
			uint64_t at = due - 3 + random_below(6);

			process_tsc = at > process_tsc ? at : process_tsc;
			ask((uint32_t)random_below(2));
		}
		due += random_below(500);
		process_tsc = due > process_tsc ? due : process_tsc;
		tick(cpu);
	}
	assert_true(history.count > 100);
	assert_int_equal(window_request_plan(2), HV_E_NOENT);
}

static void test_status(void **state)
{
	struct hypike_plan_status status;
	uint64_t start;

	(void)state;
	set_up(1000000);
	begin_history();
	start = history.start[0];
	process_tsc = exact_tsc(start + 50);
	window_status(&partition[0], &status);
	assert_int_equal(status.plan_count, 2);
	assert_int_equal(status.cpu_mask_low, 3);
	assert_int_equal(status.frame_start, start);
	assert_int_equal(status.release, start + 11111); /* of the other CPU */
	assert_int_equal(status.period, 0);
	assert_int_equal(status.duration, 1000001 / 2);
	process_tsc = exact_tsc(start + 2 * FRAME0 + 1000000);
	window_status(&partition[2], &status);
	assert_int_equal(status.release, start + 3 * FRAME0 + 1000000);
	assert_int_equal(status.period, FRAME0);
	assert_int_equal(status.duration, 234567);
	assert_string_equal(status.name, "zero");
	ask(1);
	window_status(&partition[2], &status);
	assert_int_equal(status.next, 1);
	assert_int_equal(status.release, start + 3 * FRAME0); /* the next plan's */
	window_status(&partition[1], &status);
	assert_int_equal(status.release, start + 3 * FRAME0 + 1);
	process_tsc = exact_tsc(start + 3 * FRAME0);
	window_status(&partition[1], &status);
	assert_int_equal(status.plan, 1);
	assert_int_equal(status.last_switch, start + 3 * FRAME0);
	assert_int_equal(status.period, 0); /* nearly regular isn't */
	window_status(&partition[0], &status);
	assert_true(status.release == HYPIKE_FOREVER && status.duration == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_before_the_start), cmocka_unit_test(test_no_drift),
		cmocka_unit_test(test_absence),		 cmocka_unit_test(test_switches),
		cmocka_unit_test(test_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
