/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/picture.h"

#include <stdlib.h>
#include <string.h>

#include "tools/check.h"

#define COLUMNS 64u

const char *picture_size(uint64_t bytes, char text[32])
{
	static const char *const names[] = {"", "K", "M", "G", "T"};
	unsigned unit = 0;

	while (bytes != 0 && bytes % 1024 == 0 && unit < 4) {
		bytes /= 1024;
		unit++;
	}
	snprintf(text, 32, "%llu%s", (unsigned long long)bytes, names[unit]);
	return text;
}

uint64_t picture_time(const struct model_plan *plan, uint32_t cpu, uint32_t partition)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < plan->window_count; i++)
		if (plan->windows[i].cpu == cpu && plan->windows[i].partition == partition)
			sum += plan->windows[i].duration;
	return sum;
}

/* ---- memory ---- */

static uint64_t file_sizes(const struct model_partition *partition)
{
	uint64_t sum = partition->own_program.bytes.size;

	for (size_t i = 0; i < partition->file_count; i++)
		sum += partition->files[i].bytes.size;
	return sum;
}

static uint64_t ram_of(const struct model_partition *partition)
{
	if (partition->memory != 0)
		return partition->memory;
	return partition->kind == SYSTEM_PARTITION_NATIVE ? MODEL_NATIVE_MEMORY_DEFAULT
							  : MODEL_MEMORY_DEFAULT;
}

struct picture_memory *picture_memory(const struct model *model, size_t *count)
{
	struct picture_memory *list =
		memory_new((3 * model->partition_count + model->region_count) * sizeof(*list));
	size_t n = 0;

	for (size_t i = 0; i < model->partition_count; i++) {
		const struct model_partition *partition = &model->partitions[i];
		const uint64_t files = file_sizes(partition);

		list[n++] = (struct picture_memory){partition->name, "RAM", ram_of(partition), i};
		if (partition->kernel_memory != 0)
			list[n++] = (struct picture_memory){partition->name, "kernel memory",
							    partition->kernel_memory, i};
		if (files != 0)
			list[n++] = (struct picture_memory){partition->name, "files", files, i};
	}
	for (size_t i = 0; i < model->region_count; i++)
		list[n++] = (struct picture_memory){model->regions[i].name, "shared",
						    model->regions[i].size,
						    model->partition_count + i};
	*count = n;
	return list;
}

static void print_shares(const struct model *model, const char *region, FILE *out)
{
	for (size_t i = 0; i < model->region_count; i++) {
		if (strcmp(model->regions[i].name, region) != 0)
			continue;
		for (size_t n = 0; n < model->regions[i].share_count; n++) {
			const struct model_share *share = &model->regions[i].shares[n];

			fprintf(out, "%s %s (%s)", n ? "," : " ", share->partition_name,
				share->flags & SYSTEM_SHARE_WRITE ? "rw" : "ro");
		}
	}
}

static void text_memory(const struct model *model, FILE *out)
{
	struct picture_memory *list;
	uint64_t sum = 0;
	size_t count;
	char text[32];

	list = picture_memory(model, &count);
	fputs("Memory\n", out);
	for (size_t i = 0; i < count; i++) {
		fprintf(out, "  %10s  %-13s  %s", picture_size(list[i].size, text), list[i].what,
			list[i].name);
		if (list[i].color >= model->partition_count)
			print_shares(model, list[i].name, out);
		fputc('\n', out);
		sum += list[i].size;
	}
	fprintf(out, "  %10s  %-13s", picture_size(sum, text), "together");
	if (model->memory != 0)
		fprintf(out, "  of %s", picture_size(model->memory, text));
	fputs("\n\n", out);
	free(list);
}

/* ---- schedule ---- */

/* Letters for the first 52 partitions. */
static char letter_of(uint32_t partition)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

	return partition < sizeof(letters) - 1 ? letters[partition] : '?';
}

/* What a window covers; one that is shorter than a column still gets one where nobody else is. */
static void draw_window(char line[COLUMNS], const struct model_window *window, uint64_t frame)
{
	/* A frame is an hour at the most: the product fits. */
	const uint64_t from = window->offset * COLUMNS / frame;
	uint64_t to = (window->offset + window->duration) * COLUMNS / frame;

	if (to == from && line[from] == '.')
		to++;
	for (uint64_t at = from; at < to && at < COLUMNS; at++)
		line[at] = letter_of(window->partition);
}

static void text_ruler(const struct model_plan *plan, FILE *out)
{
	char half[32], whole[32];

	check_time_text(plan->frame / 2, half);
	check_time_text(plan->frame, whole);
	fprintf(out, "         0%*s%*s\n", (int)(COLUMNS / 2), half,
		(int)(COLUMNS / 2 - 1), whole);
}

static void text_shares(const struct model *model, const struct model_plan *plan, uint32_t cpu,
			FILE *out)
{
	char text[32];

	for (uint32_t i = 0; i < model->partition_count; i++) {
		const uint64_t time = picture_time(plan, cpu, i);

		if (time != 0)
			fprintf(out, "         %c %-20s %10s  %5.1f %%\n", letter_of(i),
				model->partitions[i].name, check_time_text(time, text),
				100.0 * (double)time / (double)plan->frame);
	}
}

static void text_lane(const struct model *model, const struct model_plan *plan, uint32_t cpu,
		      FILE *out)
{
	char line[COLUMNS];

	memset(line, '.', sizeof(line));
	for (size_t i = 0; i < plan->window_count; i++)
		if (plan->windows[i].cpu == cpu)
			draw_window(line, &plan->windows[i], plan->frame);
	fprintf(out, "  CPU %-2u %.*s\n", cpu, (int)COLUMNS, line);
	text_ruler(plan, out);
	text_shares(model, plan, cpu, out);
}

static void text_plan(const struct model *model, const struct model_plan *plan, FILE *out)
{
	char frame[32];

	fprintf(out, "Plan %s, frame %s%s\n", plan->name, check_time_text(plan->frame, frame),
		plan == model->plans ? ", from boot on" : "");
	for (uint32_t cpu = 0; cpu < SYSTEM_MAX_CPU; cpu++)
		for (size_t i = 0; i < plan->lane_count; i++)
			if (plan->lanes[i].cpu == cpu)
				text_lane(model, plan, cpu, out);
	fputc('\n', out);
}

static void text_channels(const struct model *model, FILE *out)
{
	char size[32];

	if (model->channel_count != 0)
		fputs("Channels\n", out);
	for (size_t i = 0; i < model->channel_count; i++) {
		const struct model_channel *channel = &model->channels[i];

		fprintf(out, "  %-16s %-8s %6s  %s ->", channel->name,
			channel->kind == SYSTEM_CHANNEL_SAMPLING ? "sampling" : "queuing",
			picture_size(channel->max_message, size), channel->source.address);
		for (size_t n = 0; n < channel->destination_count; n++)
			fprintf(out, "%s %s", n ? "," : "", channel->destinations[n].address);
		fputc('\n', out);
	}
}

void picture_text(const struct model *model, FILE *out)
{
	if (model->name != NULL)
		fprintf(out, "System %s\n\n", model->name);
	text_memory(model, out);
	if (model->plan_count == 0)
		fputs("No plans: partitions run by priority.\n\n", out);
	for (size_t i = 0; i < model->plan_count; i++)
		text_plan(model, &model->plans[i], out);
	text_channels(model, out);
}
