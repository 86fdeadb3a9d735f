/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * As the page shows it, but standing still. Colours follow the reader's choice of light or dark.
 */
#include <inttypes.h>

#include "tools/timeline.h"
#include "tools/trace_names.h"
#include "tools/trace_spans.h"

#define WIDTH	 960
#define LEFT	 110 /* names */
#define RIGHT	 20
#define AXIS	 26
#define WINDOW_H 18
#define RUN_H	 7
#define LANE_H	 16
#define GAP	 8
#define COLORS	 10u

/* A piece of time, and where it is on the paper. */
struct paper {
	const struct trace_log *log;
	FILE *out;
	int64_t from, to;
	double height;
};

static const char style[] =
	"<style>\n"
	"text { font: 12px 'DejaVu Sans', sans-serif; fill: #1b1f24; }\n"
	".dim { fill: #59636e; font-size: 11px; } .line { stroke: #d5dbe1; } .band { fill: #f3f5f8; }\n"
	".in { fill: #fff; font-size: 11px; } .back { fill: #fff; } .bad { fill: #c4202b; }\n"
	".c0 { fill: #3f7fd0; } .c1 { fill: #b9650c; } .c2 { fill: #2f8550; } .c3 { fill: #a45bc4; }\n"
	".c4 { fill: #c25468; } .c5 { fill: #24828a; } .c6 { fill: #8a7a2d; } .c7 { fill: #6a6fd0; }\n"
	".c8 { fill: #b0713f; } .c9 { fill: #5c8a3a; } .w { opacity: .3; }\n"
	"@media (prefers-color-scheme: dark) {\n"
	"text { fill: #e8ebee; } .dim { fill: #9aa4af; } .line { stroke: #343b44; }\n"
	".band { fill: #1d2228; } .in { fill: #fff; } .back { fill: #14171b; } .bad { fill: #ff6b70; }\n"
	"}\n</style>\n";

static double x_of(const struct paper *paper, uint64_t tsc)
{
	/* A damaged trace has times of all sizes. */
	double part = ((double)trace_ns(paper->log, tsc) - (double)paper->from) /
		      (double)(paper->to - paper->from);
	double clipped = part < 0 ? 0 : part > 1 ? 1 : part;

	return LEFT + clipped * (WIDTH - LEFT - RIGHT);
}

static bool in_sight(const struct paper *paper, const struct trace_span *span)
{
	return trace_ns(paper->log, span->end) >= paper->from &&
	       trace_ns(paper->log, span->begin) <= paper->to;
}

/* ---- pieces ---- */

static void write_bar(const struct paper *paper, const struct trace_span *span, double y, double h,
		      const char *more)
{
	double x = x_of(paper, span->begin), w = x_of(paper, span->end) - x;

	if (span->partition < paper->log->partition_count)
		fprintf(paper->out,
			"<rect class=\"c%u%s\" x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%.1f\"/>\n",
			span->partition % COLORS, more, x, y, w < 0.3 ? 0.3 : w, h);
}

/* Names have no characters that XML minds but these. */
static void write_escaped(const char *text, FILE *out)
{
	for (; *text != '\0'; text++)
		if (*text == '&' || *text == '<' || *text == '>')
			fprintf(out, "&#%d;", *text);
		else
			fputc(*text, out);
}

static void write_label(const struct paper *paper, const char *class, const char *anchor, double x,
			double y, const char *text)
{
	fprintf(paper->out, "<text class=\"%s\" text-anchor=\"%s\" x=\"%.1f\" y=\"%.1f\">", class,
		anchor, x, y);
	write_escaped(text, paper->out);
	fputs("</text>\n", paper->out);
}

#define CHARACTER 6.4 /* about as wide as one is */

static void write_window_name(const struct paper *paper, const struct trace_span *span, double y)
{
	const char *name = trace_partition_name(paper->log, span->partition);
	double x = x_of(paper, span->begin), w = x_of(paper, span->end) - x;
	size_t length = 0;

	while (name[length] != '\0')
		length++;
	if (w > (double)length * CHARACTER + 2)
		write_label(paper, "in", "middle", x + w / 2, y, name);
}

/* ---- the axis ---- */

static const struct unit {
	int64_t ns;
	const char *name;
} units[] = {{1000000000, "s"}, {1000000, "ms"}, {1000, "\xc2\xb5s"}, {1, "ns"}};

/* The step between two marks: 1, 2 or 5 times a power of ten. */
static int64_t step_for(int64_t length)
{
	static const int64_t factors[] = {1, 2, 5};
	int64_t step = 1;

	for (int64_t power = 1; power < INT64_MAX / 100; power *= 10)
		for (unsigned i = 0; i < 3; i++) {
			step = power * factors[i];
			if (length / step <= 8)
				return step;
		}
	return step;
}

static const struct unit *unit_for(int64_t step)
{
	unsigned i = 0;

	while (i < 3 && units[i].ns > step * 10)
		i++;
	return &units[i];
}

