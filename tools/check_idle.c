/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Partitions that never run, and CPUs that nobody uses.
 */
#include "tools/check.h"

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

static uint64_t cpus_with_windows(const struct model *model, uint32_t partition)
{
	uint64_t cpus = 0;

	for (size_t i = 0; i < model->plan_count; i++)
		for (size_t w = 0; w < model->plans[i].window_count; w++)
			if (partition == SYSTEM_NONE ||
			    model->plans[i].windows[w].partition == partition)
				cpus |= UINT64_C(1) << model->plans[i].windows[w].cpu;
	return cpus;
}

/* With plans, threads run in windows only: on a CPU without one they never do. */
static void warn_cpus(const struct model *model, uint32_t index)
{
	const struct model_partition *partition = &model->partitions[index];
	const uint64_t has = cpus_with_windows(model, index);

	if ((partition->flags & SYSTEM_PARTITION_BACKGROUND) != 0 || has == 0)
		return;
	for (uint32_t cpu = 0; cpu < SYSTEM_MAX_CPU; cpu++)
		if ((partition->cpus & ~has) >> cpu & 1)
			model_warning(model, partition->where, "cpus",
				      "%s has no window on CPU %u in any plan: what is bound to it "
				      "never runs",
				      partition->name, cpu);
}

static void warn_unused_cpus(const struct model *model)
{
	const uint64_t used = cpus_with_windows(model, SYSTEM_NONE);

	for (uint32_t cpu = 0; cpu < model->cpus && !somebody_in_background(model); cpu++)
		if ((used >> cpu & 1) == 0)
			model_warning(model, model->root, "cpus",
				      "CPU %u has no windows in any plan: nobody runs there", cpu);
}

static void check_everybody_runs(const struct model *model)
{
	for (uint32_t i = 0; i < model->partition_count; i++)
		if (!ever_runs(model, i))
			model_error(model, model->partitions[i].where, NULL,
				    "%s never runs: it has no window in any plan, and isn't a "
				    "background partition",
				    model->partitions[i].name);
}

void check_idle(const struct model *model)
{
	if (model->plan_count == 0)
		return;
	for (size_t i = 0; i < model->plan_count; i++)
		warn_idle(model, &model->plans[i]);
	check_everybody_runs(model);
	for (uint32_t i = 0; i < model->partition_count; i++)
		warn_cpus(model, i);
	warn_unused_cpus(model);
}
