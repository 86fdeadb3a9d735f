/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file trace.h
 * What the kernel records, and the stream in which it leaves the machine.
 *
 * Each CPU has a ring of records, always on; the newest overwrite the oldest. The kernel writes the
 * rings to the trace channel (a second serial line, COM2; or what a partition with
 * SYSTEM_PARTITION_MAY_CONTROL reads by hypike_trace_read()) in idle time and when the machine ends.
 *
 * The stream, little-endian: struct trace_stream, then partition names and plan names, 32 bytes each,
 * then any number of blocks: struct trace_block and its records. A reader finds the next block by
 * its magic where bytes were lost.
 */
#ifndef HYPIKE_TRACE_H
#define HYPIKE_TRACE_H

#include <stdint.h>

#define TRACE_STREAM_MAGIC "HyPikeTr"
#define TRACE_BLOCK_MAGIC  UINT32_C(0x6b6c4254) /* "TBlk" */
#define TRACE_VERSION	   1u
#define TRACE_BLOCK_RECORDS 256u /**< of a block, at the most */
#define TRACE_NO_PARTITION 0xffffu /**< the kernel itself, or idle */

enum trace_event {
	TRACE_NONE,	    /**< an empty slot */
	TRACE_BOOT,	    /**< a: CPU's APIC identifier */
	TRACE_WINDOW,	    /**< a window begins; partition: its own; a: planned start (TSC), b: index of the
				 window, or UINT32_MAX where no window is; TSC - a is the jitter */
	TRACE_FRAME,	    /**< a major frame begins; a: planned start (TSC), b: plan */
	TRACE_PLAN,	    /**< a plan switch was asked for; a: plan */
	TRACE_DISPATCH,	    /**< a thread gets the CPU; a: thread, b: priority; partition NONE: idle */
	TRACE_EXIT,	    /**< a guest's exit that leaves the driver's fast path; a: exit kind (hv.h), b: vCPU */
	TRACE_INTERRUPT,    /**< a: vector */
	TRACE_TIMER,	    /**< a: deadline */
	TRACE_PORT_WRITE,   /**< a: port, b: bytes */
	TRACE_PORT_READ,    /**< a: port, b: bytes */
	TRACE_PORT_REFUSED, /**< no room, or no message; a: port */
	TRACE_NOTIFY,	    /**< shared memory; a: region */
	TRACE_HEALTH,	    /**< a: error << 32 | action, b: detail */
	TRACE_PARTITION,    /**< a: new state (enum hypike_state), b: restarts */
	TRACE_FLUSH,	    /**< what was flushed (flags of the partition); b: TSC ticks that it took */
	TRACE_USER,	    /**< a: the program's value */
	TRACE_LATE,	    /**< a window began later than bound; a: planned start, b: ticks late */
	TRACE_EVENTS,
};

/** One event. */
struct trace_record {
	uint64_t tsc;
	uint16_t event;	    /**< enum trace_event */
	uint16_t partition; /**< or TRACE_NO_PARTITION */
	uint32_t b;
	uint64_t a;
};

/** At the start of the stream. */
struct trace_stream {
	uint8_t magic[8];
	uint32_t version;
	uint32_t record_size;
	uint64_t tsc_khz;
	uint64_t tsc_boot; /**< TSC at system time 0 */
	uint32_t cpu_count;
	uint32_t partition_count;
	uint32_t plan_count;
	uint32_t reserved;
};

#define TRACE_BLOCK_KEY	     4u  /**< offset of cpu, count and first, which lie side by side */
#define TRACE_BLOCK_KEY_SIZE 12u

/** Before records of one CPU. */
struct trace_block {
	uint32_t magic;
	uint16_t cpu;
	uint16_t count;	  /**< records that follow */
	uint64_t first;	  /**< number of the first since boot: a gap to the block before is a loss */
	uint32_t checksum; /**< CRC-32C of the records, then of cpu, count and first */
	uint32_t reserved;
};

_Static_assert(sizeof(struct trace_record) == 24, "stream format");
_Static_assert(sizeof(struct trace_stream) == 48, "stream format");
_Static_assert(sizeof(struct trace_block) == 24, "stream format");

#endif
