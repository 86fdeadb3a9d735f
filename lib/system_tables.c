/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables of a partitioned system: time, communication, devices, health, trace.
 */
#include "lib/system_check.h"

#include <hypike/types.h>

bool system_check_refuse(struct system_check *check, const char *table, uint32_t entry,
			 const char *reason)
{
	*check->error = (struct system_image_error){
		.reason = reason,
		.table = table,
		.entry = entry,
	};
	return false;
}

static bool name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-' || c == '.';
}

bool system_check_name(const char name[SYSTEM_NAME_SIZE])
{
	unsigned length = 0;

	while (length < SYSTEM_NAME_SIZE && name_char(name[length]))
		length++;
	if (length == 0 || length == SYSTEM_NAME_SIZE)
		return false;
	for (unsigned i = length; i < SYSTEM_NAME_SIZE; i++)
		if (name[i] != '\0')
			return false;
	return true;
}

static bool same_name(const char a[SYSTEM_NAME_SIZE], const char b[SYSTEM_NAME_SIZE])
{
	for (unsigned int i = 0; i < SYSTEM_NAME_SIZE; i++)
		if (a[i] != b[i])
			return false;
	return true;
}

/* ---- time ---- */

static bool window_fits(const struct system_window *window, uint64_t frame)
{
	return window->duration >= SYSTEM_MIN_WINDOW &&
	       hv_range_ok(window->offset, window->duration, frame);
}

static bool in_order(const struct system_window *before, const struct system_window *window)
{
	if (before->cpu != window->cpu)
		return before->cpu < window->cpu;
	return window->offset >= before->offset &&
	       window->offset - before->offset >= before->duration;
}

static bool check_window(struct system_check *check, const struct system_plan *plan, uint32_t index)
{
	const struct system_image *image = &check->image;
	const struct system_window *window = &image->windows[index];

	if (window->partition >= image->partition_count)
		return system_check_refuse(check, "windows", index, "there is no such partition");
	if (window->cpu >= SYSTEM_MAX_CPU ||
	    (image->partitions[window->partition].cpus >> window->cpu & 1) == 0)
		return system_check_refuse(check, "windows", index,
					   "the partition doesn't have that CPU");
	if ((window->flags & ~SYSTEM_WINDOW_FLAGS) != 0 || window->reserved != 0)
		return system_check_refuse(check, "windows", index, "unknown flags");
	if (!window_fits(window, plan->frame))
		return system_check_refuse(check, "windows", index,
					   "it is too short or doesn't fit the major frame");
	if (index > plan->first_window && !in_order(window - 1, window))
		return system_check_refuse(check, "windows", index,
					   "it overlaps the one before or is out of order");
	return true;
}

static bool check_plan(struct system_check *check, uint32_t index)
{
	const struct system_image *image = &check->image;
	const struct system_plan *plan = &image->plans[index];

	if (!system_check_name(plan->name))
		return system_check_refuse(check, "plans", index, "the name is malformed");
	for (uint32_t other = 0; other < index; other++)
		if (same_name(image->plans[other].name, plan->name))
			return system_check_refuse(check, "plans", index, "the name is used twice");
	if (plan->frame < SYSTEM_MIN_WINDOW || plan->frame > SYSTEM_MAX_FRAME)
		return system_check_refuse(check, "plans", index, "the major frame is out of range");
	if (!hv_range_ok(plan->first_window, plan->window_count, image->window_count))
		return system_check_refuse(check, "plans", index,
					   "the windows are no windows of the image");
	for (uint32_t i = 0; i < plan->window_count; i++)
		if (!check_window(check, plan, plan->first_window + i))
			return false;
	return true;
}

bool system_check_time(struct system_check *check)
{
	uint64_t owned = 0;

	for (uint32_t i = 0; i < check->image.plan_count; i++) {
		if (!check_plan(check, i))
			return false;
		owned += check->image.plans[i].window_count;
	}
	if (owned != check->image.window_count)
		return system_check_refuse(check, "windows", 0, "not each window has one plan");
	return true;
}

/* ---- communication ---- */