static void write_axis(const struct paper *paper)
{
	int64_t step = step_for(paper->to - paper->from);
	const struct unit *unit = unit_for(step);
	char text[64];

	write_label(paper, "dim", "start", 8, 17, "since boot");
	for (int64_t t = (paper->from + step - 1) / step * step; t <= paper->to; t += step) {
		double x = LEFT + (double)(t - paper->from) / (double)(paper->to - paper->from) *
					  (WIDTH - LEFT - RIGHT);

		fprintf(paper->out, "<path class=\"line\" d=\"M%.1f %dV%.1f\"/>\n", x, AXIS - 4,
			paper->height);
		snprintf(text, sizeof(text), "%g %s", (double)t / (double)unit->ns, unit->name);
		write_label(paper, "dim", "middle", x, 17, text);
	}
}

/* ---- rows ---- */

static void write_band(const struct paper *paper, double y, double h)
{
	fprintf(paper->out,
		"<rect class=\"band\" x=\"0\" y=\"%.1f\" width=\"%d\" height=\"%.1f\"/>\n", y, WIDTH, h);
}

static void write_cpu(const struct paper *paper, const struct trace_spans *spans, uint32_t cpu,
		      double y)
{
	char name[16];

	snprintf(name, sizeof(name), "CPU %u", cpu);
	write_label(paper, "", "start", 8, y + 15, name);
	for (size_t i = 0; i < spans->windows.count; i++) {
		const struct trace_span *span = &spans->windows.span[i];

		if (span->cpu != cpu || !in_sight(paper, span))
			continue;
		write_bar(paper, span, y, WINDOW_H, "");
		write_window_name(paper, span, y + 13);
	}
	for (size_t i = 0; i < spans->runs.count; i++)
		if (spans->runs.span[i].cpu == cpu && in_sight(paper, &spans->runs.span[i]))
			write_bar(paper, &spans->runs.span[i], y + WINDOW_H + 1, RUN_H, "");
}

static void write_health(const struct paper *paper, uint32_t partition, double y)
{
	for (size_t i = 0; i < paper->log->count; i++) {
		const struct trace_record *record = &paper->log->items[i].record;
		int64_t ns = trace_ns(paper->log, record->tsc);

		if (record->event == TRACE_HEALTH && record->partition == partition &&
		    ns >= paper->from && ns <= paper->to)
			fprintf(paper->out, "<path class=\"bad\" d=\"M%.1f %.1fl5 5l-5 5l-5-5z\"/>\n",
				x_of(paper, record->tsc), y);
	}
}

static void write_partition(const struct paper *paper, const struct trace_spans *spans,
			    uint32_t partition, double y)
{
	write_label(paper, "", "start", 8, y + 12, paper->log->partitions[partition]);
	for (size_t i = 0; i < spans->windows.count; i++)
		if (spans->windows.span[i].partition == partition &&
		    in_sight(paper, &spans->windows.span[i]))
			write_bar(paper, &spans->windows.span[i], y, LANE_H, " w");
	for (size_t i = 0; i < spans->runs.count; i++)
		if (spans->runs.span[i].partition == partition && in_sight(paper, &spans->runs.span[i]))
			write_bar(paper, &spans->runs.span[i], y + 4, LANE_H - 8, "");
	write_health(paper, partition, y + 3);
}

static void write_rows(const struct paper *paper, const struct trace_spans *spans)
{
	double y = AXIS + GAP;

	for (uint32_t cpu = 0; cpu < paper->log->cpu_count; cpu++) {
		write_cpu(paper, spans, cpu, y);
		y += WINDOW_H + RUN_H + GAP;
	}
	for (uint32_t i = 0; i < paper->log->partition_count; i++) {
		write_partition(paper, spans, i, y);
		y += LANE_H + GAP;
	}
}

static void write_bands(const struct paper *paper)
{
	double y = AXIS + GAP;
	uint32_t row = 0;

	for (; row < paper->log->cpu_count; row++) {
		if (row % 2 == 0)
			write_band(paper, y - GAP / 2.0, WINDOW_H + RUN_H + GAP);
		y += WINDOW_H + RUN_H + GAP;
	}
	for (uint32_t i = 0; i < paper->log->partition_count; i++, row++) {
		if (row % 2 == 0)
			write_band(paper, y - GAP / 2.0, LANE_H + GAP);
		y += LANE_H + GAP;
	}
}

void timeline_svg(const struct trace_log *log, int64_t from, int64_t to, FILE *out)
{
	struct paper paper = {
		.log = log,
		.out = out,
		.from = from,
		.to = to,
		.height = AXIS + GAP + log->cpu_count * (double)(WINDOW_H + RUN_H + GAP) +
			  log->partition_count * (double)(LANE_H + GAP),
	};
	struct trace_spans spans;

	trace_spans_make(log, &spans);
	fprintf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %.0f\" role=\"img\" "
		"aria-label=\"windows and running partitions over time\">\n%s"
		"<rect class=\"back\" width=\"%d\" height=\"%.0f\"/>\n",
		WIDTH, paper.height, style, WIDTH, paper.height);
	write_bands(&paper);
	write_axis(&paper);
	write_rows(&paper, &spans);
	fputs("</svg>\n", out);
	trace_spans_free(&spans);
}
