/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `hypike trace`: shows what a machine recorded, in the form that is wanted, or compares it with the
 * plan.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/attach.h"
#include "tools/command.h"
#include "tools/config.h"
#include "tools/image.h"
#include "tools/trace_check.h"
#include "tools/trace_output.h"
#include "tools/trace_summary.h"

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
	const char *ctf, *json, *check;
	bool summary;
	int64_t bound;
};

static const char help[] =
	"Usage: hypike trace [OPTION...] FILE\n\n"
	"Shows what a machine recorded: FILE comes from `hypike boot --trace FILE'. A line an event:\n"
	"milliseconds since boot, CPU, event, partition, values. A time is told as its distance from\n"
	"the event (planned=-950ns: planned for 950 ns before).\n\n"
	"  --summary          time, windows, exits and messages of each partition\n"
	"  --check SYSTEM     compare it with the plan of a configuration, of what `hypike build' made\n"
	"                     of it, or of a system image: does each window begin, and on time?\n"
	"  --bound TIME       how late a window may begin: 20us, 1ms, 500ns (100us)\n"
	"  --ctf DIR          write it as a CTF trace there, for babeltrace2\n"
	"  --json FILE        write it for Perfetto or Chrome's about:tracing; with --summary or\n"
	"                     --check the figures; `-' is the standard output\n"
	"  --help             this text\n\n"
	"Exit status: 0 done, and as planned; 1 not as planned; 2 wrong usage; 3 a file is missing or\n"
	"is no trace.\n";

static const struct option options[] = {
	{"ctf", required_argument, NULL, OPTION_CTF},
	{"json", required_argument, NULL, OPTION_JSON},
	{"summary", no_argument, NULL, OPTION_SUMMARY},
	{"check", required_argument, NULL, OPTION_CHECK},
	{"bound", required_argument, NULL, OPTION_BOUND},
	{"help", no_argument, NULL, OPTION_HELP},
	{NULL, 0, NULL, 0},
};

/* ---- options ---- */

static bool set_bound(struct trace_command *command, const char *text)
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} units[] = {{"ns", 1}, {"us", 1000}, {"ms", 1000000}};
	size_t digits = strspn(text, "0123456789");
	char *number = string_format("%.*s", (int)digits, text);
	uint64_t value = 0;
	bool ok = parse_number(number, 0, 1000000000, &value);

	free(number);
	for (size_t i = 0; ok && i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(text + digits, units[i].unit) == 0) {
			command->bound = (int64_t)(value * units[i].ns);
			return true;
		}
	return report("--bound %s: no time such as 20us, 1ms or 500ns", text);
}

static bool set_option(struct trace_command *command, int value, const char *argument)
{
	switch (value) {
	case OPTION_CTF:
		return (command->ctf = argument) != NULL;
	case OPTION_JSON:
		return (command->json = argument) != NULL;
	case OPTION_CHECK:
		return (command->check = argument) != NULL;
	case OPTION_SUMMARY:
		return command->summary = true;
	case OPTION_BOUND:
		return set_bound(command, argument);
	default:
		return false;
	}
}

static bool options_agree(const struct trace_command *command, int argc)
{
	if (optind != argc - 1)
		return report("trace: give one FILE; `hypike trace --help' tells more");
	if (command->summary && command->check != NULL)
		return report("trace: --summary or --check, one of them");
	if (command->bound != TRACE_BOUND_DEFAULT && command->check == NULL)
		return report("trace: --bound goes with --check");
	return true;
}

/* ---- the JSON file ---- */

static FILE *open_json(const struct trace_command *command)
{
	FILE *out = strcmp(command->json, "-") == 0 ? stdout : fopen(command->json, "w");

	if (out == NULL)
		report("%s: could not be written", command->json);
	return out;
}

static int close_json(const struct trace_command *command, FILE *out)
{
	bool bad = fflush(out) != 0 || ferror(out) != 0;

	if (out != stdout)
		fclose(out);
	if (bad)
		report("%s: could not be written", command->json);
	return bad ? EXIT_INPUT : EXIT_OK;
}

