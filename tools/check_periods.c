/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Does each plan give each partition what it needs? On the list of windows that goes into the image.
 */
#include <string.h>

#include "tools/check.h"

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

void check_without(const struct model *model, const struct model_plan *plan)
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

void check_periods(const struct model *model)
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
