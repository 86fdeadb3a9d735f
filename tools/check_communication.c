/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who talks to whom, and by which memory.
 */
#include <ctype.h>
#include <string.h>

#include "tools/check.h"
#include "tools/config_value.h"

/* ---- ends of channels ---- */

static bool port_name_ok(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_-.";

	return name[0] != '\0' && strlen(name) < SYSTEM_NAME_SIZE &&
	       name[strspn(name, allowed)] == '\0';
}

static bool names_port(const struct model_partition *partition, const char *name)
{
	for (size_t i = 0; i < partition->ports.count; i++)
		if (strcmp(partition->ports.item[i], name) == 0)
			return true;
	return !partition->ports_named;
}

static void undeclared_port(const struct model *model, const struct model_port *port,
			    const char *key)
{
	const struct model_partition *partition = &model->partitions[port->partition];
	const char *nearest =
		config_nearest(port->name, (const char *const *)partition->ports.item,
			       partition->ports.count);

	model_error(model, port->where, key, "%s has no port `%s' among its `ports'%s%s%s",
		    partition->name, port->name, nearest ? ": did you mean `" : "",
		    nearest ? nearest : "", nearest ? "'?" : "");
}

static void resolve_port(const struct model *model, struct model_port *port, const char *key)
{
	char *dot;
	char name[SYSTEM_NAME_SIZE] = {0};

	port->partition = SYSTEM_NONE;
	port->name = NULL;
	if (port->address == NULL)
		return;
	dot = strchr(port->address, '.');
	if (dot == NULL || (size_t)(dot - port->address) >= sizeof(name) ||
	    !port_name_ok(dot + 1)) {
		model_error(model, port->where, key,
			    "`%s' is no `partition.port' (of letters, digits, `_' and `-')",
			    port->address);
		return;
	}
	memcpy(name, port->address, (size_t)(dot - port->address));
	port->partition = check_partition_name(model, port->where, key, name);
	if (port->partition == SYSTEM_NONE)
		return;
	port->name = dot + 1;
	if (!names_port(&model->partitions[port->partition], port->name))
		undeclared_port(model, port, key);
}

/* Rightly or wrongly: a wrong one has its complaint already. */
static bool says(const struct model_channel *channel, const struct model_port *port,
		 const char *key)
{
	return yaml_find(channel->where, key) != NULL || yaml_find(port->where, key) != NULL;
}

/* Where an end of a channel says its depth or refresh. */
static void destination_defaults(const struct model *model, const struct model_channel *channel,
				 struct model_port *port)
{
	const bool queues = channel->kind == SYSTEM_CHANNEL_QUEUING;

	if (channel->kind == 0)
		return;
	if (queues && port->refresh != 0)
		model_error(model, port->where, "refresh", "only sampling channels have it");
	if (!queues && port->depth != 0)
		model_error(model, port->where, "depth", "only queuing channels have it");
	if (queues && port->depth == 0)
		port->depth = channel->depth;
	if (!queues && port->refresh == 0)
		port->refresh = channel->refresh;
	if (queues && port->depth == 0 && !says(channel, port, "depth"))
		model_error(model, port->where, NULL,
			    "a queuing destination needs a `depth', here or of its channel");
	if (!queues && port->refresh == 0 && !says(channel, port, "refresh"))
		model_error(model, port->where, NULL,
			    "a sampling destination needs a `refresh' time, here or of its "
			    "channel");
}

static void resolve_channel(const struct model *model, struct model_channel *channel)
{
	channel->source.where = channel->where;
	resolve_port(model, &channel->source, "from");
	for (size_t i = 0; i < channel->destination_count; i++) {
		struct model_port *port = &channel->destinations[i];

		resolve_port(model, port, port->where->kind == YAML_MAP ? "port" : NULL);
		destination_defaults(model, channel, port);
	}
	if (channel->kind == SYSTEM_CHANNEL_QUEUING && channel->refresh != 0)
		model_error(model, channel->where, "refresh", "only sampling channels have it");
	if (channel->kind == SYSTEM_CHANNEL_SAMPLING && channel->depth != 0)
		model_error(model, channel->where, "depth", "only queuing channels have it");
	if (channel->destination_count == 0 && yaml_find(channel->where, "to") != NULL)
		model_error(model, channel->where, "to", "the channel goes nowhere");
}

