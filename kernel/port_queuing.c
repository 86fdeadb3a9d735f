/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queuing channels: a ring of messages, of which each destination sees its own part, from what it has
 * taken to what was sent. A message that a slow destination keeps is in nobody else's way but the
 * source's, which sends to all or none.
 *
 * @req KRN-213 A queuing port keeps messages in order, each exactly once for every destination, whole,
 *              until taken; a source sends to all of its destinations or to none.
 */
#include "kernel/port.h"
#include "kernel/user.h"

struct queue_slot {
	uint64_t size;
	uint8_t bytes[];
};

void queuing_shape(struct channel *channel)
{
	channel->slot_size = sizeof(struct queue_slot) +
			     ((channel->config->max_message + UINT64_C(7)) & ~UINT64_C(7));
	channel->slot_count = 1;
	for (uint32_t i = 0; i < channel->destination_count; i++)
		if (channel->destinations[i]->config->depth > channel->slot_count)
			channel->slot_count = channel->destinations[i]->config->depth;
}

static struct queue_slot *slot_of(const struct port *port)
{
	return (struct queue_slot *)(void *)(port->channel->slots +
					     port->slot * port->channel->slot_size);
}

/* ---- how much there is ---- */

static uint64_t sent(const struct channel *channel)
{
	return __atomic_load_n(&channel->head, __ATOMIC_SEQ_CST);
}

static uint64_t taken(const struct port *destination)
{
	return __atomic_load_n(&destination->number, __ATOMIC_SEQ_CST);
}

/*
 * Other CPUs may send and take meanwhile: the order of reading makes both this and room() too large,
 * never too small or negative. grant() may promise by such a figure: who takes without having waited
 * leaves enough for all who wait.
 */
static uint64_t kept(const struct port *destination)
{
	uint64_t number = taken(destination);

	return sent(destination->channel) - number;
}

uint32_t queuing_depth(const struct port *port)
{
	const struct channel *channel = port->channel;
	uint32_t least = channel->slot_count;

	if (!port_is_source(port))
		return port->config->depth;
	for (uint32_t i = 0; i < channel->destination_count; i++)
		if (channel->destinations[i]->config->depth < least)
			least = channel->destinations[i]->config->depth;
	return least;
}

/* Messages that have room in all destinations. */
static uint64_t room(const struct channel *channel)
{
	uint64_t head = sent(channel), least = UINT64_MAX;

	for (uint32_t i = 0; i < channel->destination_count; i++) {
		const struct port *port = channel->destinations[i];
		uint64_t here = port->config->depth - (head - taken(port));

		least = here < least ? here : least;
	}
	return least;
}

uint64_t queuing_count(const struct port *port)
{
	const struct channel *channel = port->channel;
	uint64_t most = 0;

	if (!port_is_source(port))
		return kept(port);
	for (uint32_t i = 0; i < channel->destination_count; i++) {
		uint64_t here = kept(channel->destinations[i]);

		most = here > most ? here : most;
	}
	return most;
}

uint64_t port_available(const struct port *port)
{
	return port_is_source(port) ? room(port->channel) : kept(port);
}

void port_advance(struct port *port)
{
	uint64_t *number = port_is_source(port) ? &port->channel->head : &port->number;

	if (++port->slot == port->channel->slot_count)
		port->slot = 0;
	__atomic_store_n(number, *number + 1, __ATOMIC_SEQ_CST);
}

/* The message at a port is sent or taken, or it isn't after all. */
static void complete(struct port *port, struct port_waiter *waiter, bool used)
{
	if (waiter != NULL)
		port_complete(port, waiter, used);
	else if (used)
		port_advance(port);
	host_unlock(&port->lock);
}

/* ---- send ---- */

static hv_status_t claim_room(struct port *port, uint64_t deadline, uint32_t discipline,
			      struct port_waiter **waiter)
{
	hv_status_t status;

	host_lock(&port->lock);
	*waiter = NULL;
	if (room(port->channel) > port->queued)
		return HV_OK;
	status = port_wait(port, deadline, discipline, waiter);
	if (status != HV_OK)
		__atomic_fetch_add(&port->refused, 1, __ATOMIC_RELAXED);
	return status == HV_E_STATE ? HV_E_FULL : status;
}

static void announce(const struct channel *channel)
{
	for (uint32_t i = 0; i < channel->destination_count; i++)
		port_look(channel->destinations[i]);
}

hv_status_t queuing_send(struct port *port, uint64_t message, uint64_t size, uint64_t deadline,
			 uint32_t discipline)
{
	struct port_waiter *waiter;
	struct queue_slot *slot;
	hv_status_t status = claim_room(port, deadline, discipline, &waiter);
	bool copied;

	if (status != HV_OK)
		return status;
	slot = slot_of(port);
	slot->size = size;
	copied = user_read(slot->bytes, message, size);
	complete(port, waiter, copied);
	if (!copied)
		return HV_E_FAULT;
	announce(port->channel);
	return HV_OK;
}

/* ---- receive ---- */

static hv_status_t claim_message(struct port *port, uint64_t deadline, uint32_t discipline,
				 struct port_waiter **waiter)
{
	host_lock(&port->lock);
	*waiter = NULL;
	if (kept(port) > port->queued)
		return HV_OK;
	return port_wait(port, deadline, discipline, waiter);
}

static void made_room(const struct channel *channel)
{
	if (channel->source != NULL)
		port_look(channel->source);
}

static int64_t take(const struct port *port, uint64_t message, uint64_t space)
{
	const struct queue_slot *slot = slot_of(port);

	if (slot->size > space)
		return HV_E_RANGE;
	if (!user_write(message, slot->bytes, slot->size))
		return HV_E_FAULT;
	return (int64_t)slot->size;
}

int64_t queuing_receive(struct port *port, uint64_t message, uint64_t space, uint64_t deadline,
			uint32_t discipline)
{
	struct port_waiter *waiter;
	int64_t result = claim_message(port, deadline, discipline, &waiter);

	if (result != HV_OK)
		return result;
	result = take(port, message, space);
	complete(port, waiter, result >= 0);
	if (result >= 0)
		made_room(port->channel);
	return result;
}

void queuing_clear(struct port *port)
{
	uint64_t drop;

	host_lock(&port->lock);
	host_lock(&port->wait_lock);
	drop = kept(port) - port->granted;
	port->slot = (uint32_t)((port->slot + drop) % port->channel->slot_count);
	__atomic_store_n(&port->number, port->number + drop, __ATOMIC_SEQ_CST);
	host_unlock(&port->wait_lock);
	host_unlock(&port->lock);
	made_room(port->channel);
}
