/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/check.h"

#include <string.h>

#include "tools/config_value.h"

uint32_t check_find_partition(const struct model *model, const char *name)
{
	for (size_t i = 0; i < model->partition_count; i++)
		if (strcmp(model->partitions[i].name, name) == 0)
			return (uint32_t)i;
	return SYSTEM_NONE;
}

uint32_t check_find_plan(const struct model *model, const char *name)
{
	for (size_t i = 0; i < model->plan_count; i++)
		if (strcmp(model->plans[i].name, name) == 0)
			return (uint32_t)i;
	return SYSTEM_NONE;
}

uint32_t check_partition_name(const struct model *model, const struct yaml_node *where,
			      const char *key, const char *name)
{
	const uint32_t index = check_find_partition(model, name);
	const char *names[SYSTEM_MAX_PARTITION];
	const char *nearest;
	size_t count = 0;

	if (index != SYSTEM_NONE)
		return index;
	for (; count < model->partition_count && count < SYSTEM_MAX_PARTITION; count++)
		names[count] = model->partitions[count].name;
	nearest = config_nearest(name, names, count);
	model_error(model, where, key, "there is no partition `%s'%s%s%s", name,
		    nearest ? ": did you mean `" : "", nearest ? nearest : "",
		    nearest ? "'?" : "");
	return SYSTEM_NONE;
}

const char *check_time_text(uint64_t nanoseconds, char text[32])
{
	static const struct {
		const char *name;
		uint64_t factor;
	} units[] = {{"s", 1000000000}, {"ms", 1000000}, {"us", 1000}, {"ns", 1}};
	size_t unit = 0;
	int length;

	if (nanoseconds == 0)
		return "0";
	while (unit < 3 && nanoseconds < units[unit].factor)
		unit++;
	length = snprintf(text, 32, "%llu.%09llu",
			  (unsigned long long)(nanoseconds / units[unit].factor),
			  (unsigned long long)(nanoseconds % units[unit].factor *
					       (1000000000 / units[unit].factor)));
	while (length > 0 && text[length - 1] == '0')
		length--;
	if (length > 0 && text[length - 1] == '.')
		length--;
	snprintf(text + length, (size_t)(32 - length), "%s", units[unit].name);
	return text;
}

struct limit {
	const char *key;
	size_t count;
	size_t max;
};

/* Beyond them, checks of each against each would take long. */
static bool check_limits(const struct model *model)
{
	const struct yaml_node *partitions = yaml_find(model->root, "partitions");
	bool ok = true;

	const struct limit limits[] = {
		{"partitions", model->partition_count, SYSTEM_MAX_PARTITION},
		{"plans", model->plan_count, SYSTEM_MAX_PLAN},
		{"channels", model->channel_count, SYSTEM_MAX_CHANNEL},
		{"shared", model->region_count, SYSTEM_MAX_REGION},
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (limits[i].count > limits[i].max)
			ok = model_error(model, model->root, limits[i].key,
					 "%zu of them, at most %zu are possible",
					 limits[i].count, limits[i].max);
	if (partitions != NULL && partitions->child == NULL)
		ok = model_error(model, model->root, "partitions", "there is no partition");
	return ok;
}

void check_system(struct model *model)
{
	if (!check_limits(model))
		return;
	check_time(model);
	check_communication(model);
	check_resources(model);
	check_memory(model);
}
