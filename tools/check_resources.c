/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What there is only once: devices, CPUs, the keys; and the health monitor's tables.
 */
#include <string.h>

#include "tools/check.h"

/* ---- devices ---- */

/* What the kernel refuses to give away (kernel/device.c); on machines that have more, at boot. */
static const struct {
	uint32_t kind;
	uint64_t base, size;
	const char *what;
} kernel_devices[] = {
	{SYSTEM_DEVICE_PORTS, 0x20, 2, "the interrupt controller"},
	{SYSTEM_DEVICE_PORTS, 0xa0, 2, "the interrupt controller"},
	{SYSTEM_DEVICE_PORTS, 0xb2, 2, "system management"},
	{SYSTEM_DEVICE_PORTS, 0x3f8, 8, "the console, COM1"},
	{SYSTEM_DEVICE_PORTS, 0x4d0, 2, "the interrupt controller"},
	{SYSTEM_DEVICE_PORTS, 0xcf8, 8, "PCI configuration"},
	{SYSTEM_DEVICE_MEMORY, 0xfec00000, 0x1000, "the I/O APIC"},
	{SYSTEM_DEVICE_MEMORY, 0xfee00000, 0x100000, "the local APICs"},
	{SYSTEM_DEVICE_IRQ, 4, 1, "the console, COM1"},
};
#define KERNEL_DEVICES (sizeof(kernel_devices) / sizeof(kernel_devices[0]))

static bool ranges_meet(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a < b + b_size && b < a + a_size;
}

static void check_kernel_device(const struct model *model, const struct model_device *device)
{
	for (size_t i = 0; i < KERNEL_DEVICES; i++)
		if (kernel_devices[i].kind == device->kind &&
		    ranges_meet(kernel_devices[i].base, kernel_devices[i].size, device->base,
				device->size))
			model_error(model, device->where, NULL, "HyPike's kernel has that: %s",
				    kernel_devices[i].what);
}

struct device_ref {
	const struct model_partition *partition;
	const struct model_device *device;
};

static bool device_at(const struct model *model, size_t number, struct device_ref *ref)
{
	for (size_t i = 0; i < model->partition_count; i++) {
		ref->partition = &model->partitions[i];
		if (number < ref->partition->device_count) {
			ref->device = &ref->partition->devices[number];
			return true;
		}
		number -= ref->partition->device_count;
	}
	return false;
}

static void check_devices(const struct model *model)
{
	struct device_ref one, other;
	size_t count = 0;

	for (; count < SYSTEM_MAX_DEVICE && device_at(model, count, &one); count++) {
		check_kernel_device(model, one.device);
		for (size_t i = 0; i < count && device_at(model, i, &other); i++)
			if (one.device->kind != 0 && one.device->kind == other.device->kind &&
			    ranges_meet(one.device->base, one.device->size, other.device->base,
					other.device->size))
				model_error(model, one.device->where, NULL, "%s has it, too",
					    other.partition->name);
	}
	if (device_at(model, SYSTEM_MAX_DEVICE, &one))
		model_error(model, one.device->where, NULL, "at most %u devices are possible",
			    SYSTEM_MAX_DEVICE);
}

/* ---- CPUs and threads ---- */

static void check_partition_cpus(const struct model *model, const struct model_partition *partition)
{
	const uint64_t present =
		model->cpus == 0 || model->cpus >= 64 ? UINT64_MAX
						      : (UINT64_C(1) << model->cpus) - 1;

	if (yaml_find(partition->where, "cpus") == NULL)
		return;
	if ((partition->cpus & ~present) != 0)
		model_error(model, partition->where, "cpus",
			    "the machine has %llu CPUs, numbered from 0 on",
			    (unsigned long long)model->cpus);
}

static void check_threads(const struct model *model, const struct model_partition *partition)
{
	const uint64_t vcpus = partition->vcpus != 0 ? partition->vcpus : 1;

	if (partition->kind == SYSTEM_PARTITION_VMM && partition->threads != 0 &&
	    partition->threads <= vcpus)
		model_error(model, partition->where, "threads",
			    "%llu virtual CPUs and the VMM are %llu threads at least",
			    (unsigned long long)vcpus, (unsigned long long)vcpus + 1);
}