static bool check_channel(struct system_check *check, uint32_t index)
{
	const struct system_channel *channel = &check->image.channels[index];

	if (!system_check_name(channel->name))
		return system_check_refuse(check, "channels", index, "the name is malformed");
	if (channel->kind != SYSTEM_CHANNEL_SAMPLING && channel->kind != SYSTEM_CHANNEL_QUEUING)
		return system_check_refuse(check, "channels", index, "unknown kind of channel");
	if (channel->max_message == 0 || channel->max_message > SYSTEM_MAX_MESSAGE)
		return system_check_refuse(check, "channels", index,
					   "the message size is out of range");
	return true;
}

static bool port_numbers_ok(const struct system_port *port, const struct system_channel *channel)
{
	const bool in = port->direction == SYSTEM_PORT_DESTINATION;
	const bool queues = in && channel->kind == SYSTEM_CHANNEL_QUEUING;
	const bool samples = in && channel->kind == SYSTEM_CHANNEL_SAMPLING;

	return (queues ? port->depth - 1 < SYSTEM_MAX_DEPTH : port->depth == 0) &&
	       (samples || port->refresh == 0);
}

static bool check_port(struct system_check *check, uint32_t index)
{
	const struct system_image *image = &check->image;
	const struct system_port *port = &image->ports[index];

	if (!system_check_name(port->name))
		return system_check_refuse(check, "ports", index, "the name is malformed");
	if (port->partition >= image->partition_count)
		return system_check_refuse(check, "ports", index, "there is no such partition");
	if (port->channel >= image->channel_count)
		return system_check_refuse(check, "ports", index, "there is no such channel");
	if (port->direction != SYSTEM_PORT_SOURCE && port->direction != SYSTEM_PORT_DESTINATION)
		return system_check_refuse(check, "ports", index, "unknown direction");
	if (!port_numbers_ok(port, &image->channels[port->channel]))
		return system_check_refuse(check, "ports", index,
					   "the depth or the refresh period doesn't fit its kind");
	return true;
}

static bool check_port_against(struct system_check *check, uint32_t index, uint32_t other)
{
	const struct system_port *a = &check->image.ports[other];
	const struct system_port *b = &check->image.ports[index];

	if (a->partition == b->partition && same_name(a->name, b->name))
		return system_check_refuse(check, "ports", index,
					   "the name is used twice in its partition");
	if (a->channel == b->channel && a->direction == SYSTEM_PORT_SOURCE &&
	    b->direction == SYSTEM_PORT_SOURCE)
		return system_check_refuse(check, "ports", index, "the channel has another source");
	return true;
}

static bool check_ports(struct system_check *check)
{
	for (uint32_t i = 0; i < check->image.port_count; i++) {
		if (!check_port(check, i))
			return false;
		for (uint32_t other = 0; other < i; other++)
			if (!check_port_against(check, i, other))
				return false;
	}
	return true;
}

static bool check_share(struct system_check *check, uint32_t index)
{
	const struct system_image *image = &check->image;
	const struct system_share *share = &image->shares[index];

	if (share->region >= image->region_count)
		return system_check_refuse(check, "shares", index, "there is no such region");
	if (share->partition >= image->partition_count)
		return system_check_refuse(check, "shares", index, "there is no such partition");
	if ((share->flags & ~SYSTEM_SHARE_FLAGS) != 0 || share->reserved != 0)
		return system_check_refuse(check, "shares", index, "unknown flags");
	for (uint32_t other = 0; other < index; other++)
		if (image->shares[other].region == share->region &&
		    image->shares[other].partition == share->partition)
			return system_check_refuse(check, "shares", index,
						   "the partition has the region twice");
	return true;
}

static bool check_region(struct system_check *check, uint32_t index)
{
	const struct system_image *image = &check->image;
	const struct system_region *region = &image->regions[index];

	if (!system_check_name(region->name))
		return system_check_refuse(check, "regions", index, "the name is malformed");
	for (uint32_t other = 0; other < index; other++)
		if (same_name(image->regions[other].name, region->name))
			return system_check_refuse(check, "regions", index, "the name is used twice");
	if (region->size == 0 || region->size % SYSTEM_PAGE != 0)
		return system_check_refuse(check, "regions", index, "the size is not whole pages");
	return true;
}