/* ---- each port is one end of one channel ---- */

static size_t port_count(const struct model *model)
{
	size_t count = 0;

	for (size_t i = 0; i < model->channel_count; i++)
		count += model->channels[i].destination_count + 1;
	return count;
}

/* The nth end of all channels. */
static const struct model_port *port_at(const struct model *model, size_t number,
					const struct model_channel **channel)
{
	for (size_t i = 0; i < model->channel_count; i++) {
		*channel = &model->channels[i];
		if (number == 0)
			return &(*channel)->source;
		number--;
		if (number < (*channel)->destination_count)
			return &(*channel)->destinations[number];
		number -= (*channel)->destination_count;
	}
	return NULL;
}

static bool same_port(const struct model_port *a, const struct model_port *b)
{
	return a->name != NULL && b->name != NULL && a->partition == b->partition &&
	       strcmp(a->name, b->name) == 0;
}

static const char *key_of(const struct model_port *port, const struct model_channel *channel)
{
	if (port == &channel->source)
		return "from";
	return port->where->kind == YAML_MAP ? "port" : NULL;
}

static void check_ports_once(const struct model *model)
{
	const size_t count = port_count(model);
	const struct model_channel *channel = NULL, *other = NULL;

	if (count > SYSTEM_MAX_PORT) {
		model_error(model, model->root, "channels", "%zu ports, at most %u are possible",
			    count, SYSTEM_MAX_PORT);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		const struct model_port *port = port_at(model, i, &channel);

		for (size_t j = 0; j < i; j++)
			if (same_port(port, port_at(model, j, &other)))
				model_error(model, port->where, key_of(port, channel),
					    "the port `%s' is in channel `%s' already",
					    port->address, other->name);
	}
}

static bool connected(const struct model *model, uint32_t partition, const char *name)
{
	const struct model_port wanted = {.partition = partition, .name = name};

	for (size_t i = 0; i < model->channel_count; i++) {
		const struct model_channel *channel = &model->channels[i];

		if (same_port(&wanted, &channel->source))
			return true;
		for (size_t n = 0; n < channel->destination_count; n++)
			if (same_port(&wanted, &channel->destinations[n]))
				return true;
	}
	return false;
}

static const struct yaml_node *nth_child(const struct yaml_node *list, size_t number)
{
	const struct yaml_node *node;

	if (list == NULL || list->kind != YAML_LIST)
		return list;
	node = list->child;
	while (node != NULL && number-- > 0)
		node = node->next;
	return node;
}

static void warn_unconnected(const struct model *model, uint32_t index)
{
	const struct model_partition *partition = &model->partitions[index];

	for (size_t i = 0; i < partition->ports.count; i++) {
		const char *name = partition->ports.item[i];
		const struct yaml_node *where =
			nth_child(yaml_find(partition->where, "ports"), i);

		if (!port_name_ok(name))
			model_error(model, where, NULL,
				    "a port's name has 1 to %u letters, digits, `_', `-' or `.'",
				    SYSTEM_NAME_SIZE - 1);
		else if (!connected(model, index, name))
			model_warning(model, where, NULL, "no channel has the port `%s.%s'",
				      partition->name, name);
	}
}

/* ---- shared memory ---- */

static void check_region(const struct model *model, struct model_region *region)
{
	bool written = false;

	for (size_t i = 0; i < region->share_count; i++) {
		struct model_share *share = &region->shares[i];

		share->partition = check_find_partition(model, share->partition_name);
		written = written || (share->flags & SYSTEM_SHARE_WRITE) != 0;
		if (share->partition == SYSTEM_NONE)
			complain(model->complaints, COMPLAINT_ERROR, share->where->key_place,
				 "there is no partition `%s'", share->partition_name);
	}
	if (region->share_count == 0 && yaml_find(region->where, "map") != NULL)
		model_error(model, region->where, "map", "nobody sees this memory");
	if (region->share_count == 1)
		model_warning(model, region->where, "map", "only one partition sees this memory");
	if (region->share_count > 1 && !written)
		model_warning(model, region->where, "map", "nobody may write to this memory");
}

