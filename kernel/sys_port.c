/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls about ports. A number that isn't a port of the caller's partition is HV_E_NOENT, a port of
 * the other direction HV_E_DENIED, one of the other kind HV_E_INVALID.
 */
#include "kernel/cpu.h"
#include "kernel/partition.h"
#include "kernel/port.h"
#include "kernel/syscall.h"
#include "kernel/trace.h"
#include "kernel/user.h"

static hv_status_t port_for(uint64_t number, uint32_t kind, uint32_t direction, struct port **port)
{
	*port = port_find(partition_self(), number);
	if (*port == NULL)
		return HV_E_NOENT;
	if ((*port)->channel->config->kind != kind)
		return HV_E_INVALID;
	return (*port)->config->direction == direction ? HV_OK : HV_E_DENIED;
}

static bool size_ok(const struct port *port, uint64_t size)
{
	return size != 0 && size <= port->channel->config->max_message;
}

/* What happened at the port goes into the trace, too. */
static int64_t traced(uint32_t event, const struct port *port, int64_t result, uint64_t size)
{
	trace(result >= 0 ? event : TRACE_PORT_REFUSED, port->partition->index, port->index,
	      result >= 0 ? (uint32_t)size : 0);
	return result;
}

/* ---- opening, state ---- */

int64_t sys_port_open(uint64_t name, uint64_t result)
{
	const struct partition *partition = partition_self();
	char wanted[SYSTEM_NAME_SIZE];
	struct hypike_port_info info;
	const struct port *port;
	int64_t number;

	if (!user_read(wanted, name, sizeof(wanted)))
		return HV_E_FAULT;
	number = port_number(partition, wanted);
	if (number < 0)
		return number;
	port = port_find(partition, (uint64_t)number);
	info = (struct hypike_port_info){
		.port = (uint32_t)number,
		.kind = port->channel->config->kind,
		.direction = port->config->direction,
		.max_message = port->channel->config->max_message,
		.depth = port_is_queuing(port) ? queuing_depth(port) : 0,
		.refresh = port->config->refresh,
	};
	return user_write(result, &info, sizeof(info)) ? HV_OK : HV_E_FAULT;
}

static uint32_t refused_at(const struct port *port)
{
	const struct port *source = port->channel->source;

	return source != NULL ? __atomic_load_n(&source->refused, __ATOMIC_RELAXED) : 0;
}

int64_t sys_port_status(uint64_t number, uint64_t result)
{
	const struct port *port = port_find(partition_self(), number);
	struct hypike_port_status status;

	if (port == NULL)
		return HV_E_NOENT;
	status = (struct hypike_port_status){
		.messages = port_is_queuing(port) ? (uint32_t)queuing_count(port)
						  : sampling_written(port->channel),
		.waiting = __atomic_load_n(&port->waiting, __ATOMIC_SEQ_CST),
		.valid = port->valid,
		.overflows = refused_at(port),
	};
	return user_write(result, &status, sizeof(status)) ? HV_OK : HV_E_FAULT;
}

int64_t sys_port_bind(uint64_t number, uint64_t thread, uint64_t bits)
{
	struct partition *partition = partition_self();
	struct port *port = port_find(partition, number);

	if (port == NULL || thread >= partition->thread_limit ||
	    partition->threads[thread].state == THREAD_FREE)
		return HV_E_NOENT;
	port_bind(port, bits != 0 ? &partition->threads[thread] : NULL, bits);
	return HV_OK;
}

/* ---- sampling ---- */

int64_t sys_sampling_write(uint64_t number, uint64_t message, uint64_t size)
{
	struct port *port;
	hv_status_t status = port_for(number, SYSTEM_CHANNEL_SAMPLING, SYSTEM_PORT_SOURCE, &port);

	if (status != HV_OK)
		return status;
	if (!size_ok(port, size))
		return HV_E_INVALID;
	return traced(TRACE_PORT_WRITE, port, sampling_write(port, message, size), size);
}

int64_t sys_sampling_read(uint64_t number, uint64_t message, uint64_t room, uint64_t result)
{
	struct port *port;
	struct hypike_sample sample = {0};
	hv_status_t status =
		port_for(number, SYSTEM_CHANNEL_SAMPLING, SYSTEM_PORT_DESTINATION, &port);

	if (status != HV_OK)
		return status;
	status = sampling_read(port, message, room, &sample);
	traced(TRACE_PORT_READ, port, status, sample.size);
	if (status == HV_OK && !user_write(result, &sample, sizeof(sample)))
		status = HV_E_FAULT;
	return status;
}

/* ---- queuing ---- */

int64_t sys_queuing_send(uint64_t number, uint64_t message, uint64_t size, uint64_t deadline,
			 uint64_t discipline)
{
	struct port *port;
	hv_status_t status = port_for(number, SYSTEM_CHANNEL_QUEUING, SYSTEM_PORT_SOURCE, &port);

	if (status != HV_OK)
		return status;
	if (!size_ok(port, size) || discipline > HYPIKE_PRIORITY)
		return HV_E_INVALID;
	status = queuing_send(port, message, size, deadline, (uint32_t)discipline);
	return traced(TRACE_PORT_WRITE, port, status, size);
}

int64_t sys_queuing_receive(uint64_t number, uint64_t message, uint64_t room, uint64_t deadline,
			    uint64_t discipline)
{
	struct port *port;
	int64_t result = port_for(number, SYSTEM_CHANNEL_QUEUING, SYSTEM_PORT_DESTINATION, &port);

	if (result != HV_OK)
		return result;
	if (discipline > HYPIKE_PRIORITY)
		return HV_E_INVALID;
	result = queuing_receive(port, message, room, deadline, (uint32_t)discipline);
	return traced(TRACE_PORT_READ, port, result, (uint64_t)result);
}

int64_t sys_queuing_clear(uint64_t number)
{
	struct port *port;
	hv_status_t status =
		port_for(number, SYSTEM_CHANNEL_QUEUING, SYSTEM_PORT_DESTINATION, &port);

	if (status == HV_OK)
		queuing_clear(port);
	return status;
}