bool system_check_communication(struct system_check *check)
{
	for (uint32_t i = 0; i < check->image.channel_count; i++)
		if (!check_channel(check, i))
			return false;
	if (!check_ports(check))
		return false;
	for (uint32_t i = 0; i < check->image.region_count; i++)
		if (!check_region(check, i))
			return false;
	for (uint32_t i = 0; i < check->image.share_count; i++)
		if (!check_share(check, i))
			return false;
	return true;
}

/* ---- devices ---- */

static bool device_place_ok(const struct system_device *device)
{
	switch (device->kind) {
	case SYSTEM_DEVICE_PORTS:
		return device->size != 0 && hv_range_ok(device->base, device->size, 0x10000);
	case SYSTEM_DEVICE_MEMORY:
		return device->size != 0 && device->base % SYSTEM_PAGE == 0 &&
		       device->size % SYSTEM_PAGE == 0 &&
		       hv_range_ok(device->base, device->size, UINT64_C(1) << 52);
	default:
		return device->base < 256 && device->size == 1;
	}
}

static bool check_device(struct system_check *check, uint32_t index)
{
	const struct system_image *image = &check->image;
	const struct system_device *device = &image->devices[index];

	if (device->partition >= image->partition_count)
		return system_check_refuse(check, "devices", index, "there is no such partition");
	if (device->kind < SYSTEM_DEVICE_PORTS || device->kind > SYSTEM_DEVICE_IRQ)
		return system_check_refuse(check, "devices", index, "unknown kind of device");
	if (!device_place_ok(device))
		return system_check_refuse(check, "devices", index,
					   "its address or size is out of range");
	for (uint32_t i = 0; i < index; i++) {
		const struct system_device *other = &image->devices[i];

		if (other->kind == device->kind && device->base < other->base + other->size &&
		    other->base < device->base + device->size)
			return system_check_refuse(check, "devices", index, "it is given away twice");
	}
	return true;
}

bool system_check_devices(struct system_check *check)
{
	for (uint32_t i = 0; i < check->image.device_count; i++)
		if (!check_device(check, i))
			return false;
	return true;
}

/* ---- health and trace ---- */

static bool argument_ok(const struct system_image *image, const struct system_health *entry)
{
	switch (entry->action) {
	case SYSTEM_ACTION_SWITCH_PLAN:
		return entry->argument < image->plan_count;
	case SYSTEM_ACTION_RESTART_WARM:
	case SYSTEM_ACTION_RESTART_COLD:
		return true;
	default:
		return entry->argument == 0;
	}
}

static bool check_health_entry(struct system_check *check, uint32_t index)
{
	const struct system_image *image = &check->image;
	const struct system_health *entry = &image->health[index];

	if (entry->partition != SYSTEM_NONE && entry->partition >= image->partition_count)
		return system_check_refuse(check, "health", index, "there is no such partition");
	if (entry->error == 0 || entry->error >= SYSTEM_ERROR_COUNT)
		return system_check_refuse(check, "health", index, "unknown error");
	if (entry->action == 0 || entry->action >= SYSTEM_ACTION_COUNT)
		return system_check_refuse(check, "health", index, "unknown action");
	if (!argument_ok(image, entry))
		return system_check_refuse(check, "health", index,
					   "the argument doesn't fit the action");
	for (uint32_t other = 0; other < index; other++)
		if (image->health[other].partition == entry->partition &&
		    image->health[other].error == entry->error)
			return system_check_refuse(check, "health", index,
						   "a second action for this error");
	return true;
}

bool system_check_health(struct system_check *check)
{
	const struct system_trace *trace = check->image.trace;

	for (uint32_t i = 0; i < check->image.health_count; i++)
		if (!check_health_entry(check, i))
			return false;
	if (trace != NULL && (trace->records < 256 || trace->records > (1u << 20) ||
			      (trace->records & (trace->records - 1)) != 0 || trace->flags != 0))
		return system_check_refuse(check, "trace", 0, "the ring's size is out of range");
	return true;
}
