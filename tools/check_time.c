/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who runs when. The windows of the file are repeated over the plan's frame first; everything is then
 * proved on the list that goes into the image.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/check.h"

/* ---- one lane as it is written ---- */

/* Windows without an offset follow the one before. */
static void place_windows(struct model_lane *lane)
{
	uint64_t at = 0;

	for (size_t i = 0; i < lane->window_count; i++) {
		struct model_window *window = &lane->windows[i];

		window->has_offset = window->offset != MODEL_NO_OFFSET;
		if (!window->has_offset)
			window->offset = at;
		at = window->offset + window->duration;
	}
}

static bool windows_fit(const struct model *model, const struct model_lane *lane, uint64_t frame)
{
	char offset[32], end[32], whole[32];
	uint64_t before = 0;
	bool ok = true;

	for (size_t i = 0; i < lane->window_count; i++) {
		const struct model_window *window = &lane->windows[i];

		if (window->duration == 0)
			return false; /* complained about when it was read */
		if (window->offset < before)
			ok = model_error(model, window->where, "offset",
					 "it begins at %s, but the window before ends at %s",
					 check_time_text(window->offset, offset),
					 check_time_text(before, end));
		before = window->offset + window->duration;
		if (before > frame)
			ok = model_error(model, window->where, "duration",
					 "it ends at %s, behind the frame of %s",
					 check_time_text(before, end),
					 check_time_text(frame, whole));
	}
	return ok;
}

static void resolve_windows(struct model *model, struct model_lane *lane)
{
	for (size_t i = 0; i < lane->window_count; i++) {
		struct model_window *window = &lane->windows[i];

		window->partition = SYSTEM_NONE;
		if (window->partition_name != NULL)
			window->partition = check_partition_name(model, window->where, "partition",
								 window->partition_name);
	}
}

static bool lane_frame(const struct model *model, const struct model_plan *plan,
		       struct model_lane *lane)
{
	char part[32], whole[32];

	if (plan->frame == 0)
		return false;
	if (lane->frame == 0)
		lane->frame = plan->frame;
	return plan->frame % lane->frame == 0 ||
	       model_error(model, lane->where, "frame",
			   "%s doesn't divide the plan's frame of %s",
			   check_time_text(lane->frame, part), check_time_text(plan->frame, whole));
}

/* ---- the plan ---- */

static int compare_windows(const void *left, const void *right)
{
	const struct model_window *a = left, *b = right;

	if (a->cpu != b->cpu)
		return a->cpu < b->cpu ? -1 : 1;
	return a->offset < b->offset ? -1 : a->offset > b->offset;
}

static bool repeat_lane(const struct model *model, struct model_plan *plan,
			const struct model_lane *lane)
{
	const uint64_t times = plan->frame / lane->frame;

	if (times > SYSTEM_MAX_WINDOW || times * lane->window_count > SYSTEM_MAX_WINDOW)
		return model_error(model, lane->where, NULL,
				   "repeated, these are more than %u windows", SYSTEM_MAX_WINDOW);
	plan->windows = memory_grow(plan->windows,
				    plan->window_count + (size_t)times * lane->window_count,
				    sizeof(*plan->windows));
	for (uint64_t n = 0; n < times; n++)
		for (size_t i = 0; i < lane->window_count; i++) {
			struct model_window *window = &plan->windows[plan->window_count++];

			*window = lane->windows[i];
			window->partition_name = NULL;
			window->offset += n * lane->frame;
		}
	return true;
}

static bool plan_expand(struct model *model, struct model_plan *plan)
{
	bool ok = true;

	for (size_t i = 0; i < plan->lane_count; i++) {
		struct model_lane *lane = &plan->lanes[i];

		place_windows(lane);
		resolve_windows(model, lane);
		if (lane_frame(model, plan, lane) && windows_fit(model, lane, lane->frame))
			ok = repeat_lane(model, plan, lane) && ok;
		else
			ok = false;
	}
	if (plan->window_count > 1)
		qsort(plan->windows, plan->window_count, sizeof(*plan->windows),
		      compare_windows);
	return ok;
}

