/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/window.h"

#include "kernel/clock.h"
#include "kernel/console.h"
#include "kernel/cpu.h"
#include "kernel/flush.h"
#include "kernel/health.h"
#include "kernel/hide.h"
#include "kernel/options.h"
#include "kernel/partition.h"
#include "kernel/plan.h"
#include "kernel/smp.h"
#include "kernel/trace.h"

#define START_DELAY UINT64_C(1000000) /* ns from window_start() to the first frame */
#define NS_PER_US   UINT64_C(1000)

/* ---- which plan, when ---- */

/* A plan and when its first frame began, or will. */
struct epoch {
	uint32_t plan;
	uint64_t start;
};

/*
 * `next` follows `now` at its start; they are the same where no switch waits. The time is read under
 * the lock: whoever asks for a boundary that has passed finds what was decided before it.
 */
static struct {
	struct host_lock lock;
	struct epoch now, next;
	uint64_t bound; /* ticks by which a window may begin late */
} schedule;

static struct epoch epoch_at(uint64_t ns)
{
	return ns >= schedule.next.start ? schedule.next : schedule.now;
}

/* Whole frames of the epoch that have passed; a boundary counts as passed when its TSC value has. */
static uint64_t frames_passed(const struct epoch *epoch, uint64_t tsc)
{
	uint64_t frame = plan_frame(epoch->plan), ns = clock_ns_of(tsc), n;

	if (ns < epoch->start)
		return 0;
	n = (ns - epoch->start) / frame;
	return clock_tsc_of(epoch->start + (n + 1) * frame) <= tsc ? n + 1 : n;
}

/* The lock is held. */
static void settle(uint64_t tsc)
{
	if (tsc >= clock_tsc_of(schedule.next.start))
		schedule.now = schedule.next;
}

/* The lock is held. What runs already, or will, is asked for again without effect. */
static void request(uint32_t plan, uint64_t tsc)
{
	const struct epoch *now = &schedule.now;

	settle(tsc);
	if (plan == now->plan) {
		schedule.next = *now;
		return;
	}
	schedule.next.plan = plan;
	schedule.next.start = now->start + (frames_passed(now, tsc) + 1) * plan_frame(now->plan);
}

hv_status_t window_request_plan(uint32_t plan)
{
	if (plan >= plan_count)
		return HV_E_NOENT;
	host_lock(&schedule.lock);
	request(plan, host_tsc());
	host_unlock(&schedule.lock);
	trace(TRACE_PLAN, TRACE_NO_PARTITION, plan, 0);
	return HV_OK;
}

/* ---- from slot to slot ---- */

static void begin_frame(struct cpu *cpu, uint64_t at, uint32_t plan)
{
	struct window_state *window = &cpu->window;

	window->frame = at;
	window->next_frame = at + plan_frame(plan);
	window->slot = plan_slots(plan, cpu->index, &window->last);
	trace(TRACE_FRAME, TRACE_NO_PARTITION, clock_tsc_of(at), plan);
}

/* A CPU that was away for a whole frame or more goes on with the one that is on now. */
static void next_frame(struct cpu *cpu, uint64_t now)
{
	uint64_t at = cpu->window.next_frame;
	struct epoch epoch;

	host_lock(&schedule.lock);
	epoch = epoch_at(at);
	if (__builtin_expect(at < epoch.start ||
				     clock_tsc_of(at + plan_frame(epoch.plan)) <= now, 0)) {
		epoch = epoch_at(clock_ns_of(now));
		at = epoch.start + frames_passed(&epoch, now) * plan_frame(epoch.plan);
	}
	host_unlock(&schedule.lock);
	begin_frame(cpu, at, epoch.plan);
}

static void next_slot(struct cpu *cpu, uint64_t now)
{
	struct window_state *window = &cpu->window;

	if (window->slot != window->last)
		window->slot++;
	else
		next_frame(cpu, now);
	window->end = clock_tsc_of(window->frame + window->slot->end);
}

/* @req KRN-104 A window that begins later than the bound is recorded and reported. */
static void check_start(struct window_state *window, uint64_t start, uint64_t now)
{
	uint64_t late = now - start;

	window->count++;
	if (late > window->worst) {
		window->worst = late;
		window->worst_start = start;
	}
	if (late <= schedule.bound || window->slot->partition == SYSTEM_NONE)
		return;
	trace(TRACE_LATE, window->slot->partition, start,
	      late < UINT32_MAX ? (uint32_t)late : UINT32_MAX);
	health_report(window->slot->partition, SYSTEM_ERROR_WINDOW_LATE, HEALTH_NO_THREAD, 0,
		      clock_ns_of(clock_tsc_boot + late));
}

