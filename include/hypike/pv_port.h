/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file pv_port.h
 * Ports and shared memory for guests (pv.h), the same on every architecture: pv_call() is the
 * transport's. Addresses are guest-physical.
 *
 *     struct pv pv;
 *     if (pv_init(&pv) && pv_port_open(&pv, "in", &scratch, scratch_address, &info) == HV_OK) ...
 *
 * An interrupt that is bound to a port is an edge: it says that something came. Take messages until
 * there are none before halting again.
 */
#ifndef HYPIKE_PV_PORT_H
#define HYPIKE_PV_PORT_H

#include <hypike/pv.h>

#if defined(__x86_64__) || defined(__i386__)
#include <hypike/pv_x86.h>
#else
#error "no transport for this architecture"
#endif

/** Memory that a call needs for its arguments: not on a stack whose physical address isn't known. */
struct pv_scratch {
	char name[PV_NAME_SIZE];
	union {
		struct pv_port_info info;
		struct pv_port_status status;
		struct pv_sample sample;
		struct pv_shared shared;
	} result;
};

#define PV_SCRATCH_RESULT(address) ((address) + offsetof(struct pv_scratch, result))

/** Put a name where the host reads it. @return false where it is too long */
static inline bool pv_name(struct pv_scratch *scratch, const char *name)
{
	unsigned int i = 0;

	for (; i < PV_NAME_SIZE && name[i] != '\0'; i++)
		scratch->name[i] = name[i];
	if (i == PV_NAME_SIZE)
		return false;
	for (; i < PV_NAME_SIZE; i++)
		scratch->name[i] = '\0';
	return true;
}

/** Find a port. @param at  where `scratch` is, guest-physical */
static inline int64_t pv_port_open(const struct pv *pv, const char *name, struct pv_scratch *scratch,
				   uint64_t at, struct pv_port_info *info)
{
	int64_t status = HV_E_NOENT;

	if (pv_name(scratch, name))
		status = pv_call(pv, PV_CALL_PORT_OPEN, at, PV_SCRATCH_RESULT(at), 0, 0);
	*info = scratch->result.info;
	return status;
}

static inline int64_t pv_port_status(const struct pv *pv, uint32_t port, struct pv_scratch *scratch,
				     uint64_t at, struct pv_port_status *result)
{
	int64_t status = pv_call(pv, PV_CALL_PORT_STATUS, port, PV_SCRATCH_RESULT(at), 0, 0);

	*result = scratch->result.status;
	return status;
}

/** Raise `vector` in the calling vCPU when a message comes (a source: when one was taken); 0: don't. */
static inline int64_t pv_port_bind(const struct pv *pv, uint32_t port, uint8_t vector)
{
	return pv_call(pv, PV_CALL_PORT_BIND, port, vector, 0, 0);
}

static inline int64_t pv_sampling_write(const struct pv *pv, uint32_t port, uint64_t message,
					uint64_t size)
{
	return pv_call(pv, PV_CALL_SAMPLING_WRITE, port, message, size, 0);
}

static inline int64_t pv_sampling_read(const struct pv *pv, uint32_t port, uint64_t message,
				       uint64_t room, struct pv_scratch *scratch, uint64_t at,
				       struct pv_sample *sample)
{
	int64_t status = pv_call(pv, PV_CALL_SAMPLING_READ, port, message, room,
				 PV_SCRATCH_RESULT(at));

	*sample = scratch->result.sample;
	return status;
}

/** HV_E_FULL where a destination has no room. */
static inline int64_t pv_queuing_send(const struct pv *pv, uint32_t port, uint64_t message,
				      uint64_t size)
{
	return pv_call(pv, PV_CALL_QUEUING_SEND, port, message, size, 0);
}

/** @return the message's size, or HV_E_STATE where there is none. */
static inline int64_t pv_queuing_receive(const struct pv *pv, uint32_t port, uint64_t message,
					 uint64_t room)
{
	return pv_call(pv, PV_CALL_QUEUING_RECEIVE, port, message, room, 0);
}

static inline int64_t pv_queuing_clear(const struct pv *pv, uint32_t port)
{
	return pv_call(pv, PV_CALL_QUEUING_CLEAR, port, 0, 0, 0);
}

/** Map a region that the partition may write, where the guest has nothing else; once. */
static inline int64_t pv_shared_map(const struct pv *pv, const char *name, uint64_t where,
				    struct pv_scratch *scratch, uint64_t at,
				    struct pv_shared *shared)
{
	int64_t status = HV_E_NOENT;

	if (pv_name(scratch, name))
		status = pv_call(pv, PV_CALL_SHARED_MAP, at, where, PV_SCRATCH_RESULT(at), 0);
	*shared = scratch->result.shared;
	return status;
}

/** Tell the other partitions that have the region. */
static inline int64_t pv_shared_notify(const struct pv *pv, uint32_t region)
{
	return pv_call(pv, PV_CALL_SHARED_NOTIFY, region, 0, 0, 0);
}

/** Raise `vector` in the calling vCPU when another partition does; 0: don't. */
static inline int64_t pv_shared_bind(const struct pv *pv, uint32_t region, uint8_t vector)
{
	return pv_call(pv, PV_CALL_SHARED_BIND, region, vector, 0, 0);
}

#endif
