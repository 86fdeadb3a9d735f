/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trace channel: COM2 gets the stream of include/hypike/trace.h. Idle CPUs write it, in steps that
 * are short, as interrupts are off in them: a step adds one record to the block or hands the UART
 * what fits. One CPU at a time does; one that finds another at it has nothing to do.
 */
#include "kernel/trace_out.h"

#include "kernel/clock.h"
#include "kernel/options.h"
#include "kernel/trace.h"
#include "kernel/uart.h"
#include "lib/crc32c.h"
#include "lib/string.h"

#define BLOCK_RECORDS 32u /* a fraction of the smallest ring, of what a block may have */

static struct {
	bool on;
	bool busy;    /* a CPU is in a step */
	bool sending; /* the block is complete; `sent` bytes of it have gone */
	bool all;     /* the end: blocks needn't be full */
	uint32_t cpu; /* whose records the block has */
	size_t sent;
	uint64_t position[HOST_MAX_CPUS]; /* of each CPU, the next record to be written */
	struct {
		struct trace_block header;
		struct trace_record records[BLOCK_RECORDS];
	} block;
} out;

_Static_assert(sizeof(out.block) == sizeof(struct trace_block) + sizeof(out.block.records),
	       "what is sent lies side by side");

_Static_assert(offsetof(struct trace_block, cpu) == TRACE_BLOCK_KEY &&
		       offsetof(struct trace_block, checksum) ==
			       TRACE_BLOCK_KEY + TRACE_BLOCK_KEY_SIZE,
	       "what the checksum covers");

/* ---- the stream's beginning ---- */

static void put(const void *bytes, size_t size)
{
	const char *text = bytes;

	for (size_t i = 0; i < size; i++)
		uart_put(&uart_trace, text[i]);
}

static void put_header(const struct system_image *image)
{
	struct trace_stream stream = {
		.version = TRACE_VERSION,
		.record_size = sizeof(struct trace_record),
		.tsc_khz = clock_tsc_khz,
		.tsc_boot = clock_tsc_boot,
		.cpu_count = cpu_count,
		.partition_count = image->partition_count,
		.plan_count = image->plan_count,
	};

	memcpy(stream.magic, TRACE_STREAM_MAGIC, sizeof(stream.magic));
	put(&stream, sizeof(stream));
	for (uint32_t i = 0; i < image->partition_count; i++)
		put(image->partitions[i].name, SYSTEM_NAME_SIZE);
	for (uint32_t i = 0; i < image->plan_count; i++)
		put(image->plans[i].name, SYSTEM_NAME_SIZE);
}

void trace_out_init(const struct system_image *image)
{
	if (!options.trace)
		return;
	uart_init(&uart_trace);
	if (!uart_trace.present) {
		host_log("no trace: the machine has no second serial port");
		return;
	}
	put_header(image);
	out.on = true;
}

/* ---- steps ---- */

static uint64_t pending(uint32_t cpu)
{
	return __atomic_load_n(&cpus[cpu].trace.next, __ATOMIC_ACQUIRE) - out.position[cpu];
}

/* A CPU with enough for a block; the one behind the last first. @return false: there is none */
static bool choose_cpu(void)
{
	uint64_t enough = out.all ? 1 : BLOCK_RECORDS;

	for (uint32_t i = 1; i <= cpu_count; i++) {
		uint32_t cpu = (out.cpu + i) % cpu_count;

		if (pending(cpu) >= enough) {
			out.cpu = cpu;
			out.block.header = (struct trace_block){
				.magic = TRACE_BLOCK_MAGIC,
				.cpu = (uint16_t)cpu,
			};
			return true;
		}
	}
	return false;
}

static void finish_block(void)
{
	struct trace_block *header = &out.block.header;

	out.sending = header->count != 0;
	header->checksum = crc32c(header->checksum, &header->cpu, TRACE_BLOCK_KEY_SIZE);
	out.sent = 0;
}

/* Behind a gap a new block begins. */
static void collect(void)
{
	struct trace_block *header = &out.block.header;
	struct trace_record *record = &out.block.records[header->count];
	uint64_t position = out.position[out.cpu];

	if (!trace_take(&cpus[out.cpu].trace, &position, record) ||
	    (header->count != 0 && position != header->first + header->count + 1)) {
		finish_block();
		return;
	}
	out.position[out.cpu] = position;
	if (header->count == 0)
		header->first = position - 1;
	header->checksum = crc32c(header->checksum, record, sizeof(*record));
	if (++header->count == BLOCK_RECORDS)
		finish_block();
}

static void send(void)
{
	size_t size = sizeof(out.block.header) +
		      out.block.header.count * sizeof(struct trace_record);

	out.sent += uart_fill(&uart_trace, (const char *)&out.block + out.sent, size - out.sent);
	if (out.sent == size) {
		out.sending = false;
		out.block.header.count = 0;
	}
}

static bool in_block(void)
{
	return out.sending || out.block.header.count != 0;
}

/* @return false where there is nothing to write. */
static bool step(void)
{
	if (!in_block() && !choose_cpu())
		return false;
	if (out.sending)
		send();
	else
		collect();
	return true;
}

bool trace_out_step(void)
{
	bool more;

	if (!out.on || __atomic_exchange_n(&out.busy, true, __ATOMIC_ACQUIRE))
		return false;
	more = step();
	__atomic_store_n(&out.busy, false, __ATOMIC_RELEASE);
	return more;
}

/* ---- the end ---- */

/* A UART that has stopped taking characters must not keep the machine from ending. */
#define PATIENCE 1000000u

void trace_out_finish(void)
{
	size_t sent = 0;

	if (!out.on)
		return;
	out.all = true;
	for (uint32_t waited = 0; waited < PATIENCE && step(); waited++)
		if (!out.sending || out.sent != sent) {
			sent = out.sent;
			waited = 0;
		}
	out.on = false;
	uart_drain(&uart_trace);
}

void trace_out_panic(void)
{
	/* A CPU may have been stopped in the middle of a step: begin the block again. */
	if (!out.sending && out.block.header.count != 0) {
		out.position[out.cpu] = out.block.header.first;
		out.block.header.count = 0;
	}
	trace_out_finish();
}
