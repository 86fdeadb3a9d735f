/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/health_notify.h"

#include "kernel/clock.h"
#include "kernel/partition.h"
#include "lib/string.h"

static bool takes(const struct partition *partition, const struct health_event *event)
{
	const struct health_faults *faults = &partition->faults;

	return partition->state == PARTITION_RUNNING && faults->handler != NULL &&
	       faults->handler->state != THREAD_FREE && faults->handler->index != event->thread &&
	       faults->head - faults->tail < HEALTH_FAULTS;
}

static void put(struct health_faults *faults, const struct health_event *event)
{
	struct hypike_fault *fault = &faults->fault[faults->head++ % HEALTH_FAULTS];

	*fault = (struct hypike_fault){
		.error = event->error,
		.thread = event->thread,
		.address = event->address,
		.time = clock_ns_of(host_tsc()),
		.size = event->size < HYPIKE_MESSAGE_MAX ? event->size : HYPIKE_MESSAGE_MAX,
	};
	if (fault->size != 0)
		memcpy(fault->message, event->message, fault->size);
}

bool health_notify(struct partition *partition, const struct health_event *event)
{
	struct health_faults *faults = &partition->faults;
	struct thread *handler = NULL;
	uint64_t bits = 0;

	host_lock(&partition->lock);
	if (takes(partition, event)) {
		put(faults, event);
		handler = faults->handler;
		bits = faults->bits;
	}
	host_unlock(&partition->lock);
	if (handler != NULL)
		thread_notify(handler, bits);
	return handler != NULL;
}

void health_bind(struct partition *partition, struct thread *thread, uint64_t bits)
{
	host_lock(&partition->lock);
	partition->faults.handler = thread;
	partition->faults.bits = bits;
	if (thread == NULL)
		partition->faults.head = partition->faults.tail = 0;
	host_unlock(&partition->lock);
}

bool health_take(struct partition *partition, struct hypike_fault *fault)
{
	struct health_faults *faults = &partition->faults;
	bool there;

	host_lock(&partition->lock);
	there = faults->head != faults->tail;
	if (there)
		*fault = faults->fault[faults->tail++ % HEALTH_FAULTS];
	host_unlock(&partition->lock);
	return there;
}