static void enter(struct cpu *cpu, uint64_t now)
{
	struct window_state *window = &cpu->window;
	const struct window_slot *slot = window->slot;
	uint64_t start = clock_tsc_of(window->frame + slot->start);

	trace(TRACE_WINDOW, slot->partition, start, slot->index);
	flush_before(slot->partition);
	if (slot->runq->hide != NULL)
		hide_end(slot->runq->hide, start, now);
	if (slot->runq != cpu->sched.runq)
		sched_set_window(slot->runq);
	check_start(window, start, now);
	if (__builtin_expect(console_held, 0))
		console_let_go(slot->partition == SYSTEM_NONE);
}

/* Slots that are over before they could begin are left out. */
void window_advance(void)
{
	struct cpu *cpu = cpu_self();
	uint64_t now = host_tsc();

	if (cpu->sched.runq->hide != NULL)
		hide_begin(cpu->sched.runq->hide, cpu->window.end, now);
	do
		next_slot(cpu, now);
	while (cpu->window.end <= now);
	enter(cpu, now);
}

/* ---- the start ---- */

static void start_here(void *arg)
{
	static const struct window_slot before = {.index = SYSTEM_NONE, .partition = SYSTEM_NONE};
	struct window_state *window = &cpu_self()->window;

	(void)arg;
	window->slot = window->last = &before;
	window->next_frame = schedule.now.start;
	window->end = clock_tsc_of(window->next_frame);
	timer_set(window->end);
}

void window_init(const struct system_image *image)
{
	flush_init();
	plan_init(image);
	schedule.bound = clock_ticks(options.late * NS_PER_US);
}

void window_start(void)
{
	if (plan_count == 0)
		return;
	schedule.now = (struct epoch){.plan = 0, .start = clock_ns_of(host_tsc()) + START_DELAY};
	schedule.next = schedule.now;
	host_on_each_cpu(start_here, NULL);
}

/* ---- status ---- */

static void report(const struct cpu *cpu)
{
	const struct window_state *window = &cpu->window;

	if (window->count != 0)
		host_log("CPU %u: %lu windows, the latest began %lu ns late (%lu ticks), %lu us after "
			 "the start",
			 cpu->index, window->count, clock_ns_of(clock_tsc_boot + window->worst),
			 window->worst, clock_ns_of(window->worst_start) / NS_PER_US);
}

void window_report(void)
{
	for (unsigned int i = 0; options.latency && i < cpu_count; i++)
		report(&cpus[i]);
}

/* The first release of the partition after `at`, in the frame that began then or a later one. */
static uint64_t release_after(const struct plan_share *share, const struct hypike_plan_status *status,
			      uint64_t at)
{
	for (uint32_t i = 0; i < share->releases; i++)
		if (status->frame_start + share->release[i] > at)
			return status->frame_start + share->release[i];
	return share->releases == 0 ? HYPIKE_FOREVER
				    : status->frame_start + status->frame + share->release[0];
}

/* The same, where another plan may begin before. */
static uint64_t next_release(uint32_t partition, const struct hypike_plan_status *status,
			     const struct epoch *next, uint64_t at)
{
	const struct plan_share *share = plan_share(next->plan, partition);
	uint64_t release = release_after(plan_share(status->plan, partition), status, at);

	if (next->start <= at || release < next->start)
		return release;
	return share->releases == 0 ? HYPIKE_FOREVER : next->start + share->release[0];
}

static void fill_status(uint32_t partition, const struct epoch *now, const struct epoch *next,
			uint64_t tsc, struct hypike_plan_status *status)
{
	const struct plan_share *share = plan_share(now->plan, partition);

	status->plan = now->plan;
	status->next = next->plan;
	status->plan_count = plan_count;
	status->cpu_mask_low = plan_cpus(now->plan);
	status->frame = plan_frame(now->plan);
	status->frame_start = now->start + frames_passed(now, tsc) * status->frame;
	status->last_switch = now->start;
	status->release = next_release(partition, status, next, clock_ns_of(tsc));
	status->period = share->period;
	status->duration = share->duration;
	__builtin_memcpy(status->name, plan_name(now->plan), sizeof(status->name));
}

void window_status(const struct partition *partition, struct hypike_plan_status *status)
{
	struct epoch now, next;
	uint64_t tsc;

	*status = (struct hypike_plan_status){.release = HYPIKE_FOREVER};
	if (plan_count == 0)
		return;
	host_lock(&schedule.lock);
	tsc = host_tsc();
	settle(tsc);
	now = schedule.now;
	next = schedule.next;
	host_unlock(&schedule.lock);
	fill_status(partition->index, &now, &next, tsc, status);
}
