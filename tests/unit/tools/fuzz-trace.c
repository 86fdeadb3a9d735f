/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libFuzzer: a trace stream, either the input as it is, or records made of the input in blocks whose
 * checksums are right. Whatever is read, everything that `hypike trace` and `hypike timeline` make of it
 * can be made.
 *
 * runs: 10000
 * sources: @tests/unit/tools/fuzz-trace.sources
 * @verifies TOOL-201
 */
#include <stdlib.h>
#include <string.h>

#include "lib/crc32c.h"
#include "tools/timeline.h"
#include "tools/trace_check.h"
#include "tools/trace_output.h"
#include "tools/trace_summary.h"
#include "tools/util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- a system of two partitions ---- */

static const struct system_partition partitions[] = {{.name = "one"}, {.name = "two"}};
static const struct system_plan plans[] = {
	{.name = "main", .frame = 1000000, .first_window = 0, .window_count = 3},
	{.name = "other", .frame = 500000, .first_window = 3, .window_count = 1},
};
static const struct system_window windows[] = {
	{.offset = 0, .duration = 300000, .cpu = 0, .partition = 0},
	{.offset = 300000, .duration = 300000, .cpu = 0, .partition = 1},
	{.offset = 0, .duration = 1000000, .cpu = 1, .partition = 1},
	{.offset = 0, .duration = 100000, .cpu = 0, .partition = 0},
};
static const struct system_image image = {
	.partitions = partitions,
	.partition_count = 2,
	.plans = plans,
	.plan_count = 2,
	.windows = windows,
	.window_count = 4,
};

/* ---- a stream with right checksums ---- */

#define MAX_STREAM 65536u

static struct {
	uint8_t bytes[MAX_STREAM];
	size_t size;
} stream;

static void put(const void *bytes, size_t size)
{
	memcpy(&stream.bytes[stream.size], bytes, size);
	stream.size += size;
}

static void put_head(void)
{
	struct trace_stream head = {
		.version = TRACE_VERSION,
		.record_size = sizeof(struct trace_record),
		.tsc_khz = 1000000,
		.tsc_boot = 1000,
		.cpu_count = 2,
		.partition_count = 2,
		.plan_count = 2,
	};
	char name[SYSTEM_NAME_SIZE] = "";

	stream.size = 0;
	memcpy(head.magic, TRACE_STREAM_MAGIC, sizeof(head.magic));
	put(&head, sizeof(head));
	for (unsigned i = 0; i < 4; i++) {
		strcpy(name, i < 2 ? partitions[i].name : plans[i - 2].name);
		put(name, sizeof(name));
	}
}

/* A few bytes become a record: most values near those of the plan. */
static struct trace_record record_of(const uint8_t *data, uint64_t *tsc)
{
	static const uint64_t odd[] = {0, UINT64_MAX, UINT64_C(1) << 63, 1000, UINT32_MAX};
	struct trace_record record = {.event = data[0] % (TRACE_EVENTS + 2), .b = data[3] % 6};

	*tsc += (uint64_t)data[1] * 1000;
	record.tsc = data[2] < 250 ? *tsc : odd[data[2] - 250 < 5 ? data[2] - 250 : 0];
	record.a = data[4] < 250 ? *tsc - data[4] : odd[data[4] - 250 < 5 ? data[4] - 250 : 0];
	record.partition = data[3] < 200 ? data[3] % 3 : TRACE_NO_PARTITION;
	if (data[3] % 6 == 5)
		record.b = UINT32_MAX;
	return record;
}

static void put_block(const uint8_t *data, unsigned count, uint64_t *next, uint64_t *tsc)
{
	struct trace_record records[16];
	struct trace_block block = {
		.magic = TRACE_BLOCK_MAGIC,
		.cpu = data[0] & 1,
		.count = (uint16_t)count,
		.first = next[data[0] & 1] + (data[0] > 250 ? data[0] : 0),
	};

	for (unsigned i = 0; i < count; i++)
		records[i] = record_of(&data[1 + 5 * i], tsc);
	block.checksum = crc32c(0, records, count * sizeof(records[0]));
	block.checksum = crc32c(block.checksum, &block.cpu, TRACE_BLOCK_KEY_SIZE);
	next[block.cpu] = block.first + count;
	put(&block, sizeof(block));
	put(records, count * sizeof(records[0]));
}

static void make_stream(const uint8_t *data, size_t size)
{
	uint64_t next[2] = {0, 0}, tsc = 1000;

	put_head();
	while (size >= 6 && stream.size < MAX_STREAM - 1024) {
		unsigned count = 1 + data[0] / 2 % 15;

		if (count > (size - 1) / 5)
			count = (unsigned)((size - 1) / 5);
		put_block(data, count, next, &tsc);
		data += 1 + 5 * count;
		size -= 1 + 5 * count;
	}
}

/* Behind the head. The end may be cut off. */
static void damage(const uint8_t *data, size_t size)
{
	const size_t head = sizeof(struct trace_stream) + 4 * SYSTEM_NAME_SIZE;

	for (size_t i = 0; i + 1 < size && i < 8 && stream.size > head; i += 2)
		stream.bytes[head + (data[i] | (size_t)data[i + 1] << 8) % (stream.size - head)] ^= 1;
	if (size != 0 && (data[0] & 1) != 0)
		stream.size -= (stream.size - head) / 3;
}

/* ---- everything that is made of one ---- */

static void use(const struct trace_log *log, FILE *out)
{
	struct trace_summary *summary = memory_new(sizeof(*summary));
	struct trace_verdict verdict;
	const char *why;

	trace_write_text(log, out);
	trace_write_json(log, out);
	trace_write_losses(log, out);
	trace_summary_make(log, summary);
	trace_summary_text(summary, log, out);
	trace_summary_json(summary, log, out);
	free(summary);
	timeline_svg(log, -1000, 5000000, out);
	if (!trace_check(log, &image, 100, &verdict, &why))
		return;
	trace_verdict_text(&verdict, log, &image, out);
	trace_verdict_json(&verdict, log, out);
	trace_verdict_free(&verdict);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *out;
	struct trace_log log;
	const char *why;

	if (out == NULL)
		out = fopen("/dev/null", "w");
	if (size == 0 || out == NULL)
		return 0;
	if ((data[0] & 1) == 0) {
		if (!trace_parse(data + 1, size - 1, &log, &why))
			return 0;
	} else {
		make_stream(data + 1, size - 1);
		if ((data[0] & 2) != 0)
			damage(data + 1, size - 1);
		if (!trace_parse(stream.bytes, stream.size, &log, &why))
			abort(); /* the head is never damaged */
	}
	use(&log, out);
	trace_free(&log);
	return 0;
}
