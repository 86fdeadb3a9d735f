/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/trace_check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tools/trace_names.h"
#include "tools/util.h"

#define MAX_MESSAGES 20u
/* Nanoseconds become ticks in the kernel, and here, each time by rounding down. */
#define ROUNDING 2

/* Where a CPU is in its plan. */
struct place {
	bool known; /* since a frame began, and no record was lost */
	uint32_t plan;
	uint32_t next;	 /* window of the image that should be the next one to begin */
	uint64_t start;	 /* of the frame, as planned */
	uint64_t epoch;	 /* of the first frame that was seen of this plan */
	uint64_t frames; /* since then */
	uint64_t last;	 /* TSC of the last record */
};

struct checker {
	const struct trace_log *log;
	const struct system_image *image;
	struct trace_verdict *verdict;
	struct place place[SYSTEM_MAX_CPU];
};

static void violation(struct checker *checker, uint32_t cpu, uint64_t tsc, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void violation(struct checker *checker, uint32_t cpu, uint64_t tsc, const char *format, ...)
{
	struct trace_verdict *verdict = checker->verdict;
	int64_t ns = trace_ns(checker->log, tsc);
	char text[256];
	va_list args;

	verdict->violations++;
	if (verdict->message_count == MAX_MESSAGES)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	verdict->messages[verdict->message_count++] =
		string_format("cpu%u, %" PRId64 ".%06" PRId64 " ms: %s", cpu, ns / 1000000,
			      ns % 1000000 < 0 ? -(ns % 1000000) : ns % 1000000, text);
}

static uint64_t ticks(const struct checker *checker, uint64_t ns)
{
	return (uint64_t)((unsigned __int128)ns * checker->log->tsc_khz / 1000000);
}

static bool about(uint64_t a, uint64_t b)
{
	return a - b + ROUNDING <= 2 * ROUNDING;
}

static const char *name_of(const struct checker *checker, uint32_t window)
{
	return checker->image->partitions[checker->image->windows[window].partition].name;
}

/* ---- windows that are missing ---- */

static uint32_t plan_end(const struct checker *checker, uint32_t plan)
{
	return checker->image->plans[plan].first_window + checker->image->plans[plan].window_count;
}

static uint64_t planned(const struct checker *checker, const struct place *place, uint32_t window)
{
	return place->start + ticks(checker, checker->image->windows[window].offset);
}

/* Windows of this CPU from the next one on that should have begun, up to but not `window`. */
static void missing_until(struct checker *checker, uint32_t cpu, uint32_t window, uint64_t now)
{
	struct place *place = &checker->place[cpu];

	for (; place->next < window; place->next++) {
		uint64_t start = planned(checker, place, place->next);

		if (checker->image->windows[place->next].cpu != cpu || start > now)
			continue;
		checker->verdict->missing++;
		violation(checker, cpu, start, "window %u (%s) is missing", place->next,
			  name_of(checker, place->next));
	}
}

/* ---- a frame begins ---- */

/* @return whether it is where it should be. */
static bool check_frame_start(struct checker *checker, const struct trace_event_item *item)
{
	struct place *place = &checker->place[item->cpu];
	uint64_t frame = checker->image->plans[place->plan].frame;
	uint64_t expected = place->epoch + ticks(checker, (place->frames + 1) * frame);
	uint64_t start = item->record.a;

	missing_until(checker, item->cpu, plan_end(checker, place->plan), UINT64_MAX);
	if (about(start, expected))
		return true;
	violation(checker, item->cpu, item->record.tsc,
		  "a frame of plan %s begins %+" PRId64 " ns off",
		  checker->image->plans[place->plan].name,
		  trace_ticks_ns(checker->log, (int64_t)(start - expected)));
	return false;
}

static void frame(struct checker *checker, const struct trace_event_item *item)
{
	struct place *place = &checker->place[item->cpu];
	uint32_t plan = item->record.b;
	bool in_place = place->known && check_frame_start(checker, item);
	bool same = in_place && plan == place->plan;

	checker->verdict->switches += place->known && plan != place->plan;
	place->known = plan < checker->image->plan_count;
	if (!place->known) {
		violation(checker, item->cpu, item->record.tsc, "there is no plan %u", plan);
		return;
	}
	checker->verdict->frames++;
	place->plan = plan;
	place->next = checker->image->plans[plan].first_window;
	place->start = item->record.a;
	place->frames = same ? place->frames + 1 : 0;
	if (!same)
		place->epoch = place->start;
}

/* ---- a window begins ---- */

static void count_jitter(struct trace_jitter *jitter, int64_t late)
{
	if (jitter->count == 0 || late < jitter->least)
		jitter->least = late;
	if (jitter->count == 0 || late > jitter->most)
		jitter->most = late;
	jitter->sum += (double)late;
	jitter->count++;
}

static void count_start(struct trace_verdict *verdict, uint32_t window, int64_t late)
{
	unsigned bucket = 0;

	while (late >= trace_bucket_end(bucket) && bucket < TRACE_BUCKETS - 1)
		bucket++;
	verdict->histogram[bucket]++;
	count_jitter(&verdict->all, late);
	count_jitter(&verdict->windows[window], late);
}

static void check_late(struct checker *checker, const struct trace_event_item *item, int64_t late)
{
	uint32_t window = item->record.b;

	if (late > checker->verdict->bound)
		violation(checker, item->cpu, item->record.tsc,
			  "window %u (%s) begins %" PRId64 " ns late", window,
			  name_of(checker, window), late);
	else if (item->record.tsc + ROUNDING < item->record.a)
		violation(checker, item->cpu, item->record.tsc,
			  "window %u (%s) begins %" PRId64 " ns early", window,
			  name_of(checker, window), -late);
}

static void check_window(struct checker *checker, const struct trace_event_item *item, int64_t late)
{
	const struct system_window *window = &checker->image->windows[item->record.b];
	struct place *place = &checker->place[item->cpu];

	missing_until(checker, item->cpu, item->record.b, UINT64_MAX);
	if (place->next != item->record.b)
		violation(checker, item->cpu, item->record.tsc, "window %u (%s) begins once more",
			  item->record.b, name_of(checker, item->record.b));
	else if (item->record.partition != window->partition)
		violation(checker, item->cpu, item->record.tsc, "window %u is of partition %s, not %s",
			  item->record.b, name_of(checker, item->record.b),
			  trace_partition_name(checker->log, item->record.partition));
	else if (!about(item->record.a, planned(checker, place, item->record.b)))
		violation(checker, item->cpu, item->record.tsc,
			  "window %u (%s) was planned for another time", item->record.b,
			  name_of(checker, item->record.b));
	place->next = item->record.b + 1;
	count_start(checker->verdict, item->record.b, late);
	check_late(checker, item, late);
}

static bool in_plan(const struct checker *checker, const struct trace_event_item *item)
{
	uint32_t plan = checker->place[item->cpu].plan;
	uint32_t window = item->record.b;

	return window >= checker->image->plans[plan].first_window &&
	       window < plan_end(checker, plan) &&
	       checker->image->windows[window].cpu == item->cpu;
}

/* A gap that begins late is a window that went on too long. */
static void check_gap(struct checker *checker, const struct trace_event_item *item, int64_t late)
{
	if (late > checker->verdict->bound)
		violation(checker, item->cpu, item->record.tsc, "the window before ends %" PRId64
			  " ns late", late);
}

static void window(struct checker *checker, const struct trace_event_item *item)
{
	int64_t late = trace_ticks_ns(checker->log, (int64_t)(item->record.tsc - item->record.a));

	if (!checker->place[item->cpu].known)
		return;
	if (item->record.b == SYSTEM_NONE)
		check_gap(checker, item, late);
	else if (in_plan(checker, item))
		check_window(checker, item, late);
	else
		violation(checker, item->cpu, item->record.tsc,
			  "window %u is none of this CPU's in plan %s", item->record.b,
			  checker->image->plans[checker->place[item->cpu].plan].name);
}

/* ---- the whole ---- */

static void finish_cpu(struct checker *checker, uint32_t cpu)
{
	struct place *place = &checker->place[cpu];
	uint64_t patience = ticks(checker, (uint64_t)checker->verdict->bound);

	if (place->known && place->last > patience)
		missing_until(checker, cpu, plan_end(checker, place->plan), place->last - patience);
}

static void item_seen(struct checker *checker, const struct trace_event_item *item)
{
	struct place *place = &checker->place[item->cpu];

	if (item->gap)
		place->known = false;
	place->last = item->record.tsc;
	if (item->record.event == TRACE_FRAME)
		frame(checker, item);
	else if (item->record.event == TRACE_WINDOW)
		window(checker, item);
}

static bool same_system(const struct trace_log *log, const struct system_image *image)
{
	if (log->partition_count != image->partition_count || log->plan_count != image->plan_count)
		return false;
	for (uint32_t i = 0; i < log->partition_count; i++)
		if (strcmp(log->partitions[i], image->partitions[i].name) != 0)
			return false;
	for (uint32_t i = 0; i < log->plan_count; i++)
		if (strcmp(log->plans[i], image->plans[i].name) != 0)
			return false;
	return true;
}

static void check_anything(struct checker *checker)
{
	if (checker->verdict->all.count == 0)
		violation(checker, 0, checker->log->tsc_boot, "no window begins in this trace");
}

bool trace_check(const struct trace_log *log, const struct system_image *image, int64_t bound,
		 struct trace_verdict *verdict, const char **why)
{
	struct checker *checker;

	*verdict = (struct trace_verdict){.bound = bound, .window_count = image->window_count};
	*why = image->plan_count == 0 ? "the system has no plan"
	       : !same_system(log, image) ? "the trace is of another system" : NULL;
	if (*why != NULL)
		return false;
	verdict->windows = memory_new((image->window_count + 1) * sizeof(*verdict->windows));
	verdict->messages = memory_new(MAX_MESSAGES * sizeof(*verdict->messages));
	checker = memory_new(sizeof(*checker));
	*checker = (struct checker){.log = log, .image = image, .verdict = verdict};
	for (size_t i = 0; i < log->count; i++)
		item_seen(checker, &log->items[i]);
	for (uint32_t cpu = 0; cpu < log->cpu_count; cpu++)
		finish_cpu(checker, cpu);
	check_anything(checker);
	free(checker);
	return true;
}

void trace_verdict_free(struct trace_verdict *verdict)
{
	for (size_t i = 0; i < verdict->message_count; i++)
		free(verdict->messages[i]);
	free(verdict->messages);
	free(verdict->windows);
}
