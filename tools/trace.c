/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `hypike trace`: shows what a machine recorded, in the form that is wanted.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "tools/command.h"
#include "tools/trace_names.h"
#include "tools/trace_output.h"
#include "tools/util.h"

enum {
	OPTION_CTF = 256,
	OPTION_JSON,
	OPTION_SUMMARY,
	OPTION_CHECK,
	OPTION_BOUND,
	OPTION_HELP,
};

struct trace_command {
	const char *file;
	const char *ctf;
	const char *json;
};

static const char help[] =
	"Usage: hypike trace [OPTION...] FILE\n\n"
	"Shows what a machine recorded: FILE comes from `hypike boot --trace FILE'. A line an event:\n"
	"milliseconds since boot, CPU, event, partition, values. A time is told as its distance from\n"
	"the event (planned=-950ns: planned for 950 ns before).\n\n"
	"  --ctf DIR          write it as a CTF trace there, for babeltrace2\n"
	"  --json FILE        write it for Perfetto or Chrome's about:tracing\n"
	"  --help             this text\n\n"
	"Exit status: 0 done; 2 wrong usage; 3 a file is missing or is no trace.\n";

static const struct option options[] = {
	{"ctf", required_argument, NULL, OPTION_CTF},
	{"json", required_argument, NULL, OPTION_JSON},
	{"help", no_argument, NULL, OPTION_HELP},
	{NULL, 0, NULL, 0},
};

static bool set_option(struct trace_command *command, int value, const char *argument)
{
	switch (value) {
	case OPTION_CTF:
		command->ctf = argument;
		return true;
	case OPTION_JSON:
		command->json = argument;
		return true;
	default:
		return false;
	}
}

static bool write_json(const struct trace_command *command, const struct trace_log *log)
{
	FILE *out = fopen(command->json, "w");

	if (out == NULL)
		return report("%s: could not be written", command->json);
	trace_write_json(log, out);
	return fclose(out) == 0 || report("%s: could not be written", command->json);
}

static int show(const struct trace_command *command, const struct trace_log *log)
{
	if (command->ctf != NULL && !trace_write_ctf(log, command->ctf))
		return EXIT_INPUT;
	if (command->json != NULL && !write_json(command, log))
		return EXIT_INPUT;
	if (command->ctf == NULL && command->json == NULL)
		trace_write_text(log, stdout);
	trace_write_losses(log, stderr);
	return EXIT_OK;
}

static int run(const struct trace_command *command)
{
	struct bytes bytes;
	struct trace_log log;
	const char *why;
	int code;

	if (!file_read(command->file, &bytes))
		return EXIT_INPUT;
	if (!trace_parse(bytes.data, bytes.size, &log, &why)) {
		report("%s: %s", command->file, why);
		return EXIT_INPUT;
	}
	code = show(command, &log);
	trace_free(&log);
	return code;
}

int command_trace(int argc, char **argv)
{
	struct trace_command command = {0};
	int value;

	while ((value = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (value == OPTION_HELP) {
			fputs(help, stdout);
			return EXIT_OK;
		}
		if (value == '?' || !set_option(&command, value, optarg))
			return EXIT_USAGE;
	}
	if (optind != argc - 1) {
		report("trace: give one FILE; `hypike trace --help' tells more");
		return EXIT_USAGE;
	}
	command.file = argv[optind];
	return run(&command);
}
