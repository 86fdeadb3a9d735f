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

/* Some window may be meant for the one that seems to have none. */
static bool names_are_known(const struct model *model)
{
	for (size_t i = 0; i < model->plan_count; i++)
		for (size_t w = 0; w < model->plans[i].window_count; w++)
			if (model->plans[i].windows[w].partition == SYSTEM_NONE)
				return false;
	return true;
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

void check_time(struct model *model)
{
	bool sound = true;

	for (size_t i = 0; i < model->plan_count; i++) {
		sound = plan_expand(model, &model->plans[i]) && sound;
		check_cpus(model, &model->plans[i]);
	}
	/* What follows would only repeat what is wrong already. */
	if (sound && names_are_known(model)) {
		for (size_t i = 0; i < model->plan_count; i++) {
			plan_releases(model, &model->plans[i]);
			check_without(model, &model->plans[i]);
		}
		check_periods(model);
		check_idle(model);
	}
	default_cpus(model);
}