static void check_cpus(struct model *model, const struct model_plan *plan)
{
	for (size_t i = 0; i < plan->window_count; i++) {
		const struct model_window *window = &plan->windows[i];
		const struct model_partition *partition;

		if (window->partition == SYSTEM_NONE)
			continue;
		partition = &model->partitions[window->partition];
		if (partition->cpus != 0 && (partition->cpus >> window->cpu & 1) == 0)
			model_error(model, window->where, "partition",
				    "%s may not run on CPU %u: see its `cpus'", partition->name,
				    window->cpu);
	}
	for (size_t i = 0; i < plan->lane_count; i++)
		if (model->cpus != 0 && plan->lanes[i].cpu >= model->cpus)
			complain(model->complaints, COMPLAINT_ERROR, plan->lanes[i].where->key_place,
				 "there is no CPU %u: the machine has %llu, from 0 on",
				 plan->lanes[i].cpu, (unsigned long long)model->cpus);
}

/* ---- release points ---- */

static bool partition_says_release(const struct model_plan *plan, uint32_t partition)
{
	for (size_t i = 0; i < plan->window_count; i++)
		if (plan->windows[i].partition == partition && plan->windows[i].release >= 0)
			return true;
	return false;
}

static uint64_t lane_period(const struct model_plan *plan, uint32_t cpu)
{
	for (size_t i = 0; i < plan->lane_count; i++)
		if (plan->lanes[i].cpu == cpu && plan->lanes[i].frame != 0)
			return plan->lanes[i].frame;
	return plan->frame;
}

/* The first window of each period, on the first CPU that has one. */
static void release_by_period(const struct model *model, struct model_plan *plan,
			      uint32_t partition)
{
	uint64_t period = model->partitions[partition].period;
	uint64_t next = 0;
	uint32_t cpu = SYSTEM_NONE;

	for (size_t i = 0; i < plan->window_count; i++) {
		struct model_window *window = &plan->windows[i];

		if (window->partition != partition || (cpu != SYSTEM_NONE && window->cpu != cpu))
			continue;
		cpu = window->cpu;
		if (period == 0)
			period = lane_period(plan, cpu);
		window->release = window->offset >= next;
		if (window->release)
			next = (window->offset / period + 1) * period;
	}
}

static void plan_releases(const struct model *model, struct model_plan *plan)
{
	for (uint32_t i = 0; i < model->partition_count; i++)
		if (!partition_says_release(plan, i))
			release_by_period(model, plan, i);
}

/* ---- periods and budgets ---- */

static uint64_t overlap(uint64_t a, uint64_t a_end, uint64_t b, uint64_t b_end)
{
	const uint64_t start = a > b ? a : b;
	const uint64_t end = a_end < b_end ? a_end : b_end;

	return end > start ? end - start : 0;
}

static uint64_t time_between(const struct model_plan *plan, uint32_t partition, uint64_t start,
			     uint64_t end)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < plan->window_count; i++) {
		const struct model_window *window = &plan->windows[i];

		if (window->partition == partition)
			sum += overlap(window->offset, window->offset + window->duration, start,
				       end);
	}
	return sum;
}

static bool left_out(const struct model_plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->without.count; i++)
		if (strcmp(plan->without.item[i], name) == 0)
			return true;
	return false;
}

/* So many that no list of windows could give each its own: and the check would take its time. */
#define MAX_PERIODS 65536

static void check_budget(const struct model *model, const struct model_plan *plan,
			 uint32_t index)
{
	const struct model_partition *partition = &model->partitions[index];
	char has[32], needs[32], period[32], start[32];

	if (plan->frame % partition->period != 0) {
		model_error(model, partition->where, "period",
			    "%s doesn't divide the frame of plan `%s', %s",
			    check_time_text(partition->period, period), plan->name,
			    check_time_text(plan->frame, has));
		return;
	}
	if (plan->frame / partition->period > MAX_PERIODS) {
		model_error(model, partition->where, "period",
			    "the frame of plan `%s' has more than %u such periods", plan->name,
			    MAX_PERIODS);
		return;
	}
	for (uint64_t at = 0; at < plan->frame; at += partition->period) {
		const uint64_t sum = time_between(plan, index, at, at + partition->period);

		if (sum >= partition->budget)
			continue;
		model_error(model, partition->where, "budget",
			    "plan `%s' gives %s only %s in the period of %s that begins at %s, "
			    "not %s",
			    plan->name, partition->name, check_time_text(sum, has),
			    check_time_text(partition->period, period),
			    check_time_text(at, start),
			    check_time_text(partition->budget, needs));
		return;
	}
}

static void check_without(const struct model *model, const struct model_plan *plan)
{
	for (size_t i = 0; i < plan->without.count; i++) {
		const char *name = plan->without.item[i];
		const uint32_t index = check_partition_name(model, plan->where, "without", name);

		if (index != SYSTEM_NONE && time_between(plan, index, 0, plan->frame) != 0)
			model_error(model, plan->where, "without",
				    "%s has windows in this plan", name);
	}
}

