/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/health_log.h"

#include "lib/crc32c.h"
#include "lib/string.h"

#define MAX_NUMBER (UINT64_C(1) << 62) /* no log gets there; so adding to a number is safe */
#define CACHE_LINE 64u

/* ---- memory ---- */

static void flush_line(const volatile void *p)
{
	__asm__ volatile("clflush %0" : : "m"(*(const volatile char *)p));
}

/* A reset may lose what is only in a cache. */
static void write_back(const void *p, size_t size)
{
	const char *bytes = p;

	for (size_t at = 0; at < size; at += CACHE_LINE)
		flush_line(bytes + at);
	flush_line(bytes + size - 1);
}

static uint32_t crc_of_head(const struct health_log_head *head)
{
	return crc32c(0, (const uint8_t *)head + sizeof(head->crc),
		      sizeof(*head) - sizeof(head->crc));
}

static void seal_head(struct health_log_head *head)
{
	head->crc = crc_of_head(head);
	write_back(head, sizeof(*head));
}

static struct health_log_record *record_of(const struct health_log *log, uint64_t number)
{
	return &log->records[number % log->count];
}

static bool valid(const struct health_log *log, uint32_t i)
{
	const struct health_log_record *record = &log->records[i];

	return record->crc == crc32c(0, &record->entry, sizeof(record->entry)) &&
	       record->entry.number < MAX_NUMBER && record->entry.number % log->count == i &&
	       record->entry.name[HYPIKE_NAME_MAX - 1] == '\0' &&
	       record->entry.message[sizeof(record->entry.message) - 1] == '\0';
}

/* ---- public ---- */

static void clear(struct health_log *log)
{
	memset(log->records, 0xff, log->count * sizeof(*log->records));
	*log->head = (struct health_log_head){.magic = HEALTH_LOG_MAGIC};
}

static void find_next(struct health_log *log)
{
	for (uint32_t i = 0; i < log->count; i++)
		if (valid(log, i) && log->records[i].entry.number >= log->next)
			log->next = log->records[i].entry.number + 1;
}

void health_log_open(struct health_log *log, void *memory, size_t size)
{
	struct health_log_head *head = memory;

	*log = (struct health_log){
		.head = head,
		.records = (struct health_log_record *)(head + 1),
		.count = (uint32_t)((size - sizeof(*head)) / sizeof(struct health_log_record)),
	};
	if (head->magic != HEALTH_LOG_MAGIC || head->crc != crc_of_head(head))
		clear(log);
	find_next(log);
	log->restarted = head->restarted == 1;
	head->restarted = 0;
	head->boot++;
	seal_head(head);
}

void health_log_add(struct health_log *log, const struct hypike_health_entry *entry)
{
	struct health_log_record *record = record_of(log, log->next);

	record->crc = ~record->crc; /* a reset in the middle leaves nothing that looks whole */
	record->entry = *entry;
	record->entry.number = log->next++;
	record->entry.boot = log->head->boot;
	record->crc = crc32c(0, &record->entry, sizeof(record->entry));
	write_back(record, sizeof(*record));
}

bool health_log_get(const struct health_log *log, uint64_t number, struct hypike_health_entry *entry)
{
	uint64_t first = log->next > log->count ? log->next - log->count : 0;

	for (uint64_t n = number > first ? number : first; n < log->next; n++) {
		const struct health_log_record *record = record_of(log, n);

		if (record->entry.number != n || !valid(log, (uint32_t)(n % log->count)))
			continue;
		*entry = record->entry;
		return true;
	}
	return false;
}

void health_log_restarts(struct health_log *log)
{
	log->head->restarted = 1;
	seal_head(log->head);
}
