/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting at queuing ports, the same for both directions: a destination waits for messages, a source for
 * room. Messages (or room) that are there beyond what `granted` waiters were promised go to waiters
 * first; who comes later finds `queued` threads before it.
 *
 * A waiter enters the list, then looks whether there is something; the other side makes something,
 * then looks into the list: one of the two sees the other.
 */
#include "kernel/cpu.h"
#include "kernel/port.h"

/* Promise what is there to the first waiters. wait_lock is held. */
static void grant(struct port *port)
{
	while (port->waiting != 0 && port_available(port) > port->granted) {
		struct port_waiter *waiter =
			list_entry(port->waiters.next, struct port_waiter, node);

		list_remove(&waiter->node);
		port->waiting--;
		port->granted++;
		__atomic_store_n(&waiter->granted, true, __ATOMIC_SEQ_CST);
		thread_unpark(waiter->thread);
	}
}

void port_attend(struct port *port)
{
	host_lock(&port->wait_lock);
	grant(port);
	if (port->bound != NULL)
		thread_notify(port->bound, port->bits);
	host_unlock(&port->wait_lock);
}

/* ---- in and out of the list; port.lock is held ---- */

/* Before which node a thread waits: the first of lower priority, or the end. */
static struct list *place_for(struct port *port, const struct thread *thread, uint32_t discipline)
{
	struct list *at = port->waiters.next;

	if (discipline == HYPIKE_FIFO)
		return &port->waiters;
	while (at != &port->waiters &&
	       list_entry(at, struct port_waiter, node)->thread->priority >= thread->priority)
		at = at->next;
	return at;
}

static void enter(struct port *port, struct port_waiter *waiter, uint32_t discipline)
{
	port->queued++;
	waiter->port = port;
	waiter->thread = cpu_self()->current;
	waiter->granted = false;
	host_lock(&port->wait_lock);
	list_append(place_for(port, waiter->thread, discipline), &waiter->node);
	__atomic_store_n(&port->waiting, port->waiting + 1, __ATOMIC_SEQ_CST);
	grant(port);
	host_unlock(&port->wait_lock);
}

/* The waiter wants nothing any more. */
static void leave(struct port *port, struct port_waiter *waiter)
{
	host_lock(&port->wait_lock);
	if (waiter->granted) {
		port->granted--;
		grant(port);
	} else {
		list_remove(&waiter->node);
		port->waiting--;
	}
	host_unlock(&port->wait_lock);
	port->queued--;
	waiter->port = NULL;
}

static void use(struct port *port, struct port_waiter *waiter)
{
	host_lock(&port->wait_lock);
	port_advance(port);
	port->granted--;
	host_unlock(&port->wait_lock);
	port->queued--;
	waiter->port = NULL;
}

/* ---- for the two directions ---- */

static bool is_granted(const struct port_waiter *waiter)
{
	return __atomic_load_n(&waiter->granted, __ATOMIC_SEQ_CST);
}

static hv_status_t wait(struct port *port, struct port_waiter *waiter, uint64_t deadline)
{
	host_unlock(&port->lock);
	while (!is_granted(waiter) && host_tsc() < deadline)
		thread_park(deadline);
	host_lock(&port->lock);
	if (is_granted(waiter))
		return HV_OK;
	/* Granted meanwhile: then the next gets it. */
	leave(port, waiter);
	host_unlock(&port->lock);
	return HV_E_TIMEOUT;
}

hv_status_t port_wait(struct port *port, uint64_t deadline, uint32_t discipline,
		      struct port_waiter **waiter)
{
	if (deadline <= host_tsc()) {
		host_unlock(&port->lock);
		return HV_E_STATE;
	}
	*waiter = port_waiter_of(cpu_self()->current);
	enter(port, *waiter, discipline);
	return wait(port, *waiter, deadline);
}

void port_complete(struct port *port, struct port_waiter *waiter, bool used)
{
	if (used)
		use(port, waiter);
	else
		leave(port, waiter);
}

void port_waiter_drop(struct port_waiter *waiter)
{
	struct port *port = waiter->port;

	if (port == NULL)
		return;
	host_lock(&port->lock);
	leave(port, waiter);
	host_unlock(&port->lock);
}
