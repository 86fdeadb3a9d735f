/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE /* memmem */
#include "tools/trace_stream.h"

#include <stdlib.h>
#include <string.h>

#include "lib/crc32c.h"
#include "tools/util.h"

/* What is left to be read. */
struct reader {
	const uint8_t *at, *end;
	uint64_t next[SYSTEM_MAX_CPU]; /* number of the next record of each CPU */
	struct trace_log *log;
};

static size_t left(const struct reader *reader)
{
	return (size_t)(reader->end - reader->at);
}

/* ---- the head ---- */

static void take_name(struct reader *reader, char *name)
{
	memcpy(name, reader->at, SYSTEM_NAME_SIZE);
	name[SYSTEM_NAME_SIZE - 1] = '\0';
	for (char *c = name; *c != '\0'; c++)
		if (*c < ' ' || *c > '~' || *c == '"' || *c == '\\')
			*c = '?';
	reader->at += SYSTEM_NAME_SIZE;
}

static const char *check_head(const struct trace_stream *head)
{
	if (head->version != TRACE_VERSION || head->record_size != sizeof(struct trace_record))
		return "written by another version of HyPike";
	if (head->tsc_khz == 0 || head->tsc_khz > UINT32_MAX || head->cpu_count == 0 ||
	    head->cpu_count > SYSTEM_MAX_CPU || head->partition_count > SYSTEM_MAX_PARTITION ||
	    head->plan_count > SYSTEM_MAX_PLAN)
		return "the head of the trace is damaged";
	return NULL;
}

/* The line may have carried something before. */
static bool find_head(struct reader *reader)
{
	const uint8_t *head = memmem(reader->at, left(reader), TRACE_STREAM_MAGIC, 8);

	if (head == NULL)
		return false;
	reader->log->bad_bytes += (uint64_t)(head - reader->at);
	reader->at = head;
	return left(reader) >= sizeof(struct trace_stream);
}

static const char *read_head(struct reader *reader)
{
	struct trace_log *log = reader->log;
	struct trace_stream head;
	const char *why;

	if (!find_head(reader))
		return "no trace of HyPike's";
	memcpy(&head, reader->at, sizeof(head));
	reader->at += sizeof(head);
	why = check_head(&head);
	if (why != NULL)
		return why;
	if (left(reader) < (head.partition_count + head.plan_count) * (size_t)SYSTEM_NAME_SIZE)
		return "the trace ends in its head";
	log->tsc_khz = head.tsc_khz;
	log->tsc_boot = head.tsc_boot;
	log->cpu_count = head.cpu_count;
	log->partition_count = head.partition_count;
	log->plan_count = head.plan_count;
	for (uint32_t i = 0; i < head.partition_count; i++)
		take_name(reader, log->partitions[i]);
	for (uint32_t i = 0; i < head.plan_count; i++)
		take_name(reader, log->plans[i]);
	return NULL;
}

/* ---- blocks ---- */

static uint32_t checksum(const uint8_t *block, size_t size)
{
	uint32_t crc = crc32c(0, block + sizeof(struct trace_block), size);

	return crc32c(crc, block + TRACE_BLOCK_KEY, TRACE_BLOCK_KEY_SIZE);
}

static bool block_whole(const struct reader *reader, const struct trace_block *block)
{
	size_t size = block->count * sizeof(struct trace_record);

	return block->magic == TRACE_BLOCK_MAGIC && block->cpu < reader->log->cpu_count &&
	       block->count != 0 && block->count <= TRACE_BLOCK_RECORDS && size <= left(reader) - sizeof(*block) &&
	       block->first <= UINT64_MAX - block->count &&
	       checksum(reader->at, size) == block->checksum;
}

/* A block may be repeated in part (a panic begins its last one again): each record counts once. */
static void take_block(struct reader *reader, const struct trace_block *block)
{
	struct trace_log *log = reader->log;
	const uint8_t *records = reader->at + sizeof(*block);
	uint64_t *next = &reader->next[block->cpu];
	bool gap = block->first > *next;

	if (gap)
		log->lost[block->cpu] += block->first - *next;
	for (uint32_t i = 0; i < block->count; i++) {
		struct trace_event_item *item = &log->items[log->count];

		if (block->first + i < *next)
			continue;
		memcpy(&item->record, records + i * sizeof(item->record), sizeof(item->record));
		item->number = block->first + i;
		item->cpu = block->cpu;
		item->gap = gap;
		gap = false;
		*next = item->number + 1;
		log->count++;
	}
	reader->at = records + block->count * sizeof(struct trace_record);
}

/* To where a block could begin. */
static void skip(struct reader *reader)
{
	static const uint32_t magic = TRACE_BLOCK_MAGIC;
	const uint8_t *next = NULL;

	if (left(reader) > 1)
		next = memmem(reader->at + 1, left(reader) - 1, &magic, sizeof(magic));
	if (next == NULL)
		next = reader->end;
	reader->log->bad_bytes += (uint64_t)(next - reader->at);
	reader->at = next;
}

static void read_blocks(struct reader *reader)
{
	struct trace_log *log = reader->log;
	struct trace_block block;

	log->items = memory_grow(NULL, left(reader) / sizeof(struct trace_record) + 1,
				 sizeof(*log->items));
	while (left(reader) >= sizeof(block)) {
		memcpy(&block, reader->at, sizeof(block));
		if (block_whole(reader, &block))
			take_block(reader, &block);
		else
			skip(reader);
	}
	log->bad_bytes += left(reader);
}

/* ---- order ---- */

/* A clock that went back would put a CPU's records in another order than they were made in. */
static void straighten(struct trace_log *log)
{
	uint64_t last[SYSTEM_MAX_CPU] = {0};

	for (size_t i = 0; i < log->count; i++) {
		struct trace_event_item *item = &log->items[i];

		if (item->record.tsc < last[item->cpu])
			item->record.tsc = last[item->cpu];
		last[item->cpu] = item->record.tsc;
	}
}

static int by_time(const void *a, const void *b)
{
	const struct trace_event_item *x = a, *y = b;

	if (x->record.tsc != y->record.tsc)
		return x->record.tsc < y->record.tsc ? -1 : 1;
	if (x->cpu != y->cpu)
		return x->cpu < y->cpu ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

bool trace_parse(const uint8_t *bytes, size_t size, struct trace_log *log, const char **why)
{
	struct reader reader = {.at = bytes, .end = bytes + size, .log = log};

	*log = (struct trace_log){0};
	*why = read_head(&reader);
	if (*why != NULL)
		return false;
	read_blocks(&reader);
	straighten(log);
	qsort(log->items, log->count, sizeof(*log->items), by_time);
	return true;
}

void trace_free(struct trace_log *log)
{
	free(log->items);
	log->items = NULL;
	log->count = 0;
}

/* ---- time ---- */

int64_t trace_ticks_ns(const struct trace_log *log, int64_t ticks)
{
	__int128 ns = (__int128)ticks * 1000000 / (__int128)log->tsc_khz;

	if (ns > INT64_MAX)
		return INT64_MAX;
	return ns < -INT64_MAX ? -INT64_MAX : (int64_t)ns;
}

int64_t trace_ns(const struct trace_log *log, uint64_t tsc)
{
	return trace_ticks_ns(log, (int64_t)(tsc - log->tsc_boot));
}