/* ---- what is asked for ---- */

static int show_events(const struct trace_command *command, const struct trace_log *log)
{
	int code = EXIT_OK;
	FILE *out;

	if (command->ctf != NULL && !trace_write_ctf(log, command->ctf))
		return EXIT_INPUT;
	if (command->json != NULL) {
		out = open_json(command);
		if (out == NULL)
			return EXIT_INPUT;
		trace_write_json(log, out);
		code = close_json(command, out);
	}
	if (command->ctf == NULL && command->json == NULL)
		trace_write_text(log, stdout);
	trace_write_losses(log, stderr);
	return code;
}

static int show_summary(const struct trace_command *command, const struct trace_log *log)
{
	struct trace_summary *summary = memory_new(sizeof(*summary));
	int code = EXIT_OK;
	FILE *out;

	trace_summary_make(log, summary);
	if (command->json == NULL) {
		trace_summary_text(summary, log, stdout);
	} else if ((out = open_json(command)) != NULL) {
		trace_summary_json(summary, log, out);
		code = close_json(command, out);
	} else {
		code = EXIT_INPUT;
	}
	free(summary);
	return code;
}

static int show_verdict(const struct trace_command *command, const struct trace_verdict *verdict,
			const struct trace_log *log, const struct system_image *image)
{
	FILE *out;

	if (command->json == NULL) {
		trace_verdict_text(verdict, log, image, stdout);
	} else {
		out = open_json(command);
		if (out == NULL)
			return EXIT_INPUT;
		trace_verdict_json(verdict, log, out);
		if (close_json(command, out) != EXIT_OK)
			return EXIT_INPUT;
	}
	return verdict->violations == 0 ? EXIT_OK : EXIT_SYSTEM;
}

/* ---- the plan ---- */

static bool read_config(const char *path, struct bytes *system)
{
	struct model model = {0};
	bool ok = config_load(path, &model) && image_make(&model, system);

	model_free(&model);
	return ok;
}

/*
 * A configuration, a file that boots, or a system image.
 * @param file   the caller's to free in any case
 * @param system lies in it
 */
static bool read_system(const char *path, struct bytes *file, struct bytes *system)
{
	bool ok = config_is(path) ? read_config(path, file) : file_read(path, file);

	if (ok && !attach_find(file, system))
		*system = *file;
	return ok && image_check(path, system);
}

static int compare(const struct trace_command *command, const struct trace_log *log,
		   const struct system_image *image)
{
	struct trace_verdict verdict;
	const char *why;
	int code;

	if (!trace_check(log, image, command->bound, &verdict, &why)) {
		report("%s: %s", command->check, why);
		return EXIT_INPUT;
	}
	code = show_verdict(command, &verdict, log, image);
	trace_verdict_free(&verdict);
	return code;
}

static int check(const struct trace_command *command, const struct trace_log *log)
{
	struct bytes file = {0}, system;
	struct system_image_error error;
	struct system_image image;
	int code = EXIT_INPUT;

	if (read_system(command->check, &file, &system) &&
	    system_image_open(system.data, system.size, &image, &error))
		code = compare(command, log, &image);
	free(file.data);
	return code;
}

/* ---- the command ---- */

static int show(const struct trace_command *command, const struct trace_log *log)
{
	if (command->check != NULL)
		return check(command, log);
	return command->summary ? show_summary(command, log) : show_events(command, log);
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
		free(bytes.data);
		return EXIT_INPUT;
	}
	code = show(command, &log);
	trace_free(&log);
	free(bytes.data);
	return code;
}

int command_trace(int argc, char **argv)
{
	struct trace_command command = {.bound = TRACE_BOUND_DEFAULT};
	int value;

	while ((value = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (value == OPTION_HELP) {
			fputs(help, stdout);
			return EXIT_OK;
		}
		if (value == '?' || !set_option(&command, value, optarg))
			return EXIT_USAGE;
	}
	if (!options_agree(&command, argc))
		return EXIT_USAGE;
	command.file = argv[optind];
	return run(&command);
}
