/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/trace_summary.h"

#include <inttypes.h>

#include "tools/trace_names.h"
#include "tools/trace_output.h"
#include "tools/trace_spans.h"

/* ---- counting ---- */

static void count_partition(const struct trace_record *record, struct trace_figures *figures)
{
	if (record->event < TRACE_EVENTS)
		figures->events[record->event]++;
	if (record->event == TRACE_EXIT && record->a < HV_EXIT_KINDS)
		figures->exits[record->a]++;
	if (record->event == TRACE_PORT_WRITE)
		figures->bytes_written += record->b;
	if (record->event == TRACE_PORT_READ)
		figures->bytes_read += record->b;
	if (record->event == TRACE_PARTITION)
		figures->restarts = record->b;
}

static void count_items(const struct trace_log *log, struct trace_summary *summary)
{
	for (size_t i = 0; i < log->count; i++) {
		const struct trace_event_item *item = &log->items[i];

		summary->records[item->cpu]++;
		summary->interrupts[item->cpu] += item->record.event == TRACE_INTERRUPT;
		if (item->record.partition < log->partition_count)
			count_partition(&item->record,
					&summary->partitions[item->record.partition]);
	}
}

static int64_t length_of(const struct trace_log *log, const struct trace_span *span)
{
	return trace_ticks_ns(log, (int64_t)(span->end - span->begin));
}

static void count_windows(const struct trace_log *log, const struct trace_span_list *list,
			  struct trace_summary *summary)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct trace_span *span = &list->span[i];
		int64_t late = trace_span_late(log, span);
		struct trace_figures *figures;

		if (span->partition >= log->partition_count)
			continue;
		figures = &summary->partitions[span->partition];
		figures->window_ns += length_of(log, span);
		if (late > figures->latest_ns)
			figures->latest_ns = late;
	}
}

static void count_runs(const struct trace_log *log, const struct trace_span_list *list,
		       struct trace_summary *summary)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct trace_span *span = &list->span[i];

		if (span->partition < log->partition_count)
			summary->partitions[span->partition].run_ns += length_of(log, span);
		else
			summary->idle_ns[span->cpu] += length_of(log, span);
	}
}

void trace_summary_make(const struct trace_log *log, struct trace_summary *summary)
{
	struct trace_spans spans;

	*summary = (struct trace_summary){0};
	if (log->count != 0)
		summary->length_ns =
			trace_ticks_ns(log, (int64_t)(log->items[log->count - 1].record.tsc -
						      log->items[0].record.tsc));
	count_items(log, summary);
	trace_spans_make(log, &spans);
	count_windows(log, &spans.windows, summary);
	count_runs(log, &spans.runs, summary);
	trace_spans_free(&spans);
}

/* ---- text ---- */

static double ms(int64_t ns)
{
	return (double)ns / 1e6;
}

static double percent(int64_t part, int64_t whole)
{
	return whole > 0 ? 100.0 * (double)part / (double)whole : 0;
}

static uint64_t exits_of(const struct trace_figures *figures)
{
	return figures->events[TRACE_EXIT];
}

static void write_partition(const struct trace_summary *summary, const struct trace_log *log,
			    uint32_t index, FILE *out)
{
	const struct trace_figures *figures = &summary->partitions[index];

	fprintf(out,
		"%-16s %10.3f %5.1f %10" PRIu64 " %8" PRIu64 " %10.3f %9.1f %8" PRIu64 " %8" PRIu64
		" %8" PRIu64 " %7" PRIu64 " %6" PRIu64 " %8" PRIu64 "\n",
		log->partitions[index], ms(figures->run_ns),
		percent(figures->run_ns, summary->length_ns), figures->events[TRACE_DISPATCH],
		figures->events[TRACE_WINDOW], ms(figures->window_ns),
		(double)figures->latest_ns / 1e3, exits_of(figures),
		figures->events[TRACE_PORT_WRITE], figures->events[TRACE_PORT_READ],
		figures->events[TRACE_PORT_REFUSED], figures->events[TRACE_HEALTH],
		figures->restarts);
}

