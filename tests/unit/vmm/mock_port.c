/* SPDX-License-Identifier: BSD-2-Clause */
/* The platform's ports: a queuing and a sampling channel from the partition to itself. */
#include "tests/unit/vmm/mock_port.h"

#include <string.h>

#include "vmm/platform.h"

static const struct {
	const char *name;
	uint32_t kind, direction;
} ports[MOCK_PORTS] = {
	[MOCK_Q_OUT] = {"q.out", PV_PORT_QUEUING, PV_PORT_SOURCE},
	[MOCK_Q_IN] = {"q.in", PV_PORT_QUEUING, PV_PORT_DESTINATION},
	[MOCK_S_OUT] = {"s.out", PV_PORT_SAMPLING, PV_PORT_SOURCE},
	[MOCK_S_IN] = {"s.in", PV_PORT_SAMPLING, PV_PORT_DESTINATION},
};

struct message {
	uint64_t size;
	uint8_t bytes[MOCK_MESSAGE];
};

static struct message queue[MOCK_DEPTH], sample;
static uint32_t queued;
int mock_port_signal[MOCK_PORTS];

void mock_port_reset(void)
{
	queued = 0;
	sample.size = 0;
	memset(mock_port_signal, -1, sizeof(mock_port_signal));
}

hv_status_t platform_port_open(const char name[PV_NAME_SIZE], struct pv_port_info *info)
{
	memset(info, 0, sizeof(*info));
	for (uint32_t i = 0; i < MOCK_PORTS; i++) {
		if (strncmp(ports[i].name, name, PV_NAME_SIZE) != 0)
			continue;
		*info = (struct pv_port_info){.port = i,
					      .kind = ports[i].kind,
					      .direction = ports[i].direction,
					      .max_message = MOCK_MESSAGE,
					      .depth = MOCK_DEPTH};
		return HV_OK;
	}
	return HV_E_NOENT;
}

static hv_status_t check(uint32_t port, uint32_t wanted)
{
	if (port >= MOCK_PORTS)
		return HV_E_NOENT;
	if (ports[port].kind != ports[wanted].kind)
		return HV_E_INVALID;
	return port == wanted ? HV_OK : HV_E_DENIED;
}

static hv_status_t take(struct message *to, const void *from, uint64_t size)
{
	if (size == 0 || size > MOCK_MESSAGE)
		return HV_E_INVALID;
	memcpy(to->bytes, from, size);
	to->size = size;
	return HV_OK;
}

hv_status_t platform_port_status(uint32_t port, struct pv_port_status *status)
{
	memset(status, 0, sizeof(*status));
	status->messages = port <= MOCK_Q_IN ? queued : sample.size != 0;
	return port < MOCK_PORTS ? HV_OK : HV_E_NOENT;
}

hv_status_t platform_port_bind(uint32_t port, uint8_t signal)
{
	if (port >= MOCK_PORTS)
		return HV_E_NOENT;
	mock_port_signal[port] = signal;
	return HV_OK;
}

hv_status_t platform_sampling_write(uint32_t port, const void *message, uint64_t size)
{
	hv_status_t status = check(port, MOCK_S_OUT);

	return status == HV_OK ? take(&sample, message, size) : status;
}

hv_status_t platform_sampling_read(uint32_t port, void *message, uint64_t room,
				   struct pv_sample *result)
{
	hv_status_t status = check(port, MOCK_S_IN);

	if (status != HV_OK)
		return status;
	if (sample.size == 0)
		return HV_E_STATE;
	if (room < sample.size)
		return HV_E_RANGE;
	memcpy(message, sample.bytes, sample.size);
	*result = (struct pv_sample){.size = (uint32_t)sample.size, .valid = 1, .age = 5};
	return HV_OK;
}

hv_status_t platform_queuing_send(uint32_t port, const void *message, uint64_t size)
{
	hv_status_t status = check(port, MOCK_Q_OUT);

	if (status == HV_OK && queued == MOCK_DEPTH)
		return HV_E_FULL;
	if (status == HV_OK)
		status = take(&queue[queued], message, size);
	queued += status == HV_OK;
	return status;
}

int64_t platform_queuing_receive(uint32_t port, void *message, uint64_t room)
{
	hv_status_t status = check(port, MOCK_Q_IN);
	uint64_t size = queue[0].size;

	if (status != HV_OK)
		return status;
	if (queued == 0)
		return HV_E_STATE;
	if (room < size)
		return HV_E_RANGE;
	memcpy(message, queue[0].bytes, size);
	queued--;
	memmove(queue, queue + 1, queued * sizeof(queue[0]));
	return (int64_t)size;
}

hv_status_t platform_queuing_clear(uint32_t port)
{
	hv_status_t status = check(port, MOCK_Q_IN);

	if (status == HV_OK)
		queued = 0;
	return status;
}

/* ---- what the ports' hypercalls ask of the hypervisor ---- */

hv_status_t hv_unmap(hv_vm_t vm, gpa_t where, uint64_t size)
{
	(void)vm;
	return where.raw % HV_PAGE_SIZE == 0 && size != 0 ? HV_OK : HV_E_INVALID;
}
