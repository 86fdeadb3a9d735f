/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The result of trace_check() as text and as JSON.
 */
#include <inttypes.h>

#include "tools/trace_check.h"
#include "tools/trace_output.h"

#define US INT64_C(1000)

static const int64_t bucket_ends[TRACE_BUCKETS] = {
	US / 2,	  US,	    2 * US,   5 * US,	 10 * US,   20 * US,  50 * US,
	100 * US, 200 * US, 500 * US, 1000 * US, 2000 * US, INT64_MAX,
};

int64_t trace_bucket_end(unsigned bucket)
{
	return bucket_ends[bucket];
}

#define BAR 50u /* columns of the longest bar */

static uint64_t greatest(const struct trace_verdict *verdict)
{
	uint64_t most = 1;

	for (unsigned i = 0; i < TRACE_BUCKETS; i++)
		most = verdict->histogram[i] > most ? verdict->histogram[i] : most;
	return most;
}

static void write_bucket_name(unsigned bucket, FILE *out)
{
	if (bucket == TRACE_BUCKETS - 1)
		fprintf(out, "  from %7.1f us", (double)bucket_ends[bucket - 1] / US);
	else
		fprintf(out, " below %7.1f us", (double)bucket_ends[bucket] / US);
}

static void write_histogram(const struct trace_verdict *verdict, FILE *out)
{
	uint64_t most = greatest(verdict);

	fputs("\nstart of windows behind the plan:\n", out);
	for (unsigned i = 0; i < TRACE_BUCKETS; i++) {
		uint64_t count = verdict->histogram[i];

		if (count == 0)
			continue;
		write_bucket_name(i, out);
		fprintf(out, " %8" PRIu64 " ", count);
		for (uint64_t k = 0; k * most < count * BAR; k++)
			fputc('#', out);
		fputc('\n', out);
	}
}

static double mean(const struct trace_jitter *jitter)
{
	return jitter->count != 0 ? jitter->sum / (double)jitter->count : 0;
}

static void write_window(const struct trace_jitter *jitter, uint32_t index,
			 const struct system_image *image, FILE *out)
{
	const struct system_window *window = &image->windows[index];

	if (jitter->count != 0)
		fprintf(out, "%6u %4u  %-16s %8" PRIu64 " %10.1f %10.1f %10.1f\n", index, window->cpu,
			image->partitions[window->partition].name, jitter->count,
			(double)jitter->least / US, mean(jitter) / US, (double)jitter->most / US);
}

static void write_windows(const struct trace_verdict *verdict, const struct system_image *image,
			  FILE *out)
{
	fputs("\nwindow  CPU  partition           begun   least us    mean us    most us\n", out);
	for (uint32_t i = 0; i < verdict->window_count; i++)
		write_window(&verdict->windows[i], i, image, out);
}

void trace_verdict_text(const struct trace_verdict *verdict, const struct trace_log *log,
			const struct system_image *image, FILE *out)
{
	fprintf(out,
		"%" PRIu64 " frames, %" PRIu64 " windows, %" PRIu64 " plan switches (each CPU's); "
		"a window may begin %.1f us late\n",
		verdict->frames, verdict->all.count, verdict->switches, (double)verdict->bound / US);
	trace_write_losses(log, out);
	write_histogram(verdict, out);
	write_windows(verdict, image, out);
	fputc('\n', out);
	for (size_t i = 0; i < verdict->message_count; i++)
		fprintf(out, "%s\n", verdict->messages[i]);
	if (verdict->violations > verdict->message_count)
		fprintf(out, "... and %" PRIu64 " more\n", verdict->violations - verdict->message_count);
	if (verdict->violations == 0)
		fprintf(out, "as planned: the latest window began %.1f us behind the plan\n",
			(double)verdict->all.most / US);
	else
		fprintf(out, "NOT as planned: %" PRIu64 " violations, %" PRIu64 " windows missing\n",
			verdict->violations, verdict->missing);
}

/* ---- JSON ---- */

static void write_jitter(const struct trace_jitter *jitter, FILE *out)
{
	fprintf(out,
		"\"count\": %" PRIu64 ", \"least_ns\": %" PRId64 ", \"mean_ns\": %.1f, "
		"\"most_ns\": %" PRId64,
		jitter->count, jitter->least, mean(jitter), jitter->most);
}

static void write_json_histogram(const struct trace_verdict *verdict, FILE *out)
{
	fputs(" \"histogram\": [", out);
	for (unsigned i = 0; i < TRACE_BUCKETS; i++) {
		fprintf(out, "%s{\"below_ns\": ", i ? ", " : "");
		if (i == TRACE_BUCKETS - 1)
			fputs("null", out);
		else
			fprintf(out, "%" PRId64, bucket_ends[i]);
		fprintf(out, ", \"count\": %" PRIu64 "}", verdict->histogram[i]);
	}
	fputs("],\n", out);
}

static void write_json_windows(const struct trace_verdict *verdict, FILE *out)
{
	fputs(" \"windows\": [", out);
	for (uint32_t i = 0; i < verdict->window_count; i++) {
		fprintf(out, "%s\n  {\"window\": %u, ", i ? "," : "", i);
		write_jitter(&verdict->windows[i], out);
		fputc('}', out);
	}
	fputs("],\n", out);
}

void trace_verdict_json(const struct trace_verdict *verdict, const struct trace_log *log, FILE *out)
{
	uint64_t lost = 0;

	for (uint32_t cpu = 0; cpu < log->cpu_count; cpu++)
		lost += log->lost[cpu];
	fprintf(out,
		"{\"bound_ns\": %" PRId64 ", \"frames\": %" PRIu64 ", \"switches\": %" PRIu64
		", \"violations\": %" PRIu64 ", \"missing\": %" PRIu64 ", \"lost_records\": %" PRIu64
		", \"bad_bytes\": %" PRIu64 ",\n \"all\": {",
		verdict->bound, verdict->frames, verdict->switches, verdict->violations,
		verdict->missing, lost, log->bad_bytes);
	write_jitter(&verdict->all, out);
	fputs("},\n", out);
	write_json_histogram(verdict, out);
	write_json_windows(verdict, out);
	fputs(" \"messages\": [", out);
	for (size_t i = 0; i < verdict->message_count; i++) {
		fputs(i ? ",\n  " : "\n  ", out);
		trace_write_string(verdict->messages[i], out);
	}
	fputs("]}\n", out);
}
