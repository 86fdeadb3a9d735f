/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trace Event Format. Process 0 is the machine, with two tracks a CPU: its windows, and who runs. Each
 * partition is a process of its own, in which a track is a thread, and one has what else happened.
 */
#include <inttypes.h>

#include "tools/trace_names.h"
#include "tools/trace_output.h"
#include "tools/trace_spans.h"

/* Tracks of process 0, for CPU n: 2n + 1 its windows, 2n + 2 who runs. */
#define TRACK_WINDOWS(cpu) (2 * (cpu) + 1)
#define TRACK_RUNS(cpu)	   (2 * (cpu) + 2)
#define TRACK_EVENTS	   1000u /* of a partition, besides its threads */

void trace_write_string(const char *text, FILE *out)
{
	fputc('"', out);
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		/* In a page, no text may end the script that it is in. */
		if ((unsigned char)*text < ' ' || *text == '<')
			fprintf(out, "\\u%04x", (unsigned char)*text);
		else
			fputc(*text, out);
	}
	fputc('"', out);
}

static uint32_t process_of(uint32_t partition)
{
	return partition == TRACE_NO_PARTITION ? 0 : partition + 1;
}

/* The format's times are microseconds. */
static void write_time(const char *key, int64_t ns, FILE *out)
{
	uint64_t size = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;

	fprintf(out, ", \"%s\": %s%" PRIu64 ".%03" PRIu64, key, ns < 0 ? "-" : "", size / 1000,
		size % 1000);
}

static void write_name(const char *what, uint32_t process, uint32_t track, const char *name,
		       FILE *out)
{
	fprintf(out, "{\"ph\": \"M\", \"name\": \"%s\", \"pid\": %u, \"tid\": %u, "
		     "\"args\": {\"name\": ", what, process, track);
	trace_write_string(name, out);
	fputs("}},\n", out);
}

static void write_tracks(const struct trace_log *log, FILE *out)
{
	char name[32];

	write_name("process_name", 0, 0, "machine", out);
	for (uint32_t cpu = 0; cpu < log->cpu_count; cpu++) {
		snprintf(name, sizeof(name), "CPU %u: windows", cpu);
		write_name("thread_name", 0, TRACK_WINDOWS(cpu), name, out);
		snprintf(name, sizeof(name), "CPU %u: runs", cpu);
		write_name("thread_name", 0, TRACK_RUNS(cpu), name, out);
	}
	for (uint32_t i = 0; i < log->partition_count; i++) {
		write_name("process_name", process_of(i), 0, log->partitions[i], out);
		write_name("thread_name", process_of(i), TRACK_EVENTS, "events", out);
	}
}

static void write_slice(const struct trace_log *log, const struct trace_span *span,
			uint32_t process, uint32_t track, const char *name, FILE *out)
{
	fputs("{\"ph\": \"X\", \"name\": ", out);
	trace_write_string(name, out);
	fprintf(out, ", \"pid\": %u, \"tid\": %u", process, track);
	write_time("ts", trace_ns(log, span->begin), out);
	write_time("dur", trace_ticks_ns(log, (int64_t)(span->end - span->begin)), out);
}

static void write_window(const struct trace_log *log, const struct trace_span *span, FILE *out)
{
	write_slice(log, span, 0, TRACK_WINDOWS(span->cpu),
		    trace_partition_name(log, span->partition), out);
	fprintf(out, ", \"args\": {\"window\": %u, \"late_ns\": %" PRId64 "}},\n", span->index,
		trace_span_late(log, span));
}

static void write_run(const struct trace_log *log, const struct trace_span *span, FILE *out)
{
	char name[32];

	if (span->partition == TRACE_NO_PARTITION)
		return; /* idle */
	write_slice(log, span, 0, TRACK_RUNS(span->cpu), trace_partition_name(log, span->partition),
		    out);
	fputs("},\n", out);
	snprintf(name, sizeof(name), "CPU %u", span->cpu);
	write_slice(log, span, process_of(span->partition), span->index, name, out);
	fprintf(out, ", \"args\": {\"priority\": %u}},\n", span->priority);
}

static void write_value(const struct trace_log *log, const struct trace_record *record,
			const struct trace_field *field, FILE *out)
{
	uint64_t value = trace_value(record, field);
	const char *word = trace_word(log, field, value);

	fprintf(out, "\"%s\": ", field->name);
	if (word != NULL)
		trace_write_string(word, out);
	else if (field->kind == TRACE_KIND_HEX)
		fprintf(out, "\"%#" PRIx64 "\"", value);
	else if (field->kind == TRACE_KIND_TIME)
		fprintf(out, "%" PRId64, trace_ns(log, value));
	else if (field->kind == TRACE_KIND_TICKS)
		fprintf(out, "%" PRId64, trace_ticks_ns(log, (int64_t)value));
	else
		fprintf(out, "%" PRIu64, value);
}

/* What has a length is there as such. */
static bool is_moment(const struct trace_event_item *item)
{
	return item->record.event != TRACE_WINDOW && item->record.event != TRACE_DISPATCH;
}

static void write_moment(const struct trace_log *log, const struct trace_event_item *item, FILE *out)
{
	const struct trace_shape *shape = trace_shape(item->record.event);
	uint32_t process = process_of(item->record.partition);

	fprintf(out, "{\"ph\": \"i\", \"s\": \"t\", \"name\": \"%s\", \"pid\": %u, \"tid\": %u",
		shape->name, process, process == 0 ? TRACK_RUNS(item->cpu) : TRACK_EVENTS);
	write_time("ts", trace_ns(log, item->record.tsc), out);
	fputs(", \"args\": {", out);
	for (unsigned i = 0; i < TRACE_MAX_FIELDS && shape->fields[i].name != NULL; i++) {
		fputs(i != 0 ? ", " : "", out);
		write_value(log, &item->record, &shape->fields[i], out);
	}
	fputs("}},\n", out);
}

void trace_write_json(const struct trace_log *log, FILE *out)
{
	struct trace_spans spans;

	trace_spans_make(log, &spans);
	fputs("{\"displayTimeUnit\": \"ns\", \"traceEvents\": [\n", out);
	write_tracks(log, out);
	for (size_t i = 0; i < spans.windows.count; i++)
		write_window(log, &spans.windows.span[i], out);
	for (size_t i = 0; i < spans.runs.count; i++)
		write_run(log, &spans.runs.span[i], out);
	for (size_t i = 0; i < log->count; i++)
		if (is_moment(&log->items[i]))
			write_moment(log, &log->items[i], out);
	/* No comma behind the last. */
	fputs("{\"ph\": \"M\", \"name\": \"process_sort_index\", \"pid\": 0, "
	      "\"args\": {\"sort_index\": -1}}\n]}\n", out);
	trace_spans_free(&spans);
}
