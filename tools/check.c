/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `hypike check`: is a configuration a well-formed system, and what does it look like?
 */
#include <getopt.h>
#include <stdio.h>

#include "tools/command.h"
#include "tools/config.h"
#include "tools/picture.h"

enum { OPTION_PICTURE = 256, OPTION_SVG, OPTION_JSON, OPTION_STRICT, OPTION_PLAN, OPTION_SCHEMA };

struct check {
	bool picture, json, strict, description, schema;
	const char *svg;
};

static const struct option options[] = {
	{"picture", no_argument, NULL, OPTION_PICTURE},
	{"svg", required_argument, NULL, OPTION_SVG},
	{"json", no_argument, NULL, OPTION_JSON},
	{"strict", no_argument, NULL, OPTION_STRICT},
	{"description-only", no_argument, NULL, OPTION_PLAN},
	{"schema", no_argument, NULL, OPTION_SCHEMA},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static void print_help(void)
{
	printf("Usage: hypike check [OPTION...] FILE\n\n"
	       "Checks a configuration: every error at once, with its place. Status 0: it is well-formed;\n"
	       "3: it is not.\n\n"
	       "  --picture           print memory and schedule\n"
	       "  --svg FILE          draw them into a file\n"
	       "  --json              result, errors and warnings as JSON on stdout\n"
	       "  --strict            warnings are errors\n"
	       "  --description-only  don't look at kernels, programs and other files that it names\n"
	       "  --schema            print the JSON Schema of configurations (no FILE)\n"
	       "  --help              this text\n");
}

static bool take_option(struct check *check, int value)
{
	switch (value) {
	case OPTION_PICTURE:
		return check->picture = true;
	case OPTION_SVG:
		return (check->svg = optarg) != NULL;
	case OPTION_JSON:
		return check->json = true;
	case OPTION_STRICT:
		return check->strict = true;
	case OPTION_PLAN:
		return check->description = true;
	case OPTION_SCHEMA:
		return check->schema = true;
	default:
		return false;
	}
}

static void print_json(const struct model *model, bool ok)
{
	printf("{\"ok\": %s, \"errors\": %zu, \"warnings\": %zu, \"complaints\": ",
	       ok ? "true" : "false", model->complaints->errors, model->complaints->warnings);
	complaints_print_json(model->complaints, stdout);
	puts("}");
}

static bool read_and_check(const struct check *check, const char *path, struct model *model)
{
	const bool ok = config_read(path, model);

	if (model->complaints == NULL)
		return false; /* there is no such file */
	if (!check->description)
		model_load(model);
	if (!check->json)
		complaints_print(model->complaints, stderr);
	return ok && model->complaints->errors == 0 &&
	       (!check->strict || model->complaints->warnings == 0);
}

static bool draw(const struct check *check, const struct model *model)
{
	FILE *out;

	if (check->picture)
		picture_text(model, stdout);
	if (check->svg == NULL)
		return true;
	out = fopen(check->svg, "w");
	if (out == NULL)
		return report("%s: could not be written", check->svg);
	picture_svg(model, out);
	return fclose(out) == 0 || report("%s: could not be written", check->svg);
}

static int run(const struct check *check, const char *path)
{
	struct model model = {0};
	bool ok = read_and_check(check, path, &model);

	if (model.complaints != NULL && check->json)
		print_json(&model, ok);
	if (ok)
		ok = draw(check, &model);
	model_free(&model);
	return ok ? EXIT_OK : EXIT_INPUT;
}

int command_check(int argc, char **argv)
{
	struct check check = {0};
	int value;

	while ((value = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (value == 'h') {
			print_help();
			return EXIT_OK;
		}
		if (value == '?' || !take_option(&check, value))
			return EXIT_USAGE;
	}
	if (check.schema && optind == argc) {
		config_schema_print(stdout);
		return EXIT_OK;
	}
	if (optind + 1 != argc || check.schema) {
		report("check: give one FILE; `hypike check --help' tells more");
		return EXIT_USAGE;
	}
	return run(&check, argv[optind]);
}
