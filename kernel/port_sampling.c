/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sampling channels: the latest message, and slots enough that the writer always finds one that nobody
 * reads. Neither side waits for the other, and neither repeats anything.
 *
 * channel.head holds the number of the latest message's slot and counts who has begun to read it
 * there: a reader learns the slot and is counted by one addition. When the writer puts another slot
 * there, it keeps that count; the slot is free when as many have finished. As interrupts are off, a
 * CPU reads at most one message at a time, so one slot for each CPU that reads, one for the latest
 * and one to be written are enough.
 *
 * @req KRN-214 A sampling port's reader gets the latest message whole, with its age, and neither a
 *              reader nor the writer ever waits for the other side.
 */
#include "kernel/assert.h"
#include "kernel/clock.h"
#include "kernel/partition.h"
#include "kernel/port.h"
#include "kernel/user.h"

struct sampling_slot {
	uint64_t begun;	   /**< readers that had begun when it was replaced; the writer's */
	uint64_t finished; /**< readers that are through; atomic */
	uint64_t tsc;	   /**< when it was written */
	uint64_t size;
	uint8_t bytes[];
};

#define SLOT_SHIFT 56u
#define NO_SLOT	   UINT64_C(0xff)
/* One more reader, in the lower bits of channel.head. */
#define READER UINT64_C(1)
#define READERS ((UINT64_C(1) << SLOT_SHIFT) - 1)

#define NS_PER_MS UINT64_C(1000000)

static struct sampling_slot *slot_at(const struct channel *channel, uint64_t number)
{
	return (struct sampling_slot *)(void *)(channel->slots + number * channel->slot_size);
}

static uint32_t readers_of(const struct channel *channel)
{
	uint64_t readers = 0;
	uint32_t count = 0;

	for (uint32_t i = 0; i < channel->destination_count; i++)
		readers |= channel->destinations[i]->partition->cpus;
	for (; readers != 0; readers &= readers - 1)
		count++;
	return count;
}

void sampling_shape(struct channel *channel)
{
	channel->slot_count = readers_of(channel) + 2;
	channel->slot_size = sizeof(struct sampling_slot) +
			     ((channel->config->max_message + UINT64_C(7)) & ~UINT64_C(7));
}

void sampling_init(struct channel *channel)
{
	channel->head = NO_SLOT << SLOT_SHIFT;
	for (uint32_t i = 0; i < channel->slot_count; i++)
		*slot_at(channel, i) = (struct sampling_slot){0};
}

bool sampling_written(const struct channel *channel)
{
	return __atomic_load_n(&channel->head, __ATOMIC_SEQ_CST) >> SLOT_SHIFT != NO_SLOT;
}

/* ---- write; port.lock is held ---- */

static uint64_t free_slot(const struct channel *channel)
{
	uint64_t latest = __atomic_load_n(&channel->head, __ATOMIC_SEQ_CST) >> SLOT_SHIFT;
	uint64_t number = 0;

	for (; number < channel->slot_count; number++) {
		const struct sampling_slot *slot = slot_at(channel, number);

		if (number != latest &&
		    __atomic_load_n(&slot->finished, __ATOMIC_ACQUIRE) == slot->begun)
			break;
	}
	KASSERT(number < channel->slot_count);
	return number;
}

static void publish(struct channel *channel, uint64_t number)
{
	uint64_t old = __atomic_exchange_n(&channel->head, number << SLOT_SHIFT, __ATOMIC_SEQ_CST);

	if (old >> SLOT_SHIFT != NO_SLOT)
		slot_at(channel, old >> SLOT_SHIFT)->begun += old & READERS;
}

hv_status_t sampling_write(struct port *port, uint64_t message, uint64_t size)
{
	struct channel *channel = port->channel;
	struct sampling_slot *slot;
	uint64_t number;
	bool copied;

	host_lock(&port->lock);
	number = free_slot(channel);
	slot = slot_at(channel, number);
	copied = user_read(slot->bytes, message, size);
	if (copied) {
		slot->size = size;
		slot->tsc = host_tsc();
		publish(channel, number);
	}
	host_unlock(&port->lock);
	if (!copied)
		return HV_E_FAULT;
	for (uint32_t i = 0; i < channel->destination_count; i++)
		port_look(channel->destinations[i]);
	return HV_OK;
}

/* ---- read ---- */

/* Clocks of two CPUs may differ by a little. */
static uint64_t age_of(const struct sampling_slot *slot)
{
	uint64_t now = host_tsc();

	return now > slot->tsc ? now - slot->tsc : 0;
}

static uint64_t to_ns(uint64_t ticks)
{
	return ticks / clock_tsc_khz * NS_PER_MS + ticks % clock_tsc_khz * NS_PER_MS / clock_tsc_khz;
}

static hv_status_t read_slot(struct port *port, const struct sampling_slot *slot, uint64_t message,
			     uint64_t room, struct hypike_sample *sample)
{
	uint64_t age = age_of(slot);

	if (slot->size > room)
		return HV_E_RANGE;
	if (!user_write(message, slot->bytes, slot->size))
		return HV_E_FAULT;
	port->valid = age <= port->refresh;
	*sample = (struct hypike_sample){
		.size = (uint32_t)slot->size,
		.valid = port->valid,
		.age = to_ns(age),
	};
	return HV_OK;
}

hv_status_t sampling_read(struct port *port, uint64_t message, uint64_t room,
			  struct hypike_sample *sample)
{
	struct channel *channel = port->channel;
	uint64_t number =
		__atomic_fetch_add(&channel->head, READER, __ATOMIC_SEQ_CST) >> SLOT_SHIFT;
	struct sampling_slot *slot;
	hv_status_t status;

	if (number == NO_SLOT)
		return HV_E_STATE;
	slot = slot_at(channel, number);
	status = read_slot(port, slot, message, room, sample);
	__atomic_fetch_add(&slot->finished, 1, __ATOMIC_RELEASE);
	return status;
}