static void check_shares(const struct model *model)
{
	size_t shares = 0;

	for (size_t i = 0; i < model->region_count; i++) {
		shares += model->regions[i].share_count;
		check_region(model, &model->regions[i]);
	}
	if (shares > SYSTEM_MAX_SHARE)
		model_error(model, model->root, "shared", "%zu mappings, at most %u are possible",
			    shares, SYSTEM_MAX_SHARE);
}

/* ---- serial lines ---- */

/* @return whether the port is that end of a queuing channel. */
static bool queues(const struct model *model, const struct model_port *wanted, bool source)
{
	for (size_t i = 0; i < model->channel_count; i++) {
		const struct model_channel *channel = &model->channels[i];

		if (channel->kind != SYSTEM_CHANNEL_QUEUING)
			continue;
		if (source && same_port(wanted, &channel->source))
			return true;
		for (size_t n = 0; !source && n < channel->destination_count; n++)
			if (same_port(wanted, &channel->destinations[n]))
				return true;
	}
	return false;
}

static void check_serial(const struct model *model, uint32_t index)
{
	const struct model_partition *partition = &model->partitions[index];
	const struct yaml_node *where = yaml_find(partition->where, "serial2");
	const struct model_port in = {.partition = index, .name = partition->serial_in};
	const struct model_port out = {.partition = index, .name = partition->serial_out};

	if (in.name != NULL && !queues(model, &in, false))
		model_error(model, where, "in", "`%s.%s' is no destination of a queuing channel",
			    partition->name, in.name);
	if (out.name != NULL && !queues(model, &out, true))
		model_error(model, where, "out", "`%s.%s' is no source of a queuing channel",
			    partition->name, out.name);
}

/* ---- network cards ---- */

static bool may_write(const struct model_region *region, uint32_t partition)
{
	for (size_t i = 0; i < region->share_count; i++)
		if (region->shares[i].partition == partition)
			return (region->shares[i].flags & SYSTEM_SHARE_WRITE) != 0;
	return false;
}

/* Six pairs of hexadecimal digits with colons between. */
static bool mac_ok(const char *text)
{
	if (strlen(text) != 17)
		return false;
	for (unsigned i = 0; i < 17; i++)
		if (i % 3 == 2 ? text[i] != ':' : !isxdigit((unsigned char)text[i]))
			return false;
	return true;
}

static void check_network(const struct model *model, uint32_t index,
			  const struct model_network *network)
{
	const char *const key = network->where->kind == YAML_MAP ? "cable" : NULL;
	const struct model_region *region = NULL;

	if (network->region == NULL)
		return;
	for (size_t i = 0; i < model->region_count; i++)
		if (strcmp(model->regions[i].name, network->region) == 0)
			region = &model->regions[i];
	if (region == NULL)
		model_error(model, network->where, key, "there is no `%s' under `shared'",
			    network->region);
	else if (!may_write(region, index))
		model_error(model, network->where, key, "%s must have `%s' as rw under `shared'",
			    model->partitions[index].name, network->region);
	if (network->mac != NULL && !mac_ok(network->mac))
		model_error(model, network->where, "mac",
			    "expected an address such as 52:54:00:12:34:56");
}

static void check_networks(const struct model *model)
{
	for (uint32_t i = 0; i < model->partition_count; i++)
		for (size_t n = 0; n < model->partitions[i].network_count; n++)
			check_network(model, i, &model->partitions[i].networks[n]);
}

void check_communication(struct model *model)
{
	for (size_t i = 0; i < model->channel_count; i++)
		resolve_channel(model, &model->channels[i]);
	check_ports_once(model);
	for (uint32_t i = 0; i < model->partition_count; i++)
		warn_unconnected(model, i);
	check_shares(model);
	check_networks(model);
	for (uint32_t i = 0; i < model->partition_count; i++)
		check_serial(model, i);
}
