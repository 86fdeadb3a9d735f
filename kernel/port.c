/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/port.h"

#include "kernel/address.h"
#include "kernel/clock.h"
#include "kernel/end.h"
#include "kernel/memory.h"
#include "kernel/partition.h"
#include "lib/string.h"

/* A partition's ports, and the records of its threads that wait. */
struct owner {
	struct port *ports;
	uint32_t count;
	struct port_waiter *waiters;
};

static struct owner owners[SYSTEM_MAX_PARTITION];
static struct channel *channels;

/* ---- making them ---- */

static void *take(uint64_t size, const char *what)
{
	uint64_t phys = memory_alloc(page_up(size + 1), HV_PAGE_SIZE);

	if (phys == 0)
		end_refuse("too little memory for %s: %lu KiB are needed, %lu KiB are left", what,
			   page_up(size + 1) / 1024, memory_left() / 1024);
	memset(phys_to_virt(phys), 0, page_up(size + 1));
	return phys_to_virt(phys);
}

static uint64_t to_ticks(uint64_t ns)
{
	uint64_t ticks;

	/* A message without a refresh period doesn't age. */
	if (ns == 0 || __builtin_mul_overflow(ns / 1000000, clock_tsc_khz, &ticks) ||
	    !hv_add_ok(ticks, ns % 1000000 * clock_tsc_khz / 1000000, &ticks))
		return UINT64_MAX;
	return ticks;
}

static void make_port(struct port *port, const struct system_image *image, uint32_t index)
{
	const struct system_port *config = &image->ports[index];

	*port = (struct port){
		.config = config,
		.channel = &channels[config->channel],
		.partition = &partitions[config->partition],
		.index = index,
		.refresh = to_ticks(config->refresh),
	};
	list_init(&port->waiters);
	if (config->direction == SYSTEM_PORT_SOURCE)
		port->channel->source = port;
	else
		port->channel->destination_count++;
}

/* The ports of a partition stand together, in the order of the table. */
static void make_ports(const struct system_image *image)
{
	struct port *next = take(image->port_count * sizeof(struct port), "ports");

	for (uint32_t owner = 0; owner < partition_count; owner++) {
		owners[owner].ports = next;
		for (uint32_t i = 0; i < image->port_count; i++)
			if (image->ports[i].partition == owner)
				make_port(next++, image, i);
		owners[owner].count = (uint32_t)(next - owners[owner].ports);
	}
}

static void make_waiters(void)
{
	for (uint32_t owner = 0; owner < partition_count; owner++)
		if (owners[owner].count != 0)
			owners[owner].waiters = take(partitions[owner].thread_limit *
							     sizeof(struct port_waiter),
						     "threads that wait at ports");
}

static void connect_destinations(const struct system_image *image)
{
	struct port **next = take(image->port_count * sizeof(struct port *), "channels");

	for (uint32_t i = 0; i < image->channel_count; i++) {
		channels[i].destinations = next;
		next += channels[i].destination_count;
		channels[i].destination_count = 0;
	}
	for (uint32_t owner = 0; owner < partition_count; owner++)
		for (uint32_t i = 0; i < owners[owner].count; i++) {
			struct port *port = &owners[owner].ports[i];
			struct channel *channel = port->channel;

			if (!port_is_source(port))
				channel->destinations[channel->destination_count++] = port;
		}
}

static void make_slots(struct channel *channel)
{
	bool queuing = channel->config->kind == SYSTEM_CHANNEL_QUEUING;
	uint64_t size, phys;

	if (queuing)
		queuing_shape(channel);
	else
		sampling_shape(channel);
	size = page_up(channel->slot_size * channel->slot_count);
	phys = memory_alloc(size, HV_PAGE_SIZE);
	if (phys == 0)
		end_refuse("channel %s: too little memory for its messages of %lu KiB: %lu KiB are left",
			   channel->config->name, size / 1024, memory_left() / 1024);
	channel->slots = phys_to_virt(phys);
	memset(channel->slots, 0, size);
	if (!queuing)
		sampling_init(channel);
}

void ports_create(const struct system_image *image)
{
	if (image->channel_count == 0)
		return;
	channels = take(image->channel_count * sizeof(struct channel), "channels");
	for (uint32_t i = 0; i < image->channel_count; i++)
		channels[i].config = &image->channels[i];
	make_ports(image);
	make_waiters();
	connect_destinations(image);
	for (uint32_t i = 0; i < image->channel_count; i++)
		make_slots(&channels[i]);
}

/* ---- finding them ---- */

struct port *port_find(const struct partition *partition, uint64_t number)
{
	const struct owner *owner = &owners[partition->index];

	return number < owner->count ? &owner->ports[number] : NULL;
}

int64_t port_number(const struct partition *partition, const char name[SYSTEM_NAME_SIZE])
{
	const struct owner *owner = &owners[partition->index];

	for (uint32_t i = 0; i < owner->count; i++)
		if (memcmp(owner->ports[i].config->name, name, SYSTEM_NAME_SIZE) == 0)
			return i;
	return HV_E_NOENT;
}

struct port_waiter *port_waiter_of(const struct thread *thread)
{
	return &owners[thread->partition->index].waiters[thread->index];
}

/* ---- notifications ---- */

void port_bind(struct port *port, struct thread *thread, uint64_t bits)
{
	host_lock(&port->wait_lock);
	port->bits = bits;
	__atomic_store_n(&port->bound, thread, __ATOMIC_SEQ_CST);
	host_unlock(&port->wait_lock);
}

/* ---- ends of threads and partitions ---- */

void port_thread_gone(const struct thread *thread)
{
	if (owners[thread->partition->index].waiters != NULL)
		port_waiter_drop(port_waiter_of(thread));
}

static void reset(struct port *port)
{
	port_bind(port, NULL, 0);
	port->refused = 0;
	port->valid = 0;
	if (port_is_queuing(port) && !port_is_source(port))
		queuing_clear(port);
}

void ports_reset_partition(const struct partition *partition)
{
	const struct owner *owner = &owners[partition->index];

	for (uint32_t i = 0; i < owner->count; i++)
		reset(&owner->ports[i]);
}
