/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page is timeline.html with the data put in: flat lists of numbers, as timeline.html reads them.
 */
#include <inttypes.h>
#include <string.h>

#include "timeline_page.h"
#include "tools/timeline.h"
#include "tools/trace_names.h"
#include "tools/trace_output.h"
#include "tools/trace_spans.h"

#define MARK "@DATA@"
/* Integers above this are not exact in the page's language. */
#define EXACT (UINT64_C(1) << 53)

static void write_words(const char *key, enum trace_kind kind, FILE *out)
{
	uint32_t count;
	const char *const *words = trace_words(kind, &count);

	fprintf(out, ",\n\"%s\": [", key);
	for (uint32_t i = 0; i < count; i++) {
		fputs(i ? ", " : "", out);
		trace_write_string(words[i] != NULL ? words[i] : "", out);
	}
	fputc(']', out);
}

static void write_names(const char *key, const char (*names)[SYSTEM_NAME_SIZE], uint32_t count,
			FILE *out)
{
	fprintf(out, ",\n\"%s\": [", key);
	for (uint32_t i = 0; i < count; i++) {
		fputs(i ? ", " : "", out);
		trace_write_string(names[i], out);
	}
	fputc(']', out);
}

static void write_events(FILE *out)
{
	fputs(",\n\"events\": [", out);
	for (uint32_t i = 0; i < TRACE_EVENTS; i++)
		fprintf(out, "%s\"%s\"", i ? ", " : "", trace_shape(i)->name);
	fputc(']', out);
}

/* The page's number of a partition: -1 for none. */
static int32_t number_of(const struct trace_log *log, uint32_t partition)
{
	return partition < log->partition_count ? (int32_t)partition : -1;
}

static void write_windows(const struct trace_log *log, const struct trace_span_list *list, FILE *out)
{
	fputs(",\n\"windows\": [", out);
	for (size_t i = 0; i < list->count; i++) {
		const struct trace_span *span = &list->span[i];

		fprintf(out, "%s\n%u,%d,%" PRId64 ",%" PRId64 ",%" PRId64 ",%u,%d", i ? "," : "",
			span->cpu, number_of(log, span->partition), trace_ns(log, span->begin),
			trace_ns(log, span->end), trace_ns(log, span->planned), span->index, span->cut);
	}
	fputc(']', out);
}

static void write_runs(const struct trace_log *log, const struct trace_span_list *list, FILE *out)
{
	fputs(",\n\"runs\": [", out);
	for (size_t i = 0; i < list->count; i++) {
		const struct trace_span *span = &list->span[i];

		fprintf(out, "%s\n%u,%d,%u,%u,%" PRId64 ",%" PRId64, i ? "," : "", span->cpu,
			number_of(log, span->partition), span->index, span->priority,
			trace_ns(log, span->begin), trace_ns(log, span->end));
	}
	fputc(']', out);
}

static bool is_point(const struct trace_event_item *item)
{
	return item->record.event != TRACE_WINDOW && item->record.event != TRACE_DISPATCH &&
	       item->record.event < TRACE_EVENTS;
}

static void write_points(const struct trace_log *log, FILE *out)
{
	const char *comma = "";

	fputs(",\n\"points\": [", out);
	for (size_t i = 0; i < log->count; i++) {
		const struct trace_record *record = &log->items[i].record;

		if (!is_point(&log->items[i]))
			continue;
		fprintf(out, "%s\n%u,%u,%d,%" PRId64 ",", comma, log->items[i].cpu, record->event,
			number_of(log, record->partition), trace_ns(log, record->tsc));
		fprintf(out, record->a < EXACT ? "%" PRIu64 : "\"%" PRIu64 "\"", record->a);
		fprintf(out, ",%u", record->b);
		comma = ",";
	}
	fputc(']', out);
}

/* CPU, last record before, first one behind. */
static void write_gaps(const struct trace_log *log, FILE *out)
{
	int64_t last[SYSTEM_MAX_CPU];
	const char *comma = "";

	for (uint32_t cpu = 0; cpu < log->cpu_count; cpu++)
		last[cpu] = trace_ns(log, log->count != 0 ? log->items[0].record.tsc : 0);
	fputs(",\n\"gaps\": [", out);
	for (size_t i = 0; i < log->count; i++) {
		const struct trace_event_item *item = &log->items[i];
		int64_t now = trace_ns(log, item->record.tsc);

		if (item->gap) {
			fprintf(out, "%s\n%u,%" PRId64 ",%" PRId64, comma, item->cpu, last[item->cpu],
				now);
			comma = ",";
		}
		last[item->cpu] = now;
	}
	fputc(']', out);
}

static void write_head(const struct trace_log *log, const char *title, FILE *out)
{
	uint64_t first = log->count != 0 ? log->items[0].record.tsc : log->tsc_boot;
	uint64_t last = log->count != 0 ? log->items[log->count - 1].record.tsc : log->tsc_boot;

	fputs("{\"title\": ", out);
	trace_write_string(title, out);
	fprintf(out,
		", \"cpus\": %u, \"records\": %zu, \"start\": %" PRId64 ", \"end\": %" PRId64
		", \"bad\": %" PRIu64 ", \"lost\": [",
		log->cpu_count, log->count, trace_ns(log, first), trace_ns(log, last), log->bad_bytes);
	for (uint32_t cpu = 0; cpu < log->cpu_count; cpu++)
		fprintf(out, "%s%" PRIu64, cpu ? ", " : "", log->lost[cpu]);
	fputc(']', out);
}

static void write_data(const struct trace_log *log, const char *title, FILE *out)
{
	struct trace_spans spans;

	trace_spans_make(log, &spans);
	write_head(log, title, out);
	write_names("partitions", log->partitions, log->partition_count, out);
	write_names("plans", log->plans, log->plan_count, out);
	write_events(out);
	write_words("exits", TRACE_KIND_EXIT, out);
	write_words("errors", TRACE_KIND_ERROR, out);
	write_words("actions", TRACE_KIND_ACTION, out);
	write_words("states", TRACE_KIND_STATE, out);
	write_windows(log, &spans.windows, out);
	write_runs(log, &spans.runs, out);
	write_points(log, out);
	write_gaps(log, out);
	fputs("}\n", out);
	trace_spans_free(&spans);
}

void timeline_html(const struct trace_log *log, const char *title, FILE *out)
{
	const char *mark = strstr(timeline_page, MARK);

	fwrite(timeline_page, 1, (size_t)(mark - timeline_page), out);
	write_data(log, title, out);
	fputs(mark + strlen(MARK), out);
}