static bool period_is_sound(const struct model *model, const struct model_partition *partition)
{
	char budget[32], period[32];

	if (partition->period == 0 && partition->budget != 0)
		return model_error(model, partition->where, "budget",
				   "a budget needs a `period' in which it is given");
	if (partition->budget > partition->period)
		return model_error(model, partition->where, "budget",
				   "%s is more than the period of %s",
				   check_time_text(partition->budget, budget),
				   check_time_text(partition->period, period));
	return partition->period != 0;
}

static void check_periods(const struct model *model)
{
	for (uint32_t i = 0; i < model->partition_count; i++) {
		const struct model_partition *partition = &model->partitions[i];

		if (!period_is_sound(model, partition))
			continue;
		if (model->plan_count == 0)
			model_error(model, partition->where, "period",
				    "without a plan nothing guarantees a period");
		for (size_t p = 0; p < model->plan_count; p++)
			if (model->plans[p].frame != 0 &&
			    !left_out(&model->plans[p], partition->name))
				check_budget(model, &model->plans[p], i);
	}
}

/* ---- warnings ---- */

/* Some window may be meant for the one that seems to have none. */
static bool names_are_known(const struct model *model)
{
	for (size_t i = 0; i < model->plan_count; i++)
		for (size_t w = 0; w < model->plans[i].window_count; w++)
			if (model->plans[i].windows[w].partition == SYSTEM_NONE)
				return false;
	return true;
}

static bool somebody_in_background(const struct model *model)
{
	for (size_t i = 0; i < model->partition_count; i++)
		if (model->partitions[i].flags & SYSTEM_PARTITION_BACKGROUND)
			return true;
	return false;
}

static void warn_idle(const struct model *model, const struct model_plan *plan)
{
	char idle[32], whole[32];

	if (somebody_in_background(model))
		return;
	for (size_t i = 0; i < plan->lane_count; i++) {
		const struct model_lane *lane = &plan->lanes[i];
		uint64_t used = 0;

		for (size_t w = 0; w < lane->window_count; w++)
			used += lane->windows[w].duration;
		if (used < lane->frame)
			model_warning(model, lane->where, NULL,
				      "CPU %u idles %s of each %s: nobody runs in the background",
				      lane->cpu, check_time_text(lane->frame - used, idle),
				      check_time_text(lane->frame, whole));
	}
}

static bool ever_runs(const struct model *model, uint32_t index)
{
	if (model->plan_count == 0 ||
	    (model->partitions[index].flags & SYSTEM_PARTITION_BACKGROUND) != 0)
		return true;
	for (size_t i = 0; i < model->plan_count; i++)
		for (size_t w = 0; w < model->plans[i].window_count; w++)
			if (model->plans[i].windows[w].partition == index)
				return true;
	return false;
}

/* Without `cpus', a partition has those where it has windows. */
static void default_cpus(struct model *model)
{
	for (size_t i = 0; i < model->plan_count; i++)
		for (size_t w = 0; w < model->plans[i].window_count; w++) {
			const struct model_window *window = &model->plans[i].windows[w];
			struct model_partition *partition;

			if (window->partition == SYSTEM_NONE)
				continue;
			partition = &model->partitions[window->partition];
			if (yaml_find(partition->where, "cpus") == NULL)
				partition->cpus |= UINT64_C(1) << window->cpu;
		}
}

static void check_everybody_runs(const struct model *model, bool sound)
{
	sound = sound && names_are_known(model);
	for (uint32_t i = 0; sound && i < model->partition_count; i++)
		if (!ever_runs(model, i))
			model_error(model, model->partitions[i].where, NULL,
				    "%s never runs: it has no window in any plan, and isn't a "
				    "background partition",
				    model->partitions[i].name);
}

void check_time(struct model *model)
{
	bool sound = true;

	for (size_t i = 0; i < model->plan_count; i++) {
		struct model_plan *plan = &model->plans[i];

		sound = plan_expand(model, plan) && sound;
		check_cpus(model, plan);
	}
	for (size_t i = 0; sound && i < model->plan_count; i++) {
		plan_releases(model, &model->plans[i]);
		check_without(model, &model->plans[i]);
		warn_idle(model, &model->plans[i]);
	}
	if (sound && names_are_known(model))
		check_periods(model);
	check_everybody_runs(model, sound);
	default_cpus(model);
}