static void check_virtio(const struct model *model, const struct model_partition *partition)
{
	if (partition->disk_count > MODEL_DISKS_MAX)
		model_error(model, partition->where, "disks", "%zu disks, at most %u are possible",
			    partition->disk_count, MODEL_DISKS_MAX);
	if (partition->network_count > MODEL_NETWORKS_MAX)
		model_error(model, partition->where, "network",
			    "%zu network cards, at most %u are possible",
			    partition->network_count, MODEL_NETWORKS_MAX);
}

static void check_keys(const struct model *model)
{
	const struct model_partition *owner = NULL;

	for (size_t i = 0; i < model->partition_count; i++) {
		const struct model_partition *partition = &model->partitions[i];

		if ((partition->flags & SYSTEM_PARTITION_INPUT) == 0)
			continue;
		if (owner != NULL)
			model_error(model, yaml_find(partition->where, "console"), "keys",
				    "%s has the keys already", owner->name);
		else
			owner = partition;
	}
}

/* ---- health monitor ---- */

/* Errors that have no partition to restart or to tell. */
static bool about_module(uint32_t error)
{
	return error == SYSTEM_ERROR_POWER_FAIL || error == SYSTEM_ERROR_NMI;
}

static void check_health_entry(const struct model *model, struct model_health *entry,
			       bool in_partition)
{
	entry->plan = SYSTEM_NONE;
	if (entry->plan_name != NULL) {
		entry->plan = check_find_plan(model, entry->plan_name);
		if (entry->plan == SYSTEM_NONE)
			model_error(model, entry->where, "plan", "there is no plan `%s'",
				    entry->plan_name);
	}
	if (in_partition && about_module(entry->error))
		complain(model->complaints, COMPLAINT_ERROR, entry->where->key_place,
			 "`%s' happens to the machine, not to a partition: say it in the "
			 "system's `health'",
			 entry->where->key);
	if (!in_partition && about_module(entry->error) &&
	    (entry->action == SYSTEM_ACTION_NOTIFY || entry->action == SYSTEM_ACTION_STOP ||
	     entry->action == SYSTEM_ACTION_RESTART_WARM ||
	     entry->action == SYSTEM_ACTION_RESTART_COLD))
		model_error(model, entry->where, NULL,
			    "`%s' happens to no partition that could be told, stopped or restarted",
			    entry->where->key);
}

static void check_health_table(const struct model *model, struct model_health_table *table,
			       bool in_partition)
{
	for (size_t i = 0; i < table->count; i++)
		check_health_entry(model, &table->entries[i], in_partition);
}

static void warn_watchdog(const struct model *model, const struct model_partition *partition)
{
	for (size_t i = 0; i < partition->health.count; i++)
		if (partition->health.entries[i].error == SYSTEM_ERROR_HANG &&
		    partition->watchdog == 0)
			model_warning(model, partition->health.entries[i].where, NULL,
				      "without a `watchdog' time no hang is noticed");
}

static bool plan_is_chosen(const struct model *model)
{
	for (size_t i = 0; i < model->health.count; i++)
		if (model->health.entries[i].action == SYSTEM_ACTION_SWITCH_PLAN)
			return true;
	for (size_t p = 0; p < model->partition_count; p++) {
		const struct model_partition *partition = &model->partitions[p];

		if (partition->flags & SYSTEM_PARTITION_MAY_PLAN)
			return true;
		for (size_t i = 0; i < partition->health.count; i++)
			if (partition->health.entries[i].action == SYSTEM_ACTION_SWITCH_PLAN)
				return true;
	}
	return false;
}

static void check_trace(const struct model *model)
{
	const struct yaml_node *trace = yaml_find(model->root, "trace");

	if ((model->trace_records & (model->trace_records - 1)) != 0)
		model_error(model, trace, "records", "%llu is no power of two",
			    (unsigned long long)model->trace_records);
}

void check_resources(struct model *model)
{
	check_devices(model);
	check_keys(model);
	check_trace(model);
	check_health_table(model, &model->health, false);
	for (size_t i = 0; i < model->partition_count; i++) {
		struct model_partition *partition = &model->partitions[i];

		check_partition_cpus(model, partition);
		check_threads(model, partition);
		check_virtio(model, partition);
		check_health_table(model, &partition->health, true);
		warn_watchdog(model, partition);
	}
	if (model->plan_count > 1 && !plan_is_chosen(model))
		model_warning(model, model->plans[1].where, NULL,
			      "nobody switches plans: no partition has the right `plan', no health "
			      "action is `switch-plan'");
}
