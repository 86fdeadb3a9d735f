/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls about the console and the debugger's stream. Each moves a bounded piece; libhypike repeats them.
 */
#include "kernel/partition.h"
#include "kernel/syscall.h"
#include "kernel/user.h"

#define PIECE	     16u /* interrupts are off meanwhile */
#define ROOM_WAIT_MS 1u /* until a full console is tried again */

static int64_t port_write(struct console_port *port, uint64_t text, uint64_t size)
{
	char piece[PIECE];
	size_t count = size < PIECE ? size : PIECE, done = 0;

	if (!user_read(piece, text, count))
		return HV_E_FAULT;
	while (count != 0 && done == 0) {
		done = console_write(port, piece, count);
		if (done == 0)
			thread_park(host_tsc() + host_tsc_khz() * ROOM_WAIT_MS);
	}
	return (int64_t)done;
}

static int64_t port_read(struct console_port *port, uint64_t text, uint64_t size)
{
	char piece[PIECE];
	size_t count = size < PIECE ? size : PIECE;

	/* Keys must not be lost to a bad address: try it first. */
	if (!user_read(piece, text, count) || !user_write(text, piece, count))
		return HV_E_FAULT;
	count = console_read(port, piece, count);
	user_write(text, piece, count);
	return (int64_t)count;
}

static int64_t port_bind(struct console_port *port, uint64_t index, uint64_t bits)
{
	const struct partition *partition = partition_self();

	if (index >= partition->thread_limit ||
	    partition->threads[index].state == THREAD_FREE)
		return HV_E_NOENT;
	console_bind(port, &partition->threads[index], bits);
	return HV_OK;
}

int64_t sys_console_write(uint64_t text, uint64_t size)
{
	return port_write(&partition_self()->console, text, size);
}

int64_t sys_console_read(uint64_t text, uint64_t size)
{
	return port_read(&partition_self()->console, text, size);
}

int64_t sys_console_bind(uint64_t index, uint64_t bits)
{
	return port_bind(&partition_self()->console, index, bits);
}

int64_t sys_debug_write(uint64_t bytes, uint64_t size)
{
	return port_write(&partition_self()->debug, bytes, size);
}

int64_t sys_debug_read(uint64_t bytes, uint64_t size)
{
	return port_read(&partition_self()->debug, bytes, size);
}

int64_t sys_debug_bind(uint64_t index, uint64_t bits)
{
	return port_bind(&partition_self()->debug, index, bits);
}
