/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/trace_spans.h"

#include <stdlib.h>

#include "tools/util.h"

/* What is on at a CPU. */
struct on {
	struct trace_span window, run;
	bool in_window, in_run;
	uint64_t last; /* TSC of the last record */
};

static void add(struct trace_span_list *list, struct trace_span span)
{
	/* The room doubles: it is full whenever the count is a power of two. */
	if ((list->count & (list->count - 1)) == 0)
		list->span = memory_grow(list->span, list->count ? 2 * list->count : 1,
					 sizeof(*list->span));
	list->span[list->count++] = span;
}

static void end_window(struct trace_spans *spans, struct on *on, uint64_t at, bool cut)
{
	on->window.end = at;
	on->window.cut = cut;
	if (on->in_window)
		add(&spans->windows, on->window);
	on->in_window = false;
}

static void end_run(struct trace_spans *spans, struct on *on, uint64_t at, bool cut)
{
	on->run.end = at;
	on->run.cut = cut;
	if (on->in_run)
		add(&spans->runs, on->run);
	on->in_run = false;
}

static void cut_both(struct trace_spans *spans, struct on *on)
{
	end_window(spans, on, on->last, true);
	end_run(spans, on, on->last, true);
}

static void begin_window(struct on *on, const struct trace_event_item *item)
{
	on->in_window = item->record.b != SYSTEM_NONE;
	on->window = (struct trace_span){
		.begin = item->record.tsc,
		.planned = item->record.a,
		.cpu = item->cpu,
		.partition = item->record.partition,
		.index = item->record.b,
	};
}

static void begin_run(struct on *on, const struct trace_event_item *item)
{
	on->in_run = true;
	on->run = (struct trace_span){
		.begin = item->record.tsc,
		.cpu = item->cpu,
		.partition = item->record.partition,
		.index = (uint32_t)item->record.a,
		.priority = item->record.b,
	};
}

void trace_spans_make(const struct trace_log *log, struct trace_spans *spans)
{
	struct on *on = memory_new(log->cpu_count * sizeof(*on));

	*spans = (struct trace_spans){0};
	for (size_t i = 0; i < log->count; i++) {
		const struct trace_event_item *item = &log->items[i];
		struct on *here = &on[item->cpu];

		if (item->gap)
			cut_both(spans, here);
		here->last = item->record.tsc;
		if (item->record.event == TRACE_WINDOW) {
			end_window(spans, here, here->last, false);
			begin_window(here, item);
		} else if (item->record.event == TRACE_DISPATCH) {
			end_run(spans, here, here->last, false);
			begin_run(here, item);
		}
	}
	for (uint32_t cpu = 0; cpu < log->cpu_count; cpu++)
		cut_both(spans, &on[cpu]);
	free(on);
}

void trace_spans_free(struct trace_spans *spans)
{
	free(spans->windows.span);
	free(spans->runs.span);
}

int64_t trace_span_late(const struct trace_log *log, const struct trace_span *window)
{
	return trace_ticks_ns(log, (int64_t)(window->begin - window->planned));
}
