/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/plan.h"

#include "kernel/address.h"
#include "kernel/cpu.h"
#include "kernel/end.h"
#include "kernel/memory.h"
#include "kernel/partition.h"

/* A plan, prepared. */
struct plan {
	const struct system_plan *config;
	const struct system_window *windows;
	struct window_slot *first[HOST_MAX_CPUS], *last[HOST_MAX_CPUS];
	struct plan_share *shares; /* by partition */
	uint32_t cpus;
};

static struct plan plans[SYSTEM_MAX_PLAN];
uint32_t plan_count;

const char *plan_name(uint32_t plan)
{
	return plans[plan].config->name;
}

uint64_t plan_frame(uint32_t plan)
{
	return plans[plan].config->frame;
}

uint32_t plan_cpus(uint32_t plan)
{
	return plans[plan].cpus;
}

const struct window_slot *plan_slots(uint32_t plan, uint32_t cpu, const struct window_slot **last)
{
	*last = plans[plan].last[cpu];
	return plans[plan].first[cpu];
}

const struct plan_share *plan_share(uint32_t plan, uint32_t partition)
{
	return &plans[plan].shares[partition];
}

/* ---- slots ---- */

/* One more slot, if there is anything in it. */
static struct window_slot *add_slot(struct window_slot *slot, uint64_t start, uint64_t end,
				    struct runq *runq)
{
	if (start == end)
		return slot;
	*slot = (struct window_slot){
		.start = start,
		.end = end,
		.runq = runq,
		.index = SYSTEM_NONE,
		.partition = SYSTEM_NONE,
	};
	return slot + 1;
}

static struct window_slot *add_window(struct window_slot *slot, const struct system_window *window,
				      uint32_t index)
{
	slot = add_slot(slot, window->offset, window->offset + window->duration,
			partitions[window->partition].runq[window->cpu]);
	slot[-1].index = index;
	slot[-1].partition = window->partition;
	return slot;
}

/* @return behind the slots of the CPU */
static struct window_slot *make_slots(struct plan *plan, uint32_t cpu, struct window_slot *slot)
{
	struct runq *background = &cpus[cpu].sched.common;
	uint64_t at = 0;

	plan->first[cpu] = slot;
	for (uint32_t i = 0; i < plan->config->window_count; i++) {
		const struct system_window *window = &plan->windows[i];

		if (window->cpu != cpu)
			continue;
		slot = add_slot(slot, at, window->offset, background);
		slot = add_window(slot, window, plan->config->first_window + i);
		at = window->offset + window->duration;
		plan->cpus |= UINT32_C(1) << cpu;
	}
	slot = add_slot(slot, at, plan->config->frame, background);
	plan->last[cpu] = slot - 1;
	return slot;
}

static void check_cpus(const struct plan *plan)
{
	for (uint32_t i = 0; i < plan->config->window_count; i++)
		if (plan->windows[i].cpu >= cpu_count)
			end_refuse("plan %s: window %u of partition %s is on CPU %u, and this machine "
				   "has %u",
				   plan->config->name, i, partitions[plan->windows[i].partition].name,
				   plan->windows[i].cpu, cpu_count);
}

/* ---- shares ---- */

/* Sorted in; what is there already (on another CPU) isn't taken twice. */
static uint32_t add_release(uint64_t *release, uint32_t count, uint64_t offset)
{
	uint32_t i = count;

	for (uint32_t k = 0; k < count; k++)
		if (release[k] == offset)
			return count;
	for (; i > 0 && release[i - 1] > offset; i--)
		release[i] = release[i - 1];
	release[i] = offset;
	return count + 1;
}

static uint64_t period_of(const struct plan_share *share, uint64_t frame)
{
	uint64_t period = share->releases != 0 ? frame / share->releases : 0;

	if (period * share->releases != frame)
		return 0;
	for (uint32_t i = 1; i < share->releases; i++)
		if (share->release[i] - share->release[i - 1] != period)
			return 0;
	return period;
}

/* What the partition has of a frame, on the CPU where it has most. */
static uint64_t longest(const struct plan *plan, uint32_t partition)
{
	uint64_t sum[HOST_MAX_CPUS] = {0}, most = 0;

	for (uint32_t i = 0; i < plan->config->window_count; i++)
		if (plan->windows[i].partition == partition)
			sum[plan->windows[i].cpu] += plan->windows[i].duration;
	for (uint32_t i = 0; i < HOST_MAX_CPUS; i++)
		most = sum[i] > most ? sum[i] : most;
	return most;
}

/* @return behind the partition's release points */
static uint64_t *make_share(const struct plan *plan, uint32_t partition, uint64_t *release)
{
	struct plan_share *share = &plan->shares[partition];
	uint32_t count = 0;

	for (uint32_t i = 0; i < plan->config->window_count; i++)
		if (plan->windows[i].partition == partition &&
		    (plan->windows[i].flags & SYSTEM_WINDOW_RELEASE) != 0)
			count = add_release(release, count, plan->windows[i].offset);
	*share = (struct plan_share){.release = release, .releases = count};
	share->period = period_of(share, plan->config->frame);
	share->duration = longest(plan, partition) / (count != 0 ? count : 1);
	return release + count;
}

/* ---- all ---- */

static void *take_memory(uint64_t size)
{
	uint64_t phys = memory_alloc(page_up(size + 1), HV_PAGE_SIZE);

	if (phys == 0)
		end_refuse("too little memory for the plans: %lu KiB", size / 1024);
	return phys_to_virt(phys);
}

/* A frame has a gap more than windows, on each CPU. */
static uint64_t slots_of(const struct system_plan *config)
{
	return 2 * (uint64_t)config->window_count + cpu_count;
}

static void prepare(struct plan *plan)
{
	struct window_slot *slot = take_memory(slots_of(plan->config) * sizeof(*slot));
	uint64_t *release = take_memory(plan->config->window_count * sizeof(*release));

	plan->shares = take_memory(partition_count * sizeof(*plan->shares));
	for (uint32_t cpu = 0; cpu < cpu_count; cpu++)
		slot = make_slots(plan, cpu, slot);
	for (uint32_t i = 0; i < partition_count; i++)
		release = make_share(plan, i, release);
}

void plan_init(const struct system_image *image)
{
	plan_count = image->plan_count;
	for (uint32_t i = 0; i < plan_count; i++) {
		plans[i].config = &image->plans[i];
		plans[i].windows = &image->windows[image->plans[i].first_window];
		check_cpus(&plans[i]);
		prepare(&plans[i]);
	}
}
