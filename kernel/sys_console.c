/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls about channels: the console and other streams. Each moves a bounded piece; libhypike repeats them.
 */
#include "kernel/health.h"
#include "kernel/partition.h"
#include "kernel/syscall.h"
#include "kernel/user.h"

#define PIECE	     16u /* interrupts are off meanwhile */
#define ROOM_WAIT_MS 1u /* until a full console is tried again */

/* @return the caller's channel; NULL: `*why` */
static struct console_port *channel_find(uint64_t channel, int64_t *why)
{
	struct partition *partition = partition_self();

	if (channel >= HYPIKE_CHANNELS) {
		*why = HV_E_NOENT;
		return NULL;
	}
	if (channel == HYPIKE_CHANNEL_LINK &&
	    (partition->config->flags & SYSTEM_PARTITION_LINK) == 0) {
		*why = health_denied();
		return NULL;
	}
	return &partition->channel[channel];
}

int64_t sys_channel_write(uint64_t channel, uint64_t bytes, uint64_t size)
{
	int64_t why;
	struct console_port *port = channel_find(channel, &why);
	char piece[PIECE];
	size_t count = size < PIECE ? size : PIECE, done = 0;

	if (port == NULL)
		return why;
	if (!user_read(piece, bytes, count))
		return HV_E_FAULT;
	while (count != 0 && done == 0) {
		done = console_write(port, piece, count);
		if (done == 0)
			thread_park(host_tsc() + host_tsc_khz() * ROOM_WAIT_MS);
	}
	return (int64_t)done;
}

int64_t sys_channel_read(uint64_t channel, uint64_t bytes, uint64_t size)
{
	int64_t why;
	struct console_port *port = channel_find(channel, &why);
	char piece[PIECE];
	size_t count = size < PIECE ? size : PIECE;

	if (port == NULL)
		return why;
	/* Keys must not be lost to a bad address: try it first. */
	if (!user_read(piece, bytes, count) || !user_write(bytes, piece, count))
		return HV_E_FAULT;
	count = console_read(port, piece, count);
	user_write(bytes, piece, count);
	return (int64_t)count;
}

int64_t sys_channel_bind(uint64_t channel, uint64_t index, uint64_t bits)
{
	const struct partition *partition = partition_self();
	int64_t why;
	struct console_port *port = channel_find(channel, &why);

	if (port == NULL)
		return why;
	if (index >= partition->thread_limit ||
	    partition->threads[index].state == THREAD_FREE)
		return HV_E_NOENT;
	console_bind(port, &partition->threads[index], bits);
	return HV_OK;
}