static void write_exits(const struct trace_summary *summary, const struct trace_log *log, FILE *out)
{
	uint32_t kinds;
	const char *const *names = trace_words(TRACE_KIND_EXIT, &kinds);

	for (uint32_t i = 0; i < log->partition_count; i++) {
		if (exits_of(&summary->partitions[i]) == 0)
			continue;
		fprintf(out, "\nexits of %s:", log->partitions[i]);
		for (uint32_t kind = 0; kind < kinds; kind++)
			if (summary->partitions[i].exits[kind] != 0)
				fprintf(out, " %s %" PRIu64, names[kind],
					summary->partitions[i].exits[kind]);
		fputc('\n', out);
	}
}

void trace_summary_text(const struct trace_summary *summary, const struct trace_log *log, FILE *out)
{
	fprintf(out, "%zu records of %.3f ms\n\n", log->count, ms(summary->length_ns));
	fputs("partition         CPU in ms   %   dispatches  windows      in ms  latest us    exits"
	      "   writes    reads refused health restarts\n",
	      out);
	for (uint32_t i = 0; i < log->partition_count; i++)
		write_partition(summary, log, i, out);
	write_exits(summary, log, out);
	fputs("\nCPU    records  interrupts  idle in ms      lost\n", out);
	for (uint32_t cpu = 0; cpu < log->cpu_count; cpu++)
		fprintf(out, "%-3u %10" PRIu64 "  %10" PRIu64 "  %10.3f %9" PRIu64 "\n", cpu,
			summary->records[cpu], summary->interrupts[cpu], ms(summary->idle_ns[cpu]),
			log->lost[cpu]);
	if (log->bad_bytes != 0)
		fprintf(out, "\n%" PRIu64 " bytes of the stream are damaged\n", log->bad_bytes);
}

/* ---- JSON ---- */

static void write_json_exits(const struct trace_figures *figures, FILE *out)
{
	uint32_t kinds;
	const char *const *names = trace_words(TRACE_KIND_EXIT, &kinds);
	const char *comma = "";

	fputs("\"exits\": {", out);
	for (uint32_t kind = 0; kind < kinds; kind++) {
		if (figures->exits[kind] == 0)
			continue;
		fprintf(out, "%s\"%s\": %" PRIu64, comma, names[kind], figures->exits[kind]);
		comma = ", ";
	}
	fputc('}', out);
}

static void write_json_events(const struct trace_figures *figures, FILE *out)
{
	const char *comma = "";

	fputs("\"events\": {", out);
	for (uint32_t event = 0; event < TRACE_EVENTS; event++) {
		if (figures->events[event] == 0)
			continue;
		fprintf(out, "%s\"%s\": %" PRIu64, comma, trace_shape(event)->name,
			figures->events[event]);
		comma = ", ";
	}
	fputs("}, ", out);
}

static void write_json_partition(const struct trace_figures *figures, const char *name, FILE *out)
{
	fputs("  {\"name\": ", out);
	trace_write_string(name, out);
	fprintf(out,
		", \"run_ns\": %" PRId64 ", \"window_ns\": %" PRId64 ", \"latest_ns\": %" PRId64
		", \"bytes_written\": %" PRIu64 ", \"bytes_read\": %" PRIu64 ", \"restarts\": %" PRIu64
		", ",
		figures->run_ns, figures->window_ns, figures->latest_ns, figures->bytes_written,
		figures->bytes_read, figures->restarts);
	write_json_events(figures, out);
	write_json_exits(figures, out);
	fputc('}', out);
}

void trace_summary_json(const struct trace_summary *summary, const struct trace_log *log, FILE *out)
{
	fprintf(out,
		"{\"records\": %zu, \"length_ns\": %" PRId64 ", \"bad_bytes\": %" PRIu64
		",\n \"partitions\": [",
		log->count, summary->length_ns, log->bad_bytes);
	for (uint32_t i = 0; i < log->partition_count; i++) {
		fputs(i ? ",\n" : "\n", out);
		write_json_partition(&summary->partitions[i], log->partitions[i], out);
	}
	fputs("],\n \"cpus\": [", out);
	for (uint32_t cpu = 0; cpu < log->cpu_count; cpu++)
		fprintf(out,
			"%s\n  {\"records\": %" PRIu64 ", \"lost\": %" PRIu64 ", \"interrupts\": %" PRIu64
			", \"idle_ns\": %" PRId64 "}",
			cpu ? "," : "", summary->records[cpu], log->lost[cpu],
			summary->interrupts[cpu], summary->idle_ns[cpu]);
	fputs("]}\n", out);
}
