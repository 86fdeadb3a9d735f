/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>

#include "tools/trace_names.h"
#include "tools/trace_output.h"

static void write_milliseconds(int64_t ns, FILE *out)
{
	uint64_t size = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;

	fprintf(out, "%s%" PRIu64 ".%06" PRIu64, ns < 0 ? "-" : "", size / 1000000, size % 1000000);
}

/* A planned moment is told as the distance to it. */
static void write_value(const struct trace_log *log, const struct trace_record *record,
			const struct trace_field *field, FILE *out)
{
	uint64_t value = trace_value(record, field);
	const char *word = trace_word(log, field, value);

	fprintf(out, " %s=", field->name);
	if (word != NULL)
		fputs(word, out);
	else if (field->kind == TRACE_KIND_TIME)
		fprintf(out, "%+" PRId64 "ns", trace_ticks_ns(log, (int64_t)(value - record->tsc)));
	else if (field->kind == TRACE_KIND_TICKS)
		fprintf(out, "%" PRId64 "ns", trace_ticks_ns(log, (int64_t)value));
	else if (field->kind == TRACE_KIND_INDEX && value == UINT32_MAX)
		fputs("none", out);
	else if (field->kind == TRACE_KIND_HEX)
		fprintf(out, "%#" PRIx64, value);
	else
		fprintf(out, "%" PRIu64, value);
}

static void write_item(const struct trace_log *log, const struct trace_event_item *item, FILE *out)
{
	const struct trace_shape *shape = trace_shape(item->record.event);

	write_milliseconds(trace_ns(log, item->record.tsc), out);
	fprintf(out, " cpu%u %-12s %s", item->cpu, shape->name,
		trace_partition_name(log, item->record.partition));
	for (unsigned i = 0; i < TRACE_MAX_FIELDS && shape->fields[i].name != NULL; i++)
		write_value(log, &item->record, &shape->fields[i], out);
	fputc('\n', out);
}

void trace_write_text(const struct trace_log *log, FILE *out)
{
	for (size_t i = 0; i < log->count; i++) {
		if (log->items[i].gap)
			fprintf(out, "# records of cpu%u are missing here\n", log->items[i].cpu);
		write_item(log, &log->items[i], out);
	}
}

void trace_write_losses(const struct trace_log *log, FILE *out)
{
	for (uint32_t cpu = 0; cpu < log->cpu_count; cpu++)
		if (log->lost[cpu] != 0)
			fprintf(out, "%" PRIu64 " records of cpu%u are lost\n", log->lost[cpu], cpu);
	if (log->bad_bytes != 0)
		fprintf(out, "%" PRIu64 " bytes of the stream are damaged\n", log->bad_bytes);
}
