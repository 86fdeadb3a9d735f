/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `hypike timeline`: a trace as a picture, for a browser or a document.
 */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/command.h"
#include "tools/timeline.h"
#include "tools/util.h"

enum { OPTION_SVG = 256, OPTION_FROM, OPTION_TO };

struct timeline {
	const char *file, *output;
	bool svg, has_from, has_to;
	int64_t from, to;
};

static const char help[] =
	"Usage: hypike timeline [OPTION...] FILE -o OUT\n\n"
	"Draws what a machine recorded (`hypike boot --trace FILE') over time: windows and who ran, for\n"
	"each CPU and each partition, with exits, messages and health events, as one HTML page that\n"
	"needs no network. In it the wheel zooms, dragging moves, `?' tells the keys.\n\n"
	"  -o, --output OUT   where to write it\n"
	"  --svg              a picture for documents instead\n"
	"  --from TIME        what it begins with, in milliseconds since boot (the first record)\n"
	"  --to TIME          what it ends with (the last record)\n"
	"  --help             this text\n\n"
	"Exit status: 0 done; 2 wrong usage; 3 a file is missing or is no trace.\n";

static const struct option options[] = {
	{"output", required_argument, NULL, 'o'},
	{"svg", no_argument, NULL, OPTION_SVG},
	{"from", required_argument, NULL, OPTION_FROM},
	{"to", required_argument, NULL, OPTION_TO},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static bool set_time(const char *option, const char *text, int64_t *ns)
{
	char *end;
	double ms = strtod(text, &end);

	if (end == text || *end != '\0' || !isfinite(ms) || fabs(ms) > 1e9)
		return report("--%s %s: no number of milliseconds", option, text);
	*ns = (int64_t)(ms * 1e6);
	return true;
}

static bool set_option(struct timeline *timeline, int value, const char *argument)
{
	switch (value) {
	case 'o':
		return (timeline->output = argument) != NULL;
	case OPTION_SVG:
		return timeline->svg = true;
	case OPTION_FROM:
		timeline->has_from = true;
		return set_time("from", argument, &timeline->from);
	case OPTION_TO:
		timeline->has_to = true;
		return set_time("to", argument, &timeline->to);
	default:
		return false;
	}
}

static bool options_agree(const struct timeline *timeline, int argc)
{
	if (optind != argc - 1 || timeline->output == NULL)
		return report("timeline: give one FILE and -o OUT; `hypike timeline --help' tells more");
	if ((timeline->has_from || timeline->has_to) && !timeline->svg)
		return report("timeline: --from and --to go with --svg; the page shows all");
	return true;
}

static bool choose_range(struct timeline *timeline, const struct trace_log *log)
{
	if (!timeline->has_from && log->count != 0)
		timeline->from = trace_ns(log, log->items[0].record.tsc);
	if (!timeline->has_to)
		timeline->to = log->count != 0
				       ? trace_ns(log, log->items[log->count - 1].record.tsc)
				       : timeline->from;
	if (!timeline->has_to && timeline->to <= timeline->from)
		timeline->to = timeline->from + 1;
	return timeline->to > timeline->from || report("timeline: --to is not behind --from");
}

static bool write_it(const struct timeline *timeline, const struct trace_log *log)
{
	FILE *out = fopen(timeline->output, "w");
	bool bad;

	if (out == NULL)
		return report("%s: could not be written", timeline->output);
	if (timeline->svg)
		timeline_svg(log, timeline->from, timeline->to, out);
	else
		timeline_html(log, path_base(timeline->file), out);
	bad = ferror(out) != 0;
	return (fclose(out) == 0 && !bad) || report("%s: could not be written", timeline->output);
}

static int run(struct timeline *timeline)
{
	struct trace_log log;
	struct bytes bytes;
	const char *why;
	bool ok;

	if (!file_read(timeline->file, &bytes))
		return EXIT_INPUT;
	if (!trace_parse(bytes.data, bytes.size, &log, &why)) {
		report("%s: %s", timeline->file, why);
		free(bytes.data);
		return EXIT_INPUT;
	}
	ok = choose_range(timeline, &log);
	if (ok)
		ok = write_it(timeline, &log);
	trace_free(&log);
	free(bytes.data);
	return ok ? EXIT_OK : EXIT_INPUT;
}

int command_timeline(int argc, char **argv)
{
	struct timeline timeline = {0};
	int value;

	while ((value = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
		if (value == 'h') {
			fputs(help, stdout);
			return EXIT_OK;
		}
		if (value == '?' || !set_option(&timeline, value, optarg))
			return EXIT_USAGE;
	}
	if (!options_agree(&timeline, argc))
		return EXIT_USAGE;
	timeline.file = argv[optind];
	return run(&timeline);
}
