/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file port.h
 * Channels and ports (ARINC 653 part 1, 3.6): messages between partitions.
 *
 * A channel keeps each message once, however many destinations it has: a sampling channel its latest, a
 * queuing channel a ring in which every destination has a place of its own. So a send or a receive
 * copies one message, at most SYSTEM_MAX_MESSAGE bytes, with interrupts off. What partitions share
 * is read and written atomically; a lock of one partition is never held over a copy where another
 * partition would wait for it:
 *
 * - port.lock is for threads of its own partition alone, and held while one copies;
 * - port.wait_lock is taken by the other side too, for a few list operations.
 *
 * Lock order: port.lock, port.wait_lock, a CPU's scheduler.
 *
 * @req KRN-210 A partition reaches the ports that its configuration gives it, in their direction, and
 *              no other; messages go where their channel says and nowhere else.
 * @req KRN-211 No partition can hold up another by what it does with a port: a copy is of one message,
 *              and no lock is held over it for which another partition waits.
 */
#ifndef KERNEL_PORT_H
#define KERNEL_PORT_H

#include <hypike/sys.h>

#include "kernel/list.h"
#include "kernel/sched.h"
#include "lib/system_image.h"

struct partition;
struct port;

/** A channel, with its source and its destinations. */
struct channel {
	const struct system_channel *config;
	struct port *source; /**< NULL: nobody writes */
	struct port **destinations;
	uint32_t destination_count;
	uint32_t slot_count;
	uint64_t slot_size; /**< distance of two slots, in bytes */
	uint8_t *slots;	    /**< messages; what a slot is, is the kind's business */
	/** Queuing: messages sent. Sampling: the latest message's slot and who reads it. Atomic. */
	uint64_t head;
};

/** A thread that waits at a port; each thread has one. */
struct port_waiter {
	struct list node;
	struct thread *thread; /**< that waits */
	struct port *port;     /**< NULL: it doesn't wait. Written by its partition under port.lock */
	bool granted;	       /**< what it waits for is its own; under port.wait_lock */
};

/** A port of a partition. */
struct port {
	const struct system_port *config;
	struct channel *channel;
	struct partition *partition;
	uint32_t index;	       /**< in the image's table */
	struct host_lock lock; /**< among the partition's threads */
	uint32_t slot;	       /**< queuing: of the next message here */
	uint64_t number;       /**< queuing destination: messages taken; atomic */
	uint32_t queued;       /**< threads that wait or have been granted; under lock */
	uint32_t refused;      /**< queuing source: messages without room; atomic */
	uint64_t refresh;      /**< sampling destination: ticks that a message stays valid */
	uint32_t valid;	       /**< sampling destination: the last one read was */
	/* What the other side touches. */
	struct host_lock wait_lock;
	uint32_t waiting;     /**< length of `waiters`; written under wait_lock */
	uint32_t granted;     /**< waiters that were promised a message or room; under wait_lock */
	struct list waiters;  /**< in the order in which they are served */
	struct thread *bound; /**< to be notified; NULL: nobody. Written under wait_lock */
	uint64_t bits;
};

/**
 * Make all channels and ports of a checked image. Boot only, when the partitions exist. Refuses the
 * system with the channel's name where there is too little memory.
 */
void ports_create(const struct system_image *image);
/**
 * Put a partition's ports in their first state, when none of its threads is left: its queues are empty,
 * nobody is bound. What it has sent stays with its partners.
 */
void ports_reset_partition(const struct partition *partition);
/** A thread has ended: it waits no more, and what it was granted goes to the next. */
void port_thread_gone(const struct thread *thread);

/** @return the port of that number of a partition, or NULL. */
struct port *port_find(const struct partition *partition, uint64_t number);
/** @return the number of the partition's port of that name (padded with NUL), or a negative status. */
int64_t port_number(const struct partition *partition, const char name[SYSTEM_NAME_SIZE]);

/** Notify a thread of the partition when a message comes (source: when one was taken); NULL: nobody. */
void port_bind(struct port *port, struct thread *thread, uint64_t bits);

static inline bool port_is_source(const struct port *port)
{
	return port->config->direction == SYSTEM_PORT_SOURCE;
}

static inline bool port_is_queuing(const struct port *port)
{
	return port->channel->config->kind == SYSTEM_CHANNEL_QUEUING;
}

/* ---- sampling (port_sampling.c) ---- */

/** Bytes and number of a sampling channel's slots, which are then made. */
void sampling_shape(struct channel *channel);
void sampling_init(struct channel *channel);
/** Replace the channel's message by `size` bytes of ring 3's memory. */
hv_status_t sampling_write(struct port *port, uint64_t message, uint64_t size);
/** Copy the channel's message to ring 3's memory, which has `room`. */
hv_status_t sampling_read(struct port *port, uint64_t message, uint64_t room,
			  struct hypike_sample *sample);
bool sampling_written(const struct channel *channel);

/* ---- queuing (port_queuing.c) ---- */

void queuing_shape(struct channel *channel);
/** Send, waiting until the deadline (TSC) for room in all destinations. */
hv_status_t queuing_send(struct port *port, uint64_t message, uint64_t size, uint64_t deadline,
			 uint32_t discipline);
/** Receive. @return the message's size, or a negative status */
int64_t queuing_receive(struct port *port, uint64_t message, uint64_t room, uint64_t deadline,
			uint32_t discipline);
/** Drop all messages of a destination that nobody was promised. */
void queuing_clear(struct port *port);
/** Messages in a destination's queue; of a source, in the fullest. */
uint64_t queuing_count(const struct port *port);
/** Messages that fit: of a source, in the smallest queue. */
uint32_t queuing_depth(const struct port *port);

/* ---- waiting (port_wait.c) ---- */

/**
 * Wait until the deadline (TSC) for the right to send or receive one message. A port serves its waiters
 * one after the other, so nobody overtakes them. port.lock is held.
 * @param[out] waiter  to whom the right was granted, for port_complete()
 * @return HV_OK with port.lock held; without it HV_E_STATE where the caller may not wait, or HV_E_TIMEOUT
 *
 * @req KRN-212 Threads that wait at a port are served in the order that they asked for, by arrival or by
 *              priority; a deadline ends the wait, never early; no message and no wake-up is lost.
 */
hv_status_t port_wait(struct port *port, uint64_t deadline, uint32_t discipline,
		      struct port_waiter **waiter);
/**
 * One who waited has sent or received a message (`used`), or not after all: then the next waiter gets
 * the right. port.lock is held.
 */
void port_complete(struct port *port, struct port_waiter *waiter, bool used);
/** Serve those who wait or are bound at a port where something may be new. From any CPU. */
void port_attend(struct port *port);
/** Something is new at a port: is anybody there to be told? */
static inline void port_look(struct port *port)
{
	if (__atomic_load_n(&port->waiting, __ATOMIC_SEQ_CST) != 0 ||
	    __atomic_load_n(&port->bound, __ATOMIC_SEQ_CST) != NULL)
		port_attend(port);
}
/** What a queuing port could do now: messages to take, or room in all destinations. */
uint64_t port_available(const struct port *port);
/** One message on: the port's next slot and number. */
void port_advance(struct port *port);
/** The record of a thread. */
struct port_waiter *port_waiter_of(const struct thread *thread);
/** Take a thread out of the queue that it may be in. */
void port_waiter_drop(struct port_waiter *waiter);

#endif
